import { afterEach, expect, it, vi } from "vitest";
import type { Handle } from "../../../src/codegen/backend.js";
import { acc, axis, load, prim, redAxis } from "../../../src/codegen/ir/expr.js";
import { closeKernel } from "../../../src/codegen/ir/kernel.js";
import { defaultThreads, findFeatures } from "../../../src/codegen/wasm/features.js";
import { createWasmBackend } from "../../../src/codegen/wasm/index.js";
import { planOf, whole } from "./plan_kit.js";

afterEach(() => vi.unstubAllGlobals());

it("SIMD and threads are found; sharing memory takes an isolated page", async () => {
  expect(await findFeatures(false)).toEqual({ simd: true, fma: false, threads: true });
  vi.stubGlobal("crossOriginIsolated", false);
  expect((await findFeatures(false)).threads).toBe(false);
  vi.stubGlobal("crossOriginIsolated", true);
  expect((await findFeatures(false)).threads).toBe(true);
});

it("threads are as many as the machine runs, at most eight", async () => {
  const there = await defaultThreads();
  expect(there).toBeGreaterThanOrEqual(1);
  expect(there).toBeLessThanOrEqual(8);
  vi.stubGlobal("process", undefined);
  vi.stubGlobal("navigator", { hardwareConcurrency: 64 });
  expect(await defaultThreads()).toBe(8);
  vi.stubGlobal("navigator", {});
  expect(await defaultThreads()).toBe(1);
});

it("fused multiply-add is had by asking for it, and products are right with it and without", async () => {
  const [rows, n, columns] = [5, 300, 9];
  const type = (...shape: number[]) => ({ dtype: "float32" as const, shape });
  const term = prim("mul", load(0, "float32", [axis(0, rows), redAxis(0, n)]), load(1, "float32", [redAxis(0, n), axis(1, columns)]));
  const { kernel } = closeKernel([rows, columns], { op: "sum", extents: [n], term, dtype: "float32" }, [acc("float32")], (b) => (b === 0 ? type(rows, n) : type(n, columns)));
  const plan = planOf({
    slots: [type(rows, n), type(n, columns), type(rows, columns)].map((t, s) => ({ ...t, label: `s${s}`, stacked: false })), inputs: [0, 1], outputs: [2],
    steps: [{ kind: "launch", kernel, reads: [0, 1].map(whole), scalars: [], writes: [whole(2)] }],
  });
  const a = Float32Array.from({ length: rows * n }, (_, k) => Math.sin(k));
  const b = Float32Array.from({ length: n * columns }, (_, k) => Math.cos(3 * k));
  const results: Float32Array[] = [];
  for (const fma of [false, true]) {
    const backend = await createWasmBackend({ fma, threads: 1 });
    expect(backend.caps.description.includes("fused multiply-add")).toBe(fma);
    const f = await backend.compile(plan);
    const [c] = (await f.run([await backend.upload(a, type(rows, n)), await backend.upload(b, type(n, columns))], [])) as [Handle];
    results.push((await backend.download(c)) as Float32Array);
    await backend.dispose();
  }
  for (const c of results) {
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
      let exact = 0;
      for (let k = 0; k < n; k++) exact += (a[i * n + k] as number) * (b[k * columns + j] as number);
      expect(Math.abs((c[i * columns + j] as number) - exact)).toBeLessThan(n * 2 ** -24);
    }
  }
  expect(results[0], "other last bits").not.toEqual(results[1]);
});
