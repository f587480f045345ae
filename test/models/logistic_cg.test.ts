/** logistic_cg: SciPy 1.10.1's iterates on the drawn digits, the tutorial's lines, the file; stopped and resumed it is the same minimisation. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, config, type NdArray, numpy as np, T } from "../../src/index.js";
import { cgOptimizationMnist, loadThetaRegression, ThetaRegression } from "../../src/models/logistic_cg.js";
import { predictWith } from "../../src/models/logistic_sgd_program.js";
import { Watcher } from "../../src/models/observe.js";
import { FEW, quiet } from "./data.js";

let folder = "";
const before = { ...config };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-cg-"));
});
afterAll(async () => {
  Object.assign(config, before);
  await rm(folder, { recursive: true });
});

test("W and b are views of theta", async () => {
  Object.assign(config, { device: "reference", floatX: "float64" });
  const { theta, W, b } = new ThetaRegression({ input: T.matrix("x"), nIn: 2, nOut: 3 });
  theta.setValue(np.asarray([0, 1, 2, 3, 4, 5, 6, 7, 8], { dtype: "float64" }));
  const [w, bias] = (await compile([], [W, b] as const)()) as readonly [NdArray, NdArray];
  expect([w.toArray(), bias.toArray()]).toEqual([[[0, 1, 2], [3, 4, 5]], [6, 7, 8]]);
});

/** Of NumPy and scipy.optimize.fmin_cg: cost of the training set and validation error after each iteration. */
const BY_SCIPY = [
  [1.72949064644119, 0.66], [1.16439193646513, 0.29], [0.735771369409342, 0.21], [0.643632162136524, 0.31], [0.540464847010091, 0.29], [0.399939291680118, 0.23],
  [0.3471028608085, 0.17], [0.31434260971315, 0.17], [0.280074652341298, 0.18], [0.235909650115958, 0.16], [0.188534504973732, 0.16], [0.176019875857161, 0.16],
] as const;

describe.each(["reference", "wasm"])("cgOptimizationMnist on %s in float64", (device) => {
  test("iterates of SciPy, the tutorial's lines, the file predicts as well", async () => {
    Object.assign(config, { device, floatX: "float64" });
    const { lines, log } = quiet();
    const bestModel = join(folder, `${device}.npz`);
    const r = await cgOptimizationMnist({ data: FEW, batchSize: 50, nEpochs: 12, bestModel, log });
    // Rounding grows from iteration to iteration.
    for (const [i, [cost]] of BY_SCIPY.entries()) expect(Math.abs(r.costs[i]! - cost)).toBeLessThan(1e-9);
    expect(r.validationLosses.map((v) => v.toFixed(6))).toEqual(BY_SCIPY.map(([, error]) => error.toFixed(6)));
    expect([r.bestValidationLoss, r.testScore]).toEqual([expect.closeTo(0.16, 12), expect.closeTo(0.16, 12)]);
    expect(lines.slice(0, 4)).toEqual(["... loading data", "... building the model", "Optimizing using fmin_cg...", "validation error 66.000000 %"]);
    expect(lines.slice(-2)).toEqual(["Optimization complete with best validation score of 16.000000 %, with test performance 16.000000 %", expect.stringMatching(/^The code for file logistic_cg\.ts ran for \d+\.\ds$/)]);
    const { input, yPred } = await loadThetaRegression(bestModel);
    const { predicted, labels } = await predictWith(input, yPred, { data: FEW, count: 100, watcher: new Watcher({ log }) });
    expect(predicted.filter((p, i) => p !== labels[i])).toHaveLength(16);
  });
});

test("ends where nothing is left to gain", async () => {
  Object.assign(config, { device: "wasm", floatX: "float32" });
  const r = await cgOptimizationMnist({ data: { seed: 7, sizes: { train: 20, valid: 20, test: 20 } }, batchSize: 20, nEpochs: 500, log: () => undefined });
  expect(r.costs.length).toBeLessThan(500);
  expect(r.costs.at(-1)).toBeLessThan(0.001);
  expect([...r.costs].sort((a, b) => b - a)).toEqual(r.costs);
});
