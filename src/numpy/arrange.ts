/**
 * NumPy's functions that move elements of host arrays without computing: reshape, transpose, concatenate, stack, take, sort, diag.
 * Results are copies unless said otherwise. Must not know graphs or devices.
 */
import { allocate, castScalar, promote } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { asarray } from "./convert.js";
import type { Size } from "./create.js";
import { type ArrayLike, NdArray, type Shape, sizeOf, stridesOf } from "./ndarray.js";
import { normaliseAxis } from "./reduce.js";

/** The same elements under another shape, one of whose lengths may be -1 (what is left); shares storage. Throws `np-reshape`. */
export function reshape(value: ArrayLike, size: Size): NdArray {
  const a = asarray(value);
  const asked = typeof size === "number" ? [size] : [...size];
  const known = sizeOf(asked.filter((d) => d !== -1));
  const shape = asked.map((d) => (d === -1 && known > 0 ? a.size / known : d));
  const unknown = asked.filter((d) => d === -1).length;
  if (unknown > 1 || shape.some((d) => !Number.isInteger(d) || d < 0) || sizeOf(shape) !== a.size) {
    fail("value", "np-reshape", { what: `Cannot reshape ${a} into (${asked.join(", ")}).`, fix: "the number of elements must stay the same; at most one length may be -1" });
  }
  return a.reshape(shape);
}

/** One dimension, shares storage. */
export const ravel = (value: ArrayLike): NdArray => reshape(value, -1);

/** The axes in the order `axes` gives, reversed without it. Throws `np-transpose`. */
export function transpose(value: ArrayLike, axes?: readonly number[]): NdArray {
  const a = asarray(value);
  const order = (axes ?? a.shape.map((_, i) => a.ndim - 1 - i)).map((x) => normaliseAxis(x, a.ndim));
  if (order.length !== a.ndim || new Set(order).size !== a.ndim) {
    fail("value", "np-transpose", { what: `(${order.join(", ")}) is not an order of the ${a.ndim} axes of ${a}.`, fix: "name every axis once" });
  }
  const strides = stridesOf(a.shape);
  const shape = order.map((ax) => a.shape[ax] as number);
  return gather(a, shape, order.map((ax) => strides[ax] as number));
}

/** The view with these strides, copied out in row-major order. */
function gather(a: NdArray, shape: Shape, step: readonly number[]): NdArray {
  const out = allocate(a.dtype, sizeOf(shape));
  let at = 0;
  const walk = (axis: number, offset: number): void => {
    if (axis === shape.length) {
      out[at++] = a.data[offset] as number;
      return;
    }
    for (let i = 0; i < (shape[axis] as number); i++) walk(axis + 1, offset + i * (step[axis] as number));
  };
  walk(0, 0);
  return new NdArray(out, shape, a.dtype);
}

/** Joins arrays along an existing axis (default 0). Throws `np-concatenate`. */
export function concatenate(values: readonly ArrayLike[], { axis = 0 }: { readonly axis?: number } = {}): NdArray {
  const parts = values.map((v) => asarray(v));
  const first = parts[0];
  if (first === undefined) fail("value", "np-concatenate", { what: "concatenate needs at least one array.", fix: "pass a non-empty list" });
  const at = normaliseAxis(axis, first.ndim);
  for (const p of parts) {
    if (p.ndim !== first.ndim || p.shape.some((d, i) => i !== at && d !== first.shape[i])) {
      fail("value", "np-concatenate-shape", { what: `The arrays differ in another axis than ${axis}.`, saw: parts.map(String), fix: "all lengths but those of the joined axis must be equal" });
    }
  }
  const dtype = promote(...parts.map((p) => p.dtype));
  const shape = first.shape.map((d, i) => (i === at ? parts.reduce((n, p) => n + (p.shape[at] as number), 0) : d));
  const out = allocate(dtype, sizeOf(shape));
  const outer = sizeOf(shape.slice(0, at));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const p of parts) {
      const block = p.size / outer;
      for (let i = 0; i < block; i++) out[to++] = castScalar(p.data[o * block + i] as number, dtype);
    }
  }
  return new NdArray(out, shape, dtype);
}

/** Joins arrays of one shape along a new axis (default 0). Throws `np-concatenate`, `np-concatenate-shape`. */
export function stack(values: readonly ArrayLike[], { axis = 0 }: { readonly axis?: number } = {}): NdArray {
  const parts = values.map((v) => asarray(v));
  const at = normaliseAxis(axis, (parts[0]?.ndim ?? 0) + 1);
  return concatenate(parts.map((p) => p.reshape([...p.shape.slice(0, at), 1, ...p.shape.slice(at)])), { axis: at });
}

const atLeast2d = (v: ArrayLike): NdArray => {
  const a = asarray(v);
  return a.ndim < 2 ? a.reshape([1, a.size]) : a;
};
/** Arrays under each other; vectors are rows. Throws as `concatenate`. */
export const vstack = (values: readonly ArrayLike[]): NdArray => concatenate(values.map(atLeast2d));
/** Arrays beside each other: vectors end to end, others along the second axis. Throws as `concatenate`. */
export function hstack(values: readonly ArrayLike[]): NdArray {
  const parts = values.map((v) => asarray(v)).map((a) => (a.ndim === 0 ? a.reshape([1]) : a));
  return concatenate(parts, { axis: (parts[0]?.ndim ?? 1) === 1 ? 0 : 1 });
}

/** Entries of `axis` (default 0) at `indices`, negative ones from the end: `a[indices]`. Throws `np-take`. */
export function take(value: ArrayLike, indices: ArrayLike, { axis = 0 }: { readonly axis?: number } = {}): NdArray {
  const a = asarray(value);
  const at = normaliseAxis(axis, a.ndim);
  const index = asarray(indices);
  const length = a.shape[at] as number;
  const inner = stridesOf(a.shape)[at] as number;
  const outer = sizeOf(a.shape.slice(0, at));
  const out = allocate(a.dtype, outer * index.size * inner);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const asked of index.data) {
      const i = asked < 0 ? asked + length : asked;
      if (!Number.isInteger(i) || i < 0 || i >= length) fail("index", "np-take", { what: `Index ${asked} is outside axis ${axis} of ${a}.`, fix: `use an integer of ${-length} … ${length - 1}` });
      const from = (o * length + i) * inner;
      out.set(a.data.subarray(from, from + inner), to);
      to += inner;
    }
  }
  return new NdArray(out, [...a.shape.slice(0, at), ...index.shape, ...a.shape.slice(at + 1)], a.dtype);
}

/** Numbers rising, NaN last. */
const rising = (x: number, y: number): number => (Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : Number.isNaN(y) ? -1 : x - y || 0);

/** Indices that sort the last axis, equal elements in their old order. */
export function argsort(value: ArrayLike): NdArray {
  const a = asarray(value);
  const n = a.shape.at(-1) ?? 1;
  const out = new Int32Array(a.size);
  for (let row = 0; row < a.size; row += n) {
    const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => rising(a.data[row + i] as number, a.data[row + j] as number));
    out.set(order, row);
  }
  return new NdArray(out, a.shape, "int32");
}

/** The elements of the last axis in rising order. */
export function sort(value: ArrayLike): NdArray {
  const a = asarray(value).copy();
  const n = a.shape.at(-1) ?? 1;
  for (let row = 0; row < a.size; row += n) a.data.subarray(row, row + n).sort();
  return a;
}

/** A diagonal of a matrix, the k-th above the main one: `np.diagonal`. Throws `np-diagonal`. */
export function diagonal(value: ArrayLike, k = 0): NdArray {
  const a = asarray(value);
  if (a.ndim !== 2) fail("value", "np-diagonal", { what: `Only matrices have diagonals here, not ${a}.`, fix: "pass a matrix; `diag` makes one of a vector" });
  const [n, m] = a.shape as [number, number];
  const [row, column] = [Math.max(0, -k), Math.max(0, k)];
  const places = Array.from({ length: Math.max(0, Math.min(n - row, m - column)) }, (_, i) => (row + i) * m + column + i);
  return take(ravel(a), Int32Array.from(places));
}

/** Of a matrix its k-th diagonal; of a vector the square matrix that has it there and zeros elsewhere. Throws `np-diagonal`. */
export function diag(value: ArrayLike, k = 0): NdArray {
  const a = asarray(value);
  if (a.ndim !== 1) return diagonal(a, k);
  const n = a.size + Math.abs(k);
  const out = NdArray.zeros([n, n], a.dtype);
  for (let i = 0; i < a.size; i++) out.data[(i + Math.max(0, -k)) * n + i + Math.max(0, k)] = a.data[i] as number;
  return out;
}
