/**
 * Reductions along axes: sum, prod, max, min, any, all are records; argmax is in argmax.ts and mean, var, std in statistics.ts, composed of these.
 * Kept axes of length 1 (`keepdims`) are put back by dimshuffle, so that rewriting sees one form. Next room: autodiff.
 */
import { type DType, isFloat } from "../codegen/ir/dtype.js";
import { cast as castExpr, type Expr } from "../codegen/ir/expr.js";
import type { ReduceOp } from "../codegen/ir/kernel.js";
import type { GradientContext, InputGradient, Lazy, Op, Params, Sample, ShapeContext } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, scalarConstant, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, method, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { cast, div, eq, fill, mul, switch_ } from "./elementwise.js";
import { normaliseAxis } from "./shape.js";

/** Axes that disappear, ascending. */
export interface Axes extends Params { readonly axes: readonly number[] }

export interface ReduceOptions {
  /** One axis, several, or null (default) for all; negative axes count from the end. */
  readonly axis?: number | readonly number[] | null | undefined;
  /** Keep reduced axes with length 1 (they then broadcast). */
  readonly keepdims?: boolean | undefined;
}
export interface SumOptions extends ReduceOptions {
  /** dtype of the result; by default the input's, int32 for bool. */
  readonly dtype?: string | undefined;
  /** Accepted for ports: devices add in what they compute in. */
  readonly accDtype?: string | undefined;
}

/** What follows the tensor: options, the axis by position, or both: `T.sum(x, { axis: 1 })`, `x.mean([0, 2])`, `x.max(1, { keepdims: true })`. */
export type AxisArgs<O extends ReduceOptions> = readonly [given?: O | ReduceOptions["axis"], more?: Omit<O, "axis">];
/** All forms as options. */
export function readOptions<O extends ReduceOptions>([given, more]: AxisArgs<O>): O {
  const named = typeof given === "object" && given !== null && !Array.isArray(given) ? given : { axis: given };
  return { ...more, ...named } as O;
}

/** The axes that an option means, ascending. Errors: `axis-range`, `reduce-axis-twice`. */
export function axesOf(x: Variable, axis: ReduceOptions["axis"]): number[] {
  if (axis === undefined || axis === null) return x.broadcastable.map((_, a) => a);
  const axes = (typeof axis === "number" ? [axis] : [...axis]).map((a) => normaliseAxis(x, a));
  if (new Set(axes).size !== axes.length) fail("value", "reduce-axis-twice", { what: `An axis of ${x} is reduced twice.`, where: String(x.origin), saw: [`axes: ${axes.join(", ")}`], fix: "name each axis once" });
  return axes.sort((a, b) => a - b);
}

export const without = <E>(list: readonly E[], axes: readonly number[]): E[] => list.filter((_, a) => !axes.includes(a));

/** Puts reduced axes back with length 1. */
export function restoreAxes(reduced: Variable, ndim: number, axes: readonly number[]): Variable {
  let next = 0;
  return dimshuffle(reduced, ...Array.from({ length: ndim }, (_, a) => (axes.includes(a) ? ("x" as const) : next++)));
}

/** The input's index from the result's and the reduction's. */
export function mergeIndex(index: readonly Expr[], red: readonly Expr[], axes: readonly number[]): Expr[] {
  let [i, r] = [0, 0];
  return Array.from({ length: index.length + red.length }, (_, a) => (axes.includes(a) ? red[r++] : index[i++]) as Expr);
}

/** Folds along axes in row-major order; `f` sees the position within the reduced axes too. */
export function foldArray(x: NdArray, axes: readonly number[], start: number, f: (total: number, x: number, position: number) => number): NdArray {
  const out = NdArray.zeros(without(x.shape, axes), "float64");
  out.data.fill(start);
  const index = new Array<number>(x.ndim).fill(0);
  for (let n = 0; n < x.size; n++) {
    let [at, position] = [0, 0];
    for (let a = 0; a < x.ndim; a++) {
      if (axes.includes(a)) position = position * (x.shape[a] as number) + (index[a] as number);
      else at = at * (x.shape[a] as number) + (index[a] as number);
    }
    out.data[at] = f(out.data[at] as number, x.data[n] as number, position);
    for (let a = x.ndim - 1; a >= 0; a--) {
      index[a] = (index[a] as number) + 1;
      if ((index[a] as number) < (x.shape[a] as number)) break;
      index[a] = 0;
    }
  }
  return out;
}

/** NumPy's rule: no maximum over nothing, unless nothing is asked for. */
export function refuseEmpty(ctx: ShapeContext<Axes>, what: string): void {
  const [shape] = ctx.shapes as [Shape];
  const { axes } = ctx.params;
  if (sizeOf(axes.map((a) => shape[a] as number)) === 0 && sizeOf(without(shape, axes)) > 0) {
    ctx.fail("reduce-empty", `zero-size array to reduction operation ${what} which has no identity`, "give the reduced axes at least one element");
  }
}

export const reduceSamples = (dtype: DType, empty: boolean): Sample<Axes>[] => [
  { inputs: [{ dtype, shape: [2, 3] }], params: { axes: [0, 1] } },
  { inputs: [{ dtype, shape: [2, 3] }], params: { axes: [0] } },
  { inputs: [{ dtype, shape: [2, 3] }], params: { axes: [1] } },
  { inputs: [{ dtype, shape: [2, 3, 4] }], params: { axes: [0, 2] } },
  { inputs: [{ dtype, shape: [1, 3], broadcastable: [true, false] }], params: { axes: [0] } },
  { inputs: [{ dtype, shape: [3, 0] }], params: { axes: [0] } },
  ...(empty ? [{ inputs: [{ dtype, shape: [0, 2] }], params: { axes: [0] } }] : []),
];

interface ReduceFields {
  readonly name: string;
  readonly doc: string;
  readonly op: ReduceOp;
  /** Result dtype and accumulator. */
  result(x: DType): DType;
  accumulator(x: DType): DType;
  /** The reduced term; the element itself without it. */
  readonly term?: (x: Expr) => Expr;
  readonly start: number;
  fold(total: number, x: number, dtype: DType): number;
  readonly gradient?: (ctx: GradientContext<Axes>) => readonly InputGradient[];
  /** NumPy's name where nothing cannot be reduced. */
  readonly noEmpty?: string;
  readonly sampleDType?: DType;
  readonly onnx?: string;
}

function reduceOp(f: ReduceFields): Op {
  return defineOp<Axes>({
    name: f.name,
    doc: f.doc,
    infer: ([x], { axes }) => [new TensorType(f.result((x as TensorType).dtype), without((x as TensorType).broadcastable, axes))],
    shape: (ctx) => {
      if (f.noEmpty !== undefined) refuseEmpty(ctx, f.noEmpty);
      return [without(ctx.shapes[0] as Shape, ctx.params.axes)];
    },
    lower: {
      kind: "reduce",
      reduce: ({ inputs: [x], params: { axes } }) => {
        const { shape, dtype, at } = bound(x as Lazy);
        return {
          op: f.op, extents: axes.map((a) => shape[a] as number), dtype: f.accumulator(dtype),
          term: (index, red) => (f.term ?? ((e: Expr) => e))(at(mergeIndex(index, red, axes))),
        };
      },
    },
    reference: ([x], { axes }, [type]) => [foldArray(x as NdArray, axes, f.start, (total, e) => f.fold(total, e, (type as TensorType).dtype)).astype((type as TensorType).dtype)],
    samples: reduceSamples(f.sampleDType ?? "float64", f.noEmpty === undefined),
    ...(f.gradient === undefined ? {} : { gradient: f.gradient }),
    ...(f.onnx === undefined ? {} : { onnx: f.onnx }),
  });
}

const bound = (x: Lazy): Lazy => ({ shape: x.shape, dtype: x.dtype, at: (i) => x.at(i) });
const counting = (d: DType): DType => (d === "bool" ? "int32" : d);
/** Sums of float32 accumulate in float64 where the device has it (Theano's acc_dtype). */
const wide = (d: DType): DType => (d === "float32" ? "float64" : counting(d));

/** The cotangent repeated over the reduced axes. */
function spread(ctx: GradientContext<Axes>): Variable {
  const [x] = ctx.inputs as [Variable];
  return fill(x, restoreAxes(ctx.cotangents[0] as Variable, x.ndim, ctx.params.axes));
}

const sumOp = reduceOp({
  name: "sum", doc: "The sum along axes. bool and int32 give int32; float32 accumulates in float64 where the device has it.", op: "sum", onnx: "ReduceSum",
  result: counting, accumulator: wide, start: 0,
  fold: (total, x) => total + x,
  gradient: (ctx) => [spread(ctx)],
});

/** The product of the others, without dividing by zero: with one zero only that element has a gradient, with two none has. */
function prodGradient(ctx: GradientContext<Axes>): Variable[] {
  const [x] = ctx.inputs as [Variable];
  const { axes } = ctx.params;
  const kept = (v: Variable): Variable => restoreAxes(v, x.ndim, axes);
  const isZero = eq(x, 0);
  const zeros = kept(apply1(sumOp, [isZero], { axes }));
  const safe = switch_(isZero, scalarConstant(1, x.dtype), x);
  const product = kept(apply1(prodOp, [safe], { axes }));
  const others = switch_(isZero, switch_(eq(zeros, 1), product, 0), switch_(eq(zeros, 0), div(product, safe), 0));
  return [mul(spread(ctx), others)];
}

const prodOp: Op = reduceOp({
  name: "prod", doc: "The product along axes. The gradient is the product of the other elements, also where some are zero.", op: "prod", onnx: "ReduceProd",
  result: counting, accumulator: wide, start: 1,
  fold: (total, x, dtype) => (dtype === "int32" ? Math.imul(total, x) : total * x),
  gradient: prodGradient,
});

/** Who compares x with its stored maximum must read what was stored: recomputed in another kernel, x might differ in its last bits. */
const asStoredOp: Op = defineOp({
  name: "asStored",
  doc: "x, read from memory by all kernels.",
  infer: ([x]) => [x as TensorType],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: { kind: "elementwise", expr: ([x]) => x as Expr },
  gradient: ({ cotangents: [g] }) => [g as Variable],
  reference: ([x]) => [x as NdArray],
  samples: [{ inputs: [{ dtype: "float64", shape: [2, 3] }], params: {} }],
  repeats: 0,
  readsStored: true,
});

export const asStored = (x: Variable): Variable => apply1(asStoredOp, [x]);

/** Every element that equals the result gets the whole gradient (theano/tensor/basic.py MaxAndArgmax.L_op). */
function extremeGradient(ctx: GradientContext<Axes>): Variable[] {
  const [x] = ctx.inputs as [Variable];
  const { axes } = ctx.params;
  return [mul(restoreAxes(ctx.cotangents[0] as Variable, x.ndim, axes), eq(restoreAxes(ctx.outputs[0] as Variable, x.ndim, axes), asStored(x)))];
}

export const maxOp = reduceOp({
  name: "max", doc: "The greatest element along axes; NaN if any is. At ties each maximum gets the gradient. Over no elements: `reduce-empty`.", op: "max", noEmpty: "maximum", onnx: "ReduceMax",
  result: (d) => d, accumulator: counting, start: Number.NEGATIVE_INFINITY,
  fold: (total, x) => Math.max(total, x),
  gradient: extremeGradient,
});

export const minOp = reduceOp({
  name: "min", doc: "The least element along axes; NaN if any is. At ties each minimum gets the gradient. Over no elements: `reduce-empty`.", op: "min", noEmpty: "minimum", onnx: "ReduceMin",
  result: (d) => d, accumulator: counting, start: Number.POSITIVE_INFINITY,
  fold: (total, x) => Math.min(total, x),
  gradient: extremeGradient,
});

const truth = (e: Expr): Expr => castExpr(castExpr(e, "bool"), "int32");

const anyOp = reduceOp({
  name: "any", doc: "Whether some element along axes is not 0, as bool; false over nothing.", op: "sum", sampleDType: "bool",
  result: () => "bool", accumulator: () => "int32", term: truth, start: 0,
  fold: (total, x) => (total !== 0 || x !== 0 ? 1 : 0),
  gradient: () => ["disconnected"],
});

const allOp = reduceOp({
  name: "all", doc: "Whether no element along axes is 0, as bool; true over nothing.", op: "prod", sampleDType: "bool",
  result: () => "bool", accumulator: () => "int32", term: truth, start: 1,
  fold: (total, x) => (total !== 0 && x !== 0 ? 1 : 0),
  gradient: () => ["disconnected"],
});

/** A reduction as users call it, with its record. */
export type Reducer<O extends ReduceOptions> = ((x: Operand, ...options: AxisArgs<O>) => Variable) & { readonly op: Op };

/** Applies a reduction; over no axes it is a conversion to the result's dtype. */
export function reduceAlong(op: Op, v: Variable, { axis, keepdims = false }: ReduceOptions): Variable {
  const axes = axesOf(v, axis);
  if (axes.length === 0) return cast(v, op.fields.infer([v.type], { axes })[0]?.dtype ?? v.dtype);
  const made = apply1(op, [v], { axes });
  return keepdims ? restoreAxes(made, v.ndim, axes) : made;
}

const reducer = (op: Op): Reducer<ReduceOptions> => Object.assign((x: Operand, ...options: AxisArgs<ReduceOptions>) => reduceAlong(op, asTensor(x), readOptions(options)), { op });
const summer = (op: Op): Reducer<SumOptions> =>
  Object.assign(
    (x: Operand, ...given: AxisArgs<SumOptions>) => {
      const { dtype, ...options } = readOptions<SumOptions>(given);
      const v = asTensor(x);
      if (dtype === undefined) return reduceAlong(op, v, options);
      const widened = isFloat(v.dtype) ? v : cast(v, dtype);
      return cast(reduceAlong(op, widened, options), dtype);
    },
    { op },
  );

/** Sum along axes; see the record. `dtype` converts the result (and integers before summing). */
export const sum = summer(sumOp);
/** Product along axes. */
export const prod = summer(prodOp);
/** Maximum along axes. */
export const max = reducer(maxOp);
/** Minimum along axes. */
export const min = reducer(minOp);
/** Whether some element is not 0. */
export const any = reducer(anyOp);
/** Whether no element is 0. Exported as `T.all`; the bare name `all` of the package is the whole slice. */
export const all = reducer(allOp);

declare module "../graph/variable.js" {
  interface Variable {
    sum(...options: AxisArgs<SumOptions>): Variable;
    prod(...options: AxisArgs<SumOptions>): Variable;
    /** Maximum along axes; each of several maxima gets the gradient. */
    max(...options: AxisArgs<ReduceOptions>): Variable;
    min(...options: AxisArgs<ReduceOptions>): Variable;
    any(...options: AxisArgs<ReduceOptions>): Variable;
    all(...options: AxisArgs<ReduceOptions>): Variable;
  }
}
method({ sum, prod, max, min, any, all });
