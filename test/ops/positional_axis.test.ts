/** An axis may come by position, as in Python: T.sum(x, 1) means T.sum(x, { axis: 1 }). */
import { expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { T, type Variable } from "../../src/index.js";

const x = T.constant([[[1, 5], [2, 0]], [[4, 3], [9, 7]]], { dtype: "float64" });
const value = (v: Variable): unknown => interpret([v])[0]?.toArray();

const reductions = ["sum", "prod", "max", "min", "any", "all", "mean", "var", "std", "argmax", "argmin"] as const;

test.each(reductions)("%s", (name) => {
  for (const axis of [0, -1, [0, 2]] as const) {
    const named = value(T[name](x, { axis }));
    expect(value(T[name](x, axis))).toEqual(named);
    expect(value(x[name](axis))).toEqual(named);
    expect(named).not.toEqual(value(T[name](x)));
  }
});

test("maxAndArgmax, concatenate, stack", () => {
  expect(T.maxAndArgmax(x, 1).map(value)).toEqual([[[2, 5], [9, 7]], [[1, 0], [1, 1]]]);
  const m = T.constant([[1, 2]]);
  expect(value(T.concatenate([m, m], 1))).toEqual([[1, 2, 1, 2]]);
  expect(value(T.stack([m, m], -1))).toEqual([[[1, 1], [2, 2]]]);
});
