import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Handle } from "../../../src/codegen/backend.js";
import type { WasmBackend } from "../../../src/codegen/wasm/backend.js";
import { PAGE, type WasmMemory } from "../../../src/codegen/wasm/engine.js";
import { Arena, type Block, openMemory } from "../../../src/codegen/wasm/memory.js";
import { prim } from "../../../src/codegen/ir/expr.js";
import { int, planOf, vectors, wasm, whole } from "./plan_kit.js";

/** A memory that cannot have more than so many pages. */
function limited(most: number): WasmMemory {
  let pages = 1;
  return {
    get buffer() { return new ArrayBuffer(pages * PAGE); },
    grow(more) {
      if (pages + more > most) throw new RangeError("no more");
      pages += more;
      return pages - more;
    },
  };
}

const code = (f: () => unknown): unknown => {
  try {
    return f();
  } catch (e) {
    return (e as { code: string }).code;
  }
};

describe("the arena", () => {
  it("gives blocks that do not overlap, stay inside, begin at cache lines, and come together again when all are given back", () => {
    const step = fc.record({ take: fc.boolean(), bytes: fc.oneof(fc.nat(200), fc.nat(70_000)), which: fc.nat(1000) });
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const arena = new Arena(limited(64), 1024);
      const held: { block: Block; bytes: number }[] = [];
      for (const { take, bytes, which } of steps) {
        if (take || held.length === 0) {
          const block = arena.acquire(bytes);
          expect(block.address % 64).toBe(0);
          expect(block.address).toBeGreaterThanOrEqual(1024 + 16);
          expect(block.address + bytes + 16).toBeLessThanOrEqual(arena.bytes.length);
          for (const other of held) expect(block.address + bytes <= other.block.address || other.block.address + other.bytes <= block.address).toBe(true);
          held.push({ block, bytes });
        } else arena.release((held.splice(which % held.length, 1)[0] as { block: Block }).block);
      }
      for (const { block } of held) arena.release(block);
      expect(arena.liveBytes).toBe(0);
      const before = arena.totalBytes;
      arena.acquire(before - 4096);
      expect(arena.totalBytes, "all that was given back is one piece").toBe(before);
    }), { numRuns: 200 });
  });

  it("counts holders, and refuses to give back what is free", () => {
    const arena = new Arena(limited(4), 1024);
    const block = arena.retain(arena.acquire(100));
    arena.release(block);
    expect(arena.liveBytes).toBe(128);
    arena.release(block);
    expect(arena.liveBytes).toBe(0);
    expect(code(() => arena.release(block))).toBe("internal");
  });

  it("grows by halves, keeps what is written, and says at the limit what is in use", () => {
    const arena = new Arena(openMemory(false, 1), 1024);
    const first = arena.acquire(1000);
    arena.floats[first.address / 4] = 2.5;
    arena.acquire(10 * PAGE);
    arena.acquire(arena.totalBytes - arena.liveBytes - 4096);
    expect(arena.floats[first.address / 4]).toBe(2.5);
    const pages = arena.totalBytes / PAGE;
    arena.acquire(PAGE);
    expect(arena.totalBytes / PAGE).toBe(pages + Math.floor(pages / 2));

    const small = new Arena(limited(6), 1024);
    const some = small.acquire(2 * PAGE);
    expect(() => small.acquire(5 * PAGE)).toThrow(expect.objectContaining({ code: "wasm-memory", message: expect.stringContaining(`${2 * PAGE} bytes in use`) }));
    expect(small.liveBytes).toBe(2 * PAGE);
    // What fits is still given, though half as much again would not be.
    small.acquire(3 * PAGE);
    small.release(some);
    small.acquire(2 * PAGE);
  });
});

describe("a backend's memory", () => {
  const N = 1000;
  const { x, slot, launch, plus } = vectors(N);
  const backends: WasmBackend[] = [];
  const open = async (): Promise<WasmBackend> => {
    const made = await wasm(1);
    backends.push(made);
    return made;
  };
  afterEach(async () => {
    for (const b of backends.splice(0)) await b.dispose();
  });

  it("does not grow over calls, whatever they hold and give back", async () => {
    const backend = await open();
    const plan = planOf({
      slots: ["w", "t", "w'", "i", "c", "n", "f"].map((l) => slot(l)), outputs: [2, 6, 0], scalars: ["int32"],
      steps: [launch(plus(1), [whole(0)], whole(1)), launch(plus(1), [whole(1)], whole(2)), { kind: "loop", count: int(3), index: 0, carries: [{ init: 2, current: 4, next: 5, final: 6 }], body: [launch(plus(1), [whole(4)], whole(5))] }],
    });
    const f = await backend.compile(plan);
    let w = backend.uploadNow(new Float64Array(N), slot("w"));
    const after: number[] = [];
    for (let n = 0; n < 5000; n++) {
      const [next, final, again] = (await f.run([w], [])) as [Handle, Handle, Handle];
      for (const h of [w, again, final]) backend.free(h);
      w = next;
      if (n === 10 || n === 4999) after.push(backend.arena.liveBytes, backend.arena.totalBytes);
    }
    expect(after.slice(2)).toEqual(after.slice(0, 2));
    expect(backend.downloadNow(w)[0]).toBe(10_000);
    expect(backend.counters).toMatchObject({ launches: 5000 * 5, routines: 0, uploads: 1, uploadedBytes: 8 * N, readbacks: 1, readbackBytes: 8 * N });
  });

  it("grows under a plan's feet: between compile and run, and while outputs are taken", async () => {
    const backend = await open();
    const f = await backend.compile(planOf({ slots: [slot("x"), slot("y")], steps: [launch(plus(1), [whole(0)], whole(1))], outputs: [1] }));
    const x = backend.uploadNow(new Float64Array(N).fill(7), slot("x"));
    for (let n = 0; n < 6; n++) {
      backend.uploadNow(new Float64Array(2 ** 20), { dtype: "float64", shape: [2 ** 20] });
      const [y] = (await f.run([x], [])) as [Handle];
      expect([...backend.downloadNow(y)].every((v) => v === 8)).toBe(true);
    }
    const held: Handle[] = [];
    const size = backend.arena.totalBytes;
    while (backend.arena.totalBytes === size) held.push(...(await f.run([x], [])));
    expect(held.every((h) => backend.downloadNow(h)[N - 1] === 8)).toBe(true);
  });

  it("is as it was after a call for which there is none", async () => {
    const backend = await open();
    // Two outputs: the first can be had, the second not.
    const huge = vectors(2 ** 29);
    const plan = planOf({ slots: [slot("x"), slot("y"), huge.slot("z")], steps: [launch(plus(1), [whole(0)], whole(1)), huge.launch({ kind: "const", dtype: "float64", value: 1 }, [], whole(2))], outputs: [1, 2] });
    const f = await backend.compile(plan);
    const x = backend.uploadNow(new Float64Array(N), slot("x"));
    const before = backend.arena.liveBytes;
    await expect(f.run([x], [])).rejects.toMatchObject({ code: "wasm-memory" });
    expect(backend.arena.liveBytes).toBe(before);
    expect(backend.downloadNow(x)).toEqual(new Float64Array(N));
  });

  it("may lie beyond 2 GiB, and across", async () => {
    const run = async (backend: WasmBackend): Promise<string> => {
      const f = await backend.compile(planOf({
        slots: ["x", "t", "c", "n", "f", "y"].map((l) => slot(l)), outputs: [4, 5], scalars: ["int32"],
        steps: [launch(plus(1), [whole(0)], whole(1)), { kind: "loop", count: int(4), index: 0, carries: [{ init: 1, current: 2, next: 3, final: 4 }], body: [launch(prim("mul", x(0), x(1)), [whole(2), whole(1)], whole(3))] }, launch(prim("add", x(0), x(1)), [whole(1), whole(4)], whole(5))],
      }));
      const input = backend.uploadNow(Float64Array.from({ length: N }, (_, n) => n / N), slot("x"));
      const out = await f.run([input], []);
      return out.map((h) => backend.downloadNow(h).join(" ")).join("|");
    };
    const low = await run(await open());
    for (const below of [10_000, -64]) {
      const backend = await open();
      // Nothing of it is touched, so that it costs addresses only.
      backend.arena.acquire(2 ** 31 - below - 2048);
      expect(await run(backend)).toBe(low);
      expect(backend.arena.acquire(64).address).toBeGreaterThan(2 ** 31);
    }
  });

  it("shares one scratch memory, as large as the largest function needs, until that is disposed of", async () => {
    const backend = await open();
    const wide = vectors(50_000);
    /** t is read by two steps, so that it needs a place. */
    const twice = (v: ReturnType<typeof vectors>) => planOf({
      slots: ["x", "t", "y", "z"].map((l) => v.slot(l)), outputs: [2, 3],
      steps: [v.launch(v.plus(1), [whole(0)], whole(1)), v.launch(v.plus(2), [whole(1)], whole(2)), v.launch(v.plus(3), [whole(1)], whole(3))],
    });
    const [small, large] = [await backend.compile(twice(vectors(N))), await backend.compile(twice(wide))];
    const input = backend.uploadNow(new Float64Array(50_000), wide.slot("x"));
    for (const h of await large.run([input], [])) backend.free(h);
    expect([small.bytes?.(), large.bytes?.(), backend.scratchHeld]).toEqual([{ scratch: 8 * N }, { scratch: 400_000 }, 400_000]);
    large.dispose();
    expect(backend.scratchHeld).toBe(0);
    small.dispose();
  });
});
