/** One plan for every minibatch index, plans of their own where Python's slices clip, and one plan per set of shapes. */
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { device as open } from "../../src/compile/devices.js";
import { compile, IndexError, NdArray, numpy as np, shared, slice, T } from "../../src/index.js";

const DEVICES = ["reference", "gpu:webasm"];
const ROWS = 10;
const B = 4;
const data = Array.from({ length: ROWS }, (_, i) => [i, i + 0.5]);

describe.each(DEVICES)("on %s", (device) => {
  let plans: MockInstance;
  beforeEach(async () => {
    plans = vi.spyOn((await open(device)).backend, "compile");
  });
  afterEach(() => plans.mockRestore());

  const minibatches = () => {
    const set = shared(np.asarray(data, { dtype: "float32" }), { name: "set" });
    const i = T.lscalar("i");
    return compile([i], set.get(slice(i.mul(B), i.add(1).mul(B))).mul(2), { device });
  };
  const twice = (rows: number[][]): number[][] => rows.map((r) => r.map((x) => x * 2));

  test("whole minibatches share a plan", async () => {
    const f = minibatches();
    for (const i of [0, 1, 0]) expect(((await f(i)) as NdArray).toArray()).toEqual(twice(data.slice(i * B, (i + 1) * B)));
    expect(plans).toHaveBeenCalledTimes(1);
    expect(f.explain().notes).toEqual([]);
  });

  test("the last partial one, one past the end and negative ones are what Python gives", async () => {
    const f = minibatches();
    await f(0);
    const cases: [number, number[][]][] = [[2, data.slice(8)], [3, []], [-1, []], [-2, data.slice(2, 6)], [-3, data.slice(0, 2)], [-4, []]];
    for (const [i, rows] of cases) {
      const got = (await f(i)) as NdArray;
      expect([i, got.shape, got.toArray()]).toEqual([i, [rows.length, 2], twice(rows)]);
    }
    expect(plans.mock.calls.length).toBeLessThanOrEqual(1 + cases.length);
    const before = plans.mock.calls.length;
    for (const i of [2, -2, 1]) await f(i);
    expect(plans).toHaveBeenCalledTimes(before);
  });

  test("an index outside its axis is an IndexError at the call, which leaves everything as it was", async () => {
    const set = shared(np.asarray(data, { dtype: "float32" }));
    const calls = shared(0);
    const i = T.iscalar("i");
    const f = compile([i], set.get(i), { updates: [[calls, calls.add(1)]], device });
    expect(((await f(9)) as NdArray).toArray()).toEqual(data[9]);
    expect(((await f(-10)) as NdArray).toArray()).toEqual(data[0]);
    for (const bad of [10, -11]) {
      const error = await f(bad).then(() => null, (e: unknown) => e);
      expect(error).toBeInstanceOf(IndexError);
      expect((error as IndexError).message).toContain(`position ${bad} of axis 0, which has length 10`);
    }
    expect((await calls.getValue()).item()).toBe(2);
    expect(((await f(3)) as NdArray).toArray()).toEqual(data[3]);
  });

  test("each set of shapes has a plan, made once", async () => {
    const [x, y] = [T.fmatrix("x"), T.fmatrix("y")];
    const f = compile([x, y], T.dot(x, y), { device });
    const ones = (...shape: number[]): NdArray => np.ones(shape, { dtype: "float32" });
    for (const [n, k, m] of [[2, 3, 4], [1, 3, 4], [2, 3, 4], [1, 3, 4], [2, 5, 1]] as const) expect(((await f(ones(n, k), ones(k, m))) as NdArray).toArray()).toEqual(Array.from({ length: n }, () => new Array(m).fill(k)));
    expect(plans).toHaveBeenCalledTimes(3);
  });

  test("a shared value of another shape takes another plan", async () => {
    const w = shared(np.ones([3], { dtype: "float32" }));
    const f = compile([], w.sum(), { updates: [[w, w.mul(2)]], device });
    expect([await f(), await f()]).toEqual([3, 6]);
    w.setValue(np.ones([5], { dtype: "float32" }));
    expect([await f(), await f()]).toEqual([5, 10]);
    expect(plans).toHaveBeenCalledTimes(2);
  });
});
