/** until: how many steps are run, on the host and compiled; gradients, updates, captures; what it cannot do. */
import { afterAll, describe, expect, expectTypeOf, test } from "vitest";
import { closeDevices, compile, grad, type NdArray, RandomStreams, scan, shared, T, type Updates, until, type Variable, verifyGrad } from "../../src/index.js";
import { nested, numbersOf } from "../ops/evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const limit = T.dscalar("limit");
const x = T.dvector("x");

afterAll(closeDevices);

/** doc/library/scan.txt: powers of two up to a limit. */
const powers = (): Variable => scan({ fn: (before, max) => [before.mul(2), until(before.mul(2).gt(max))], outputsInfo: T.constant(1, { dtype: "float64" }), nonSequences: limit, nSteps: 1024 })[0];

describe("the number of steps", () => {
  test("the step in which the condition holds is the last", async () => {
    const f = compile([limit], [powers(), powers().get(-1), powers().shape[0]], { device });
    expect((await f(45)).map(nested)).toEqual([[2, 4, 8, 16, 32, 64], 64, 6]);
    expect((await f(0)).map(nested)).toEqual([[2], 2, 1]);
    expect(f.explain().notes.join()).toMatch(/depends on the value of stepsUntil/);
    expect(numbersOf(powers(), [[limit, 5]])).toEqual([2, 4, 8]);
  });

  test("at most nSteps, or as many as a sequence has", async () => {
    const [few] = scan({ fn: (s) => [s.add(1), until(s.gt(100))], outputsInfo: T.constant(0), nSteps: 3 });
    expect(nested(await compile([], few, { device })())).toEqual([1, 2, 3]);
    const [rows] = scan({ fn: (row) => [row.mul(2), until(row.lt(0))], sequences: x });
    const f = compile([x], rows, { device });
    expect([nested(await f([1, -1, 2])), nested(await f([1, 2])), nested(await f([]))]).toEqual([[2, -2], [2, 4], []]);
    const [one] = scan({ fn: (s) => [s.add(1), until(s.lt(0))], outputsInfo: T.constant(0), nSteps: 1 });
    expect(numbersOf(one)).toEqual([1]);
  });

  test("backwards, with taps, and with what the condition alone reads", async () => {
    const stop = shared(3, { dtype: "float64" });
    const [fib] = scan({ fn: (a, b) => [a.add(b), until(b.gt(stop))], outputsInfo: { initial: x, taps: [-2, -1] }, nSteps: 20 });
    expect(nested(await compile([x], fib, { device })([0, 1]))).toEqual([1, 2, 3, 5, 8]);
    const [back] = scan({ fn: (row) => [row, until(row.lt(stop))], sequences: x, goBackwards: true });
    expect(nested(await compile([x], back, { device })([1, 2, 9, 8]))).toEqual([8, 9, 2]);
  });

  test("strict steps may not read what is outside in their condition either", () => {
    expect(() => scan({ fn: (row) => [row, until(row.lt(limit))], sequences: x, strict: true })).toThrow(code("scan-strict"));
  });
});

describe("what fn returns before the condition", () => {
  test("one output, several, a list, updates on either side", async () => {
    const count = shared(0);
    const c = (row: Variable) => until(row.gt(1));
    const [[a, b]] = scan({ fn: (row) => [row, row.mul(2), c(row)], sequences: x });
    const [[d, e], updates] = scan({ fn: (row) => [[row, row.mul(3)], new Map([[count, count.add(1)]]), c(row)], sequences: x });
    const [none, more] = scan({ fn: (row) => [new Map([[count, count.add(1)]]), c(row)], sequences: x });
    expect(none).toBe(null);
    expect((await compile([x], [a, b, d, e], { device })([0, 2, 0])).map(nested)).toEqual([[0, 2], [0, 4], [0, 2], [0, 6]]);
    await compile([x], [], { updates, device })([0, 0, 2, 0]);
    expect((await count.getValue()).item()).toBe(3);
    await compile([x], [], { updates: more, device })([2, 0]);
    expect((await count.getValue()).item()).toBe(4);
    expectTypeOf(a).toEqualTypeOf<Variable>();
    expectTypeOf(d).toEqualTypeOf<Variable>();
    expectTypeOf(updates).toEqualTypeOf<Updates>();
    expectTypeOf(powers()).toEqualTypeOf<Variable>();
  });

  test("draws stop where the loop does", async () => {
    const draws = new RandomStreams(5);
    const [us, updates] = scan({ fn: () => { const u = draws.uniform({ dtype: "float64" }); return [u, until(u.gt(0.8))]; }, nSteps: 50 });
    const f = compile([], us, { updates, device });
    const [first, second] = [await f(), await f()] as NdArray[];
    for (const draw of [first, second]) expect(draw!.data.findIndex((u) => u > 0.8)).toBe(draw!.size - 1);
    expect(second!.data[0]).not.toBe(first!.data[0]);
  });
});

describe("gradients", () => {
  test("are of the steps that were run", async () => {
    verifyGrad((a) => scan({ fn: (s, w) => [s.mul(w), until(s.mul(w).gt(20))], outputsInfo: T.constant(1, { dtype: "float64" }), nonSequences: a, nSteps: 30 })[0].sum(), [2.5]);
    const [rows] = scan({ fn: (row) => [T.sqr(row), until(row.gt(2))], sequences: x });
    expect(nested(await compile([x], grad(rows.sum(), x), { device })([1, 3, 5]))).toEqual([2, 6, 0]);
  });
});

test("inside another loop the number may not change from step to step", async () => {
  const [rows] = scan({ fn: (row) => scan({ fn: (s) => [s.mul(2), until(s.gt(row))], outputsInfo: row, nSteps: 4 })[0].sum(), sequences: x });
  await expect(compile([x], rows, { device })([1, 2])).rejects.toThrow(code("scan-step-shape"));
});
