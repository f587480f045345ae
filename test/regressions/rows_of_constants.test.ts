/** softmax(x)[[0], y]: a constant that counts rows picks one of each row only where the matrix is known to have as many. */
import { afterAll, expect, test } from "vitest";
import { closeDevices, compile, NdArray, T, type Variable } from "damo";

afterAll(closeDevices);

const picked = async (x: Variable, rows: readonly number[], labels: readonly number[], value: readonly (readonly number[])[]): Promise<unknown> => {
  const f = compile([x], T.nnet.softmax(x).get(T.constant(rows, { dtype: "int32" }), T.constant(labels, { dtype: "int32" })), { device: "reference" });
  return ((await f(value)) as NdArray).toArray();
};

test("the first of two rows, and the one row there is", async () => {
  expect(await picked(T.matrix("x", { dtype: "float32" }), [0], [1], [[0, 0], [5, 0]])).toEqual([0.5]);
  expect(await picked(T.row("x", { dtype: "float32" }), [0], [1], [[0, 0]])).toEqual([0.5]);
  expect(await picked(T.col("x", { dtype: "float32" }), [0], [0], [[-1], [2]])).toEqual([1]);
});
