/**
 * MRG draws that may take more steps than one kernel unrolls: sizes that only a call knows, and large ones. The states after every
 * MRG_BLOCK steps are computed by a scan, which has no iterations when the draw is short; each element then unrolls at most one block.
 * Next: mrg_streams.ts.
 */
import type { Op } from "../graph/op.js";
import { apply, apply1, scalarConstant, type Variable } from "../graph/variable.js";
import type { Shape } from "../numpy/ndarray.js";
import { defineOp } from "../ops/define.js";
import { add, floorDiv, maximum, mod, mul, sub } from "../ops/elementwise.js";
import { prod } from "../ops/reduce.js";
import { shapeAt } from "../ops/shape.js";
import { scan } from "../scan/scan.js";
import { drawFields, MRG_BLOCK, mrgAdvance, mrgDraw, type MrgParams, referenceDraw } from "./mrg_op.js";
import { mrgSeed, mrgSubstreams } from "./mrg31k3p.js";
import { boundSize } from "./size.js";

/** How many numbers the draw takes, 0-d int32. */
function drawnCount(lengths: readonly Variable[], p: MrgParams): Variable {
  const fixed = p.size.lengths.reduce<number>((n, d) => n * (d ?? 1), 1);
  const given = p.size.vector ? [prod(lengths[0] as Variable)] : lengths;
  const n = given.reduce<Variable>((total, d) => mul(total, d), scalarConstant(fixed, "int32"));
  return p.distribution === "normal" ? add(n, mod(n, 2)) : n;
}

function expand([state, ...lengths]: readonly Variable[], p: MrgParams): readonly Variable[] {
  const first = state as Variable;
  const perBlock = mul(shapeAt(first, 0), MRG_BLOCK);
  const nSteps = maximum(floorDiv(sub(drawnCount(lengths, p), 1), perBlock), 0);
  const [later] = scan({ fn: (s) => apply1(mrgAdvance, [s as Variable]), outputsInfo: first, nSteps });
  return apply(mrgDraw, [first, later, ...lengths], { ...p, blocked: true });
}

export const mrgLongDraw: Op = defineOp<MrgParams>({
  ...drawFields,
  name: "mrg31k3p.long",
  doc: "As mrg31k3p, for any number of steps.",
  shape: (ctx) => [ctx.shapes[0] as Shape, boundSize(ctx, ctx.params.size, 1)],
  lower: { kind: "graph", expand },
  reference: (inputs, p, types) => referenceDraw(inputs, p, types, 1),
  samples: [
    {
      inputs: [{ dtype: "int32", shape: [2, 6], exact: [...mrgSubstreams(mrgSeed(12345), 2)] }, { dtype: "int32", shape: [], exact: [31] }],
      params: { size: { lengths: [null, 2], vector: false }, broadcastable: [false, false], dtype: "float64", distribution: "uniform", blocked: false },
    },
    {
      inputs: [{ dtype: "int32", shape: [2, 6], exact: [...mrgSubstreams(mrgSeed(12345), 2)] }, { dtype: "int32", shape: [1], exact: [7] }],
      params: { size: { lengths: [null], vector: true }, broadcastable: [false], dtype: "float64", distribution: "normal", blocked: false },
    },
  ],
});
