/**
 * What the training programs have in common: how each begins, and for classifiers their functions of a minibatch index, their training by early
 * stopping and what is said of it. On the public API only. Must not know models: they give variables and functions.
 */
import { compile, grad, type SharedVariable, T, type Variable } from "../index.js";
import type { RunOptions } from "./checkpoint.js";
import { type EarlyStopping, type StoppingResult, trainWithEarlyStopping } from "./early_stopping.js";
import { type DataOptions, dataSettings, forBatches, loadData, minibatch, numberOfBatches, type ScalarFunction, type SharedDataset, type SharedDatasets } from "./logistic_sgd.js";
import { fixed, Watcher } from "./observe.js";
import { Training } from "./training.js";

export interface Begun {
  readonly watcher: Watcher;
  readonly training: Training;
  readonly datasets: SharedDatasets;
  /** Minibatches of an epoch. */
  readonly nTrainBatches: number;
}

/** Opens the training (from its checkpoint, if there is one) and loads the data. `settings` are what the numbers depend on. */
export async function begin(options: DataOptions, settings: RunOptions & { readonly program: string; readonly batchSize: number }): Promise<Begun> {
  const watcher = new Watcher(options);
  const training = await Training.open(watcher, { checkpoint: options.checkpoint, options: { ...settings, ...dataSettings(options) } });
  watcher.log("... loading data");
  const datasets = await loadData(options.dataset, options.data);
  return { watcher, training, datasets, nTrainBatches: numberOfBatches(datasets[0][0], settings.batchSize, options.maxBatches) };
}

export interface Classifier {
  readonly x: Variable;
  readonly y: Variable;
  /** What training minimises, 0-d, as an expression in x and y. */
  readonly cost: Variable;
  /** The part that is classified wrongly, 0-d. */
  readonly errors: Variable;
  readonly params: readonly SharedVariable[];
}

export interface ClassifierFunctions {
  /** One step of gradient descent on a minibatch: gives its cost. */
  readonly trainModel: ScalarFunction;
  /** Errors of all minibatches of the validation set. */
  readonly validateModel: () => Promise<number[]>;
  readonly testModel: () => Promise<number[]>;
}

/** x and y as the minibatch `index` of a set. */
export const givensOf = ({ x, y }: Pick<Classifier, "x" | "y">, [setX, setY]: SharedDataset, index: Variable, batchSize: number) =>
  [[x, minibatch(setX, index, batchSize)], [y, minibatch(setY, index, batchSize)]] as const;

/** A function that gives the errors of all minibatches of a set. */
export function errorsOn(classifier: Pick<Classifier, "x" | "y" | "errors">, set: SharedDataset, batchSize: number): () => Promise<number[]> {
  const index = T.lscalar("index");
  const n = numberOfBatches(set[0], batchSize);
  const errorsOf = compile([index], classifier.errors, { givens: givensOf(classifier, set, index, batchSize) });
  return () => forBatches(errorsOf, n);
}

export function classifierFunctions(classifier: Classifier, datasets: SharedDatasets, { batchSize, learningRate }: { readonly batchSize: number; readonly learningRate: number }): ClassifierFunctions {
  const [trainSet, validSet, testSet] = datasets;
  const index = T.lscalar("index");
  const gparams = grad(classifier.cost, classifier.params);
  const trainModel = compile([index], classifier.cost, {
    updates: classifier.params.map((param, i) => [param, param.sub((gparams[i] as Variable).mul(learningRate))] as const),
    givens: givensOf(classifier, trainSet, index, batchSize),
    name: "train_model",
  });
  return { trainModel, validateModel: errorsOn(classifier, validSet, batchSize), testModel: errorsOn(classifier, testSet, batchSize) };
}

export interface FitOptions extends Pick<EarlyStopping, "nTrainBatches" | "nEpochs" | "patience"> {
  /** "training" by default. */
  readonly phase?: string | undefined;
  /** Keeps the model, if anyone asked for it. */
  readonly save: () => Promise<void>;
}

/** Trains with early stopping; saves the best model, or what there is if none was ever validated. */
export async function fit({ trainModel, validateModel, testModel }: ClassifierFunctions, { phase = "training", save, ...settings }: FitOptions, training: Training): Promise<StoppingResult> {
  const result = await trainWithEarlyStopping(
    { phase, trainModel: async (minibatchIndex) => Number(await trainModel(minibatchIndex)), updates: trainModel.graph.updates, validateModel, testModel, saveBest: save, ...settings },
    training,
  );
  if (result.validationLosses.length === 0) await save();
  return result;
}

/** How a program's last lines begin. */
export const verdict = ({ interrupted }: { readonly interrupted: boolean }): string => (interrupted ? "Stopped" : "Optimization complete");

/** The last lines of mlp.py and convolutional_mlp.py. */
export function tellBest(watcher: Watcher, file: string, result: StoppingResult): void {
  watcher.log(
    `${verdict(result)}. Best validation score of ${fixed(result.bestValidationLoss * 100)} % obtained at iteration ${result.bestIter + 1}, with test performance ${fixed(result.testScore * 100)} %`,
  );
  watcher.log(`The code for file ${file} ran for ${fixed(result.seconds / 60, 2)}m`);
}
