/**
 * The number of steps of a scan that stops on a condition: a loop of what the condition depends on, interpreted on the host, since lengths are known
 * before anything runs on a device. Must not know the user's call.
 */
import type { HostBuffer } from "../codegen/ir/plan.js";
import { FrozenGraph } from "../graph/function_graph.js";
import type { Op, Sample } from "../graph/op.js";
import { tensorType } from "../graph/types.js";
import { Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import { defineOp } from "../ops/define.js";
import { gt, mul } from "../ops/elementwise.js";
import { closed } from "./close.js";
import { keeping, liveCarries } from "./edit_scan.js";
import { scanOf, type ScanParts } from "./parts.js";
import { countSteps } from "./reference.js";
import type { ScanParams } from "./scan_params.js";

/** Doubles 1 until it is above a limit. */
function sample(most: number, limit: number): Sample<ScanParams> {
  const state = new Variable(tensorType("float64", 0), { name: "s" });
  const next = mul(state, 2);
  const params: ScanParams = { body: new FrozenGraph([state], [next, gt(next, limit)]), sequences: 0, carries: 1, keep: ["last"], truncate: null, name: "doubling" };
  return { params, inputs: [{ dtype: "int32", shape: [], exact: [most] }, { dtype: "float64", shape: [], exact: [1] }] };
}

const op: Op = defineOp<ScanParams>({
  name: "stepsUntil",
  doc: "Inputs and body of a scan whose only stacked value is a condition -> after how many steps it is first not 0, or how many there are at most. Done on the host.",
  infer: () => [tensorType("int32", 0)],
  shape: () => [[]],
  lower: {
    kind: "routine",
    routine: ({ params }) => ({
      name: "stepsUntil", config: params.body.key,
      run: (inputs, [out]) => {
        (out as HostBuffer).data[0] = countSteps(inputs.map((b) => new NdArray(b.data, b.shape, b.dtype)), params);
      },
    }),
  },
  gradient: ({ inputs }) => inputs.map(() => "disconnected"),
  reference: (inputs, p) => [NdArray.scalar(countSteps(inputs, p), "int32")],
  samples: [sample(9, 10), sample(3, 10), sample(0, 10)],
});

/** After how many steps of a loop the condition holds; at most as many as it has. */
export function stepsUntil(parts: ScanParts, condition: Variable): Variable {
  const only: ScanParts = { ...closed({ ...parts, stacked: [{ value: condition, keep: "last" }] }), name: `${parts.name} until` };
  return Object.values(scanOf(op, keeping(only, { carries: liveCarries(only, [], [0]), stacked: [0] }))).flat()[0] as Variable;
}
