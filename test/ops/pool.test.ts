/** Pooling: values from Theano's documentation and tests and from NumPy, gradients at ties, types, and every message. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifyGrad } from "../../src/autodiff/verify.js";
import { compile, grad, gradient, type NdArray, T, type Variable } from "../../src/index.js";
import type { PoolOptions } from "../../src/ops/pooling.js";
import { drawArray, seededUniform } from "../../src/ops/samples.js";
import { arrayOf, numbersOf } from "./evaluate.js";

const { pool2d, maxPool2dSameSize } = T.signal.pool;
const { maxPool2d } = T.signal.downsample;
const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dmatrix("x");
/** numpy.arange(25).reshape(5, 5) * 7 % 12 */
const X = Array.from({ length: 5 }, (_, i) => Array.from({ length: 5 }, (_, j) => ((5 * i + j) * 7) % 12));
const on = (ws: readonly [number, number], options: PoolOptions = {}): unknown => numbersOf(pool2d(x, ws, options), [[x, X]]);

describe("pool2d", () => {
  it("takes the maximum of windows side by side, and of those that are cut off unless told not to", () => {
    expect(X).toEqual([[0, 7, 2, 9, 4], [11, 6, 1, 8, 3], [10, 5, 0, 7, 2], [9, 4, 11, 6, 1], [8, 3, 10, 5, 0]]);
    expect(on([2, 2])).toEqual([[11, 9, 4], [10, 11, 2], [8, 10, 0]]);
    expect(on([2, 2], { ignoreBorder: true })).toEqual([[11, 9], [10, 11]]);
    expect(on([2, 3], { ignoreBorder: true })).toEqual([[11], [11]]);
  });

  it("has strides and padding, under both names", () => {
    expect(on([3, 3], { stride: [1, 2], ignoreBorder: true })).toEqual([[11, 9], [11, 11], [11, 11]]);
    expect(on([3, 3], { st: [2, 2] })).toEqual([[11, 9], [11, 11]]);
    expect(on([2, 2], { stride: [3, 3] })).toEqual([[11, 9], [9, 6]]);
    const padded = [[0, 7, 9], [11, 6, 8], [9, 11, 6]];
    expect([on([2, 2], { pad: [1, 1], ignoreBorder: true }), on([2, 2], { padding: [1, 1], ignoreBorder: true })]).toEqual([padded, padded]);
    for (const f of [pool2d, maxPool2d]) expect(numbersOf(f(x, { ds: [2, 2], ignoreBorder: true }), [[x, X]])).toEqual([[11, 9], [10, 11]]);
  });

  // theano/tensor/signal/pool.py Pool.perform, run with NumPy: numpy.sum and numpy.average of what is cut out of the padded image.
  it("adds up and averages, counting the padding or not", () => {
    const pad = { pad: [1, 1], ignoreBorder: true } as const;
    const slim = { stride: [2, 1], pad: [1, 0], ignoreBorder: true } as const;
    expect(on([2, 2], { mode: "sum" })).toEqual([[24, 20, 7], [28, 24, 3], [11, 15, 0]]);
    expect(on([2, 2], { ...pad, mode: "sum" })).toEqual([[0, 9, 13], [21, 12, 20], [17, 28, 12]]);
    expect(on([3, 2], { ...slim, mode: "sum" })).toEqual([[24, 16, 20, 24], [45, 27, 33, 27], [24, 28, 32, 12]]);
    for (const mode of ["average_inc_pad", "average_exc_pad"] as const) expect(on([2, 2], { mode })).toEqual([[6, 5, 3.5], [7, 6, 1.5], [5.5, 7.5, 0]]);
    expect(on([2, 2], { ...pad, mode: "average_inc_pad" })).toEqual([[0, 2.25, 3.25], [5.25, 3, 5], [4.25, 7, 3]]);
    expect(on([2, 2], { ...pad, mode: "average_exc_pad" })).toEqual([[0, 4.5, 6.5], [10.5, 3, 5], [8.5, 7, 3]]);
    expect(on([3, 2], { ...slim, mode: "average_inc_pad" })).toEqual([[4, 16 / 6, 20 / 6, 4], [7.5, 4.5, 5.5, 4.5], [4, 28 / 6, 32 / 6, 2]]);
    expect(on([3, 2], { ...slim, mode: "average_exc_pad" })).toEqual([[6, 4, 5, 6], [7.5, 4.5, 5.5, 4.5], [6, 7, 8, 3]]);
  });

  it("works on the last two axes of any rank, and keeps the flags of the others", () => {
    const stack = T.dtensor3("s");
    expect(numbersOf(pool2d(stack, [2, 2], { ignoreBorder: true }), [[stack, [X, X]]])).toEqual([[[11, 9], [10, 11]], [[11, 9], [10, 11]]]);
    expect(pool2d(T.shapePadleft(T.dmatrix()), [2, 2]).broadcastable).toEqual([true, false, false]);
    expect(pool2d(T.ftensor4(), [2, 2], { mode: "average_exc_pad" }).dtype).toBe("float32");
  });

  it("keeps each window's maxima in place (theano/tensor/signal/tests/test_pool.py test_max_pool_2d_2D_same_size)", () => {
    expect(numbersOf(maxPool2dSameSize(x, [2, 2]), [[x, [[1, 2, 3, 4], [5, 6, 7, 8]]]])).toEqual([[0, 0, 0, 0], [0, 6, 0, 8]]);
    verifyGrad((a) => maxPool2dSameSize(a, [2, 2]), [[[1.5, 2, 3, 4], [5, 6, 7, 8]]]);
  });
});

describe("gradients of pool2d", () => {
  it("go whole to every maximum of a window", () => {
    const g = grad(T.sum(pool2d(x, [2, 2]).mul([[1, 10]])), x);
    expect(numbersOf(g, [[x, [[3, 3, 1], [0, 3, 1]]]])).toEqual([[1, 1, 10], [0, 1, 10]]);
    expect(numbersOf(grad(T.sum(pool2d(x, [2, 2], { stride: [1, 1], ignoreBorder: true })), x), [[x, [[1, 5, 2], [0, 5, 5]]]])).toEqual([[0, 2, 0], [0, 2, 1]]);
  });

  it("add up over windows that overlap, whatever the mode, as finite differences do", () => {
    const options = fc.record({
      window: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })), stride: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })), padded: fc.boolean(),
      ignoreBorder: fc.boolean(), mode: fc.constantFrom("max" as const, "sum" as const, "average_inc_pad" as const, "average_exc_pad" as const), seed: fc.nat(),
      shape: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
    });
    fc.assert(fc.property(options, ({ window, stride, padded, ignoreBorder, mode, seed, shape }) => {
      const pad = (padded && ignoreBorder ? window.map((n) => n - 1) : [0, 0]) as unknown as readonly [number, number];
      verifyGrad((a) => pool2d(a, window, { stride, pad, ignoreBorder, mode }), [drawArray("float64", shape, seededUniform(seed))]);
    }), { numRuns: 60 });
  });

  it("have gradients (theano/tensor/signal/tests/test_pool.py test_DownsampleFactorMax_hessian)", () => {
    const v = T.dvector("v");
    const z = T.dot(v.dimshuffle(0, "x"), v.dimshuffle("x", 0));
    const cost = T.exp(T.sum(pool2d(z, [2, 2], { ignoreBorder: true })));
    const hessian = arrayOf(gradient.hessian(cost, v) as Variable, [[v, [1, 2]]]);
    [0, 0, 0, 982.7667].forEach((n, i) => { expect(hessian.data[i]).toBeCloseTo(n, 4); });
    for (const mode of ["max", "average_inc_pad"] as const) {
      verifyGrad((a) => grad(T.sum(T.sqr(pool2d(a, [3, 2], { stride: [2, 1], mode }))), a), [drawArray("float64", [5, 4], seededUniform(3))]);
    }
  });

  it("compare the very numbers whose maximum was taken", async () => {
    const y = T.fmatrix("y");
    const f = compile([y], grad(T.sum(pool2d(T.tanh(y), [2, 2])), y), { device: "reference" });
    const values = drawArray("float32", [6, 6], seededUniform(4));
    const got = (await f(values)) as NdArray;
    expect([...got.data].filter((g) => g !== 0)).toHaveLength(9);
  });
});

it("pool2d refuses what it cannot do", () => {
  expect(() => pool2d(T.dvector(), [2, 2])).toThrow(code("pool-rank"));
  for (const ws of [[0, 2], [2], [1.5, 2], undefined]) expect(() => pool2d(x, { ws: ws as never })).toThrow(code("pool-pair"));
  expect(() => pool2d(x, [2, 2], { stride: [0, 1] })).toThrow(code("pool-pair"));
  expect(() => pool2d(x, [2, 2], { pad: [-1, 0], ignoreBorder: true })).toThrow(code("pool-pair"));
  expect(() => pool2d(x, [2, 2], { mode: "mean" as never })).toThrow(code("pool-mode"));
  expect(() => pool2d(x, [2, 2], { pad: [1, 1] })).toThrow(code("pool-pad-border"));
  expect(() => pool2d(x, [2, 2], { pad: [2, 1], ignoreBorder: true })).toThrow(code("pool-pad"));
});
