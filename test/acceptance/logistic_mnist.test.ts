/**
 * The tutorial's logistic regression on the real MNIST. Whole run (opt-in, DAMO_SLOW=1): 74 epochs, validation 7.500000 %, test 7.489583 %, as
 * published (DeepLearningTutorials, doc/logreg.txt). Short run: the first epochs' validation errors of an independent NumPy program.
 */
import { expect, test } from "vitest";
import { config } from "../../src/index.js";
import { sgdOptimizationMnist } from "../../src/models/logistic_sgd_program.js";
import { describeOnMnist, MINUTES, SLOW } from "./mnist.js";

const run = (nEpochs: number) => sgdOptimizationMnist({ dataset: "mnist", nEpochs, bestModel: null, log: () => undefined });

describeOnMnist("logistic regression on MNIST", () => {
  test.each(["float64", "float32"] as const)(
    "validation errors of the first two epochs in %s",
    async (floatX) => {
      config.floatX = floatX;
      const { validationLosses } = await run(2);
      expect(validationLosses.map((v) => (v * 100).toFixed(6))).toEqual(["12.458333", "11.010417"]);
    },
    10 * MINUTES,
  );

  test.skipIf(!SLOW).each(["float64", "float32"] as const)(
    "74 epochs as published in %s (opt-in: DAMO_SLOW=1)",
    async (floatX) => {
      config.floatX = floatX;
      const r = await run(1000);
      expect([r.epoch, (r.bestValidationLoss * 100).toFixed(6), (r.testScore * 100).toFixed(6)]).toEqual([74, "7.500000", "7.489583"]);
    },
    60 * MINUTES,
  );
});
