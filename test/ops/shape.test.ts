/** Shapes as values, reshaping, filling, joining and products: types, values from NumPy, and every message. */
import { describe, expect, it } from "vitest";
import { lowered, numbersOf } from "./evaluate.js";
import { type Apply, Constant, type Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import type { ArrayLike } from "../../src/numpy/ndarray.js";
import { alloc, arange, eye, ones, onesLike, zeros, zerosLike } from "../../src/ops/alloc.js";
import { dimshuffle } from "../../src/ops/dimshuffle.js";
import { batchedDot, dot, outer } from "../../src/ops/dot.js";
import { inputMakers as T } from "../../src/ops/inputs.js";
import { asTensorVariable, join, stack } from "../../src/ops/join.js";
import { addbroadcast, patternBroadcast, unbroadcast } from "../../src/ops/rebroadcast.js";
import { flatten, ravel, reshape, shapePadaxis, shapePadleft, shapePadright, squeeze, swapaxes } from "../../src/ops/reshape.js";
import { shape, shapeAt } from "../../src/ops/shape.js";
import { repeat, tile } from "../../src/ops/tile.js";

const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dmatrix("x");
const n = T.iscalar("n");
const X = [[1, 2, 3], [4, 5, 6]];
const on = (v: Variable, count = 2): unknown => numbersOf(v, [[x, X], [n, count]]);
/** The lowering of the node that made v, where its shape function may fail. */
const lower = (v: Variable, ...values: readonly ArrayLike[]): unknown => {
  const { op, params, inputs } = v.owner as Apply;
  return lowered(op, params, values.map((value, i) => asarray(value, { dtype: inputs[i]?.dtype })), inputs.map((t) => t.type))[0]?.toArray();
};

describe("x.shape", () => {
  it("is an int32 vector that also indexes, spreads and iterates like a list", () => {
    expect(String(x.shape.type)).toBe("int32[?]");
    expect(on(x.shape)).toEqual([2, 3]);
    expect([on(x.shape[0]), on(x.shape.get(-1)), x.shape.length]).toEqual([2, 3, 2]);
    expect([...x.shape].map((d) => on(d))).toEqual([2, 3]);
    const [rows, columns] = x.shape;
    expect([on(rows as Variable), on(columns as Variable)]).toEqual([2, 3]);
  });

  it("is constant where it is known", () => {
    expect(T.row().shape[0]).toBeInstanceOf(Constant);
    expect(on(shape(new Constant(asarray([1, 2, 3])))[0])).toBe(3);
    expect(() => shapeAt(T.vector("v"), 5)).toThrow(/Axis 5 does not exist in v: float32\[\?\]/);
  });
});

describe("reshape", () => {
  it("takes numbers, variables, -1, and vectors", () => {
    expect(on(reshape(x, [3, 2]))).toEqual([[1, 2], [3, 4], [5, 6]]);
    expect(on(x.reshape([n, -1]), 3)).toEqual([[1, 2], [3, 4], [5, 6]]);
    expect(on(x.reshape(-1))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(on(x.reshape(x.T.shape))).toEqual([[1, 2], [3, 4], [5, 6]]);
    expect(on(x.reshape(asTensorVariable([n, 2]), { ndim: 2 }), 3)).toEqual([[1, 2], [3, 4], [5, 6]]);
    expect(on(x.reshape(asTensorVariable([n, 2])), 3)).toEqual([[1, 2], [3, 4], [5, 6]]);
    expect(String(x.reshape([1, 6, n]).type)).toBe("float64[1,?,?]");
  });

  it("refuses what does not fit", () => {
    expect(() => on(x.reshape([4]))).toThrow(/cannot reshape array of size 6 into shape \(4\)/);
    expect(() => lower(x.reshape([4, -1]), X)).toThrow(code("reshape-size"));
    expect(() => x.reshape([-2])).toThrow(code("length-literal"));
    expect(() => x.reshape([0.5])).toThrow(/0.5 is no length/);
    expect(() => x.reshape([T.dscalar("d")])).toThrow(code("length-dtype"));
    expect(() => x.reshape(T.ivector("s"))).toThrow(code("shape-ndim"));
    expect(() => lower(x.reshape([n]), X, -5)).toThrow(code("length-value"));
  });

  it("flatten ravel", () => {
    const cube = T.dtensor3("c");
    const C = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
    expect(numbersOf(cube.flatten(2), [[cube, C]])).toEqual([[1, 2, 3, 4], [5, 6, 7, 8]]);
    expect(numbersOf(ravel(cube), [[cube, C]])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(flatten(T.scalar()).broadcastable).toEqual([true]);
    expect(flatten(T.row(), 1).broadcastable).toEqual([false]);
    expect(() => x.flatten(3)).toThrow(code("flatten-ndim"));
    expect(numbersOf(cube.flatten(2).shape, [[cube, [[[], []]]]])).toEqual([1, 0]);
  });

  it("pads, squeezes and swaps", () => {
    expect(String(shapePadleft(x, 2).type)).toBe("float64[1,1,?,?]");
    expect(String(shapePadright(x).type)).toBe("float64[?,?,1]");
    expect(String(shapePadaxis(x, -2).type)).toBe("float64[?,1,?]");
    expect(squeeze(dimshuffle(x, "x", 0, "x", 1)).ndim).toBe(2);
    expect(squeeze(dimshuffle(x, "x", 0, "x", 1), { axis: 0 }).ndim).toBe(3);
    expect(on(swapaxes(x, 0, -1))).toEqual([[1, 4], [2, 5], [3, 6]]);
  });
});

describe("rebroadcast", () => {
  it("changes flags, checked when run", () => {
    const c = addbroadcast(x, 1);
    expect(c.broadcastable).toEqual([false, true]);
    expect(unbroadcast(T.row(), 0).broadcastable).toEqual([false, false]);
    expect(patternBroadcast(x, [false, false])).toBe(x);
    expect(() => lower(c, X)).toThrow(/Dimension 1 in Rebroadcast's input was supposed to be 1 \(got 3 instead\)/);
    expect(() => lower(c, X)).toThrow(code("rebroadcast-length"));
    expect(lower(c, [[1], [2]])).toEqual([[1], [2]]);
    expect(() => patternBroadcast(x, [true])).toThrow(code("rebroadcast-rank"));
  });
});

describe("filling", () => {
  it("alloc repeats over leading axes", () => {
    expect(on(alloc([1, 2, 3], n, 3))).toEqual([[1, 2, 3], [1, 2, 3]]);
    expect(String(alloc(0.5, 1, n).type)).toBe("float32[1,?]");
    expect(on(alloc(7, x.shape))).toEqual([[7, 7, 7], [7, 7, 7]]);
    expect(() => alloc(x, n)).toThrow(code("alloc-rank"));
    expect(() => lower(alloc(T.dvector("v"), 2, 4), [1, 2])).toThrow(/A value of shape \(2\) cannot fill the shape \(2, 4\)/);
    expect(() => lower(alloc(T.dvector("v"), 2, 4), [1])).toThrow(code("alloc-shape"));
  });

  it("zeros ones and their likes", () => {
    expect([zeros([2]).dtype, ones(3, { dtype: "int64" }).dtype, zerosLike(n).dtype, onesLike(x, { dtype: "int32" }).dtype]).toEqual(["float32", "int32", "int32", "int32"]);
    expect(on(zeros([n, 2]))).toEqual([[0, 0], [0, 0]]);
    expect(on(x.onesLike().add(x.zerosLike()))).toEqual([[1, 1, 1], [1, 1, 1]]);
  });

  it("tile and repeat", () => {
    expect(on(tile(x, [n, 1]))).toEqual([[1, 2, 3], [4, 5, 6], [1, 2, 3], [4, 5, 6]]);
    expect(on(tile([1, 2], 2))).toEqual([1, 2, 1, 2]);
    expect(on(tile(x, 2))).toEqual([[1, 2, 3, 1, 2, 3], [4, 5, 6, 4, 5, 6]]);
    expect(on(x.repeat(n, { axis: 0 }))).toEqual([[1, 2, 3], [1, 2, 3], [4, 5, 6], [4, 5, 6]]);
    expect(on(repeat([3, 4], 2))).toEqual([3, 3, 4, 4]);
  });

  it("eye", () => {
    expect(on(eye(2, 3))).toEqual([[1, 0, 0], [0, 1, 0]]);
    expect(on(eye(n, 3, -1))).toEqual([[0, 0, 0], [1, 0, 0]]);
    expect(on(eye(3, { k: 1, dtype: "int32" }))).toEqual([[0, 1, 0], [0, 0, 1], [0, 0, 0]]);
    expect(() => eye(2, 2, 0.5)).toThrow(code("eye-diagonal"));
  });

  it("size", () => {
    expect(on(x.size)).toBe(6);
    expect(on(x.get(0).size)).toBe(3);
    expect(on(x.sum().size)).toBe(1);
    expect(x.size.dtype).toBe("int32");
  });

  it("arange", () => {
    expect(on(arange(4))).toEqual([0, 1, 2, 3]);
    expect(on(arange(n, 7, n))).toEqual([2, 4, 6]);
    expect(on(arange(5, 0, -2, { dtype: "float64" }))).toEqual([5, 3, 1]);
    expect([arange(3).dtype, arange(0, 1, 0.25).dtype]).toEqual(["int32", "float32"]);
    expect(on(arange(0, 1, 0.25))).toEqual([0, 0.25, 0.5, 0.75]);
    const d = (x: number) => asTensorVariable(x).astype("float64").add(0);
    expect(on(arange(d(2.5)))).toEqual([0, 1, 2]);
    expect(on(arange(d(1.5), 4, { dtype: "float32" }))).toEqual([1.5, 2.5, 3.5]);
    expect(on(arange(1, d(-0.5), -0.75))).toEqual([1, 0.25]);
    expect(on(arange(d(-1)))).toEqual([]);
    expect(arange(d(1)).dtype).toBe("float64");
    expect(() => arange(T.dvector("v"))).toThrow(code("arange-rank"));
    expect(() => lower(arange(0, 3, n), 0, 3, 0)).toThrow(code("arange-step"));
  });
});

describe("joining", () => {
  it("has flags and dtypes of all", () => {
    expect(String(join(0, T.row(), T.dmatrix()).type)).toBe("float64[?,?]");
    expect(String(join(1, T.row(), T.matrix()).type)).toBe("float32[1,?]");
    expect(String(stack([T.scalar(), 1, 2]).type)).toBe("float32[?]");
    expect(on(asTensorVariable([n, 5, x.shape[1]]))).toEqual([2, 5, 3]);
  });

  it("refuses what cannot be joined", () => {
    expect(() => join(0)).toThrow(code("join-none"));
    expect(() => join(0, x, T.vector("v"))).toThrow(code("join-rank"));
    expect(() => join(0, T.scalar(), T.scalar())).toThrow(/Join\(\) can only join tensors with the same number of dimensions/);
    expect(() => lower(join(0, x, x), [[1]], [[1, 2]])).toThrow(/input 0 has shape \(1, 1\), input 1 has \(1, 2\), axis 0/);
    expect(() => lower(join(0, x, x), [[1]], [[1, 2]])).toThrow(code("join-shape"));
  });
});

describe("products", () => {
  const v = T.dvector("v");
  it("of every mix of ranks", () => {
    const give = (p: Variable): unknown => numbersOf(p, [[x, X], [v, [1, 0, 2]]]);
    expect(give(dot(x, v))).toEqual([7, 16]);
    expect(give(v.dot(x.T))).toEqual([7, 16]);
    expect(give(dot(v, v))).toBe(5);
    expect(give(dot(x, x.T))).toEqual([[14, 32], [32, 77]]);
    expect(give(dot(2, v))).toEqual([2, 0, 4]);
    expect(give(outer(v, [1, 2]))).toEqual([[1, 2], [0, 0], [2, 4]]);
    expect([dot(T.imatrix(), T.imatrix()).dtype, dot(T.imatrix(), T.fmatrix()).dtype]).toEqual(["int32", "float32"]);
    expect(String(dot(T.row(), T.col()).type)).toBe("float32[1,1]");
    const t = T.dtensor3("t");
    expect(String(dot(v, t).type)).toBe("float64[?,?]");
    expect(numbersOf(dot(v, t), [[v, [1, 2]], [t, [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]]])).toEqual([[7, 10], [19, 22]]);
  });

  it("say which lengths differ", () => {
    expect(() => lower(dot(x, x), X, X)).toThrow(/Shape mismatch: x has 3 cols \(and 2 rows\) but y has 2 rows \(and 3 cols\)/);
    expect(() => lower(dot(x, v), X, [1])).toThrow(/shapes \(2,3\) and \(1\) not aligned: 3 \(dim 1\) != 1 \(dim 0\)/);
    expect(() => lower(dot(x, v), X, [1])).toThrow(code("dot-shape"));
    expect(() => batchedDot(v, v)).toThrow(code("batched-dot-rank"));
  });

  it("in batches", () => {
    const [a, b] = T.dtensor3s("a b");
    expect(String(batchedDot(x, x).type)).toBe("float64[?]");
    expect(on(batchedDot(x, x))).toEqual([14, 77]);
    expect(() => lower(batchedDot(a, b), [[[1]]], [[[1]], [[2]]])).toThrow(code("batched-dot-shape"));
  });
});
