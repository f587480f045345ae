/**
 * LeNet on the real MNIST: the costs of the first minibatches (float64, seed 23455), and Theano's own errors after each epoch (float32).
 * Expected: an independent NumPy program; the log of convolutional_mlp.py on Theano 0.8.2 and a Tesla P100 that CSCS's page on Piz Daint shows.
 */
import { expect, test } from "vitest";
import { config } from "../../src/index.js";
import { evaluateLenet5 } from "../../src/models/convolutional_mlp.js";
import { quiet } from "../models/data.js";
import { describeOnMnist, MINUTES, SLOW } from "./mnist.js";

describeOnMnist("LeNet on MNIST", () => {
  test("mean cost of minibatches 0-3", async () => {
    config.device = "wasm";
    const { costs } = await evaluateLenet5({ dataset: "mnist", nEpochs: 1, maxBatches: 4, ...quiet() });
    const expected = [2.3025850929940463, 2.284161860481408, 2.263281015795136, 2.240275667876628];
    expect(costs[0]).toBeCloseTo(expected.reduce((a, b) => a + b) / 4, 12);
  }, 10 * MINUTES);

  // Theano rounded on another device: each error may differ by a few of 10000 images.
  test.skipIf(!SLOW)("validation errors 9.23 %, 6.17 %, 4.64 % and a test error of 4.84 % after three epochs (opt-in: DAMO_SLOW=1)", async () => {
    Object.assign(config, { device: "wasm", floatX: "float32" });
    const { validationLosses, testScore } = await evaluateLenet5({ dataset: "mnist", nEpochs: 3, ...quiet() });
    [0.0923, 0.0617, 0.0464].forEach((e, i) => { expect(Math.abs((validationLosses[i] as number) - e)).toBeLessThan(0.00035); });
    expect(Math.abs(testScore - 0.0484)).toBeLessThan(0.00035);
  }, 60 * MINUTES);
});
