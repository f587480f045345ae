/**
 * Plan -> Plan: a long reduction becomes partial reductions over a further axis and a reduction of those. GPUs then have more cells to work
 * on at once, and llvmpipe, which stops a shader after 65535 iterations in all, comes to the end. Must not know gpu.js' source.
 */
import { acc, axis, constant, type Expr, load, prim, redAxis } from "../ir/expr.js";
import { iadd, imul, int } from "../ir/index.js";
import { closeKernel, type Kernel, REDUCE_IDENTITY, type Reduction, substitute } from "../ir/kernel.js";
import { finishPlan, type Launch, type Plan, type Slot, type SlotRef, type Step } from "../ir/plan.js";
import { bindKernel } from "../ir/wide.js";

/** Iterations that one cell may run. */
const LONGEST = 16384;
/** With fewer cells than this a device idles: then iterations are cut shorter. */
const FEW_CELLS = 1024;
const SHORT = 1024;

const product = (xs: readonly number[]): number => xs.reduce((a, b) => a * b, 1);

/** Cuts every reduction of a plan that is too long. */
export function stagePlan(plan: Plan): Plan {
  const slots: Slot[] = [...plan.slots];
  const steps = plan.steps.flatMap((s) => stageStep(s, slots));
  return slots.length === plan.slots.length ? plan : finishPlan({ ...plan, slots, steps });
}

function stageStep(s: Step, slots: Slot[]): Step[] {
  if (s.kind === "loop") return [{ ...s, body: s.body.flatMap((b) => stageStep(b, slots)) }];
  if (s.kind !== "launch" || s.kernel.reduction === null) return [s];
  const cut = cutOf(s.kernel, s.kernel.reduction);
  return cut === null ? [s] : twoStages(s, s.kernel.reduction, cut, slots);
}

interface Cut { readonly axis: number; readonly pieces: number; readonly length: number }

/** Along the longest axis, in pieces short enough. */
function cutOf(k: Kernel, r: Reduction): Cut | null {
  const total = product(r.extents);
  const limit = product(k.domain) < FEW_CELLS ? SHORT : LONGEST;
  if (total <= limit) return null;
  const longest = Math.max(...r.extents);
  const along = r.extents.indexOf(longest);
  // Few long pieces would leave the second stage short and the first slow; about the square root serves both.
  const wanted = Math.min(limit, Math.max(32, Math.ceil(Math.sqrt(total))));
  const length = Math.max(1, Math.floor(wanted / (total / longest)));
  const pieces = Math.ceil(longest / length);
  return pieces > 1 ? { axis: along, pieces, length } : null;
}

function twoStages(s: Launch, r: Reduction, cut: Cut, slots: Slot[]): Step[] {
  const { kernel } = s;
  const shape = [...kernel.domain, cut.pieces];
  const partial = slots.push({ dtype: r.dtype, shape, label: "partial", stacked: false }) - 1;
  const point = kernel.domain.map((e, a) => axis(a, e));
  const first = closeKernel(shape, { ...r, extents: r.extents.map((e, a) => (a === cut.axis ? cut.length : e)), term: pieceTerm(kernel, r, cut) }, [acc(r.dtype)], (b) => kernel.params[b] as Slot);
  const own = kernel.params.length;
  const sum = load(own, r.dtype, [...point, redAxis(0, cut.pieces)]);
  const typeOf = (b: number): Slot => (b === own ? (slots[partial] as Slot) : (kernel.params[b] as Slot));
  const second = closeKernel(kernel.domain, { op: r.op, extents: [cut.pieces], term: sum, dtype: r.dtype }, kernel.results, typeOf);
  const between: SlotRef = { slot: partial, row: null };
  return [bindKernel(s, first, s.reads, [between]), bindKernel(s, second, [...s.reads, between], s.writes)];
}

/** The term at position `piece * length + k` of the cut axis; the identity beyond its end. */
function pieceTerm(kernel: Kernel, r: Reduction, cut: Cut): Expr {
  const extent = r.extents[cut.axis] as number;
  const k = redAxis(cut.axis, cut.length);
  const position = iadd(imul(axis(kernel.domain.length, cut.pieces), int(cut.length)), k);
  const [term] = substitute([r.term], (e) => (e.kind === "red" && e.axis === cut.axis ? position : undefined)) as [Expr];
  if (cut.pieces * cut.length === extent) return term;
  return prim("select", prim("lt", position, int(extent)), term, constant(REDUCE_IDENTITY[r.op], r.dtype));
}
