/**
 * A FunctionGraph as ordinary Variables, which later edits do not change: what a scan body is made of. Must not know any op.
 */
import type { FunctionGraph, VarId } from "../graph/function_graph.js";
import { Apply, Variable } from "../graph/variable.js";
import { impossible } from "../util/fail.js";

/** Inputs, constants and shared variables are the graph's own; results are copies with the same names and origins. */
export function plainGraph(g: FunctionGraph): { readonly inputs: readonly Variable[]; readonly outputs: readonly Variable[] } {
  const made = new Map<VarId, Variable>();
  const of = (id: VarId): Variable => made.get(id) ?? g.var(id).leaf ?? impossible(`variable ${id} is used before it is made`);
  for (const a of g.order()) {
    const copy = new Apply(a.op, a.params, a.inputs.map(of), (owner) =>
      a.outputs.map((o) => {
        const { type, index, name, origin } = g.var(o);
        return new Variable(type, { owner, index, name, origin });
      }),
    );
    a.outputs.forEach((o, i) => made.set(o, copy.outputs[i] as Variable));
  }
  return { inputs: g.tables.inputs.map(of), outputs: g.tables.outputs.map(of) };
}
