/** The same ops through compile() on the reference device: one plan for moving windows, errors at calls, shapes without values. */
import { describe, expect, it } from "vitest";
import { compile, grad, IndexError, shared, T, type Variable } from "../../src/index.js";
import { alloc, arange, eye, identityLike, ones, zeros } from "../../src/ops/alloc.js";
import { batchedDot, dot } from "../../src/ops/dot.js";
import { concatenate, join, split, stack } from "../../src/ops/join.js";
import { reshape } from "../../src/ops/reshape.js";
import { incSubtensor, setSubtensor } from "../../src/ops/set_subtensor.js";
import { all, slice } from "../../src/ops/slices.js";
import { nested } from "./evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const run = async (inputs: readonly Variable[], output: Variable, ...args: readonly unknown[]): Promise<unknown> => nested(await compile([...inputs], output, { device, onUnusedInput: "ignore" })(...(args as number[])));

describe("moving windows", () => {
  const data = shared([0, 1, 2, 3, 4, 5, 6, 7], { dtype: "float64" });
  it("x[i*B:(i+1)*B] is one plan for every i, and checked", async () => {
    const i = T.lscalar("i");
    const f = compile([i], data.get(slice(i.mul(3), i.add(1).mul(3))), { device });
    expect(nested(await f(0))).toEqual([0, 1, 2]);
    expect(nested(await f(1))).toEqual([3, 4, 5]);
    expect(f.explain().notes.join()).not.toMatch(/bound|one plan for each/);
    expect(nested(await f(2))).toEqual([6, 7]);
    expect(nested(await f(3))).toEqual([]);
    expect(nested(await f(-1))).toEqual([]);
  });

  it("a position that varies is one plan, and out of range an IndexError", async () => {
    const i = T.lscalar("i");
    const f = compile([i], data.get(i), { device });
    expect(await f(2)).toBe(2);
    expect(await f(-1)).toBe(7);
    await expect(f(8)).rejects.toThrow(code("index-range"));
    await expect(f(-9)).rejects.toThrow(IndexError);
  });

  it("a length that varies is bound to the call", async () => {
    const i = T.lscalar("i");
    const f = compile([i], data.get(slice(i)).sum(), { device });
    expect([await f(3), await f(-1), await f(100)]).toEqual([3, 21, 28]);
  });

  it("a position computed on the device", async () => {
    const v = T.dvector("v");
    expect(await run([v], data.get(v.argmax()), [1, 5, 2])).toBe(1);
    expect(nested(await run([v], setSubtensor(v.get(v.argmin()), 9), [1, 5, 0.5]))).toEqual([1, 5, 9]);
  });

  it("gradients of a window", async () => {
    const i = T.lscalar("i");
    const w = T.dvector("w");
    expect(await run([w, i], grad(w.get(slice(i, i.add(2))).mul([3, 4]).sum(), w), [1, 1, 1, 1], 1)).toEqual([0, 3, 4, 0]);
  });
});

describe("integer tensors", () => {
  const m = T.dmatrix("m");
  const y = T.ivector("y");
  it("x[arange(n), y] and its gradient", async () => {
    const picked = m.get(arange(y.shape[0]), y);
    expect(await run([m, y], picked, [[1, 2, 3], [4, 5, 6]], [2, 0])).toEqual([3, 4]);
    expect(await run([m, y], grad(picked.mul([10, 20]).sum(), m), [[1, 2, 3], [4, 5, 6]], [2, 0])).toEqual([[0, 0, 10], [20, 0, 0]]);
    expect(await run([m, y], grad(picked.sum(), m), [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [2, 0])).toEqual([[0, 0, 1], [1, 0, 0], [0, 0, 0]]);
  });

  it("rows, with repeated rows in the gradient", async () => {
    const rows = m.get(y);
    expect(await run([m, y], rows, [[1, 2], [3, 4]], [1, 0, -1])).toEqual([[3, 4], [1, 2], [3, 4]]);
    expect(await run([m, y], grad(rows.sum(), m), [[1, 2], [3, 4]], [1, 0, -1])).toEqual([[1, 1], [2, 2]]);
  });

  it("set keeps the last, inc accumulates", async () => {
    const v = T.dvector("v");
    expect(await run([v, y], setSubtensor(v.get(y), [1, 2, 3]), [9, 9, 9], [0, 2, 0])).toEqual([3, 9, 2]);
    expect(await run([v, y], incSubtensor(v.get(y), [1, 2, 3]), [9, 9, 9], [0, 2, 0])).toEqual([13, 9, 11]);
  });
});

describe("reductions", () => {
  it("argmax of float32 that kernels compute with more digits", async () => {
    const [a, b] = T.fvectors("a b");
    const values = Array.from({ length: 50 }, (_, i) => Math.sin(i * 12.9898));
    const other = values.map((v) => v / 3);
    const sums = values.map((v, i) => Math.fround(Math.fround(v) + Math.fround(other[i] as number)));
    expect(await run([a, b], a.add(b).argmax(), values, other)).toBe(sums.indexOf(Math.max(...sums)));
  });

  it("mean, var and several axes", async () => {
    const x = T.dtensor3("x");
    const cube = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
    expect(await run([x], x.mean({ axis: [0, 2] }), cube)).toEqual([3.5, 5.5]);
    expect(await run([x], x.var(), cube)).toBe(5.25);
    expect(await run([x], x.max({ axis: 1, keepdims: true }).sub(x).any({ axis: 0 }), cube)).toEqual([[true, true], [false, false]]);
  });

  it("over nothing", async () => {
    const x = T.dmatrix("x");
    await expect(run([x], x.max(), [[], []])).rejects.toThrow(code("reduce-empty"));
    await expect(run([x], x.argmax({ axis: 1 }), [[], []])).rejects.toThrow(/zero-size array to reduction operation/);
    expect(await run([x], x.sum({ axis: 1 }), [[], []])).toEqual([0, 0]);
  });
});

describe("shapes", () => {
  const x = T.dmatrix("x");
  const X = [[1, 2, 3], [4, 5, 6]];
  it("are values", async () => {
    expect(await run([x], x.shape, X)).toEqual([2, 3]);
    expect(await run([x], x.shape[0].mul(x.shape.get(1)), X)).toBe(6);
    expect(await run([x], x.shape.prod(), X)).toBe(6);
  });

  it("make shapes", async () => {
    expect(await run([x], reshape(x, [x.shape[1], -1]), X)).toEqual([[1, 2], [3, 4], [5, 6]]);
    expect(await run([x], zeros(x.shape).add(ones([x.shape[0], 1])), X)).toEqual([[1, 1, 1], [1, 1, 1]]);
    expect(await run([x], alloc([1, 2, 3], x.shape[0], 3), X)).toEqual([[1, 2, 3], [1, 2, 3]]);
    expect(await run([x], x.flatten().reshape(x.T.shape), X)).toEqual([[1, 2], [3, 4], [5, 6]]);
    expect(await run([x], identityLike(x).add(eye(x.shape[0], 3, 1, { dtype: "float64" })), X)).toEqual([[1, 1, 0], [0, 1, 1]]);
    expect(await run([x], arange(x.shape[1]), X)).toEqual([0, 1, 2]);
  });

  it("must agree", async () => {
    await expect(run([x], x.reshape([4, -1]), X)).rejects.toThrow(code("reshape-size"));
    await expect(run([x], alloc(x, 2, 2, 4), X)).rejects.toThrow(code("alloc-shape"));
    await expect(run([x], dot(x, x), X)).rejects.toThrow(/Shape mismatch: x has 3 cols \(and 2 rows\) but y has 2 rows \(and 3 cols\)/);
    await expect(run([x], join(0, x, x.T), X)).rejects.toThrow(code("join-shape"));
  });
});

describe("products and joins", () => {
  it("dot of higher ranks, batchedDot", async () => {
    const [t, m] = [T.dtensor3("t"), T.dmatrix("m")];
    const cube = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
    expect(await run([t, m], dot(t, m), cube, [[1, 0, 1], [0, 1, 1]])).toEqual([[[1, 2, 3], [3, 4, 7]], [[5, 6, 11], [7, 8, 15]]]);
    expect(await run([m, t], dot(m, t), [[1, 1]], cube)).toEqual([[[4, 6], [12, 14]]]);
    expect(await run([t], batchedDot(t, t), cube)).toEqual([[[7, 10], [15, 22]], [[67, 78], [91, 106]]]);
  });

  it("join, stack, concatenate, split", async () => {
    const [a, b] = T.dmatrices("a b");
    expect(await run([a, b], join(1, a, b), [[1, 2], [3, 4]], [[5], [6]])).toEqual([[1, 2, 5], [3, 4, 6]]);
    expect(await run([a, b], concatenate([a.T, b], { axis: -2 }), [[1, 2]], [[5], [6]])).toEqual([[1], [2], [5], [6]]);
    expect(await run([a], stack([a, a.mul(2)], { axis: -1 }), [[1, 2]])).toEqual([[[1, 2], [2, 4]]]);
    const [, right] = split(a, [a.shape[1].sub(1), 1], { axis: 1 }) as [Variable, Variable];
    expect(await run([a], right, [[1, 2, 3]])).toEqual([[3]]);
    expect(await run([a, b], grad(join(0, a, b).sqr().sum(), b), [[1, 2]], [[3, 4]])).toEqual([[6, 8]]);
    expect(await run([a], a.get(all, 0).add(stack([a.shape[0], 5]).get(1)), [[1, 2]])).toEqual([6]);
  });
});
