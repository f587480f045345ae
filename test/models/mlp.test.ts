/** HiddenLayer and MLP: initial weights against NumPy's, weights that are given are used, the program learns and its file gives the same model. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, config, type NdArray, numpy as np, shared, T } from "../../src/index.js";
import { HiddenLayer, loadMlp, testMlp } from "../../src/models/mlp.js";
import { FEW, quiet } from "./data.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-mlp-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("HiddenLayer", () => {
  test("initial weights for tanh and, four times larger, for sigmoid", async () => {
    const W = await new HiddenLayer({ rng: new np.random.RandomState(1234), input: T.matrix("x"), nIn: 784, nOut: 500 }).W.getValue();
    expect([...W.data.subarray(0, 4)].map((x) => x.toFixed(8))).toEqual(["-0.04217459", "0.01669437", "-0.00851369", "0.03901342"].map((x) => (config.floatX === "float32" ? Math.fround(Number(x)).toFixed(8) : x)));
    const four = await new HiddenLayer({ rng: new np.random.RandomState(1234), input: T.matrix("x"), nIn: 784, nOut: 500, activation: T.nnet.sigmoid }).W.getValue();
    expect([...four.data]).toEqual([...W.data].map((x) => x * 4));
  });

  test("uses given weights; without activation it is linear", async () => {
    const W = shared(np.asarray([[1, 2], [3, 4]], { dtype: config.floatX }));
    const b = shared(np.asarray([10, 20], { dtype: config.floatX }));
    const x = T.matrix("x");
    const layer = new HiddenLayer({ rng: new np.random.RandomState(1), input: x, nIn: 2, nOut: 2, W, b, activation: null });
    expect(layer.params).toEqual([W, b]);
    expect(((await compile([x], layer.output)([[1, 1]])) as NdArray).toArray()).toEqual([[14, 26]]);
  });
});

describe("testMlp", () => {
  test("learns and saves its best model", async () => {
    const { lines, log } = quiet();
    const bestModel = join(folder, "mlp.npz");
    const r = await testMlp({ data: FEW, nHidden: 20, nEpochs: 5, learningRate: 0.1, L1Reg: 0.0001, bestModel, log });
    expect(r.costs.at(-1)).toBeLessThan((r.costs[0] as number) * 0.7);
    expect(r.bestValidationLoss).toBeLessThan(0.4);
    expect(lines.find((l) => l.startsWith("Optimization complete."))).toMatch(/obtained at iteration \d+, with test performance/);
    expect((await (await loadMlp(bestModel)).hiddenLayer.W.getValue()).shape).toEqual([784, 20]);
  });
});
