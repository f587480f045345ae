/**
 * Closing a step: which of the variables that a step reads come from outside the loop. The largest expressions that do not change from
 * step to step are captured whole, so they are computed once, before the loop. Must not know any op.
 */
import { substituteVariables } from "../graph/clone.js";
import { appliesOf } from "../graph/function_graph.js";
import { constantValue } from "../graph/rule.js";
import { Constant, Variable } from "../graph/variable.js";
import type { Entry, ScanParts } from "./parts.js";
import { bodyOutputs, withBodyOutputs } from "./parts.js";

/** Variables that depend on `bound`, with `bound`; and those made of constants only. */
function dependence(outputs: readonly Variable[], bound: readonly Variable[]): { changing: Set<Variable>; literal: Set<Variable> } {
  const changing = new Set(bound);
  const literal = new Set<Variable>();
  for (const a of appliesOf(outputs)) {
    const target = a.inputs.some((v) => changing.has(v)) ? changing : a.inputs.every((v) => v instanceof Constant || literal.has(v)) ? literal : null;
    if (target !== null) for (const o of a.outputs) if (!changing.has(o)) target.add(o);
  }
  return { changing, literal };
}

/**
 * What a step with these outputs reads from outside, largest expressions first met first. Constants stay inside, and so do repetitions of
 * one number: rewriting has to see that a term is 1 or 0.
 */
export function capturedBy(outputs: readonly Variable[], bound: readonly Variable[]): Variable[] {
  const { changing, literal } = dependence(outputs, bound);
  const leaves = new Set(bound);
  const captured = new Set<Variable>();
  const seen = new Set<Variable>();
  const stack = [...outputs].reverse();
  for (let v = stack.pop(); v !== undefined; v = stack.pop()) {
    if (seen.has(v) || leaves.has(v) || v instanceof Constant) continue;
    seen.add(v);
    if (v.owner !== null && (changing.has(v) || literal.has(v) || constantValue(v) !== null)) stack.push(...[...v.owner.inputs].reverse());
    else captured.add(v);
  }
  return [...captured];
}

/**
 * Parts whose body may name variables outside the loop directly -> parts with these as constants. Constants that nothing reads are dropped;
 * expressions of constants alone move out of the body.
 */
export function closed(parts: ScanParts): ScanParts {
  const outputs = bodyOutputs(parts);
  const known = new Map(parts.constants.map(({ inner, outer }) => [inner, outer]));
  const captured = capturedBy(outputs, [...parts.sequences, ...parts.carries].map((p) => p.inner));
  const outside = substituteVariables(captured, known);
  const constants = captured.map((v, i): Entry => ({ outer: outside[i] as Variable, inner: known.has(v) ? v : new Variable(v.type, { name: v.name, origin: v.origin }) }));
  const moved = new Map(captured.flatMap((v, i) => (known.has(v) ? [] : [[v, (constants[i] as Entry).inner] as const])));
  return withBodyOutputs({ ...parts, constants }, substituteVariables(outputs, moved));
}
