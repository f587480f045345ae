/** Plans written by hand, and what they give on the reference device and on the wasm device with any number of threads. */
import { expect } from "vitest";
import type { Backend, Handle } from "../../../src/codegen/backend.js";
import type { DType, TypedArray } from "../../../src/codegen/ir/dtype.js";
import { axis, constant, type Expr, load, prim, scalar } from "../../../src/codegen/ir/expr.js";
import { type BufferType, closeKernel } from "../../../src/codegen/ir/kernel.js";
import { finishPlan, type Launch, type Plan, type RoutineStep, type Slot, type SlotRef, type Step } from "../../../src/codegen/ir/plan.js";
import { ReferenceBackend } from "../../../src/codegen/reference/backend.js";
import { WasmBackend } from "../../../src/codegen/wasm/backend.js";
import { findFeatures } from "../../../src/codegen/wasm/features.js";
import { createWasmBackend } from "../../../src/codegen/wasm/index.js";
import type { Thresholds } from "../../../src/codegen/wasm/phases.js";
import { workerStarter } from "../../../src/codegen/wasm/threads.js";

export const int = (x: number): Expr => constant(x, "int32");
export const index = (id: number): Expr => scalar(id, "int32");
export const float = (x: number): Expr => constant(x, "float64");
export const whole = (slot: number): SlotRef => ({ slot, row: null });
export const row = (slot: number, at: Expr): SlotRef => ({ slot, row: at });

/** Threads are used for everything. */
export const AT_ONCE: Thresholds = { wake: 0, long: 0, sure: 0, meet: 0, cut: 0 };

/** A device that uses its threads for whatever there is, however small. */
export const eager = async (threads: number): Promise<WasmBackend> =>
  new WasmBackend({ features: await findFeatures(undefined), threads, start: await workerStarter(), thresholds: AT_ONCE });

export const wasm = async (threads = 1): Promise<WasmBackend> => (await createWasmBackend({ threads })) as WasmBackend;

interface Parts { slots: readonly Slot[]; steps: readonly Step[]; outputs: readonly number[]; inputs?: readonly number[]; constants?: Plan["constants"]; scalars?: readonly DType[]; scalarInputs?: number }

export const planOf = (p: Parts): Plan => finishPlan({ inputs: [0], constants: [], scalars: [], scalarInputs: 0, ...p });

/** Makers of slots and launches over vectors of n float64. */
export function vectors(n: number) {
  const type: BufferType = { dtype: "float64", shape: [n] };
  const x = (buffer: number): Expr => load(buffer, "float64", [axis(0, n)]);
  const slot = (label: string, shape: readonly number[] = [n], stacked = false, dtype: DType = "float64"): Slot => ({ dtype, shape, label, stacked });
  /** The expression's buffers are positions in `reads`. */
  const launch = (e: Expr, reads: readonly SlotRef[], write: SlotRef): Launch => {
    const bound = closeKernel([n], null, [e], () => type);
    return { kind: "launch", kernel: bound.kernel, reads: bound.buffers.map((b) => reads[b] as SlotRef), scalars: bound.scalars, writes: [write] };
  };
  return { x, slot, launch, plus: (by: number): Expr => prim("add", x(0), float(by)) };
}

export const routine = (run: RoutineStep["routine"]["run"], reads: readonly SlotRef[], writes: readonly SlotRef[], scalars: readonly Expr[] = []): RoutineStep => ({
  kind: "routine", routine: { name: "test", config: "", run }, reads, scalars, writes,
});

export interface Call { readonly inputs: readonly (readonly number[])[]; readonly scalars?: readonly number[] }

const arrayOf = (values: readonly number[], dtype: DType): TypedArray =>
  dtype === "float64" ? Float64Array.from(values) : dtype === "float32" ? Float32Array.from(values) : dtype === "int32" ? Int32Array.from(values) : Uint8Array.from(values);

/** For each output, an input of its type that it may renew, each input once. */
function renewalsOf({ slots, inputs, outputs }: Plan): (number | null)[] {
  const free = new Set(inputs.keys());
  const same = (a: Slot | undefined, b: Slot | undefined): boolean => a !== undefined && b !== undefined && a.dtype === b.dtype && a.shape.join() === b.shape.join();
  return outputs.map((slot) => {
    const input = [...free].find((n) => same(slots[inputs[n] as number], slots[slot]));
    if (input !== undefined) free.delete(input);
    return input ?? null;
  });
}

/** What the calls give, each twice as one executable may: with inputs as they were, and with outputs that may take the place of inputs. */
export async function resultsOn(backend: Backend, plan: Plan, calls: readonly Call[]): Promise<number[][][]> {
  const renews = renewalsOf(plan);
  const f = await backend.compile({ ...plan, renews });
  const all: number[][][] = [];
  for (const [n, { inputs, scalars = [] }] of [...calls, ...calls].entries()) {
    const handles = await Promise.all(inputs.map((v, n) => {
      const type = plan.slots[plan.inputs[n] as number] as Slot;
      return backend.upload(arrayOf(v, type.dtype), type);
    }));
    const mayRenew = n >= calls.length ? renews.map((input) => input !== null) : [];
    const out = await f.run(handles, scalars, mayRenew);
    all.push(await Promise.all(out.map(async (h) => [...(await backend.download(h))])));
    const kept = handles.flatMap((h, i) => (renews.some((input, at) => input === i && mayRenew[at]) ? [] : [[h, inputs[i]] as const]));
    for (const [h, values] of kept) expect([...(await backend.download(h))], "inputs stay as they are").toEqual(values);
    for (const h of [...out, ...handles] as Handle[]) backend.free(h);
  }
  f.dispose();
  return all;
}

/** Runs a plan on the reference device and on wasm with 1, 2 and 3 threads: the same bits, and nothing is left. */
export async function checkPlan(plan: Plan, calls: readonly Call[], backends: readonly WasmBackend[]): Promise<number[][]> {
  const expected = await resultsOn(new ReferenceBackend(), plan, calls);
  for (const backend of backends) {
    const before = backend.arena.liveBytes - backend.scratchHeld;
    expect(await resultsOn(backend, plan, calls), `${backend.pool?.threads ?? 1} threads`).toEqual(expected);
    expect(backend.arena.liveBytes - backend.scratchHeld).toBe(before);
  }
  return expected[0] as number[][];
}
