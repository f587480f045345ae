/**
 * The second half of the article's DBN.py: `testDbn` pretrains each layer as an RBM, then trains the whole network with early stopping.
 * On the public API only.
 */
import { numpy as np } from "../index.js";
import { DBN } from "./dbn.js";
import { type StoppingResult, trainWithEarlyStopping } from "./early_stopping.js";
import { type DataOptions, loadData, numberOfBatches, type ScalarFunction } from "./logistic_sgd.js";
import { loadModel, restoreParams, saveModel } from "./model_files.js";
import { defaultTimer, fixed, floatText, Watcher } from "./observe.js";

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
async function pretrain(pretrainingFns: readonly ScalarFunction[], nTrainBatches: number, { pretrainingEpochs, pretrainLr }: { pretrainingEpochs: number; pretrainLr: number }, watcher: Watcher): Promise<number[][]> {
  const startTime = defaultTimer();
  const costs = pretrainingFns.map((): number[] => []);
  for (const [i, pretrainingFn] of pretrainingFns.entries()) {
    for (let epoch = 0; epoch < pretrainingEpochs && !watcher.aborted; epoch++) {
      const done = watcher.epoch({ phase: `pre-training layer ${i}`, epoch, nEpochs: pretrainingEpochs, nBatches: nTrainBatches });
      const c: number[] = [];
      for (let batchIndex = 0; batchIndex < nTrainBatches; batchIndex++) {
        c.push(Number(await pretrainingFn({ index: batchIndex, lr: pretrainLr })));
        if (!(await done(batchIndex, c.at(-1) as number))) break;
      }
      (costs[i] as number[]).push(np.mean(c));
      watcher.log(`Pre-training layer ${i}, epoch ${epoch}, cost ${floatText(np.mean(c))}`);
    }
  }
  watcher.log(`The pretraining code for file dbn.ts ran for ${fixed((defaultTimer() - startTime) / 60, 2)}m`);
  return costs;
}

/** Pretrains and fine-tunes a deep belief network. */
export async function testDbn(options: TestDbnOptions = {}): Promise<DbnResult> {
  const { finetuneLr = 0.1, pretrainingEpochs = 100, pretrainLr = 0.01, k = 1, trainingEpochs = 1000, dataset, batchSize = 10, hiddenLayersSizes = [1000, 1000, 1000], seed = 123, bestModel = null } = options;
  const watcher = new Watcher(options);
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
  const pretrainingCosts = await pretrain(pretrainingFns, nTrainBatches, { pretrainingEpochs, pretrainLr }, watcher);
  const save = async (): Promise<void> => {
    if (bestModel !== null) await saveDbn(bestModel, dbn);
  };
  if (watcher.aborted) {
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
      validateModel,
      testModel,
      nTrainBatches,
      nEpochs: trainingEpochs,
      patience: 4 * nTrainBatches,
      saveBest: save,
    },
    watcher,
  );
  if (result.validationLosses.length === 0) await save();
  watcher.log(
    `Optimization complete with best validation score of ${fixed(result.bestValidationLoss * 100)} %, obtained at iteration ${result.bestIter + 1}, with test performance ${fixed(result.testScore * 100)} %`,
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
