/** Running totals, sorting, rolling, bins, tensordot, grids, stacks, norms: values from NumPy, semantics from Theano, and every message. */
import { afterAll, describe, expect, it } from "vitest";
import { closeDevices, compile, grad, slice, T, type Variable, verifyGrad } from "../../src/index.js";
import { nested, numbersOf } from "./evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dmatrix("x");
const v = T.dvector("v");
const i = T.ivector("i");
const n = T.iscalar("n");
const cube = T.dtensor3("c");
const X = [[3, 1, 2], [1, 5, 4]];
const on = (y: Variable, k = 1): unknown => numbersOf(y, [[x, X], [v, [2, 0.5, 3]], [i, [1, 2]], [n, k]]);

afterAll(closeDevices);

describe("running totals", () => {
  it("along an axis, or in order", () => {
    expect([on(x.cumsum()), on(T.cumsum(x, 1)), on(x.cumsum({ axis: 0 }))]).toEqual([[3, 4, 6, 7, 12, 16], [[3, 4, 6], [1, 6, 10]], [[3, 1, 2], [4, 6, 6]]]);
    expect([on(x.cumprod()), on(T.cumprod(x, { axis: -1 }))]).toEqual([[3, 3, 6, 6, 30, 120], [[3, 3, 6], [1, 5, 20]]]);
    expect([x.cumsum(1).dtype, T.cumsum(T.imatrix(), 0).dtype, T.cumsum(x.gt(0)).dtype]).toEqual(["float64", "int32", "int32"]);
    expect(on(T.cumsum(n), 2)).toEqual([2]);
    expect(() => x.cumsum([0, 1])).toThrow(code("cumulate-axis"));
    expect(() => x.cumsum(2)).toThrow(code("axis-range"));
  });

  it("over several blocks, on a device", async () => {
    const values = Array.from({ length: 1000 }, (_, k) => (k % 7) - 3);
    let total = 0;
    expect(nested(await compile([v], v.cumsum(), { device })(values))).toEqual(values.map((e) => (total += e)));
    const f = compile([x], [x.cumsum(1), x.cumprod(0)], { device });
    expect((await f([[], []])).map(nested)).toEqual([[[], []], [[], []]]);
    expect((await f(X)).map(nested)).toEqual([[[3, 4, 6], [1, 6, 10]], [[3, 1, 2], [3, 5, 8]]]);
  });

  it("the gradient of products is Theano's: NaN where an element is 0", () => {
    verifyGrad((a) => T.cumprod(a, 0), [[[0.5, 1.5], [2.5, -3.5]]]);
    expect(numbersOf(grad(v.cumprod().sum(), v), [[v, [2, 0, 3]]])).toEqual([1, Number.NaN, 0]);
  });

  it("diff undoes them", () => {
    expect([on(T.diff(x)), on(T.diff(x, { axis: 0 })), on(T.diff(x, { n: 2 })), on(T.diff(x, { n: 0 }))]).toEqual([[[-2, 1], [4, -1]], [[-2, 4, 2]], [[3], [-5]], X]);
    verifyGrad((a) => T.diff(a, { n: 2, axis: 0 }), [[[0.5, 1.5], [2.5, 3.5], [1.5, -0.5]]]);
    expect(() => T.diff(x, { n: -1 })).toThrow(code("diff-times"));
  });
});

describe("sorting", () => {
  it("sort and argsort along the last axis, another, or all elements", () => {
    expect([on(x.sort()), on(T.sort(x, 0)), on(x.sort({ axis: null }))]).toEqual([[[1, 2, 3], [1, 4, 5]], [[1, 1, 2], [3, 5, 4]], [1, 1, 2, 3, 4, 5]]);
    expect([on(x.argsort()), on(T.argsort(x, { axis: 0 })), on(x.argsort(null))]).toEqual([[[1, 2, 0], [0, 2, 1]], [[1, 0, 0], [0, 1, 1]], [1, 3, 2, 0, 5, 4]]);
    expect(numbersOf(v.sort({ kind: "mergesort" }), [[v, [2, Number.NaN, -1, 2]]])).toEqual([-1, 2, 2, Number.NaN]);
    expect(() => x.sort(2)).toThrow(code("axis-range"));
  });

  it("sends gradients where elements came from; positions have none", () => {
    verifyGrad((a) => T.sqr(T.sort(a, 0)), [[[0.5, 2.5], [1.5, -3.5], [-1, 4]]]);
    expect(on(grad(x.argsort().sum(), x))).toEqual([[0, 0, 0], [0, 0, 0]]);
  });

  it("topk, greatest first", () => {
    expect([on(T.topk(x, 2)), on(T.argtopk(x, 2)), on(T.topk(x, -2)), on(T.topk(x, n), 1)]).toEqual([[[3, 2], [5, 4]], [[0, 2], [1, 2]], [[1, 2], [1, 4]], [[3], [5]]]);
    expect([on(T.topk(x, 1, { axis: 0 })), on(T.topk(x, 3, { axis: null })), on(T.topk(v, 2))]).toEqual([[[3, 5, 4]], [5, 4, 3], [3, 2]]);
    verifyGrad((a) => T.topk(a, 2), [[[0.5, 2.5, 1], [1.5, -3.5, 0]]]);
    expect(() => T.topk(x, 0)).toThrow(code("topk-count"));
  });

  it("rows in given orders, and back", () => {
    expect(on(T.permuteRowElements(x, [2, 0, 1]))).toEqual([[2, 3, 1], [4, 1, 5]]);
    expect(on(T.permuteRowElements(x, [[2, 0, 1], [0, 2, 1]], { inverse: true }))).toEqual([[1, 2, 3], [1, 4, 5]]);
    expect(on(T.permuteRowElements(v, [[2, 0, 1], [0, 2, 1]]))).toEqual([[3, 2, 0.5], [2, 3, 0.5]]);
    expect(numbersOf(T.inversePermutation(T.constant([[2, 0, 1], [1, 2, 0]])))).toEqual([[1, 2, 0], [2, 0, 1]]);
    verifyGrad((a) => T.permuteRowElements(a, [[2, 0, 1], [0, 2, 1]]), [[0.5, 1.5, 2.5]]);
    expect(() => T.permuteRowElements(x, v)).toThrow(code("permute-order"));
  });

  it("rows and orders that do not fit", async () => {
    await expect(compile([x, i], T.permuteRowElements(x, i), { device })(X, [1, 0])).rejects.toThrow(code("permute-shape"));
    expect(nested(await compile([x], x.sort(0), { device })(X))).toEqual([[1, 1, 2], [3, 5, 4]]);
  });
});

describe("roll", () => {
  it("is NumPy's, by any distance, within one plan", async () => {
    expect([on(T.roll(v, 1)), on(T.roll(x, -1, { axis: 1 })), on(T.roll(x, 2))]).toEqual([[3, 2, 0.5], [[1, 2, 3], [5, 4, 1]], [[5, 4, 3], [1, 2, 1]]]);
    expect([on(T.roll(v, n), 3), on(T.roll(v, n), -7)]).toEqual([[2, 0.5, 3], [0.5, 3, 2]]);
    const f = compile([v, n], T.roll(v, n), { device });
    expect([nested(await f([1, 2, 3], 1)), nested(await f([1, 2, 3], -5))]).toEqual([[3, 1, 2], [3, 1, 2]]);
    expect(f.explain().notes).toEqual([]);
    verifyGrad((a) => T.sqr(T.roll(a, 2, { axis: 0 })), [[[0.5, 1.5], [2.5, 3.5], [1, 2]]]);
    expect(() => T.roll(v, 0.5)).toThrow(code("roll-shift"));
  });
});

describe("bins", () => {
  it("searchsorted, to the left and the right of equals", () => {
    const at = (options: object): unknown => numbersOf(T.searchsorted([1, 2, 2, 5], T.constant([-1, 2, 3, 9]), options));
    expect([at({}), at({ side: "right" })]).toEqual([[0, 1, 3, 4], [0, 3, 3, 4]]);
    expect(numbersOf(v.searchsorted(3, { sorter: [1, 0, 2] }), [[v, [2, 0.5, 3]]])).toBe(2);
    expect(numbersOf(v.searchsorted([[0, 2.5]]), [[v, [1, 2, 3]]])).toEqual([[0, 2]]);
    expect(() => T.searchsorted(x, 1)).toThrow(code("searchsorted-vector"));
    expect(() => T.searchsorted(v, 1, { side: "middle" as never })).toThrow(code("searchsorted-side"));
    expect(() => T.searchsorted(v, 1, { sorter: v })).toThrow(code("searchsorted-sorter"));
  });

  it("bincount, with a number of bins that depends on the values", async () => {
    const f = compile([i], [T.bincount(i), T.bincount(i, { minlength: 4 }), T.bincount(i, { weights: i.mul(0.5) })], { device });
    expect((await f([1, 2, 1])).map(nested)).toEqual([[0, 2, 1], [0, 2, 1, 0], [0, 1, 1]]);
    expect((await f([0])).map(nested)).toEqual([[1], [1, 0, 0, 0], [0]]);
    expect([T.bincount(i).dtype, T.bincount(i, { weights: v }).dtype]).toEqual(["int32", "float64"]);
    expect(() => T.bincount(v)).toThrow(code("bincount-vector"));
  });

  it("toOneHot", () => {
    expect(numbersOf(T.toOneHot(i, 3), [[i, [2, 0]]])).toEqual([[0, 0, 1], [1, 0, 0]]);
    expect([T.toOneHot(i, n).dtype, T.toOneHot(i, 3, { dtype: "int32" }).dtype]).toEqual(["float32", "int32"]);
  });
});

describe("repeat, tile and split with lengths that are variables", () => {
  it("each element its own number of times", async () => {
    expect([on(T.repeat(x, [2, 0, 1], { axis: 1 })), on(T.repeat(v, [1, 0, 2])), on(x.repeat(i, { axis: 0 }))]).toEqual([[[3, 3, 2], [1, 1, 4]], [2, 3, 3], [X[0], X[1], X[1]]]);
    const f = compile([x, i], x.repeat(i, { axis: 0 }), { device });
    expect([nested(await f(X, [1, 2])), nested(await f(X, [0, 1]))]).toEqual([[X[0], X[1], X[1]], [X[1]]]);
    await expect(f(X, [1, 2, 3])).rejects.toThrow(code("specify-shape"));
    verifyGrad((a) => T.repeat(a, [1, 2], { axis: 0 }), [[[0.5, 1.5], [2.5, 3.5]]]);
    expect(() => T.repeat(x, v)).toThrow(code("repeat-counts"));
    expect(() => T.repeat(x, T.imatrix())).toThrow(code("repeat-counts"));
  });

  it("counts and lengths in vectors need their number", () => {
    expect(on(T.tile(v, i, { ndim: 2 }))).toEqual([[2, 0.5, 3, 2, 0.5, 3]]);
    expect(T.split(v, i, 2).map((p) => on(p))).toEqual([[2], [0.5, 3]]);
    expect(T.split(x, [1, 2], 2, { axis: 1 }).map((p) => on(p))).toEqual([[[3], [1]], [[1, 2], [5, 4]]]);
    expect(() => T.tile(v, i)).toThrow(code("shape-ndim"));
    expect(() => T.split(v, i)).toThrow(code("shape-ndim"));
  });
});

describe("tensordot", () => {
  const C = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
  const of = (y: Variable): unknown => numbersOf(y, [[cube, C], [x, [[1, 2], [3, 4]]], [v, [1, 10]]]);
  it("sums over the axes that are named", () => {
    expect([of(T.tensordot(cube, x)), of(T.tensordot(cube, x, 1)), of(T.tensordot(v, v, 0))]).toEqual([[30, 70], [[[7, 10], [15, 22]], [[23, 34], [31, 46]]], [[1, 10], [10, 100]]]);
    expect([of(T.tensordot(cube, x, [[0, 2], [1, 0]])), of(T.tensordot(cube, v, [1, 0]))]).toEqual([[0, 1].map((b) => [0, 1].reduce((t, a) => t + [0, 1].reduce((u, k) => u + (C[a]![b]![k] as number) * ([[1, 2], [3, 4]][k]![a] as number), 0), 0)), [[31, 42], [75, 86]]]);
    expect(of(T.batchedTensordot(cube, x, 1))).toEqual([[5, 11], [39, 53]]);
    expect(of(T.batchedTensordot(cube, cube, [2, 1]))).toEqual([[[7, 10], [15, 22]], [[67, 78], [91, 106]]]);
    expect(T.tensordot(T.row(), T.matrix(), [1, 1]).broadcastable).toEqual([true, false]);
    verifyGrad((a, b) => T.tensordot(a, b, [[0, 1], [1, 0]]), [[[[0.5, 1], [1.5, 2]]], [[2.5], [0.25]]]);
  });

  it("refuses others", () => {
    for (const axes of [4, -1, [[0], [0, 1]], [[0, 0], [0, 1]], [3, 0], [[0]]]) expect(() => T.tensordot(cube, x, axes as never), String(axes)).toThrow(code("tensordot-axes"));
    expect(() => T.batchedTensordot(cube, x, [0, 0])).toThrow(code("tensordot-axes"));
    expect(() => T.batchedTensordot(cube, x, 2)).toThrow(code("tensordot-axes"));
  });
});

describe("grids and stacks", () => {
  it("mgrid and ogrid", () => {
    expect(T.mgrid.get(slice(0, 2), slice(1, 6, 2)).map((g) => on(g))).toEqual([[[0, 0, 0], [1, 1, 1]], [[1, 3, 5], [1, 3, 5]]]);
    expect(T.ogrid.get(slice(2), slice(n, 3)).map((g) => on(g, 1))).toEqual([[[0], [1]], [[1, 2]]]);
    expect(() => T.mgrid.get(slice(1, null))).toThrow(code("grid-stop"));
  });

  it("stacklists, horizontalStack, verticalStack", () => {
    expect(on(T.stacklists([[n, 2], [3, n]]), 7)).toEqual([[7, 2], [3, 7]]);
    expect(T.stacklists([[x, x], [x, x]]).ndim).toBe(4);
    expect([on(T.horizontalStack(x, x)), on(T.verticalStack(x, x))]).toEqual([X.map((r) => [...r, ...r]), [...X, ...X]]);
  });
});

describe("norms and extremes", () => {
  it("norm, ptp, smallest, largest", () => {
    expect([on(v.norm(2, 0)), on(T.norm(x, 1, { axis: 1 })), on(x.norm(1, { axis: 1, keepdims: true }))]).toEqual([Math.sqrt(13.25), [6, 10], [[6], [10]]]);
    expect([on(T.ptp(x)), on(x.ptp(0))]).toEqual([4, [2, 4, 2]]);
    expect([on(T.smallest(v, 1)), on(T.largest(v, 1)), on(T.smallest(v, v.mul(2), v.sub(1))), on(T.largest(v, v.mul(2), v.sub(1)))]).toEqual([[1, 0.5, 1], [2, 1, 3], [1, -0.5, 2], [4, 1, 6]]);
    for (const L of [0, Number.POSITIVE_INFINITY]) expect(() => v.norm(L)).toThrow(code("norm-order"));
    verifyGrad((a) => T.norm(a, 3), [[0.5, -1.5]]);
  });

  it("x log y at 0", () => {
    expect(numbersOf(T.xlogx.xlogy0(v, [0, 0, 2]), [[v, [0, 1, 3]]])).toEqual([0, Number.NEGATIVE_INFINITY, 3 * Math.log(2)]);
    expect(numbersOf(T.xlogx.xlogx(v), [[v, [0, 1, 2]]])).toEqual([0, 0, 2 * Math.log(2)]);
  });
});
