/**
 * What the backward pass reads of the forward one instead of computing it again: states before each step, states after it, outputs that are
 * kept anyway, and products with a state, whose second computation would take longer than everything else. Memory stays at one stack per state and
 * one per product that is read. Must not know how gradients are made. Used by scan_grad.ts.
 */
import { leavesOf, substituteVariables } from "../graph/clone.js";
import { appliesOf } from "../graph/function_graph.js";
import type { Op } from "../graph/op.js";
import { Variable } from "../graph/variable.js";
import { padLeft } from "../ops/dimshuffle.js";
import { dot } from "../ops/dot.js";
import { add } from "../ops/elementwise.js";
import { get } from "../ops/indexing.js";
import { join } from "../ops/join.js";
import { slice } from "../ops/slices.js";
import { bodyOutputs, type CarryPart, type Entry, scanOf, type ScanParts, type StackedPart } from "./parts.js";

export interface Saved {
  /** The results, reading saved values where the forward pass has them. */
  readonly results: readonly Variable[];
  /** Stacks over all steps in forward order, and what stands for their rows in the results. */
  readonly stacks: readonly Entry[];
}

/** Products with a state, each with what is added to it right away: `dot(h, U) + x` is kept as it is read. Others are computed for all steps at once. */
function products(parts: ScanParts): Variable[] {
  const applies = appliesOf(bodyOutputs(parts));
  const states = parts.carries.map((c) => c.inner);
  const withAddends = (v: Variable): Variable => {
    const readers = applies.filter((a) => a.inputs.includes(v));
    const sum = readers.length === 1 && readers[0]?.op === add.op ? (readers[0].outputs[0] as Variable) : null;
    return sum?.type.equals(v.type) ? withAddends(sum) : v;
  };
  const found = applies.filter((a) => a.op === dot.op).map((a) => a.outputs[0] as Variable);
  return found.filter((v) => leavesOf([v]).some((leaf) => states.includes(leaf))).map(withAddends);
}

/** Values of the forward body that may be saved. Leaves cost nothing to read. */
function savable(parts: ScanParts): Map<Variable, Variable> {
  const values = [...parts.carries.map((c) => c.next), ...parts.stacked.filter((s) => s.keep === "all").map((s) => s.value), ...products(parts)];
  return new Map(values.filter((v) => v.owner !== null).map((v) => [v, new Variable(v.type, { name: v.name, origin: v.origin })]));
}

/** `outputs`: the stacked outputs of the forward scan as it is; `results`: variables over its body. */
export function savedFor(op: Op, parts: ScanParts, outputs: readonly Variable[], results: readonly Variable[]): Saved {
  const rows = savable(parts);
  const replaced = substituteVariables(results, rows);
  const read = new Set(leavesOf(replaced));
  const values = [...rows].filter(([, row]) => read.has(row));
  const states = parts.carries.filter((c) => read.has(c.inner));
  const isKept = (v: Variable): boolean => parts.stacked.some((s) => s.value === v && s.keep === "all");
  /** Its values before each step are those after the step before, which are stacked already. */
  const isShifted = (c: CarryPart): boolean => isKept(c.next) || values.some(([v]) => v === c.next);
  const more: StackedPart[] = [...values.map(([v]) => v).filter((v) => !isKept(v)), ...states.filter((c) => !isShifted(c)).map((c) => c.inner)].map((value) => ({ value, keep: "all" }));
  const all = [...parts.stacked, ...more];
  const made = more.length === 0 ? outputs : scanOf(op, { ...parts, stacked: all }).stacked;
  const stackOf = (v: Variable): Variable => made[all.findIndex((s) => s.value === v && s.keep === "all")] as Variable;
  const before = (c: CarryPart): Variable => (isShifted(c) ? join(0, padLeft(c.init, c.init.ndim + 1), get(stackOf(c.next), slice(null, -1))) : stackOf(c.inner));
  return {
    results: replaced,
    stacks: [...values.map(([v, inner]): Entry => ({ outer: stackOf(v), inner })), ...states.map((c): Entry => ({ outer: before(c), inner: c.inner }))],
  };
}
