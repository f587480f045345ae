/** Dead steps and slots: what outputs do not need goes, rows read by later iterations stay. */
import { expect, test } from "vitest";
import { withoutDead } from "../../src/compile/dead.js";
import { axis, constant, load } from "../../src/codegen/ir/expr.js";
import { closeKernel } from "../../src/codegen/ir/kernel.js";
import { type Plan, printPlan, type Step } from "../../src/codegen/ir/plan.js";

const slot = { dtype: "float32", shape: [2], label: "", stacked: false } as const;
const kernel = closeKernel([2], null, [load(0, "float32", [axis(0, 2)])], () => slot).kernel;
const copy = (from: number, to: number): Step => ({ kind: "launch", kernel, reads: [{ slot: from, row: null }], scalars: [], writes: [{ slot: to, row: null }] });
const loop = (init: number, body: readonly Step[], current: number, next: number, final: number): Step => ({
  kind: "loop", count: constant(3, "int32"), index: 0, carries: [{ init, current, next, final }], body,
});
const plan = (slots: number, steps: readonly Step[], outputs: readonly number[]): Omit<Plan, "text"> => ({
  slots: Array.from({ length: slots }, () => slot), scalars: ["int32"], scalarInputs: 0, inputs: [0], constants: [], steps, outputs,
});

test("an unread launch and an unread loop go, with their slots", () => {
  const whole = plan(6, [copy(0, 1), loop(0, [copy(2, 3)], 2, 3, 4), copy(0, 5)], [5]);
  expect(printPlan(withoutDead(whole))).toBe(printPlan(plan(2, [copy(0, 1)], [1])));
});

test("what a loop carries keeps the steps that make it, in the loop and before", () => {
  const whole = plan(6, [copy(0, 1), loop(1, [copy(2, 5), copy(2, 3)], 2, 3, 4)], [4]);
  expect(printPlan(withoutDead(whole))).toBe(printPlan(plan(5, [copy(0, 1), loop(1, [copy(2, 3)], 2, 3, 4)], [4])));
});

test("what an earlier step of the body reads is kept for the next iteration", () => {
  const whole = plan(5, [loop(0, [copy(1, 3), copy(2, 1)], 2, 3, 4)], [4]);
  expect(withoutDead(whole)).toEqual(whole);
});

test("an unread loop in a loop goes, a read one stays", () => {
  const inner = loop(0, [copy(5, 6)], 5, 6, 7);
  const unread = plan(8, [loop(0, [inner, copy(2, 3)], 2, 3, 4)], [4]);
  expect(printPlan(withoutDead(unread))).toBe(printPlan(plan(4, [loop(0, [copy(1, 2)], 1, 2, 3)], [3])));
  const wanted = plan(7, [loop(0, [loop(0, [copy(1, 2)], 1, 2, 3), copy(3, 5)], 4, 5, 6)], [6]);
  expect(withoutDead(wanted)).toEqual(wanted);
});
