/**
 * Real eigenvalues and eigenvectors of square matrices: reflections to Hessenberg form, QR steps with real shifts to triangular form, and back
 * substitution (Golub and Van Loan, Matrix Computations, sections 7.4 to 7.6). There are no complex numbers here. Must not know arrays or graphs.
 */
import { fail } from "../../util/fail.js";
import { addTimes, divided, dot, EPSILON, Matrix, norm, product, scaleOf, square } from "./matrix.js";
import { makeReflection, reflect } from "./qr.js";

/** More steps than any real eigenvalue has been seen to need. */
const MOST_STEPS = 100;
/** After so many steps a shift from elsewhere breaks a circle. */
const CIRCLE = 10;

/** h = Qᵀ a Q, triangular in the end, and q = Q. */
interface Schur { readonly h: Matrix; readonly q: Matrix }

/** Makes h zero below the first subdiagonal. */
function toHessenberg({ h, q }: Schur): void {
  for (let k = 0; k + 2 < h.rows; k++) {
    const v = Float64Array.from({ length: h.rows }, (_, i) => h.at(i, k));
    const tau = makeReflection(v, k + 1);
    if (tau === 0) continue;
    const along = new Float64Array(h.cols);
    for (let i = k + 1; i < h.rows; i++) addTimes(along, tau * (i === k + 1 ? 1 : (v[i] as number)), h.row(i));
    for (let i = k + 1; i < h.rows; i++) addTimes(h.row(i), -(i === k + 1 ? 1 : (v[i] as number)), along);
    for (let i = k + 2; i < h.rows; i++) h.set(i, k, 0);
    for (let i = 0; i < h.rows; i++) {
      reflect(h.row(i), v, tau, k + 1);
      reflect(q.row(i), v, tau, k + 1);
    }
  }
}

/** The first row of the block that ends at `last` and does not fall apart, up to rounding beside the greatest element, which is 1. */
function blockStart(h: Matrix, last: number): number {
  let first = last;
  while (first > 0 && Math.abs(h.at(first, first - 1)) > EPSILON * Math.max(1, Math.abs(h.at(first, first)) + Math.abs(h.at(first - 1, first - 1)))) first--;
  if (first > 0) h.set(first, first - 1, 0);
  return first;
}

/** The eigenvalue of the last 2 by 2 block that is nearer to its last element; its real part, or null for the whole block, where it is complex. */
function shiftOf(h: Matrix, first: number, last: number): number | null {
  const [a, b, c, d] = [h.at(last - 1, last - 1), h.at(last - 1, last), h.at(last, last - 1), h.at(last, last)];
  const half = (a - d) / 2;
  const discriminant = half * half + b * c;
  if (discriminant < 0) return first === last - 1 ? null : (a + d) / 2;
  const away = half + (half < 0 ? -1 : 1) * Math.sqrt(discriminant);
  return away === 0 ? d : d - (b * c) / away;
}

/** h - shift = Q R, then R Q + shift, on the rows and columns of a block; the rest of h is turned with it. */
function step({ h, q }: Schur, first: number, last: number, shift: number): void {
  const turns: [number, number][] = [];
  for (let i = first; i <= last; i++) h.set(i, i, h.at(i, i) - shift);
  for (let k = first; k < last; k++) {
    const r = Math.hypot(h.at(k, k), h.at(k + 1, k));
    const [c, s] = r === 0 ? [1, 0] : [h.at(k, k) / r, h.at(k + 1, k) / r];
    turns.push([c, s]);
    for (let j = k; j < h.cols; j++) {
      const [x, y] = [h.at(k, j), h.at(k + 1, j)];
      h.set(k, j, c * x + s * y);
      h.set(k + 1, j, c * y - s * x);
    }
  }
  turns.forEach(([c, s], n) => {
    turnColumns(h, first + n, c, s, Math.min(first + n + 2, last + 1));
    turnColumns(q, first + n, c, s, q.rows);
  });
  for (let i = first; i <= last; i++) h.set(i, i, h.at(i, i) + shift);
}

function turnColumns(a: Matrix, k: number, c: number, s: number, rows: number): void {
  for (let i = 0; i < rows; i++) {
    const [x, y] = [a.at(i, k), a.at(i, k + 1)];
    a.set(i, k, c * x + s * y);
    a.set(i, k + 1, c * y - s * x);
  }
}

function complex(n: number): never {
  fail("linalg", "linalg-complex", { what: `A matrix of ${n} rows has eigenvalues that are not real, and there is no complex dtype.`, fix: "use T.nlinalg.eigh for symmetric matrices, T.nlinalg.svd for others" });
}

function toTriangular(s: Schur): void {
  let steps = 0;
  for (let last = s.h.rows - 1; last > 0; ) {
    const first = blockStart(s.h, last);
    if (first === last) {
      last--;
      steps = 0;
      continue;
    }
    const shift = shiftOf(s.h, first, last);
    if (shift === null || ++steps > MOST_STEPS) complex(s.h.rows);
    step(s, first, last, steps % CIRCLE === 0 ? s.h.at(last, last) + Math.abs(s.h.at(last, last - 1)) : shift);
  }
}

/** Row j: the eigenvector of a triangular matrix for its diagonal element j. */
function triangularVectors(h: Matrix): Matrix {
  const out = new Matrix(h.rows, h.rows);
  for (let j = 0; j < h.rows; j++) {
    const x = out.row(j);
    x[j] = 1;
    for (let i = j - 1; i >= 0; i--) {
      const difference = h.at(i, i) - h.at(j, j);
      // An eigenvalue that repeats may have no second vector: what stands for it is nearly the first, as in LAPACK.
      x[i] = -dot(h.row(i), x, i + 1, j + 1) / (Math.abs(difference) < EPSILON ? EPSILON : difference);
    }
  }
  return out;
}

/** Eigenvalues and, as columns of length 1, right eigenvectors. Errors: `linalg-square`, `linalg-finite`, `linalg-complex`. */
export function realEigen(a: Matrix): { readonly values: Float64Array; readonly vectors: Matrix } {
  const n = square(a).rows;
  const scale = scaleOf(a);
  const s: Schur = { h: divided(a, scale), q: Matrix.identity(n) };
  toHessenberg(s);
  toTriangular(s);
  const vectors = product(triangularVectors(s.h), s.q.T);
  for (let j = 0; j < n; j++) {
    const length = norm(vectors.row(j));
    vectors.row(j).forEach((x, i, row) => {
      row[i] = x / length;
    });
  }
  return { values: Float64Array.from({ length: n }, (_, j) => s.h.at(j, j) * scale), vectors: vectors.T };
}
