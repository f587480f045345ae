import { describe, expect, it } from "vitest";
import { axis, cast, constant, type Expr, load, postorder, prim } from "../../../src/codegen/ir/expr.js";
import { type BufferType, closeKernel } from "../../../src/codegen/ir/kernel.js";
import { allSteps, finishPlan, type Launch, type Loop, type Plan, type Routine, type Slot, type SlotRef, type Step } from "../../../src/codegen/ir/plan.js";
import { joinWide, splitWide, widenPlan } from "../../../src/codegen/ir/wide.js";

const N = 4;
const int = (n: number): Expr => constant(n, "int32");
const whole = (slot: number): SlotRef => ({ slot, row: null });
const slot = (shape: readonly number[], label: string, dtype: Slot["dtype"] = "int32"): Slot => ({ dtype, shape, label, stacked: false });

function launch(slots: readonly Slot[], domain: readonly number[], e: Expr, write: number): Launch {
  const bound = closeKernel(domain, null, [e], (b) => slots[b] as BufferType);
  return { kind: "launch", kernel: bound.kernel, reads: bound.buffers.map(whole), scalars: bound.scalars, writes: [whole(write)] };
}

const planOf = (slots: readonly Slot[], steps: readonly Step[], rest: Partial<Plan> = {}): Plan =>
  finishPlan({ slots, steps, inputs: [0], outputs: [slots.length - 1], constants: [], scalars: [], scalarInputs: 0, ...rest });

/** A state's next: column 0 is computed, the others move on. */
function next(): Plan {
  const slots = [slot([N, 3], "state"), slot([N, 3], "next"), slot([N], "u", "float32")];
  const at = (k: number): Expr => load(0, "int32", [axis(0, N), int(k)]);
  const x = prim("mrgNext1", at(0), at(1));
  const column = axis(1, 3);
  const moved = prim("select", prim("eq", column, int(0)), x, prim("select", prim("eq", column, int(1)), at(0), at(1)));
  return planOf(slots, [launch(slots, [N, 3], moved, 1), launch(slots, [N], cast(prim("mrgOutput", x, at(2)), "float32"), 2)], { outputs: [1, 2] });
}

const hasMrg = (p: Plan): boolean => [...allSteps(p.steps)].some((s) => s.kind === "launch" && postorder(s.kernel.results).some((e) => e.kind === "prim" && e.prim.startsWith("mrg")));

describe("splitting integers", () => {
  it("comes back, by columns and whole, also for negative values", () => {
    const data = [0, 1, -1, 65535, 65536, 2147483647, -2147483648, 2147462578, 12];
    expect([...joinWide(splitWide(data))]).toEqual(data);
    expect([...joinWide(splitWide(data, 3))]).toEqual(data);
    expect(splitWide(data, 3)).toHaveLength(6);
    expect([...(splitWide([65537, -1])[1] as Int32Array)]).toEqual([1, 65535]);
  });
});

describe("plans with MRG states", () => {
  it("become limbs: hi and lo of each slot that carries a state", () => {
    const wide = widenPlan(next(), { columns: false });
    expect(wide.plan.slots.map((s) => s.label)).toEqual(["state.hi", "state.lo", "next.hi", "next.lo", "u"]);
    expect([wide.inputs, wide.outputs]).toEqual([[1], [1, 0]]);
    expect(hasMrg(wide.plan)).toBe(false);
    expect(wide.plan.inputs).toEqual([0, 1]);
    expect(wide.plan.outputs).toEqual([2, 3, 4]);
  });

  it("by columns: what only moves is a plain copy", () => {
    const wide = widenPlan(next(), { columns: true });
    expect([wide.inputs, wide.outputs]).toEqual([[3], [3, 0]]);
    expect(hasMrg(wide.plan)).toBe(false);
    const copies = wide.plan.steps.map((s) => (s.kind === "launch" ? s.kernel.results.map((r) => r.kind) : []));
    expect(copies.slice(0, 3)).toEqual([["prim", "prim"], ["load", "load"], ["load", "load"]]);
  });

  it("follow states through loops", () => {
    const slots = [slot([N], "start"), slot([N], "current"), slot([N], "next"), slot([N], "end")];
    const x = (s: number): Expr => load(s, "int32", [axis(0, N)]);
    const loop: Loop = { kind: "loop", count: int(3), index: 0, carries: [{ init: 0, current: 1, next: 2, final: 3 }], body: [launch(slots, [N], prim("mrgNext2", x(1), x(1)), 2)] };
    const wide = widenPlan(planOf(slots, [loop], { scalars: ["int32"] }), { columns: true });
    expect(wide.plan.slots).toHaveLength(8);
    expect((wide.plan.steps[0] as Loop).carries).toEqual([{ init: 0, current: 2, next: 4, final: 6 }, { init: 1, current: 3, next: 5, final: 7 }]);
  });

  it("show routines whole integers", () => {
    const slots = [slot([N, 2], "a"), slot([N, 2], "b"), slot([N], "c")];
    const routine: Routine = { name: "add", config: "", run: ([from], [to]) => { from?.data.forEach((v, n) => { if (to) to.data[n] = v + 100000; }); } };
    const steps: Step[] = [
      { kind: "routine", routine, reads: [whole(0)], writes: [whole(1)], scalars: [] },
      launch(slots, [N], prim("mrgNext1", load(0, "int32", [axis(0, N), int(0)]), load(1, "int32", [axis(0, N), int(1)])), 2),
    ];
    const wide = widenPlan(planOf(slots, steps), { columns: true });
    const step = wide.plan.steps[0];
    if (step?.kind !== "routine") throw new Error("the routine is gone");
    const data = Int32Array.from({ length: 2 * N }, (_, n) => n * 300000);
    const buffers = (parts: readonly Int32Array[]) => parts.map((d) => ({ data: d, shape: [N], dtype: "int32" as const }));
    const outputs = buffers(splitWide(new Int32Array(2 * N), 2));
    step.routine.run(buffers(splitWide(data, 2)), outputs, []);
    expect([...joinWide(outputs.map((b) => b.data))]).toEqual([...data].map((v) => v + 100000));
    expect(() => step.routine.run([], outputs, [])).toThrow(/was given 0 buffers where 4 belong/);
  });

  it("stay as they are without states", () => {
    const slots = [slot([N], "a"), slot([N], "b")];
    const plan = planOf(slots, [launch(slots, [N], prim("add", load(0, "int32", [axis(0, N)]), int(1)), 1)]);
    expect(widenPlan(plan, { columns: true }).plan).toBe(plan);
  });
});
