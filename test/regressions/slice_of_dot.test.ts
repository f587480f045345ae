/** Reading part of a tensor3's product with a matrix read all of it once rewritten. Found by gradients of generated graphs, seed 303. */
import { expect, test } from "vitest";
import { all, compile, type NdArray, slice, T } from "damo";

test("parts of a tensor3 times a matrix", async () => {
  const [x, y] = [T.ftensor3("x"), T.fmatrix("y")];
  const z = T.dot(x, y);
  const f = compile([x, y], [z.get(1), z.get(all, slice(0, -1), 0), z.get(0, 1, 1)], { device: "reference" });
  const values = (await f([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [[1, 0], [0, 2]])) as unknown as NdArray[];
  expect(values.slice(0, 2).map((v) => v.toArray())).toEqual([[[5, 12], [7, 16]], [[1], [5]]]);
  expect(values[2]).toBe(8);
});
