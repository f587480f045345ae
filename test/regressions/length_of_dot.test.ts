/** The rule that finds lengths without values took a tensor3's product with a matrix for a matrix product. Found by a generated graph, seed 77. */
import { expect, test } from "vitest";
import { compile, T } from "damo";

test("lengths of a tensor3 times a matrix", async () => {
  const [x, y] = [T.ftensor3("x"), T.fmatrix("y")];
  const { shape } = T.dot(x, y);
  const f = compile([x, y], [shape[0]!, shape[1]!, shape[2]!], { device: "reference" });
  expect(await f([[[1, 2], [3, 4], [5, 6]]], [[1], [2]])).toEqual([1, 3, 1]);
});
