/** Buffers move only when the other side needs them, nothing out of date is read, and nothing is left behind. */
import { describe, expect, it } from "vitest";
import type { Handle } from "../../../src/codegen/backend.js";
import { GpuBackend } from "../../../src/codegen/gpujs/backend.js";
import { CpuDevice, type CpuProgram, type CpuStorage } from "../../../src/codegen/gpujs/device_cpu.js";
import { Residency } from "../../../src/codegen/gpujs/residency.js";
import { axis, cast, constant, type Expr, load, prim, scalar } from "../../../src/codegen/ir/expr.js";
import { int } from "../../../src/codegen/ir/index.js";
import { finishPlan, type Plan, type RoutineStep, type Slot, type Step } from "../../../src/codegen/ir/plan.js";
import { expectSame, f32, i32, launchOf, numbers, onePlan, slotOf, whole } from "./devices.js";

const F = "float32";
const N = 6;
const LARGE = (1 << 16) + 1;
const x = (slot: number, n = N): Expr => load(slot, F, [axis(0, n)]);

/** Knows how many storages there are. */
class Watched extends CpuDevice {
  readonly live = new Set<CpuStorage>();

  private seen(s: CpuStorage): CpuStorage {
    this.live.add(s);
    return s;
  }

  override upload(...args: Parameters<CpuDevice["upload"]>): CpuStorage {
    return this.seen(super.upload(...args));
  }

  override launch(...args: Parameters<CpuDevice["launch"]>): CpuStorage {
    return this.seen(super.launch(...args));
  }

  override stack(length: number): CpuStorage {
    return this.seen(super.stack(length));
  }

  override putRow(...args: Parameters<CpuDevice["putRow"]>): void {
    super.putRow(...args);
    this.live.delete(args[2]);
  }

  override free(s?: CpuStorage): void {
    if (s) this.live.delete(s);
  }
}

function open(): { backend: GpuBackend<CpuStorage, CpuProgram>; device: Watched } {
  const device = new Watched();
  return { backend: new GpuBackend<CpuStorage, CpuProgram>("gpu:watched", device), device };
}

/** What happened since the last time. */
function meter(backend: GpuBackend<CpuStorage, CpuProgram>): () => [number, number] {
  let last = { ...backend.counters };
  return () => {
    const seen: [number, number] = [backend.counters.uploads - last.uploads, backend.counters.readbacks - last.readbacks];
    last = { ...backend.counters };
    return seen;
  };
}

/** Adds 1 to an int32 state and draws floats from it. */
const draw = (state: number, next: number, out: number): RoutineStep => ({
  kind: "routine", reads: [whole(state)], writes: [whole(next), whole(out)], scalars: [],
  routine: {
    name: "draw", config: "", run: ([from], [to, drawn]) => {
      from?.data.forEach((v, n) => { if (to && drawn) [to.data[n], drawn.data[n]] = [v + 1, (v % 7) / 8]; });
    },
  },
});

const STEPS = 15;

/** x <- x + draws, 15 times; what draws need stays a carry. */
function drawing(): Plan {
  const slots: Slot[] = [i32(N), f32(N), i32(N), f32(N), i32(N), f32(N), f32(N), i32(N), f32(N)].map((t, n) => slotOf(t, `s${n}`));
  const add = launchOf(slots, [N], null, [prim("add", x(3), x(5))], [whole(6)]);
  const loop: Step = {
    kind: "loop", count: int(STEPS), index: 0, body: [draw(2, 4, 5), add],
    carries: [{ init: 0, current: 2, next: 4, final: 7 }, { init: 1, current: 3, next: 6, final: 8 }],
  };
  return finishPlan({ slots, steps: [loop], inputs: [0, 1], outputs: [7, 8], constants: [], scalars: ["int32"], scalarInputs: 0 });
}

describe("buffers", () => {
  it("that only routines touch never go to the device; over 1000 calls nothing is left behind", async () => {
    const { backend, device } = open();
    const f = await backend.compile(drawing());
    let state: Handle[] = [await backend.upload(Int32Array.from({ length: N }, (_, n) => 2 ** 30 + n), i32(N)), await backend.upload(numbers(N), f32(N))];
    const moved = meter(backend);
    for (let n = 0; n < 1000; n++) {
      const next = await f.run(state, []);
      for (const h of state) backend.free(h);
      state = next;
      expect(moved()).toEqual([STEPS + (n === 0 ? 1 : 0), 0]);
      expect(device.live.size).toBe(1);
    }
    expect([...(await backend.download(state[0] as Handle))]).toEqual(Array.from({ length: N }, (_, n) => 2 ** 30 + n + 1000 * STEPS));
    expect(moved()).toEqual([0, 0]);
    await backend.download(state[1] as Handle);
    expect(moved()).toEqual([0, 1]);
    for (const h of state) backend.free(h);
    f.dispose();
    expect(device.live.size).toBe(0);
  });

  it("are the caller's copy on both ways", async () => {
    const { backend } = open();
    const mine = Float32Array.of(1, 2);
    const h = await backend.upload(mine, f32(2));
    mine[0] = 9;
    const got = await backend.download(h);
    got[1] = 9;
    expect([...(await backend.download(h))]).toEqual([1, 2]);
  });

  it("read back for a routine are not read back again, and rows written after are seen", async () => {
    const { backend, device } = open();
    const slots: Slot[] = [slotOf(f32(N)), slotOf(f32(3, N), "ys", true), slotOf(f32(3 * N), "copy"), slotOf(f32(3 * N), "again"), slotOf(f32(N), "row")];
    const row = scalar(0, "int32");
    const copied = (to: number): RoutineStep => ({
      kind: "routine", reads: [whole(1)], writes: [whole(to)], scalars: [], routine: { name: "copy", config: "", run: ([from], [out]) => { if (from) out?.data.set(from.data); } },
    });
    const last: RoutineStep = { ...copied(4), reads: [{ slot: 1, row }] };
    const write = launchOf(slots, [N], null, [prim("add", x(0), cast(row, F))], [{ slot: 1, row }]);
    const loop: Step = { kind: "loop", count: int(3), index: 0, body: [write, last, copied(2), copied(3)], carries: [] };
    const plan = finishPlan({ slots, steps: [loop], inputs: [0], outputs: [2, 3, 4], constants: [], scalars: ["int32"], scalarInputs: 0 });
    await expectSame(backend, plan, [numbers(N)], [], 0);
    // Of each iteration the row and the stack come back, the stack once.
    expect([backend.counters.uploads, backend.counters.readbacks]).toEqual([1, 6]);
    expect(device.live.size).toBe(0);
  });

  it("of a stack on the host are read by row where they are", async () => {
    const { backend } = open();
    const slots: Slot[] = [slotOf(f32(3, N), "xs", true), slotOf(f32(N), "row")];
    const step: RoutineStep = {
      kind: "routine", reads: [{ slot: 0, row: int(1) }], writes: [whole(1)], scalars: [], routine: { name: "row", config: "", run: ([from], [out]) => { if (from) out?.data.set(from.data); } },
    };
    await expectSame(backend, finishPlan({ slots, steps: [step], inputs: [0], outputs: [1], constants: [], scalars: [], scalarInputs: 0 }), [numbers(3 * N)], [], 0);
    expect([backend.counters.uploads, backend.counters.readbacks]).toEqual([0, 0]);
  });

  it("that are long are not kept on both sides", async () => {
    const { backend, device } = open();
    const moved = meter(backend);
    const h = await backend.upload(new Float32Array(LARGE).fill(2), f32(LARGE));
    expect([moved(), device.live.size]).toEqual([[1, 0], 1]);
    const [made] = [backend.residency.onHost(new Float32Array(LARGE))];
    backend.residency.storage(made);
    expect(made.host).toBeNull();
    await backend.residency.data(made, F, LARGE);
    expect(made.host).toBeNull();
    backend.residency.release(made);
    backend.free(h);
    expect(device.live.size).toBe(0);
  });

  it("of integers on the host are brought into the form that a plan wants there, once", async () => {
    const { backend, device } = open();
    const at = load(0, "int32", [axis(0, N)]);
    const f = await backend.compile(onePlan([i32(N)], [N], null, [prim("mrgNext1", at, at)]));
    const h = await backend.upload(Int32Array.from({ length: N }, (_, n) => n), i32(N));
    const launches: number[] = [];
    const moved = meter(backend);
    for (let n = 0; n < 3; n++) {
      const before = backend.counters.launches;
      for (const out of await f.run([h], [])) backend.free(out);
      launches.push(backend.counters.launches - before);
    }
    expect([moved(), launches]).toEqual([[2, 0], [2, 2, 2]]);
    expect([...(await backend.download(h))]).toEqual([0, 1, 2, 3, 4, 5]);
    backend.free(h);
    f.dispose();
    expect(device.live.size).toBe(0);
  });

  it("that nobody holds any more are not read", () => {
    const { device } = open();
    const residency = new Residency(device, { uploads: 0, uploadedBytes: 0, readbacks: 0, readbackBytes: 0, launches: 0, routines: 0 });
    const gone = residency.onHost(Float32Array.of(1));
    residency.release(gone);
    expect(() => residency.storage(gone)).toThrow(/after its last holder let it go/);
  });

  it("that are constants go up with the first launch that reads them", async () => {
    const { backend } = open();
    const slots = [slotOf(f32(N)), slotOf(f32(N)), slotOf(f32(N))];
    const plan = finishPlan({
      slots, steps: [launchOf(slots, [N], null, [prim("add", prim("mul", x(0), constant(2, F)), x(1))], [whole(2)])], inputs: [0], outputs: [2],
      constants: [{ slot: 1, data: numbers(N, 4) }], scalars: [], scalarInputs: 0,
    });
    const f = await backend.compile(plan);
    expect(backend.counters.uploads).toBe(0);
    const h = await backend.upload(numbers(N), f32(N));
    await f.run([h], []);
    await f.run([h], []);
    expect(backend.counters.uploads).toBe(2);
  });
});
