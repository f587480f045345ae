/**
 * Drops steps whose results nobody reads, and the slots that were theirs: loops that fusion made unnecessary (states of a random draw that
 * turned out to be short), values of which only the shape was wanted. Must not know graphs or devices. Used by specialise.ts at its end.
 */
import { allSteps, type Loop, type Plan, type SlotRef, type Step } from "../codegen/ir/plan.js";

/** Slots that a step leaves for later ones. */
const written = (s: Step): number[] => [...allSteps([s])].flatMap((x) => (x.kind === "loop" ? x.carries.map((c) => c.final) : x.writes.map((w) => w.slot)));

/** Slots that a step may read of those made before it. */
const read = (s: Step): number[] => [...allSteps([s])].flatMap((x) => (x.kind === "loop" ? x.carries.flatMap((c) => [c.init, c.next]) : x.reads.map((r) => r.slot)));

/** The steps that `needed` slots depend on, in order. */
export function liveSteps(steps: readonly Step[], needed: Iterable<number>): Step[] {
  const wanted = new Set(needed);
  const live: Step[] = [];
  for (const s of [...steps].reverse()) {
    if (!written(s).some((slot) => wanted.has(slot))) continue;
    const kept: Step = s.kind === "loop" ? { ...s, body: liveBody(s, wanted) } : s;
    for (const slot of read(kept)) wanted.add(slot);
    live.push(kept);
  }
  return live.reverse();
}

/** What of a loop's body is needed after it, by its carries, or by what is needed in an iteration before or after. */
function liveBody({ body, carries }: Loop, after: Iterable<number>): Step[] {
  const wanted = new Set([...after, ...carries.map((c) => c.next)]);
  for (;;) {
    const live = liveSteps(body, wanted);
    const known = wanted.size;
    for (const slot of live.flatMap(read)) wanted.add(slot);
    if (wanted.size === known) return live;
  }
}

type Unprinted = Omit<Plan, "text">;

/** Every slot that a plan names, its constants apart. */
function namedSlots({ inputs, outputs, steps }: Unprinted): Set<number> {
  const inside = [...allSteps(steps)].flatMap((s) => (s.kind === "loop" ? s.carries.flatMap((c) => [c.init, c.current, c.next, c.final]) : [...s.reads, ...s.writes].map((r) => r.slot)));
  return new Set([...inputs, ...outputs, ...inside]);
}

function renumbered(s: Step, to: (slot: number) => number): Step {
  const refs = (list: readonly SlotRef[]): SlotRef[] => list.map((r) => ({ slot: to(r.slot), row: r.row }));
  if (s.kind !== "loop") return { ...s, reads: refs(s.reads), writes: refs(s.writes) };
  const carries = s.carries.map((c) => ({ init: to(c.init), current: to(c.current), next: to(c.next), final: to(c.final) }));
  return { ...s, carries, body: s.body.map((b) => renumbered(b, to)) };
}

/** The plan without what its outputs do not need. Inputs stay, in their order. */
export function withoutDead(plan: Unprinted): Unprinted {
  const steps = liveSteps(plan.steps, plan.outputs);
  const named = namedSlots({ ...plan, steps });
  if (named.size === plan.slots.length) return { ...plan, steps };
  const kept = plan.slots.map((_, n) => n).filter((n) => named.has(n));
  const numbers = new Map(kept.map((old, fresh) => [old, fresh]));
  const to = (slot: number): number => numbers.get(slot) as number;
  return {
    ...plan,
    slots: plan.slots.filter((_, n) => named.has(n)),
    inputs: plan.inputs.map(to),
    outputs: plan.outputs.map(to),
    constants: plan.constants.filter((c) => named.has(c.slot)).map((c) => ({ ...c, slot: to(c.slot) })),
    steps: steps.map((s) => renumbered(s, to)),
  };
}
