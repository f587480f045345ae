/**
 * The tutorial's logistic_cg on the real MNIST in float64. It publishes no errors; expected: an independent NumPy program with SciPy 1.10.1's fmin_cg,
 * whose validation errors after 50 iterations are 7.312500 % at best, with a test error of 7.416667 %.
 */
import { expect, test } from "vitest";
import { config } from "../../src/index.js";
import { cgOptimizationMnist } from "../../src/models/logistic_cg.js";
import { describeOnMnist, MINUTES, SLOW } from "./mnist.js";

const run = (nEpochs: number) => {
  config.device = "wasm";
  return cgOptimizationMnist({ dataset: "mnist", nEpochs, log: () => undefined });
};

describeOnMnist("logistic_cg on MNIST", () => {
  test("costs and validation errors of the first eight iterations", async () => {
    const { costs, validationLosses } = await run(8);
    const expected = [1.21063925832459, 0.896590347843107, 0.780135496166754, 0.635637780089545, 0.555636181735774, 0.531549280628052, 0.510086947090149, 0.495878444851652];
    expect(costs).toEqual(expected.map((e) => expect.closeTo(e, 11)));
    expect(validationLosses.map((v) => (v * 100).toFixed(6))).toEqual(["29.989583", "24.656250", "20.833333", "16.979167", "14.291667", "14.239583", "13.166667", "12.281250"]);
  }, 10 * MINUTES);

  test.skipIf(!SLOW)("50 iterations: validation 7.312500 %, test 7.416667 % (opt-in: DAMO_SLOW=1)", async () => {
    const { costs, bestValidationLoss, testScore } = await run(50);
    expect([costs.length, (bestValidationLoss * 100).toFixed(6), (testScore * 100).toFixed(6)]).toEqual([50, "7.312500", "7.416667"]);
  }, 60 * MINUTES);
});
