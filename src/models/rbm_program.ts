/**
 * The second half of the article's rbm.py: `testRbm` trains an RBM by PCD, draws its filters after each epoch and samples from it.
 * On the public API only.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { compile, type CompiledFunction, config, NdArray, numpy as np, type RandomState, RandomStreams, savePng, scan, shared, type SharedVariable, T, Updates, type Variable } from "../index.js";
import { type DataOptions, loadData, minibatch, type ScalarFunction } from "./logistic_sgd.js";
import { loadModel, restoreParams, saveModel } from "./model_files.js";
import { fixed, floatText, Watcher } from "./observe.js";
import { begin } from "./program.js";
import { RBM } from "./rbm.js";
import { plotFilters, tileRasterImages } from "./utils.js";

export interface SampleOptions {
  /** Chains side by side in the picture. */
  readonly nChains?: number | undefined;
  /** Rows of the picture. */
  readonly nSamples?: number | undefined;
  /** Gibbs steps from row to row. */
  readonly plotEvery?: number | undefined;
  /** Folder of the pictures and the model; made if needed. */
  readonly outputFolder?: string | undefined;
}

export interface TestRbmOptions extends DataOptions, SampleOptions {
  readonly learningRate?: number | undefined;
  readonly trainingEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly nHidden?: number | undefined;
  /** Gibbs steps of the negative phase. */
  readonly k?: number | undefined;
  /** Keep the chains from minibatch to minibatch (PCD); false is CD. */
  readonly persistent?: boolean | undefined;
  /** Seed of weights and random streams. */
  readonly seed?: number | undefined;
}

export type SampleFunction = CompiledFunction<readonly [Variable, Variable]>;

export interface RbmResult {
  readonly rbm: RBM;
  /** Mean monitoring cost of each epoch. */
  readonly costs: readonly number[];
  readonly files: readonly string[];
  readonly trainRbm: ScalarFunction;
  /** Null when the program was stopped before it sampled. */
  readonly sampleFn: SampleFunction | null;
  readonly interrupted: boolean;
}

/** The function that does one step on minibatch `index` and gives its monitoring cost. */
export function buildTrainRbm(rbm: RBM, trainSetX: SharedVariable, { batchSize, learningRate, persistent, k }: { readonly batchSize: number; readonly learningRate: number; readonly persistent: boolean; readonly k: number }): ScalarFunction {
  const index = T.lscalar();
  const persistentChain = persistent ? shared(np.zeros([batchSize, rbm.nHidden], { dtype: config.floatX }), { name: "persistent_chain", borrow: true }) : null;
  const [cost, updates] = rbm.getCostUpdates({ lr: learningRate, persistent: persistentChain, k });
  return compile([index], cost, { updates, givens: [[rbm.input, minibatch(trainSetX, index, batchSize)]], name: "train_rbm" });
}

/** Trains by PCD-k (CD-k unless `persistent`), saves filters after each epoch, samples and the model. */
export async function testRbm(options: TestRbmOptions = {}): Promise<RbmResult> {
  const { learningRate = 0.1, trainingEpochs = 15, batchSize = 20, outputFolder = "rbm_plots", nHidden = 500, k = 15, persistent = true, seed = 123 } = options;
  const settings = { program: "rbm", learningRate, trainingEpochs, batchSize, nHidden, k, persistent, seed };
  const { watcher, training, datasets: [[trainSetX], , [testSetX]], nTrainBatches } = await begin(options, settings);
  const x = T.matrix("x");
  const rng = new np.random.RandomState(seed);
  const theanoRng = new RandomStreams(rng.randint(2 ** 30));
  const rbm = new RBM({ input: x, nVisible: 28 * 28, nHidden, numpyRng: rng, theanoRng });
  const trainRbm = buildTrainRbm(rbm, trainSetX, { batchSize, learningRate, persistent, k });
  await mkdir(outputFolder, { recursive: true });

  const files: string[] = [];
  for await (const epoch of training.epochs({ phase: "training", nEpochs: trainingEpochs, nBatches: nTrainBatches, updates: trainRbm.graph.updates })) {
    for await (const batchIndex of epoch.minibatches) epoch.costs.push(Number(await trainRbm(batchIndex)));
    if (epoch.complete) watcher.log(`Training epoch ${epoch.index}, cost is ${floatText(np.mean(epoch.costs))}`);
    files.push(join(outputFolder, `filters_at_epoch_${epoch.index}.png`));
    await plotFilters(rbm.W, files.at(-1) as string);
  }
  await training.close();
  watcher.log(`Training took ${fixed(training.seconds / 60)} minutes`);
  files.push(join(outputFolder, "rbm.npz"));
  await saveRbm(files.at(-1) as string, rbm);
  const sampled = await sampleFrom(rbm, testSetX, rng, watcher, { ...options, outputFolder });
  return { rbm, costs: training.costs("training"), files: [...files, sampled.file], trainRbm, sampleFn: sampled.sampleFn, interrupted: watcher.aborted };
}

/** A function that runs the chains for `plotEvery` steps from the visible state and gives the last mean and sample. */
function buildSampleFn(rbm: RBM, persistentVisChain: SharedVariable, plotEvery: number): SampleFunction {
  const [[, , , , visMfs, visSamples], scanUpdates] = scan({
    fn: (v0Sample: Variable) => rbm.gibbsVhv(v0Sample),
    outputsInfo: [null, null, null, null, null, persistentVisChain],
    nSteps: plotEvery,
    name: "gibbs_vhv",
  });
  const updates = new Updates(scanUpdates);
  updates.set(persistentVisChain, visSamples.get(-1));
  return compile([], [visMfs.get(-1), visSamples.get(-1)] as const, { updates, name: "sample_fn" });
}

/** Starts chains at test examples and draws them every `plotEvery` steps: one row of samples.png each. */
async function sampleFrom(rbm: RBM, testSetX: SharedVariable, rng: RandomState, watcher: Watcher, options: SampleOptions & { outputFolder: string }): Promise<{ sampleFn: SampleFunction; file: string }> {
  const { nChains = 20, nSamples = 10, plotEvery = 1000, outputFolder } = options;
  const numberOfTestSamples = testSetX.valueShape[0] as number;
  const testIdx = rng.randint(numberOfTestSamples - nChains);
  const testX = await testSetX.getValue();
  const first = testX.data.slice(testIdx * rbm.nVisible, (testIdx + nChains) * rbm.nVisible);
  const persistentVisChain = shared(new NdArray(first, [nChains, rbm.nVisible], testX.dtype));
  const sampleFn = buildSampleFn(rbm, persistentVisChain, plotEvery);
  const width = 29 * nChains - 1;
  const imageData = np.zeros([29 * nSamples + 1, width], { dtype: "int32" });
  // A program that was asked to stop still draws one row.
  const done = watcher.epoch({ phase: "sampling", epoch: 0, nEpochs: 1, nBatches: nSamples });
  for (let idx = 0; idx < nSamples; idx++) {
    const [visMf] = await sampleFn();
    watcher.log(` ... plotting sample ${idx}`);
    const tile = tileRasterImages(visMf as NdArray, { imgShape: [28, 28], tileShape: [1, nChains], tileSpacing: [1, 1] });
    imageData.data.set(tile.data, 29 * idx * width);
    if (!(await done(idx, Number.NaN))) break;
  }
  const file = join(outputFolder, "samples.png");
  await savePng(file, imageData);
  return { sampleFn, file };
}

/** Writes weights and biases as an .npz that `loadRbm` and NumPy read. */
export async function saveRbm(path: string, rbm: RBM): Promise<void> {
  await saveModel(path, "rbm", rbm.named, { nVisible: rbm.nVisible, nHidden: rbm.nHidden });
}

/** The model of a file, with streams from `seed`. Throws what `loadModel` and `restoreParams` throw. */
export async function loadRbm(path: string, { seed = 123 }: { readonly seed?: number | undefined } = {}): Promise<RBM> {
  const saved = await loadModel(path, "rbm");
  const rbm = new RBM({ nVisible: saved.size("nVisible"), nHidden: saved.size("nHidden"), numpyRng: new np.random.RandomState(seed) });
  restoreParams(path, saved, rbm.named);
  return rbm;
}

export interface SampleRbmOptions extends DataOptions, SampleOptions {
  /** A file that `testRbm` saved. */
  readonly model: string;
  readonly seed?: number | undefined;
}

/** The sampling half of `testRbm` with a saved model. */
export async function sampleRbm(options: SampleRbmOptions): Promise<{ readonly sampleFn: SampleFunction; readonly file: string; readonly interrupted: boolean }> {
  const { model, seed = 123, outputFolder = "rbm_plots" } = options;
  const watcher = new Watcher(options);
  const rbm = await loadRbm(model, { seed });
  watcher.log("... loading data");
  const [, , [testSetX]] = await loadData(options.dataset, options.data);
  await mkdir(outputFolder, { recursive: true });
  const sampled = await sampleFrom(rbm, testSetX, new np.random.RandomState(seed), watcher, { ...options, outputFolder });
  return { ...sampled, interrupted: watcher.aborted };
}
