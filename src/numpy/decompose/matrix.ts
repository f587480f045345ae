/**
 * Matrix: float64 rows that decompositions work on, and the few operations on vectors that they are made of. Must not know arrays' dtypes or graphs.
 * Next: lu.ts, cholesky.ts, qr.ts, eigh.ts, svd.ts, eig.ts decompose matrices, expm.ts exponentiates them; ops/matrix_op.ts makes ops of them.
 */
import { fail } from "../../util/fail.js";

/** The distance from 1 to the next float64. */
export const EPSILON = 2 ** -52;

export class Matrix {
  readonly rows: number;
  readonly cols: number;
  /** Row-major. */
  readonly data: Float64Array;

  constructor(rows: number, cols: number, data: Float64Array = new Float64Array(rows * cols)) {
    this.rows = rows;
    this.cols = cols;
    this.data = data;
  }

  at(i: number, j: number): number {
    return this.data[i * this.cols + j] as number;
  }

  set(i: number, j: number, x: number): void {
    this.data[i * this.cols + j] = x;
  }

  /** Row i; what is written to it is written to the matrix. */
  row(i: number): Float64Array {
    return this.data.subarray(i * this.cols, (i + 1) * this.cols);
  }

  copy(): Matrix {
    return new Matrix(this.rows, this.cols, this.data.slice());
  }

  /** The transpose, a copy. */
  get T(): Matrix {
    return Matrix.from(this.cols, this.rows, (i, j) => this.at(j, i));
  }

  static from(rows: number, cols: number, element: (i: number, j: number) => number): Matrix {
    const out = new Matrix(rows, cols);
    for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) out.set(i, j, element(i, j));
    return out;
  }

  /** A copy of a matrix, of a vector as a column, of a scalar as a matrix of one element. */
  static of({ data, shape: [rows = 1, cols = 1] }: { readonly data: ArrayLike<number>; readonly shape: readonly number[] }): Matrix {
    return new Matrix(rows, cols, Float64Array.from(data));
  }

  static identity(n: number): Matrix {
    return Matrix.from(n, n, (i, j) => Number(i === j));
  }
}

/** The matrix itself. Error: `linalg-square`. */
export function square(a: Matrix): Matrix {
  return a.rows === a.cols ? a : fail("linalg", "linalg-square", { what: `A square matrix is needed, got one of ${a.rows} rows and ${a.cols} columns.`, fix: "pass as many rows as columns" });
}

/** The greatest magnitude among the elements, or 1 where all are 0: what is divided by it cannot overflow. Error: `linalg-finite`. */
export function scaleOf(a: Matrix): number {
  const scale = a.data.reduce((most, x) => (Math.abs(x) <= most ? most : Math.abs(x)), 0);
  if (!Number.isFinite(scale) || a.data.some(Number.isNaN)) {
    fail("linalg", "linalg-finite", { what: `A matrix of ${a.rows} rows and ${a.cols} columns holds ${a.data.find((x) => !Number.isFinite(x))}, and cannot be decomposed.`, fix: "look for what computed it: compile with { mode: \"debug\" }, which stops where a NaN is made" });
  }
  return scale === 0 ? 1 : scale;
}

export const scaled = (a: Matrix, by: number): Matrix => new Matrix(a.rows, a.cols, a.data.map((x) => x * by));
/** Not the product with the inverse of `by`, which may be infinite. */
export const divided = (a: Matrix, by: number): Matrix => new Matrix(a.rows, a.cols, a.data.map((x) => x / by));

/** The sum of x[i] y[i] for i from … to. */
export function dot(x: Float64Array, y: Float64Array, from = 0, to = x.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (x[i] as number) * (y[i] as number);
  return sum;
}

/** The length of x from an index on, of elements of any magnitude. */
export function norm(x: Float64Array, from = 0): number {
  let most = 0;
  for (let i = from; i < x.length; i++) most = Math.max(most, Math.abs(x[i] as number));
  if (most === 0 || !Number.isFinite(most)) return most;
  let sum = 0;
  for (let i = from; i < x.length; i++) sum += ((x[i] as number) / most) ** 2;
  return most * Math.sqrt(sum);
}

/** y += a x, from an index on. */
export function addTimes(y: Float64Array, a: number, x: Float64Array, from = 0): void {
  for (let i = from; i < y.length; i++) y[i] = (y[i] as number) + a * (x[i] as number);
}

/** (x, y) becomes (c x - s y, s x + c y). */
export function rotate(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let i = 0; i < x.length; i++) {
    const p = x[i] as number;
    const q = y[i] as number;
    x[i] = c * p - s * q;
    y[i] = s * p + c * q;
  }
}

export function product(a: Matrix, b: Matrix): Matrix {
  const out = new Matrix(a.rows, b.cols);
  for (let i = 0; i < a.rows; i++) for (let k = 0; k < a.cols; k++) addTimes(out.row(i), a.at(i, k), b.row(k));
  return out;
}
