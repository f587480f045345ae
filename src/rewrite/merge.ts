/**
 * Merging: applies of equal op, params and inputs become one (common subexpressions), and so do equal constants. Patterns then see equal
 * things as one Variable. Inputs of commutative ops are compared in any order. Next: fold.ts.
 */
import { type Change, replaceAll } from "../graph/edit.js";
import type { ApplyNode, FunctionGraph, VarId } from "../graph/function_graph.js";
import { paramsKey } from "../graph/op.js";
import { Constant } from "../graph/variable.js";

/** Constants longer than this are compared by identity of their arrays only. */
const COMPARED = 4096;

/** Text equal for constants of equal type, shape and bits. NaN equals NaN; -0 and 0 differ. */
function constantKey(c: Constant, arrays: Map<object, number>): string {
  const head = `${c.type}|${c.value.shape.join(",")}|`;
  if (c.value.size <= COMPARED) return head + Array.from(c.value.data, (x) => (Object.is(x, -0) ? "-0" : String(x))).join(",");
  const known = arrays.get(c.value.data);
  if (known === undefined) arrays.set(c.value.data, arrays.size);
  return `${head}#${known ?? arrays.size - 1}`;
}

/** Merges once, in one change; null when nothing is equal. */
export function mergeEqual(g: FunctionGraph, options: { readonly record: boolean }): Change | null {
  const first = new Map<VarId, VarId>();
  const arrays = new Map<object, number>();
  const constants = new Map<string, VarId>();
  const given = new Set(g.tables.inputs);
  for (const [id, v] of g.tables.vars) {
    if (!(v.leaf instanceof Constant) || given.has(id)) continue;
    const key = constantKey(v.leaf, arrays);
    const known = constants.get(key);
    if (known === undefined) constants.set(key, id);
    else first.set(id, known);
  }
  const of = (v: VarId): VarId => first.get(v) ?? v;
  const seen = new Map<string, ApplyNode>();
  for (const a of g.order()) {
    if (a.op.fields.pure === false) continue;
    const inputs = a.inputs.map(of);
    if (a.op.fields.commutative === true) inputs.sort((x, y) => x - y);
    const key = `${a.op.name}${paramsKey(a.params)}(${inputs.join(",")})`;
    const known = seen.get(key);
    if (known === undefined) seen.set(key, a);
    else a.outputs.forEach((o, i) => first.set(o, known.outputs[i] as VarId));
  }
  if (first.size === 0) return null;
  return replaceAll(g, [...first].map(([old, to]) => [old, g.view(to)] as const), options);
}
