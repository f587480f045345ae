/** Convolutions: values from scipy and from Theano's tests, what ties the ops to each other as properties, types, and every message. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifyGrad } from "../../src/autodiff/verify.js";
import { all, compile, grad, type NdArray, slice, T, type Variable } from "../../src/index.js";
import { asarray } from "../../src/numpy/convert.js";
import { conv2dGradWrtInputs, conv2dGradWrtWeights, type Conv2dOptions } from "../../src/ops/convolutions.js";
import { drawArray, seededUniform } from "../../src/ops/samples.js";
import { arrayOf, numbersOf } from "./evaluate.js";

const { conv2d, conv2dTranspose, separableConv2d } = T.nnet;
const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dtensor4("x");
const w = T.dtensor4("w");

/** ((arange(n) * step) % modulus - shift).reshape(shape) */
const pattern = (shape: readonly number[], step: number, modulus: number, shift: number): NdArray => {
  const size = shape.reduce((a, b) => a * b, 1);
  return asarray(Float64Array.from({ length: size }, (_, n) => ((n * step) % modulus) - shift)).reshape([...shape]);
};
const X = pattern([2, 2, 4, 5], 7, 11, 5);
const W = pattern([2, 2, 3, 2], 5, 7, 3);
const first = (images: NdArray): NdArray => asarray((images.toArray() as number[][][][]).slice(0, 1), { dtype: "float64" });
const on = (options: Conv2dOptions, images = first(X)): unknown => numbersOf(conv2d(x, w, options), [[x, images], [w, W]]);

describe("conv2d", () => {
  // scipy.signal.convolve2d and correlate2d of each channel, added up.
  it("turns its filters, or not", () => {
    expect(on({}, X)).toEqual([
      [[[42, -35, 20, 20], [42, -13, -35, 42]], [[-25, 1, 5, -35], [39, -23, 14, 7]]],
      [[[-35, 42, -35, -13], [-35, 20, 20, -35]], [[14, 7, 0, 4], [1, 5, -35, 13]]],
    ]);
    expect(on({ filterFlip: false }, X)).toEqual([
      [[[30, -14, 8, 8], [30, -14, -14, 8]], [[12, -6, -35, 2], [-1, 25, 7, 22]]],
      [[[-14, 8, -14, -14], [-14, 8, 8, -14]], [[7, 22, -7, -25], [-6, -35, 2, 6]]],
    ]);
  });

  it("has Theano's borders", () => {
    const half = [
      [[10, -26, -6, 25, -43, 4], [-4, 42, -35, 20, 20, -7], [-28, 42, -13, -35, 42, -27], [1, -26, 20, -11, 2, 19]],
      [[24, -9, 6, -1, 14, 5], [-3, -25, 1, 5, -35, 1], [12, 39, -23, 14, 7, 6], [-9, 20, -26, -6, 25, -30]],
    ];
    expect(on({ borderMode: "half" })).toEqual([half]);
    expect([on({ borderMode: 1 }), on({ borderMode: [1, 1] }), on({ borderMode: [[1, 1], 1] })]).toEqual([[half], [half], [half]]);
    expect(on({ borderMode: "half", filterFlip: false })).toEqual([[
      [[22, -10, 3, -6, -15, 5], [-26, 30, -14, 8, 8, 10], [-24, 30, -14, -14, 8, -25], [8, -10, 21, 8, 17, -9]],
      [[-13, 21, 8, 17, -7, -1], [-11, 12, -6, -35, 2, -10], [16, -1, 25, 7, 22, -6], [5, -27, 10, -8, -37, 19]],
    ]]);
    const corner = asarray((first(X).toArray() as number[][][][]).map((n) => n.map((c) => c.slice(0, 3).map((row) => row.slice(0, 3)))), { dtype: "float64" });
    expect(on({ borderMode: "full" }, corner)).toEqual([[
      [[12, -24, 18, 11], [10, -26, -6, 13], [-4, 42, -35, -10], [-27, 30, 21, -13], [5, -34, 12, -1]],
      [[4, 7, -20, -3], [24, -9, 6, 8], [-3, -25, 1, 10], [17, 30, -38, 7], [-8, 8, 8, -4]],
    ]]);
  });

  it("has strides, borders of different sides and dilated filters", () => {
    expect(on({ borderMode: [[2, 0], [1, 3]], subsample: [2, 3] })).toEqual([[[[12, -6, 0], [-4, 20, 0]], [[4, 8, 0], [-3, 5, 0]]]]);
    expect(on({ filterDilation: [1, 3] })).toEqual([[[[50, -38], [-5, 17]], [[-19, 7], [23, -28]]]]);
    expect(on({ borderMode: "full", filterDilation: [2, 1], subsample: [3, 2] })).toEqual([[[[12, 18, 3], [9, -48, 25], [5, 12, -6]], [[4, -20, -8], [-1, 23, -24], [-8, 8, 8]]]]);
  });

  it("is also theano.tensor.nnet.conv.conv2d, with imageShape", () => {
    expect(numbersOf(T.nnet.conv.conv2d(x, w, { imageShape: [2, 2, 4, 5], filterShape: [2, 2, 3, 2] }), [[x, X], [w, W]])).toEqual(on({}, X));
  });

  it("keeps the flags of batch and filters, and promotes dtypes", () => {
    expect(String(conv2d(T.ftensor4(), T.ftensor4()).type)).toBe("float32[?,?,?,?]");
    expect(String(conv2d(T.ftensor4(), w).type)).toBe("float64[?,?,?,?]");
    expect(conv2d(T.shapePadleft(T.ftensor3()), T.shapePadleft(T.ftensor3())).broadcastable).toEqual([true, true, false, false]);
    expect(conv2d(T.itensor4(), T.itensor4()).dtype).toBe("int32");
    const row = T.shapePadleft(T.dtensor3("r"));
    expect(grad(T.sum(conv2d(row, w)), row).broadcastable).toEqual([true, false, false, false]);
  });
});

describe("what the ops of convolutions are to each other", () => {
  const geometry = fc.record({
    batch: fc.integer({ min: 1, max: 2 }), channels: fc.integer({ min: 1, max: 2 }), filters: fc.integer({ min: 1, max: 3 }), groups: fc.integer({ min: 1, max: 2 }),
    rows: fc.integer({ min: 4, max: 7 }), columns: fc.integer({ min: 4, max: 7 }), kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    border: fc.constantFrom("valid" as const, "half" as const, "full" as const, 1, [[0, 2], [1, 0]] as const), subsample: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })),
    flip: fc.boolean(), dilated: fc.boolean(), seed: fc.nat(),
  });
  const zipped = (f: (a: number, b: number) => number, a: NdArray, b: NdArray): number => [...a.data].reduce((sum, e, i) => sum + f(e, b.data[i] as number), 0);
  const inner = (a: NdArray, b: NdArray): number => zipped((p, q) => p * q, a, b);

  it("gradients are adjoint to the convolution, which in them is bilinear", () => {
    fc.assert(fc.property(geometry, (g) => {
      const options = { borderMode: g.border, subsample: g.subsample, filterFlip: g.flip, filterDilation: g.dilated ? ([1, 2] as const) : ([1, 1] as const), numGroups: g.groups };
      const shapes = { x: [g.batch, g.channels * g.groups, g.rows, g.columns], w: [g.filters * g.groups, g.channels, ...g.kernel] };
      const uniform = seededUniform(g.seed);
      const [images, weights] = [drawArray("float64", shapes.x, uniform), drawArray("float64", shapes.w, uniform)];
      const out = arrayOf(conv2d(x, w, options), [[x, images], [w, weights]]);
      const cotangent = drawArray("float64", out.shape, uniform);
      const c = T.dtensor4("c");
      const back = arrayOf(conv2dGradWrtInputs(c, w, shapes.x, options), [[c, cotangent], [w, weights]]);
      const weighed = arrayOf(conv2dGradWrtWeights(x, c, shapes.w, options), [[x, images], [c, cotangent]]);
      expect(back.shape).toEqual(shapes.x);
      expect(weighed.shape).toEqual(shapes.w);
      const product = inner(out, cotangent);
      expect(inner(images, back)).toBeCloseTo(product, 9);
      expect(inner(weights, weighed)).toBeCloseTo(product, 9);
    }), { numRuns: 60 });
  });

  it("a full convolution is a valid one of images in zeros; turned filters make a correlation of a convolution; groups are convolutions side by side", () => {
    fc.assert(fc.property(geometry, (g) => {
      const uniform = seededUniform(g.seed);
      const [images, weights] = [drawArray("float64", [g.batch, 2 * g.channels, g.rows, g.columns], uniform), drawArray("float64", [2 * g.filters, 2 * g.channels, ...g.kernel], uniform)];
      const given = [[x, images], [w, weights]] as const;
      const [up, across] = g.kernel.map((k) => k - 1) as [number, number];
      const zeros = T.zeros([g.batch, 2 * g.channels, g.rows + 2 * up, g.columns + 2 * across], { dtype: "float64" });

      const padded = T.setSubtensor(zeros.get(all, all, slice(up, up + g.rows), slice(across, across + g.columns)), x);
      const same = (a: Variable, b: Variable): void => {
        const [p, q] = [arrayOf(a, given), arrayOf(b, given)];
        expect(p.shape).toEqual(q.shape);
        expect(zipped((e, f) => Math.abs(e - f), p, q)).toBeLessThan(1e-9);
      };
      same(conv2d(x, w, { borderMode: "full" }), conv2d(padded, w));
      same(conv2d(x, w.get(all, all, slice(null, null, -1), slice(null, null, -1)), { borderMode: g.border }), conv2d(x, w, { borderMode: g.border, filterFlip: false }));
      const [low, high] = [w.get(slice(0, g.filters), slice(0, g.channels)), w.get(slice(g.filters, null), slice(0, g.channels))];
      const parts = [conv2d(x.get(all, slice(0, g.channels)), low), conv2d(x.get(all, slice(g.channels, null)), high)] as const;
      same(conv2d(x, w.get(all, slice(0, g.channels)), { numGroups: 2 }), T.concatenate(parts, { axis: 1 }));
    }), { numRuns: 40 });
  });

  it("a transposed convolution covers its output evenly (theano/tensor/nnet/tests/test_abstract_conv.py TestConv2dTranspose)", () => {
    const edge = [2, 2, 4, 4, 4, 4, 4, 4, 2, 2];
    const middle = edge.map((n) => 2 * n);
    const one = [[edge, edge, ...new Array(6).fill(middle), edge, edge]];
    const ones = (shape: readonly number[]): Variable => T.ones(shape, { dtype: "float64" });
    expect(numbersOf(conv2dTranspose(ones([2, 2, 4, 4]), ones([2, 1, 4, 4]), [2, 1, 10, 10], { inputDilation: [2, 2] }))).toEqual([one, one]);
    expect(numbersOf(conv2dTranspose(ones([2, 2, 4, 4]), ones([2, 1, 4, 4]), [null, null, 10, x.shape[2]], { inputDilation: [2, 2] }), [[x, drawArray("float64", [1, 1, 10, 1], Math.random)]])).toEqual([one, one]);
  });

  it("a separable convolution is one in groups, then one of points", () => {
    const depth = T.dtensor4("depth");
    const mix = T.dtensor4("mix");
    const given = [[x, X], [depth, pattern([4, 1, 2, 3], 3, 5, 2)], [mix, pattern([3, 4, 1, 1], 2, 7, 3)]] as const;
    const made = separableConv2d(x, depth, mix, 2, { borderMode: 1, subsample: [1, 2], depthwiseFilterShape: [4, 1, 2, 3], pointwiseFilterShape: [3, 4, 1, 1] });
    expect(numbersOf(made, given)).toEqual(numbersOf(conv2d(conv2d(x, depth, { borderMode: 1, subsample: [1, 2], numGroups: 2 }), mix), given));
  });

  it("second derivatives exist", () => {
    const values = [drawArray("float64", [1, 2, 4, 4], seededUniform(1)), drawArray("float64", [2, 1, 2, 3], seededUniform(2))];
    const square = (a: Variable): Variable => T.sum(T.sqr(a));
    verifyGrad((a, b) => {
      const cost = square(conv2d(a as Variable, b as Variable, { borderMode: [1, 0], subsample: [2, 1], numGroups: 2 }));
      return grad(cost, [a as Variable, b as Variable]).map(square).reduce((p, q) => p.add(q));
    }, values);
  });
});

describe("on a device", () => {
  it("a border is stored by one kernel, and the sum reads it without a condition", async () => {
    const f = compile([x, w], T.tanh(conv2d(x, w, { borderMode: "half" }).add(1)), { device: "reference" });
    await f(X, W);
    const { plan, kernels } = f.explain();
    expect(kernels?.launches).toBe(2);
    const [copy, product] = plan.split("launch").slice(1) as [string, string];
    expect([copy.includes("select"), product.includes("select"), product.includes("tanh(add(acc, 1.d))")]).toEqual([true, false, true]);
  });

  it("says what does not fit, as the interpreter does", async () => {
    const both = async (y: Variable, images: readonly number[], weights: readonly number[], c: string): Promise<void> => {
      const values = [pattern(images, 1, 5, 2), pattern(weights, 1, 3, 1)] as const;
      expect(() => numbersOf(y, [[x, values[0]], [w, values[1]]])).toThrow(code(c));
      await expect(compile([x, w], y, { device: "reference" })(...values)).rejects.toThrow(code(c));
    };
    await both(conv2d(x, w), [1, 3, 4, 4], [2, 2, 2, 2], "conv-channels");
    await both(conv2d(x, w), [1, 1, 3, 4], [1, 1, 5, 2], "conv-size");
    await both(conv2d(x, w, { inputShape: [null, 1, 4, 4] }), [1, 1, 3, 4], [1, 1, 2, 2], "specify-shape");
    await both(conv2d(x, w, { filterShape: [2, null, null, null] }), [1, 1, 3, 4], [1, 1, 2, 2], "specify-shape");
    expect(() => numbersOf(conv2d(x, w, { numGroups: 2 }), [[x, pattern([1, 2, 3, 3], 1, 5, 2)], [w, pattern([3, 1, 2, 2], 1, 3, 1)]])).toThrow(code("conv-groups"));
  });
});

it("refuses what cannot be a convolution", () => {
  expect(() => conv2d(T.dmatrix(), w)).toThrow(code("conv-rank"));
  expect(() => conv2d(x, T.dtensor3())).toThrow(code("conv-rank"));
  for (const borderMode of ["same", -1, [1], [1, 2, 3], [[1, -1], 0], 0.5]) expect(() => conv2d(x, w, { borderMode: borderMode as never })).toThrow(code("conv-border"));
  for (const subsample of [[0, 1], 2, [1, 1, 1], [1, 0.5]]) expect(() => conv2d(x, w, { subsample: subsample as never })).toThrow(code("conv-pair"));
  expect(() => conv2d(x, w, { filterDilation: [1, 0] })).toThrow(code("conv-pair"));
  expect(() => conv2d(x, w, { numGroups: 0 })).toThrow(code("conv-groups"));
  expect(() => conv2d(x, w, { inputShape: [1, 2, 3] })).toThrow(code("conv-shape"));
  expect(() => conv2dGradWrtInputs(x, w, [1, 2, null, 3])).toThrow(code("conv-shape"));
  expect(() => conv2dGradWrtWeights(x, w, null)).toThrow(code("conv-shape"));
});
