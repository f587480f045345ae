/** All steps of a loop, cut from where they end: an empty slice, whose product named a row that there is not. Found by random graphs. */
import { expect, test } from "vitest";
import { compile, type NdArray, scan, slice, T, type Variable } from "damo";

test.each(["reference", "wasm", "gpu:cpu"])("an empty slice of a loop's steps in a product on %s", async (device) => {
  const [x, h] = [T.fvector("x"), T.fmatrix("h")];
  const [states] = scan({ sequences: x, outputsInfo: h, fn: (e: Variable, s: Variable) => T.tanh(s.add(e)) });
  const none = states.get(slice(3, -1));
  const f = compile([x, h], [states.sum(), T.tensordot(none, none.dimshuffle(1, 0, 2), [[2], [2]])], { device });
  const [sum, product] = (await f([1, 2, 3], [[0, 0], [0, 0]])) as [number, NdArray];
  expect(sum).toBeGreaterThan(4 * (Math.tanh(1) + 2 * Math.tanh(2)));
  expect(product.shape).toEqual([0, 2, 2, 0]);
  expect(f.explain().notes).toEqual([]);
});
