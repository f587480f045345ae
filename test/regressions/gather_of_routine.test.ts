/** A sum that picks its terms by positions which a routine or a reduction makes: its form was asked for before they were stored. */
import { expect, test } from "vitest";
import { compile, grad, type NdArray, T } from "../../src/index.js";

test("gradients of elements at positions that are sorted or found", async () => {
  const x = T.dmatrix("x");
  const byRow = compile([x], [grad(T.sqr(x.get(x.argsort(0).get(0))).sum(), x), grad(x.get(x.argmax(0)).sum(), x)], { device: "reference" });
  const results = await byRow([[1, 2], [3, 0]]);
  expect(results.map((r) => (r as NdArray).toArray())).toEqual([[[2, 4], [6, 0]], [[1, 1], [1, 1]]]);
});
