/** threads and fma: asked for by compile(), config or DAMO_FLAGS; which backend comes of it. Devices here are made up: what a real one does with them is tested beside it. */
import { afterAll, expect, test } from "vitest";
import { type Backend, type DeviceOptions, registerBackend } from "../../src/codegen/backend.js";
import { referenceFactory } from "../../src/codegen/reference/backend.js";
import { device } from "../../src/compile/devices.js";
import { closeDevices, compile, type CompileOptions, config, shared, T } from "../../src/index.js";

afterAll(closeDevices);

test("options of the device: one backend for each, none for what makes no difference to it", async () => {
  const asked: unknown[] = [];
  const create = async (options?: DeviceOptions): Promise<Backend> => {
    asked.push(options);
    return referenceFactory.create();
  };
  registerBackend({ name: "both", takes: ["threads", "fma"], probe: referenceFactory.probe, create });
  registerBackend({ name: "one", takes: ["threads"], probe: referenceFactory.probe, create });
  const both = await Promise.all([device("both"), device("both", { threads: 1 }), device("both", { threads: 1, fma: false }), device("both", { threads: 2 }), device("both", { threads: 1 }), device("both", {})]);
  expect(asked).toEqual([{}, { threads: 1 }, { threads: 1, fma: false }, { threads: 2 }]);
  expect(new Set(both.map((d) => d.backend)).size).toBe(4);
  expect([both[4]?.backend, both[5]?.backend]).toEqual([both[1]?.backend, both[0]?.backend]);
  const one = await Promise.all([device("one", { fma: false }), device("one"), device("one", { threads: 3, fma: false }), device("one", { threads: 3 })]);
  expect(asked.slice(4)).toEqual([{}, { threads: 3 }]);
  expect([one[0]?.backend === one[1]?.backend, one[2]?.backend === one[3]?.backend, one[0]?.backend === one[2]?.backend]).toEqual([true, true, false]);
});

test("functions say it, else DAMO_FLAGS or config; shared values go from one backend to the other", async () => {
  const asked: unknown[] = [];
  registerBackend({ name: "asked", takes: ["threads", "fma"], probe: referenceFactory.probe, create: async (options) => [asked.push(options), await referenceFactory.create()][1] as Backend });
  const w = shared([1, 2], { dtype: "float32" });
  const make = (options: CompileOptions): (() => Promise<unknown>) => compile([], undefined, { updates: [[w, w.add(1)]], device: "asked", ...options });
  const before = { ...config };
  try {
    const plain = make({});
    Object.assign(config, { threads: 2, fma: false });
    const fns = [plain, make({}), make({ threads: 1 }), make({ threads: 2, fma: true }), plain, make({ threads: 2 })];
    for (const f of fns) await f();
  } finally {
    Object.assign(config, before);
  }
  expect(asked).toEqual([{}, { threads: 2, fma: false }, { threads: 1, fma: false }, { threads: 2, fma: true }]);
  expect((await w.getValue()).toArray()).toEqual([7, 8]);
});

test.each([0, -1, 1.5, Number.NaN])("threads-count: compile() refuses %s threads", (threads) => {
  const x = T.fscalar("x");
  expect(() => compile([x], x, { threads })).toThrow(expect.objectContaining({ code: "threads-count" }));
});

test("wasm takes both, says so, and hands values from one instance to the other", async () => {
  const w = shared([1, 2], { dtype: "float32" });
  const make = (options: CompileOptions) => compile([], w, { updates: [[w, w.mul(2)]], device: "wasm", ...options });
  const [one, two] = [make({ threads: 1, fma: false }), make({ threads: 2, fma: false })];
  for (const f of [one, two, two, one]) await f();
  expect((await w.getValue()).toArray()).toEqual([16, 32]);
  expect(one.explain().description).toMatch(/^WebAssembly SIMD, one thread/);
  expect(two.explain().description).toMatch(/^WebAssembly SIMD, 2 threads/);
  expect(Object.keys(one.explain().bytes)).toEqual(expect.arrayContaining(["inputs", "outputs", "constants", "scratch"]));
  expect(one.explain().report.length).toBeGreaterThan(0);
});
