/**
 * argmax and argmin: the first position of the extreme element, NaN first of all. The kernel language has no pairs, so the record is a
 * composition: the maximum, then the least position of an element equal to it. Next room: autodiff (no gradient flows).
 */
import type { Expr } from "../codegen/ir/expr.js";
import { flatten } from "../codegen/ir/index.js";
import type { Lazy, Op, Params } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, scalarConstant, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf, stridesOf } from "../numpy/ndarray.js";
import { asTensor, defineOp, method, type Operand } from "./define.js";
import { padLeft } from "./dimshuffle.js";
import { cast, eq, isnan, neg, or_, switch_ } from "./elementwise.js";
import { asStored, type Axes, type AxisArgs, axesOf, max, maxOp, minOp, readOptions, type ReduceOptions, reduceSamples, refuseEmpty, restoreAxes, without } from "./reduce.js";

interface PositionParams extends Params { readonly axes: readonly number[] }

const positionOp: Op = defineOp<PositionParams>({
  name: "axisPosition",
  doc: "For each element of x its row-major position within the given axes, int32. Does not read x.",
  infer: ([x]) => [(x as TensorType).withDType("int32")],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: { kind: "index", at: ({ inputs: [x], params: { axes } }) => [(index) => flatten(axes.map((a) => index[a] as Expr), axes.map((a) => (x as Lazy).shape[a] as number))] },
  gradient: () => ["disconnected"],
  reference: ([x], { axes }) => {
    const { shape, size } = x as NdArray;
    const strides = stridesOf(shape);
    const inner = stridesOf(axes.map((a) => shape[a] as number));
    const at = (n: number): number => axes.reduce((sum, a, k) => sum + (Math.floor(n / (strides[a] as number)) % (shape[a] as number)) * (inner[k] as number), 0);
    return [new NdArray(Int32Array.from({ length: size }, (_, n) => at(n)), shape, "int32")];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 3] }], params: { axes: [1] } },
    { inputs: [{ dtype: "float64", shape: [2, 3, 2] }], params: { axes: [0, 2] } },
    { inputs: [{ dtype: "float64", shape: [0, 2] }], params: { axes: [0] } },
  ],
});

/** For each element of x its row-major position within the given axes. */
export const axisPosition = (x: Variable, axes: readonly number[]): Variable => apply1(positionOp, [x], { axes: [...axes] });

/** Larger than any position. */
const NOWHERE = 2147483647;

function firstOfMaximum(x: Variable, axes: readonly number[]): Variable {
  const top = restoreAxes(apply1(maxOp, [x], { axes }), x.ndim, axes);
  const equal = eq(asStored(x), top);
  const hit = x.type.isFloat ? or_(equal, isnan(x)) : equal;
  return apply1(minOp, [switch_(hit, axisPosition(x, axes), scalarConstant(NOWHERE, "int32"))], { axes });
}

const argmaxOp: Op = defineOp<Axes>({
  name: "argmax",
  doc: "The first position of the greatest element within the reduced axes (row-major), int32; the first NaN if there is one. No gradient flows. Over no elements: `reduce-empty`.",
  infer: ([x], { axes }) => [new TensorType("int32", without((x as TensorType).broadcastable, axes))],
  shape: (ctx) => {
    refuseEmpty(ctx, "argmax");
    return [without(ctx.shapes[0] as Shape, ctx.params.axes)];
  },
  lower: { kind: "graph", expand: ([x], { axes }) => [firstOfMaximum(x as Variable, axes)] },
  gradient: () => ["disconnected"],
  reference: ([x], { axes }) => {
    const better = (v: number, best: number): boolean => !Number.isNaN(best) && (v > best || Number.isNaN(v));
    const first = groupsOf(x as NdArray, axes).map((list) => list.reduce((at, v, i) => (better(v, list[at] as number) ? i : at), 0));
    return [new NdArray(Int32Array.from(first), without((x as NdArray).shape, axes), "int32")];
  },
  samples: [...reduceSamples("float64", false), { inputs: [{ dtype: "float64", shape: [4], exact: [1, 3, 3, 0] }], params: { axes: [0] } }, { inputs: [{ dtype: "float64", shape: [3], exact: [1, Number.NaN, 3] }], params: { axes: [0] } }],
  onnx: "ArgMax",
});

/** The elements of each group that is reduced to one, in row-major order. */
function groupsOf(x: NdArray, axes: readonly number[]): number[][] {
  const groups: number[][] = Array.from({ length: sizeOf(without(x.shape, axes)) }, () => []);
  const strides = stridesOf(x.shape);
  const kept = x.shape.map((_, a) => a).filter((a) => !axes.includes(a));
  for (let n = 0; n < x.size; n++) {
    const g = kept.reduce((at, a) => at * (x.shape[a] as number) + (Math.floor(n / (strides[a] as number)) % (x.shape[a] as number)), 0);
    groups[g]?.push(x.data[n] as number);
  }
  return groups;
}

/** The first position of the maximum: along one axis, within several, or in the flattened tensor (default). int32. */
export const argmax = Object.assign(
  (x: Operand, ...options: AxisArgs<ReduceOptions>): Variable => {
    const { axis, keepdims = false } = readOptions<ReduceOptions>(options);
    const v = asTensor(x);
    const axes = axesOf(v, axis);
    if (axes.length === 0) return padLeft(scalarConstant(0, "int32"), v.ndim);
    const made = apply1(argmaxOp, [v], { axes });
    return keepdims ? restoreAxes(made, v.ndim, axes) : made;
  },
  { op: argmaxOp },
);

/** The first position of the minimum, as `argmax` of the negated tensor. */
export function argmin(x: Operand, ...options: AxisArgs<ReduceOptions>): Variable {
  const v = asTensor(x);
  return argmax(neg(v.dtype === "bool" ? cast(v, "int32") : v), ...options);
}

/** The maximum and its first position. */
export const maxAndArgmax = (x: Operand, ...options: AxisArgs<ReduceOptions>): readonly [Variable, Variable] => {
  const v = asTensor(x);
  return [max(v, ...options), argmax(v, ...options)];
};

declare module "../graph/variable.js" {
  interface Variable {
    /** First position of the maximum, int32. */
    argmax(...options: AxisArgs<ReduceOptions>): Variable;
    argmin(...options: AxisArgs<ReduceOptions>): Variable;
  }
}
method({ argmax, argmin });
