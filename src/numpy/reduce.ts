/**
 * NumPy's reductions over host arrays: sum, mean, prod, max, min, argmax, argmin, var, std, cumsum. Must not know graphs or devices.
 * Float sums follow NumPy's order of additions (pairwise along contiguous axes, sequential across others), so they agree with it bit for bit.
 */
import { allocate, castScalar, type DType, isFloat, type TypedArray } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { asarray } from "./convert.js";
import { multiply, subtract } from "./elementwise.js";
import { type ArrayLike, NdArray, type Shape, sizeOf, stridesOf } from "./ndarray.js";

export interface AxisOptions {
  readonly axis?: number | readonly number[] | undefined;
  readonly keepdims?: boolean | undefined;
}
/** Reductions of everything give a number; along axes, an NdArray (also when `axis` names them all). */
export interface Reduction {
  (a: ArrayLike, options?: { readonly axis?: undefined; readonly keepdims?: false | undefined }): number;
  (a: ArrayLike, options: AxisOptions): NdArray;
}

/** A non-negative axis. Throws `np-axis`. */
export function normaliseAxis(axis: number, ndim: number): number {
  const at = axis < 0 ? axis + ndim : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= ndim) fail("index", "np-axis", { what: `Axis ${axis} does not exist in an array of ${ndim} dimensions.`, fix: `use an axis of ${-ndim} … ${ndim - 1}` });
  return at;
}

type Add = (x: number, y: number) => number;
const add64: Add = (x, y) => x + y;
const add32: Add = (x, y) => Math.fround(x + y);

/** NumPy's pairwise summation of n contiguous elements: blocks of 128 by eight accumulators, halves above (its DOUBLE_pairwise_sum). */
function pairwise(x: TypedArray, start: number, n: number, plus: Add): number {
  if (n < 8) {
    let s = -0;
    for (let i = 0; i < n; i++) s = plus(s, x[start + i] as number);
    return s;
  }
  if (n <= 128) {
    const r = Array.from(x.subarray(start, start + 8));
    const even = n - (n % 8);
    for (let i = 8; i < even; i += 8) for (let k = 0; k < 8; k++) r[k] = plus(r[k] as number, x[start + i + k] as number);
    const [a, b, c, d, e, f, g, h] = r as [number, number, number, number, number, number, number, number];
    let s = plus(plus(plus(a, b), plus(c, d)), plus(plus(e, f), plus(g, h)));
    for (let i = even; i < n; i++) s = plus(s, x[start + i] as number);
    return s;
  }
  const half = (n >> 1) - ((n >> 1) % 8);
  return plus(pairwise(x, start, half, plus), pairwise(x, start + half, n - half, plus));
}

interface Plan {
  readonly kept: Shape;
  readonly shown: Shape;
  /** Length of the contiguous run that reduced trailing axes form (axes of length 1 count as reduced); 1 if the last axis is kept. */
  readonly run: number;
  /** For every run, in storage order, the index of the output element it belongs to. */
  readonly target: (run: number) => number;
}

function planOf(a: NdArray, axis: number | readonly number[] | undefined, keepdims: boolean): Plan {
  const axes = axis === undefined ? a.shape.map((_, i) => i) : (typeof axis === "number" ? [axis] : axis).map((x) => normaliseAxis(x, a.ndim));
  const reduced = new Set(axes);
  let tail = a.ndim;
  while (tail > 0 && (reduced.has(tail - 1) || a.shape[tail - 1] === 1)) tail--;
  const outer = a.shape.slice(0, tail);
  const kept = a.shape.filter((_, i) => !reduced.has(i));
  const outerStrides = stridesOf(outer);
  const keptAxes = outer.map((_, i) => i).filter((i) => !reduced.has(i));
  const keptStrides = stridesOf(kept);
  const target = (run: number): number => {
    let at = 0;
    keptAxes.forEach((ax, k) => {
      at += (Math.floor(run / (outerStrides[ax] as number)) % (outer[ax] as number)) * (keptStrides[k] as number);
    });
    return at;
  };
  return { kept, shown: keepdims ? a.shape.map((d, i) => (reduced.has(i) ? 1 : d)) : kept, run: sizeOf(a.shape.slice(tail)), target };
}

type Fold = (data: TypedArray, start: number, n: number) => number;

/** Folds each contiguous run, then joins the runs of an output element in storage order. `empty` is the value of nothing, if there is one. */
function reduction(name: string, of: { fold: (d: DType) => Fold; join: (d: DType) => Add; dtype: (d: DType) => DType; empty?: number; finish?: (x: number, n: number) => number }): Reduction {
  const run = (value: ArrayLike, { axis, keepdims = false }: AxisOptions = {}): number | NdArray => {
    const a = asarray(value);
    const plan = planOf(a, axis, keepdims);
    const n = sizeOf(plan.kept);
    if (a.size === 0 && of.empty === undefined && n > 0) {
      fail("value", "np-empty", { what: `${name} of an array without elements, ${a}, has no value.`, fix: "check the lengths before reducing" });
    }
    const dtype = of.dtype(a.dtype);
    const fold = of.fold(dtype);
    const join = of.join(dtype);
    const acc = new Float64Array(n).fill(of.empty ?? 0);
    const seen = new Uint8Array(n);
    const runs = a.size === 0 ? 0 : a.size / plan.run;
    for (let r = 0; r < runs; r++) {
      const at = plan.target(r);
      const x = fold(a.data, r * plan.run, plan.run);
      acc[at] = seen[at] === 1 ? join(acc[at] as number, x) : x;
      seen[at] = 1;
    }
    const out = allocate(dtype, n);
    const count = n === 0 ? 0 : a.size / n;
    for (let i = 0; i < n; i++) out[i] = castScalar(of.finish === undefined ? (acc[i] as number) : of.finish(acc[i] as number, count), dtype);
    return axis === undefined && !keepdims ? (out[0] as number) : new NdArray(out, plan.shown, dtype);
  };
  return run as Reduction;
}

const sequential = (f: Add): Fold => (data, start, n) => {
  let s = data[start] as number;
  for (let i = 1; i < n; i++) s = f(s, data[start + i] as number);
  return s;
};
const plusOf = (d: DType): Add => (d === "float32" ? add32 : add64);
const sumFold = (d: DType): Fold => (data, start, n) => pairwise(data, start, n, plusOf(d));
const counting = (d: DType): DType => (d === "bool" ? "int32" : d);
const floating = (d: DType): DType => (isFloat(d) ? d : "float64");
const timesOf = (d: DType): Add => (d === "float32" ? (x, y) => Math.fround(x * y) : (x, y) => x * y);
const larger: Add = (x, y) => (x >= y || Number.isNaN(x) ? x : y);
const smaller: Add = (x, y) => (x <= y || Number.isNaN(x) ? x : y);

/** Sum; int32 for bool and int32 (wraps as int32 storage does). */
export const sum = reduction("sum", { fold: sumFold, join: plusOf, dtype: counting, empty: 0 });
/** Arithmetic mean, float64 for integers; NaN of nothing. */
export const mean = reduction("mean", { fold: sumFold, join: plusOf, dtype: floating, empty: 0, finish: (x, n) => x / n });
export const prod = reduction("prod", { fold: (d) => sequential(timesOf(d)), join: timesOf, dtype: counting, empty: 1 });
/** Largest element, NaN if there is one. Throws `np-empty`. */
export const max = reduction("max", { fold: () => sequential(larger), join: () => larger, dtype: (d) => d });
/** Smallest element, NaN if there is one. Throws `np-empty`. */
export const min = reduction("min", { fold: () => sequential(smaller), join: () => smaller, dtype: (d) => d });

/** Mean of squared distances from the mean (divisor n). */
export const variance: Reduction = ((value: ArrayLike, options: AxisOptions = {}) => {
  const a = asarray(value);
  const centred = subtract(a, mean(a, { axis: options.axis, keepdims: true }));
  return mean(multiply(centred, centred), options);
}) as Reduction;

/** Square root of the variance. */
export const std: Reduction = ((value: ArrayLike, options: AxisOptions = {}) => {
  const v = variance(value, options) as number | NdArray;
  if (typeof v === "number") return Math.sqrt(v);
  for (let i = 0; i < v.size; i++) v.data[i] = Math.sqrt(v.data[i] as number);
  return v;
}) as Reduction;

export interface ArgReduction {
  (a: ArrayLike): number;
  (a: ArrayLike, options: { readonly axis: number }): NdArray;
}

function argReduction(name: string, better: (x: number, best: number) => boolean): ArgReduction {
  const run = (value: ArrayLike, options: { readonly axis?: number } = {}): number | NdArray => {
    const whole = asarray(value);
    const a = options.axis === undefined ? whole.reshape([whole.size]) : whole;
    const axis = normaliseAxis(options.axis ?? 0, a.ndim);
    const length = a.shape[axis] as number;
    if (length === 0) fail("value", "np-empty-arg", { what: `${name} along an axis of length 0 of ${a}.`, fix: "check the lengths before reducing" });
    const inner = stridesOf(a.shape)[axis] as number;
    const out = new Int32Array(a.size / length);
    for (let i = 0; i < out.length; i++) {
      const base = Math.floor(i / inner) * inner * length + (i % inner);
      let best = 0;
      for (let k = 1; k < length; k++) {
        const old = a.data[base + best * inner] as number;
        const x = a.data[base + k * inner] as number;
        if (!Number.isNaN(old) && (Number.isNaN(x) || better(x, old))) best = k;
      }
      out[i] = best;
    }
    return options.axis === undefined ? (out[0] as number) : new NdArray(out, a.shape.filter((_, i) => i !== axis), "int32");
  };
  return run as ArgReduction;
}

/** Index of the first largest element (the first NaN if there is one), of the flattened array unless `axis` is given. */
export const argmax = argReduction("argmax", (x, best) => x > best);
/** Index of the first smallest element (the first NaN if there is one), of the flattened array unless `axis` is given. */
export const argmin = argReduction("argmin", (x, best) => x < best);

/** Running sums of the flattened array. */
export function cumsum(value: ArrayLike): NdArray {
  const a = asarray(value);
  const dtype = counting(a.dtype);
  const plus = plusOf(dtype);
  const out = allocate(dtype, a.size);
  let s = -0;
  for (let i = 0; i < out.length; i++) {
    s = plus(s, a.data[i] as number);
    out[i] = castScalar(s, dtype);
  }
  return new NdArray(out, [a.size], dtype);
}
