import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Handle } from "../../../src/codegen/backend.js";
import type { DType, TypedArray } from "../../../src/codegen/ir/dtype.js";
import { acc, axis, constant, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { type BoundKernel, closeKernel } from "../../../src/codegen/ir/kernel.js";
import { finishPlan, type Launch, type Loop, type Plan, type RoutineStep, type Slot, type SlotRef, type Step } from "../../../src/codegen/ir/plan.js";
import { ReferenceBackend, referenceFactory } from "../../../src/codegen/reference/backend.js";

const N = 3;
const int = (x: number): Expr => constant(x, "int32");
const index = (id: number): Expr => scalar(id, "int32");
const whole = (slot: number): SlotRef => ({ slot, row: null });
const slot = (label: string, shape: readonly number[] = [N], stacked = false, dtype: DType = "float64"): Slot => ({ dtype, shape, label, stacked });
const x = (buffer: number): Expr => load(buffer, "float64", [axis(0, N)]);

/** A launch over [N]; the expression's buffers are positions in `reads`. */
function launch(e: Expr, reads: readonly SlotRef[], write: SlotRef): Launch {
  const bound: BoundKernel = closeKernel([N], null, [e], () => ({ dtype: "float64", shape: [N] }));
  return { kind: "launch", kernel: bound.kernel, reads: bound.buffers.map((b) => reads[b] as SlotRef), scalars: bound.scalars, writes: [write] };
}

const plus = (by: number): Expr => prim("add", x(0), constant(by, "float64"));

interface Parts { slots: readonly Slot[]; steps: readonly Step[]; outputs: readonly number[]; inputs?: readonly number[]; constants?: Plan["constants"]; scalars?: readonly DType[]; scalarInputs?: number }

const planOf = (p: Parts): Plan => finishPlan({ inputs: [0], constants: [], scalars: [], scalarInputs: 0, ...p });

let backend: ReferenceBackend;
beforeEach(() => { backend = new ReferenceBackend(); });

const up = (data: readonly number[], shape: readonly number[] = [data.length]): Promise<Handle> => backend.upload(Float64Array.from(data), { dtype: "float64", shape });

/** Runs once on [1,2,3] (or what is given), downloads and frees everything, and checks that nothing is left. */
async function results(plan: Plan, data: readonly number[] = [1, 2, 3], scalars: readonly number[] = []): Promise<number[][]> {
  const input = await up(data);
  const f = await backend.compile(plan);
  const handles = await f.run([input], scalars);
  const values: TypedArray[] = [];
  for (const h of handles) {
    values.push(await backend.download(h));
    backend.free(h);
  }
  expect([...(await backend.download(input))], "inputs stay as they are").toEqual(data);
  backend.free(input);
  f.dispose();
  expect(backend.pool.liveBytes).toBe(0);
  return values.map((v) => [...v]);
}

describe("straight plans", () => {
  it("gives outputs that are inputs, constants or repeated as handles of their own", async () => {
    const plan = planOf({
      slots: [slot("x"), slot("c"), slot("y")], constants: [{ slot: 1, data: Float64Array.of(7, 8, 9) }],
      steps: [launch(plus(1), [whole(0)], whole(2))], outputs: [0, 1, 2, 2, 0],
    });
    expect(await results(plan)).toEqual([[1, 2, 3], [7, 8, 9], [2, 3, 4], [2, 3, 4], [1, 2, 3]]);
  });

  it("keeps constants over calls and frees intermediate buffers after their last use", async () => {
    const chain = Array.from({ length: 10 }, (_, n) => launch(plus(1), [whole(n)], whole(n + 1)));
    const plan = planOf({ slots: Array.from({ length: 11 }, (_, n) => slot(`t${n}`)), steps: chain, outputs: [10] });
    expect(await results(plan)).toEqual([[11, 12, 13]]);
    expect(backend.pool.allocations).toBe(3);
  });

  it("drops what is never read", async () => {
    const plan = planOf({ slots: [slot("x"), slot("unused"), slot("y")], steps: [launch(plus(1), [whole(0)], whole(1)), launch(plus(2), [whole(0)], whole(2))], outputs: [2] });
    expect(await results(plan)).toEqual([[3, 4, 5]]);
    expect(backend.pool.allocations).toBe(2);
  });

  it("passes host scalars, computed as the host does", async () => {
    const by = prim("mul", scalar(0, "float64"), constant(10, "float64"));
    const plan = planOf({ slots: [slot("x"), slot("y")], steps: [launch(prim("add", x(0), by), [whole(0)], whole(1))], outputs: [1], scalars: ["float64"], scalarInputs: 1 });
    expect(await results(plan, [1, 2, 3], [0.5])).toEqual([[6, 7, 8]]);
  });

  it("stores each dtype as castScalar says", async () => {
    const types: DType[] = ["bool", "int32", "float32", "float64"];
    const { kernel } = closeKernel([N], null, types.map((d): Expr => ({ kind: "cast", dtype: d, arg: x(0) })), () => ({ dtype: "float64", shape: [N] }));
    const step: Launch = { kind: "launch", kernel, reads: [whole(0)], scalars: [], writes: [1, 2, 3, 4].map(whole) };
    const plan = planOf({ slots: [slot("x"), ...types.map((d) => slot(d, [N], false, d))], steps: [step], outputs: [1, 2, 3, 4] });
    expect(await results(plan, [0, -2.7, 0.1])).toEqual([[0, 1, 1], [0, -2, 0], [0, Math.fround(-2.7), Math.fround(0.1)], [0, -2.7, 0.1]]);
  });

  it("counts kernels compiled once per text", async () => {
    const plan = planOf({ slots: [slot("x"), slot("y"), slot("z")], steps: [launch(plus(1), [whole(0)], whole(1)), launch(plus(1), [whole(1)], whole(2))], outputs: [2] });
    const f = await backend.compile(plan);
    expect(f.sources()).toHaveLength(1);
    expect(f.sources()[0]).toContain("out0[i0] = b0[i0] + 1;");
  });
});

describe("loops", () => {
  /** x <- x + 1, `count` times; slots: 0 init, 1 current, 2 next, 3 final. */
  const counting = (count: Expr, more: Partial<Parts> = {}): Plan => planOf({
    slots: [slot("init"), slot("current"), slot("next"), slot("final")],
    steps: [{ kind: "loop", count, index: 1, carries: [{ init: 0, current: 1, next: 2, final: 3 }], body: [launch(plus(1), [whole(1)], whole(2))] }],
    outputs: [3], scalars: ["int32", "int32"], scalarInputs: 1, ...more,
  });

  it.each([0, 1, 2, 7])("carries a value through %i iterations without touching the initial one", async (n) => {
    expect(await results(counting(index(0), { outputs: [3, 0] }), [1, 2, 3], [n])).toEqual([[1 + n, 2 + n, 3 + n], [1, 2, 3]]);
    expect(backend.counters.launches).toBe(n);
  });

  it("needs two buffers however long the loop is", async () => {
    await results(counting(int(1000)), [1, 2, 3], [0]);
    expect(backend.pool.allocations).toBe(3);
  });

  it("refuses a negative count and leaks nothing", async () => {
    const input = await up([1, 2, 3]);
    const f = await backend.compile(counting(index(0)));
    const before = backend.pool.liveBytes;
    await expect(f.run([input], [-1])).rejects.toMatchObject({ code: "loop-count" });
    expect(backend.pool.liveBytes).toBe(before);
  });

  it("shifts registers: next of one carry is current of another", async () => {
    // Fibonacci: a, b <- b, a + b.
    const sum = launch(prim("add", x(0), x(1)), [whole(2), whole(3)], whole(4));
    const loop: Loop = {
      kind: "loop", count: index(0), index: 1, body: [sum],
      carries: [{ init: 0, current: 2, next: 3, final: 5 }, { init: 1, current: 3, next: 4, final: 6 }],
    };
    const plan = planOf({
      slots: [slot("a0"), slot("b0"), slot("a"), slot("b"), slot("sum"), slot("a*"), slot("b*")], constants: [{ slot: 1, data: Float64Array.of(1, 1, 1) }],
      steps: [loop], outputs: [5, 6, 0, 1], scalars: ["int32", "int32"], scalarInputs: 1,
    });
    expect(await results(plan, [0, 1, 2], [0])).toEqual([[0, 1, 2], [1, 1, 1], [0, 1, 2], [1, 1, 1]]);
    expect(await results(plan, [0, 1, 2], [1])).toEqual([[1, 1, 1], [1, 2, 3], [0, 1, 2], [1, 1, 1]]);
    expect(await results(plan, [0, 1, 2], [6])).toEqual([[8, 13, 18], [13, 21, 29], [0, 1, 2], [1, 1, 1]]);
  });

  it("swaps two values with no kernel at all", async () => {
    const loop: Loop = { kind: "loop", count: index(0), index: 1, body: [], carries: [{ init: 0, current: 2, next: 3, final: 4 }, { init: 1, current: 3, next: 2, final: 5 }] };
    const plan = planOf({
      slots: [slot("a0"), slot("b0"), slot("a"), slot("b"), slot("a*"), slot("b*")], constants: [{ slot: 1, data: Float64Array.of(9, 9, 9) }],
      steps: [loop], outputs: [4, 5], scalars: ["int32", "int32"], scalarInputs: 1,
    });
    expect(await results(plan, [1, 2, 3], [3])).toEqual([[9, 9, 9], [1, 2, 3]]);
    expect(await results(plan, [1, 2, 3], [4])).toEqual([[1, 2, 3], [9, 9, 9]]);
  });

  it("hands values over all at once, whatever the wiring", async () => {
    const wire = fc.record({ from: fc.nat(3), computed: fc.boolean(), init: fc.nat(3) });
    await fc.assert(fc.asyncProperty(fc.array(wire, { minLength: 1, maxLength: 4 }), fc.nat(5), async (wires, n) => {
      const k = wires.length;
      // Slots: 4 constants, then per carry its current, what the body computes, and its final value.
      const [current, made, final] = [4, 5, 6].map((base) => (c: number): number => base + 3 * c) as [(c: number) => number, (c: number) => number, (c: number) => number];
      const body = wires.flatMap((w, c) => (w.computed ? [launch(prim("mul", x(0), constant(c + 2, "float64")), [whole(current(w.from % k))], whole(made(c)))] : []));
      const carries = wires.map((w, c) => ({ init: w.init, current: current(c), next: w.computed ? made(c) : current(w.from % k), final: final(c) }));
      const plan = planOf({
        slots: Array.from({ length: 4 + 3 * k }, (_, s) => slot(`s${s}`)), inputs: [], scalars: ["int32", "int32"], scalarInputs: 1,
        constants: [0, 1, 2, 3].map((s) => ({ slot: s, data: Float64Array.of(s, s + 0.5, -s) })),
        steps: [{ kind: "loop", count: index(0), index: 1, carries, body }], outputs: [...wires.map((_, c) => final(c)), 0, 1, 2, 3],
      });
      let values = wires.map((w) => [w.init, w.init + 0.5, -w.init]);
      for (let t = 0; t < n; t++) values = wires.map((w, c) => (values[w.from % k] as number[]).map((v) => (w.computed ? v * (c + 2) : v)));
      const f = await backend.compile(plan);
      const handles = await f.run([], [n]);
      const got = await Promise.all(handles.map(async (h) => [...(await backend.download(h))]));
      expect(got).toEqual([...values, ...[0, 1, 2, 3].map((s) => [s, s + 0.5, -s])]);
      for (const h of handles) backend.free(h);
      f.dispose();
      expect(backend.pool.liveBytes).toBe(0);
    }), { numRuns: 300 });
  });

  it("lets one slot be init of several carries, and a carry stand still", async () => {
    const loop: Loop = {
      kind: "loop", count: int(3), index: 0, body: [launch(plus(1), [whole(1)], whole(2))],
      carries: [{ init: 0, current: 1, next: 2, final: 4 }, { init: 0, current: 3, next: 3, final: 5 }, { init: 0, current: 6, next: 0, final: 7 }],
    };
    const plan = planOf({ slots: "init,a,a',b,a*,b*,c,c*".split(",").map((l) => slot(l)), steps: [loop], outputs: [4, 5, 7], scalars: ["int32"] });
    expect(await results(plan)).toEqual([[4, 5, 6], [1, 2, 3], [1, 2, 3]]);
  });

  it("writes rows of a stacked slot and reads them in and after the loop", async () => {
    // row[t] = x + t, doubled[t] = 2 row[t]; then the sum over rows.
    const t = prim("add", x(0), { kind: "cast", dtype: "float64", arg: index(0) });
    const body = [launch(t, [whole(0)], { slot: 1, row: index(0) }), launch(prim("add", x(0), x(0)), [{ slot: 1, row: index(0) }], { slot: 2, row: index(0) })];
    const term = load(0, "float64", [redAxis(0, 4), axis(0, N)]);
    const { kernel } = closeKernel([N], { op: "sum", extents: [4], term, dtype: "float64" }, [acc("float64")], () => ({ dtype: "float64", shape: [4, N] }));
    const sum: Launch = { kind: "launch", kernel, reads: [whole(1)], scalars: [], writes: [whole(3)] };
    const plan = planOf({
      slots: [slot("x"), slot("rows", [4, N], true), slot("doubled", [4, N], true), slot("sum"), slot("last")],
      steps: [{ kind: "loop", count: int(4), index: 0, carries: [], body }, sum, launch(x(0), [{ slot: 2, row: int(3) }], whole(4))], outputs: [2, 3, 4], scalars: ["int32"],
    });
    expect(await results(plan)).toEqual([[2, 4, 6, 4, 6, 8, 6, 8, 10, 8, 10, 12], [10, 14, 18], [8, 10, 12]]);
  });

  it("reads rows written by earlier iterations, even where nothing after the loop does", async () => {
    // row[0] = x; row[t+1] = row[t] + 1, and y = the row before.
    const next = prim("add", index(0), int(1));
    const body = [launch(plus(1), [{ slot: 1, row: index(0) }], { slot: 1, row: next }), launch(x(0), [{ slot: 1, row: next }], whole(2))];
    const loop: Loop = { kind: "loop", count: int(3), index: 0, carries: [{ init: 0, current: 3, next: 2, final: 4 }], body };
    const plan = planOf({
      slots: [slot("x"), slot("rows", [4, N], true), slot("y"), slot("y-"), slot("y*")],
      steps: [launch(x(0), [whole(0)], { slot: 1, row: int(0) }), loop], outputs: [4], scalars: ["int32"],
    });
    expect(await results(plan)).toEqual([[4, 5, 6]]);
    const onlyInside = planOf({
      slots: [slot("x"), slot("rows", [3, N], true), slot("y"), slot("y-"), slot("y*")], outputs: [4], scalars: ["int32"],
      steps: [{ ...loop, body: [launch(prim("add", x(0), { kind: "cast", dtype: "float64", arg: index(0) }), [whole(0)], { slot: 1, row: index(0) }), launch(x(0), [{ slot: 1, row: int(0) }], whole(2))] }],
    });
    expect(await results(onlyInside)).toEqual([[1, 2, 3]]);
  });

  it("nests, with a stacked slot anew in each outer iteration", async () => {
    // Outer carry a; inner: rows[j] = a + j over 2 rows; a' = rows[0] + rows[1].
    const j = { kind: "cast", dtype: "float64", arg: index(1) } as const;
    const inner: Loop = { kind: "loop", count: int(2), index: 1, carries: [], body: [launch(prim("add", x(0), j), [whole(1)], { slot: 2, row: index(1) })] };
    const join = launch(prim("add", x(0), x(1)), [{ slot: 2, row: int(0) }, { slot: 2, row: int(1) }], whole(3));
    const outer: Loop = { kind: "loop", count: int(3), index: 0, carries: [{ init: 0, current: 1, next: 3, final: 4 }], body: [inner, join] };
    const plan = planOf({ slots: [slot("a0"), slot("a"), slot("rows", [2, N], true), slot("a'"), slot("a*")], steps: [outer], outputs: [4], scalars: ["int32", "int32"] });
    // a -> 2a + 1, three times.
    expect(await results(plan)).toEqual([[15, 23, 31]]);
    expect(backend.pool.allocations).toBeLessThanOrEqual(5);
  });

  it("copies a stacked slot that someone else holds before it writes a row", async () => {
    const write = (value: number): Launch => launch(constant(value, "float64"), [], { slot: 1, row: int(0) });
    const loop: Loop = { kind: "loop", count: int(1), index: 0, carries: [{ init: 1, current: 2, next: 2, final: 3 }], body: [] };
    const plan = planOf({ slots: [slot("x"), slot("rows", [2, N], true), slot("c", [2, N]), slot("before", [2, N])], steps: [write(5), loop, write(6)], outputs: [1, 3], scalars: ["int32"] });
    expect(await results(plan)).toEqual([[6, 6, 6, 0, 0, 0], [5, 5, 5, 0, 0, 0]]);
  });

  it("calls a row outside a stacked slot a bug", async () => {
    const plan = planOf({ slots: [slot("x"), slot("rows", [2, N], true)], steps: [launch(x(0), [whole(0)], { slot: 1, row: int(2) })], outputs: [1] });
    const f = await backend.compile(plan);
    await expect(f.run([await up([1, 2, 3])], [])).rejects.toMatchObject({ code: "internal" });
  });
});

describe("routines", () => {
  const routine = (run: RoutineStep["routine"]["run"], reads: readonly SlotRef[], writes: readonly SlotRef[], scalars: readonly Expr[] = []): RoutineStep => ({
    kind: "routine", routine: { name: "test", config: "", run }, reads, scalars, writes,
  });

  it("run on the arrays, with shapes, dtypes and scalars", async () => {
    const seen: unknown[] = [];
    const step = routine((ins, outs, scalars) => {
      seen.push(ins.map((b) => [b.dtype, b.shape]), outs.map((b) => [b.dtype, b.shape]), scalars);
      outs.forEach((o, n) => { o.data.set((ins[0]?.data ?? []).map((v) => v * 10 + n)); });
    }, [whole(0)], [whole(1), { slot: 2, row: int(1) }], [int(4)]);
    const plan = planOf({ slots: [slot("x"), slot("y"), slot("rows", [2, N], true)], steps: [step], outputs: [1, 2] });
    expect(await results(plan)).toEqual([[10, 20, 30], [0, 0, 0, 11, 21, 31]]);
    expect(seen).toEqual([[["float64", [N]]], [["float64", [N]], ["float64", [N]]], [4]]);
    expect(backend.counters).toMatchObject({ routines: 1, launches: 0, uploads: 1, uploadedBytes: 24, readbacks: 3 });
  });

  it("that throw leak nothing and change nothing", async () => {
    const boom = routine(() => { throw new Error("boom"); }, [whole(1)], [whole(2)]);
    const plan = planOf({ slots: [slot("x"), slot("y"), slot("z")], steps: [launch(plus(1), [whole(0)], whole(1)), boom], outputs: [2] });
    const input = await up([1, 2, 3]);
    const f = await backend.compile(plan);
    const before = backend.pool.liveBytes;
    await expect(f.run([input], [])).rejects.toThrow("boom");
    expect(backend.pool.liveBytes).toBe(before);
    expect([...(await backend.download(input))]).toEqual([1, 2, 3]);
  });
});

describe("handles", () => {
  const identity = planOf({ slots: [slot("x")], steps: [], outputs: [0] });

  it("keep memory flat over many calls", async () => {
    const plan = planOf({ slots: [slot("w"), slot("w'")], steps: [launch(plus(1), [whole(0)], whole(1))], outputs: [1] });
    const f = await backend.compile(plan);
    let w = await up([0, 0, 0]);
    for (let n = 0; n < 100_000; n++) {
      const [next] = await f.run([w], []);
      backend.free(w);
      w = next as Handle;
    }
    expect([...(await backend.download(w))]).toEqual([100_000, 100_000, 100_000]);
    expect(backend.pool.allocations).toBe(2);
    expect([backend.pool.liveBytes, backend.pool.freeBytes, w.bytes]).toEqual([24, 24, 24]);
  });

  it("copy at upload and download", async () => {
    const data = Float64Array.of(1, 2, 3);
    const h = await backend.upload(data, { dtype: "float64", shape: [3] });
    data[0] = 9;
    const out = await backend.download(h);
    out[1] = 9;
    expect([...(await backend.download(h))]).toEqual([1, 2, 3]);
  });

  it("of outputs that share a buffer with an input live on their own", async () => {
    const f = await backend.compile(identity);
    const input = await up([1, 2, 3]);
    const [out] = await f.run([input], []);
    backend.free(input);
    await up([7, 7, 7]);
    expect([...(await backend.download(out as Handle))]).toEqual([1, 2, 3]);
  });

  it("say what is wrong", async () => {
    const f = await backend.compile(identity);
    const h = await up([1, 2, 3]);
    await expect(up([1, 2], [3])).rejects.toMatchObject({ code: "upload-size" });
    await expect(f.run([], [])).rejects.toMatchObject({ code: "plan-scalars" });
    await expect(f.run([h], [1])).rejects.toMatchObject({ code: "plan-scalars" });
    await expect(f.run([await up([1, 2])], [])).rejects.toMatchObject({ code: "plan-input" });
    const other = await referenceFactory.create();
    await expect(other.download(h)).rejects.toMatchObject({ code: "handle-foreign" });
    backend.free(h);
    expect(() => backend.free(h)).toThrow(expect.objectContaining({ code: "handle-freed" }));
    await expect(f.run([h], [])).rejects.toMatchObject({ code: "handle-freed" });
    f.dispose();
    f.dispose();
    await expect(f.run([await up([1, 2, 3])], [])).rejects.toMatchObject({ code: "plan-disposed" });
  });

  it("is always available", async () => {
    expect(await referenceFactory.probe()).toEqual({ available: true });
    expect((await referenceFactory.create()).caps).toMatchObject({ dtypes: ["bool", "int32", "float32", "float64"], maxParams: 1000, maxResults: 8, accumulator: "float64" });
  });
});
