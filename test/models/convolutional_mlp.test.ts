/** LeNet: initial weights against NumPy's, the layer against numbers computed apart, the program learns and its file gives the same model. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, config, type NdArray, numpy as np, T } from "../../src/index.js";
import { evaluateLenet5, LeNetConvPoolLayer, loadLenet } from "../../src/models/convolutional_mlp.js";
import { predictWith } from "../../src/models/logistic_sgd_program.js";
import { Watcher } from "../../src/models/observe.js";
import { FEW, quiet } from "./data.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-lenet-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("LeNetConvPoolLayer", () => {
  test("initial weights of the tutorial's first layer", async () => {
    const layer = new LeNetConvPoolLayer({ rng: new np.random.RandomState(23455), input: T.tensor4("x"), filterShape: [20, 1, 5, 5], imageShape: [null, 1, 28, 28] });
    const { data, shape } = await layer.W.getValue();
    expect(shape).toEqual([20, 1, 5, 5]);
    [0.13397727, -0.15406819, 0.067599, -0.01362005].forEach((w, i) => { expect(data[i]).toBeCloseTo(w, 7); });
    expect([...data].reduce((a, b) => a + b)).toBeCloseTo(-1.0160958593711338, config.floatX === "float64" ? 12 : 6);
  });

  test("convolves, takes maxima, adds the bias, squashes", async () => {
    const x = T.tensor4("x");
    const layer = new LeNetConvPoolLayer({ rng: new np.random.RandomState(1), input: x, filterShape: [2, 1, 2, 2], imageShape: [1, 1, 3, 5], poolsize: [2, 2] });
    layer.W.setValue(np.asarray([[[[1, 0], [0, 0]]], [[[0, 0], [0, -1]]]], { dtype: config.floatX }));
    layer.b.setValue(np.asarray([0.5, 0.25], { dtype: config.floatX }));
    const image = [[0.1, 0.2, 0.3, 0.4, 0.5], [0.6, 0.7, 0.8, 0.9, 1], [1.1, 1.2, 1.3, 1.4, 1.5]];
    const made = (await compile([x], layer.output)(np.asarray([[image]], { dtype: config.floatX }))) as NdArray;
    // Turned filters: the first reads the element below and to the right, the second the element itself, of which the least is the maximum of negatives.
    [1.3 + 0.5, 1.5 + 0.5, -0.1 + 0.25, -0.3 + 0.25].forEach((e, i) => { expect(made.data[i]).toBeCloseTo(Math.tanh(e), 5); });
    expect(made.shape).toEqual([1, 2, 1, 2]);
  });
});

describe("evaluateLenet5", () => {
  test("learns, saves its best model, and the file predicts any number of images", async () => {
    const { lines, log } = quiet();
    const bestModel = join(folder, "lenet.npz");
    const r = await evaluateLenet5({ data: FEW, nkerns: [3, 4], nHidden: 20, batchSize: 10, nEpochs: 8, bestModel, log });
    expect(r.costs.at(-1)).toBeLessThan((r.costs[0] as number) * 0.5);
    expect(r.bestValidationLoss).toBeLessThan(0.3);
    expect(lines.find((l) => l.startsWith("Optimization complete."))).toMatch(/obtained at iteration \d+, with test performance/);
    const loaded = await loadLenet(bestModel);
    const { predicted, labels } = await predictWith(loaded.input, loaded.yPred, { data: FEW, count: 37, watcher: new Watcher({ log }) });
    expect(predicted.filter((p, i) => p !== labels[i]).length).toBeLessThan(37 * 0.4);
  }, 120_000);
});
