/**
 * The article's DBN on the real MNIST, digit for digit: the first pretraining minibatches of layer 0 (float64, seed 123, MRG streams).
 * Expected: an independent NumPy program that also gives the article's printed -98.53649282938044 for the whole epoch.
 */
import { expect, test } from "vitest";
import { numpy as np } from "../../src/index.js";
import { DBN } from "../../src/models/dbn.js";
import { loadData } from "../../src/models/logistic_sgd.js";
import { describeOnMnist, MINUTES } from "./mnist.js";

describeOnMnist("DBN on MNIST", () => {
  test(
    "mean cost of pretraining minibatches 0-9 of layer 0",
    async () => {
      const [[trainSetX]] = await loadData("mnist");
      const dbn = new DBN({ numpyRng: new np.random.RandomState(123), nIns: 28 * 28, hiddenLayersSizes: [1000, 1000, 1000], nOuts: 10 });
      const [pretrain] = dbn.pretrainingFunctions({ trainSetX, batchSize: 10, k: 1 });
      const c: number[] = [];
      for (let index = 0; index < 10; index++) c.push(Number(await pretrain?.({ index, lr: 0.01 })));
      expect(np.mean(c)).toBeCloseTo(-371.9401231174081, 9);
    },
    10 * MINUTES,
  );
});
