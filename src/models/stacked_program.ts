/**
 * What the programs of DBN.py and SdA.py share: each layer is pretrained in turn, then the whole network with early stopping.
 * On the public API only. Must not know which network it is.
 */
import { numpy as np } from "../index.js";
import type { StoppingResult } from "./early_stopping.js";
import type { ScalarFunction } from "./logistic_sgd.js";
import { fixed } from "./observe.js";
import { type Begun, fit } from "./program.js";
import type { StackedNetwork } from "./stacked.js";
import type { Training } from "./training.js";

export interface StackedTraining {
  /** Of the program, for its lines. */
  readonly file: string;
  /** One for each layer. */
  readonly pretrainingFns: readonly ScalarFunction[];
  /** What a layer's function takes beside the minibatch's index. */
  readonly pretrainingArguments: (layer: number) => Readonly<Record<string, number>>;
  readonly pretrainingEpochs: number;
  readonly costText: (cost: number) => string;
  readonly batchSize: number;
  readonly finetuneLr: number;
  readonly trainingEpochs: number;
  /** Epochs to look at regardless. */
  readonly patience: number;
  /** Keeps the model, if anyone asked for it. */
  readonly save: () => Promise<void>;
}

export interface StackedResult {
  /** Mean cost of each pretraining epoch, by layer. */
  readonly pretrainingCosts: readonly (readonly number[])[];
  readonly pretrainingFns: readonly ScalarFunction[];
  /** Null when the program was stopped while pretraining. */
  readonly finetuning: (StoppingResult & { readonly trainFn: ScalarFunction }) | null;
  readonly interrupted: boolean;
}

/** Layer by layer: gives the mean costs of the epochs of each. */
async function pretrain({ pretrainingFns, pretrainingArguments, pretrainingEpochs: nEpochs, costText, file }: StackedTraining, nBatches: number, training: Training): Promise<number[][]> {
  const phases = pretrainingFns.map((_, i) => `pre-training layer ${i}`);
  for (const [i, pretrainingFn] of pretrainingFns.entries()) {
    const given = pretrainingArguments(i);
    for await (const epoch of training.epochs({ phase: phases[i] as string, nEpochs, nBatches, updates: pretrainingFn.graph.updates })) {
      for await (const index of epoch.minibatches) epoch.costs.push(Number(await pretrainingFn({ index, ...given })));
      if (epoch.complete) training.watcher.log(`Pre-training layer ${i}, epoch ${epoch.index}, cost ${costText(np.mean(epoch.costs))}`);
    }
  }
  training.watcher.log(`The pretraining code for file ${file} ran for ${fixed(training.seconds / 60, 2)}m`);
  return phases.map((phase) => training.costs(phase));
}

/** Pretrains and fine-tunes. */
export async function trainStacked(network: StackedNetwork, options: StackedTraining, { watcher, training, datasets, nTrainBatches }: Begun): Promise<StackedResult> {
  const { pretrainingFns, batchSize, finetuneLr, trainingEpochs, patience, save } = options;
  watcher.log("... pre-training the model");
  const pretrainingCosts = await pretrain(options, nTrainBatches, training);
  if (watcher.aborted) {
    await training.close();
    await save();
    return { pretrainingCosts, pretrainingFns, finetuning: null, interrupted: true };
  }
  watcher.log("... getting the finetuning functions");
  const { trainFn, validScore, testScore } = network.buildFinetuneFunctions({ datasets, batchSize, learningRate: finetuneLr });
  watcher.log("... finetuning the model");
  const result = await fit(
    { trainModel: trainFn, validateModel: validScore, testModel: testScore },
    { phase: "finetuning", nTrainBatches, nEpochs: trainingEpochs, patience: patience * nTrainBatches, save },
    training,
  );
  return { pretrainingCosts, pretrainingFns, finetuning: { ...result, trainFn }, interrupted: result.interrupted };
}
