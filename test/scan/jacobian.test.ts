/** jacobian and hessian: against matrices written out and each other, compiled, through loops and random draws, and every message. */
import { afterAll, describe, expect, test } from "vitest";
import { closeDevices, compile, grad, gradient, type NdArray, RandomStreams, scan, slice, T, type Variable } from "../../src/index.js";
import { numbersOf } from "../ops/evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dvector("x");
const W = T.dmatrix("W");
const of = (y: Variable): unknown => numbersOf(y, [[x, [1, 2]], [W, [[1, 2], [3, 4]]]]);

afterAll(closeDevices);

describe("jacobian", () => {
  test("of vectors, in vectors and matrices", () => {
    expect(of(gradient.jacobian(T.sqr(x), x))).toEqual([[2, 0], [0, 4]]);
    const [dx, dW] = T.jacobian(W.dot(x), [x, W]);
    expect([of(dx), of(dW)]).toEqual([[[1, 2], [3, 4]], [[[1, 2], [0, 0]], [[0, 0], [1, 2]]]]);
    expect(of(T.jacobian(T.sqr(x).sum(), x))).toEqual([2, 4]);
  });

  test("of an empty vector", async () => {
    const y = T.sqr(x).get(slice(2, null));
    expect(((await compile([x], T.jacobian(y, x), { device })([1, 2])) as NdArray).shape).toEqual([0, 2]);
  });

  test("computes what all rows share once, before its loop", async () => {
    const f = compile([x, W], gradient.jacobian(T.tanh(W.dot(x)), x), { device });
    const W0 = [[1, 2], [3, 4]];
    const t = [5, 11].map((z) => 1 - Math.tanh(z) ** 2);
    const got = ((await f([1, 2], W0)) as NdArray).toArray() as number[][];
    got.forEach((row, i) => row.forEach((e, j) => expect(e).toBeCloseTo((t[i] as number) * (W0[i]![j] as number), 12)));
    const plan = f.explain().toString();
    expect(plan.slice(plan.indexOf("loop"))).not.toContain("tanh");
  });

  test("all rows see the same random draws", async () => {
    const noise = new RandomStreams(3).normal({ size: [2], dtype: "float64" });
    const y = x.mul(noise);
    const [draw, jacobian] = (await compile([x], [noise, T.jacobian(y, x)], { device })([1, 2])) as [NdArray, NdArray];
    expect([...jacobian.data].map((e) => e + 0)).toEqual([draw.data[0], 0, 0, draw.data[1]]);
  });

  test("of a loop, and its gradient", () => {
    const [powers] = scan({ fn: (p) => p.mul(x), outputsInfo: T.onesLike(x), nSteps: 3 });
    const J = T.jacobian(powers.get(-1), x);
    expect(of(J)).toEqual([[3, 0], [0, 12]]);
    expect(of(grad(J.sum(), x))).toEqual([6, 12]);
  });

  test("refuses matrices, and variables that are not reached", () => {
    expect(() => T.jacobian(W, x)).toThrow(code("jacobian-rank"));
    expect(() => T.jacobian(T.sqr(x), W)).toThrow(code("grad-disconnected"));
    expect(of(T.jacobian(T.sqr(x), W, { disconnectedInputs: "ignore" }))).toEqual([[[0, 0], [0, 0]], [[0, 0], [0, 0]]]);
    expect(of(T.jacobian(T.sqr(x).add(T.sum(x)), x, { considerConstant: [T.sum(x)] }))).toEqual([[3, 1], [1, 5]]);
  });
});

describe("hessian", () => {
  test("is the jacobian of the gradient, and its products those of hessianVectorProduct", () => {
    const cost = T.dot(x, W.dot(x)).mul(x.get(0));
    const H = gradient.hessian(cost, x);
    expect(of(H)).toEqual(of(T.jacobian(grad(cost, x), x)));
    const p = T.dvector("p");
    expect(numbersOf(gradient.hessianVectorProduct(cost, x, p), [[x, [1, 2]], [W, [[1, 2], [3, 4]]], [p, [3, -1]]])).toEqual(numbersOf(H.dot(p), [[x, [1, 2]], [W, [[1, 2], [3, 4]]], [p, [3, -1]]]));
  });

  test("of a cost that is linear in one of them is zero there", () => {
    expect(T.hessian(T.sqr(x).sum().add(W.get(0).sum()), [x]).map(of)).toEqual([[[2, 0], [0, 2]]]);
    expect(of(T.hessian(x.sum(), x))).toEqual([[0, 0], [0, 0]]);
  });

  test("refuses vectors as costs and matrices as variables", () => {
    expect(() => T.hessian(x, x)).toThrow(code("hessian-cost"));
    expect(() => T.hessian(W.sum(), W)).toThrow(code("hessian-wrt"));
  });
});

test("undefinedGrad and copy", () => {
  expect(() => grad(gradient.undefinedGrad(x).sum(), x)).toThrow(code("grad-undefined"));
  expect(of(grad(T.sqr(x.copy()).sum(), x))).toEqual([2, 4]);
  expect(T.tensorCopy(x)).not.toBe(x);
});
