/** Numbers in log lines as Python prints them; observers and stopping. Expected texts are CPython's. */
import { describe, expect, test } from "vitest";
import { fixed, floatText, type Progress, Watcher } from "../../src/models/observe.js";

describe("numbers", () => {
  test.each([
    [7.489583333333333, "7.489583"],
    [90, "90.000000"],
    [Number.POSITIVE_INFINITY, "inf"],
    [Number.NaN, "nan"],
  ])("'%%f' %% %d", (x, text) => expect(fixed(x)).toBe(text));
  test("'%.1f'", () => expect(fixed(12.34, 1)).toBe("12.3"));
  test.each([
    [-89.96398555364773, "-89.96398555364773"],
    [-90, "-90.0"],
    [0.5, "0.5"],
    [0.123456, "0.123456"],
    [Number.NEGATIVE_INFINITY, "-inf"],
    [Number.NaN, "nan"],
  ])("print(%d)", (x, text) => expect(floatText(x)).toBe(text));
});

describe("Watcher", () => {
  test("tells each minibatch and whether to go on", async () => {
    const seen: Progress[] = [];
    const signal = { aborted: false };
    const watcher = new Watcher({ progress: (p) => seen.push(p), signal, log: () => undefined });
    const done = watcher.epoch({ phase: "training", epoch: 2, nEpochs: 3, nBatches: 4 });
    expect(await done(0, 1.5)).toBe(true);
    signal.aborted = true;
    expect(await done(1, 1.25)).toBe(false);
    expect(seen.map(({ phase, epoch, nEpochs, nBatches, batch, cost }) => [phase, epoch, nEpochs, nBatches, batch, cost])).toEqual([
      ["training", 2, 3, 4, 0, 1.5],
      ["training", 2, 3, 4, 1, 1.25],
    ]);
    expect(seen.every((p) => p.batchesPerSecond > 0)).toBe(true);
  });

  test("gives timers and signals their turn", async () => {
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    await new Watcher({ log: () => undefined }).epoch({ phase: "p", epoch: 0, nEpochs: 1, nBatches: 1 })(0, 0);
    expect(turned).toBe(true);
  });
});
