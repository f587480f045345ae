/**
 * What the tutorials' training functions do in one call, pinned as text with their kernel counts; plans/README.md says why each kernel is
 * there. Refactoring must not change them: run with -u only when a plan got better, and say so in README.md.
 */
import { describe, expect, test } from "vitest";
import { allSteps, type Plan, scalarsIn, type Step } from "../../src/codegen/ir/plan.js";
import { device as open } from "../../src/compile/devices.js";
import { dbn, logistic, rbm, recurrent, sequence, type Tutorial } from "./tutorials.js";

interface Case {
  readonly name: string;
  readonly make: (device: string) => Tutorial;
  readonly call?: (t: Tutorial) => Promise<unknown>;
  /** In the text, and launched per call. */
  readonly kernels: readonly [number, number];
}

const CASES: readonly Case[] = [
  { name: "logistic", make: logistic, kernels: [8, 8] },
  { name: "rbm_cd1", make: (device) => rbm(device, { k: 1, persistent: false }), kernels: [14, 14] },
  { name: "rbm_pcd15", make: (device) => rbm(device, { k: 15, persistent: true }), kernels: [21, 77] },
  { name: "rbm_pcd15_mrg", make: (device) => rbm(device, { k: 15, persistent: true, streams: "mrg" }), kernels: [21, 77] },
  { name: "dbn_pretrain0", make: (device) => dbn(device).pretrain[0] as Tutorial, kernels: [14, 14] },
  { name: "dbn_pretrain1", make: (device) => dbn(device).pretrain[1] as Tutorial, kernels: [15, 15] },
  { name: "dbn_finetune", make: (device) => dbn(device).finetune, kernels: [16, 16] },
  { name: "bptt", make: recurrent, call: ({ train }) => train(...sequence()), kernels: [18, 38] },
];

/** The plan that a first call makes. */
async function planOf(device: string, { make, call = ({ train }) => train(0) }: Case): Promise<{ plan: Plan; tutorial: Tutorial }> {
  const { backend } = await open(device);
  const plans: Plan[] = [];
  const compilePlan = backend.compile.bind(backend);
  backend.compile = (plan) => {
    plans.push(plan);
    return compilePlan(plan);
  };
  try {
    const tutorial = make(device);
    await call(tutorial);
    expect(plans).toHaveLength(1);
    return { plan: plans[0] as Plan, tutorial };
  } finally {
    backend.compile = compilePlan;
  }
}

/** Slots that a step reads and writes, loops included. */
function slotsOf(step: Step): { reads: Set<number>; writes: Set<number> } {
  if (step.kind !== "loop") return { reads: new Set(step.reads.map((r) => r.slot)), writes: new Set(step.writes.map((w) => w.slot)) };
  const inner = step.body.map(slotsOf);
  return {
    reads: new Set([...step.carries.flatMap((c) => [c.init, c.next]), ...inner.flatMap((s) => [...s.reads])]),
    writes: new Set([...step.carries.flatMap((c) => [c.current, c.final]), ...inner.flatMap((s) => [...s.writes])]),
  };
}

/** Slots that nothing reads and nobody asked for: work or memory for nothing. A carry's final slot is only another name for what it holds. */
function deadSlots(plan: Plan): string[] {
  const finals = [...allSteps(plan.steps)].flatMap((s) => (s.kind === "loop" ? s.carries.map((c) => c.final) : []));
  const read = new Set([...plan.outputs, ...finals, ...plan.steps.flatMap((s) => [...slotsOf(s).reads])]);
  return plan.slots.flatMap((s, n) => (read.has(n) ? [] : [`%${n} ${s.label}`]));
}

/** Steps of loop bodies that come out the same in each iteration. */
function hoistable(plan: Plan): string[] {
  const found: string[] = [];
  for (const loop of allSteps(plan.steps)) {
    if (loop.kind !== "loop") continue;
    const varying = new Set(loop.carries.flatMap((c) => [c.current]));
    for (const step of loop.body) {
      if (step.kind === "loop") continue;
      const refs = [...step.reads, ...step.writes];
      const changes = refs.some((r) => varying.has(r.slot) || (r.row && scalarsIn(r.row).includes(loop.index))) || step.scalars.some((e) => scalarsIn(e).includes(loop.index));
      if (changes) for (const w of step.writes) varying.add(w.slot);
      else found.push(step.writes.map((w) => `%${w.slot}`).join());
    }
  }
  return found;
}

describe.each(["reference", "gpu:webasm"])("plans for %s", (device) => {
  test.each(CASES)("$name", async (c) => {
    const { plan, tutorial } = await planOf(device, c);
    const { kernels, notes } = tutorial.train.explain();
    await expect(`${kernels?.distinct} kernels, ${kernels?.launches} launches per call\n\n${plan.text}\n`).toMatchFileSnapshot(`plans/${device.replace(":", "_")}/${c.name}.txt`);
    expect([kernels?.distinct, kernels?.launches, kernels?.exact]).toEqual([...c.kernels, true]);
    expect(notes).toEqual([]);
    expect(hoistable(plan)).toEqual([]);
    for (const step of allSteps(plan.steps)) if (step.kind === "launch") expect(step.reads, `%${step.writes[0]?.slot} reads nothing`).not.toHaveLength(0);
    expect(deadSlots(plan)).toEqual([]);
  });
});
