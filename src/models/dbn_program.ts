/**
 * The second half of the article's DBN.py: `testDbn` pretrains each layer as an RBM, then trains the whole network with early stopping.
 * On the public API only.
 */
import { numpy as np } from "../index.js";
import { DBN } from "./dbn.js";
import type { DataOptions } from "./logistic_sgd.js";
import { loadModel, restoreParams, saveModel } from "./model_files.js";
import { fixed, floatText } from "./observe.js";
import { begin, verdict } from "./program.js";
import { type StackedResult, trainStacked } from "./stacked_program.js";

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

export interface DbnResult extends StackedResult {
  readonly dbn: DBN;
}

/** Pretrains and fine-tunes a deep belief network. */
export async function testDbn(options: TestDbnOptions = {}): Promise<DbnResult> {
  const { finetuneLr = 0.1, pretrainingEpochs = 100, pretrainLr = 0.01, k = 1, trainingEpochs = 1000, batchSize = 10, hiddenLayersSizes = [1000, 1000, 1000], seed = 123, bestModel = null } = options;
  const begun = await begin(options, { program: "dbn", finetuneLr, pretrainingEpochs, pretrainLr, k, trainingEpochs, batchSize, hiddenLayersSizes, seed });
  const { watcher, datasets: [[trainSetX]] } = begun;
  const numpyRng = new np.random.RandomState(seed);
  watcher.log("... building the model");
  const dbn = new DBN({ numpyRng, nIns: 28 * 28, hiddenLayersSizes, nOuts: 10 });

  watcher.log("... getting the pretraining functions");
  const pretrainingFns = dbn.pretrainingFunctions({ trainSetX, batchSize, k });
  const save = async (): Promise<void> => {
    if (bestModel !== null) await saveDbn(bestModel, dbn);
  };
  const trained = await trainStacked(
    dbn,
    { file: "dbn.ts", pretrainingFns, pretrainingArguments: () => ({ lr: pretrainLr }), pretrainingEpochs, costText: floatText, batchSize, finetuneLr, trainingEpochs, patience: 4, save },
    begun,
  );
  const result = trained.finetuning;
  if (result) {
    watcher.log(
      `${verdict(result)} with best validation score of ${fixed(result.bestValidationLoss * 100)} %, obtained at iteration ${result.bestIter + 1}, with test performance ${fixed(result.testScore * 100)} %`,
    );
    watcher.log(`The fine tuning code for file dbn.ts ran for ${fixed(result.seconds / 60, 2)}m`);
  }
  return { dbn, ...trained };
}

/** Writes the parameters of all layers as an .npz that `loadDbn` and NumPy read. */
export async function saveDbn(path: string, dbn: DBN): Promise<void> {
  await saveModel(path, "dbn", dbn.named, dbn.sizes);
}

/** The model of a file. Throws what `loadModel` and `restoreParams` throw. */
export async function loadDbn(path: string, { seed = 123 }: { readonly seed?: number | undefined } = {}): Promise<DBN> {
  const saved = await loadModel(path, "dbn");
  const dbn = new DBN({ numpyRng: new np.random.RandomState(seed), nIns: saved.size("nIns"), hiddenLayersSizes: saved.sizes("hiddenLayersSizes"), nOuts: saved.size("nOuts") });
  restoreParams(path, saved, dbn.named);
  return dbn;
}
