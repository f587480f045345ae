/** An input that is the result of an op was refused, because what it is made of was still needed. Found by review. */
import { expect, test } from "vitest";
import { compile, In, NdArray, T } from "damo";

test("the graph is cut at inputs", async () => {
  const x = T.fvector("x");
  const y = x.mul(2);
  y.name = "y";
  const f = compile([In(y, { value: [7] })], [y.add(1), y], { device: "reference" });
  expect(((await f([1, 2])) as readonly NdArray[]).map((v) => v.toArray())).toEqual([[2, 3], [1, 2]]);
  expect(((await f({ y: [4] })) as readonly NdArray[]).map((v) => v.toArray())).toEqual([[5], [4]]);
  expect(((await f()) as readonly NdArray[]).map((v) => v.toArray())).toEqual([[8], [7]]);
  const [a, b] = (await compile([x, y], [x.add(1), y.add(x)], { device: "reference" })([1], [10])) as readonly NdArray[];
  expect([a?.toArray(), b?.toArray()]).toEqual([[2], [11]]);
});
