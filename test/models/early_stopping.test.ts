/** The patience of the article's training loop, on scripted validation errors; expectations follow the article's code by hand. */
import { describe, expect, test } from "vitest";
import { type EarlyStopping, trainWithEarlyStopping } from "../../src/models/early_stopping.js";
import { Watcher } from "../../src/models/observe.js";
import { Training } from "../../src/models/training.js";

/** Two minibatches per epoch; the validation error of epoch e is errors[e - 1], the last one repeated. */
async function run(errors: readonly number[], options: Partial<EarlyStopping> = {}, signal = { aborted: false }) {
  const lines: string[] = [];
  const saved: number[] = [];
  let measured = 0;
  const result = await trainWithEarlyStopping(
    {
      phase: "training", updates: [], nTrainBatches: 2, nEpochs: 50, patience: 6,
      trainModel: (i) => Promise.resolve(10 + i),
      validateModel: () => Promise.resolve([errors[Math.min(measured++, errors.length - 1)] as number]),
      testModel: () => Promise.resolve([0.25, 0.5]),
      saveBest: () => {
        saved.push(measured);
        return Promise.resolve();
      },
      ...options,
    },
    await Training.open(new Watcher({ log: (line) => lines.push(line), signal })),
  );
  return { ...result, lines, saved };
}

describe("trainWithEarlyStopping", () => {
  test("stops when the patience is used up", async () => {
    // Best at iteration 1 (patience 6 stays: 2 * 1 < 6); iteration 6 is the first with patience <= iter, in epoch 4.
    const r = await run([0.5]);
    expect([r.epoch, r.bestIter, r.bestValidationLoss, r.testScore, r.interrupted]).toEqual([4, 1, 0.5, 0.375, false]);
    expect(r.validationLosses).toEqual([0.5, 0.5, 0.5]);
    expect(r.costs).toEqual([10.5, 10.5, 10.5, 10]);
  });

  test("a significant improvement doubles the iteration, a slight one is only noted", async () => {
    // Epoch 3 ends at iteration 5: 0.3 < 0.5 * 0.995, patience 10. Epoch 4, iteration 7: 0.2999 is better, but not by half a percent.
    const r = await run([0.5, 0.5, 0.3, 0.2999]);
    expect([r.epoch, r.bestIter, r.bestValidationLoss]).toEqual([6, 7, 0.2999]);
    expect(r.saved).toEqual([1, 3, 4]);
  });

  test("prints the article's lines", async () => {
    const { lines } = await run([0.5, 0.4], { nEpochs: 2 });
    expect(lines).toEqual([
      "epoch 1, minibatch 2/2, validation error 50.000000 %",
      " epoch 1, minibatch 2/2, test error of best model 37.500000 %",
      "epoch 2, minibatch 2/2, validation error 40.000000 %",
      " epoch 2, minibatch 2/2, test error of best model 37.500000 %",
    ]);
  });

  test("validates within an epoch when the patience is shorter", async () => {
    // min(8, 4 / 2): every second minibatch; iteration 4 ends it.
    const r = await run([0.5], { nTrainBatches: 8, patience: 4 });
    expect([r.epoch, r.validationLosses.length, r.costs.length]).toEqual([1, 2, 1]);
  });

  test("a request to stop ends after the minibatch", async () => {
    const signal = { aborted: false };
    const trainModel = (i: number): Promise<number> => {
      signal.aborted = true;
      return Promise.resolve(i + 1);
    };
    const r = await run([0.5], { trainModel }, signal);
    expect([r.epoch, r.costs, r.validationLosses, r.interrupted]).toEqual([1, [1], [], true]);
  });
});
