/**
 * The invariants of a FunctionGraph: tables that agree with each other, types that ops would infer, no cycles. Run after each phase by tests
 * and under DAMO_DEBUG. Must not know any op.
 */
import { impossible } from "../util/fail.js";
import type { ApplyNode, FunctionGraph, VarId } from "./function_graph.js";

/** Everything that is wrong with a graph, one sentence each; empty for a sound one. */
export function graphProblems(g: FunctionGraph): string[] {
  return [...variableProblems(g), ...applyProblems(g), ...consumerProblems(g), ...cycleProblems(g)];
}

/** Throws `internal` naming the first problem and when it was seen. */
export function checkGraph(g: FunctionGraph, when: string): void {
  const problems = graphProblems(g);
  if (problems.length > 0) impossible(`the graph is broken ${when}: ${problems.slice(0, 3).join("; ")}`);
}

function variableProblems(g: FunctionGraph): string[] {
  const { vars, applies, inputs, outputs } = g.tables;
  const out: string[] = [];
  for (const [what, ids] of [["input", inputs], ["output", outputs]] as const) {
    for (const id of ids) if (!vars.has(id)) out.push(`${what} ${id} is not in the table of variables`);
  }
  for (const [id, v] of vars) {
    if (v.id !== id) out.push(`variable ${id} is stored with the id ${v.id}`);
    if ((v.owner === null) === (v.leaf === null)) out.push(`variable ${id} must have either an owner or a leaf`);
    if (v.owner !== null && applies.get(v.owner)?.outputs[v.index] !== id) out.push(`variable ${id} is not output ${v.index} of apply ${v.owner}`);
  }
  return out;
}

function applyProblems(g: FunctionGraph): string[] {
  const { vars, applies } = g.tables;
  const out: string[] = [];
  for (const [id, a] of applies) {
    if (a.id !== id) out.push(`apply ${id} is stored with the id ${a.id}`);
    const missing = [...a.inputs, ...a.outputs].filter((v) => !vars.has(v));
    if (missing.length > 0) out.push(`apply ${id} (${a.op}) uses variables ${missing.join(", ")}, which are not in the table`);
    else out.push(...typeProblems(g, a));
  }
  return out;
}

function typeProblems(g: FunctionGraph, a: ApplyNode): string[] {
  const inferred = a.op.fields.infer(a.inputs.map((v) => g.var(v).type), a.params);
  return a.outputs.flatMap((v, i) => {
    const { type } = g.var(v);
    return inferred[i]?.equals(type) === true ? [] : [`output ${i} of apply ${a.id} (${a.op}) is ${type}, but the op infers ${inferred[i]}`];
  });
}

function consumerProblems(g: FunctionGraph): string[] {
  const expected = new Map<VarId, Set<number>>();
  for (const [id, a] of g.tables.applies) {
    for (const v of a.inputs) expected.set(v, (expected.get(v) ?? new Set()).add(id));
  }
  const out: string[] = [];
  for (const v of new Set([...expected.keys(), ...g.tables.consumers.keys()])) {
    const is = [...(g.tables.consumers.get(v) ?? [])].sort((x, y) => x - y).join(",");
    const should = [...(expected.get(v) ?? [])].sort((x, y) => x - y).join(",");
    if (is !== should) out.push(`variable ${v} is read by applies [${should}], but the table says [${is}]`);
  }
  return out;
}

/** Kahn's count: applies that never become ready are on, or behind, a cycle. */
function cycleProblems(g: FunctionGraph): string[] {
  const waiting = new Map<number, number>();
  const ready: number[] = [];
  const inner = (a: ApplyNode): VarId[] => [...new Set(a.inputs)].filter((v) => g.tables.vars.get(v)?.owner != null);
  for (const [id, a] of g.tables.applies) {
    const n = inner(a).length;
    waiting.set(id, n);
    if (n === 0) ready.push(id);
  }
  let done = 0;
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    done++;
    for (const v of g.tables.applies.get(id)?.outputs ?? []) {
      for (const c of g.consumersOf(v)) {
        const left = (waiting.get(c) ?? 0) - 1;
        waiting.set(c, left);
        if (left === 0) ready.push(c);
      }
    }
  }
  return done === g.tables.applies.size ? [] : [`${g.tables.applies.size - done} applies are on a cycle or behind one`];
}
