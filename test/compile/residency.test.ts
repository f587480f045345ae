/**
 * Shared values stay where they are used: training uploads them once, reads back only outputs, a loop reads nothing back, and a call that
 * fails leaves values and random states as they were. Kernels use values on the device; NumPy's generators are host routines, so on gpu.js
 * devices their states stay on the host and only the draws go up. `reference` has every value on the host and counts what routines see.
 */
import { describe, expect, test } from "vitest";
import { backendFactory, type Counters } from "../../src/codegen/backend.js";
import { device as open } from "../../src/compile/devices.js";
import type { WasmBackend } from "../../src/codegen/wasm/backend.js";
import { compile, config, MRGRandomStreams, NdArray, RandomStreams, scan, shared, type SharedVariable, T, type Variable } from "../../src/index.js";
import { dbn, logistic, rbm, recurrent, sequence, SIZES, type Tutorial } from "./tutorials.js";

const DEVICES = ["reference", "wasm", "gpu:cpu", "gpu:webasm"];

/** What some calls add to a device's counters. */
async function counted(name: string, calls: () => Promise<unknown>): Promise<Counters> {
  const { counters } = (await open(name)).backend;
  const before = { ...counters };
  await calls();
  return Object.fromEntries(Object.entries(counters).map(([k, n]) => [k, (n as number) - before[k as keyof Counters]])) as unknown as Counters;
}

async function repeat(n: number, call: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < n; i++) await call(i);
}

/** What one step of Gibbs sampling draws: a pair of float32 for each unit, since a draw of 0 or 1 is decided by `bernoulliPair`. */
const DRAW_BYTES = 2 * SIZES.batch * (SIZES.visible + SIZES.hidden) * 4;

const values = async (vs: readonly SharedVariable[]): Promise<unknown[]> => Promise.all(vs.map(async (v) => (await v.getValue()).toArray()));

/** Bytes of a 0-d float32, as one output read back takes. */
const COST = { readbacks: 1, readbackBytes: 4 };

describe.each(DEVICES)("on %s, 20 training calls", (device) => {
  const cases: [string, () => Tutorial][] = [
    ["logistic regression", () => logistic(device)],
    ["RBM, CD-1, MRG streams", () => rbm(device, { k: 1, persistent: false, streams: "mrg" })],
    ["RBM, PCD-4, MRG streams: a loop reads nothing back", () => rbm(device, { k: 4, persistent: true, streams: "mrg" })],
    ["DBN, pretraining of layer 1", () => dbn(device).pretrain[1] as Tutorial],
    ["DBN, fine-tuning", () => dbn(device).finetune],
  ];
  test.each(cases)("%s", async (_, make) => {
    const { train } = make();
    await train(0);
    const made = train.explain().kernels;
    const seen = await counted(device, () => repeat(20, (i) => train(i % 2)));
    expect(seen).toMatchObject({ uploads: 0, uploadedBytes: 0, readbacks: 20 * COST.readbacks, readbackBytes: 20 * COST.readbackBytes, routines: 0 });
    expect(made?.exact).toBe(true);
  });

  test("RBM with NumPy's streams: on gpu.js the draws go up, the cost comes back, nothing else moves", async () => {
    const k = 3;
    const { train, state } = rbm(device, { k, persistent: true });
    await train(0);
    const seen = await counted(device, () => repeat(20, () => train(0)));
    expect(seen.routines).toBe(20 * 2 * k);
    if (device === "reference") return;
    // The wasm device draws by itself.
    if (device === "wasm") expect(seen).toMatchObject({ readbacks: 20, readbackBytes: 20 * COST.readbackBytes, uploads: 0, uploadedBytes: 0 });
    if (device === "wasm") return;
    expect(seen).toMatchObject({ readbacks: 20, readbackBytes: 20 * COST.readbackBytes, uploads: 20 * 2 * k, uploadedBytes: 20 * k * DRAW_BYTES });
    // The generators' states are on the host already; parameters and the chain are not.
    const words = state.filter((v) => v.dtype === "int32");
    expect(words.length).toBeGreaterThan(0);
    expect(await counted(device, () => values(words))).toMatchObject({ readbacks: 0 });
  });

  test("back-propagation through time: arguments go up, the cost comes back", async () => {
    const { train } = recurrent(device);
    const [x, y] = sequence();
    await train(x, y);
    const seen = await counted(device, () => repeat(20, () => train(x, y)));
    expect(seen).toMatchObject({ uploads: 40, uploadedBytes: 20 * (x.size + y.length) * 4, readbacks: 20, readbackBytes: 80 });
  });

  test("without outputs nothing comes back, until a value is asked for", async () => {
    const w = shared(new NdArray(Float32Array.of(1, 2, 3), [3], "float32"), { name: "w" });
    const f = compile([], undefined, { updates: [[w, w.mul(2)]], device });
    expect(await counted(device, () => repeat(10, () => f()))).toMatchObject({ uploads: 1, readbacks: 0 });
    expect(await counted(device, async () => expect((await w.getValue()).toArray()).toEqual([1024, 2048, 3072]))).toMatchObject({ uploads: 0, readbacks: 1 });
    expect(await counted(device, () => w.getValue())).toMatchObject({ readbacks: 0 });
    w.setValue(new NdArray(Float32Array.of(1, 0, 0), [3], "float32"));
    expect(await counted(device, () => repeat(2, () => f()))).toMatchObject({ uploads: 1, readbacks: 0 });
    expect((await w.getValue()).toArray()).toEqual([4, 0, 0]);
  });

  test("two functions hand a value on where it is", async () => {
    const w = shared(new NdArray(Float32Array.of(1, 2), [2], "float32"));
    const [up, down] = [compile([], undefined, { updates: [[w, w.add(1)]], device }), compile([], undefined, { updates: [[w, w.sub(1)]], device })];
    await up();
    expect(await counted(device, () => repeat(6, (i) => (i % 2 === 0 ? down() : up())))).toMatchObject({ uploads: 0, readbacks: 0 });
    expect((await w.getValue()).toArray()).toEqual([2, 3]);
  });
});

describe("PCD-15 with NumPy's streams on gpu:headlessgl", () => {
  test("reads nothing back but the cost", async (ctx) => {
    const found = await backendFactory("gpu:headlessgl").probe();
    if (!found.available) {
      console.warn(`skipped gpu:headlessgl: ${found.reason}`);
      ctx.skip(found.reason);
    }
    const k = 15;
    const { train } = rbm("gpu:headlessgl", { k, persistent: true });
    const first = await train(0);
    const seen = await counted("gpu:headlessgl", () => repeat(3, () => train(0)));
    expect(seen).toMatchObject({ readbacks: 3, readbackBytes: 3 * COST.readbackBytes, uploads: 3 * 2 * k, uploadedBytes: 3 * k * DRAW_BYTES });
    const there = await rbm("reference", { k, persistent: true }).train(0);
    expect(Number(first)).toBeCloseTo(Number(there), 3);
  }, 120_000);
});

describe.each(DEVICES)("on %s, a call that fails", (device) => {
  test("leaves values and random states as they were", async () => {
    const { floatX } = config;
    const [mt, mrg] = [new RandomStreams(7), new MRGRandomStreams(7)];
    const w = shared(new NdArray(Float32Array.of(1, 2, 3), [3], "float32"), { name: "w" });
    const steps = shared(0, { name: "steps" });
    const x = T.fvector("x");
    const noise = mt.uniform({ size: [3], dtype: floatX }).add(mrg.uniform({ size: [3], dtype: floatX }));
    const f = compile([x], w.sum(), { updates: [[w, w.add(x).add(noise)], [steps, steps.add(1)]], device });
    const state = [w, steps, ...[...mt.stateUpdates(), ...mrg.stateUpdates()].map(([s]) => s)];
    await f([0, 0, 0]);
    const before = await values(state);
    await expect(f([0, 0])).rejects.toThrow("dimension-mismatch");
    await expect(f([[1]])).rejects.toThrow("call-ndim");
    expect(await values(state)).toEqual(before);
    await f([0, 0, 0]);
    expect((await values(state))[1]).toBe(2);
  });

  test("for an index that only the call knows, beside a loop, changes nothing either", async () => {
    const w = shared(new NdArray(Float32Array.of(1, 2, 3), [3], "float32"));
    const i = T.iscalar("i");
    const [out] = scan({ fn: (s: Variable) => s.mul(2), outputsInfo: w, nSteps: 4 });
    const f = compile([i], out.get(i), { updates: [[w, w.add(1)]], device });
    await f(0);
    const before = await values([w]);
    await expect(f(9)).rejects.toThrow("index-range");
    expect(await values([w])).toEqual(before);
    expect(((await f(1)) as NdArray).toArray()).toEqual([8, 12, 16]);
  });
});

describe("on wasm, an update in place", () => {
  const make = () => {
    const w = shared(new NdArray(Float32Array.from({ length: 4096 }, (_, n) => n), [4096], "float32"), { name: "w" });
    const x = T.fscalar("x");
    return { w, x, f: compile([x], w.sum(), { updates: [[w, w.add(x)]], device: "wasm" }) };
  };
  const held = async (): Promise<number> => {
    const { arena, scratchHeld } = (await open("wasm")).backend as WasmBackend;
    return arena.liveBytes - scratchHeld;
  };

  test("takes no second buffer, while others still get what they asked for", async () => {
    const { w, f } = make();
    await f(1);
    const before = await held();
    await repeat(5, () => f(1));
    expect(await held()).toBe(before);
    const asked = w.getValue();
    const called = f(1);
    expect((await asked).data.slice(0, 3)).toEqual(Float32Array.of(6, 7, 8));
    await called;
    expect((await w.getValue()).data.slice(0, 3)).toEqual(Float32Array.of(7, 8, 9));
  });

  test("leaves a value alone that was set after the call was made", async () => {
    const { w, f } = make();
    await f(1);
    const called = f(1);
    w.setValue(new NdArray(new Float32Array(4096).fill(3), [4096], "float32"));
    await called;
    expect((await w.getValue()).data.slice(0, 2)).toEqual(Float32Array.of(3, 3));
  });

  test("takes turns where two variables exchange values, and where two get the same", async () => {
    const [a, b] = [1, 2].map((n) => shared(new NdArray(new Float32Array(100).fill(n), [100], "float32")));
    if (!a || !b) throw new Error("no variables");
    const swap = compile([], undefined, { updates: [[a, b.mul(10)], [b, a.mul(10)]], device: "wasm" });
    await repeat(3, () => swap());
    expect((await values([a, b])).map((v) => (v as number[])[0])).toEqual([2000, 1000]);
    const same = a.add(b);
    const both = compile([], undefined, { updates: [[a, same], [b, same]], device: "wasm" });
    await repeat(3, () => both());
    expect((await values([a, b])).map((v) => (v as number[])[99])).toEqual([12000, 12000]);
  });
});
