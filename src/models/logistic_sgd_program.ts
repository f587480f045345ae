/**
 * The second half of the article's logistic_sgd.py: `sgdOptimizationMnist` trains logistic regression, `predict` uses it.
 * On the public API only.
 */
import { type ArrayLike, compile, config, loadData as loadArrays, type LoadOptions, numpy as np, T, type Variable } from "../index.js";
import type { StoppingResult } from "./early_stopping.js";
import { type DataOptions, LogisticRegression, type ScalarFunction } from "./logistic_sgd.js";
import { loadModel, restoreParams, saveModel } from "./model_files.js";
import { fixed, Watcher } from "./observe.js";
import { begin, classifierFunctions, fit, verdict } from "./program.js";

export interface SgdOptions extends DataOptions {
  readonly learningRate?: number | undefined;
  readonly nEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  /** Where the best model is saved; null saves none. */
  readonly bestModel?: string | null | undefined;
}

export interface SgdResult extends StoppingResult {
  readonly classifier: LogisticRegression;
  readonly trainModel: ScalarFunction;
}

/** Trains logistic regression by stochastic gradient descent with early stopping; saves the best model as `bestModel`. */
export async function sgdOptimizationMnist(options: SgdOptions = {}): Promise<SgdResult> {
  const { learningRate = 0.13, nEpochs = 1000, batchSize = 600, bestModel = "best_model.npz" } = options;
  const { watcher, training, datasets, nTrainBatches } = await begin(options, { program: "logistic_sgd", learningRate, nEpochs, batchSize });

  watcher.log("... building the model");
  const x = T.matrix("x");
  const y = T.ivector("y");
  const classifier = new LogisticRegression({ input: x, nIn: 28 * 28, nOut: 10 });
  const functions = classifierFunctions({ x, y, cost: classifier.negativeLogLikelihood(y), errors: classifier.errors(y), params: classifier.params }, datasets, { batchSize, learningRate });

  watcher.log("... training the model");
  const save = async (): Promise<void> => {
    if (bestModel !== null) await saveLogisticRegression(bestModel, classifier);
  };
  const result = await fit(functions, { nTrainBatches, nEpochs, patience: 5000, save }, training);
  watcher.log(`${verdict(result)} with best validation score of ${fixed(result.bestValidationLoss * 100)} %,with test performance ${fixed(result.testScore * 100)} %`);
  watcher.log(`The code run for ${result.epoch} epochs, with ${fixed(result.epoch / result.seconds)} epochs/sec`);
  watcher.log(`The code for file logistic_sgd.ts ran for ${fixed(result.seconds, 1)}s`);
  return { ...result, classifier, trainModel: functions.trainModel };
}

/** Writes weights and biases as an .npz that `loadLogisticRegression` and NumPy read. */
export async function saveLogisticRegression(path: string, classifier: LogisticRegression): Promise<void> {
  await saveModel(path, "logistic_sgd", classifier.named, { nIn: classifier.nIn, nOut: classifier.nOut });
}

/** The model of a file, on a new input `x`. Throws what `loadModel` and `restoreParams` throw. */
export async function loadLogisticRegression(path: string): Promise<LogisticRegression> {
  const saved = await loadModel(path, "logistic_sgd");
  const classifier = new LogisticRegression({ input: T.matrix("x"), nIn: saved.size("nIn"), nOut: saved.size("nOut") });
  restoreParams(path, saved, classifier.named);
  return classifier;
}

export interface PredictOptions extends Pick<DataOptions, "dataset" | "data" | "log"> {
  readonly bestModel?: string | undefined;
  /** How many examples of the test set. */
  readonly count?: number | undefined;
}

export interface Prediction {
  readonly predicted: readonly number[];
  readonly labels: readonly number[];
}

/** Predicts the first examples of the test set with a saved model. */
export async function predict({ bestModel = "best_model.npz", dataset, data, count = 10, log }: PredictOptions = {}): Promise<Prediction> {
  const watcher = new Watcher({ log });
  const classifier = await loadLogisticRegression(bestModel);
  return predictWith(classifier.input, classifier.yPred, { dataset, data, count, watcher });
}

/** `predict` for any classifier, given its input and prediction. */
export async function predictWith(
  input: Variable, yPred: Variable, { dataset, data, count, watcher }: { dataset?: string | undefined; data?: LoadOptions | undefined; count: number; watcher: Watcher },
): Promise<Prediction> {
  const predictModel = compile({ inputs: [input], outputs: yPred });
  const { test: [testSetX, testSetY] } = await loadArrays(dataset, data);
  const n = Math.min(count, testSetX.shape[0] as number);
  const first = np.asarray(testSetX.data.subarray(0, n * (testSetX.shape[1] as number)), { dtype: config.floatX }).reshape([n, testSetX.shape[1] as number]);
  const predictedValues = await predictModel(first);
  const predicted = [...np.asarray(predictedValues as ArrayLike).data];
  watcher.log(`Predicted values for the first ${n} examples in test set:`);
  watcher.log(`[${predicted.join(" ")}]`);
  return { predicted, labels: [...testSetY.data.subarray(0, n)] };
}
