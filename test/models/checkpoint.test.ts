/**
 * Trainings in pieces: stopped or killed after some minibatches and resumed from the file with everything built anew, they give the bits of a
 * training in one piece: weights, chains, states of random streams, costs, log, pictures. Files that do not fit are refused.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { closeDevices, config, loadArrays, numpy as np, saveArrays, shared } from "../../src/index.js";
import { testCA } from "../../src/models/ca.js";
import type { CheckpointOptions } from "../../src/models/checkpoint.js";
import { testDA } from "../../src/models/da.js";
import { testDbn } from "../../src/models/dbn_program.js";
import { cgOptimizationMnist } from "../../src/models/logistic_cg.js";
import type { DataOptions } from "../../src/models/logistic_sgd.js";
import { sgdOptimizationMnist } from "../../src/models/logistic_sgd_program.js";
import { testMlp } from "../../src/models/mlp.js";
import { Watcher } from "../../src/models/observe.js";
import { testRbm } from "../../src/models/rbm_program.js";
import { testSdA } from "../../src/models/sda.js";
import { Training } from "../../src/models/training.js";
import { quiet } from "./data.js";

let folder = "";
let files = 0;
const newFile = (): string => join(folder, `${files++}`, "checkpoint.npz");
const { floatX, device } = config;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-checkpoint-"));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  config.device = "reference";
});
afterEach(() => {
  config.device = device;
  config.floatX = floatX;
});

type Program = (options: DataOptions & { readonly folder: string }) => Promise<unknown>;

/** Ten minibatches of ten. */
const data = { seed: 7, sizes: { train: 100, valid: 40, test: 40 } } as const;
const rbm = (persistent: boolean): Program => ({ folder: outputFolder, ...options }) =>
  testRbm({ ...options, data, outputFolder, persistent, nHidden: 5, k: 2, batchSize: 10, trainingEpochs: 3, nChains: 3, nSamples: 2, plotEvery: 2 });
const dbn: Program = (options) => testDbn({ ...options, data, hiddenLayersSizes: [5, 4], pretrainingEpochs: 2, trainingEpochs: 4, finetuneLr: 0.5 });
const mlp: Program = (options) => testMlp({ ...options, data, nHidden: 4, batchSize: 10, nEpochs: 4 });
const logistic: Program = (options) => sgdOptimizationMnist({ ...options, data, bestModel: null, batchSize: 10, nEpochs: 4 });
const da: Program = ({ folder: outputFolder, ...options }) => testDA({ ...options, data, outputFolder, nHidden: 5, batchSize: 10, trainingEpochs: 2 });
const ca: Program = ({ folder: outputFolder, ...options }) => testCA({ ...options, data, outputFolder, nHidden: 5, batchSize: 10, trainingEpochs: 3 });
const sda: Program = (options) => testSdA({ ...options, data, hiddenLayersSizes: [5, 4], batchSize: 10, pretrainingEpochs: 2, trainingEpochs: 4, finetuneLr: 0.5 });
const cg: Program = (options) => cgOptimizationMnist({ ...options, data, batchSize: 20, nEpochs: 6 });

/** Log lines that tell numbers of the training, and not times or files. */
const TOLD = /^(Training epoch|Pre-training| ?epoch|validation error|Optimization complete)/;

/** Runs a program that is stopped (or killed: it throws) after so many minibatches more, and again from its checkpoint; the last run ends by itself. */
async function inPieces(program: Program, pieces: readonly number[], how: "stop" | "kill" = "stop"): Promise<{ readonly file: string; readonly lines: readonly string[]; readonly told: readonly string[] }> {
  const path = newFile();
  const lines: string[] = [];
  for (const [i, piece] of [...pieces, Number.POSITIVE_INFINITY].entries()) {
    const signal = { aborted: false };
    let minibatches = 0;
    const progress = (): void => {
      if (++minibatches < piece) return;
      if (how === "kill") throw new Error("killed");
      signal.aborted = true;
    };
    const checkpoint: CheckpointOptions = { path, resume: i > 0, ...(how === "kill" ? { minutes: 0 } : {}) };
    const run = program({ log: (line) => lines.push(line), progress, signal, checkpoint, folder: join(path, "..") });
    if (how === "kill" && piece < Number.POSITIVE_INFINITY) await expect(run).rejects.toThrow("killed");
    else await run;
  }
  return { file: path, lines, told: lines.filter((l) => TOLD.test(l)) };
}

/** Everything in a checkpoint but the time it took, as bytes. */
async function bitsOf(file: string): Promise<Record<string, string>> {
  const { arrays } = await loadArrays(file);
  const kept = Object.entries(arrays).filter(([name]) => !name.endsWith(" seconds"));
  return Object.fromEntries(kept.map(([name, a]) => [name, `${a} ${Buffer.from(a.data.buffer, a.data.byteOffset, a.data.byteLength).toString("base64")}`]));
}

describe.each([["float32", "reference"], ["float64", "reference"], ["float32", "wasm"], ["float64", "wasm"]] as const)("%s on %s", (dtype, on) => {
  beforeEach(() => {
    config.floatX = dtype;
    config.device = on;
  });
  afterAll(closeDevices);

  // Pieces end within an epoch, with an epoch's last minibatch, within another phase.
  test.each<[string, Program, readonly number[], readonly string[]]>([
    ["RBM, PCD", rbm(true), [3, 7, 5], ["training.W", "training.hbias", "training.vbias", "training.persistent_chain", "training.rng", "training.rng.1", "training.bit_i_idx", "training costs", "training means", "training batch"]],
    ["RBM, CD", rbm(false), [13], ["training.rng", "training.rng.1", "training.rng.2"]],
    ["DBN", dbn, [5, 18, 17, 13], ["pre-training layer 0.W", "pre-training layer 1.vbias", "pre-training layer 1.rng.1", "finetuning.W", "finetuning best patience", "finetuning best validationLosses"]],
    ["MLP", mlp, [15, 10], ["training.W", "training.W.1"]],
    ["logistic regression", logistic, [15], ["training.W", "training.b"]],
    ["logistic regression by conjugate gradients", cg, [2, 1], ["training.theta", "conjugate gradient direction", "conjugate gradient previousValue", "training best validationLosses"]],
    ["dA", da, [5, 18], ["training with 0 % corruption.rng", "training with 30 % corruption.rng", "training with 30 % corruption.b_prime"]],
    ["cA", ca, [4, 9], ["training.W", "jacobian squares", "jacobian means"]],
    ["SdA", sda, [5, 28, 15], ["pre-training layer 1.b_prime", "pre-training layer 1.rng", "finetuning.W", "finetuning best patience"]],
  ])("%s", async (_, program, pieces, names) => {
    const whole = await inPieces(program, []);
    const stopped = await inPieces(program, pieces);
    const bits = await bitsOf(whole.file);
    expect(Object.keys(bits)).toEqual(expect.arrayContaining([...names]));
    expect(await bitsOf(stopped.file)).toEqual(bits);
    expect(whole.told.length).toBeGreaterThan(2);
    expect(stopped.told.filter((l) => !l.startsWith("Stopped"))).toEqual(whole.told);
  }, 120_000);

  test("killed, with a checkpoint after each minibatch", async () => {
    const whole = await inPieces(dbn, []);
    const killed = await inPieces(dbn, [5, 18, 17, 13], "kill");
    expect(await bitsOf(killed.file)).toEqual(await bitsOf(whole.file));
    // What was told after the last writing is told again.
    expect([...new Set(killed.told)]).toEqual(whole.told);
  }, 120_000);
});

test("samples and filters of an RBM are those of a training in one piece", async () => {
  const whole = await inPieces(rbm(true), []);
  const stopped = await inPieces(rbm(true), [14]);
  for (const name of ["filters_at_epoch_2.png", "samples.png"]) expect(await readFile(join(stopped.file, "..", name))).toEqual(await readFile(join(whole.file, "..", name)));
});

test("a finished training that is resumed only tells its end", async () => {
  const { file, told } = await inPieces(dbn, []);
  const { lines, log } = quiet();
  await dbn({ log, checkpoint: { path: file, resume: true }, folder });
  expect(lines.filter((l) => TOLD.test(l))).toEqual(told.slice(-1));
  // Without resume it may be overwritten.
  await dbn({ log, checkpoint: { path: file }, folder });
  expect(lines.filter((l) => TOLD.test(l))).toEqual([...told.slice(-1), ...told]);
});

test("the log says where it goes on", async () => {
  const { lines, file } = await inPieces(dbn, [5, 41]);
  expect(lines.filter((l) => l.startsWith("Going on") || l.startsWith("Stopped: "))).toEqual([
    `Stopped: ${file} is where to resume (--resume).`, "Going on with pre-training layer 0 after 0 epochs and 5 minibatches",
    `Stopped: ${file} is where to resume (--resume).`, "Going on with finetuning after 0 epochs and 6 minibatches",
  ]);
});

describe("a checkpoint is refused", () => {
  const stopped = async (): Promise<string> => {
    const path = newFile();
    await logistic({ log: () => undefined, signal: { aborted: true }, checkpoint: { path }, folder });
    return path;
  };
  const resume = (path: string, options: object = {}) => logistic({ log: () => undefined, checkpoint: { path, resume: true }, folder, ...options });

  test("with other options, which are named", async () => {
    const path = await stopped();
    await expect(resume(path, { maxBatches: 3 })).rejects.toMatchObject({ code: "checkpoint-options", message: expect.stringContaining("had other options: maxBatches.\n  maxBatches: null in the checkpoint, 3 now") as unknown });
    config.floatX = floatX === "float32" ? "float64" : "float32";
    await expect(resume(path)).rejects.toMatchObject({ code: "checkpoint-options", message: expect.stringContaining("options: floatX.") as unknown });
    config.floatX = floatX;
    await expect(mlp({ log: () => undefined, checkpoint: { path, resume: true }, folder })).rejects.toMatchObject({ code: "checkpoint-options", message: expect.stringContaining('program: "logistic_sgd" in the checkpoint, "mlp" now') as unknown });
  });

  test("when it would be overwritten unfinished", async () => {
    const path = await stopped();
    await expect(resume(path, { checkpoint: { path } })).rejects.toMatchObject({ code: "checkpoint-unfinished" });
  });

  test("when it is none, or is missing", async () => {
    const path = newFile();
    await expect(resume(path)).rejects.toMatchObject({ code: "file-read" });
    await saveArrays(path, {}, { model: "rbm" });
    await expect(resume(path)).rejects.toMatchObject({ code: "checkpoint-version" });
  });

  test("when a value is of another shape or dtype, or is missing", async () => {
    const path = newFile();
    const train = async (shape: readonly number[], { dtype = "float32", name = "w", aborted = false, resume: go = true } = {}): Promise<void> => {
      const w = shared(np.zeros(shape, { dtype }), { name });
      const training = await Training.open(new Watcher({ log: () => undefined, signal: { aborted } }), { checkpoint: { path, resume: go } });
      for await (const epoch of training.epochs({ phase: "p", nEpochs: 1, nBatches: 1, updates: [[w, w]] })) for await (const _ of epoch.minibatches) epoch.costs.push(0);
      await training.close();
    };
    await train([2], { aborted: true, resume: false });
    for (const attempt of [() => train([3]), () => train([2], { dtype: "float64" }), () => train([2], { name: "v" })]) await expect(attempt()).rejects.toMatchObject({ code: "checkpoint-value" });
    await train([2]);
  });
});

test("NumPy's numbers of what is done", async () => {
  const { file } = await inPieces(logistic, []);
  const { arrays, meta } = await loadArrays(file);
  expect(meta).toMatchObject({ checkpoint: 1, finished: true, run: { program: "logistic_sgd", batchSize: 10, floatX: "float32", device: "reference", dataset: "digits", digits: { seed: 7, train: 100 } } });
  expect(arrays["training means"]?.shape).toEqual([4]);
  expect(arrays["training costs"]?.shape).toEqual([0]);
});
