/**
 * The compact print of a graph, one line: shared results are named where they are first met. What tests pin and history shows; the readable
 * forms (pp, debugprint) are in viz. Must not know any op.
 */
import { appliesOf, FrozenGraph } from "../graph/function_graph.js";
import type { Params } from "../graph/op.js";
import { Constant, type Variable } from "../graph/variable.js";

const LONGEST = 4;

/** Params as text: scan bodies by their print, the rest as JSON without quotes. */
export function printParams(params: Params): string {
  const entries = Object.entries(params);
  if (entries.length === 0) return "";
  return `{${entries.map(([k, v]) => `${k}=${v instanceof FrozenGraph ? printGraph(v.outputs, v.inputs) : JSON.stringify(v)?.replaceAll('"', "")}`).join(", ")}}`;
}

function printConstant(c: Constant): string {
  const { data, shape } = c.value;
  if (data.length > LONGEST) return `<${c.value}>`;
  const text = Array.from(data, (x) => String(x)).join(" ");
  return shape.length === 0 ? text : `[${text}]`;
}

/** `mul(2, exp(x)) ; …`: outputs separated by `; `. Results read more than once are `%n=op(…)` at first and `%n` afterwards. */
export function printGraph(outputs: readonly Variable[], inputs: readonly Variable[] = []): string {
  const names = new Map<Variable, string>();
  inputs.forEach((v, i) => names.set(v, v.name ?? `#${i}`));
  let leaves = 0;
  const leaf = (v: Variable): string => {
    const known = names.get(v) ?? (v instanceof Constant ? printConstant(v) : (v.name ?? `_${leaves++}`));
    names.set(v, known);
    return known;
  };
  const uses = new Map<Variable, number>();
  const applies = appliesOf(outputs);
  for (const v of [...applies.flatMap((a) => a.inputs), ...outputs]) uses.set(v, (uses.get(v) ?? 0) + 1);
  const texts = new Map<Variable, string>();
  let shared = 0;
  const take = (v: Variable): string => {
    if (v.owner === null || names.has(v)) return leaf(v);
    const text = texts.get(v) ?? "?";
    if ((uses.get(v) ?? 0) < 2) return text;
    const name = `%${shared++}`;
    names.set(v, name);
    return `${name}=${text}`;
  };
  for (const a of applies) {
    const head = `${a.op.name}${printParams(a.params)}(${a.inputs.map(take).join(", ")})`;
    for (const o of a.outputs) texts.set(o, a.outputs.length > 1 ? `${head}.${o.index}` : head);
  }
  return outputs.map(take).join("; ");
}
