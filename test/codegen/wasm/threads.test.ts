import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Handle } from "../../../src/codegen/backend.js";
import { acc, axis, load, prim, redAxis } from "../../../src/codegen/ir/expr.js";
import { closeKernel } from "../../../src/codegen/ir/kernel.js";
import type { Launch, Loop, Plan } from "../../../src/codegen/ir/plan.js";
import { WasmBackend } from "../../../src/codegen/wasm/backend.js";
import { findFeatures } from "../../../src/codegen/wasm/features.js";
import { createWasmBackend, wasmFactory } from "../../../src/codegen/wasm/index.js";
import type { StartWorker } from "../../../src/codegen/wasm/threads.js";
import { AT_ONCE, eager, float, index, int, planOf, routine, row, vectors, wasm, whole } from "./plan_kit.js";

const N = 7;
const { x, slot, launch, plus } = vectors(N);
const input = Float64Array.from({ length: N }, (_, n) => n / 3);

const opened: WasmBackend[] = [];
const keep = (b: WasmBackend): WasmBackend => {
  opened.push(b);
  return b;
};
afterEach(async () => {
  vi.unstubAllGlobals();
  for (const b of opened.splice(0)) await b.dispose();
});

const up = (b: WasmBackend): Handle => b.uploadNow(input, slot("x"));

/** Matrices of float32: x <- tanh-like mix of x w, several times, with a sum at the end. */
function products(rows: number, n: number, times: number): Plan {
  const type = (shape: number[]) => ({ dtype: "float32" as const, shape });
  const term = prim("mul", load(0, "float32", [axis(0, rows), redAxis(0, n)]), load(1, "float32", [redAxis(0, n), axis(1, n)]));
  const scaled = prim("div", acc("float32"), prim("add", prim("abs", acc("float32")), { kind: "const", dtype: "float32", value: 1 }));
  const step = closeKernel([rows, n], { op: "sum", extents: [n], term, dtype: "float32" }, [scaled], (b) => type(b === 0 ? [rows, n] : [n, n]));
  const wide = { kind: "cast", dtype: "float64", arg: load(0, "float32", [redAxis(0, rows), redAxis(1, n)]) } as const;
  const total = closeKernel([], { op: "sum", extents: [rows, n], term: wide, dtype: "float64" }, [acc("float64")], () => type([rows, n]));
  const body: Launch = { kind: "launch", kernel: step.kernel, reads: [2, 1].map(whole), scalars: [], writes: [whole(3)] };
  const loop: Loop = { kind: "loop", count: int(times), index: 0, carries: [{ init: 0, current: 2, next: 3, final: 4 }], body: [body] };
  const f32 = (label: string, shape: number[]) => ({ ...type(shape), label, stacked: false });
  return planOf({
    slots: [f32("x", [rows, n]), f32("w", [n, n]), f32("a", [rows, n]), f32("a'", [rows, n]), f32("a*", [rows, n]), slot("sum", [])],
    inputs: [0, 1], steps: [loop, { kind: "launch", kernel: total.kernel, reads: [whole(4)], scalars: [], writes: [whole(5)] }], outputs: [4, 5], scalars: ["int32"],
  });
}

describe("threads", () => {
  it("give the same bits, however many", async () => {
    const plan = products(10, 97, 6);
    const results: string[] = [];
    for (const threads of [1, 2, 3]) {
      const backend = keep(threads === 1 ? await wasm(1) : await eager(threads));
      const f = await backend.compile(plan);
      const inputs = [[10, 97], [97, 97]].map((shape, k) => backend.uploadNow(Float32Array.from({ length: (shape[0] as number) * 97 }, (_, n) => Math.sin(n * (k + 1.5))), { dtype: "float32", shape }));
      for (let call = 0; call < 3; call++) {
        const out = await f.run(inputs, []);
        results.push(out.map((h) => backend.downloadNow(h).join(" ")).join("|"));
        for (const h of out) backend.free(h);
      }
      expect(f.report?.()[0]).toBe(threads === 1 ? "one thread" : `3 of 3 calls on ${threads} threads`);
    }
    expect(new Set(results).size).toBe(1);
  });

  it("stay asleep where the work is small", async () => {
    const backend = keep(await wasm(2));
    const f = await backend.compile(planOf({ slots: [slot("x"), slot("y")], steps: [launch(plus(1), [whole(0)], whole(1))], outputs: [1] }));
    await f.run([up(backend)], []);
    expect(f.report?.()[0]).toBe("0 of 1 calls on 2 threads");
  });

  it("count the work of loops whose length the call gives", async () => {
    const backend = keep(await wasm(2));
    const v = vectors(10_000);
    const step = v.launch(v.plus(1), [whole(1)], whole(2));
    const f = await backend.compile(planOf({
      slots: ["a", "b", "c", "d"].map((l) => v.slot(l)), steps: [{ kind: "loop", count: index(0), index: 1, carries: [{ init: 0, current: 1, next: 2, final: 3 }], body: [step] }],
      outputs: [3], scalars: ["int32", "int32"], scalarInputs: 1,
    }));
    const h = backend.uploadNow(new Float64Array(10_000), v.slot("x"));
    await f.run([h], [1]);
    expect(f.report?.()[0]).toBe("0 of 1 calls on 2 threads");
    // Fourteen milliseconds of work for one thread is worth waiting for the workers to start.
    const [d] = (await f.run([h], [2000])) as [Handle];
    expect(f.report?.()[0]).toBe("1 of 2 calls on 2 threads");
    expect(new Set(backend.downloadNow(d))).toEqual(new Set([2000]));
  });

  it("take many modules, and forget those that are disposed of", async () => {
    const backend = keep(await eager(2));
    const h = up(backend);
    for (let n = 0; n < 20; n++) {
      const f = await backend.compile(planOf({ slots: [slot("x"), slot("y")], steps: [launch(plus(n), [whole(0)], whole(1))], outputs: [1] }));
      const [y] = (await f.run([h], [])) as [Handle];
      expect(backend.downloadNow(y)[1]).toBe((input[1] as number) + n);
      backend.free(y);
      f.dispose();
    }
  });

  it("can be asked for in sensible numbers", async () => {
    for (const threads of [0, 1.5, 1000]) await expect(createWasmBackend({ threads })).rejects.toMatchObject({ code: "wasm-threads" });
    const backend = keep((await createWasmBackend()) as WasmBackend);
    expect(backend.pool?.threads ?? 1).toBeGreaterThanOrEqual(1);
    expect(backend.caps.description).toMatch(/^WebAssembly SIMD.*, (one thread|\d threads)$/);
  });
});

describe("routines of the host", () => {
  it.each([1, 2])("that throw stop all of %i threads, leak nothing and change nothing", async (threads) => {
    const backend = keep(await eager(threads));
    let calls = 0;
    const boom = routine(([a], [b]) => {
      calls++;
      if (a?.data[0] === 0 && calls === 1) throw new Error("boom");
      b?.data.set(a?.data ?? []);
    }, [whole(2)], [whole(3)]);
    // After the routine comes a loop that would not end for a day.
    const endless: Loop = { kind: "loop", count: index(0), index: 1, carries: [{ init: 3, current: 4, next: 5, final: 6 }], body: [launch(plus(1), [whole(4)], whole(5)), launch(plus(2), [whole(4)], whole(7))] };
    const f = await backend.compile(planOf({
      slots: ["x", "unused", "y", "z", "a", "b", "c", "d"].map((l) => slot(l)), steps: [launch(prim("mul", x(0), float(2)), [whole(0)], whole(2)), boom, endless], outputs: [6],
      scalars: ["int32", "int32"], scalarInputs: 1,
    }));
    const h = up(backend);
    const before = backend.arena.liveBytes;
    await expect(f.run([h], [2 ** 31 - 1])).rejects.toThrow("boom");
    expect(backend.arena.liveBytes - backend.scratchHeld).toBe(before);
    expect(backend.downloadNow(h)).toEqual(input);
    const [c] = (await f.run([h], [3])) as [Handle];
    expect([...backend.downloadNow(c)]).toEqual([...input].map((v) => 2 * v + 3));
    expect(backend.counters).toMatchObject({ routines: 1, launches: 7 });
  });

  it.each([1, 2])("see shapes, dtypes, scalars and rows, with %i threads", async (threads) => {
    const backend = keep(await eager(threads));
    const seen: unknown[] = [];
    const step = routine((ins, outs, scalars) => {
      seen.push(ins.map((b) => [b.dtype, b.shape]), outs.map((b) => [b.dtype, b.shape]), scalars);
      outs.forEach((o, n) => { o.data.set((ins[0]?.data ?? []).map((v) => v * 10 + n)); });
    }, [whole(0)], [whole(1), row(2, index(1))], [int(4), prim("pow", index(1), int(2)), { kind: "cast", dtype: "float64", arg: index(0) }]);
    const loop: Loop = { kind: "loop", count: int(2), index: 1, carries: [], body: [step] };
    const f = await backend.compile(planOf({ slots: [slot("x"), slot("y"), slot("rows", [2, N], true)], steps: [loop], outputs: [2], scalars: ["int32", "int32"], scalarInputs: 1 }));
    const [rows] = (await f.run([up(backend)], [9])) as [Handle];
    expect([...backend.downloadNow(rows)]).toEqual([...input, ...input].map((v) => v * 10 + 1));
    const f64 = ["float64", [N]];
    expect(seen).toEqual([[f64], [f64, f64], [4, 0, 9], [f64], [f64, f64], [4, 1, 9]]);
  });

  it.each([1, 2])("are not called with wrong arguments, with %i threads", async (threads) => {
    const backend = keep(await eager(threads));
    const f = await backend.compile(planOf({ slots: [slot("x"), slot("y")], steps: [launch(plus(1), [whole(0)], whole(1))], outputs: [1] }));
    await expect(f.run([], [])).rejects.toMatchObject({ code: "plan-scalars" });
    await expect(f.run([up(backend)], [1])).rejects.toMatchObject({ code: "plan-scalars" });
    await expect(f.run([backend.uploadNow(Float64Array.of(1, 2), slot("x", [2]))], [])).rejects.toMatchObject({ code: "plan-input" });
  });
});

describe("workers", () => {
  /** Two launches of one phase, the second on thread 1, into rows that the call chooses. */
  const rowsOf = (): Plan => planOf({
    slots: [slot("x"), slot("a", [2, N], true), slot("b", [2, N], true)], outputs: [1, 2], scalars: ["int32", "int32"], scalarInputs: 2,
    steps: [launch(plus(1), [whole(0)], row(1, index(0))), launch(plus(2), [whole(0)], row(2, index(1)))],
  });

  it("that trap end the call with an error; the device goes on with one thread", async () => {
    const backend = keep(await eager(2));
    const f = await backend.compile(rowsOf());
    const h = up(backend);
    await expect(f.run([h], [0, 1])).resolves.toHaveLength(2);
    const before = backend.arena.liveBytes;
    await expect(f.run([h], [0, 5])).rejects.toMatchObject({ code: "wasm-worker" });
    expect(backend.arena.liveBytes).toBe(before);
    const [a] = (await f.run([h], [1, 0])) as [Handle, Handle];
    expect([...backend.downloadNow(a)].slice(N)).toEqual([...input].map((v) => v + 1));
    expect(f.report?.()[0]).toMatch(/^2 of 3 calls on 2 threads, now on one: /);
  });

  it("wait for a caller that traps, and work on", async () => {
    const backend = keep(await eager(2));
    const f = await backend.compile(rowsOf());
    const h = up(backend);
    await expect(f.run([h], [7, 0])).rejects.toMatchObject({ code: "internal" });
    await expect(f.run([h], [1, 1])).resolves.toHaveLength(2);
    expect(f.report?.()[0]).toBe("2 of 2 calls on 2 threads");
  });

  const withStart = async (start: StartWorker): Promise<WasmBackend> =>
    keep(new WasmBackend({ features: await findFeatures(undefined), threads: 2, start, thresholds: AT_ONCE }));

  it.each<[string, StartWorker]>([
    ["cannot be started", () => { throw new Error("no workers here"); }],
    ["die at once", (_, broken) => {
      const w = new Worker("process.exit(3)", { eval: true });
      w.on("exit", (n) => broken(`no workers here: ${n}`));
      return w;
    }],
  ])("that %s leave one thread", async (_, start) => {
    const backend = await withStart(start);
    const f = await backend.compile(rowsOf());
    const h = up(backend);
    await f.run([h], [0, 1]);
    await vi.waitFor(async () => {
      await f.run([h], [0, 1]);
      expect(f.report?.()[0]).toMatch(/^0 of \d+ calls on 2 threads, now on one: .*no workers here/);
    });
  });
});

describe("the device", () => {
  it("is missing where WebAssembly is", async () => {
    expect(await wasmFactory.probe()).toEqual({ available: true });
    vi.stubGlobal("WebAssembly", undefined);
    expect(await wasmFactory.probe()).toEqual({ available: false, reason: "no WebAssembly" });
    await expect(wasmFactory.create()).rejects.toMatchObject({ code: "wasm-device" });
  });

  it("has one thread where memory cannot be shared", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    const backend = keep((await createWasmBackend({ threads: 4 })) as WasmBackend);
    expect([backend.pool, backend.caps.description]).toEqual([null, expect.stringMatching(/one thread$/)]);
    const f = await backend.compile(planOf({ slots: [slot("x"), slot("y")], steps: [launch(plus(1), [whole(0)], whole(1))], outputs: [1] }));
    await expect(f.run([up(backend)], [])).resolves.toHaveLength(1);
  });
});
