/** Outputs written over the inputs that they renew: where that is allowed and safe, and nowhere else. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Handle } from "../../../src/codegen/backend.js";
import { axis, type Expr, load, prim, scalar } from "../../../src/codegen/ir/expr.js";
import type { Loop, Plan, Step } from "../../../src/codegen/ir/plan.js";
import type { WasmBackend } from "../../../src/codegen/wasm/backend.js";
import { eager, float, int, planOf, routine, vectors, wasm, whole } from "./plan_kit.js";

const N = 6;
const { x, slot, launch, plus } = vectors(N);
const values = Float64Array.from({ length: N }, (_, n) => n + 0.5);
const back = (buffer: number): Expr => load(buffer, "float64", [prim("sub", int(N - 1), axis(0, N))]);

let backends: readonly WasmBackend[];
beforeAll(async () => { backends = [await wasm(1), await eager(2)]; });
afterAll(async () => { await Promise.all(backends.map((b) => b.dispose())); });

/** Runs a plan whose first output may renew its only input; gives the outputs and whether the first is where the input was. */
async function renewed(backend: WasmBackend, plan: Plan, { may = true, share = false, scalars = [] as number[] } = {}): Promise<{ out: number[][]; inPlace: boolean }> {
  const f = await backend.compile({ ...plan, renews: plan.outputs.map((_, n) => (n === 0 ? 0 : null)) });
  const copy = await backend.compile(planOf({ slots: [slot("x")], steps: [], outputs: [0] }));
  const given = await backend.upload(values, { dtype: "float64", shape: [N] });
  const other = share ? await copy.run([given], []) : [];
  const held = backend.arena.liveBytes - backend.scratchHeld;
  const results = await f.run([given], scalars, [may]);
  const others = new Set(plan.outputs.filter((s) => s !== plan.outputs[0])).size * 64;
  const inPlace = backend.arena.liveBytes - backend.scratchHeld - held === others;
  const out = results.map((h) => [...backend.downloadNow(h)]);
  if (!inPlace) expect(backend.downloadNow(given)).toEqual(values);
  for (const h of other) expect(backend.downloadNow(h)).toEqual(values);
  for (const h of [...results, ...other, given] as Handle[]) backend.free(h);
  for (const e of [f, copy]) e.dispose();
  return { out, inPlace };
}

const bumped = [...values].map((v) => v + 1);
const one = (steps: readonly Step[], outputs: readonly number[], count = 4): Plan => planOf({ slots: Array.from({ length: count }, (_, n) => slot(`t${n}`)), steps, outputs });

describe("an output that renews an input", () => {
  it("takes its place if it may", async () => {
    const plan = one([launch(plus(1), [whole(0)], whole(1))], [1, 1], 2);
    for (const b of backends) {
      expect(await renewed(b, plan)).toEqual({ out: [bumped, bumped], inPlace: true });
      expect(await renewed(b, plan, { may: false })).toEqual({ out: [bumped, bumped], inPlace: false });
    }
  });

  it("waits for everything that reads the old value", async () => {
    const reads = [launch(back(0), [whole(0)], whole(2)), launch(plus(1), [whole(0)], whole(1)), launch(prim("mul", x(0), x(1)), [whole(2), whole(1)], whole(3))];
    const want = [bumped, [...values].reverse().map((v, n) => v * (bumped[n] as number))];
    for (const b of backends) expect(await renewed(b, one(reads, [1, 3]))).toEqual({ out: want, inPlace: true });
  });

  it("stands beside it where elements are read after others are written, where the old value is an output, and where others hold it", async () => {
    const reversed = [...values].reverse();
    for (const b of backends) {
      expect(await renewed(b, one([launch(back(0), [whole(0)], whole(1))], [1], 2))).toEqual({ out: [reversed], inPlace: false });
      const late = one([launch(plus(1), [whole(0)], whole(1)), launch(prim("add", x(0), x(1)), [whole(1), whole(0)], whole(2))], [1, 2], 3);
      expect((await renewed(b, late)).out).toEqual([bumped, [...values].map((v) => v + 1 + v)]);
      expect(await renewed(b, one([launch(plus(1), [whole(0)], whole(1))], [1, 0], 2))).toMatchObject({ out: [bumped, [...values]] });
      expect(await renewed(b, one([launch(plus(1), [whole(0)], whole(1))], [1], 2), { share: true })).toEqual({ out: [bumped], inPlace: false });
    }
  });

  it("stands beside it where the run may be stopped after it is written: by a routine of the host, by a loop's count", async () => {
    const update = launch(plus(1), [whole(0)], whole(1));
    const hosted = routine(([a], [b]) => { b?.data.set(a?.data ?? []); }, [whole(1)], [whole(2)]);
    const loop: Loop = { kind: "loop", count: scalar(0, "int32"), index: 1, carries: [{ init: 1, current: 2, next: 3, final: 4 }], body: [launch(prim("add", x(0), float(2)), [whole(2)], whole(3))] };
    const looped = planOf({ slots: Array.from({ length: 5 }, (_, n) => slot(`t${n}`)), steps: [update, loop], outputs: [1, 4], scalars: ["int32", "int32"], scalarInputs: 1 });
    for (const b of backends) {
      expect(await renewed(b, one([update, hosted], [1, 2], 3))).toEqual({ out: [bumped, bumped], inPlace: false });
      expect(await renewed(b, looped, { scalars: [2] })).toEqual({ out: [bumped, bumped.map((v) => v + 4)], inPlace: false });
    }
  });
});
