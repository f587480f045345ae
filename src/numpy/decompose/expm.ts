/**
 * The exponential of a square matrix by scaling, a Padé approximation and squaring (Golub and Van Loan, Matrix Computations, algorithm 11.3.1). Must
 * not know arrays or graphs.
 */
import { solve } from "./lu.js";
import { addTimes, Matrix, product, scaled, scaleOf, square } from "./matrix.js";

/** For matrices of norm up to 1/2 the error is far below rounding. */
const DEGREE = 8;

/** Errors: `linalg-square`, `linalg-finite`. */
export function exponential(a: Matrix): Matrix {
  const n = square(a).rows;
  const halvings = Math.max(0, Math.ceil(Math.log2(n) + Math.log2(scaleOf(a))) + 1);
  const x = scaled(a, 2 ** -halvings);
  const [above, below] = [Matrix.identity(n), Matrix.identity(n)];
  let power = Matrix.identity(n);
  let factor = 1;
  for (let k = 1; k <= DEGREE; k++) {
    factor *= (DEGREE - k + 1) / (k * (2 * DEGREE - k + 1));
    power = product(power, x);
    addTimes(above.data, factor, power.data);
    addTimes(below.data, k % 2 === 0 ? factor : -factor, power.data);
  }
  let made = solve(below, above);
  for (let k = 0; k < halvings; k++) made = product(made, made);
  return made;
}
