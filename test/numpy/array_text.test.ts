/** Arrays print as NumPy prints them: str() of NumPy 1.24.2, float32 and float64, NaN and infinities, long and empty axes. */
import { readFileSync } from "node:fs";
import { format } from "node:util";
import { expect, test } from "vitest";
import { asarray, NdArray } from "../../src/numpy/index.js";

interface Case { readonly dtype: string; readonly shape: number[]; readonly data: (number | boolean | string)[]; readonly text: string }
const CASES = JSON.parse(readFileSync(new URL("fixtures/numpy_print.json", import.meta.url), "utf8")) as readonly Case[];

/** JSON has no word for what is not finite, nor for -0. */
const element = (x: number | boolean | string): number | boolean => (typeof x === "string" ? Number(x.replace("inf", "Infinity")) : x);

test.each(CASES.map((c, i) => [i, `${c.dtype}(${c.shape.join(", ")})`, c] as const))("%d: %s", (_i, _type, { dtype, shape, data, text }) => {
  expect(format(asarray(data.map(element), { dtype }).reshape(shape))).toBe(text);
});

test("console.log of other things with an array", () => {
  expect(format("W =", asarray([1.5, 2]))).toBe("W = [1.5 2. ]");
  expect(String(NdArray.zeros([2], "float32"))).toBe("float32[2]");
});
