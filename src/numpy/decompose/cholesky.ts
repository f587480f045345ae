/**
 * The Cholesky factor of a symmetric positive definite matrix, row by row (Golub and Van Loan, Matrix Computations, section 4.2). Must not know
 * arrays or graphs.
 */
import { dot, Matrix, square } from "./matrix.js";

/** Lower triangular L with L Lᵀ = a, of which only the lower triangle is read; null where a is not positive definite. Error: `linalg-square`. */
export function choleskyFactor(a: Matrix): Matrix | null {
  const l = new Matrix(square(a).rows, a.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < i; j++) l.set(i, j, (a.at(i, j) - dot(l.row(i), l.row(j), 0, j)) / l.at(j, j));
    const rest = a.at(i, i) - dot(l.row(i), l.row(i), 0, i);
    if (!(rest > 0)) return null;
    l.set(i, i, Math.sqrt(rest));
  }
  return l;
}
