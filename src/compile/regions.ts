/**
 * Which elementwise results can be the epilogue of a reduction: the largest V of the reduction's own shape such that nothing between the
 * reduction and V is read elsewhere. Must not know kernels.
 */
import type { Apply, Variable } from "../graph/variable.js";
import type { Value } from "./value.js";

export interface Region {
  /** The reduction that V's kernel performs. */
  readonly reduction: Value;
  /** The reduction and what lies between it and V; none of these is stored. */
  readonly cone: ReadonlySet<Variable>;
}

/** Regions by their root V. `required` variables are stored whatever happens. */
export function epilogueRoots(applies: readonly Apply[], required: ReadonlySet<Variable>, valueFor: (v: Variable) => Value): Map<Variable, Region> {
  const readers = new Map<Variable, Apply[]>();
  for (const a of applies) for (const v of new Set(a.inputs)) readers.set(v, [...(readers.get(v) ?? []), a]);
  const position = new Map(applies.map((a, i) => [a, i]));
  const regions = new Map<Variable, Region>();
  const taken = new Set<Variable>();
  // Later reductions first: where two meet in one result, the last to be computed carries the epilogue.
  for (const a of [...applies].reverse()) {
    const v = a.outputs[0] as Variable;
    if (a.op.fields.lower.kind !== "reduce" || valueFor(v).source.kind !== "op") continue;
    const found = grow(v, readers, position, required, taken, valueFor);
    if (found === null) continue;
    regions.set(found.root, { reduction: valueFor(v), cone: found.cone });
    taken.add(found.root);
    for (const c of found.cone) taken.add(c);
  }
  return regions;
}

function grow(
  start: Variable, readers: ReadonlyMap<Variable, readonly Apply[]>, position: ReadonlyMap<Apply, number>,
  required: ReadonlySet<Variable>, taken: ReadonlySet<Variable>, valueFor: (v: Variable) => Value,
): { root: Variable; cone: Set<Variable> } | null {
  const { shape } = valueFor(start);
  const fits = (a: Apply): boolean => {
    const out = valueFor(a.outputs[0] as Variable);
    return a.op.fields.lower.kind === "elementwise" && out.shape.length === shape.length && out.shape.every((d, i) => d === shape[i]) && !taken.has(out.variable) && out.source.kind === "op";
  };
  const region = new Set<Variable>([start]);
  const inside = new Set<Apply>();
  let best: { root: Variable; cone: Set<Variable> } | null = null;
  const waiting = new Set<Apply>((readers.get(start) ?? []).filter(fits));
  while (waiting.size > 0 && region.size < 64) {
    const next = [...waiting].reduce((x, y) => ((position.get(x) as number) < (position.get(y) as number) ? x : y));
    waiting.delete(next);
    inside.add(next);
    const out = next.outputs[0] as Variable;
    region.add(out);
    const open = [...region].filter((v) => required.has(v) || (readers.get(v) ?? []).some((r) => !inside.has(r)) || (readers.get(v) ?? []).length === 0);
    if (open.length === 1 && open[0] === out) best = { root: out, cone: new Set([...region].filter((v) => v !== out)) };
    if (required.has(out)) continue;
    for (const r of readers.get(out) ?? []) if (!inside.has(r) && fits(r)) waiting.add(r);
  }
  return best;
}
