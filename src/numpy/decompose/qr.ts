/**
 * QR by Householder reflections H = I - tau v vᵀ with LAPACK's choice of signs (dlarfg, dgeqr2), so that factors have NumPy's signs. Columns are kept
 * as rows of the transpose, which memory has in order. Must not know arrays or graphs.
 */
import { addTimes, dot, Matrix, norm } from "./matrix.js";

export interface Reflections {
  /** Row k: column k of R down to its diagonal, then the vector of reflection k after its leading 1. What LAPACK leaves, transposed. */
  readonly columns: Matrix;
  readonly tau: Float64Array;
}

/** x becomes (…, beta, v), where the reflection by (1, v) sends x from position k on to (beta, 0, …). Gives tau, 0 where there is nothing to do. */
export function makeReflection(x: Float64Array, k: number): number {
  const below = norm(x, k + 1);
  if (below === 0) return 0;
  const alpha = x[k] as number;
  const beta = (alpha < 0 ? 1 : -1) * Math.hypot(alpha, below);
  for (let i = k + 1; i < x.length; i++) x[i] = (x[i] as number) / (alpha - beta);
  x[k] = beta;
  return (beta - alpha) / beta;
}

/** y becomes H y, for the reflection by (1, v) from position k on. */
export function reflect(y: Float64Array, v: Float64Array, tau: number, k: number): void {
  const along = tau * ((y[k] as number) + dot(v, y, k + 1));
  y[k] = (y[k] as number) - along;
  addTimes(y, -along, v, k + 1);
}

export function reflections(a: Matrix): Reflections {
  const columns = a.T;
  const tau = new Float64Array(Math.min(a.rows, a.cols));
  for (let k = 0; k < tau.length; k++) {
    const v = columns.row(k);
    tau[k] = makeReflection(v, k);
    for (let j = k + 1; j < a.cols; j++) reflect(columns.row(j), v, tau[k] as number, k);
  }
  return { columns, tau };
}

/** The first `count` columns of the product of all reflections, as rows; reflection k starts at position k + `offset`. */
export function orthonormalRows({ columns, tau }: Reflections, count: number, offset = 0): Matrix {
  const rows = Matrix.from(count, columns.cols, (i, j) => Number(i === j));
  for (let k = tau.length - 1; k >= 0; k--) {
    for (let j = k + offset; j < count; j++) reflect(rows.row(j), columns.row(k), tau[k] as number, k + offset);
  }
  return rows;
}

/** Q of [m, min(m, n)] with orthonormal columns and R upper triangular, Q R = a. */
export function qrFactors(a: Matrix): { readonly q: Matrix; readonly r: Matrix } {
  const made = reflections(a);
  const k = made.tau.length;
  return { q: orthonormalRows(made, k).T, r: Matrix.from(k, a.cols, (i, j) => (i <= j ? made.columns.at(j, i) : 0)) };
}

/** a's orthonormal columns followed by as many as make the matrix square and orthogonal. */
export function completeColumns(a: Matrix): Matrix {
  if (a.cols >= a.rows) return a;
  const all = orthonormalRows(reflections(a), a.rows).T;
  return Matrix.from(a.rows, a.rows, (i, j) => (j < a.cols ? a : all).at(i, j));
}
