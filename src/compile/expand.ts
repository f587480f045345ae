/**
 * Expands ops that are compositions of others (lower.kind "graph"), also inside scan bodies, after rewriting has had its chance at them.
 */
import { fillGraph, replaceAll } from "../graph/edit.js";
import { FrozenGraph, FunctionGraph } from "../graph/function_graph.js";
import type { Params } from "../graph/op.js";
import { apply, type Apply } from "../graph/variable.js";
import { mergeEqual } from "../rewrite/merge.js";

/** Replaces every composition by its graph until none is left, then merges what came out equal. */
export function expandCompositions(g: FunctionGraph): void {
  const bodies = new Map<string, FrozenGraph>();
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of g.order()) {
      if (!g.tables.applies.has(node.id)) continue;
      const view = g.viewApply(node.id);
      const made = expandApply(view, bodies);
      if (made === null) continue;
      replaceAll(g, node.outputs.map((id, i) => [id, made[i] as never] as const), { record: false });
      changed = true;
    }
  }
  mergeEqual(g, { record: false });
}

function expandApply(a: Apply, bodies: Map<string, FrozenGraph>): readonly unknown[] | null {
  const { lower } = a.op.fields;
  if (lower.kind === "graph") return lower.expand(a.inputs, a.params);
  if (lower.kind !== "loop") return null;
  const body = a.params.body as FrozenGraph;
  const fresh = bodies.get(body.key) ?? expandBody(body);
  bodies.set(body.key, fresh);
  bodies.set(fresh.key, fresh);
  return fresh.key === body.key ? null : apply(a.op, a.inputs, { ...a.params, body: fresh } as Params);
}

function expandBody(body: FrozenGraph): FrozenGraph {
  const g = new FunctionGraph();
  fillGraph(g, body.inputs, body.outputs);
  expandCompositions(g);
  return new FrozenGraph(g.tables.inputs.map((i) => g.view(i)), g.tables.outputs.map((o) => g.view(o)));
}
