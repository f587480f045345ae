/** Batch normalisation against the formulas of Theano's documentation, in both layouts of parameters, and every message. */
import { describe, expect, it } from "vitest";
import { compile, config, shared, T, type Variable, verifyGrad } from "../../src/index.js";
import { numbersOf } from "./evaluate.js";

const { bn } = T.nnet;
const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dmatrix("x");
const [gamma, beta, mean, variance] = T.dvectors("gamma beta mean variance");
const X = [[1, 2], [3, 6], [5, 4]];
const given = [[x, X], [gamma, [2, 3]], [beta, [0.5, -1]], [mean, [1, 2]], [variance, [4, 9]]] as const;
const of = (v: Variable): unknown => numbersOf(v, given.map(([a, b]) => [a, b as never] as const));
const close = (got: unknown, want: unknown): void => (JSON.parse(JSON.stringify(got)) as number[]).flat().forEach((e, i) => expect(e).toBeCloseTo((want as number[]).flat()[i] as number, 10));

/** Column means (3, 4), variances (8/3, 8/3). */
const invstd = 1 / Math.sqrt(8 / 3 + 1e-4);
const normalised = X.map(([a, b]) => [((a as number) - 3) * 2 * invstd + 0.5, ((b as number) - 4) * 3 * invstd - 1]);

describe("training", () => {
  it("normalises each column by its own mean and variance", () => {
    const [out, m, s] = bn.batchNormalizationTrain(x, gamma, beta);
    close(of(out), normalised);
    close(of(m), [3, 4]);
    close(of(s), [invstd, invstd]);
  });

  it("takes parameters with all axes, and gives such back", () => {
    const [out, m] = bn.batchNormalizationTrain(x, gamma.dimshuffle("x", 0), beta.dimshuffle("x", 0), { axes: [0] });
    close(of(out), normalised);
    expect([m.broadcastable, of(m)]).toEqual([[true, false], [[3, 4]]]);
    const plain = bn.batchNormalizationTrain(x, x.get(T.constant([0])), x.get(T.constant([0])))[0];
    expect(plain.broadcastable).toEqual([false, false]);
  });

  it("moves running averages, by the unbiased variance, in the type of shared variables", async () => {
    const [, , , newMean, newVar] = bn.batchNormalizationTrain(x, gamma, beta, { runningMean: mean, runningVar: variance, runningAverageFactor: 0.25 });
    close(of(newMean), [0.75 + 0.25 * 3, 1.5 + 0.25 * 4]);
    close(of(newVar), [3 + 0.25 * 4, 6.75 + 0.25 * 4]);
    const [rm, rv] = [shared([0, 0], { dtype: "float32" }), shared([[1, 1]], { dtype: "float32", broadcastable: [true, false] })];
    const inputs = T.fmatrix("inputs");
    const flat = bn.batchNormalizationTrain(inputs, T.fvector("g"), T.fvector("b"), { runningMean: rm, runningVar: T.fvector("v") });
    const full = bn.batchNormalizationTrain(inputs, T.frow("g"), T.frow("b"), { runningMean: T.frow("m"), runningVar: rv });
    expect([flat[3].type.equals(rm.type), full[4].type.equals(rv.type)]).toEqual([true, true]);
  });

  it("spatial averages over all axes but the second", () => {
    const images = T.dtensor4("images");
    const [out, m] = bn.batchNormalizationTrain(images, gamma, beta, { axes: "spatial", epsilon: 1e-3 });
    const V = [[[[1, 3]], [[2, 2]]], [[[5, 7]], [[2, 2]]]];
    close(numbersOf(m, [[images, V]]), [4, 2]);
    const flat = (numbersOf(out, [[images, V], [gamma, [1, 1]], [beta, [0, 5]]]) as number[][][][]).flat(3);
    flat.forEach((e, i) => expect(e).toBeCloseTo([-3, -1, 0, 0, 1, 3, 0, 0][i]! / Math.sqrt(5.001) + (i % 4 > 1 ? 5 : 0), 10));
  });

  it("has gradients", () => {
    verifyGrad((a, g, b) => bn.batchNormalizationTrain(a, g, b)[0], [[[0.5, 1.5], [2.5, 0.25], [1, 3]], [0.5, 1.5], [0.25, 0.75]]);
  });
});

describe("testing", () => {
  it("normalises by given means and variances", () => {
    const want = X.map(([a, b]) => [(((a as number) - 1) * 2) / Math.sqrt(4 + 1e-4) + 0.5, (((b as number) - 2) * 3) / Math.sqrt(9 + 1e-4) - 1]);
    close(of(bn.batchNormalizationTest(x, gamma, beta, mean, variance)), want);
    close(of(bn.batchNormalizationTest(x, gamma.dimshuffle("x", 0), beta.dimshuffle("x", 0), mean.dimshuffle("x", 0), variance.dimshuffle("x", 0), { axes: "per-activation" })), want);
    close(of(bn.batchNormalization(x, gamma, beta, mean, variance)), X.map(([a, b]) => [((a as number) - 1) * (2 / 4) + 0.5, ((b as number) - 2) * (3 / 9) - 1]));
  });

  it("is what training gives with the batch's own", async () => {
    const [out, m] = bn.batchNormalizationTrain(x, gamma, beta);
    const again = bn.batchNormalizationTest(x, gamma, beta, m, T.var(x, { axis: 0 }));
    const f = compile([x, gamma, beta], T.abs_(out.sub(again)).max(), { device: "reference" });
    expect(await f(X, [2, 3], [0.5, -1])).toBeLessThan(1e-12);
  });
});

it("refuses axes, ranks and numbers that do not fit", () => {
  for (const axes of [[], [2], [0, 0], [0.5], "rows" as never]) expect(() => bn.batchNormalizationTrain(x, gamma, beta, { axes })).toThrow(code("batch-norm-axes"));
  expect(() => bn.batchNormalizationTrain(x, gamma, T.dscalar())).toThrow(code("batch-norm-rank"));
  expect(() => bn.batchNormalizationTest(x, gamma, beta, x, variance)).toThrow(code("batch-norm-rank"));
  expect(() => bn.batchNormalizationTrain(x, gamma, beta, { runningMean: mean })).toThrow(code("batch-norm-running"));
  expect(() => bn.batchNormalizationTest(x, gamma, beta, mean, variance, { epsilon: 1e-6 })).toThrow(code("batch-norm-epsilon"));
  expect(config.floatX).toBe("float32");
  // As in Theano, 1e-5 rounded to float32 is below the least epsilon.
  expect(() => bn.batchNormalizationTrain(x, gamma, beta, { epsilon: 1e-5 })).toThrow(code("batch-norm-epsilon"));
});
