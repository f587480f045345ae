/**
 * dimShuffle: permutes axes, drops stretching ones, inserts new ones. The padding of every elementwise op, and transpose.
 * Its record is the shortest example of an op that moves elements.
 */
import { int } from "../codegen/ir/index.js";
import type { Lazy, Op, Params } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf, stridesOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, method, type Operand, property } from "./define.js";
import { type Named, optionOf } from "./options.js";

/** For each output axis: the input axis it is, or null for a new stretching axis. */
interface Order extends Params { readonly order: readonly (number | null)[] }

const shuffled = (shape: Shape, order: Order["order"]): number[] => order.map((a) => (a === null ? 1 : (shape[a] as number)));

const op: Op = defineOp<Order>({
  name: "dimShuffle",
  doc: "Reorders axes: `order` lists input axes and 'x' for new axes of length 1. Axes left out must be broadcastable (theano/tensor/elemwise.py DimShuffle).",
  infer: ([x], { order }) => [new TensorType((x as TensorType).dtype, order.map((a) => (a === null ? true : (x?.broadcastable[a] as boolean))))],
  shape: ({ shapes, params }) => [shuffled(shapes[0] as Shape, params.order)],
  lower: {
    kind: "index",
    at: ({ inputs: [x], params: { order } }) => [(index) => (x as Lazy).at((x as Lazy).shape.map((_, a) => (order.includes(a) ? index[order.indexOf(a)] : undefined) ?? int(0)))],
  },
  gradient: ({ inputs: [x], params: { order }, cotangents: [g] }) => [
    apply1(op, [g as Variable], { order: (x as Variable).broadcastable.map((_, a) => (order.includes(a) ? order.indexOf(a) : null)) }),
  ],
  reference: ([x], { order }) => {
    const shape = shuffled((x as NdArray).shape, order);
    const out = NdArray.zeros(shape, (x as NdArray).dtype);
    const to = stridesOf(shape);
    const from = stridesOf((x as NdArray).shape);
    for (let n = 0; n < sizeOf(shape); n++) {
      const at = order.reduce<number>((s, a, i) => s + (a === null ? 0 : (Math.floor(n / (to[i] as number)) % (shape[i] as number)) * (from[a] as number)), 0);
      out.data[n] = x?.data[at] as number;
    }
    return [out];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 3] }], params: { order: [1, 0] } },
    { inputs: [{ dtype: "float64", shape: [3] }], params: { order: [null, 0] } },
    { inputs: [{ dtype: "float64", shape: [2, 1, 3], broadcastable: [false, true, false] }], params: { order: [2, null, 0] } },
  ],
  repeats: 0,
  onnx: "Transpose",
});

/** `dimshuffle(x, 1, 0)`, `dimshuffle(x, 'x', 0)`; a list is accepted too. Dropping an axis that may be longer than 1 is the error `dimshuffle-drop`. */
export function dimshuffle(x: Operand, ...pattern: readonly (number | "x")[] | readonly [readonly (number | "x")[]]): Variable {
  const v = asTensor(x);
  const order = (pattern.flat() as (number | "x")[]).map((a) => (a === "x" ? null : a));
  const used = order.filter((a) => a !== null);
  if (used.some((a) => !Number.isInteger(a) || a < 0 || a >= v.ndim) || new Set(used).size !== used.length) {
    fail("value", "dimshuffle-axes", { what: `dimshuffle(${pattern.flat().join(", ")}) does not fit ${v}.`, where: String(v.origin), fix: `use each axis of 0 … ${v.ndim - 1} at most once, and 'x' for new axes` });
  }
  const dropped = v.broadcastable.findIndex((b, a) => !used.includes(a) && !b);
  if (dropped >= 0) {
    fail("value", "dimshuffle-drop", { what: `You cannot drop a non-broadcastable dimension: axis ${dropped} of ${v}.`, where: String(v.origin), fix: "index or reduce that axis, or declare it broadcastable with T.addbroadcast" });
  }
  if (order.length === v.ndim && order.every((a, i) => a === i)) return v;
  return apply1(op, [v], { order });
}

/** New stretching axes on the left up to `ndim`. */
export const padLeft = (x: Variable, ndim: number): Variable => dimshuffle(x, ...new Array<"x">(ndim - x.ndim).fill("x"), ...x.broadcastable.map((_, a) => a));

/** What `f` makes of x with an axis last, with that axis back in its place. */
export function withAxisLast(x: Variable, axis: number, f: (x: Variable) => Variable): Variable {
  const others = x.broadcastable.map((_, a) => a).filter((a) => a !== axis);
  return dimshuffle(f(dimshuffle(x, ...others, axis)), ...x.broadcastable.map((_, a) => (a === axis ? x.ndim - 1 : others.indexOf(a))));
}

/** Axes one by one, in a list, or as `{ axes }`; none for all of them reversed. */
type Axes = readonly number[] | readonly [Named<"axes", readonly number[]>];

/** Reverses the axes, or puts them in the order given: `T.transpose(x, [0, 2, 1])`, `x.transpose(0, 2, 1)`. */
export function transpose(x: Operand, ...axes: Axes): Variable {
  const v = asTensor(x);
  const order = (axes as readonly (number | Named<"axes", readonly number[]>)[]).flatMap((a) => (typeof a === "number" ? [a] : (optionOf(a, "axes") ?? [])));
  return dimshuffle(v, ...(order.length > 0 ? order : v.broadcastable.map((_, a) => v.ndim - 1 - a)));
}

declare module "../graph/variable.js" {
  interface Variable {
    /** Axes reordered, `'x'` inserts one: `b.dimshuffle('x', 0)`. */
    dimshuffle(...pattern: readonly (number | "x")[] | readonly [readonly (number | "x")[]]): Variable;
    transpose(...axes: Axes): Variable;
    /** The axes reversed. */
    readonly T: Variable;
  }
}
method({ dimshuffle, transpose });
property({ T: (x) => transpose(x) });

export { op as dimShuffleOp };
