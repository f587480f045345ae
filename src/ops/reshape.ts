/**
 * The same elements under another shape: reshape, flatten, padding with axes of length 1, squeeze, swapaxes. All are views: index algebra
 * makes them free. Next room: autodiff.
 */
import { flatten as flatIndex, unflatten } from "../codegen/ir/index.js";
import type { Lazy, LowerContext, Op, Params } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, scalarConstant, type Variable } from "../graph/variable.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, method, type Operand, property } from "./define.js";
import { boundDims, type Dims, dimFlags, givenDims, splitDims } from "./dims.js";
import { dimshuffle, padLeft } from "./dimshuffle.js";
import { mul } from "./elementwise.js";
import { type Named, optionOf } from "./options.js";
import { patternBroadcast } from "./rebroadcast.js";
import { lengthsOf, normaliseAxis, type ShapeLike } from "./shape.js";

interface ReshapeParams extends Params { readonly lengths: Dims["lengths"] }

/** Fills in the length that is -1; null where the sizes do not agree. */
function inferred(lengths: readonly number[], size: number): number[] | null {
  const known = sizeOf(lengths.filter((d) => d !== -1));
  const rest = known === 0 ? 0 : size / known;
  const shape = lengths.map((d) => (d === -1 ? rest : d));
  return sizeOf(shape) === size && Number.isInteger(rest) && lengths.filter((d) => d === -1).length <= 1 ? shape : null;
}

export const reshapeOp: Op = defineOp<ReshapeParams>({
  name: "reshape",
  doc: "x's elements in row-major order under new lengths, one of which may be -1. A literal 1 makes an axis that broadcasts. Another number of elements: `reshape-size`.",
  infer: ([x], { lengths }) => [new TensorType((x as TensorType).dtype, dimFlags(lengths))],
  shape: (ctx) => {
    const from = ctx.shapes[0] as Shape;
    const asked = boundDims(ctx, ctx.params.lengths, 1, -1);
    return [inferred(asked, sizeOf(from)) ?? ctx.fail("reshape-size", `cannot reshape array of size ${sizeOf(from)} into shape (${asked.join(", ")}).`, "the number of elements must stay the same; at most one length may be -1")];
  },
  lower: { kind: "index", at: ({ inputs: [x], outputs: [out] }: LowerContext<ReshapeParams>) => [(index) => (x as Lazy).at(unflatten(flatIndex(index, out?.shape ?? []), (x as Lazy).shape))] },
  gradient: ({ inputs: [x, ...rest], cotangents: [g] }) => [
    patternBroadcast(reshape(g as Variable, lengthsOf(x as Variable)), (x as Variable).broadcastable), ...rest.map(() => "disconnected" as const),
  ],
  reference: ([x, ...rest], { lengths }) => {
    const asked = givenDims(lengths, rest);
    const shape = inferred(asked, (x as NdArray).size);
    return [(x as NdArray).reshape(shape ?? fail("value", "reshape-size", { what: `cannot reshape array of size ${x?.size} into shape (${asked.join(", ")}).`, fix: "the number of elements must stay the same" }))];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 3] }], params: { lengths: [3, 2] } },
    { inputs: [{ dtype: "float64", shape: [2, 3] }], params: { lengths: [-1] } },
    { inputs: [{ dtype: "float64", shape: [4] }, { dtype: "int32", shape: [], exact: [2] }], params: { lengths: [null, 1, -1] } },
    { inputs: [{ dtype: "float64", shape: [1, 1] }], params: { lengths: [] } },
    { inputs: [{ dtype: "float64", shape: [0, 3] }], params: { lengths: [3, 0] } },
  ],
  repeats: 0,
  onnx: "Reshape",
});

/**
 * x under another shape: a list of numbers and int variables, or an int vector variable (with `ndim` where the graph does not say how long it is).
 * One length may be -1. A literal 1 makes an axis that broadcasts.
 */
export function reshape(x: Operand, size: ShapeLike, given: Named<"ndim", number> = {}): Variable {
  const v = asTensor(x);
  const ndim = optionOf(given, "ndim");
  const { lengths, inputs } = splitDims(size, { ndim, least: -1 });
  return apply1(reshapeOp, [v, ...inputs], { lengths });
}

/** One axis, or `ndim` axes of which the last takes all that are left: `x.flatten(2)`, `T.flatten(x, { outdim: 2 })`. Error: `flatten-ndim`. */
export function flatten(x: Operand, given: Named<"ndim" | "outdim", number> = 1): Variable {
  const v = asTensor(x);
  const ndim = optionOf(given, "ndim", "outdim") ?? 1;
  if (!Number.isInteger(ndim) || ndim < 1 || ndim > Math.max(1, v.ndim)) {
    fail("value", "flatten-ndim", { what: `${v} cannot be flattened to ${ndim} axes.`, where: String(v.origin), fix: `use 1 … ${Math.max(1, v.ndim)}` });
  }
  if (v.ndim === ndim) return v;
  const lengths = lengthsOf(v);
  const rest = lengths.slice(ndim - 1);
  const made = reshape(v, [...lengths.slice(0, ndim - 1), rest.length === 0 ? 1 : rest.reduce((a, b) => mul(a, b))]);
  return patternBroadcast(made, [...v.broadcastable.slice(0, ndim - 1), v.broadcastable.slice(ndim - 1).every((b) => b)]);
}

/** One axis with all elements. */
export const ravel = (x: Operand): Variable => flatten(x);

/** `count` new axes on the left. */
export const shapePadleft = (x: Operand, count = 1): Variable => padLeft(asTensor(x), asTensor(x).ndim + count);

/** `count` new axes on the right. */
export function shapePadright(x: Operand, count = 1): Variable {
  const v = asTensor(x);
  return dimshuffle(v, ...v.broadcastable.map((_, a) => a), ...new Array<"x">(count).fill("x"));
}

/** A new axis that will be axis `axis` of the result. */
export function shapePadaxis(x: Operand, axis: number): Variable {
  const v = asTensor(x);
  const at = normaliseAxis(v, axis, v.ndim + 1);
  const order: (number | "x")[] = v.broadcastable.map((_, a) => a);
  order.splice(at, 0, "x");
  return dimshuffle(v, ...order);
}

/** Without the axes that broadcast (all of them, or those named). */
export function squeeze(x: Operand, { axis }: { readonly axis?: number | readonly number[] } = {}): Variable {
  const v = asTensor(x);
  const named = axis === undefined ? v.broadcastable.flatMap((b, a) => (b ? [a] : [])) : (typeof axis === "number" ? [axis] : axis).map((a) => normaliseAxis(v, a));
  return dimshuffle(v, ...v.broadcastable.map((_, a) => a).filter((a) => !named.includes(a)));
}

/** Two axes exchanged. */
export function swapaxes(x: Operand, axis1: number, axis2: number): Variable {
  const v = asTensor(x);
  const [p, q] = [normaliseAxis(v, axis1), normaliseAxis(v, axis2)];
  return dimshuffle(v, ...v.broadcastable.map((_, a) => (a === p ? q : a === q ? p : a)));
}

declare module "../graph/variable.js" {
  interface Variable {
    /** The same elements under another shape; one length may be -1. */
    reshape(size: ShapeLike, ndim?: Named<"ndim", number>): Variable;
    /** One axis, or `ndim` of them. */
    flatten(ndim?: Named<"ndim" | "outdim", number>): Variable;
    ravel(): Variable;
    squeeze(options?: { readonly axis?: number | readonly number[] }): Variable;
    swapaxes(axis1: number, axis2: number): Variable;
    /** How many elements it has, symbolic: the product of its lengths, 0-d int32. */
    readonly size: Variable;
  }
}
method({ reshape, flatten, ravel, squeeze, swapaxes });
property({ size: (x) => lengthsOf(x).reduce<Variable>((a, b) => mul(a, b), scalarConstant(1, "int32")) });

