/**
 * Whole numbers computed on the host: they wrap exactly, and neither long chains nor shared parts may be written out. Found by review: coefficients of sums
 * were multiplied as floats; texts of expressions doubled at every level; 10,000 operations on a number overflowed the stack.
 */
import { expect, test } from "vitest";
import { compile, NdArray, shared, scan, slice, T, type Variable } from "damo";

const options = { device: "reference", mode: "none" } as const;

test("products wrap as int32 does, on the host and in kernels", async () => {
  const [n, v] = [T.iscalar("n"), T.ivector("v")];
  const odd = (x: Variable): Variable => x.mul(1234567891).mul(1234567891).add(x.mul(x).mul(x));
  const [host, device] = await compile([n, v], [odd(n), odd(v)], options)(1234567, [1234567]);
  const expected = (Math.imul(Math.imul(1234567, 1234567891), 1234567891) + Math.imul(Math.imul(1234567, 1234567), 1234567)) | 0;
  expect([host, (device as NdArray).toArray()]).toEqual([expected, [expected]]);
});

test("forty squarings of a number, each of the one before", async () => {
  const n = T.iscalar("n");
  let [x, expected]: [Variable, number] = [n, 3];
  for (let i = 0; i < 40; i++) [x, expected] = [x.mul(x).add(x), (Math.imul(expected, expected) + expected) | 0];
  expect(await compile([n], x, options)(3)).toBe(expected);
});

test("positions read at positions, twenty deep", async () => {
  const [start, a, b] = [T.ivector("start"), T.ivector("a"), T.ivector("b")];
  let x: Variable = start;
  for (let i = 0; i < 20; i++) x = a.get(x).add(b.get(x));
  const got = await compile([start, a, b], x, options)([0, 1, 2], [1, 2, 0], [0, 0, 0]);
  expect((got as NdArray).toArray()).toEqual([2, 0, 1]);
});

test("thousands of operations on one number", async () => {
  const n = T.iscalar("n");
  let x: Variable = n;
  for (let i = 0; i < 3000; i++) x = T.maximum(x.add(1), 3);
  expect(await compile([n], x, options)(1)).toBe(3002);
});

test("a value read at axes of several lengths keeps each reader's own element", async () => {
  const m = T.fmatrix("m");
  const y = m.T.reshape([8]).mul(2);
  const first = y.get(slice(0, 2)).add(1).get(0);
  const [, got] = await compile([m], [y.sum(), first.add(y.add(3))], options)([[1, 2, 3, 4], [5, 6, 7, 8]]);
  expect((got as NdArray).toArray()).toEqual([8, 16, 10, 18, 12, 20, 14, 22]);
});

test("a length inside a loop may come from device data outside it", async () => {
  const [x, lengths] = [shared([1, 2, 3], { dtype: "float32" }), T.ivector("lengths")];
  const n = lengths.max();
  const [sums] = scan({ fn: (row) => x.get(slice(0, n)).sum().add(row), sequences: x });
  expect(((await compile([lengths], sums, options)([1, 2])) as NdArray).toArray()).toEqual([4, 5, 6]);
});
