/** Logistic regression on a few drawn digits: it learns, its best model is saved and predicts the same; labels of a wrong type are refused. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, type NdArray, numpy as np, shared, T } from "../../src/index.js";
import { loadData, LogisticRegression, numberOfBatches } from "../../src/models/logistic_sgd.js";
import { loadLogisticRegression, predict, sgdOptimizationMnist } from "../../src/models/logistic_sgd_program.js";
import { FEW, quiet } from "./data.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-logistic-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("LogisticRegression", () => {
  const make = () => new LogisticRegression({ input: T.matrix("x"), nIn: 2, nOut: 3 });

  test("starts undecided: -log(1/3), and predicts the first class", async () => {
    const c = make();
    const y = T.ivector("y");
    const f = compile([c.input, y], [c.negativeLogLikelihood(y), c.errors(y), c.yPred] as const);
    const [cost, errors, predicted] = await f(np.asarray([[1, 2], [3, 4]], { dtype: c.input.dtype }), [0, 2]);
    expect(cost).toBeCloseTo(Math.log(3), 6);
    expect(errors).toBe(0.5);
    expect((predicted as NdArray).toArray()).toEqual([0, 0]);
  });

  test("refuses labels of another rank or dtype", () => {
    expect(() => make().errors(T.imatrix("y"))).toThrow(expect.objectContaining({ code: "errors-ndim" }));
    expect(() => make().errors(T.vector("y"))).toThrow(expect.objectContaining({ code: "errors-dtype" }));
  });
});

describe("loadData", () => {
  test("gives shared images and integer labels", async () => {
    const [[trainX, trainY], [validX], [testX]] = await loadData("digits", FEW);
    expect([trainX.valueShape, validX.valueShape, testX.valueShape]).toEqual([[400, 784], [100, 784], [100, 784]]);
    expect(trainY.dtype).toBe("int32");
    const labels = (await compile([], trainY)()) as NdArray;
    expect(labels.shape).toEqual([400]);
    expect(new Set(labels.data).size).toBe(10);
  });

  test("a set without a whole minibatch is refused", () => {
    const x = shared(np.zeros([10, 2]));
    expect(numberOfBatches(x, 3)).toBe(3);
    expect(numberOfBatches(x, 3, 2)).toBe(2);
    expect(() => numberOfBatches(x, 11)).toThrow(expect.objectContaining({ code: "batch-size" }));
  });
});

describe("sgdOptimizationMnist", () => {
  test("learns, saves its best model, and predict() agrees with it", async () => {
    const { lines, log } = quiet();
    const bestModel = join(folder, "best_model.npz");
    const options = { dataset: "digits", data: FEW } as const;
    const r = await sgdOptimizationMnist({ ...options, batchSize: 50, nEpochs: 6, bestModel, log });
    expect(r.costs).toHaveLength(6);
    expect(r.costs.at(-1)).toBeLessThan((r.costs[0] as number) * 0.6);
    expect(r.bestValidationLoss).toBeLessThan(0.35);
    expect(lines.slice(0, 3)).toEqual(["... loading data", "... building the model", "... training the model"]);
    expect(lines[3]).toMatch(/^epoch 1, minibatch 8\/8, validation error \d+\.\d{6} %$/);
    expect(lines.find((l) => l.startsWith("Optimization complete"))).toMatch(/best validation score of \d+\.\d{6} %,with test performance \d+\.\d{6} %$/);

    const { predicted, labels } = await predict({ ...options, bestModel, count: 100, log });
    expect(predicted.filter((p, i) => p !== labels[i]).length / 100).toBeCloseTo(r.testScore, 6);
    expect(lines.at(-2)).toBe("Predicted values for the first 100 examples in test set:");
    const loaded = await loadLogisticRegression(bestModel);
    expect([loaded.nIn, loaded.nOut]).toEqual([784, 10]);
  });

  test("saves when it is stopped before the first validation", async () => {
    const bestModel = join(folder, "stopped.npz");
    const signal = { aborted: false };
    const r = await sgdOptimizationMnist({ data: FEW, batchSize: 50, bestModel, log: () => undefined, signal, progress: ({ batch }) => (signal.aborted = batch === 1) });
    expect([r.interrupted, r.epoch, r.validationLosses]).toEqual([true, 1, []]);
    const kept = await (await loadLogisticRegression(bestModel)).W.getValue();
    expect(kept.data).toEqual((await r.classifier.W.getValue()).data);
  });
});
