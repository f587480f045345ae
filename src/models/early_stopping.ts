/**
 * The loop in which logistic_sgd, mlp and dbn train: minibatches until the patience is used up, which a better validation score extends.
 * The article writes it out in each program. Must not know models: they pass their functions.
 */
import { numpy } from "../index.js";
import { fixed, type Watcher } from "./observe.js";
import type { Phase, Training } from "./training.js";

export interface EarlyStopping {
  /** Name of what trains, for observers. */
  readonly phase: string;
  readonly trainModel: (minibatchIndex: number) => Promise<number>;
  /** `f.graph.updates` of the function that trains. */
  readonly updates: Phase["updates"];
  /** Zero-one losses of all validation minibatches. */
  readonly validateModel: () => Promise<readonly number[]>;
  readonly testModel: () => Promise<readonly number[]>;
  readonly nTrainBatches: number;
  readonly nEpochs: number;
  /** Look at this many minibatches regardless. */
  readonly patience: number;
  /** Wait this much longer when a new best is found. */
  readonly patienceIncrease?: number;
  /** A relative improvement of this much is considered significant. */
  readonly improvementThreshold?: number;
  /** Called when the validation score is the best so far. */
  readonly saveBest?: (() => Promise<void>) | undefined;
}

export interface StoppingResult {
  readonly bestValidationLoss: number;
  readonly testScore: number;
  /** Iteration (minibatch number from 0) of the best validation score. */
  readonly bestIter: number;
  readonly epoch: number;
  /** Validation errors, one for each time it was measured. */
  readonly validationLosses: readonly number[];
  /** Mean training cost of each epoch begun. */
  readonly costs: readonly number[];
  readonly seconds: number;
  readonly interrupted: boolean;
}

/** What changes while training, beside the model. */
type Best = {
  patience: number;
  bestValidationLoss: number;
  bestIter: number;
  testScore: number;
  validationLosses: number[];
};

/** Measures the validation error and, if it is the best so far, extends the patience and measures the test error. */
async function validate(options: EarlyStopping, best: Best, watcher: Watcher, iter: number): Promise<void> {
  const { nTrainBatches, patienceIncrease = 2, improvementThreshold = 0.995 } = options;
  const at = `epoch ${Math.floor(iter / nTrainBatches) + 1}, minibatch ${(iter % nTrainBatches) + 1}/${nTrainBatches}`;
  const thisValidationLoss = numpy.mean([...(await options.validateModel())]);
  best.validationLosses.push(thisValidationLoss);
  watcher.log(`${at}, validation error ${fixed(thisValidationLoss * 100)} %`);
  if (!(thisValidationLoss < best.bestValidationLoss)) return;
  if (thisValidationLoss < best.bestValidationLoss * improvementThreshold) best.patience = Math.max(best.patience, iter * patienceIncrease);
  best.bestValidationLoss = thisValidationLoss;
  best.bestIter = iter;
  best.testScore = numpy.mean([...(await options.testModel())]);
  watcher.log(` ${at}, test error of best model ${fixed(best.testScore * 100)} %`);
  await options.saveBest?.();
}

/** Trains until `nEpochs`, the end of the patience, or a request to stop; then closes the training. */
export async function trainWithEarlyStopping(options: EarlyStopping, training: Training): Promise<StoppingResult> {
  const { phase, nTrainBatches: nBatches, nEpochs, updates } = options;
  const best: Best = training.keep(`${phase} best`, { patience: options.patience, bestValidationLoss: Number.POSITIVE_INFINITY, bestIter: 0, testScore: 0, validationLosses: [] });
  const validationFrequency = Math.max(1, Math.floor(Math.min(nBatches, options.patience / 2)));
  const before = training.seconds;
  for await (const epoch of training.epochs({ phase, nEpochs, nBatches, updates, until: (iter) => best.patience <= iter })) {
    for await (const minibatchIndex of epoch.minibatches) {
      epoch.costs.push(await options.trainModel(minibatchIndex));
      const iter = epoch.index * nBatches + minibatchIndex;
      if ((iter + 1) % validationFrequency === 0) await validate(options, best, training.watcher, iter);
    }
  }
  await training.close();
  const { patience: _, ...found } = best;
  const costs = training.costs(phase);
  return { ...found, costs, epoch: costs.length, seconds: training.seconds - before, interrupted: training.watcher.aborted };
}
