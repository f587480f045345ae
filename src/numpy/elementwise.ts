/**
 * NumPy's elementwise functions with broadcasting, over host arrays. Numbers give numbers, arrays give NdArrays.
 * A number beside an array is weak, as a Python scalar is: float32 stays float32. Results are computed in float64 and rounded once.
 * Must not know graphs or devices.
 */
import { allocate, castScalar, type DType, isFloat, promote } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { asarray } from "./convert.js";
import { type ArrayLike, NdArray, type Shape, sizeOf, stridesOf } from "./ndarray.js";

/** The shape both broadcast to, NumPy's rule. Throws `np-broadcast`. */
export function broadcastShapes(a: Shape, b: Shape): number[] {
  const n = Math.max(a.length, b.length);
  return Array.from({ length: n }, (_, i) => {
    const x = a[i - n + a.length] ?? 1;
    const y = b[i - n + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      fail("value", "np-broadcast", { what: "The shapes do not broadcast together.", saw: [`(${a.join(", ")})`, `(${b.join(", ")})`], fix: "lengths must be equal or 1, aligned at the last axis" });
    }
    return x === 1 ? y : x;
  });
}

/** For every element of `shape` in row-major order, the offset of the element of an array of shape `from` that it shows. */
function offsets(from: Shape, shape: Shape): Int32Array {
  const lead = shape.length - from.length;
  const strides = stridesOf(from);
  const step = shape.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : (strides[axis - lead] as number)));
  const out = new Int32Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  let offset = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += step[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      offset -= (step[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}

/** `a` repeated to `shape` (a copy). Throws `np-broadcast` when it does not fit. */
export function broadcastTo(value: ArrayLike, shape: Shape): NdArray {
  const a = asarray(value);
  const fits = broadcastShapes(a.shape, shape);
  if (fits.length !== shape.length || fits.some((d, i) => d !== shape[i])) {
    fail("value", "np-broadcast-to", { what: `An array of shape (${a.shape.join(", ")}) cannot be broadcast to (${shape.join(", ")}).`, fix: "only axes of length 1 repeat" });
  }
  const at = offsets(a.shape, shape);
  const out = allocate(a.dtype, at.length);
  for (let i = 0; i < out.length; i++) out[i] = a.data[at[i] as number] as number;
  return new NdArray(out, shape, a.dtype);
}

type DTypeRule = (operands: DType) => DType;
const same: DTypeRule = (d) => d;
const numeric: DTypeRule = (d) => (d === "bool" ? "int32" : d);
const floating: DTypeRule = (d) => (isFloat(d) ? d : "float64");
const truth: DTypeRule = () => "bool";

export interface Unary {
  (x: number): number;
  (x: ArrayLike): NdArray;
}
export interface Binary {
  (x: number, y: number): number;
  (x: ArrayLike, y: ArrayLike): NdArray;
}
export interface Compare {
  (x: number, y: number): boolean;
  (x: ArrayLike, y: ArrayLike): NdArray;
}

function unary(f: (x: number) => number, rule: DTypeRule): Unary {
  const apply = (value: ArrayLike): number | NdArray => {
    if (typeof value === "number") return f(value);
    const a = asarray(value);
    const dtype = rule(a.dtype);
    const out = allocate(dtype, a.size);
    for (let i = 0; i < out.length; i++) out[i] = castScalar(f(a.data[i] as number), dtype);
    return new NdArray(out, a.shape, dtype);
  };
  return apply as Unary;
}

/** A number takes the array's dtype if that holds it, else float64. */
function operandDType(a: NdArray, b: NdArray, x: ArrayLike, y: ArrayLike): DType {
  const weak = (number: NdArray, array: NdArray): DType => (number.dtype === "float64" && isFloat(array.dtype) ? array.dtype : promote(number.dtype, array.dtype));
  if (typeof x === "number" && typeof y !== "number") return weak(a, b);
  if (typeof y === "number" && typeof x !== "number") return weak(b, a);
  return promote(a.dtype, b.dtype);
}

function binary(f: (x: number, y: number) => number, rule: DTypeRule): (x: ArrayLike, y: ArrayLike) => number | NdArray {
  return (x, y) => {
    if (typeof x === "number" && typeof y === "number") return f(x, y);
    const a = asarray(x);
    const b = asarray(y);
    const operands = operandDType(a, b, x, y);
    const dtype = rule(operands);
    const shape = broadcastShapes(a.shape, b.shape);
    const ai = offsets(a.shape, shape);
    const bi = offsets(b.shape, shape);
    const out = allocate(dtype, ai.length);
    for (let i = 0; i < out.length; i++) {
      const p = castScalar(a.data[ai[i] as number] as number, operands);
      const q = castScalar(b.data[bi[i] as number] as number, operands);
      out[i] = castScalar(f(p, q), dtype);
    }
    return new NdArray(out, shape, dtype);
  };
}

/** NaN wins, as in NumPy's maximum and minimum. */
const larger = (x: number, y: number): number => (x > y || Number.isNaN(x) ? x : y);
const smaller = (x: number, y: number): number => (x < y || Number.isNaN(x) ? x : y);
/** Rounds halves to the even neighbour, as IEEE rint. */
const halfEven = (x: number): number => {
  const r = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 && r % 2 !== 0 ? r - 1 : r;
};

export const sqrt = unary(Math.sqrt, floating);
export const exp = unary(Math.exp, floating);
export const log = unary(Math.log, floating);
export const sin = unary(Math.sin, floating);
export const cos = unary(Math.cos, floating);
export const tanh = unary(Math.tanh, floating);
export const floor = unary(Math.floor, same);
export const ceil = unary(Math.ceil, same);
export const sign = unary(Math.sign, same);
export const abs = unary(Math.abs, same);
export const negative = unary((x) => -x, numeric);
export const square = unary((x) => x * x, numeric);

export const add = binary((x, y) => x + y, numeric) as Binary;
export const subtract = binary((x, y) => x - y, numeric) as Binary;
export const multiply = binary((x, y) => x * y, numeric) as Binary;
/** True division: float64 for integers. */
export const divide = binary((x, y) => x / y, floating) as Binary;
export const power = binary((x, y) => x ** y, numeric) as Binary;
export const maximum = binary(larger, same) as Binary;
export const minimum = binary(smaller, same) as Binary;

const compare = (f: (x: number, y: number) => boolean): Compare => {
  const on = binary((x, y) => (f(x, y) ? 1 : 0), truth);
  return ((x: ArrayLike, y: ArrayLike) => {
    const r = on(x, y);
    return typeof r === "number" ? r === 1 : r;
  }) as Compare;
};
export const equal = compare((x, y) => x === y);
export const notEqual = compare((x, y) => x !== y);
export const less = compare((x, y) => x < y);
export const greater = compare((x, y) => x > y);
const nans = unary((x) => (Number.isNaN(x) ? 1 : 0), truth);
export const isnan = ((x: ArrayLike) => (typeof x === "number" ? Number.isNaN(x) : nans(x))) as { (x: number): boolean; (x: ArrayLike): NdArray };

/** Rounds to `decimals` places, halves to even, computing x 10^d as NumPy does. Integers are returned as they are. */
export const round: { (x: number, decimals?: number): number; (x: ArrayLike, decimals?: number): NdArray } = ((x: ArrayLike, decimals = 0) => {
  const scale = 10 ** Math.abs(decimals);
  const one = (v: number): number => (decimals === 0 ? halfEven(v) : decimals > 0 ? halfEven(v * scale) / scale : halfEven(v / scale) * scale);
  if (typeof x === "number") return one(x);
  const a = asarray(x);
  return isFloat(a.dtype) || decimals < 0 ? unary(one, same)(a) : a.copy();
}) as { (x: number, decimals?: number): number; (x: ArrayLike, decimals?: number): NdArray };

/** Elements of `x` where `condition` holds, else of `y`. */
export function where(condition: ArrayLike, x: ArrayLike, y: ArrayLike): NdArray {
  const c = asarray(condition);
  const a = asarray(x);
  const b = asarray(y);
  const shape = broadcastShapes(c.shape, broadcastShapes(a.shape, b.shape));
  const [cs, as, bs] = [c, a, b].map((v) => broadcastTo(v, shape).data) as [NdArray["data"], NdArray["data"], NdArray["data"]];
  const dtype = operandDType(a, b, x, y);
  const out = allocate(dtype, cs.length);
  for (let i = 0; i < out.length; i++) out[i] = castScalar((cs[i] !== 0 ? as[i] : bs[i]) as number, dtype);
  return new NdArray(out, shape, dtype);
}

export interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
  readonly equalNan?: boolean;
}

/** Whether |a - b| <= atol + rtol |b| everywhere, after broadcasting; NaN differs from NaN unless `equalNan`. */
export function allclose(a: ArrayLike, b: ArrayLike, { rtol = 1e-5, atol = 1e-8, equalNan = false }: Tolerance = {}): boolean {
  const x = asarray(a);
  const y = asarray(b);
  const shape = broadcastShapes(x.shape, y.shape);
  const xs = broadcastTo(x, shape).data;
  const ys = broadcastTo(y, shape).data;
  for (let i = 0; i < xs.length; i++) {
    const p = xs[i] as number;
    const q = ys[i] as number;
    if (p === q || (equalNan && Number.isNaN(p) && Number.isNaN(q))) continue;
    if (!(Number.isFinite(q) && Math.abs(p - q) <= atol + rtol * Math.abs(q))) return false;
  }
  return true;
}

/** Whether shapes and all elements are equal. */
export function arrayEqual(a: ArrayLike, b: ArrayLike): boolean {
  const x = asarray(a);
  const y = asarray(b);
  return x.ndim === y.ndim && x.shape.every((d, i) => d === y.shape[i]) && x.data.every((v, i) => v === y.data[i]);
}
