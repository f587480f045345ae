/**
 * The second half of the article's DBN.py: `testDbn` pretrains each layer as an RBM, then trains the whole network with early stopping.
 * On the public API only.
 */
import { numpy as np } from "../index.js";
import { DBN } from "./dbn.js";
import { type StoppingResult, trainWithEarlyStopping, verdict } from "./early_stopping.js";
import { type DataOptions, dataSettings, loadData, numberOfBatches, type ScalarFunction } from "./logistic_sgd.js";
import { loadModel, restoreParams, saveModel } from "./model_files.js";
import { fixed, floatText, Watcher } from "./observe.js";
import { Training } from "./training.js";

export interface TestDbnOptions extends DataOptions {
  readonly finetuneLr?: number | undefined;
  readonly pretrainingEpochs?: number | undefined;
  readonly pretrainLr?: number | undefined;
  /** Gibbs steps of CD-k. */
  readonly k?: number | undefined;
  readonly trainingEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly hiddenLayersSizes?: readonly number[] | undefined;
  /** Seed of weights and random streams. */
  readonly seed?: number | undefined;
  /** Where the best model (or the interrupted one) is saved; null (default) saves none. */
  readonly bestModel?: string | null | undefined;
}

export interface DbnResult {
  readonly dbn: DBN;
  /** Mean reconstruction cost of each pretraining epoch, by layer. */
  readonly pretrainingCosts: readonly (readonly number[])[];
  readonly pretrainingFns: readonly ScalarFunction[];
  /** Null when the program was stopped while pretraining. */
  readonly finetuning: (StoppingResult & { readonly trainFn: ScalarFunction }) | null;
  readonly interrupted: boolean;
}

/** Layer by layer: gives the mean costs of the epochs of each. */
async function pretrain(pretrainingFns: readonly ScalarFunction[], nBatches: number, { nEpochs, lr }: { nEpochs: number; lr: number }, training: Training): Promise<number[][]> {
  const phases = pretrainingFns.map((_, i) => `pre-training layer ${i}`);
  for (const [i, pretrainingFn] of pretrainingFns.entries()) {
    for await (const epoch of training.epochs({ phase: phases[i] as string, nEpochs, nBatches, updates: pretrainingFn.graph.updates })) {
      for await (const index of epoch.minibatches) epoch.costs.push(Number(await pretrainingFn({ index, lr })));
      if (epoch.complete) training.watcher.log(`Pre-training layer ${i}, epoch ${epoch.index}, cost ${floatText(np.mean(epoch.costs))}`);
    }
  }
  training.watcher.log(`The pretraining code for file dbn.ts ran for ${fixed(training.seconds / 60, 2)}m`);
  return phases.map((phase) => training.costs(phase));
}

/** Pretrains and fine-tunes a deep belief network. */
export async function testDbn(options: TestDbnOptions = {}): Promise<DbnResult> {
  const { finetuneLr = 0.1, pretrainingEpochs = 100, pretrainLr = 0.01, k = 1, trainingEpochs = 1000, dataset, batchSize = 10, hiddenLayersSizes = [1000, 1000, 1000], seed = 123, bestModel = null } = options;
  const watcher = new Watcher(options);
  const settings = { program: "dbn", finetuneLr, pretrainingEpochs, pretrainLr, k, trainingEpochs, batchSize, hiddenLayersSizes, seed, ...dataSettings(options) };
  const training = await Training.open(watcher, { checkpoint: options.checkpoint, options: settings });
  watcher.log("... loading data");
  const datasets = await loadData(dataset, options.data);
  const [[trainSetX]] = datasets;
  const nTrainBatches = numberOfBatches(trainSetX, batchSize, options.maxBatches);
  const numpyRng = new np.random.RandomState(seed);
  watcher.log("... building the model");
  const dbn = new DBN({ numpyRng, nIns: 28 * 28, hiddenLayersSizes, nOuts: 10 });

  watcher.log("... getting the pretraining functions");
  const pretrainingFns = dbn.pretrainingFunctions({ trainSetX, batchSize, k });
  watcher.log("... pre-training the model");
  const pretrainingCosts = await pretrain(pretrainingFns, nTrainBatches, { nEpochs: pretrainingEpochs, lr: pretrainLr }, training);
  const save = async (): Promise<void> => {
    if (bestModel !== null) await saveDbn(bestModel, dbn);
  };
  if (watcher.aborted) {
    await training.close();
    await save();
    return { dbn, pretrainingCosts, pretrainingFns, finetuning: null, interrupted: true };
  }

  watcher.log("... getting the finetuning functions");
  const { trainFn, validScore: validateModel, testScore: testModel } = dbn.buildFinetuneFunctions({ datasets, batchSize, learningRate: finetuneLr });
  watcher.log("... finetuning the model");
  const result = await trainWithEarlyStopping(
    {
      phase: "finetuning",
      trainModel: async (minibatchIndex) => Number(await trainFn(minibatchIndex)),
      updates: trainFn.graph.updates,
      validateModel,
      testModel,
      nTrainBatches,
      nEpochs: trainingEpochs,
      patience: 4 * nTrainBatches,
      saveBest: save,
    },
    training,
  );
  if (result.validationLosses.length === 0) await save();
  watcher.log(
    `${verdict(result)} with best validation score of ${fixed(result.bestValidationLoss * 100)} %, obtained at iteration ${result.bestIter + 1}, with test performance ${fixed(result.testScore * 100)} %`,
  );
  watcher.log(`The fine tuning code for file dbn.ts ran for ${fixed(result.seconds / 60, 2)}m`);
  return { dbn, pretrainingCosts, pretrainingFns, finetuning: { ...result, trainFn }, interrupted: result.interrupted };
}

/** Writes the parameters of all layers as an .npz that `loadDbn` and NumPy read. */
export async function saveDbn(path: string, dbn: DBN): Promise<void> {
  await saveModel(path, "dbn", dbn.named, { nIns: dbn.nIns, hiddenLayersSizes: dbn.hiddenLayersSizes, nOuts: dbn.nOuts });
}

/** The model of a file. Throws what `loadModel` and `restoreParams` throw. */
export async function loadDbn(path: string, { seed = 123 }: { readonly seed?: number | undefined } = {}): Promise<DBN> {
  const saved = await loadModel(path, "dbn");
  const dbn = new DBN({ numpyRng: new np.random.RandomState(seed), nIns: saved.size("nIns"), hiddenLayersSizes: saved.sizes("hiddenLayersSizes"), nOuts: saved.size("nOuts") });
  restoreParams(path, saved, dbn.named);
  return dbn;
}
