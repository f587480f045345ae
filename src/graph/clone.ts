/**
 * Substitution in graphs of Variables: givens, `clone(o, { replace })`, expansion of compositions. Replacements are made at once and are
 * not looked into, so `x -> x + 10` means what it says. Must not know any op.
 */
import { fail } from "../util/fail.js";
import { Apply, Variable } from "./variable.js";
import { appliesOf } from "./function_graph.js";

export interface CloneOptions {
  /** What is replaced by what: a Map, or pairs. Replacements are made at once and not looked into. */
  readonly replace?: ReadonlyMap<Variable, Variable> | readonly (readonly [Variable, Variable])[] | undefined;
  /** Replacements must have the dtype and broadcast flags of what they replace (default). */
  readonly strict?: boolean | undefined;
  /** Accepted for ports: inputs and shared variables are always shared with the original. */
  readonly shareInputs?: true | undefined;
}

/**
 * The same computation over other variables (theano.clone): one variable gives one, a list a list. What depends on no replaced variable is
 * shared with the original, since graphs never change. Error: DamoTypeError `clone-type`, unless `strict: false`.
 */
export function clone(output: Variable, options?: CloneOptions): Variable;
export function clone<const O extends readonly Variable[]>(outputs: O, options?: CloneOptions): { -readonly [K in keyof O]: Variable };
export function clone(outputs: Variable | readonly Variable[], { replace = [], strict = true }: CloneOptions = {}): Variable | Variable[] {
  const pairs = new Map(replace);
  for (const [old, by] of pairs) {
    if (strict && !by.type.equals(old.type)) {
      fail("type", "clone-type", {
        what: `clone() replaces ${old} by a variable of another type.`, where: String(by.origin), saw: [`replaced: ${old}`, `by: ${by}`],
        fix: "cast it (T.cast(x, dtype)), change its broadcast flags with T.patternBroadcast, or pass strict: false",
      });
    }
  }
  return outputs instanceof Variable ? (substituteVariables([outputs], pairs)[0] as Variable) : substituteVariables(outputs, pairs);
}

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
