/** `x.size` beside lengths: a shape made of it is known on the host, so that nothing is computed to find it. */
import { afterAll, expect, test } from "vitest";
import { closeDevices, compile, grad, type NdArray, T } from "../../src/index.js";

afterAll(closeDevices);

test.each(["reference", "wasm"])("on %s", async (device) => {
  const x = T.dmatrix("x");
  const f = compile<[NdArray, number, NdArray]>([x], [x.reshape([x.size]).mul(T.zeros([x.size], "float64").add(2)), x.sum().div(x.size), grad(x.sum().div(x.size), x)], { device });
  const [flat, mean, slope] = await f([[1, 2, 3], [4, 5, 9]]);
  expect(flat.toArray()).toEqual([2, 4, 6, 8, 10, 18]);
  expect(mean).toBe(4);
  expect(slope.toArray()).toEqual([[1 / 6, 1 / 6, 1 / 6], [1 / 6, 1 / 6, 1 / 6]]);
  expect(f.explain().toString()).not.toMatch(/host/);
});
