/** Diagonals and triangles: values from NumPy, types from Theano, and every message. */
import { describe, expect, it } from "vitest";
import { verifyGrad } from "../../src/autodiff/verify.js";
import { allocDiag, diag, diagonal, fillDiagonal, fillDiagonalOffset, trace, tri, tril, triu } from "../../src/ops/diagonal.js";
import { T } from "../../src/index.js";
import type { Variable } from "../../src/graph/variable.js";
import { numbersOf } from "./evaluate.js";

const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dmatrix("x");
const cube = T.dtensor3("c");
const v = T.dvector("v");
const n = T.iscalar("n");
const X = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]];
/** numpy.arange(12).reshape(2, 2, 3) */
const C = [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]];
const on = (y: Variable, k = 1): unknown => numbersOf(y, [[x, X], [cube, C], [v, [1, 2]], [n, k]]);

describe("diagonal", () => {
  it("is NumPy's, for every offset and pair of axes", () => {
    expect([on(diagonal(x)), on(x.diagonal(1)), on(x.diagonal(-2)), on(x.diagonal({ offset: 4 }))]).toEqual([[0, 5, 10], [1, 6, 11], [8], []]);
    expect(on(diagonal(cube))).toEqual([[0, 9], [1, 10], [2, 11]]);
    expect(on(diagonal(cube, { offset: 1, axis1: 1, axis2: 2 }))).toEqual([[1, 5], [7, 11]]);
    expect(on(diagonal(cube, { axis1: 2, axis2: 0 }))).toEqual([[0, 7], [3, 10]]);
    expect(String(T.row().diagonal().type)).toBe("float32[?]");
    expect(on(trace(x))).toBe(15);
    expect(on(x.trace())).toBe(15);
  });

  it("has a gradient, also of tensors", () => {
    verifyGrad((a) => diagonal(a, -1), [[[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]]);
    verifyGrad((a) => diagonal(a, { axis1: 2, axis2: 0 }), [[[[0.5, 1.5]], [[2.5, 3.5]]]]);
  });

  it("refuses what has none", () => {
    expect(() => diagonal(v)).toThrow(code("diagonal-rank"));
    expect(() => diagonal(cube, { axis1: 1, axis2: -2 })).toThrow(code("diagonal-axes"));
    expect(() => diagonal(x, 0.5)).toThrow(code("diagonal-offset"));
    expect(() => diagonal(x, { axis1: 2 })).toThrow(code("axis-range"));
  });
});

describe("diag and allocDiag", () => {
  it("make matrices of vectors and vectors of matrices", () => {
    expect(on(diag(v))).toEqual([[1, 0], [0, 2]]);
    expect(on(diag(v, 1))).toEqual([[0, 1, 0], [0, 0, 2], [0, 0, 0]]);
    expect(on(diag(v, -1))).toEqual([[0, 0, 0], [1, 0, 0], [0, 2, 0]]);
    expect(on(diag(x, 1))).toEqual([1, 6, 11]);
    expect(on(allocDiag(x.get(0).reshape([2, 2])))).toEqual([[[0, 2], [0, 0]], [[0, 0], [1, 3]]]);
    expect(on(allocDiag(x.get(0).reshape([2, 2]), { axis1: 0, axis2: 2 }))).toEqual([[[0, 0], [2, 0]], [[0, 1], [0, 3]]]);
    expect(() => diag(T.scalar())).toThrow(code("diagonal-rank"));
    expect(() => allocDiag(v, 1.5)).toThrow(code("diagonal-offset"));
  });

  it("have a gradient", () => {
    verifyGrad((a) => diag(a, -1), [[0.5, 1.5]]);
    verifyGrad((a) => allocDiag(a, { axis1: 0, axis2: 2 }), [[[0.5, 1.5], [2.5, 3.5]]]);
  });
});

describe("triangles", () => {
  it("tri with numbers and variables", () => {
    expect(on(tri(3, 2))).toEqual([[1, 0], [1, 1], [1, 1]]);
    expect(on(tri(2, { k: 1, dtype: "int32" }))).toEqual([[1, 1], [1, 1]]);
    expect(on(tri(n, 3, -1), 3)).toEqual([[0, 0, 0], [1, 0, 0], [1, 1, 0]]);
    expect(on(tri(2, 3, n), 1)).toEqual([[1, 1, 0], [1, 1, 1]]);
    expect([tri(2).dtype, tri(2, null, 0, { dtype: "float64" }).dtype]).toEqual(["float32", "float64"]);
  });

  it("tril and triu keep x's dtype, and are products as in Theano: NaN stays", () => {
    expect(on(tril(x))).toEqual([[0, 0, 0, 0], [4, 5, 0, 0], [8, 9, 10, 0]]);
    expect(on(triu(x, 1))).toEqual([[0, 1, 2, 3], [0, 0, 6, 7], [0, 0, 0, 11]]);
    expect(on(triu(x, n), -1)).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [0, 9, 10, 11]]);
    expect([tril(x).dtype, triu(T.imatrix()).dtype]).toEqual(["float64", "int32"]);
    expect(numbersOf(triu(x), [[x, [[1, 2], [Number.NaN, 3]]]])).toEqual([[1, 2], [Number.NaN, 3]]);
    verifyGrad((a) => triu(a), [[[0.5, 1.5], [2.5, 3.5]]]);
  });
});

describe("filled diagonals", () => {
  it("set a diagonal, whose value gets the gradient", () => {
    expect(on(fillDiagonal(x, -1))).toEqual([[-1, 1, 2, 3], [4, -1, 6, 7], [8, 9, -1, 11]]);
    expect(numbersOf(fillDiagonal(cube, 9), [[cube, [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]]])).toEqual([[[9, 2], [3, 4]], [[5, 6], [7, 9]]]);
    expect(on(fillDiagonalOffset(x, -1, -1))).toEqual([[0, 1, 2, 3], [-1, 5, 6, 7], [8, -1, 10, 11]]);
    expect(on(fillDiagonalOffset(x, -1, n), 2)).toEqual([[0, 1, -1, 3], [4, 5, 6, -1], [8, 9, 10, 11]]);
    expect(fillDiagonal(T.dcol(), 1).broadcastable).toEqual([false, true]);
    verifyGrad((a, s) => fillDiagonal(a, s), [[[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]], 2.5]);
    verifyGrad((a, s) => fillDiagonalOffset(a, s, 1), [[[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]], 2.5]);
  });

  it("refuse other ranks and values of another kind", () => {
    expect(() => fillDiagonal(v, 1)).toThrow(code("fill-diagonal-rank"));
    expect(() => fillDiagonalOffset(cube, 1, 0)).toThrow(code("fill-diagonal-rank"));
    expect(() => fillDiagonal(x, v)).toThrow(code("fill-diagonal-value"));
    expect(() => fillDiagonal(T.imatrix(), T.dscalar())).toThrow(code("fill-diagonal-value"));
  });
});
