/**
 * Whether a replacement says what the graph says already, so that a rule which gives back its own form does not fire for ever.
 * Must not know rules.
 */
import { paramsKey } from "../graph/op.js";
import { Constant, type Variable } from "../graph/variable.js";

/** Same results in the graph, equal constants, or equal applies of such. Only what is new (not `known`) is looked into. */
export function sameExpression(after: Variable, before: Variable, known: (v: Variable) => boolean): boolean {
  if (after === before) return true;
  if (after instanceof Constant) return before instanceof Constant && sameConstant(after, before);
  const [a, b] = [after.owner, before.owner];
  if (known(after) || a === null || b === null || a.op !== b.op || after.index !== before.index || a.inputs.length !== b.inputs.length) return false;
  return paramsKey(a.params) === paramsKey(b.params) && a.inputs.every((v, i) => sameExpression(v, b.inputs[i] as Variable, known));
}

function sameConstant(a: Constant, b: Constant): boolean {
  const [x, y] = [a.value, b.value];
  return a.type.equals(b.type) && x.shape.length === y.shape.length && x.shape.every((d, i) => d === y.shape[i]) && x.data.every((v, i) => Object.is(v, y.data[i]));
}
