/**
 * A small plan with known results that a device must compute before it is offered: a dot with an epilogue, a division, a NaN, integers.
 * Must not know modes. Used by index.ts.
 */
import type { Backend } from "../backend.js";
import { acc, axis, constant, type Expr, load, prim, redAxis, scalar } from "../ir/expr.js";
import { closeKernel } from "../ir/kernel.js";
import { finishPlan, type Plan, type Slot } from "../ir/plan.js";

const F = "float32";

function probePlan(): Plan {
  const shapes = [[2, 3], [3, 4], [4]];
  const x: Expr = load(0, F, [axis(0, 2), redAxis(0, 3)]);
  const w: Expr = load(1, F, [redAxis(0, 3), axis(1, 4)]);
  const sum = prim("add", acc(F), load(2, F, [axis(1, 4)]));
  const value = prim("select", prim("lt", sum, scalar(0, F)), prim("sqrt", prim("sub", sum, constant(1000, F))), prim("div", sum, constant(4, F)));
  const bound = closeKernel([2, 4], { op: "sum", extents: [3], term: prim("mul", x, w), dtype: F }, [value], (b) => ({ dtype: F, shape: shapes[b] as number[] }));
  return finishPlan({
    slots: [...shapes.map((shape, n) => ({ dtype: F, shape, label: `in${n}`, stacked: false }) as const), { dtype: F, shape: [2, 4], label: "out", stacked: false }],
    scalars: [F], scalarInputs: 1, inputs: [0, 1, 2], constants: [], outputs: [3],
    steps: [{ kind: "launch", kernel: bound.kernel, reads: bound.buffers.map((slot) => ({ slot, row: null })), scalars: bound.scalars, writes: [{ slot: 3, row: null }] }],
  });
}

const X = [1, 2, 3, 4, 5, 6];
const W = [1, 0, 2, -1, 0, 1, 2, -1, 3, 1, 2, -1];
const B = [0, 1, 2, 3];

/** (X W + B) / 4, worked out by hand; the last column is below 0 and takes the square root of a negative number. */
const EXPECTED = [10 / 4, 6 / 4, 14 / 4, Number.NaN, 22 / 4, 12 / 4, 32 / 4, Number.NaN];

/** Null when the device is right, else what it got wrong. */
export async function probeResults(backend: Backend): Promise<string | null> {
  const plan = probePlan();
  const executable = await backend.compile(plan);
  const inputs = await Promise.all([X, W, B].map((data, n) => backend.upload(Float32Array.from(data), plan.slots[n] as Slot)));
  const [out] = await executable.run(inputs, [0]);
  if (!out) return "a plan gave no result";
  const got = [...(await backend.download(out))];
  for (const h of [...inputs, out]) backend.free(h);
  executable.dispose();
  const right = got.length === EXPECTED.length && got.every((v, n) => Object.is(v, EXPECTED[n]));
  return right ? null : `it computes ${got.join(", ")} where ${EXPECTED.join(", ")} is right`;
}

const SIZE = 512;
const ROWS = 64;
const ROUNDS = 3;

/** Milliseconds of a 64x512 by 512x512 product, launched and waited for; the first run, which compiles, does not count. */
export async function probeSpeed(backend: Backend): Promise<number> {
  const shapes = [[ROWS, SIZE], [SIZE, SIZE], [ROWS, SIZE]] as const;
  const slots = shapes.map((shape, n) => ({ dtype: F, shape, label: `t${n}`, stacked: false }) as const);
  const term = prim("mul", load(0, F, [axis(0, ROWS), redAxis(0, SIZE)]), load(1, F, [redAxis(0, SIZE), axis(1, SIZE)]));
  const bound = closeKernel([ROWS, SIZE], { op: "sum", extents: [SIZE], term, dtype: F }, [acc(F)], (b) => slots[b] as Slot);
  const step = { kind: "launch", kernel: bound.kernel, reads: bound.buffers.map((slot) => ({ slot, row: null })), scalars: [], writes: [{ slot: 2, row: null }] } as const;
  const plan = finishPlan({ slots, scalars: [], scalarInputs: 0, inputs: [0, 1], constants: [], outputs: [2], steps: [step] });
  const executable = await backend.compile(plan);
  const inputs = await Promise.all([0, 1].map((n) => backend.upload(new Float32Array((shapes[n] as readonly [number, number])[0] * SIZE).fill(0.5), slots[n] as Slot)));
  let bestTime = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    const [out] = await executable.run(inputs, []);
    if (!out) break;
    await backend.download(out);
    backend.free(out);
    if (round > 0) bestTime = Math.min(bestTime, performance.now() - start);
  }
  for (const h of inputs) backend.free(h);
  executable.dispose();
  return bestTime;
}
