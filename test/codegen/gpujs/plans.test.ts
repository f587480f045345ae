import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend, Handle } from "../../../src/codegen/backend.js";
import { Arena } from "../../../src/codegen/gpujs/arena.js";
import { GpuBackend } from "../../../src/codegen/gpujs/backend.js";
import { CpuDevice } from "../../../src/codegen/gpujs/device_cpu.js";
import { renderKernel } from "../../../src/codegen/gpujs/render.js";
import { TARGETS } from "../../../src/codegen/gpujs/target.js";
import { gpujsFactory } from "../../../src/codegen/gpujs/index.js";
import { WebasmDevice } from "../../../src/codegen/gpujs/device_webasm.js";
import type { TypedArray } from "../../../src/codegen/ir/dtype.js";
import { acc, axis, cast, constant, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { int } from "../../../src/codegen/ir/index.js";
import { finishPlan, type Plan, type Slot, type Step } from "../../../src/codegen/ir/plan.js";
import { MRG_NORM } from "../../../src/codegen/ir/prims.js";
import { expectSame, f32, i32, launchOf, modes, numbers, onePlan, runOn, slotOf, whole } from "./devices.js";

const F = "float32";
const N = 6;
const x = (slot: number): Expr => load(slot, F, [axis(0, N)]);
const planOf = (slots: readonly Slot[], steps: readonly Step[], outputs: readonly number[], rest: Partial<Plan> = {}): Plan =>
  finishPlan({ slots, steps, outputs, inputs: [0], constants: [], scalars: [], scalarInputs: 0, ...rest });
const some = (n: number, label = "x"): Slot[] => Array.from({ length: n }, (_, i) => slotOf(f32(N), `${label}${i}`));

const available = await modes();

describe.each(available)("gpu:%s", (mode) => {
  let backend: Backend;
  beforeAll(async () => { backend = await gpujsFactory(mode).create(); });
  afterAll(async () => { await backend.dispose(); });

  it("gives outputs that are inputs, constants or repeated as handles of their own", async () => {
    const slots = some(3);
    const plan = planOf(slots, [launchOf(slots, [N], null, [prim("add", x(0), x(1))], [whole(2)])], [0, 1, 2, 2], { constants: [{ slot: 1, data: numbers(N, 9) }] });
    await expectSame(backend, plan, [numbers(N)]);
    await expectSame(backend, plan, [numbers(N, 3)]);
  });

  it("runs loops with carries that shift, a count from a scalar, and no iteration at all", async () => {
    const slots = some(7);
    const body = [launchOf(slots, [N], null, [prim("add", prim("mul", x(2), constant(0.5, F)), x(3))], [whole(4)])];
    const loop: Step = {
      kind: "loop", count: scalar(0, "int32"), index: 1, body,
      carries: [{ init: 0, current: 2, next: 4, final: 5 }, { init: 1, current: 3, next: 2, final: 6 }],
    };
    const plan = planOf(slots, [loop], [5, 6], { inputs: [0, 1], scalars: ["int32", "int32"], scalarInputs: 1 });
    for (const count of [0, 1, 2, 7]) await expectSame(backend, plan, [numbers(N), numbers(N, 5)], [count]);
    await expect(runOn(backend, plan, [numbers(N), numbers(N)], [-1])).rejects.toMatchObject({ code: "gpujs-loop-count" });
  });

  it("writes rows of a stacked slot in a loop, reads rows and the whole of it", async () => {
    const rows = 11;
    const stacked = { dtype: F, shape: [rows, N], label: "ys", stacked: true } as const;
    const slots: Slot[] = [{ dtype: F, shape: [rows, N], label: "xs", stacked: true }, slotOf(f32(N), "s0"), slotOf(f32(N), "s"), slotOf(f32(N), "next"), stacked, slotOf(f32(N), "end"), slotOf(f32(N), "total")];
    const step = scalar(0, "int32");
    const row = { slot: 0, row: prim("sub", int(rows - 1), step) };
    const launches = [
      launchOf(slots, [N], null, [prim("add", prim("mul", x(2), constant(0.25, F)), x(0))], [whole(3)], [row, whole(1), whole(2)]),
      launchOf(slots, [N], null, [prim("neg", x(3))], [{ slot: 4, row: step }]),
    ];
    const loop: Step = { kind: "loop", count: int(rows), index: 0, body: launches, carries: [{ init: 1, current: 2, next: 3, final: 5 }] };
    const total = launchOf(slots, [N], { op: "sum", extents: [rows], term: load(4, F, [redAxis(0, rows), axis(0, N)]), dtype: F }, [acc(F)], [whole(6)]);
    const plan = planOf(slots, [loop, total], [4, 5, 6], { inputs: [0, 1], scalars: ["int32"] });
    await expectSame(backend, plan, [numbers(rows * N), numbers(N, 2)]);
  });

  it("a stacked slot read before all of its rows are written is zero there", async () => {
    const slots: Slot[] = [slotOf(f32(N)), { dtype: F, shape: [4, N], label: "ys", stacked: true }];
    const plan = planOf(slots, [launchOf(slots, [N], null, [prim("neg", x(0))], [{ slot: 1, row: int(2) }])], [1]);
    await expectSame(backend, plan, [numbers(N)]);
  });

  it("runs host routines between launches", async () => {
    const slots = some(4);
    const routine: Step = {
      kind: "routine", scalars: [scalar(0, F)], reads: [whole(1)], writes: [whole(2)],
      routine: { name: "reverse", config: "", run: ([from], [to], [by]) => { from?.data.forEach((v, n) => { if (to) to.data[N - 1 - n] = v * (by as number); }); } },
    };
    const plan = planOf(slots, [launchOf(slots, [N], null, [prim("neg", x(0))], [whole(1)]), routine, launchOf(slots, [N], null, [prim("add", x(2), x(0))], [whole(3)])], [3], { scalars: [F], scalarInputs: 1 });
    await expectSame(backend, plan, [numbers(N)], [3]);
  });

  it("neither uploads nor reads back in calls that hand results on", async () => {
    const slots = some(2);
    const plan = planOf(slots, [launchOf(slots, [N], null, [prim("add", x(0), constant(1, F))], [whole(1)])], [1]);
    const f = await backend.compile(plan);
    let w: Handle = await backend.upload(new Float32Array(N), f32(N));
    const before = { ...backend.counters };
    for (let n = 0; n < 50; n++) {
      const [next] = await f.run([w], []);
      backend.free(w);
      w = next as Handle;
    }
    // The first launch brings the buffer to the device.
    expect(backend.counters).toEqual({ ...before, launches: before.launches + 50, uploads: before.uploads + 1, uploadedBytes: before.uploadedBytes + 4 * N });
    expect([...(await backend.download(w))]).toEqual(new Array(N).fill(50));
    expect(backend.counters).toMatchObject({ readbacks: before.readbacks + 1, readbackBytes: before.readbackBytes + 4 * N });
    backend.free(w);
    f.dispose();
  });

  it("gives MRG31k3p's integers and uniforms exactly, state by state", async () => {
    // L'Ecuyer & Touzin's recurrence in BigInt, from the usual seed 12345 in every place.
    const M1 = 2147483647n;
    const M2 = 2147462579n;
    const states = [12345, 12345, 12345, 12345, 12345, 12345, 2147483646, 1, 2147483645, 2147462578, 0, 2147462577, 1e9, 2e9, 3, 2e9, 77, 16777217];
    const streams = states.length / 6;
    const at = (k: number): Expr => load(0, "int32", [axis(0, streams), int(k)]);
    const y1 = prim("mrgNext1", at(1), at(2));
    const y2 = prim("mrgNext2", at(3), at(5));
    const z = prim("mrgOutput", y1, y2);
    const col = axis(1, 6);
    const own = (k: number): Expr => prim("eq", col, int(k));
    const wide = (k: number): Expr => load(0, "int32", [axis(0, streams), int(k)]);
    const next = [0, 1, 2, 3, 4, 5].reduceRight<Expr>((rest, k) => prim("select", own(k), k === 0 ? y1 : k === 3 ? y2 : wide(k - 1), rest), int(0));
    const slots = [slotOf(i32(streams, 6), "state"), slotOf(i32(streams, 6), "next"), slotOf(i32(streams), "z"), slotOf(f32(streams), "u"), slotOf(i32(streams, 6), "cur"), slotOf(i32(streams, 6), "end")];
    const on = (s: number, e: Expr, domain: number[], write: number) => launchOf(slots, domain, null, [e], [whole(write)], [whole(s)]);
    const loop: Step = {
      kind: "loop", count: int(3), index: 0, carries: [{ init: 0, current: 4, next: 1, final: 5 }],
      body: [on(4, next, [streams, 6], 1), on(4, z, [streams], 2), on(4, prim("mul", cast(z, F), constant(MRG_NORM.float32, F)), [streams], 3)],
    };
    const plan = planOf(slots, [loop], [5, 2, 3], { scalars: ["int32"] });
    const got = await runOn(backend, plan, [Int32Array.from(states)]);
    const s = Array.from({ length: streams }, (_, n) => states.slice(6 * n, 6 * n + 6).map(BigInt));
    const outputs: number[] = [];
    for (let step = 0; step < 3; step++) {
      s.forEach((v, n) => {
        const a = (4194304n * (v[1] as bigint) + 129n * (v[2] as bigint)) % M1;
        const b = (32768n * (v[3] as bigint) + 32769n * (v[5] as bigint)) % M2;
        s[n] = [a, v[0] as bigint, v[1] as bigint, b, v[3] as bigint, v[4] as bigint];
        outputs[n] = Number(a <= b ? a - b + M1 : a - b);
      });
    }
    expect([...(got[0] as TypedArray)]).toEqual(s.flat().map(Number));
    expect([...(got[1] as TypedArray)]).toEqual(outputs);
    expect([...(got[2] as TypedArray)]).toEqual(outputs.map((v) => Math.fround(Math.fround(v) * MRG_NORM.float32)));
  });

  it("converts integers between one storage and two where plans want them differently", async () => {
    const state = (e: Expr, type: Slot["dtype"]): Plan => onePlan([i32(N)], [N], null, [cast(e, type)]);
    const at = load(0, "int32", [axis(0, N)]);
    const data = Int32Array.of(0, 1, 65536, 70000, 16777215, 12);
    await expectSame(backend, state(prim("mrgNext1", at, at), "int32"), [data], [], 0);
    await expectSame(backend, state(at, F), [Int32Array.of(0, 1, 65536, 70000, 2000000000, -2000000000)], [], 0);
  });

  it("says what is wrong with buffers, arguments and dtypes", async () => {
    const slots = some(2);
    const plan = planOf(slots, [launchOf(slots, [N], null, [prim("neg", x(0))], [whole(1)])], [1]);
    const f = await backend.compile(plan);
    const h = await backend.upload(numbers(N), f32(N));
    const short = await backend.upload(numbers(2), f32(2));
    await expect(backend.upload(new Float64Array(2), { dtype: "float64", shape: [2] })).rejects.toMatchObject({ code: "gpujs-float64" });
    await expect(backend.upload(new Float32Array(2), f32(3))).rejects.toMatchObject({ code: "gpujs-upload-size" });
    await expect(f.run([], [])).rejects.toMatchObject({ code: "gpujs-plan-arity" });
    await expect(f.run([short], [])).rejects.toMatchObject({ code: "gpujs-plan-input" });
    await expect(backend.compile(planOf([slotOf({ dtype: "float64", shape: [2] }, "w")], [], [0]))).rejects.toMatchObject({ code: "gpujs-float64-plan" });
    backend.free(h);
    expect(() => backend.free(h)).toThrow(expect.objectContaining({ code: "gpujs-handle-freed" }));
    await expect(backend.download({ ...f32(2), bytes: 8 })).rejects.toMatchObject({ code: "gpujs-handle-foreign" });
    f.dispose();
    await expect(f.run([short], [])).rejects.toMatchObject({ code: "gpujs-disposed" });
    expect(f.sources().join("\n")).toContain("function(");
  });
});

describe("gpu:webasm memory", () => {
  it("gives all memory back, and grows without losing what it holds", async () => {
    const device = new WebasmDevice();
    const backend = new GpuBackend("gpu:webasm", device);
    const before = device.arena.used;
    const slots = some(2);
    const plan = planOf(slots, [launchOf(slots, [N], null, [prim("add", x(0), constant(1, F))], [whole(1)])], [1]);
    const f = await backend.compile(plan);
    const kept = await backend.upload(numbers(N), f32(N));
    const big = await backend.upload(new Float32Array(6_000_000).fill(3), f32(6_000_000));
    expect(device.arena.generation).toBeGreaterThan(0);
    const [out] = await f.run([kept], []);
    expect([...(await backend.download(out as Handle))]).toEqual([...numbers(N)].map((v) => Math.fround(v + 1)));
    expect((await backend.download(big))[5_999_999]).toBe(3);
    for (const h of [kept, big, out as Handle]) backend.free(h);
    f.dispose();
    expect(device.arena.used).toBe(before);
    await backend.dispose();
  });

  it("says when an index leads outside of every buffer", async () => {
    const backend = await gpujsFactory("webasm").create();
    const plan = onePlan([f32(N)], [], { op: "sum", extents: [3], term: load(0, F, [prim("add", scalar(0, "int32"), redAxis(0, 3))]), dtype: F }, [acc(F)], ["int32"]);
    await expect(runOn(backend, plan, [numbers(N)], [1_000_000_000])).rejects.toMatchObject({ code: "gpujs-bounds" });
    await backend.dispose();
  });
});

describe("limits", () => {
  it("of parameters are an error that names the kernel", async () => {
    class Narrow extends CpuDevice {
      override readonly maxParams: number = 2;
    }
    const backend = new GpuBackend("gpu:narrow", new Narrow());
    const all = [0, 1, 2].map((b) => load(b, F, [axis(0, N)]));
    const plan = onePlan([f32(N), f32(N), f32(N)], [N], null, [prim("add", prim("add", all[0] as Expr, all[1] as Expr), all[2] as Expr)]);
    await expect(backend.compile(plan)).rejects.toMatchObject({ code: "gpujs-params" });
  });

  it("of WebAssembly memory are errors", () => {
    expect(() => new Arena(0, 70000)).toThrow(expect.objectContaining({ code: "gpujs-memory" }));
    expect(() => new Arena(0, 32).alloc(2 ** 31)).toThrow(expect.objectContaining({ code: "gpujs-memory-full" }));
  });

  it("of what the webasm device links and renders are internal errors", () => {
    const device = new WebasmDevice();
    const rendered = { output: [4], buffers: [], scalars: [], specials: [], types: ["Input", "Integer"], tile: 1, columns: 4 } as const;
    expect(() => device.program({ ...rendered, source: "function(m, o) { return 1; }" }).run(0, 4, 0)).toThrow(/launched before it was linked/);
    const { kernel } = launchOf([slotOf(i32(N))], [N], null, [prim("mrgNext1", load(0, "int32", [axis(0, N)]), int(1))], []);
    expect(() => renderKernel(kernel, 0, TARGETS.cpu)).toThrow(/needs 31-bit integers/);
  });
});

describe("the arena", () => {
  it("gives aligned regions, merges what is freed, and never overlaps", () => {
    const arena = new Arena(8, 32);
    const live: { offset: number; length: number }[] = [];
    let s = 7;
    for (let n = 0; n < 400; n++) {
      s = (s * 16807) % 2147483647;
      if (s % 3 === 0 && live.length > 0) arena.free(live.splice(s % live.length, 1)[0] as { offset: number; length: number });
      else {
        const align = 1 + (s % 37);
        const r = arena.alloc(s % 900, align);
        expect(r.offset % align).toBe(0);
        expect(r.offset).toBeGreaterThanOrEqual(8);
        for (const o of live) expect(r.offset + r.length <= o.offset || o.offset + o.length <= r.offset).toBe(true);
        live.push(r);
      }
    }
    expect(arena.used).toBe(live.reduce((n, r) => n + r.length, 0));
    for (const r of live) arena.free(r);
    expect(arena.used).toBe(0);
  });
});

describe("devices that cannot be had", () => {
  it("say why", async () => {
    const probe = await gpujsFactory("webgl2").probe();
    expect(probe).toMatchObject({ available: false });
    await expect(gpujsFactory("webgl2").create()).rejects.toMatchObject({ code: "gpujs-device" });
  });
});
