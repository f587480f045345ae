/** SdA: weights shared between its layers' two roles, pretraining and fine-tuning against an independent NumPy program, its file. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { config, numpy as np } from "../../src/index.js";
import { loadSdA, SdA, testSdA } from "../../src/models/sda.js";
import { FEW, quiet } from "./data.js";

let folder = "";
const before = { ...config };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-sda-"));
});
afterAll(async () => {
  Object.assign(config, before);
  await rm(folder, { recursive: true });
});

describe("SdA", () => {
  test("shares weights between dAs and sigmoid layers, and gives the network all but the visible biases", () => {
    const sda = new SdA({ numpyRng: new np.random.RandomState(89677), hiddenLayersSizes: [6, 5] });
    for (const [i, layer] of sda.dALayers.entries()) {
      expect([layer.W, layer.b, layer.x]).toEqual([sda.sigmoidLayers[i]?.W, sda.sigmoidLayers[i]?.b, sda.sigmoidLayers[i]?.input]);
      expect(sda.params).not.toContain(layer.bPrime);
    }
    expect(sda.params).toHaveLength(6);
    expect(() => new SdA({ numpyRng: new np.random.RandomState(1), hiddenLayersSizes: [] })).toThrow(expect.objectContaining({ code: "hidden-layers" }));
  });
});

describe.each(["reference", "wasm"])("testSdA on %s in float64", (device) => {
  test("costs and error of an independent NumPy program, the tutorial's lines, the file gives the same model", async () => {
    Object.assign(config, { device, floatX: "float64" });
    const { lines, log } = quiet();
    const bestModel = join(folder, `${device}.npz`);
    const r = await testSdA({ data: FEW, hiddenLayersSizes: [20, 15], batchSize: 10, pretrainingEpochs: 1, pretrainLr: 0.05, finetuneLr: 0.5, trainingEpochs: 1, bestModel, log });
    expect(r.pretrainingCosts[0]?.[0]).toBeCloseTo(286.9137060672307, 9);
    expect(r.pretrainingCosts[1]?.[0]).toBeCloseTo(12.333645060836089, 10);
    expect(r.finetuning?.costs[0]).toBeCloseTo(2.3437027229755367, 11);
    expect(r.finetuning?.validationLosses).toEqual([expect.closeTo(0.93, 12)]);
    expect(lines.slice(0, 7)).toEqual([
      "... loading data", "... building the model", "... getting the pretraining functions", "... pre-training the model",
      "Pre-training layer 0, epoch 0, cost 286.913706", "Pre-training layer 1, epoch 0, cost 12.333645", expect.stringMatching(/^The pretraining code for file sda\.ts ran for \d+\.\d\dm$/),
    ]);
    expect(lines.find((l) => l.startsWith("Optimization complete"))).toMatch(/^Optimization complete with best validation score of 93\.000000 %, on iteration 40, with test performance \d+\.\d{6} %$/);
    const again = await loadSdA(bestModel);
    expect([again.sizes, (await again.dALayers[1]?.bPrime.getValue())?.data]).toEqual([{ nIns: 784, hiddenLayersSizes: [20, 15], nOuts: 10 }, (await r.sda.dALayers[1]?.bPrime.getValue())?.data]);
  });
});

test("learns", async () => {
  Object.assign(config, before);
  const r = await testSdA({ data: FEW, hiddenLayersSizes: [30, 20], batchSize: 5, pretrainingEpochs: 3, pretrainLr: 0.02, corruptionLevels: [0.2], finetuneLr: 0.3, trainingEpochs: 15, log: () => undefined });
  for (const costs of r.pretrainingCosts) expect(costs.at(-1)).toBeLessThan(costs[0]!);
  expect(r.finetuning?.bestValidationLoss).toBeLessThan(0.4);
});
