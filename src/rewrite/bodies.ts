/**
 * Graphs inside params (scan bodies) are rewritten like any graph, once for each distinct key. Must not know scan: any FrozenGraph in any op's
 * params is one.
 */
import { type Change, replaceAll } from "../graph/edit.js";
import { fillGraph } from "../graph/edit.js";
import { FrozenGraph, FunctionGraph } from "../graph/function_graph.js";
import type { Params } from "../graph/op.js";
import { onBehalfOf } from "../graph/origin.js";
import { apply, type Variable } from "../graph/variable.js";
import { plainGraph } from "./plain.js";

export class BodyRewriter {
  readonly #known: Map<string, unknown>;
  readonly #rewrite: (g: FunctionGraph) => unknown;

  /** `known`: rewritten bodies by key, shared by all graphs of one run. */
  constructor(known: Map<string, unknown>, rewrite: (g: FunctionGraph) => unknown) {
    this.#known = known;
    this.#rewrite = rewrite;
  }

  /** Replaces every apply whose bodies change; null when none does. */
  rewrite(g: FunctionGraph, options: { readonly record: boolean }): Change | null {
    const pairs = g.order().flatMap((a) => {
      const params = this.#params(a.params);
      if (params === null) return [];
      const outputs = onBehalfOf(g.view(a.outputs[0] as number).origin, () => apply(a.op, a.inputs.map((v) => g.view(v)), params));
      return a.outputs.map((o, i) => [o, outputs[i] as Variable] as const);
    });
    return pairs.length === 0 ? null : replaceAll(g, pairs, options);
  }

  #params(params: Params): Params | null {
    let changed = false;
    const entries = Object.entries(params).map(([name, v]) => {
      if (!(v instanceof FrozenGraph)) return [name, v];
      const body = this.#body(v);
      changed ||= body.key !== v.key;
      return [name, body];
    });
    return changed ? Object.fromEntries(entries) : null;
  }

  #body(before: FrozenGraph): FrozenGraph {
    const known = this.#known.get(before.key);
    if (known instanceof FrozenGraph) return known;
    const g = new FunctionGraph();
    fillGraph(g, before.inputs, before.outputs);
    this.#rewrite(g);
    const { inputs, outputs } = plainGraph(g);
    const after = new FrozenGraph(inputs, outputs);
    this.#known.set(before.key, after);
    this.#known.set(after.key, after);
    return after;
  }
}
