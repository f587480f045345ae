/**
 * NumPy's constructors over host arrays: asarray, zeros, ones, full, eye, arange, linspace. Must not know graphs or devices.
 * Next: elementwise.ts, reduce.ts and linalg.ts compute with what these make.
 */
import { allocate, castScalar, type DType, toDType, type TypedArray } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { type ArrayLike, NdArray, type Nested, nestedLeaves, nestedShape, type Shape, sizeOf } from "./ndarray.js";

/** A shape as NumPy takes it: a length or a list of lengths. */
export type Size = number | Shape;
/** `dtype` is any of Theano's names (`toDType`). */
export interface DTypeOption {
  readonly dtype?: string | undefined;
}

/** The lengths a size means. Throws `size` unless all are integers >= 0. */
export function shapeOf(size: Size): Shape {
  const shape = typeof size === "number" ? [size] : size;
  for (const d of shape) {
    if (!Number.isInteger(d) || d < 0) fail("value", "size", { what: `A size must consist of integers >= 0, got (${shape.join(", ")}).`, fix: "pass a length or a list of lengths" });
  }
  return shape;
}

/** The dtype of a typed array. Int8 … Uint32 and bigint arrays are not storage of damo; convert them first. */
function dtypeOfTyped(data: TypedArray): DType {
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  return "bool";
}

/** bool when every leaf is a boolean, int32 when every number is an integer of that range, else float64. */
function dtypeOfLeaves(leaves: readonly (number | boolean)[]): DType {
  if (leaves.length === 0) return "float64";
  if (leaves.every((x) => typeof x === "boolean")) return "bool";
  return leaves.every((x) => typeof x === "boolean" || ((x | 0) === x && !Object.is(x, -0))) ? "int32" : "float64";
}

function fromNested(value: Nested, dtype: DType | undefined): NdArray {
  const shape = nestedShape(value);
  const leaves = nestedLeaves(value);
  for (const x of leaves) {
    if (typeof x !== "number" && typeof x !== "boolean") {
      fail("type", "asarray-leaf", { what: `An array literal must hold numbers or booleans, got ${x === null ? "null" : typeof x}.`, fix: "pass nested arrays of numbers, a typed array or an NdArray" });
    }
  }
  const as = dtype ?? dtypeOfLeaves(leaves);
  const data = allocate(as, leaves.length);
  for (let i = 0; i < data.length; i++) data[i] = castScalar(Number(leaves[i]), as);
  return new NdArray(data, shape, as);
}

/**
 * `np.asarray`: an NdArray of anything array-like; no copy when it already is one of the dtype asked for.
 * Without `dtype`, typed arrays and NdArrays keep theirs (a Uint8Array is bool storage); nested literals are bool, int32 or float64.
 * JavaScript cannot tell 1.0 from 1, so `asarray([1.0])` is int32: pass `dtype` where it matters. Throws `asarray-leaf`, `ragged`, `dtype-name`.
 */
export function asarray(value: ArrayLike, { dtype }: DTypeOption = {}): NdArray {
  const want = dtype === undefined ? undefined : toDType(dtype);
  if (value instanceof NdArray) return want === undefined || want === value.dtype ? value : value.astype(want);
  if (ArrayBuffer.isView(value)) {
    const data = value as TypedArray;
    const asIs = dtypeOfTyped(data);
    if (want !== undefined && asIs === "bool" && want !== "bool") return new NdArray(Int32Array.from(data), [data.length], "int32").astype(want);
    const a = new NdArray(data, [data.length], asIs);
    return want === undefined || want === asIs ? a : a.astype(want);
  }
  return fromNested(value, want);
}

/** `np.array`: `asarray`, always a copy. */
export function array(value: ArrayLike, options: DTypeOption = {}): NdArray {
  const a = asarray(value, options);
  return value instanceof NdArray || ArrayBuffer.isView(value) ? a.copy() : a;
}

/** An array of one value; float64 unless `dtype` says otherwise. Throws `size`. */
export function full(size: Size, value: number | boolean, { dtype = "float64" }: DTypeOption = {}): NdArray {
  const shape = shapeOf(size);
  const as = toDType(dtype);
  const data = allocate(as, sizeOf(shape));
  data.fill(castScalar(Number(value), as));
  return new NdArray(data, shape, as);
}

export const zeros = (size: Size, options: DTypeOption = {}): NdArray => full(size, 0, options);
export const ones = (size: Size, options: DTypeOption = {}): NdArray => full(size, 1, options);
export const zerosLike = (a: ArrayLike, options: DTypeOption = {}): NdArray => like(a, 0, options);
export const onesLike = (a: ArrayLike, options: DTypeOption = {}): NdArray => like(a, 1, options);

function like(value: ArrayLike, x: number, options: DTypeOption): NdArray {
  const a = asarray(value);
  return full(a.shape, x, { dtype: options.dtype ?? a.dtype });
}

/** The identity, n rows and m (default n) columns. */
export function eye(n: number, m: number = n, options: DTypeOption = {}): NdArray {
  const out = zeros([n, m], options);
  for (let i = 0; i < Math.min(n, m); i++) out.data[i * m + i] = 1;
  return out;
}

/**
 * `np.arange(stop)`, `np.arange(start, stop, step)`: int32 when all are integers, else float64.
 * Length ceil((stop - start) / step), element i is start + i ((start + step) - start) as NumPy computes it. Throws `arange-step` for step 0.
 */
export function arange(startOrStop: number, stop?: number, step = 1, options: DTypeOption = {}): NdArray {
  const start = stop === undefined ? 0 : startOrStop;
  const end = stop === undefined ? startOrStop : stop;
  if (step === 0 || !Number.isFinite(end - start)) fail("value", "arange-step", { what: `arange(${start}, ${end}, ${step}) has no end.`, fix: "pass finite bounds and a step that is not 0" });
  const n = Math.max(0, Math.ceil((end - start) / step));
  const delta = start + step - start;
  const dtype = toDType(options.dtype ?? ([start, end, step].every(Number.isInteger) ? "int32" : "float64"));
  const data = allocate(dtype, n);
  for (let i = 0; i < n; i++) data[i] = castScalar(start + i * delta, dtype);
  return new NdArray(data, [n], dtype);
}

/** `num` (default 50) float64 values from start to stop, both included. */
export function linspace(start: number, stop: number, num = 50, options: DTypeOption = {}): NdArray {
  const [n] = shapeOf(num) as [number];
  const div = n - 1;
  const delta = stop - start;
  const step = delta / div;
  const data = Float64Array.from({ length: n }, (_, i) => (step === 0 ? (i / div) * delta : i * step) + start);
  if (n === 1) data[0] = start;
  if (n > 1) data[n - 1] = stop;
  const out = new NdArray(data, [n], "float64");
  return options.dtype === undefined ? out : out.astype(toDType(options.dtype));
}

/** `np.float32(x)` and its like: a number stays a number, anything else becomes an NdArray of the dtype. */
const caster = (dtype: DType): Cast => ((x: ArrayLike) => (typeof x === "number" ? castScalar(x, dtype) : asarray(x, { dtype }))) as Cast;
export interface Cast {
  (x: number): number;
  (x: ArrayLike): NdArray;
}
export const float32: Cast = caster("float32");
export const float64: Cast = caster("float64");
export const int32: Cast = caster("int32");
