/**
 * Singular values by one-sided Jacobi rotations on the triangle of a QR factorisation (Drmač and Veselić, New fast and accurate Jacobi SVD algorithm,
 * 2008), which finds small values as exactly as large ones; and the pseudo-inverse. Must not know arrays or graphs.
 */
import { impossible } from "../../util/fail.js";
import { divided, dot, EPSILON, Matrix, product, rotate, scaleOf } from "./matrix.js";
import { completeColumns, qrFactors } from "./qr.js";

/** More sweeps than any matrix has been seen to need. */
const MOST_SWEEPS = 60;

/** Squares of lengths below this, beside a greatest element of 1, have lost their digits: such a row counts as 0. */
const NEGLIGIBLE = 1e-280;

export interface Svd { readonly u: Matrix; readonly s: Float64Array; readonly vt: Matrix }

/** Rotates rows p and q of x until they are orthogonal, and the same rows of `turned`; false where they are up to rounding. */
function orthogonalise(x: Matrix, turned: Matrix, p: number, q: number): boolean {
  const [a, b] = [x.row(p), x.row(q)];
  const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
  if (aa < NEGLIGIBLE || bb < NEGLIGIBLE || Math.abs(ab) <= EPSILON * Math.sqrt(x.rows) * Math.sqrt(aa) * Math.sqrt(bb)) return false;
  const zeta = (bb - aa) / (2 * ab);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const c = 1 / Math.hypot(1, t);
  rotate(a, b, c, c * t);
  rotate(turned.row(p), turned.row(q), c, c * t);
  return true;
}

/** Makes all rows of x orthogonal. */
function sweepUntilOrthogonal(x: Matrix, turned: Matrix): void {
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let rotations = 0;
    for (let p = 0; p < x.rows; p++) for (let q = p + 1; q < x.rows; q++) if (orthogonalise(x, turned, p, q)) rotations++;
    if (rotations === 0) return;
  }
  impossible("singular values were not found");
}

/**
 * u [m, k], s descending and vt [k, n] with u diag(s) vt = a, k = min(m, n), orthonormal columns of u and rows of vt. Which of two opposite
 * vectors is found is not LAPACK's choice. Error: `linalg-finite`.
 */
export function singularValues(a: Matrix): Svd {
  if (a.rows < a.cols) {
    const { u, s, vt } = singularValues(a.T);
    return { u: vt.T, s, vt: u.T };
  }
  const scale = scaleOf(a);
  const { q, r } = qrFactors(divided(a, scale));
  const turned = Matrix.identity(a.cols);
  sweepUntilOrthogonal(r, turned);
  const squares = Float64Array.from({ length: r.rows }, (_, i) => dot(r.row(i), r.row(i)));
  const lengths = squares.map((x) => (x < NEGLIGIBLE ? 0 : Math.sqrt(x)));
  const order = Array.from(lengths, (_, i) => i).sort((i, j) => (lengths[j] as number) - (lengths[i] as number));
  const s = Float64Array.from(order, (i) => (lengths[i] as number) * scale);
  const rank = order.filter((i) => lengths[i] !== 0).length;
  const directions = Matrix.from(rank, a.cols, (i, j) => r.at(order[i] as number, j) / (lengths[order[i] as number] as number));
  return { u: product(Matrix.from(a.cols, a.cols, (i, j) => turned.at(order[i] as number, j)), q.T).T, s, vt: completeColumns(directions.T).T };
}

/** Singular values up to this part of the greatest count as 0: numpy.linalg.pinv's rcond. */
const LEAST_PART = 1e-15;

/** The Moore-Penrose pseudo-inverse. Error: `linalg-finite`. */
export function pseudoInverse(a: Matrix): Matrix {
  const { u, s, vt } = singularValues(a);
  const least = LEAST_PART * (s[0] ?? 0);
  return product(Matrix.from(vt.cols, vt.rows, (i, j) => ((s[j] as number) > least ? vt.at(j, i) / (s[j] as number) : 0)), u.T);
}
