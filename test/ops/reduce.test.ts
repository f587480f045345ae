/** Reductions: axes, keepdims, dtypes, empties, NaN, ties and gradients' building blocks, against NumPy's values. */
import { describe, expect, it } from "vitest";
import type { Variable } from "../../src/graph/variable.js";
import { inputMakers as T } from "../../src/ops/inputs.js";
import { argmax, argmin, maxAndArgmax } from "../../src/ops/argmax.js";
import { all, any, max, min, prod, sum } from "../../src/ops/reduce.js";
import { mean, std, variance } from "../../src/ops/statistics.js";
import { bothWays, numbersOf } from "./evaluate.js";

const X = [[1, 5, 3], [4, 2, 6]];
const x = T.dmatrix("x");
const i = T.imatrix("i");
const b = T.matrix("b", { dtype: "bool" });
const on = (v: Variable): unknown => numbersOf(v, [[x, X], [i, X], [b, [[true, false], [true, true]]]]);

describe("axes", () => {
  it("are all without an option, one, several, negative", () => {
    expect(on(sum(x))).toBe(21);
    expect(on(sum(x, { axis: 0 }))).toEqual([5, 7, 9]);
    expect(on(sum(x, { axis: -1 }))).toEqual([9, 12]);
    expect(on(sum(x, { axis: [1, 0] }))).toBe(21);
    expect(on(sum(x, { axis: null }))).toBe(21);
    expect(on(x.sum({ axis: [] }))).toEqual(X);
  });

  it("are kept with length 1 that broadcasts", () => {
    const kept = sum(x, { axis: 1, keepdims: true });
    expect(kept.broadcastable).toEqual([false, true]);
    expect(on(kept)).toEqual([[9], [12]]);
    expect(on(sum(x, { keepdims: true }))).toEqual([[21]]);
  });

  it("must exist, once each", () => {
    expect(() => sum(x, { axis: 2 })).toThrow(expect.objectContaining({ code: "axis-range" }));
    expect(() => sum(x, { axis: 0.5 })).toThrow(/Axis 0.5 does not exist in x: float64\[\?,\?\]/);
    expect(() => sum(x, { axis: [0, -2] })).toThrow(expect.objectContaining({ code: "reduce-axis-twice" }));
  });
});

describe("dtypes", () => {
  it("of sums and products count bools as int32", () => {
    expect([sum(b).dtype, prod(b).dtype, sum(i).dtype, sum(T.fmatrix()).dtype]).toEqual(["int32", "int32", "int32", "float32"]);
    expect(on(sum(b))).toBe(3);
    expect(sum(i, { dtype: "float64" }).dtype).toBe("float64");
    expect(sum(x, { dtype: "float32" }).dtype).toBe("float32");
  });

  it("of extremes are the input's, of means floats", () => {
    expect([max(i).dtype, min(b).dtype, argmax(x).dtype, any(x).dtype]).toEqual(["int32", "bool", "int32", "bool"]);
    expect([mean(i).dtype, mean(b).dtype, mean(x).dtype, mean(i, { dtype: "float64" }).dtype]).toEqual(["float32", "float32", "float64", "float64"]);
  });

  it("int32 products wrap as C's do", () => {
    const n = T.ivector();
    expect(bothWays(prod(n), [[n, [65537, 65537]]])).toBe(131073);
  });
});

describe("values", () => {
  it("prod max min any all", () => {
    expect(on(prod(x, { axis: 0 }))).toEqual([4, 10, 18]);
    expect(on(max(x, { axis: 1 }))).toEqual([5, 6]);
    expect(on(min(x))).toBe(1);
    expect([on(any(b, { axis: 1 })), on(all(b, { axis: 1 })), on(all(b)), on(any(x.lt(0)))]).toEqual([[true, true], [false, true], false, false]);
  });

  it("mean var std as NumPy", () => {
    expect(on(mean(x, { axis: 1 }))).toEqual([3, 4]);
    expect(on(variance(x, { axis: 1 }))).toEqual([8 / 3, 8 / 3]);
    expect(on(variance(x, { axis: 0, ddof: 1 }))).toEqual([4.5, 4.5, 4.5]);
    expect(on(x.var())).toBeCloseTo(2.9166666666666665, 14);
    expect(on(std(x))).toBeCloseTo(1.707825127659933, 14);
    expect(on(x.std({ axis: 0, keepdims: true }))).toEqual([[1.5, 1.5, 1.5]]);
    expect(on(mean(b))).toBe(0.75);
  });

  it("NaN wins in extremes", () => {
    const v = T.dvector();
    for (const op of [max, min]) expect(bothWays(op(v), [[v, [1, Number.NaN, 3]]])).toBeNaN();
  });
});

describe("argmax", () => {
  it("gives the first position, along an axis or flattened", () => {
    expect(on(argmax(x, { axis: 1 }))).toEqual([1, 2]);
    expect(on(argmax(x, { axis: 0 }))).toEqual([1, 0, 1]);
    expect(on(argmax(x))).toBe(5);
    expect(on(argmin(x, { axis: 1, keepdims: true }))).toEqual([[0], [1]]);
    expect(on(i.argmin())).toBe(0);
    const [m, at] = maxAndArgmax(x, { axis: 0 });
    expect([on(m), on(at)]).toEqual([[4, 5, 6], [1, 0, 1]]);
  });

  it("takes the first of equals and the first NaN", () => {
    const v = T.dvector();
    expect(bothWays(argmax(v), [[v, [1, 7, 7, 2]]])).toBe(1);
    expect(bothWays(argmax(v), [[v, [1, Number.NaN, 9, Number.NaN]]])).toBe(1);
    expect(numbersOf(argmin(v), [[v, [3, Number.NaN, 1]]])).toBe(1);
    expect(bothWays(argmax(v), [[v, [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]]])).toBe(0);
  });

  it("of bools counts true as greater", () => {
    expect(on(argmax(b, { axis: 1 }))).toEqual([0, 0]);
    expect(on(argmin(b, { axis: 1 }))).toEqual([1, 0]);
  });
});

describe("nothing", () => {
  const empty: [Variable, number[][]][] = [[x, [[], []]]];
  it("sums to 0, multiplies to 1, is all and not any", () => {
    expect([sum, prod, all, any].map((f) => bothWays(f(x, { axis: 1 }), empty))).toEqual([[0, 0], [1, 1], [true, true], [false, false]]);
  });

  it("has no maximum", () => {
    expect(() => bothWays(max(x, { axis: 1 }), empty)).toThrow(/zero-size array to reduction operation maximum which has no identity/);
    expect(() => bothWays(min(x), empty)).toThrow(expect.objectContaining({ code: "reduce-empty" }));
    expect(bothWays(max(x, { axis: 0 }), empty)).toEqual([]);
  });
});
