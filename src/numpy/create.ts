/**
 * NumPy's constructors over host arrays: array, zeros, ones, full, eye, arange, linspace. Must not know graphs or devices.
 * convert.ts is asarray. Next: elementwise.ts, reduce.ts and linalg.ts compute with what these make.
 */
import { allocate, castScalar, type DType, toDType } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { asarray } from "./convert.js";
import { type ArrayLike, NdArray, type Shape, sizeOf } from "./ndarray.js";

/** A shape as NumPy takes it: a length or a list of lengths. */
export type Size = number | Shape;
/** `dtype` is any of Theano's names (`toDType`). */
export interface DTypeOption {
  readonly dtype?: string | undefined;
}

export interface LinspaceOptions extends DTypeOption {
  /** How many values: 50 by default. */
  readonly num?: number | undefined;
}

/** The lengths a size means. Throws `size` unless all are integers >= 0. */
export function shapeOf(size: Size): Shape {
  const shape = typeof size === "number" ? [size] : size;
  for (const d of shape) {
    if (!Number.isInteger(d) || d < 0) fail("value", "size", { what: `A size must consist of integers >= 0, got (${shape.join(", ")}).`, fix: "pass a length or a list of lengths" });
  }
  return shape;
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

/** Arrays of zeros or ones; float64 unless `dtype` says otherwise, and for `…Like` the shape and dtype of `a`. Throw `size`. */
export const zeros = (size: Size, options: DTypeOption = {}): NdArray => full(size, 0, options);
export const ones = (size: Size, options: DTypeOption = {}): NdArray => full(size, 1, options);
export const zerosLike = (a: ArrayLike, options: DTypeOption = {}): NdArray => like(a, 0, options);
export const onesLike = (a: ArrayLike, options: DTypeOption = {}): NdArray => like(a, 1, options);

function like(value: ArrayLike, x: number, options: DTypeOption): NdArray {
  const a = asarray(value);
  return full(a.shape, x, { dtype: options.dtype ?? a.dtype });
}

/** Arguments by position, of which options are the last. */
const isOptions = <O extends object>(x: number | O | undefined): x is O => typeof x === "object";

/** The identity, n rows and m (default n) columns: `eye(3)`, `eye(3, 4, { dtype })`, `eye(3, { dtype })`. */
export function eye(n: number, second: number | DTypeOption = n, options: DTypeOption = {}): NdArray {
  const [m, more] = isOptions(second) ? [n, second] : [second, options];
  const out = zeros([n, m], more);
  for (let i = 0; i < Math.min(n, m); i++) out.data[i * m + i] = 1;
  return out;
}

/**
 * `np.arange(stop)`, `np.arange(start, stop, step)`, options last: int32 when all are integers, else float64, or `{ dtype }`.
 * Length ceil((stop - start) / step), element i is start + i ((start + step) - start) as NumPy computes it. Throws `arange-step` for step 0.
 */
export function arange(startOrStop: number, ...rest: readonly (number | DTypeOption | undefined)[]): NdArray {
  const options = rest.find(isOptions<DTypeOption>) ?? {};
  const [stop, step = 1] = rest.filter((x) => typeof x === "number");
  const [start, end] = stop === undefined ? [0, startOrStop] : [startOrStop, stop];
  if (step === 0 || !Number.isFinite(end - start)) fail("value", "arange-step", { what: `arange(${start}, ${end}, ${step}) has no end.`, fix: "pass finite bounds and a step that is not 0" });
  const n = Math.max(0, Math.ceil((end - start) / step));
  const delta = start + step - start;
  const dtype = toDType(options.dtype ?? ([start, end, step].every(Number.isInteger) ? "int32" : "float64"));
  const data = allocate(dtype, n);
  for (let i = 0; i < n; i++) data[i] = castScalar(start + i * delta, dtype);
  return new NdArray(data, [n], dtype);
}

/** `num` (default 50) float64 values from start to stop, both included: `linspace(0, 1, 5)`, `linspace(0, 1, { num: 5 })`. */
export function linspace(start: number, stop: number, third: number | LinspaceOptions = {}, more: DTypeOption = {}): NdArray {
  const options: LinspaceOptions = isOptions(third) ? third : { ...more, num: third };
  const [n] = shapeOf(options.num ?? 50) as [number];
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
