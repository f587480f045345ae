import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../../src/codegen/ir/dtype.js";
import { acc, axis, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { closeKernel } from "../../../src/codegen/ir/kernel.js";
import type { Launch, Loop } from "../../../src/codegen/ir/plan.js";
import type { WasmBackend } from "../../../src/codegen/wasm/backend.js";
import { type Call, checkPlan, eager, float, index, int, planOf, row, vectors, wasm, whole } from "./plan_kit.js";

const N = 5;
const { x, slot, launch, plus } = vectors(N);
const input = Array.from({ length: N }, (_, n) => n + 0.5);
const call: Call = { inputs: [input] };

let one: WasmBackend;
let backends: readonly WasmBackend[];
beforeAll(async () => {
  one = await wasm(1);
  backends = [one, await eager(2), await eager(3)];
});
afterAll(async () => { await Promise.all(backends.map((b) => b.dispose())); });

const check = (plan: Parameters<typeof checkPlan>[0], calls: readonly Call[] = [call]): Promise<number[][]> => checkPlan(plan, calls, backends);

describe("straight plans", () => {
  it("give outputs that are inputs, constants or repeated as handles of their own", async () => {
    await check(planOf({
      slots: [slot("x"), slot("c"), slot("y")], constants: [{ slot: 1, data: Float64Array.from(input, (v) => -v) }],
      steps: [launch(plus(1), [whole(0)], whole(2))], outputs: [0, 1, 2, 2, 0],
    }));
  });

  it("of a chain need two places, or none where each step takes its operand's", async () => {
    const chain = Array.from({ length: 10 }, (_, n) => launch(plus(1), [whole(n)], whole(n + 1)));
    const plan = planOf({ slots: Array.from({ length: 11 }, (_, n) => slot(`t${n}`)), steps: chain, outputs: [10] });
    await check(plan);
    const f = await one.compile(plan);
    expect(f.bytes?.()).toEqual({ scratch: 0 });
    // Reversed reads forbid it.
    const back = load(0, "float64", [prim("sub", int(N - 1), axis(0, N))]);
    const reversing = planOf({ slots: Array.from({ length: 11 }, (_, n) => slot(`t${n}`)), steps: chain.map((_, n) => launch(back, [whole(n)], whole(n + 1))), outputs: [10] });
    await check(reversing);
    expect((await one.compile(reversing)).bytes?.()).toEqual({ scratch: 128 });
  });

  it("do not write over what a later step, or another operand of the same step, reads", async () => {
    const back = load(1, "float64", [prim("sub", int(N - 1), axis(0, N))]);
    await check(planOf({
      slots: ["x", "a", "b", "c", "d"].map((l) => slot(l)), outputs: [3, 4],
      steps: [launch(plus(1), [whole(0)], whole(1)), launch(plus(2), [whole(1)], whole(2)), launch(prim("sub", x(0), x(1)), [whole(1), whole(2)], whole(3)), launch(prim("mul", x(0), back), [whole(2), whole(2)], whole(4))],
    }));
  });

  it("pass scalars of every dtype, computed as the host does", async () => {
    const f64 = prim("mul", scalar(0, "float64"), float(10));
    const f32 = prim("add", scalar(1, "float32"), { kind: "const", dtype: "float32", value: Math.fround(0.1) });
    const whole32 = prim("floorDiv", scalar(2, "int32"), int(3));
    const e = prim("add", prim("add", x(0), f64), prim("mul", { kind: "cast", dtype: "float64", arg: f32 }, { kind: "cast", dtype: "float64", arg: whole32 }));
    const plan = planOf({ slots: [slot("x"), slot("y")], steps: [launch(prim("select", scalar(3, "bool"), e, x(0)), [whole(0)], whole(1))], outputs: [1], scalars: ["float64", "float32", "int32", "bool"], scalarInputs: 4 });
    await check(plan, [{ inputs: [input], scalars: [0.3, Math.fround(0.7), -8, 1] }, { inputs: [input], scalars: [-1e300, Math.fround(1e30), 8, 0] }]);
  });

  it("may write a slot again after it was read", async () => {
    await check(planOf({
      slots: ["x", "t", "a", "b"].map((l) => slot(l)), outputs: [2, 3, 1],
      steps: [launch(plus(1), [whole(0)], whole(1)), launch(plus(2), [whole(1)], whole(2)), launch(plus(3), [whole(0)], whole(1)), launch(plus(4), [whole(1)], whole(3))],
    }));
  });

  it("write equal kernels once, in one plan and over plans", async () => {
    const plan = (more: number) => planOf({ slots: ["x", "a", "b", "c"].map((l) => slot(l)), outputs: [3], steps: [launch(plus(1), [whole(0)], whole(1)), launch(plus(1), [whole(1)], whole(2)), launch(plus(more), [whole(2)], whole(3))] });
    const [run = "", kernel, ...others] = (await one.compile(plan(1))).sources();
    expect([run.match(/\(call \$k/g)?.length, others]).toEqual([3, []]);
    expect((await one.compile(plan(2))).sources().slice(1)).toEqual([kernel, expect.any(String)]);
  });

  it("without steps, and with empty buffers", async () => {
    await check(planOf({ slots: [slot("x")], steps: [], outputs: [0, 0] }));
    const { kernel } = closeKernel([0], null, [load(0, "float64", [axis(0, 0)])], () => ({ dtype: "float64", shape: [0] }));
    const step: Launch = { kind: "launch", kernel, reads: [whole(0)], scalars: [], writes: [whole(1)] };
    await check(planOf({ slots: [slot("x", [0]), slot("y", [0])], steps: [step], outputs: [1, 0] }), [{ inputs: [[]] }]);
  });
});

describe("loops", () => {
  /** x <- x + 1, `count` times. */
  const counting = (count: Expr, outputs = [3]) => planOf({
    slots: [slot("init"), slot("current"), slot("next"), slot("final")],
    steps: [{ kind: "loop", count, index: 1, carries: [{ init: 0, current: 1, next: 2, final: 3 }], body: [launch(plus(1), [whole(1)], whole(2))] }],
    outputs, scalars: ["int32", "int32"], scalarInputs: 1,
  });
  const times = (...ns: readonly number[]): Call[] => ns.map((n) => ({ inputs: [input], scalars: [n] }));

  it("carry a value through any number of iterations without touching the initial one", async () => {
    const results = await check(counting(index(0), [3, 0]), times(0, 1, 2, 7, 1000));
    expect(results[0]).toEqual(input);
    for (const n of [0, 1, 2, 3]) await check(counting(int(n), [3, 0]), times(0));
  });

  it("end in the output's block, so that one place beside it is enough", async () => {
    expect((await one.compile(counting(int(7)))).bytes?.()).toEqual({ scratch: 64 });
  });

  it("count launches as they are run", async () => {
    const before = one.counters.launches;
    await check(counting(index(0)), times(5));
    expect(one.counters.launches - before).toBe(10);
  });

  it("refuse a negative count and leak nothing", async () => {
    const held = (): number => one.arena.liveBytes - one.scratchHeld;
    const before = held();
    const h = one.uploadNow(Float64Array.from(input), slot("x"));
    const [given, fixed] = [await one.compile(counting(index(0))), await one.compile(counting(int(-2)))];
    await expect(given.run([h], [-1])).rejects.toMatchObject({ code: "loop-count" });
    await expect(fixed.run([h], [0])).rejects.toMatchObject({ code: "loop-count", message: expect.stringContaining("-2 times") });
    given.dispose();
    fixed.dispose();
    one.free(h);
    expect(held()).toBe(before);
  });

  it("shift registers: next of one carry is current of another", async () => {
    const sum = launch(prim("add", prim("add", x(0), x(1)), x(2)), [whole(3), whole(4), whole(5)], whole(6));
    const loop: Loop = {
      kind: "loop", count: index(0), index: 1, body: [sum],
      carries: [{ init: 0, current: 3, next: 4, final: 7 }, { init: 1, current: 4, next: 5, final: 8 }, { init: 2, current: 5, next: 6, final: 9 }],
    };
    const plan = planOf({
      slots: ["a0", "b0", "c0", "a", "b", "c", "sum", "a*", "b*", "c*"].map((l) => slot(l)), steps: [loop], inputs: [0, 1, 2],
      outputs: [7, 8, 9, 0, 1, 2, 9], scalars: ["int32", "int32"], scalarInputs: 1,
    });
    const inputs = [input, input.map((v) => v * 2), input.map((v) => -v)];
    await check(plan, [0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ inputs, scalars: [n] })));
    // Three outputs take three of the four places.
    expect((await one.compile(plan)).bytes?.()).toEqual({ scratch: 64 });
  });

  it("hand values over all at once, whatever the wiring", async () => {
    const wire = fc.record({ from: fc.nat(3), computed: fc.boolean(), init: fc.nat(3) });
    await fc.assert(fc.asyncProperty(fc.array(wire, { minLength: 1, maxLength: 4 }), fc.nat(6), fc.boolean(), async (wires, n, fixed) => {
      const k = wires.length;
      const [current, made, final] = [4, 5, 6].map((base) => (c: number): number => base + 3 * c) as [(c: number) => number, (c: number) => number, (c: number) => number];
      const body = wires.flatMap((w, c) => (w.computed ? [launch(prim("mul", x(0), float(c + 2)), [whole(current(w.from % k))], whole(made(c)))] : []));
      const carries = wires.map((w, c) => ({ init: w.init, current: current(c), next: w.computed ? made(c) : current(w.from % k), final: final(c) }));
      const plan = planOf({
        slots: Array.from({ length: 4 + 3 * k }, (_, s) => slot(`s${s}`)), inputs: [], scalars: ["int32", "int32"], scalarInputs: 1,
        constants: [0, 1, 2, 3].map((s) => ({ slot: s, data: Float64Array.from(input, (v) => s + v) })),
        steps: [{ kind: "loop", count: fixed ? int(n) : index(0), index: 1, carries, body }], outputs: [...wires.map((_, c) => final(c)), 0, 1, 2, 3],
      });
      await check(plan, [{ inputs: [], scalars: [n] }]);
    }), { numRuns: 100 });
  });

  it("let one slot be init of several carries, a carry stand still, and next be a slot from outside", async () => {
    const loop: Loop = {
      kind: "loop", count: int(3), index: 0, body: [launch(plus(1), [whole(1)], whole(2))],
      carries: [{ init: 0, current: 1, next: 2, final: 4 }, { init: 0, current: 3, next: 3, final: 5 }, { init: 0, current: 6, next: 0, final: 7 }],
    };
    await check(planOf({ slots: "init,a,a',b,a*,b*,c,c*".split(",").map((l) => slot(l)), steps: [loop], outputs: [4, 5, 7], scalars: ["int32"] }));
  });

  it("write rows of a stacked slot and read them in and after the loop", async () => {
    const t = prim("add", x(0), { kind: "cast", dtype: "float64", arg: index(0) });
    const body = [launch(t, [whole(0)], row(1, index(0))), launch(prim("add", x(0), x(0)), [row(1, index(0))], row(2, index(0)))];
    const term = load(0, "float64", [redAxis(0, 4), axis(0, N)]);
    const { kernel } = closeKernel([N], { op: "sum", extents: [4], term, dtype: "float64" }, [acc("float64")], () => ({ dtype: "float64", shape: [4, N] }));
    const sum: Launch = { kind: "launch", kernel, reads: [whole(1)], scalars: [], writes: [whole(3)] };
    await check(planOf({
      slots: [slot("x"), slot("rows", [4, N], true), slot("doubled", [4, N], true), slot("sum"), slot("last")],
      steps: [{ kind: "loop", count: int(4), index: 0, carries: [], body }, sum, launch(x(0), [row(2, int(3))], whole(4))], outputs: [2, 3, 4], scalars: ["int32"],
    }));
  });

  it("find rows in the order of any arithmetic on the index", async () => {
    // Row 4 - 2t mod 5, by operations that are written and by one that the host is asked for.
    const plain = prim("select", prim("lt", index(0), int(3)), prim("sub", int(4), prim("mul", index(0), int(2))), prim("sub", int(9), prim("mul", int(2), index(0))));
    const asked = prim("mod", prim("sub", int(4), prim("mul", int(2), index(0))), int(5));
    const scaled = { kind: "cast", dtype: "int32", arg: prim("mul", { kind: "cast", dtype: "float32", arg: index(0) }, { kind: "const", dtype: "float32", value: 1 }) } as const;
    for (const at of [plain, asked, scaled]) {
      const shift = { kind: "cast", dtype: "float64", arg: prim("pow", { kind: "cast", dtype: "float64", arg: index(0) }, float(1.5)) } as const;
      const body = [launch(prim("add", x(0), shift), [whole(0)], row(1, at))];
      await check(planOf({ slots: [slot("x"), slot("rows", [5, N], true)], steps: [{ kind: "loop", count: int(5), index: 0, carries: [], body }], outputs: [1], scalars: ["int32"] }));
    }
  });

  it("leave rows that nothing writes at zero, in each iteration around them", async () => {
    // s0 rows of 4 in s1 rounds; each round ends with its rows added up.
    const some: Loop = { kind: "loop", count: index(0), index: 3, carries: [], body: [launch(prim("add", x(0), { kind: "cast", dtype: "float64", arg: index(2) }), [whole(0)], row(1, index(3)))] };
    const term = load(0, "float64", [redAxis(0, 4), axis(0, N)]);
    const { kernel } = closeKernel([N], { op: "sum", extents: [4], term, dtype: "float64" }, [acc("float64")], () => ({ dtype: "float64", shape: [4, N] }));
    const sum: Launch = { kind: "launch", kernel, reads: [whole(1)], scalars: [], writes: [row(2, index(2))] };
    const scalars: DType[] = ["int32", "int32", "int32", "int32"];
    await check(planOf({
      slots: [slot("x"), slot("rows", [4, N], true), slot("sums", [3, N], true)], steps: [{ kind: "loop", count: index(1), index: 2, carries: [], body: [some, sum] }], outputs: [2], scalars, scalarInputs: 2,
    }), [[4, 3], [2, 3], [3, 2]].map((s) => ({ inputs: [input], scalars: s })));
  });

  it("read rows written by earlier iterations, even where nothing after the loop does", async () => {
    const next = prim("add", index(0), int(1));
    const body = [launch(plus(1), [row(1, index(0))], row(1, next)), launch(x(0), [row(1, next)], whole(2))];
    const loop: Loop = { kind: "loop", count: int(3), index: 0, carries: [{ init: 0, current: 3, next: 2, final: 4 }], body };
    await check(planOf({
      slots: [slot("x"), slot("rows", [4, N], true), slot("y"), slot("y-"), slot("y*")],
      steps: [launch(x(0), [whole(0)], row(1, int(0))), loop], outputs: [4], scalars: ["int32"],
    }));
  });

  it("nest, with a stacked slot anew in each outer iteration", async () => {
    const j = { kind: "cast", dtype: "float64", arg: index(1) } as const;
    const inner: Loop = { kind: "loop", count: int(2), index: 1, carries: [], body: [launch(prim("add", x(0), j), [whole(1)], row(2, index(1)))] };
    const join = launch(prim("add", x(0), x(1)), [row(2, int(0)), row(2, int(1))], whole(3));
    const outer: Loop = { kind: "loop", count: int(3), index: 0, carries: [{ init: 0, current: 1, next: 3, final: 4 }], body: [inner, join] };
    await check(planOf({ slots: [slot("a0"), slot("a"), slot("rows", [2, N], true), slot("a'"), slot("a*")], steps: [outer], outputs: [4], scalars: ["int32", "int32"] }));
  });

  it("nest with carries: what an inner loop ends with is the outer one's next", async () => {
    // Inner, s2 + s1 times: b <- 2b + index, from the outer's a. Outer, s0 times: a <- what b became, a- <- what a was.
    const grow = launch(prim("add", prim("mul", x(0), float(2)), { kind: "cast", dtype: "float64", arg: index(3) }), [whole(3)], whole(4));
    const inner: Loop = { kind: "loop", count: prim("add", index(2), index(1)), index: 3, carries: [{ init: 1, current: 3, next: 4, final: 5 }], body: [grow] };
    const outer: Loop = { kind: "loop", count: index(0), index: 2, carries: [{ init: 0, current: 1, next: 5, final: 6 }, { init: 0, current: 2, next: 1, final: 7 }], body: [inner] };
    const plan = planOf({
      slots: ["a0", "a", "a-", "b", "b'", "b*", "a*", "a-*"].map((l) => slot(l)), steps: [outer], outputs: [6, 7, 0, 6], scalars: ["int32", "int32", "int32", "int32"], scalarInputs: 2,
    });
    await check(plan, [[0, 0], [1, 0], [1, 1], [2, 0], [3, 1], [4, 2]].map((scalars) => ({ inputs: [input], scalars })));
  });

  /** Reversed, so that nothing takes an operand's place; and another value each time. */
  const back = (buffer: number): Expr => prim("add", load(buffer, "float64", [prim("sub", int(N - 1), axis(0, N))]), float(0.25));

  it("keep what is read early in the body for the iterations to come", async () => {
    // a is read first in each iteration; t, u and v would fit its place afterwards.
    const body = [launch(back(0), [whole(1)], whole(2)), launch(back(0), [whole(2)], whole(3)), launch(back(0), [whole(3)], whole(4)), launch(prim("add", x(0), back(1)), [whole(4), whole(5)], whole(6))];
    const loop: Loop = { kind: "loop", count: index(0), index: 1, carries: [{ init: 0, current: 5, next: 6, final: 7 }], body };
    await check(planOf({ slots: ["x", "a", "t", "u", "v", "c", "c'", "c*"].map((l) => slot(l)), steps: [launch(back(0), [whole(0)], whole(1)), loop], outputs: [7], scalars: ["int32", "int32"], scalarInputs: 1 }), times(1, 2, 3));
  });

  it("keep what a carry ended with, or began with, for who reads it later", async () => {
    const loop: Loop = { kind: "loop", count: index(0), index: 1, carries: [{ init: 1, current: 2, next: 3, final: 4 }], body: [launch(prim("mul", back(0), float(3)), [whole(2)], whole(3))] };
    const after = [launch(back(0), [whole(0)], whole(5)), launch(back(0), [whole(5)], whole(6)), launch(back(0), [whole(6)], whole(7)), launch(prim("add", x(0), back(1)), [whole(4), whole(7)], whole(8))];
    await check(planOf({ slots: ["x", "a", "c", "c'", "c*", "t", "u", "v", "y"].map((l) => slot(l)), steps: [launch(plus(1), [whole(0)], whole(1)), loop, ...after], outputs: [8], scalars: ["int32", "int32"], scalarInputs: 1 }), times(0, 1, 2, 3));
  });

  it("copy a slot that a carry holds before it is written again", async () => {
    const write = (value: number): Launch => launch(float(value), [], row(1, int(0)));
    const loop: Loop = { kind: "loop", count: int(1), index: 0, carries: [{ init: 1, current: 2, next: 2, final: 3 }], body: [] };
    await check(planOf({ slots: [slot("x"), slot("rows", [2, N], true), slot("c", [2, N]), slot("before", [2, N])], steps: [write(5), loop, write(6)], outputs: [1, 3], scalars: ["int32"] }));
  });

  it("call a row outside a stacked slot a bug", async () => {
    const { kernel } = closeKernel([N], null, [x(0)], () => slot("x"));
    const at = (e: Expr): Launch => ({ kind: "launch", kernel, reads: [whole(0)], scalars: [], writes: [row(1, e)] });
    const plan = (e: Expr) => planOf({ slots: [slot("x"), slot("rows", [2, N], true)], steps: [at(e)], outputs: [1], scalars: ["int32"], scalarInputs: 1 });
    await expect(one.compile(plan(int(2)))).rejects.toMatchObject({ code: "internal" });
    const f = await one.compile(plan(index(0)));
    const h = one.uploadNow(Float64Array.from(input), slot("x"));
    await expect(f.run([h], [2])).rejects.toMatchObject({ code: "internal" });
    await expect(f.run([h], [1])).resolves.toHaveLength(1);
  });
});
