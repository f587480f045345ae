/** Opens the gpu.js devices for tests: cpu and webasm always, the others where they can be had, else a printed reason. */
import { expect } from "vitest";
import type { Backend, Handle } from "../../../src/codegen/backend.js";
import type { DType, TypedArray } from "../../../src/codegen/ir/dtype.js";
import type { Expr } from "../../../src/codegen/ir/expr.js";
import { type BufferType, closeKernel, type Reduction } from "../../../src/codegen/ir/kernel.js";
import { finishPlan, type Launch, type Plan, type Slot, type SlotRef } from "../../../src/codegen/ir/plan.js";
import { gpujsFactory } from "../../../src/codegen/gpujs/index.js";
import type { Mode } from "../../../src/codegen/gpujs/library.js";
import { ReferenceBackend } from "../../../src/codegen/reference/backend.js";

const ALWAYS: readonly Mode[] = ["cpu", "webasm"];

/** Modes that can be had here. Prints why others cannot. */
export async function modes(): Promise<Mode[]> {
  const found: Mode[] = [...ALWAYS];
  for (const mode of ["headlessgl", "webgpu"] as const) {
    const answer = await gpujsFactory(mode).probe();
    if (answer.available) found.push(mode);
    else console.warn(`skipped gpu:${mode}: ${answer.reason}`);
  }
  return found;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
export const f32 = (...shape: number[]): BufferType => ({ dtype: "float32", shape });
export const i32 = (...shape: number[]): BufferType => ({ dtype: "int32", shape });
export const whole = (slot: number): SlotRef => ({ slot, row: null });
export const slotOf = (t: BufferType, label = "x", stacked = false): Slot => ({ ...t, label, stacked });

/** A launch of expressions whose buffers are slots. */
export function launchOf(
  slots: readonly Slot[], domain: readonly number[], reduction: Reduction | null, results: readonly Expr[], writes: readonly SlotRef[], reads?: readonly SlotRef[],
): Launch {
  const refOf = (b: number): SlotRef => reads?.[b] ?? whole(b);
  const typeOf = (b: number): BufferType => {
    const ref = refOf(b);
    const { dtype, shape } = slots[ref.slot] as Slot;
    return { dtype, shape: ref.row ? shape.slice(1) : shape };
  };
  const bound = closeKernel(domain, reduction, results, typeOf);
  return { kind: "launch", kernel: bound.kernel, reads: bound.buffers.map(refOf), scalars: bound.scalars, writes };
}

/** A plan of one launch: inputs are slots 0 …, the results come after them. */
export function onePlan(inputs: readonly BufferType[], domain: readonly number[], reduction: Reduction | null, results: readonly Expr[], scalars: readonly DType[] = []): Plan {
  const slots = [...inputs.map((t) => slotOf(t)), ...results.map((r) => slotOf({ dtype: r.dtype, shape: domain }, "out"))];
  const outs = results.map((_, n) => inputs.length + n);
  return finishPlan({
    slots, scalars, scalarInputs: scalars.length, inputs: inputs.map((_, n) => n), constants: [], outputs: outs,
    steps: [launchOf(slots, domain, reduction, results, outs.map(whole))],
  });
}

/** Runs a plan once and frees everything. */
export async function runOn(backend: Backend, plan: Plan, inputs: readonly TypedArray[], scalars: readonly number[] = []): Promise<TypedArray[]> {
  const executable = await backend.compile(plan);
  const handles: Handle[] = [];
  for (const [n, data] of inputs.entries()) handles.push(await backend.upload(data, plan.slots[plan.inputs[n] as number] as Slot));
  const outs = await executable.run(handles, scalars);
  const values: TypedArray[] = [];
  for (const o of outs) values.push(await backend.download(o));
  for (const h of [...handles, ...outs]) backend.free(h);
  executable.dispose();
  return values;
}

/** The device gives what the reference gives, to a relative error. */
export async function expectSame(backend: Backend, plan: Plan, inputs: readonly TypedArray[], scalars: readonly number[] = [], tolerance = 1e-5): Promise<TypedArray[]> {
  const want = await runOn(new ReferenceBackend(), plan, inputs, scalars);
  const got = await runOn(backend, plan, inputs, scalars);
  want.forEach((w, n) => { expectClose(got[n] as TypedArray, w, tolerance, plan.text); });
  return got;
}

/** NaN equals NaN, infinities must agree, the rest to a relative error (absolute below 1). */
export function expectClose(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number, context = ""): void {
  expect(got.length).toBe(want.length);
  for (let n = 0; n < want.length; n++) {
    const [g, w] = [got[n] as number, want[n] as number];
    const near = Object.is(g, w) || g === w || Math.abs(g - w) <= tolerance * Math.max(1, Math.abs(w));
    if (!near) expect.fail(`element ${n}: got ${g}, want ${w}\n${context}`);
  }
}

/** Numbers that look random and are the same each time. */
export function numbers(n: number, seed = 1, scale = 1): Float32Array {
  let s = seed;
  return Float32Array.from({ length: n }, () => {
    s = (s * 16807) % 2147483647;
    return (s / 2147483647 - 0.5) * 2 * scale;
  });
}
