/**
 * numpy.linalg on host arrays: the functions that scripts beside graphs call. Computed in float64; float32 arrays give float32 ones. Must not know
 * graphs. Next: decompose/ has the algorithms.
 */
import { fail } from "../util/fail.js";
import { asarray } from "./convert.js";
import { choleskyFactor } from "./decompose/cholesky.js";
import { realEigen } from "./decompose/eig.js";
import { symmetricEigen } from "./decompose/eigh.js";
import { determinant, inverse, solve as solveMatrix } from "./decompose/lu.js";
import { Matrix, norm as lengthOf } from "./decompose/matrix.js";
import { completeColumns, qrFactors } from "./decompose/qr.js";
import { pseudoInverse, singularValues } from "./decompose/svd.js";
import { type ArrayLike, NdArray } from "./ndarray.js";

type Float = "float32" | "float64";
const floatOf = (...arrays: readonly NdArray[]): Float => (arrays.every((a) => a.dtype === "float32") ? "float32" : "float64");

function readMatrix(x: ArrayLike): { readonly matrix: Matrix; readonly dtype: Float } {
  const a = asarray(x);
  if (a.ndim !== 2) fail("linalg", "np-matrix", { what: `A matrix is needed, got ${a}.`, fix: "reshape it to two axes" });
  return { matrix: Matrix.of(a), dtype: floatOf(a) };
}

const array = ({ data, rows, cols }: Matrix, dtype: Float): NdArray => new NdArray(data, [rows, cols], "float64").astype(dtype);
const vector = (data: Float64Array, dtype: Float): NdArray => new NdArray(data, [data.length], "float64").astype(dtype);

/** Throws `np-matrix`, `linalg-square`. */
export const det = (x: ArrayLike): number => determinant(readMatrix(x).matrix);

/** Throws `np-matrix`, `linalg-square`, `linalg-singular`. */
export function inv(x: ArrayLike): NdArray {
  const { matrix, dtype } = readMatrix(x);
  return array(inverse(matrix), dtype);
}

/** Throws `np-matrix`, `linalg-finite`. */
export function pinv(x: ArrayLike): NdArray {
  const { matrix, dtype } = readMatrix(x);
  return array(pseudoInverse(matrix), dtype);
}

/** x of b's shape with a x = b, b a vector or a matrix. Throws `np-matrix`, `linalg-square`, `solve-shape`, `linalg-singular`. */
export function solve(a: ArrayLike, b: ArrayLike): NdArray {
  const right = asarray(b);
  const { data } = solveMatrix(readMatrix(a).matrix, Matrix.of(right));
  return new NdArray(data, right.shape, "float64").astype(floatOf(asarray(a), right));
}

/** The lower factor. Throws `np-matrix`, `linalg-square`, `linalg-positive-definite`. */
export function cholesky(x: ArrayLike): NdArray {
  const { matrix, dtype } = readMatrix(x);
  const found = choleskyFactor(matrix) ?? fail("linalg", "linalg-positive-definite", { what: `A matrix of ${matrix.rows} rows is not positive definite.`, fix: "add a small multiple of the identity" });
  return array(found, dtype);
}

/** [w, v] of a matrix with real eigenvalues. Throws `np-matrix`, `linalg-square`, `linalg-finite`, `linalg-complex`. */
export function eig(x: ArrayLike): [NdArray, NdArray] {
  const { matrix, dtype } = readMatrix(x);
  const { values, vectors } = realEigen(matrix);
  return [vector(values, dtype), array(vectors, dtype)];
}

/** [w, v] of a symmetric matrix, of which the lower triangle is read. Throws `np-matrix`, `linalg-square`, `linalg-finite`. */
export function eigh(x: ArrayLike): [NdArray, NdArray] {
  const { matrix, dtype } = readMatrix(x);
  const { values, vectors } = symmetricEigen(matrix);
  return [vector(values, dtype), array(vectors, dtype)];
}

/** [u, s, vt]; u and vt square unless `fullMatrices` is false. Signs of vectors are not LAPACK's. Throws `np-matrix`, `linalg-finite`. */
export function svd(x: ArrayLike, { fullMatrices = true }: { readonly fullMatrices?: boolean } = {}): [NdArray, NdArray, NdArray] {
  const { matrix, dtype } = readMatrix(x);
  const { u, s, vt } = singularValues(matrix);
  const wide = (columns: Matrix): Matrix => (fullMatrices ? completeColumns(columns) : columns);
  return [array(wide(u), dtype), vector(s, dtype), array(wide(vt.T).T, dtype)];
}

/** [q, r] of [m, k] and [k, n], with NumPy's signs. Throws `np-matrix`. */
export function qr(x: ArrayLike): [NdArray, NdArray] {
  const { matrix, dtype } = readMatrix(x);
  const { q, r } = qrFactors(matrix);
  return [array(q, dtype), array(r, dtype)];
}

/** The root of the sum of squares of all elements: numpy.linalg.norm without an order. */
export const norm = (x: ArrayLike): number => lengthOf(Float64Array.from(asarray(x).data));
