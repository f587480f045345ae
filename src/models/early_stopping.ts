/**
 * The loop in which logistic_sgd, mlp and dbn train: minibatches until the patience is used up, which a better validation score extends.
 * The article writes it out in each program. Must not know models: they pass their functions.
 */
import { numpy } from "../index.js";
import { defaultTimer, fixed, type Watcher } from "./observe.js";

export interface EarlyStopping {
  /** Name of what trains, for observers. */
  readonly phase: string;
  readonly trainModel: (minibatchIndex: number) => Promise<number>;
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

/** What changes while training. */
class Best {
  patience: number;
  bestValidationLoss = Number.POSITIVE_INFINITY;
  bestIter = 0;
  testScore = 0;
  readonly validationLosses: number[] = [];

  constructor(patience: number) {
    this.patience = patience;
  }

  /** Measures the validation error and, if it is the best so far, extends the patience and measures the test error. */
  async validate(options: EarlyStopping, watcher: Watcher, epoch: number, minibatchIndex: number): Promise<void> {
    const { nTrainBatches, patienceIncrease = 2, improvementThreshold = 0.995 } = options;
    const iter = (epoch - 1) * nTrainBatches + minibatchIndex;
    const at = `epoch ${epoch}, minibatch ${minibatchIndex + 1}/${nTrainBatches}`;
    const thisValidationLoss = numpy.mean([...(await options.validateModel())]);
    this.validationLosses.push(thisValidationLoss);
    watcher.log(`${at}, validation error ${fixed(thisValidationLoss * 100)} %`);
    if (!(thisValidationLoss < this.bestValidationLoss)) return;
    if (thisValidationLoss < this.bestValidationLoss * improvementThreshold) this.patience = Math.max(this.patience, iter * patienceIncrease);
    this.bestValidationLoss = thisValidationLoss;
    this.bestIter = iter;
    this.testScore = numpy.mean([...(await options.testModel())]);
    watcher.log(` ${at}, test error of best model ${fixed(this.testScore * 100)} %`);
    await options.saveBest?.();
  }
}

/** Trains until `nEpochs`, the end of the patience, or a request to stop. */
export async function trainWithEarlyStopping(options: EarlyStopping, watcher: Watcher): Promise<StoppingResult> {
  const { nTrainBatches, nEpochs } = options;
  const best = new Best(options.patience);
  const validationFrequency = Math.max(1, Math.floor(Math.min(nTrainBatches, options.patience / 2)));
  const costs: number[] = [];
  const startTime = defaultTimer();
  let doneLooping = false;
  let epoch = 0;
  while (epoch < nEpochs && !doneLooping && !watcher.aborted) {
    epoch = epoch + 1;
    const done = watcher.epoch({ phase: options.phase, epoch: epoch - 1, nEpochs, nBatches: nTrainBatches });
    const c: number[] = [];
    for (let minibatchIndex = 0; minibatchIndex < nTrainBatches; minibatchIndex++) {
      const minibatchAvgCost = await options.trainModel(minibatchIndex);
      c.push(minibatchAvgCost);
      const iter = (epoch - 1) * nTrainBatches + minibatchIndex;
      if ((iter + 1) % validationFrequency === 0) await best.validate(options, watcher, epoch, minibatchIndex);
      doneLooping = best.patience <= iter;
      if (!(await done(minibatchIndex, minibatchAvgCost)) || doneLooping) break;
    }
    costs.push(numpy.mean(c));
  }
  const { bestValidationLoss, bestIter, testScore, validationLosses } = best;
  return { bestValidationLoss, bestIter, testScore, validationLosses, costs, epoch, seconds: defaultTimer() - startTime, interrupted: watcher.aborted };
}
