/** Indexing: reading and writing by integers, slices, new axes, ellipsis and integer tensors, against NumPy's values and a plain loop. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Apply, Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import { get } from "../../src/ops/indexing.js";
import { inputMakers as T } from "../../src/ops/inputs.js";
import { arange } from "../../src/ops/alloc.js";
import { incSubtensor, setSubtensor } from "../../src/ops/set_subtensor.js";
import { all, ellipsis, newAxis, slice } from "../../src/ops/slices.js";
import { DamoTypeError, IndexError } from "../../src/util/fail.js";
import { bothWays, lowered, numbersOf } from "./evaluate.js";

const code = (c: string) => expect.objectContaining({ code: c });
const CUBE = [0, 1].map((a) => [0, 1, 2].map((b) => [0, 1, 2, 3].map((c) => 12 * a + 4 * b + c)));
const x = T.dtensor3("x");
const cube = (v: Variable, ...more: (readonly [Variable, number | number[] | number[][]])[]): unknown => numbersOf(v, [[x, CUBE], ...more]);

/** Positions that a Python slice takes from n, by its definition: step from start while before stop. */
function positions(n: number, start: number | null, stop: number | null, step: number): number[] {
  const bound = (b: number | null, missing: number): number => (b === null ? missing : Math.max(step > 0 ? 0 : -1, Math.min(step > 0 ? n : n - 1, b < 0 ? b + n : b)));
  const [from, to] = [bound(start, step > 0 ? 0 : n - 1), bound(stop, step > 0 ? n : -1)];
  const out: number[] = [];
  for (let i = from; step > 0 ? i < to : i > to; i += step) out.push(i);
  return out;
}

describe("reading", () => {
  it("integers drop axes, from either end", () => {
    expect(cube(x.get(1, 2, 3))).toBe(23);
    expect(cube(x.get(-1, 0))).toEqual([12, 13, 14, 15]);
    expect(bothWays(x.get(all, 1), [[x, CUBE]])).toEqual([[4, 5, 6, 7], [16, 17, 18, 19]]);
    expect(cube(get(CUBE, 0, 0, 1))).toBe(1);
  });

  it("ellipsis, new axes and null", () => {
    expect(cube(x.get(ellipsis, 0))).toEqual([[0, 4, 8], [12, 16, 20]]);
    const column = T.dvector("v").get(all, newAxis);
    expect(column.broadcastable).toEqual([false, true]);
    expect(String(x.get(0, newAxis, ellipsis, null).type)).toBe("float64[1,?,?,1]");
    expect(cube(x.get(0, newAxis, 1, slice(2)))).toEqual([[4, 5]]);
    expect(x.get()).toBe(x);
  });

  it("any slice takes what Python's takes", () => {
    const v = T.ivector("v");
    const bound = fc.option(fc.integer({ min: -7, max: 7 }), { nil: null });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), bound, bound, fc.integer({ min: -3, max: 3 }).filter((s) => s !== 0), (n, start, stop, step) => {
        const data = Array.from({ length: n }, (_, i) => 10 * i);
        const read = v.get(slice(start, stop, step));
        expect(bothWays(read, [[v, data]])).toEqual(positions(n, start, stop, step).map((i) => 10 * i));
        const want = data.map((d, i) => (positions(n, start, stop, step).includes(i) ? -1 : d));
        expect(bothWays(setSubtensor(read, -1), [[v, data]])).toEqual(want);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it("symbolic bounds and positions", () => {
    const [i, j] = T.lscalars("i j");
    const v = T.dvector("v");
    const at = (read: Variable, a: number, b = 0): unknown => bothWays(read, [[v, [10, 20, 30, 40, 50]], [i, a], [j, b]]);
    expect(at(v.get(i), -2)).toBe(40);
    expect(at(v.get(slice(i, j)), 1, 4)).toEqual([20, 30, 40]);
    expect(at(v.get(slice(i, i.add(2))), 3)).toEqual([40, 50]);
    expect(at(v.get(slice(i)), -1)).toEqual([10, 20, 30, 40]);
    expect(at(v.get(slice(null, null, i)), -2)).toEqual([50, 30, 10]);
  });

  it("refuses what is out of range, with Theano's family of error", () => {
    const v = T.dvector("v");
    for (const at of [3, -4]) {
      expect(() => bothWays(v.get(at), [[v, [1, 2, 3]]])).toThrow(code("index-range"));
      expect(() => bothWays(v.get(at), [[v, [1, 2, 3]]])).toThrow(IndexError);
    }
    expect(() => bothWays(v.get([0, 3]), [[v, [1, 2, 3]]])).toThrow(/index out of bounds: position 3 of axis 0, which has length 3/);
  });

  it("refuses malformed indices", () => {
    expect(() => x.get(0, 0, 0, 0)).toThrow(/too many indices for array: x: float64\[\?,\?,\?\] has 3 axes and got 4 indices/);
    expect(() => x.get(0, 0, 0, 0)).toThrow(code("index-many"));
    expect(() => x.get(ellipsis, ellipsis)).toThrow(code("index-ellipsis"));
    expect(() => x.get(0.5)).toThrow(code("index-fraction"));
    expect(() => x.get(T.dvector("f"))).toThrow(code("index-dtype"));
    expect(() => x.get(T.dscalar("d"))).toThrow(/Tensors index with integers, got d: float64/);
    expect(() => slice(0.5)).toThrow(code("slice-bound"));
    expect(() => slice(0, 1, 0)).toThrow(code("slice-step"));
    const s = T.iscalar("s");
    const v = T.dvector("v");
    expect(() => numbersOf(v.get(slice(null, null, s)), [[v, [1]], [s, 0]])).toThrow(code("slice-step-value"));
  });

  it("keeps length-1 axes broadcasting only where they certainly stay", () => {
    const r = T.row("r");
    expect(r.get(all, slice(1, 2)).broadcastable).toEqual([true, false]);
    expect(r.get(slice(0, 5)).broadcastable).toEqual([true, false]);
    expect(r.get(slice(1, 5)).broadcastable).toEqual([false, false]);
  });
});

describe("integer tensors", () => {
  const i = T.ivector("i");
  const j = T.imatrix("j");
  it("take rows, matrices of rows, and pairs", () => {
    expect(cube(x.get(i).get(all, 0, 0), [i, [1, 0, 1]])).toEqual([12, 0, 12]);
    expect(cube(x.get(j).get(all, all, 0, 0), [j, [[0, 0], [1, 1]]])).toEqual([[0, 0], [12, 12]]);
    const m = T.dmatrix("m");
    expect(bothWays(m.get(arange(3), i), [[m, [[1, 2], [3, 4], [5, 6]]], [i, [1, 0, -1]]])).toEqual([2, 3, 6]);
  });

  it("mix with slices, integers and new axes as NumPy's", () => {
    expect(cube(x.get(all, i, 0), [i, [1, 0, 1]])).toEqual([[4, 0, 4], [16, 12, 16]]);
    expect(cube(x.get(0, all, [0, 3]))).toEqual([[0, 4, 8], [3, 7, 11]]);
    expect(cube(x.get(all, [0, 2], [1, 3]))).toEqual([[1, 11], [13, 23]]);
    expect(cube(x.get([0, 1], all, [1, 3]))).toEqual([[1, 5, 9], [15, 19, 23]]);
    expect(cube(x.get(slice(1, null), [0, 2]))).toEqual([[[12, 13, 14, 15], [20, 21, 22, 23]]]);
    expect(cube(x.get([1, 0], newAxis, all, 0))).toEqual([[[12, 16, 20]], [[0, 4, 8]]]);
    expect(cube(x.get(newAxis, [1, 0], slice(1, 3), 0))).toEqual([[[16, 20]], [[4, 8]]]);
    expect(cube(x.get(ellipsis, [2, 0], slice(2)))).toEqual([[[8, 9], [0, 1]], [[20, 21], [12, 13]]]);
    expect(cube(x.get(asarray([1])).get(all, 0, 0))).toEqual([12]);
  });

  it("outside their axis are errors in the reference, and kept inside by kernels", () => {
    const v = T.dvector("v");
    const [data, at] = [asarray([1, 2, 3], { dtype: "float64" }), asarray([0, 5, -9])];
    expect(() => numbersOf(v.get(i), [[v, data], [i, at]])).toThrow(IndexError);
    const node = v.get(i).owner as Apply;
    expect(lowered(node.op, node.params, [data, at], [v.type, i.type], "device")[0]?.toArray()).toEqual([1, 3, 1]);
  });

  it("must fit each other", () => {
    const k = T.ivector("k");
    const node = x.get(i, k).owner as Apply;
    const inputs = [asarray(CUBE, { dtype: "float64" }), asarray([0, 1]), asarray([0, 1, 2])];
    expect(() => lowered(node.op, node.params, inputs, node.inputs.map((v) => v.type))).toThrow(code("index-shapes"));
    expect(() => lowered(node.op, node.params, inputs, node.inputs.map((v) => v.type))).toThrow(/shape mismatch: indexing arrays of shapes \(2\), \(3\) cannot be broadcast/);
  });
});

describe("writing", () => {
  const m = T.dmatrix("m");
  const Z = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]];
  const on = (v: Variable): unknown => numbersOf(v, [[m, Z]]);

  it("sets and adds regions, and gives the whole tensor", () => {
    expect(bothWays(setSubtensor(m.get(slice(null, null, 2), slice(null, null, -2)), [[1, 2], [3, 4]]), [[m, Z]])).toEqual([[0, 2, 0, 1], [0, 0, 0, 0], [0, 4, 0, 3]]);
    expect(on(setSubtensor(m.get(all, 1), [1, 2, 3]))).toEqual([[0, 1, 0, 0], [0, 2, 0, 0], [0, 3, 0, 0]]);
    expect(on(incSubtensor(setSubtensor(m.get(0), 1).get(0, slice(2, null)), 5))).toEqual([[1, 1, 6, 6], [0, 0, 0, 0], [0, 0, 0, 0]]);
    expect(on(setSubtensor(m.get(all), 7))).toEqual(Z.map((r) => r.map(() => 7)));
    expect(on(setSubtensor(m.T.get(3), [1, 2, 3]))).toEqual([[0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 2, 3]]);
  });

  it("duplicates: the last set stays, increments accumulate", () => {
    const v = T.dvector("v");
    const at = v.get([1, 0, 1, -2]);
    expect(numbersOf(setSubtensor(at, [1, 2, 3, 4]), [[v, [9, 9, 9]]])).toEqual([2, 4, 9]);
    expect(numbersOf(incSubtensor(at, [1, 2, 3, 4]), [[v, [9, 9, 9]]])).toEqual([11, 17, 9]);
    expect(on(incSubtensor(m.get([0, 0, 2], [1, 1, 3]), [1, 2, 3]))).toEqual([[0, 3, 0, 0], [0, 0, 0, 0], [0, 0, 0, 3]]);
  });

  it("goes through slices beside integer tensors to the whole", () => {
    expect(on(setSubtensor(m.get(slice(1, null), [0, 2]), [[1, 2], [3, 4]]))).toEqual([[0, 0, 0, 0], [1, 0, 2, 0], [3, 0, 4, 0]]);
  });

  it("needs the result of indexing first", () => {
    for (const f of [setSubtensor, incSubtensor]) {
      expect(() => f(m, 1)).toThrow(code("subtensor-first"));
      expect(() => f(m, 1)).toThrow(DamoTypeError);
      expect(() => f(m.add(1), 1)).toThrow(/must be the result of indexing/);
    }
  });

  it("checks the value's dtype, rank and shape", () => {
    expect(() => setSubtensor(T.ivector("i").get(0), 0.5)).toThrow(code("subtensor-dtype"));
    expect(() => setSubtensor(T.fvector("f").get(0), T.dscalar("d"))).toThrow(/cannot take a value of dtype float64/);
    expect(() => setSubtensor(m.get(0), T.dmatrix("y"))).toThrow(code("subtensor-rank"));
    const y = T.dvector("y");
    expect(() => bothWays(setSubtensor(m.get(0), y), [[m, Z], [y, [1, 2]]])).toThrow(code("subtensor-value"));
    expect(() => bothWays(setSubtensor(m.get(0), y), [[m, Z], [y, [1]]])).toThrow(/A value of shape \(1\) does not fit the region of shape \(4\)/);
  });
});
