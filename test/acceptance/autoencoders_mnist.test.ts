/**
 * dA, cA and SdA on the real MNIST with the tutorials' own settings (float64, seeds 123 and 89677, MRG streams). The tutorials publish no costs of
 * these; expected: an independent NumPy program that draws MRG31k3p itself.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { config, numpy as np } from "../../src/index.js";
import { testCA } from "../../src/models/ca.js";
import { testDA } from "../../src/models/da.js";
import { loadData } from "../../src/models/logistic_sgd.js";
import { SdA } from "../../src/models/sda.js";
import { describeOnMnist, MINUTES, SLOW } from "./mnist.js";

describeOnMnist("auto-encoders on MNIST", () => {
  let outputFolder = "";
  beforeAll(async () => {
    config.device = "wasm";
    outputFolder = await mkdtemp(join(tmpdir(), "damo-autoencoders-"));
  });
  afterAll(() => rm(outputFolder, { recursive: true }));
  const short = () => ({ dataset: "mnist", outputFolder, log: () => undefined });

  test("dA: mean costs of minibatches 0-99, with no and with 30 % corruption", async () => {
    const { trained } = await testDA({ ...short(), trainingEpochs: 1, maxBatches: 100 });
    expect(trained[0]?.costs).toEqual([expect.closeTo(105.62710624400844, 9)]);
    expect(trained[1]?.costs).toEqual([expect.closeTo(125.36936981591016, 9)]);
  }, 10 * MINUTES);

  test.skipIf(!SLOW)("dA: cost 63.289169 after an epoch, 81.764986 with 30 % corruption (opt-in: DAMO_SLOW=1)", async () => {
    const { trained } = await testDA({ ...short(), trainingEpochs: 1 });
    expect(trained[0]?.costs).toEqual([expect.closeTo(63.289169420112216, 8)]);
    expect(trained[1]?.costs).toEqual([expect.closeTo(81.76498578165103, 8)]);
  }, 60 * MINUTES);

  test("cA: mean cost and norm of the Jacobian of minibatches 0-9", async () => {
    const { costs, jacobianNorms } = await testCA({ ...short(), trainingEpochs: 1, maxBatches: 10 });
    expect([costs[0], jacobianNorms[0]]).toEqual([expect.closeTo(322.1037346168681, 9), expect.closeTo(19.028011864460876, 10)]);
  }, 10 * MINUTES);

  test.skipIf(!SLOW)("cA: cost 78.225143 and norm 13.985196 in an epoch (opt-in: DAMO_SLOW=1)", async () => {
    const { costs, jacobianNorms } = await testCA({ ...short(), trainingEpochs: 1 });
    expect([costs[0], jacobianNorms[0]]).toEqual([expect.closeTo(78.22514270600041, 8), expect.closeTo(13.985196459996217, 8)]);
  }, 60 * MINUTES);

  test("SdA: mean costs of twenty single examples, in each layer and in fine-tuning", async () => {
    const datasets = await loadData("mnist");
    const sda = new SdA({ numpyRng: new np.random.RandomState(89677), hiddenLayersSizes: [1000, 1000, 1000] });
    const costs: number[] = [];
    for (const [layer, pretrain] of sda.pretrainingFunctions({ trainSetX: datasets[0][0], batchSize: 1 }).entries()) {
      const c: number[] = [];
      for (let index = 0; index < 20; index++) c.push(Number(await pretrain({ index, corruption: [0.1, 0.2, 0.3][layer] as number, lr: 0.001 })));
      costs.push(np.mean(c));
    }
    const { trainFn } = sda.buildFinetuneFunctions({ datasets, batchSize: 1, learningRate: 0.1 });
    const c: number[] = [];
    for (let index = 0; index < 20; index++) c.push(Number(await trainFn(index)));
    expect([...costs, np.mean(c)]).toEqual([515.3430651805323, 886.5951148183365, 806.8095204315277, 10.187922767296103].map((e) => expect.closeTo(e, 8)));
  }, 10 * MINUTES);
});
