/** What a port of a Theano program relies on: functions and their updates (traps 19 to 25) and scan (traps 26 to 31). */
import { describe, expect, test } from "vitest";
import { compile, grad, In, MissingInputError, NdArray, RandomStreams, scan, shared, T, until, UnusedInputError, Updates, ValueError, type Variable } from "../../src/index.js";
import { codeOf, itemOf, computed } from "./helpers.js";

const device = "reference";

describe("functions", () => {
  test("trap 19: outputs and updates are computed from old values", async () => {
    const [x, y, z] = [shared(4), shared(4), shared(2)];
    const [xn, yn] = [x.mul(5), x.mul(5).add(y)];
    const f = compile([], [x, xn], { updates: [[x, xn], [y, yn], [z, yn.pow(z)]], device });
    expect(await f()).toEqual([4, 20]);
    expect([await itemOf(x), await itemOf(y), await itemOf(z)]).toEqual([20, 24, 576]);
    await compile([], [], { updates: [[x, y], [y, x]], device })();
    expect([await itemOf(x), await itemOf(y)]).toEqual([24, 20]);
  });

  test("trap 20: default updates reach through other updates; explicit ones override; they can be turned off", async () => {
    const [a, b] = [shared(1), shared(10)];
    a.defaultUpdate = a.add(b);
    b.defaultUpdate = b.mul(2);
    await compile([], a, { device })();
    expect([await itemOf(a), await itemOf(b)]).toEqual([11, 20]);
    await compile([], a, { updates: [[a, T.constant(0)]], device })();
    expect([await itemOf(a), await itemOf(b)]).toEqual([0, 20]);
    await compile([], a, { noDefaultUpdates: true, device })();
    await compile([], a, { noDefaultUpdates: [a, b], device })();
    expect([await itemOf(a), await itemOf(b)]).toEqual([0, 20]);
    const twice = [[a, a.add(1)], [a, a.add(2)]] as const;
    expect(await codeOf(() => compile([], a, { updates: twice }))).toBe("update-twice");
    expect(() => compile([], a, { updates: twice })).toThrow(ValueError);
  });

  test("trap 21: givens replace before compiling, expressions too, at once; not inputs, not chains", async () => {
    const [x, a] = [T.dscalar("x"), shared(1)];
    a.defaultUpdate = a.add(3);
    const inner = x.mul(2);
    expect(await compile([], inner.add(1), { givens: [[inner, 10]], device })()).toBe(11);
    const f = compile([], a.add(10), { givens: [[a, a.add(10)]], device });
    expect([await f(), await f()]).toEqual([21, 34]);
    const [p, q] = [T.dscalar("p"), T.dscalar("q")];
    expect([await codeOf(() => compile([x], x, { givens: [[x, 1]] })), await codeOf(() => compile([], p, { givens: [[p, q], [q, p.add(1)]] }))]).toEqual(["givens-input", "givens-chain"]);
  });

  test("trap 22: shared, unused, missing and repeated inputs are errors of their own kinds", async () => {
    const [x, z, w] = [T.dscalar("x"), T.dscalar("z"), shared(1, { name: "w" })];
    expect(() => compile([w], w)).toThrow("Cannot use a shared variable (w) as explicit input");
    expect(() => compile([x, z], x)).toThrow(UnusedInputError);
    expect(() => compile([x, x], x)).toThrow(UnusedInputError);
    expect(() => compile([], x)).toThrow(MissingInputError);
    expect(await compile([x, z], x, { onUnusedInput: "ignore", device })(1, 2)).toBe(1);
  });

  test("trap 23: one output, a list, a record, none; inputs by position, by name and by default", async () => {
    const [x, y] = [T.dscalar("x"), T.dscalar("y")];
    const ins = [x, In(y, { value: 2, name: "second" })];
    expect(await compile(ins, x.add(y), { device })(1)).toBe(3);
    expect(await compile(ins, [x.add(y)], { device })(1, 5)).toEqual([6]);
    expect(await compile(ins, { total: x.add(y), x }, { device })(1, { second: 4 })).toEqual({ total: 5, x: 1 });
    const s = shared(0);
    expect(await compile([], undefined, { updates: [[s, s.add(1)]], device })()).toEqual([]);
    // On purpose unlike Theano: a 0-d result is a JavaScript number, not a 0-d array.
    expect(typeof (await compile(ins, x.add(y), { device })(1))).toBe("number");
  });

  test("trap 24: values are copied on the way in and out, and never alias each other", async () => {
    const given = new NdArray(Float64Array.of(1, 2), [2], "float64");
    const [a, b] = [shared(given), shared(given)];
    given.data[0] = 100;
    const got = await a.getValue();
    got.data[1] = 200;
    expect((await a.getValue()).toArray()).toEqual([1, 2]);
    await compile([], undefined, { updates: [[a, b], [b, a.mul(2)]], device })();
    await compile([], undefined, { updates: [[a, a.add(1)]], device })();
    expect([(await a.getValue()).toArray(), (await b.getValue()).toArray()]).toEqual([[2, 3], [2, 4]]);
    const x = T.dvector("x");
    const out = (await compile([x], x, { device })(given)) as NdArray;
    out.data[0] = -1;
    expect(given.data[0]).toBe(100);
  });

  test("trap 25: a variable is truthy, and cannot be used as a number or compared by JavaScript's operators", () => {
    const x = T.dscalar("x");
    expect(Boolean(x)).toBe(true);
    expect(() => (x as unknown as number) < 1).toThrow("Variables do not support boolean");
    expect(T.eq(x, x).dtype).toBe("bool");
  });
});

describe("scan", () => {
  const v = T.dvector("v");
  const of = [[v, [1, 2, 3, 4]]] as const;

  test("trap 26: the step takes sequence taps, previous outputs, nonSequences; one output is bare unless returnList", async () => {
    const [sums] = scan({ fn: (x: Variable, before: Variable, w: Variable) => x.mul(w).add(before), sequences: v, outputsInfo: T.constant(0, { dtype: "float64" }), nonSequences: T.constant(10, { dtype: "float64" }) });
    expect(await computed(sums, of)).toEqual([10, 30, 60, 100]);
    // Sequence taps in their order, then previous outputs oldest first, then nonSequences: one digit of the result for each place.
    const [places] = scan({
      fn: (...args: Variable[]) => args.reduce((sum, a) => sum.mul(10).add(a)).mul(1),
      sequences: [{ input: v, taps: [-1, 0] }, T.constant([3, 3, 3], { dtype: "float64" })], outputsInfo: { initial: T.constant([4, 5], { dtype: "float64" }), taps: [-2, -1] },
      nonSequences: [T.constant(6, { dtype: "float64" }), T.constant(7, { dtype: "float64" })], nSteps: 1,
    });
    expect(await computed(places, of)).toEqual([1234567]);
    const [stopped] = scan({ fn: (x: Variable) => [x.mul(10), until(x.ge(2))], sequences: v });
    expect(await computed(stopped, of)).toEqual([10, 20]);
    const [listed] = scan({ fn: (x: Variable) => x, sequences: v, returnList: true });
    expect(listed).toHaveLength(1);
    const s = shared(0);
    for (const fn of [(x: Variable) => [x, [[s, s.add(1)]]] as const, (x: Variable) => [[[s, s.add(1)]], x] as const]) {
      const [out, updates] = scan({ fn: fn as (x: Variable) => readonly [Variable, readonly (readonly [typeof s, Variable])[]], sequences: v });
      expect([await computed(out as Variable, of), await computed(updates.get(s) as Variable, of)]).toEqual([[1, 2, 3, 4], 4]);
    }
  });

  test("trap 27: shared and outer variables are found; a strict step may read only its arguments", async () => {
    const [w, outer] = [shared(3, { dtype: "float64" }), T.dscalar("outer")];
    const [out] = scan({ fn: (x: Variable) => x.mul(w).add(outer.mul(2)), sequences: v });
    expect(await computed(out, [...of, [outer, 1]])).toEqual([5, 8, 11, 14]);
    expect(() => scan({ fn: (x: Variable) => x.mul(outer), sequences: v, strict: true })).toThrow(MissingInputError);
    // What only the condition or an update reads is found too, as Theano's versions before 0.9 failed to (Theano #5478, #6595).
    const [below] = scan({ fn: (x: Variable) => [x, until(x.ge(w))], sequences: v });
    expect(await computed(below, of)).toEqual([1, 2, 3]);
    const total = shared(0, { dtype: "float64" });
    const [, updates] = scan({ fn: (x: Variable) => [x, [[total, total.add(outer)]]] as const, sequences: v });
    expect(await computed(updates.get(total) as Variable, [...of, [outer, 5]])).toBe(20);
  });

  test("trap 28: a state has the output's dtype and rank; taps list the oldest first; nSteps longer than a sequence is an error, 0 is legal", async () => {
    expect(await codeOf(() => scan({ fn: (x: Variable, s: Variable) => x.add(s), sequences: v, outputsInfo: T.constant(0) }))).toBe("scan-state-type");
    const [fib] = scan({ fn: (a: Variable, b: Variable) => a.add(b), outputsInfo: { initial: T.constant([0, 1], { dtype: "float64" }), taps: [-2, -1] }, nSteps: 5 });
    expect(await computed(fib)).toEqual([1, 2, 3, 5, 8]);
    const n = T.iscalar("n");
    const [rows] = scan({ fn: (x: Variable) => x.mul(2), sequences: v, nSteps: n });
    const f = compile([v, n], rows, { device });
    expect(((await f([1, 2, 3], 2)) as NdArray).toArray()).toEqual([2, 4]);
    expect(((await f([1, 2, 3], 0)) as NdArray).shape).toEqual([0]);
    expect(await codeOf(() => f([1, 2, 3], 4))).toBe("scan-sequence-short");
    expect(await computed(scan({ fn: (a: Variable, b: Variable) => a.add(b), sequences: [v, T.constant([10, 20], { dtype: "float64" })] })[0], of)).toEqual([11, 22]);
  });

  test("trap 29: one step makes no loop, and its output has a first axis", async () => {
    const [out] = scan({ fn: (s: Variable) => s.mul(2), outputsInfo: v, nSteps: 1 });
    expect([out.ndim, out.broadcastable, await computed(out, of)]).toEqual([2, [false, false], [[2, 4, 6, 8]]]);
    const f = compile([v], out, { device });
    await f([1]);
    expect(f.explain().plan).not.toContain("loop");
  });

  test("trap 30: updates are keyed by shared variables, collide loudly, and draws repeat without them", async () => {
    const [s, u] = [shared(0), new Updates()];
    u.set(s, s.add(1));
    expect(await codeOf(() => u.set(v as never, v))).toBe("updates-key");
    expect(await codeOf(() => u.update([[s, s.add(2)]]))).toBe("updates-collision");
    const d = new RandomStreams(3).uniform({ size: [2], dtype: "float64" });
    const [draws, updates] = scan({ fn: () => d, nSteps: 3 });
    const rows = async (f: () => Promise<unknown>): Promise<unknown[]> => ((await f()) as NdArray).toArray() as unknown[];
    const repeating = compile([], draws, { noDefaultUpdates: true, device });
    expect(await rows(repeating)).toEqual(await rows(repeating));
    // The state's own default update still counts: one draw on, so all but one of the numbers come again.
    const forgetful = compile([], draws, { device });
    const [first, second] = [await rows(forgetful), await rows(forgetful)];
    expect(second.slice(0, 2)).toEqual(first.slice(1));
    const kept = compile([], draws, { updates, device });
    const [third, fourth] = [await rows(kept), await rows(kept)];
    expect(new Set([...third, ...fourth].map(String)).size).toBe(6);
  });

  test("trap 31: truncateGradient stops gradients after that many steps back; loops that stop early have gradients, zero after the stop", async () => {
    const w = T.dscalar("w");
    const power = (truncateGradient: number): Variable =>
      scan({ fn: (s: Variable, k: Variable) => s.mul(k), outputsInfo: T.constant(1, { dtype: "float64" }), nonSequences: w, nSteps: 3, truncateGradient })[0].get(-1);
    expect(await computed(grad(power(-1), w), [[w, 2]])).toBe(12);
    // d/dw of w^3 where only the last step's w counts: w^2.
    expect(await computed(grad(power(1), w), [[w, 2]])).toBe(4);
    // After the stop of a loop that ends early the gradient is zero.
    const [rows] = scan({ fn: (x: Variable) => [x.sqr(), until(x.gt(2))], sequences: v });
    expect(await computed(grad(rows.sum(), v), [[v, [1, 3, 5]]])).toEqual([2, 6, 0]);
  });
});
