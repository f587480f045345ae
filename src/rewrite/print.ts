/**
 * The compact print of a graph, one line: shared results are named where they are first met. What tests pin and history shows; the readable
 * forms (pp, debugprint) are in viz. Must not know any op.
 */
import { appliesOf, FrozenGraph } from "../graph/function_graph.js";
import type { Params } from "../graph/op.js";
import { type Apply, Constant, type Variable } from "../graph/variable.js";

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

/** `mul(2, exp(x))`: outputs separated by `; `. What is read more than once is `%n=op(…)` at first and `%n` afterwards; `.i` is output i of several. */
export function printGraph(outputs: readonly Variable[], inputs: readonly Variable[] = []): string {
  const names = new Map<Variable, string>();
  inputs.forEach((v, i) => names.set(v, v.name ?? `#${i}`));
  let leaves = 0;
  const leaf = (v: Variable): string => {
    const known = names.get(v) ?? (v instanceof Constant ? printConstant(v) : (v.name ?? `_${leaves++}`));
    names.set(v, known);
    return known;
  };
  const uses = new Map<Apply | null, number>();
  for (const v of [...appliesOf(outputs).flatMap((a) => a.inputs), ...outputs]) uses.set(v.owner, (uses.get(v.owner) ?? 0) + 1);
  const shared = new Map<Apply, string>();
  const out: string[] = [];
  const stack: (string | Variable)[] = separated(outputs, "; ").reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (typeof top === "string") out.push(top);
    else if (top.owner === null || names.has(top)) out.push(leaf(top));
    else {
      const { owner } = top;
      const known = shared.get(owner);
      const which = owner.outputs.length > 1 ? `.${top.index}` : "";
      if (known === undefined && (uses.get(owner) ?? 0) > 1) shared.set(owner, `%${shared.size}`);
      const label = shared.has(owner) ? `${shared.get(owner)}=` : "";
      if (known !== undefined) out.push(known + which);
      else stack.push(`)${which}`, ...separated(owner.inputs, ", ").reverse(), `${label}${owner.op.name}${printParams(owner.params)}(`);
    }
  }
  return out.join("");
}

const separated = (vs: readonly Variable[], by: string): (string | Variable)[] => vs.flatMap((v, i) => (i === 0 ? [v] : [by, v]));
