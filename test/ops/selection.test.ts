/** Elements chosen by value or position: nonzero, masks as indices, take, compress. Values are NumPy's; numbers of elements vary from call to call. */
import { afterAll, describe, expect, it } from "vitest";
import { closeDevices, compile, grad, T, verifyGrad } from "../../src/index.js";
import type { HostBuffer } from "../../src/codegen/ir/plan.js";
import { allOps } from "../../src/ops/define.js";
import { nested, numbersOf } from "./evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dmatrix("x");
const v = T.dvector("v");
const i = T.ivector("i");
const X = [[0, 1, 0], [2, 0, 3]];

afterAll(closeDevices);

describe("nonzero", () => {
  it("gives a vector of positions for each axis, or a matrix", () => {
    expect(T.nonzero(x).map((p) => numbersOf(p, [[x, X]]))).toEqual([[0, 1, 1], [1, 0, 2]]);
    expect(numbersOf(x.nonzero({ returnMatrix: true }), [[x, X]])).toEqual([[0, 1, 1], [1, 0, 2]]);
    expect(numbersOf(T.flatnonzero(x), [[x, X]])).toEqual([1, 3, 5]);
    expect(numbersOf(x.nonzeroValues(), [[x, X]])).toEqual([1, 2, 3]);
    expect(numbersOf(T.nonzeroValues(v), [[v, [0, Number.NaN, -1]]])).toEqual([Number.NaN, -1]);
    expect(T.nonzero(T.constant(X)).map((p) => numbersOf(p))).toEqual([[0, 1, 1], [1, 0, 2]]);
    expect(numbersOf(T.flatnonzero(T.constant(X)))).toEqual([1, 3, 5]);
    expect(() => T.nonzero(T.scalar())).toThrow(code("nonzero-scalar"));
    expect(() => T.flatnonzero(T.scalar())).toThrow(code("nonzero-scalar"));
  });

  it("makes one plan for each number of elements, and says so", async () => {
    const f = compile([x], [...x.nonzero(), x.nonzeroValues().sum()], { device });
    expect((await f(X)).map(nested)).toEqual([[0, 1, 1], [1, 0, 2], 6]);
    expect((await f([[0, 0, 0], [0, 0, 7]])).map(nested)).toEqual([[1], [2], 7]);
    expect((await f([[0, 0, 0], [0, 0, 0]])).map(nested)).toEqual([[], [], 0]);
    expect(f.explain().notes.join()).toMatch(/depends on the value of/);
  });

  it("says where a device and the float64 references count otherwise", () => {
    const lower = allOps().find((o) => o.name === "nonzero")?.fields.lower;
    const routine = lower?.kind === "routine" ? lower.routine({} as never) : null;
    const buffer = (data: readonly number[], shape: readonly number[]): HostBuffer => ({ data: Int32Array.from(data), shape, dtype: "int32" });
    const out = buffer([0, 0], [1, 2]);
    routine?.run([buffer([1, 0, 1], [3]), buffer([2], [])], [out], []);
    expect([...out.data]).toEqual([0, 2]);
    expect(() => routine?.run([buffer([1, 0, 1], [3]), buffer([1], [])], [buffer([0], [1, 1])], [])).toThrow(code("nonzero-count"));
  });
});

describe("masks", () => {
  it("index as NumPy's", () => {
    expect(numbersOf(x.get(x.gt(0)), [[x, X]])).toEqual([1, 2, 3]);
    expect(numbersOf(x.get(v.gt(0)), [[x, X], [v, [0, 1]]])).toEqual([[2, 0, 3]]);
    expect(numbersOf(x.get(1, v.gt(0)), [[x, X], [v, [1, 0, 1]]])).toEqual([2, 3]);
    expect(numbersOf(x.get([true, false]), [[x, X]])).toEqual([[0, 1, 0]]);
    expect(numbersOf(x.get(null, x.gt(1)), [[x, X]])).toEqual([[2, 3]]);
    expect(() => x.get(v.gt(0), x.gt(0))).toThrow(code("index-many"));
    expect(() => numbersOf(x.get(v.gt(0)), [[x, X], [v, [1, 0, 0]]])).toThrow(code("specify-shape"));
  });

  it("write, and have gradients", async () => {
    expect(nested(await compile([x], T.setSubtensor(x.get(x.gt(1)), -1), { device })(X))).toEqual([[0, 1, 0], [-1, 0, -1]]);
    expect(nested(await compile([x], T.incSubtensor(x.get(x.gt(1)), [10, 20]), { device })(X))).toEqual([[0, 1, 0], [12, 0, 23]]);
    expect(nested(await compile([x], grad(T.sqr(x.get(x.gt(1))).sum(), x), { device })(X))).toEqual([[0, 0, 0], [4, 0, 6]]);
    await expect(compile([x, v], x.get(v.gt(0)), { device })(X, [1, 0, 0])).rejects.toThrow(code("specify-shape"));
  });
});

describe("specifyShape", () => {
  it("checks lengths when the function runs", async () => {
    const n = T.iscalar("n");
    const f = compile([x, n], T.specifyShape(x, [2, n]), { device });
    expect(nested(await f(X, 3))).toEqual(X);
    await expect(f(X, 2)).rejects.toThrow(code("specify-shape"));
    expect(numbersOf(T.specifyShape(x, i), [[x, X], [i, [2, 3]]])).toEqual(X);
    expect(() => T.specifyShape(x, [2])).toThrow(code("specify-shape-rank"));
  });
});

describe("take and compress", () => {
  it("are NumPy's, for every mode", () => {
    expect(numbersOf(x.take([1, 3, -1]), [[x, X]])).toEqual([1, 2, 3]);
    expect(numbersOf(T.take(x, i, { axis: 1 }), [[x, X], [i, [2, 0]]])).toEqual([[0, 0], [3, 2]]);
    expect(numbersOf(T.take(x, [[0, 1], [1, 0]], { axis: 0 }), [[x, X]])).toEqual([[X[0], X[1]], [X[1], X[0]]]);
    expect(numbersOf(T.take(v, i, { mode: "clip" }), [[v, [5, 6, 7]], [i, [-3, 9]]])).toEqual([5, 7]);
    expect(numbersOf(T.take(v, i, { mode: "wrap", axis: 0 }), [[v, [5, 6, 7]], [i, [-1, 4]]])).toEqual([7, 6]);
    expect(() => numbersOf(T.take(v, i), [[v, [5, 6, 7]], [i, [3]]])).toThrow(code("index-range"));
    expect(() => T.take(v, v)).toThrow(code("take-indices"));
    expect(numbersOf(T.compress([0, 1, 1], x, { axis: 1 }), [[x, X]])).toEqual([[1, 0], [0, 3]]);
    expect(numbersOf(x.compress(v), [[x, X], [v, [0, 1, 0, 5]]])).toEqual([1, 2]);
    verifyGrad((a) => T.take(a, [[1, 0], [1, 1]], { axis: 1 }), [[[0.5, 1.5], [2.5, 3.5]]]);
  });
});
