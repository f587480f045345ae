/** NdArray: what it refuses, and how elements come out. */
import { expect, test } from "vitest";
import { NdArray } from "../../src/numpy/ndarray.js";

test("array-size: as many elements as the shape says", () => {
  expect(() => new NdArray(Float64Array.of(1, 2, 3), [2, 2], "float64")).toThrow(expect.objectContaining({ code: "array-size" }));
  expect(() => new NdArray(Float64Array.of(1, 2, 3), [3], "float64").reshape([2])).toThrow(/\(2\) needs 2 elements, got 3/);
  expect(new NdArray(new Float64Array(0), [0, 3], "float64").toArray()).toEqual([]);
});

test("item-size: item() is for one element of any rank", () => {
  expect(() => new NdArray(Float64Array.of(1, 2), [2], "float64").item()).toThrow(expect.objectContaining({ code: "item-size" }));
  expect(new NdArray(Float64Array.of(7), [1, 1], "float64").item()).toBe(7);
  expect(new NdArray(Uint8Array.of(1), [], "bool").item()).toBe(true);
});
