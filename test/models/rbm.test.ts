/**
 * RBM: initial weights, free energy and whole training steps (PCD-2 and CD-2, NumPy streams) against an independent NumPy program;
 * the program on a few drawn digits.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compile, config, type NdArray, numpy as np, RandomStreams, shared, T } from "../../src/index.js";
import { minibatch } from "../../src/models/logistic_sgd.js";
import { RBM } from "../../src/models/rbm.js";
import { loadRbm, sampleRbm, testRbm } from "../../src/models/rbm_program.js";
import { FEW, quiet } from "./data.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-rbm-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** 12 examples of 6 pixels, multiples of 1/256 and some exactly one half or integer. */
const PIXELS = np.asarray(Array.from({ length: 72 }, (_, i) => Math.min(((i * 37) % 101) / 128, 255 / 256)), { dtype: "float64" }).reshape([12, 6]);

/** Four training steps of a 6-4 RBM with the article's seeds. */
async function fourSteps(persistent: boolean) {
  const index = T.lscalar();
  const x = T.matrix("x");
  const rng = new np.random.RandomState(123);
  const theanoRng = new RandomStreams(rng.randint(2 ** 30));
  const rbm = new RBM({ input: x, nVisible: 6, nHidden: 4, numpyRng: rng, theanoRng });
  const chain = persistent ? shared(np.zeros([3, 4], { dtype: config.floatX })) : null;
  const [cost, updates] = rbm.getCostUpdates({ lr: 0.1, persistent: chain, k: 2 });
  const train = compile([index], cost, { updates, givens: [[x, minibatch(shared(PIXELS), index, 3)]] });
  const costs: number[] = [];
  for (let i = 0; i < 4; i++) costs.push(Number(await train(i)));
  return { costs, W0: [...(await rbm.W.getValue()).data.subarray(0, 4)], hbias: [...(await rbm.hbias.getValue()).data], vbias: [...(await rbm.vbias.getValue()).data] };
}

function expectClose(actual: readonly number[], expected: readonly number[], digits = 12): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, x] of expected.entries()) expect(actual[i]).toBeCloseTo(x, digits);
}

describe("in float64, against NumPy", () => {
  const { floatX, device } = config;
  beforeEach(() => {
    config.floatX = "float64";
    config.device = "reference";
  });
  afterEach(() => {
    config.floatX = floatX;
    config.device = device;
  });

  test("initial weights of the article's rbm.py", async () => {
    const rng = new np.random.RandomState(123);
    expect(rng.randint(2 ** 30)).toBe(843828734);
    const W = await new RBM({ numpyRng: rng, theanoRng: new RandomStreams(1) }).W.getValue();
    expectClose([...W.data.subarray(0, 4)], [0.11645861, -0.03911701, 0.10438896, 0.11984645], 8);
    expect(W.data.at(-1)).toBeCloseTo(0.23165458854559234, 15);
    expect(np.sum(W)).toBeCloseTo(256.235555889702, 9);
  });

  test("free energy", async () => {
    const rbm = new RBM({ nVisible: 6, nHidden: 4 });
    rbm.W.setValue(np.asarray(Array.from({ length: 24 }, (_, i) => i / 10 - 1)).reshape([6, 4]));
    rbm.hbias.setValue([0.1, -0.2, 0.3, 0]);
    rbm.vbias.setValue([0, 0.5, -0.5, 0.25, 1, -1]);
    const f = compile([rbm.input], rbm.freeEnergy(rbm.input));
    const energies = (await f(np.asarray(PIXELS.data.slice(0, 12)).reshape([2, 6]))) as NdArray;
    expectClose([...energies.data], [-4.725736875960463, -3.615346731017513]);
  });

  test("PCD-2", async () => {
    const r = await fourSteps(true);
    expectClose(r.costs, [-11.97155882953423, -5.4664516866982416, -3.161370214125423, -5.424621587535249]);
    expectClose(r.W0, [1.2799164054987342, -0.4627983429196991, 1.0335820804938578, 1.260218105781549]);
    expectClose(r.hbias, [-0.00569691644888704, 0.02622938706209672, -0.03563261386796204, -0.02700686057936284]);
    expectClose(r.vbias, [-0.14036458333333335, 0.03671875000000001, 0.01380208333333334, -0.16171875, -0.11796875, -0.13385416666666666]);
  });

  test("CD-2", async () => {
    const r = await fourSteps(false);
    expectClose(r.costs, [-6.923095333192987, -5.103260068111999, -6.138657172263266, -6.476616508718412]);
    expectClose(r.W0, [1.285353580993802, -0.48512254497080437, 1.0782486072071362, 1.2681302650882482]);
    expectClose(r.hbias, [-0.00755663256789833, -0.04652814235254821, -0.00184937518436933, -0.0577118100236869]);
    expectClose(r.vbias, [-0.10703125, -0.09661458333333334, 0.04713541666666667, -0.19505208333333335, -0.05130208333333334, -0.0671875]);
  });
});

describe("testRbm", () => {
  const small = { data: FEW, nHidden: 16, k: 2, batchSize: 20, nChains: 5, nSamples: 2, plotEvery: 5 } as const;

  test("learns, draws filters and samples, and its file gives the same model", async () => {
    const { lines, log } = quiet();
    const outputFolder = join(folder, "plots");
    const r = await testRbm({ ...small, trainingEpochs: 4, outputFolder, log });
    expect(r.costs).toHaveLength(4);
    expect(r.costs.at(-1)).toBeGreaterThan(r.costs[0] as number);
    expect(lines[1]).toMatch(/^Training epoch 0, cost is -\d+\.\d+$/);
    expect(lines.at(-1)).toBe(" ... plotting sample 1");
    expect(lines.some((l) => /^Training took \d+\.\d{6} minutes$/.test(l))).toBe(true);
    const filters = PNG.sync.read(await readFile(join(outputFolder, "filters_at_epoch_3.png")));
    expect([filters.width, filters.height]).toEqual([289, 289]);
    const samples = PNG.sync.read(await readFile(join(outputFolder, "samples.png")));
    expect([samples.width, samples.height]).toEqual([29 * 5 - 1, 29 * 2 + 1]);
    expect(new Set(samples.data).size).toBeGreaterThan(10);
    const again = await loadRbm(join(outputFolder, "rbm.npz"));
    expect((await again.W.getValue()).data).toEqual((await r.rbm.W.getValue()).data);
    expect([again.nVisible, again.nHidden]).toEqual([784, 16]);
    const sampled = await sampleRbm({ ...small, model: join(outputFolder, "rbm.npz"), outputFolder: join(folder, "samples"), log });
    expect(PNG.sync.read(await readFile(sampled.file)).width).toBe(29 * 5 - 1);
  });

  test("stopped in an epoch, it still writes pictures and the model", async () => {
    const outputFolder = join(folder, "stopped");
    const signal = { aborted: false };
    const r = await testRbm({ ...small, trainingEpochs: 4, outputFolder, log: () => undefined, signal, progress: ({ batch }) => (signal.aborted ||= batch === 2) });
    expect([r.interrupted, r.costs.length]).toEqual([true, 1]);
    expect(r.files.map((f) => f.slice(outputFolder.length + 1))).toEqual(["filters_at_epoch_0.png", "rbm.npz", "samples.png"]);
    expect((await (await loadRbm(join(outputFolder, "rbm.npz"))).hbias.getValue()).data).toEqual((await r.rbm.hbias.getValue()).data);
  });
});
