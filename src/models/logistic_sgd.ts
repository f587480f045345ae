/**
 * The article's logistic_sgd.py: logistic regression by stochastic gradient descent, `loadData`, `sgdOptimizationMnist`, `predict`.
 * On the public API only. Next: mlp.ts and dbn.ts put `LogisticRegression` on top of other layers.
 */
import {
  type ArrayLike, compile, type CompiledFunction, config, fail, grad, loadData as loadArrays, type LoadOptions, numpy as np, shared, type SharedVariable, slice, T, type Variable,
} from "../index.js";
import type { CheckpointOptions, RunOptions } from "./checkpoint.js";
import { type StoppingResult, trainWithEarlyStopping, verdict } from "./early_stopping.js";
import { loadModel, type NamedParams, restoreParams, saveModel } from "./model_files.js";
import { fixed, type Observers, Watcher } from "./observe.js";
import { Training } from "./training.js";

export interface LogisticRegressionOptions {
  /** `[n, nIn]`, floatX. */
  readonly input: Variable;
  readonly nIn: number;
  readonly nOut: number;
}

/** Multi-class logistic regression: `P(y = i | x) = softmax_i(x W + b)`. */
export class LogisticRegression {
  readonly W: SharedVariable;
  readonly b: SharedVariable;
  readonly pYGivenX: Variable;
  readonly yPred: Variable;
  readonly params: readonly SharedVariable[];
  readonly input: Variable;
  readonly nIn: number;
  readonly nOut: number;

  constructor({ input, nIn, nOut }: LogisticRegressionOptions) {
    this.W = shared(np.zeros([nIn, nOut], { dtype: config.floatX }), { name: "W", borrow: true });
    this.b = shared(np.zeros([nOut], { dtype: config.floatX }), { name: "b", borrow: true });
    this.pYGivenX = T.nnet.softmax(T.dot(input, this.W).add(this.b));
    this.yPred = T.argmax(this.pYGivenX, { axis: 1 });
    this.params = [this.W, this.b];
    this.input = input;
    this.nIn = nIn;
    this.nOut = nOut;
  }

  /** Mean of -log P(y | x): 0-d floatX. */
  negativeLogLikelihood(y: Variable): Variable {
    return T.mean(T.log(this.pYGivenX).get(T.arange(y.shape[0]), y)).neg();
  }

  /** The part of the minibatch that is predicted wrongly: 0-d float. Throws `errors-ndim`, `errors-dtype` (TypeError). */
  errors(y: Variable): Variable {
    if (y.ndim !== this.yPred.ndim) {
      fail("type", "errors-ndim", { what: "y should have the same shape as yPred.", where: String(y.origin), saw: [`y: ${y.type}`, `yPred: ${this.yPred.type}`], fix: "pass a vector of labels" });
    }
    if (!y.dtype.startsWith("int")) {
      fail("type", "errors-dtype", { what: `Labels are integers, y is ${y.type}.`, where: String(y.origin), fix: "use T.ivector('y') or T.cast(y, 'int32')" });
    }
    // neq gives a vector of 0s and 1s, where 1 is a mistake in prediction.
    return T.mean(T.neq(this.yPred, y));
  }

  /** Parameters by the names they have in files. */
  get named(): NamedParams {
    return { W: this.W, b: this.b };
  }
}

/** A set of examples on the device: x floatX `[n, 784]`, y int32 `[n]`. */
export type SharedDataset = readonly [SharedVariable, Variable];
export type SharedDatasets = readonly [SharedDataset, SharedDataset, SharedDataset];

/** Training, validation and test sets as shared variables; `dataset` and `options` as `loadData` of the front door. */
export async function loadData(dataset = "digits", options: LoadOptions = {}): Promise<SharedDatasets> {
  const { train: trainSet, valid: validSet, test: testSet } = await loadArrays(dataset, options);
  // Labels are kept as floats, because a device may store nothing else, and used as integers, because they are indices.
  const sharedDataset = ([dataX, dataY]: readonly [ArrayLike, ArrayLike]): SharedDataset => {
    const sharedX = shared(np.asarray(dataX, { dtype: config.floatX }), { borrow: true });
    const sharedY = shared(np.asarray(dataY, { dtype: config.floatX }), { borrow: true });
    return [sharedX, T.cast(sharedY, "int32")];
  };
  return [sharedDataset(trainSet), sharedDataset(validSet), sharedDataset(testSet)];
}

/** How many whole minibatches a set has, at most `limit`. Throws `batch-size` (ValueError) when there is none. */
export function numberOfBatches(x: SharedVariable, batchSize: number, limit = Number.POSITIVE_INFINITY): number {
  const n = Math.min(Math.floor((x.valueShape[0] as number) / batchSize), limit);
  if (!(n >= 1)) fail("value", "batch-size", { what: `A set of ${x.valueShape[0]} examples has no minibatch of ${batchSize}.`, fix: "use a smaller batchSize or a larger data set" });
  return n;
}

/** The minibatch `index` of a set. */
export const minibatch = (set: Variable, index: Variable, batchSize: number): Variable => set.get(slice(index.mul(batchSize), index.add(1).mul(batchSize)));

export interface DataOptions extends Observers {
  /** `"digits"` (drawn, needs no file; default), `"mnist"`, a folder with MNIST's files, or the path of mnist.pkl.gz. */
  readonly dataset?: string | undefined;
  /** Seed and sizes of drawn digits. */
  readonly data?: LoadOptions | undefined;
  /** Use only this many minibatches of the training set per epoch. */
  readonly maxBatches?: number | undefined;
  /** Where the training is written down, so that it can go on after a stop; null (default) for nowhere. */
  readonly checkpoint?: CheckpointOptions | null | undefined;
}

/** What the numbers of a run depend on in its data. */
export const dataSettings = ({ dataset = "digits", data, maxBatches }: DataOptions): RunOptions => ({ dataset, digits: { seed: data?.seed ?? null, ...data?.sizes }, maxBatches: maxBatches ?? null });

export interface SgdOptions extends DataOptions {
  readonly learningRate?: number | undefined;
  readonly nEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  /** Where the best model is saved; null saves none. */
  readonly bestModel?: string | null | undefined;
}

export type ScalarFunction = CompiledFunction<Variable>;

export interface SgdResult extends StoppingResult {
  readonly classifier: LogisticRegression;
  readonly trainModel: ScalarFunction;
}

/** Calls a function of a minibatch index for 0 … n-1. */
export async function forBatches(f: ScalarFunction, n: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < n; i++) losses.push(Number(await f(i)));
  return losses;
}

/** The three functions of a minibatch index: test and validation error, and a training step. */
function buildFunctions(classifier: LogisticRegression, x: Variable, y: Variable, datasets: SharedDatasets, { batchSize, learningRate }: { batchSize: number; learningRate: number }) {
  const [[trainSetX, trainSetY], [validSetX, validSetY], [testSetX, testSetY]] = datasets;
  const index = T.lscalar();
  const cost = classifier.negativeLogLikelihood(y);
  const testModel = compile({
    inputs: [index],
    outputs: classifier.errors(y),
    givens: [
      [x, minibatch(testSetX, index, batchSize)],
      [y, minibatch(testSetY, index, batchSize)],
    ],
  });
  const validateModel = compile({
    inputs: [index],
    outputs: classifier.errors(y),
    givens: [
      [x, minibatch(validSetX, index, batchSize)],
      [y, minibatch(validSetY, index, batchSize)],
    ],
  });
  const gW = grad(cost, classifier.W);
  const gB = grad(cost, classifier.b);
  const trainModel = compile({
    inputs: [index],
    outputs: cost,
    updates: [
      [classifier.W, classifier.W.sub(gW.mul(learningRate))],
      [classifier.b, classifier.b.sub(gB.mul(learningRate))],
    ],
    givens: [
      [x, minibatch(trainSetX, index, batchSize)],
      [y, minibatch(trainSetY, index, batchSize)],
    ],
    name: "train_model",
  });
  return { testModel, validateModel, trainModel };
}

/** Trains logistic regression by stochastic gradient descent with early stopping; saves the best model as `bestModel`. */
export async function sgdOptimizationMnist(options: SgdOptions = {}): Promise<SgdResult> {
  const { learningRate = 0.13, nEpochs = 1000, dataset, batchSize = 600, bestModel = "best_model.npz" } = options;
  const watcher = new Watcher(options);
  const training = await Training.open(watcher, { checkpoint: options.checkpoint, options: { program: "logistic_sgd", learningRate, nEpochs, batchSize, ...dataSettings(options) } });
  watcher.log("... loading data");
  const datasets = await loadData(dataset, options.data);
  const [[trainSetX], [validSetX], [testSetX]] = datasets;
  const nTrainBatches = numberOfBatches(trainSetX, batchSize, options.maxBatches);
  const nValidBatches = numberOfBatches(validSetX, batchSize);
  const nTestBatches = numberOfBatches(testSetX, batchSize);

  watcher.log("... building the model");
  const x = T.matrix("x");
  const y = T.ivector("y");
  const classifier = new LogisticRegression({ input: x, nIn: 28 * 28, nOut: 10 });
  const { testModel, validateModel, trainModel } = buildFunctions(classifier, x, y, datasets, { batchSize, learningRate });

  watcher.log("... training the model");
  const result = await trainWithEarlyStopping(
    {
      phase: "training",
      trainModel: async (minibatchIndex) => Number(await trainModel(minibatchIndex)),
      updates: trainModel.graph.updates,
      validateModel: () => forBatches(validateModel, nValidBatches),
      testModel: () => forBatches(testModel, nTestBatches),
      nTrainBatches,
      nEpochs,
      patience: 5000,
      saveBest: bestModel === null ? undefined : () => saveLogisticRegression(bestModel, classifier),
    },
    training,
  );
  if (result.interrupted && bestModel !== null && result.validationLosses.length === 0) await saveLogisticRegression(bestModel, classifier);
  watcher.log(`${verdict(result)} with best validation score of ${fixed(result.bestValidationLoss * 100)} %,with test performance ${fixed(result.testScore * 100)} %`);
  watcher.log(`The code run for ${result.epoch} epochs, with ${fixed(result.epoch / result.seconds)} epochs/sec`);
  watcher.log(`The code for file logistic_sgd.ts ran for ${fixed(result.seconds, 1)}s`);
  return { ...result, classifier, trainModel };
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
