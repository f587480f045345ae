/** isclose and allclose as NumPy has them, divmod as Python, and names that Theano has twice. */
import { expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { T, type Variable } from "../../src/index.js";

const value = (v: Variable): unknown => interpret([v])[0]?.toArray();
const inf = Number.POSITIVE_INFINITY;

test("isclose and allclose", () => {
  const a = T.constant([1, 1, 1e-9, inf, inf, inf, Number.NaN, 1e10], { dtype: "float64" });
  const b = T.constant([1 + 1e-6, 1.001, 0, inf, -inf, 1, Number.NaN, inf], { dtype: "float64" });
  expect(value(T.isclose(a, b))).toEqual([true, false, true, true, false, false, false, false]);
  expect(value(T.isclose(a, b, { rtol: 1e-2, equalNan: true }))).toEqual([true, true, true, true, false, false, true, false]);
  expect(value(T.isclose(a, b, { rtol: 0, atol: 0 }))).toEqual([false, false, false, true, false, false, false, false]);
  expect(value(T.allclose(a, b))).toBe(false);
  expect(value(T.allclose([1, 2], [1, 2.00001]))).toBe(true);
});

test("divmod and second names", () => {
  expect(T.divmod(T.constant([7, -7]), 3).map(value)).toEqual([[2, -3], [1, 2]]);
  expect(value(T.power(T.constant([2, 3]), 2))).toEqual([4, 9]);
  const [yes, no] = [T.eq(1, 1), T.eq(1, 2)];
  expect([T.bitwiseAnd(yes, no), T.bitwiseOr(yes, no), T.bitwiseXor(yes, yes), T.bitwiseNot(no)].map(value)).toEqual([false, true, false, true]);
  expect(T.patternbroadcast(T.matrix(), [true, false]).broadcastable).toEqual([true, false]);
  expect(T.dtensor5("x").ndim).toBe(5);
});
