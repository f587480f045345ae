/**
 * Changing what a type says about axes of length 1: addbroadcast, unbroadcast, patternBroadcast. Values stay as they are.
 */
import type { Lazy, Op, Params } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, type Operand } from "./define.js";
import { normaliseAxis } from "./shape.js";

interface PatternParams extends Params { readonly broadcastable: readonly boolean[] }

export const rebroadcastOp: Op = defineOp<PatternParams>({
  name: "rebroadcast",
  doc: "x with other broadcast flags. A flag set on an axis that is longer than 1 is the error `rebroadcast-length` (theano/compile/ops.py Rebroadcast).",
  infer: ([x], { broadcastable }) => [new TensorType((x as TensorType).dtype, broadcastable)],
  shape: (ctx) => {
    const shape = ctx.shapes[0] as Shape;
    const bad = ctx.params.broadcastable.findIndex((b, a) => b && shape[a] !== 1);
    if (bad >= 0) ctx.fail("rebroadcast-length", `Dimension ${bad} in Rebroadcast's input was supposed to be 1 (got ${shape[bad]} instead).`, "add flags only to axes of length 1");
    return [shape];
  },
  lower: { kind: "index", at: ({ inputs: [x] }) => [(index) => (x as Lazy).at(index)] },
  gradient: ({ inputs: [x], cotangents: [g] }) => [patternBroadcast(g as Variable, (x as Variable).broadcastable)],
  reference: ([x]) => [x as NdArray],
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 1] }], params: { broadcastable: [false, true] } },
    { inputs: [{ dtype: "float64", shape: [1, 3], broadcastable: [true, false] }], params: { broadcastable: [false, false] } },
  ],
  repeats: 0,
});

/** x with the given flags, one per axis (`rebroadcast-rank` otherwise); x itself where they are its own. */
export function patternBroadcast(x: Operand, broadcastable: readonly boolean[]): Variable {
  const v = asTensor(x);
  if (broadcastable.length !== v.ndim) {
    fail("value", "rebroadcast-rank", { what: `${broadcastable.length} broadcast flags were given for ${v}.`, where: String(v.origin), fix: `give ${v.ndim} flags` });
  }
  return broadcastable.every((b, a) => b === v.broadcastable[a]) ? v : apply1(rebroadcastOp, [v], { broadcastable: [...broadcastable] });
}

function withFlags(x: Operand, axes: readonly number[], flag: boolean): Variable {
  const v = asTensor(x);
  const changed = axes.map((a) => normaliseAxis(v, a));
  return patternBroadcast(v, v.broadcastable.map((b, a) => (changed.includes(a) ? flag : b)));
}

/** Declares that axes have length 1 and broadcast; checked when the function runs. */
export const addbroadcast = (x: Operand, ...axes: readonly number[]): Variable => withFlags(x, axes, true);
/** Declares that axes do not broadcast, whatever their length. */
export const unbroadcast = (x: Operand, ...axes: readonly number[]): Variable => withFlags(x, axes, false);

