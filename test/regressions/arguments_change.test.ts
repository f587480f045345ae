/** An array that its owner changed after a call, while the call waited for its turn, changed the call. Found by review. */
import { expect, test } from "vitest";
import { compile, In, type NdArray, numpy as np, T } from "damo";

test.each(["reference", "wasm", "gpu:webasm"])("a call on %s takes its arguments as they are when it is made", async (device) => {
  const [x, y] = [T.fvector("x"), T.fvector("y")];
  const kept = np.asarray([5, 6], { dtype: "float32" });
  const f = compile([x, In(y, { value: kept })], x.add(y), { device });
  const typed = Float32Array.of(1, 2);
  const array = np.asarray([3, 4], { dtype: "float32" });
  const calls = [f(typed), f(array, typed), f(typed)];
  typed.fill(100);
  array.data.fill(100);
  kept.data.fill(100);
  expect((await Promise.all(calls)).map((v) => (v as NdArray).toArray())).toEqual([[6, 8], [4, 6], [6, 8]]);
});
