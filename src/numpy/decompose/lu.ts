/**
 * LU with partial pivoting (Golub and Van Loan, Matrix Computations, algorithm 3.4.1), and what follows from it: determinants, linear systems,
 * inverses. Row operations only, so that memory is read in order. Must not know arrays or graphs.
 */
import { fail } from "../../util/fail.js";
import { addTimes, Matrix, square } from "./matrix.js";

interface Factors {
  /** U on and above the diagonal, L below it (its own diagonal is 1). */
  readonly lu: Matrix;
  /** Row i of L U is row `order[i]` of the matrix. */
  readonly order: readonly number[];
  /** The determinant of the order. */
  readonly sign: number;
}

function swapRows(a: Matrix, i: number, j: number): void {
  const kept = a.row(i).slice();
  a.row(i).set(a.row(j));
  a.row(j).set(kept);
}

/** The row from k on whose element in column k is greatest in magnitude. */
function pivotRow(a: Matrix, k: number): number {
  let best = k;
  for (let i = k + 1; i < a.rows; i++) if (Math.abs(a.at(i, k)) > Math.abs(a.at(best, k))) best = i;
  return best;
}

function factorise(a: Matrix): Factors {
  const lu = square(a).copy();
  const order = Array.from({ length: a.rows }, (_, i) => i);
  let sign = 1;
  for (let k = 0; k < a.rows; k++) {
    const p = pivotRow(lu, k);
    if (p !== k) {
      swapRows(lu, p, k);
      [order[p], order[k]] = [order[k] as number, order[p] as number];
      sign = -sign;
    }
    const pivot = lu.at(k, k);
    if (pivot === 0) continue;
    for (let i = k + 1; i < a.rows; i++) {
      const factor = lu.at(i, k) / pivot;
      lu.set(i, k, factor);
      addTimes(lu.row(i), -factor, lu.row(k), k + 1);
    }
  }
  return { lu, order, sign };
}

/** 1 for a matrix without rows. Error: `linalg-square`. */
export function determinant(a: Matrix): number {
  const { lu, sign } = factorise(a);
  let det = sign;
  for (let k = 0; k < a.rows; k++) det *= lu.at(k, k);
  return det;
}

/** How many unknowns there are. Errors: `linalg-square`, `solve-shape`. */
function unknowns(a: Matrix, b: Matrix): number {
  const n = square(a).rows;
  return b.rows === n ? n : fail("linalg", "solve-shape", { what: `${n} equations cannot be solved for right hand sides of ${b.rows} elements.`, fix: "give as many elements as the matrix has rows" });
}

export type Triangle = "lower" | "upper";

/** x with t x = b, where only the named triangle of t is read; `unit`: its diagonal counts as 1. Errors: `linalg-square`, `solve-shape`, `linalg-singular`. */
export function solveTriangular(t: Matrix, b: Matrix, triangle: Triangle, { unit = false }: { readonly unit?: boolean } = {}): Matrix {
  const n = unknowns(t, b);
  const x = b.copy();
  for (let step = 0; step < n; step++) {
    const i = triangle === "lower" ? step : n - 1 - step;
    const row = x.row(i);
    for (let k = triangle === "lower" ? 0 : i + 1; k < (triangle === "lower" ? i : n); k++) addTimes(row, -t.at(i, k), x.row(k));
    const pivot = unit ? 1 : t.at(i, i);
    if (pivot === 0) singular(n, i);
    for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) / pivot;
  }
  return x;
}

function singular(n: number, pivot: number): never {
  fail("linalg", "linalg-singular", { what: `A matrix of ${n} rows is singular: pivot ${pivot} is 0.`, fix: "add a small multiple of the identity, or use T.nlinalg.pinv" });
}

/** x with a x = b. Errors: `linalg-square`, `solve-shape`, `linalg-singular`. */
export function solve(a: Matrix, b: Matrix): Matrix {
  unknowns(a, b);
  const { lu, order } = factorise(a);
  const permuted = Matrix.from(b.rows, b.cols, (i, j) => b.at(order[i] as number, j));
  return solveTriangular(lu, solveTriangular(lu, permuted, "lower", { unit: true }), "upper");
}

/** Errors: `linalg-square`, `linalg-singular`. */
export const inverse = (a: Matrix): Matrix => solve(a, Matrix.identity(square(a).rows));
