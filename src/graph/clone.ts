/**
 * Substitution in graphs of Variables: givens, `clone(o, { replace })`, expansion of compositions. Replacements are made at once and are
 * not looked into, so `x -> x + 10` means what it says. Must not know any op.
 */
import { Apply, Variable } from "./variable.js";
import { appliesOf } from "./function_graph.js";

/** The outputs over replaced variables; what does not depend on a replaced variable is shared, not copied. */
export function substituteVariables(outputs: readonly Variable[], replace: ReadonlyMap<Variable, Variable>): Variable[] {
  const made = new Map<Variable, Variable>(replace);
  const of = (v: Variable): Variable => made.get(v) ?? v;
  for (const a of appliesOf(outputs)) {
    const inputs = a.inputs.map(of);
    if (inputs.every((v, i) => v === a.inputs[i])) continue;
    const fresh = new Apply(a.op, a.params, inputs, (owner) => {
      const types = a.op.fields.infer(inputs.map((v) => v.type), a.params);
      return a.outputs.map((o, i) => new Variable(types[i] ?? o.type, { owner, index: i, name: o.name, origin: o.origin }));
    });
    a.outputs.forEach((o, i) => {
      if (!made.has(o)) made.set(o, fresh.outputs[i] as Variable);
    });
  }
  return outputs.map(of);
}

/** Leaves (inputs, constants, shared variables) that the outputs reach, in order of first use. */
export function leavesOf(outputs: readonly Variable[]): Variable[] {
  const leaves = new Set<Variable>();
  for (const a of appliesOf(outputs)) for (const v of a.inputs) if (v.owner === null) leaves.add(v);
  for (const v of outputs) if (v.owner === null) leaves.add(v);
  return [...leaves];
}
