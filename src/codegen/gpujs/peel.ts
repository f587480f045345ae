/**
 * Plan -> Plan: long computations in the epilogue of a reduction that do not need the reduction (random draws above all) get a launch of their
 * own. A tiled kernel would contain them once for each row of its tile: several times the source to compile, for the same work.
 * Must not know gpu.js' source.
 */
import { axis, children, type Expr, load, postorder } from "../ir/expr.js";
import { closeKernel, type Kernel, substitute } from "../ir/kernel.js";
import { finishPlan, type Launch, type Plan, type Slot, type SlotRef, type Step } from "../ir/plan.js";
import { bindKernel } from "../ir/wide.js";

/** Primitives from which on a launch of its own is worth a buffer. */
const LONG = 24;

/** Peels the epilogues of reductions of at least `from` iterations. */
export function peelPlan(plan: Plan, from: number): Plan {
  const slots: Slot[] = [...plan.slots];
  const steps = plan.steps.flatMap((s) => peelStep(s, slots, from));
  return slots.length === plan.slots.length ? plan : finishPlan({ ...plan, slots, steps });
}

function peelStep(s: Step, slots: Slot[], from: number): Step[] {
  if (s.kind === "loop") return [{ ...s, body: s.body.flatMap((b) => peelStep(b, slots, from)) }];
  if (s.kind !== "launch" || s.kernel.reduction === null || s.kernel.reduction.extents.reduce((a, b) => a * b, 1) < from) return [s];
  const long = longParts(s.kernel);
  return long.length === 0 ? [s] : peeled(s, long, slots);
}

/** Maximal subexpressions of the results without the accumulator, long enough. */
function longParts(k: Kernel): Expr[] {
  const needs = new Set<Expr>();
  const parts = new Set<Expr>();
  for (const e of postorder(k.results)) {
    if (e.kind !== "acc" && !children(e).some((c) => needs.has(c))) continue;
    needs.add(e);
    for (const c of children(e)) if (!needs.has(c)) parts.add(c);
  }
  return [...parts].filter((e) => postorder([e]).filter((x) => x.kind === "prim").length >= LONG);
}

function peeled(s: Launch, parts: readonly Expr[], slots: Slot[]): Launch[] {
  const { kernel } = s;
  const point = kernel.domain.map((e, a) => axis(a, e));
  const reads: SlotRef[] = [...s.reads];
  const types: Slot[] = kernel.params.map((p) => ({ ...p, label: "", stacked: false }));
  const instead = new Map<Expr, Expr>();
  const first = parts.map((e) => {
    const type: Slot = { dtype: e.dtype, shape: kernel.domain, label: "peeled", stacked: false };
    const slot = slots.push(type) - 1;
    instead.set(e, load(types.push(type) - 1, e.dtype, point));
    reads.push({ slot, row: null });
    return bindKernel(s, closeKernel(kernel.domain, null, [e], (b) => types[b] as Slot), reads, [{ slot, row: null }]);
  });
  const results = substitute(kernel.results, (e) => instead.get(e));
  return [...first, bindKernel(s, closeKernel(kernel.domain, kernel.reduction, results, (b) => types[b] as Slot), reads, s.writes)];
}
