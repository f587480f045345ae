/**
 * Products of host arrays: dot, matmul, outer. Sums run in float64 and are rounded once to the result's dtype, so the last bits may
 * differ from a BLAS. Must not know graphs or devices.
 */
import { allocate, castScalar, promote } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { asarray } from "./convert.js";
import { broadcastShapes, broadcastTo } from "./elementwise.js";
import { type ArrayLike, NdArray, sizeOf } from "./ndarray.js";

function inner(a: NdArray, b: NdArray, ka: number, kb: number): void {
  if (ka !== kb) fail("value", "np-dot", { what: `The inner lengths differ: ${ka} and ${kb}.`, saw: [`first: ${a}`, `second: ${b}`], fix: "the last axis of the first must be as long as the last but one of the second" });
}

/** Stacks of (m,k) by (k,n) products over equal leading shapes. */
function products(a: NdArray, b: NdArray, lead: readonly number[]): NdArray {
  const [m, k] = a.shape.slice(-2) as [number, number];
  const [, n] = b.shape.slice(-2) as [number, number];
  const dtype = promote(a.dtype, b.dtype);
  const out = allocate(dtype, sizeOf(lead) * m * n);
  const row = new Float64Array(n);
  for (let s = 0; s < sizeOf(lead); s++) {
    for (let i = 0; i < m; i++) {
      row.fill(0);
      for (let p = 0; p < k; p++) {
        const x = a.data[(s * m + i) * k + p] as number;
        const from = (s * k + p) * n;
        for (let j = 0; j < n; j++) row[j] = (row[j] as number) + x * (b.data[from + j] as number);
      }
      for (let j = 0; j < n; j++) out[(s * m + i) * n + j] = castScalar(row[j] as number, dtype);
    }
  }
  return new NdArray(out, [...lead, m, n], dtype);
}

/** `np.matmul`: leading axes broadcast; a vector is a row on the left and a column on the right. Throws `np-dot`, `np-matmul-scalar`. */
export function matmul(x: ArrayLike, y: ArrayLike): NdArray {
  const a = asarray(x);
  const b = asarray(y);
  if (a.ndim === 0 || b.ndim === 0) fail("value", "np-matmul-scalar", { what: "matmul needs arrays of at least one dimension.", fix: "use multiply for scalars" });
  const left = a.ndim === 1 ? a.reshape([1, a.size]) : a;
  const right = b.ndim === 1 ? b.reshape([b.size, 1]) : b;
  inner(a, b, left.shape.at(-1) as number, right.shape.at(-2) as number);
  const lead = broadcastShapes(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const out = products(broadcastTo(left, [...lead, ...left.shape.slice(-2)]), broadcastTo(right, [...lead, ...right.shape.slice(-2)]), lead);
  return out.reshape(out.shape.filter((_, i) => !(b.ndim === 1 && i === out.ndim - 1) && !(a.ndim === 1 && i === out.ndim - 2)));
}

/**
 * `np.dot`: the inner product of vectors (a number), matrix products, a scalar times an array; for more dimensions the sum over the
 * last axis of `x` and the last but one of `y`. Throws `np-dot`.
 */
export function dot(x: ArrayLike, y: ArrayLike): number | NdArray {
  const a = asarray(x);
  const b = asarray(y);
  if (a.ndim === 0 || b.ndim === 0) {
    const [s, v] = a.ndim === 0 ? [a, b] : [b, a];
    const out = products(s.reshape([1, 1]), v.reshape([1, v.size]), []).reshape(v.shape);
    return out.ndim === 0 ? Number(out.item()) : out;
  }
  const k = a.shape.at(-1) as number;
  const right = b.ndim === 1 ? b.reshape([k === b.size ? k : b.size, 1]) : b;
  inner(a, b, k, right.shape.at(-2) as number);
  if (b.ndim > 2) return dotStack(a, b, k);
  const out = products(a.reshape([k === 0 ? sizeOf(a.shape.slice(0, -1)) : a.size / k, k]), right, []);
  const shape = [...a.shape.slice(0, -1), ...(b.ndim === 1 ? [] : [b.shape[1] as number])];
  return shape.length === 0 ? Number(out.data[0]) : out.reshape(shape);
}

/** The result's axes are those of `a` without its last, then those of `b` without its last but one. */
function dotStack(a: NdArray, b: NdArray, k: number): NdArray {
  const rows = sizeOf(a.shape.slice(0, -1));
  const stacks = sizeOf(b.shape.slice(0, -2));
  const n = b.shape.at(-1) as number;
  const parts = products(broadcastTo(a.reshape([rows, k]), [stacks, rows, k]), b.reshape([stacks, k, n]), [stacks]);
  const out = allocate(parts.dtype, parts.size);
  for (let i = 0; i < rows; i++) {
    for (let s = 0; s < stacks; s++) for (let j = 0; j < n; j++) out[(i * stacks + s) * n + j] = parts.data[(s * rows + i) * n + j] as number;
  }
  return new NdArray(out, [...a.shape.slice(0, -1), ...b.shape.slice(0, -2), n], parts.dtype);
}

/** All products of two flattened arrays: (n,) and (m,) give (n, m). */
export function outer(x: ArrayLike, y: ArrayLike): NdArray {
  const a = asarray(x);
  const b = asarray(y);
  return products(a.reshape([a.size, 1]), b.reshape([1, b.size]), []);
}
