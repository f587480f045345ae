/** The graph interpreter: values, dtypes rounded or kept, known inner variables, deep graphs, and its errors. */
import { expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { SharedVariable, Variable } from "../../src/graph/variable.js";
import { tensorType } from "../../src/graph/types.js";
import { asarray } from "../../src/numpy/convert.js";
import { add, mul } from "../../src/ops/elementwise.js";
import { exp } from "../../src/ops/math.js";

const x = new Variable(tensorType("float32", 1), { name: "x" });
const value = asarray([0.5, 1, 2], { dtype: "float32" });

test("values follow the graph; float32 variables are rounded to float32", () => {
  const [y] = interpret([add(exp(x), 1)], new Map([[x, value]]));
  expect([...(y?.data ?? [])]).toEqual([0.5, 1, 2].map((v) => Math.fround(Math.fround(Math.exp(v)) + 1)));
  expect(y?.dtype).toBe("float32");
});

test("with exactDTypes off nothing is rounded", () => {
  const [y] = interpret([add(exp(x), 1)], new Map([[x, value]]), { exactDTypes: false });
  expect([...(y?.data ?? [])]).toEqual([0.5, 1, 2].map((v) => Math.exp(v) + 1));
});

test("a known inner variable stops the evaluation there", () => {
  const inner = exp(x);
  const [y] = interpret([mul(inner, 2)], new Map([[inner, value]]));
  expect(y?.toArray()).toEqual([1, 2, 4]);
});

test("shared variables give their value", () => {
  const w = new SharedVariable(value, { name: "w" });
  expect(interpret([add(w, w)])[0]?.toArray()).toEqual([1, 2, 4]);
  w.cell.host = null;
  expect(() => interpret([add(w, w)])).toThrow("interpret-remote");
});

test("a chain of 5000 ops needs no deep stack", () => {
  let y: Variable = x;
  for (let i = 0; i < 5000; i++) y = add(y, 1);
  expect(interpret([y], new Map([[x, value]]))[0]?.toArray()).toEqual([5000.5, 5001, 5002]);
});

test("an input without a value, and a value of another rank, are errors", () => {
  expect(() => interpret([add(x, 1)])).toThrow("interpret-missing");
  expect(() => interpret([add(x, 1)], new Map([[x, asarray(1)]]))).toThrow("interpret-rank");
});
