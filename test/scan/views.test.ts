/** map, reduce, foldl and foldr, beside what NumPy and JavaScript's own give for the same rows. */
import { afterAll, expect, expectTypeOf, test } from "vitest";
import { closeDevices, compile, foldl, foldr, grad, map, type NdArray, RandomStreams, reduce, T, type Variable } from "../../src/index.js";

afterAll(closeDevices);
const rows = [[1, 2], [3, 4], [5, 7]];
const x = T.dmatrix("x");

test.each(["reference", "wasm"])("on %s", async (device) => {
  const [squares] = map((row) => row.sqr().sum(), { sequences: x });
  expectTypeOf(squares).toEqualTypeOf<Variable>();
  const [sum] = reduce((row: Variable, total: Variable) => total.mul(2).add(row), { sequences: x, outputsInfo: T.zeros([2], "float64") });
  const step = (row: Variable, total: Variable): Variable => total.mul(2).add(row);
  const [left] = foldl(step, { sequences: x, outputsInfo: T.zeros([2], "float64") });
  const [right] = foldr({ fn: step, sequences: x, outputsInfo: T.zeros([2], "float64") });
  const f = compile<NdArray[]>([x], [squares, sum, left, right, grad(squares.sum(), x)] as const, { device });
  const found = (await f(rows)).map((v) => v.toArray());
  expect(found).toEqual([[5, 25, 74], [15, 23], [15, 23], [27, 38], [[2, 4], [6, 8], [10, 14]]]);
});

test("several results, and the updates of what the step draws", () => {
  const [both, updates] = map((row) => [row.sum(), row.add(new RandomStreams(1).normal({ size: [2] }))], { sequences: x });
  expect(both.map((v) => v.ndim)).toEqual([1, 2]);
  expect(updates.size).toBe(1);
  const [pair] = reduce((row: Variable, a: Variable, b: Variable) => [a.add(row.sum()), b.mul(row.sum())], { sequences: x, outputsInfo: [T.zeros([], "float64"), T.ones([], "float64")] });
  expect(pair.map((v) => v.ndim)).toEqual([0, 0]);
});
