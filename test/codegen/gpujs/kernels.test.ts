import { afterAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/codegen/backend.js";
import { gpujsFactory } from "../../../src/codegen/gpujs/index.js";
import { acc, axis, cast, constant, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { iadd, imul, imod, idiv, int } from "../../../src/codegen/ir/index.js";
import type { BufferType, ReduceOp, Reduction } from "../../../src/codegen/ir/kernel.js";
import { type Prim, PRIMS } from "../../../src/codegen/ir/prims.js";
import { expectSame, f32, i32, modes, numbers, onePlan, runOn, sizeOf } from "./devices.js";

const F = "float32";
const sum = (extents: readonly number[], term: Expr, op: ReduceOp = "sum"): Reduction => ({ op, extents, term, dtype: F });

const available = await modes();

describe.each(available)("gpu:%s", (mode) => {
  const opened: Promise<Backend> = gpujsFactory(mode).create();
  afterAll(async () => { await (await opened).dispose(); });

  /** Element (i, j) of a matrix that may be stored transposed. */
  const at = (buffer: number, i: Expr, j: Expr, stored: "plain" | "transposed" = "plain"): Expr => load(buffer, F, stored === "plain" ? [i, j] : [j, i]);

  describe("dot", () => {
    const sizes: [number, number, number][] = [[20, 784, 500], [10, 33, 7], [3, 8, 5], [7, 9, 4], [1, 40, 6], [6, 1, 5], [5, 40, 1], [2, 100, 3]];
    it.each(sizes)("[%i,%i] by [%i columns] with bias and sigmoid, stored either way", async (n, m, p) => {
      const backend = await opened;
      for (const a of ["plain", "transposed"] as const) {
        for (const b of ["plain", "transposed"] as const) {
          const [i, j, k] = [axis(0, n), axis(1, p), redAxis(0, m)];
          const inputs = [a === "plain" ? f32(n, m) : f32(m, n), b === "plain" ? f32(m, p) : f32(p, m), f32(p)];
          const plan = onePlan(inputs, [n, p], sum([m], prim("mul", at(0, i, k, a), at(1, k, j, b))), [prim("sigmoid", prim("add", acc(F), load(2, F, [j])))]);
          await expectSame(backend, plan, [numbers(n * m), numbers(m * p, 2, 0.2), numbers(p, 3)]);
        }
      }
    });

    it("of a batch of matrices, and of a row slice that a scalar places", async () => {
      const backend = await opened;
      const [b, i, j, k] = [axis(0, 3), axis(1, 4), axis(2, 5), redAxis(0, 9)];
      const batch = onePlan([f32(3, 4, 9), f32(3, 9, 5)], [3, 4, 5], sum([9], prim("mul", load(0, F, [b, i, k]), load(1, F, [b, k, j]))), [acc(F)]);
      await expectSame(backend, batch, [numbers(108), numbers(135, 5)]);
      const row = prim("add", prim("mul", scalar(0, "int32"), int(4)), axis(0, 4));
      const slice = onePlan([f32(40, 9), f32(9, 8)], [4, 8], sum([9], prim("mul", load(0, F, [row, redAxis(0, 9)]), load(1, F, [redAxis(0, 9), axis(1, 8)]))), [acc(F)], ["int32"]);
      for (const s of [0, 3, 9]) await expectSame(backend, slice, [numbers(360), numbers(72, 7)], [s]);
    });
  });

  describe("reductions", () => {
    it.each(["sum", "prod", "max", "min"] as const)("%s over each axis and over all", async (op) => {
      const backend = await opened;
      const data = numbers(6 * 5 * 8, 4);
      const [i, j] = [axis(0, 6), axis(1, 8)];
      await expectSame(backend, onePlan([f32(6, 5, 8)], [6, 8], sum([5], load(0, F, [i, redAxis(0, 5), j]), op), [acc(F)]), [data]);
      await expectSame(backend, onePlan([f32(6, 5, 8)], [6], sum([5, 8], load(0, F, [i, redAxis(0, 5), redAxis(1, 8)]), op), [acc(F)]), [data]);
      await expectSame(backend, onePlan([f32(6, 5, 8)], [5], sum([6, 8], load(0, F, [redAxis(0, 6), axis(0, 5), redAxis(1, 8)]), op), [acc(F)]), [data]);
      await expectSame(backend, onePlan([f32(6, 5, 8)], [], sum([6, 5, 8], load(0, F, [0, 1, 2].map((a) => redAxis(a, [6, 5, 8][a] as number))), op), [acc(F)]), [data]);
    });

    it.each(["max", "min"] as const)("%s keeps a NaN wherever it stands", async (op) => {
      const data = Float32Array.from([1, 2, 3, Number.NaN, 2, 1, 5, Number.NaN, 4, 1, 2, Number.NaN, 7, 8, 9, Number.POSITIVE_INFINITY]);
      const got = await runOn(await opened, onePlan([f32(4, 4)], [4], sum([4], load(0, F, [axis(0, 4), redAxis(0, 4)]), op), [acc(F)]), [data]);
      const row = [7, 8, 9, Number.POSITIVE_INFINITY];
      expect([...(got[0] as Float32Array)]).toEqual([Number.NaN, Number.NaN, Number.NaN, op === "max" ? row[3] : row[0]]);
    });

    it("gives the identity for an empty extent", async () => {
      const term = load(0, F, [axis(0, 2), redAxis(0, 0)]);
      for (const [op, want] of [["sum", 0], ["prod", 1], ["max", Number.NEGATIVE_INFINITY], ["min", Number.POSITIVE_INFINITY]] as const) {
        const got = await runOn(await opened, onePlan([f32(2, 0)], [2], sum([0], term, op), [acc(F)]), [new Float32Array(0)]);
        expect([...(got[0] as Float32Array)]).toEqual([want, want]);
      }
    });

    it("runs more than 65535 iterations", async () => {
      const n = 70001;
      const plan = onePlan([f32(n)], [], sum([n], prim("mul", load(0, F, [redAxis(0, n)]), cast(prim("lt", redAxis(0, n), int(70000)), F))), [acc(F)]);
      const got = await runOn(await opened, plan, [new Float32Array(n).fill(1)]);
      expect([...(got[0] as Float32Array)]).toEqual([70000]);
    });

    it("reduces a term of positions, and a masked one", async () => {
      const k = redAxis(0, 9);
      const inside = prim("and", prim("le", axis(0, 9), k), prim("lt", k, prim("add", axis(0, 9), int(3))));
      await expectSame(await opened, onePlan([f32(9)], [9], sum([9], prim("select", inside, load(0, F, [k]), constant(0, F))), [prim("mul", acc(F), cast(axis(0, 9), F))]), [numbers(9)]);
    });
  });

  describe("positions", () => {
    const cases: [string, BufferType[], number[], Expr][] = [
      ["a transpose", [f32(5, 7)], [7, 5], load(0, F, [axis(1, 5), axis(0, 7)])],
      ["a broadcast row and column", [f32(6), f32(4)], [4, 6], prim("add", load(0, F, [axis(1, 6)]), load(1, F, [axis(0, 4)]))],
      ["a step backwards", [f32(9)], [4], load(0, F, [prim("sub", int(8), prim("mul", axis(0, 4), int(2)))])],
      ["a reshape", [f32(4, 6)], [3, 8], load(0, F, [idiv(iadd(imul(axis(0, 3), int(8)), axis(1, 8)), 6), imod(iadd(imul(axis(0, 3), int(8)), axis(1, 8)), 6)])],
      ["four axes in another order", [f32(2, 3, 4, 5)], [5, 3, 4, 2], load(0, F, [axis(3, 2), axis(1, 3), axis(2, 4), axis(0, 5)])],
      ["a constant", [], [5], constant(2.5, F)],
      ["infinities", [], [3], constant(Number.NEGATIVE_INFINITY, F)],
      ["a NaN", [], [3], constant(Number.NaN, F)],
      ["a range", [], [6], cast(axis(0, 6), F)],
      ["an integer range", [], [4, 6], prim("add", prim("mul", axis(0, 4), int(10)), axis(1, 6))],
      ["one point", [f32()], [], prim("neg", load(0, F, []))],
      ["two pieces joined", [f32(3), f32(4)], [7], prim("select", prim("lt", axis(0, 7), int(3)), load(0, F, [axis(0, 7)]), load(1, F, [prim("sub", axis(0, 7), int(3))]))],
      ["a padded row", [f32(2, 3)], [2, 5], prim("select", prim("and", prim("le", int(1), axis(1, 5)), prim("lt", axis(1, 5), int(4))), load(0, F, [axis(0, 2), prim("sub", axis(1, 5), int(1))]), constant(-1, F))],
      ["a bool", [f32(6)], [6], prim("lt", load(0, F, [axis(0, 6)]), constant(0, F))],
    ];
    it.each(cases)("%s", async (_, inputs, domain, value) => {
      await expectSame(await opened, onePlan(inputs, domain, null, [value]), inputs.map((t, n) => numbers(sizeOf(t.shape), n + 1)));
    });

    it("rows taken by an index vector", async () => {
      const value = load(0, F, [load(1, "int32", [axis(0, 4)]), axis(1, 3)]);
      const got = await expectSame(await opened, onePlan([f32(5, 3), i32(4)], [4, 3], null, [value]), [Float32Array.from({ length: 15 }, (_, n) => n), Int32Array.of(4, 0, 2, 2)]);
      expect([...(got[0] as Float32Array)]).toEqual([12, 13, 14, 0, 1, 2, 6, 7, 8, 6, 7, 8]);
    });

    it("positions above 2^24 are exact", async () => {
      const n = 16777216 + 64;
      if (mode === "headlessgl" || mode === "webgpu") return;
      const data = new Float32Array(n);
      for (let i = 0; i < 64; i++) data[16777216 + i] = i;
      const got = await runOn(await opened, onePlan([f32(n / 16, 16)], [3, 5], sum([2], load(0, F, [prim("add", scalar(0, "int32"), axis(0, 3)), prim("add", axis(1, 5), redAxis(0, 2))])), [acc(F)], ["int32"]), [data], [1048576]);
      expect([...(got[0] as Float32Array)]).toEqual([0, 1, 2].flatMap((i) => [0, 1, 2, 3, 4].map((j) => 2 * (16 * i + j) + 1)));
    });

    it("an empty domain gives an empty buffer", async () => {
      const got = await runOn(await opened, onePlan([f32(0, 3)], [0, 3], null, [prim("neg", load(0, F, [axis(0, 0), axis(1, 3)]))]), [new Float32Array(0)]);
      expect(got[0]).toEqual(new Float32Array(0));
    });

    it("several results of one kernel", async () => {
      const x = load(0, F, [axis(0, 8)]);
      await expectSame(await opened, onePlan([f32(8)], [8], sum([3], prim("mul", x, cast(redAxis(0, 3), F))), [acc(F), prim("exp", x), prim("add", acc(F), x)]), [numbers(8)]);
    });
  });

  describe("primitives", () => {
    const reals = Float32Array.of(0, 0.5, -0.5, 1, -1, 1.5, 2.5, -2.5, 3.25, -7.75, 0.01, -0.01, 1e-4, 12, -12, 30, -30, 100, 0.3, -0.3, 80, 2, 7, Number.NaN);
    const unit = Float32Array.from(reals, (x) => Math.tanh(x));
    const positive = Float32Array.from(reals, (x) => Math.abs(x));
    const domains: Partial<Record<Prim, Float32Array>> = {
      asin: unit, acos: unit, log: positive, sqrt: positive, log1p: positive, exp: Float32Array.from(reals, (x) => Math.min(x, 80)), expm1: Float32Array.from(reals, (x) => Math.min(x, 80)),
      tan: unit,
    };
    const ones = (Object.keys(PRIMS) as Prim[]).filter((p) => PRIMS[p].arity === 1);
    // exp grows an argument's rounding error; GPU drivers lose a few more units.
    it.each(ones)("%s", async (name) => {
      const data = domains[name] ?? reals;
      const plan = onePlan([f32(data.length)], [data.length], null, [cast(prim(name, load(0, F, [axis(0, data.length)])), F)]);
      await expectSame(await opened, plan, [data], [], 1e-5);
    });

    const twos = (Object.keys(PRIMS) as Prim[]).filter((p) => PRIMS[p].arity === 2 && !p.startsWith("mrg"));
    it.each(twos)("%s of reals", async (name) => {
      const n = reals.length;
      // Divisors with few bits: 7 / 0.7 in float32 is 10, but 7 holds the float32 next to 0.7 only nine times.
      const xs = name === "pow" ? Float32Array.of(0, 0.5, -0.5, 1, -1, 2, -2, 3, -3, 0.1, Number.NaN) : reals;
      const ys = name === "pow" ? Float32Array.of(0, 1, 2, 3, -1, -2, 0.5, 2.5, 5) : name === "mod" || name === "floorDiv" ? Float32Array.of(0.625, -0.625, 2.25, -3.125, 9.75) : reals;
      const domain = [xs.length, ys.length];
      const plan = onePlan([f32(xs.length), f32(ys.length)], domain, null, [cast(prim(name, load(0, F, [axis(0, xs.length)]), load(1, F, [axis(1, ys.length)])), F)]);
      expect(n).toBeGreaterThan(0);
      await expectSame(await opened, plan, [xs, ys], [], 2e-5);
    });

    it.each(["add", "sub", "mul", "floorDiv", "mod", "min", "max", "lt", "eq"] as const)("%s of integers is exact", async (name) => {
      const xs = Int32Array.of(0, 1, -1, 2, 3, 7, -7, 100, 4095, -4096, 65535, 999999, -999999);
      const ys = Int32Array.of(1, -1, 2, 3, -3, 7, 16, 0, 10);
      const plan = onePlan([i32(xs.length), i32(ys.length)], [xs.length, ys.length], null, [prim(name, load(0, "int32", [axis(0, xs.length)]), load(1, "int32", [axis(1, ys.length)]))]);
      await expectSame(await opened, plan, [xs, ys], [], 0);
    });

    it("select, casts, and scalars of every dtype", async () => {
      const x = load(0, F, [axis(0, 12)]);
      const s = prim("select", prim("lt", x, scalar(0, F)), cast(scalar(1, "int32"), F), prim("mul", x, cast(scalar(2, "bool"), F)));
      const data = Float32Array.of(-2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 9, -9, 0.25, 3, 4);
      await expectSame(await opened, onePlan([f32(12)], [12], null, [s], [F, "int32", "bool"]), [data], [0.75, -5, 1]);
      await expectSame(await opened, onePlan([f32(12)], [12], null, [cast(x, "int32")]), [data], [], 0);
      await expectSame(await opened, onePlan([f32(12)], [12], null, [cast(x, "bool")]), [data], [], 0);
    });
  });
});
