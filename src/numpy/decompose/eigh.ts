/**
 * Eigenvalues and eigenvectors of symmetric matrices: reflections to tridiagonal form, then QL steps with implicit shifts (Golub and Van Loan,
 * Matrix Computations, sections 8.3.1 and 8.3.3; EISPACK imtql2). Must not know arrays or graphs.
 */
import { impossible } from "../../util/fail.js";
import { addTimes, dot, EPSILON, Matrix, rotate, scaleOf, square } from "./matrix.js";
import { makeReflection, orthonormalRows } from "./qr.js";

/** More steps than any eigenvalue has been seen to need. */
const MOST_STEPS = 60;

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** Beside the diagonal; the last element is not used. */
  readonly beside: Float64Array;
  /** The columns of Q with Q T Qᵀ = a, as rows. */
  readonly basis: Matrix;
}

/** Overwrites a symmetric matrix. */
function tridiagonalise(a: Matrix): Tridiagonal {
  const n = a.rows;
  const beside = new Float64Array(n);
  const tau = new Float64Array(Math.max(0, n - 2));
  for (let k = 0; k < tau.length; k++) {
    const v = a.row(k);
    tau[k] = makeReflection(v, k + 1);
    if (tau[k] !== 0) reflectBothSides(a, v, tau[k] as number, k + 1);
  }
  for (let k = 0; k + 1 < n; k++) beside[k] = a.at(k, k + 1);
  return { diagonal: Float64Array.from({ length: n }, (_, k) => a.at(k, k)), beside, basis: orthonormalRows({ columns: a, tau }, n, 1) };
}

/** The block from `first` on becomes H B H: B - v wᵀ - w vᵀ with p = tau B v and w = p - tau/2 (pᵀv) v. */
function reflectBothSides(a: Matrix, stored: Float64Array, tau: number, first: number): void {
  const v = stored.slice();
  v.fill(0, 0, first);
  v[first] = 1;
  const w = Float64Array.from({ length: a.rows }, (_, i) => (i < first ? 0 : tau * dot(a.row(i), v, first)));
  addTimes(w, (-tau / 2) * dot(w, v, first), v, first);
  for (let i = first; i < a.rows; i++) {
    addTimes(a.row(i), -(v[i] as number), w, first);
    addTimes(a.row(i), -(w[i] as number), v, first);
  }
}

/** The first place from l on beside which the matrix is diagonal up to rounding. */
function blockEnd({ diagonal, beside }: Tridiagonal, l: number): number {
  let m = l;
  while (m + 1 < diagonal.length && Math.abs(beside[m] as number) > EPSILON * (Math.abs(diagonal[m] as number) + Math.abs(diagonal[m + 1] as number))) m++;
  return m;
}

/** One QL step on the block l … m, with the shift by the eigenvalue of its leading 2 by 2 block that is nearer to its first element. */
function step({ diagonal: d, beside: e, basis }: Tridiagonal, l: number, m: number): void {
  const ratio = ((d[l + 1] as number) - (d[l] as number)) / (2 * (e[l] as number));
  let bulge = (d[m] as number) - (d[l] as number) + (e[l] as number) / (ratio + (ratio < 0 ? -1 : 1) * Math.hypot(ratio, 1));
  let [c, s, moved] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const [f, b] = [s * (e[i] as number), c * (e[i] as number)];
    const r = Math.hypot(f, bulge);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] = (d[i + 1] as number) - moved;
      e[m] = 0;
      return;
    }
    [s, c] = [f / r, bulge / r];
    const g = (d[i + 1] as number) - moved;
    const t = ((d[i] as number) - g) * s + 2 * c * b;
    moved = s * t;
    d[i + 1] = g + moved;
    bulge = c * t - b;
    rotate(basis.row(i), basis.row(i + 1), c, s);
  }
  d[l] = (d[l] as number) - moved;
  e[l] = bulge;
  e[m] = 0;
}

/** Ascending eigenvalues and, as columns, orthonormal eigenvectors of a matrix of which only the lower triangle is read. Errors: `linalg-square`, `linalg-finite`. */
export function symmetricEigen(a: Matrix): { readonly values: Float64Array; readonly vectors: Matrix } {
  const n = square(a).rows;
  const scale = scaleOf(a);
  const t = tridiagonalise(Matrix.from(n, n, (i, j) => a.at(Math.max(i, j), Math.min(i, j)) / scale));
  for (let l = 0; l < n; l++) {
    let steps = 0;
    for (let m = blockEnd(t, l); m !== l; m = blockEnd(t, l)) {
      if (steps++ === MOST_STEPS) impossible("an eigenvalue of a symmetric matrix was not found");
      step(t, l, m);
    }
  }
  const order = Array.from(t.diagonal, (_, i) => i).sort((i, j) => (t.diagonal[i] as number) - (t.diagonal[j] as number));
  return { values: Float64Array.from(order, (i) => (t.diagonal[i] as number) * scale), vectors: Matrix.from(n, n, (i, j) => t.basis.at(order[j] as number, i)) };
}
