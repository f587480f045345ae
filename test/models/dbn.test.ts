/** DBN: initial weights against NumPy's, weights shared between RBMs and sigmoid layers, the program on a few drawn digits. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { numpy as np } from "../../src/index.js";
import { DBN } from "../../src/models/dbn.js";
import { loadDbn, testDbn } from "../../src/models/dbn_program.js";
import { loadData } from "../../src/models/logistic_sgd.js";
import { FEW, quiet } from "./data.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-dbn-"));
});
afterAll(() => rm(folder, { recursive: true }));

const make = (hiddenLayersSizes: readonly number[]) => new DBN({ numpyRng: new np.random.RandomState(123), hiddenLayersSizes });

describe("DBN", () => {
  test("initial weights of the article's DBN.py", async () => {
    const dbn = make([1000, 1000]);
    const rows = await Promise.all(dbn.rbmLayers.map(async (rbm) => [...(await rbm.W.getValue()).data.subarray(0, 4)]));
    const expected = [
      [0.09879994, -0.03318569, 0.08856042, 0.10167409],
      [0.04713785, -0.21761232, 0.19200364, -0.17917712],
    ];
    for (const [l, row] of expected.entries()) for (const [i, x] of row.entries()) expect(rows[l]?.[i]).toBeCloseTo(x, 7);
  });

  test("shares weights between RBMs and sigmoid layers, and gives the network all but the visible biases", () => {
    const dbn = make([6, 5]);
    for (const [i, rbm] of dbn.rbmLayers.entries()) {
      expect(rbm.W).toBe(dbn.sigmoidLayers[i]?.W);
      expect(rbm.hbias).toBe(dbn.sigmoidLayers[i]?.b);
      expect(dbn.params).not.toContain(rbm.vbias);
    }
    expect(dbn.rbmLayers[1]?.input).toBe(dbn.sigmoidLayers[0]?.output);
    expect(dbn.params).toHaveLength(6);
  });

  test("needs a layer", () => {
    expect(() => make([])).toThrow(expect.objectContaining({ code: "hidden-layers" }));
  });

  test("a pretraining step changes its layer only, in both of its roles, by the given rate or 0.1", async () => {
    const dbn = make([6, 5]);
    const [[trainSetX]] = await loadData("digits", FEW);
    const [first] = dbn.pretrainingFunctions({ trainSetX, batchSize: 10, k: 1 });
    const before = await Promise.all(dbn.params.map((p) => p.getValue()));
    await first?.({ index: 0, lr: 0 });
    expect((await dbn.sigmoidLayers[0]?.W.getValue())?.data).toEqual(before[0]?.data);
    await first?.(0);
    const after = await Promise.all(dbn.params.map((p) => p.getValue()));
    const changed = after.map((a, i) => a.data.some((v, j) => v !== before[i]?.data[j]));
    expect(changed).toEqual([true, true, false, false, false, false]);
  });
});

describe("testDbn", () => {
  test("costs fall in each layer and in fine-tuning; the file gives the same model", async () => {
    const { lines, log } = quiet();
    const bestModel = join(folder, "dbn.npz");
    const r = await testDbn({ data: FEW, hiddenLayersSizes: [20, 15], pretrainingEpochs: 3, pretrainLr: 0.05, finetuneLr: 0.5, trainingEpochs: 5, bestModel, log });
    for (const costs of r.pretrainingCosts) expect(costs.at(-1)).toBeGreaterThan(costs[0] as number);
    expect(r.finetuning?.costs.at(-1)).toBeLessThan((r.finetuning?.costs[0] as number) * 0.8);
    expect(lines.slice(0, 4)).toEqual(["... loading data", "... building the model", "... getting the pretraining functions", "... pre-training the model"]);
    expect(lines[4]).toMatch(/^Pre-training layer 0, epoch 0, cost -\d+\.\d+$/);
    expect(lines.find((l) => l.startsWith("Optimization complete"))).toMatch(/score of \d+\.\d{6} %, obtained at iteration \d+, with test performance \d+\.\d{6} %$/);
    const again = await loadDbn(bestModel);
    expect([again.nIns, again.hiddenLayersSizes, again.nOuts]).toEqual([784, [20, 15], 10]);
  });

  test("stopped while pretraining, it saves and skips fine-tuning", async () => {
    const bestModel = join(folder, "stopped.npz");
    const signal = { aborted: false };
    const r = await testDbn({ data: FEW, hiddenLayersSizes: [8], pretrainingEpochs: 3, bestModel, log: () => undefined, signal, progress: ({ batch }) => (signal.aborted ||= batch === 3) });
    expect([r.interrupted, r.finetuning, r.pretrainingCosts[0]?.length]).toEqual([true, null, 1]);
    const kept = await (await loadDbn(bestModel)).rbmLayers[0]?.vbias.getValue();
    expect(kept?.data).toEqual((await r.dbn.rbmLayers[0]?.vbias.getValue())?.data);
  });
});
