/**
 * The Deep Learning Tutorials' logistic_cg.py: logistic regression whose parameters are one vector, and `cgOptimizationMnist`, which trains it by
 * conjugate gradients on the whole training set. On the public API only.
 */
import { compile, config, grad, type NdArray, numpy as np, shared, type SharedVariable, slice, T, type Variable } from "../index.js";
import { type CgState, cgStart, cgStep, type Objective } from "./fmin_cg.js";
import { type DataOptions, forBatches, type LogisticRegressionOptions, SoftmaxClassifier, type SharedDataset, type ScalarFunction } from "./logistic_sgd.js";
import { loadModel, restoreParams, saveModel } from "./model_files.js";
import { fixed } from "./observe.js";
import { begin, errorsOn, givensOf, verdict } from "./program.js";

/** Multi-class logistic regression with W and b as views of theta, `[nIn * nOut + nOut]`. */
export class ThetaRegression extends SoftmaxClassifier {
  readonly theta: SharedVariable;
  readonly W: Variable;
  readonly b: Variable;
  readonly nIn: number;
  readonly nOut: number;

  constructor({ input, nIn, nOut }: LogisticRegressionOptions) {
    const theta = shared(np.zeros([nIn * nOut + nOut], { dtype: config.floatX }), { name: "theta", borrow: true });
    const W = theta.get(slice(0, nIn * nOut)).reshape([nIn, nOut]);
    const b = theta.get(slice(nIn * nOut, nIn * nOut + nOut));
    super(input, W, b);
    this.theta = theta;
    this.W = W;
    this.b = b;
    this.nIn = nIn;
    this.nOut = nOut;
  }
}

export interface CgOptions extends DataOptions {
  /** Iterations at most. */
  readonly nEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  /** Where the best model is saved; null (default) saves none. */
  readonly bestModel?: string | null | undefined;
}

export interface CgResult {
  readonly classifier: ThetaRegression;
  /** Mean cost of the training set after each iteration. */
  readonly costs: readonly number[];
  /** Validation error after each iteration. */
  readonly validationLosses: readonly number[];
  readonly bestValidationLoss: number;
  /** Of the model with the best validation error. */
  readonly testScore: number;
  readonly batchCost: ScalarFunction;
  readonly seconds: number;
  readonly interrupted: boolean;
}

/** Mean cost of a training set over its first `nTrainBatches` minibatches, and its gradient, as functions of theta; x and y are the classifier's. */
export function objectiveOf(classifier: ThetaRegression, x: Variable, y: Variable, trainSet: SharedDataset, { batchSize, nTrainBatches }: { readonly batchSize: number; readonly nTrainBatches: number }): Objective & { readonly batchCost: ScalarFunction } {
  const index = T.lscalar("index");
  // The cost we minimize during training is the negative log likelihood of the model.
  const cost = classifier.negativeLogLikelihood(y).mean();
  const givens = givensOf({ x, y }, trainSet, index, batchSize);
  const batchCost = compile([index], cost, { givens, name: "batch_cost" });
  const batchGrad = compile([index], grad(cost, classifier.theta), { givens, name: "batch_grad" });
  const f = async (thetaValue: readonly number[]): Promise<number> => {
    setTheta(classifier, thetaValue);
    return np.mean(await forBatches(batchCost, nTrainBatches));
  };
  const fprime = async (thetaValue: readonly number[]): Promise<Float64Array> => {
    setTheta(classifier, thetaValue);
    const sum = new Float64Array(thetaValue.length);
    for (let i = 0; i < nTrainBatches; i++) {
      const { data } = (await batchGrad(i)) as NdArray;
      for (let j = 0; j < sum.length; j++) sum[j] = (sum[j] as number) + (data[j] as number);
    }
    return sum.map((g) => g / nTrainBatches);
  };
  return { f, fprime, batchCost };
}

const setTheta = ({ theta }: ThetaRegression, value: readonly number[]): void => theta.setValue(np.asarray([...value], { dtype: config.floatX }));

/** Trains logistic regression by conjugate gradients; saves the model of the best validation error as `bestModel`. */
export async function cgOptimizationMnist(options: CgOptions = {}): Promise<CgResult> {
  const { nEpochs = 50, batchSize = 600, bestModel = null } = options;
  const { watcher, training, datasets, nTrainBatches } = await begin(options, { program: "logistic_cg", nEpochs, batchSize });
  const [trainSet, validSet, testSet] = datasets;

  watcher.log("... building the model");
  const x = T.matrix("x");
  const y = T.ivector("y");
  const classifier = new ThetaRegression({ input: x, nIn: 28 * 28, nOut: 10 });
  const errors = classifier.errors(y);
  const validateModel = errorsOn({ x, y, errors }, validSet, batchSize);
  const testModel = errorsOn({ x, y, errors }, testSet, batchSize);
  const { batchCost, ...objective } = objectiveOf(classifier, x, y, trainSet, { batchSize, nTrainBatches });

  const best = training.keep("training best", { bestValidationLoss: Number.POSITIVE_INFINITY, testScore: 0, validationLosses: [] as number[] });
  const callback = async (): Promise<void> => {
    setTheta(classifier, state.x);
    const thisValidationLoss = np.mean(await validateModel());
    best.validationLosses.push(thisValidationLoss);
    watcher.log(`validation error ${fixed(thisValidationLoss * 100)} %`);
    if (!(thisValidationLoss < best.bestValidationLoss)) return;
    best.bestValidationLoss = thisValidationLoss;
    best.testScore = np.mean(await testModel());
    if (bestModel !== null) await saveThetaRegression(bestModel, classifier);
  };

  watcher.log("Optimizing using fmin_cg...");
  const state: CgState = training.keep("conjugate gradient", cgStart(np.zeros([(28 * 28 + 1) * 10]).data));
  for await (const epoch of training.epochs({ phase: "training", nEpochs, nBatches: 1, updates: [[classifier.theta, null]] })) {
    for await (const _ of epoch.minibatches) {
      if (!(await cgStep(objective, state))) break;
      epoch.costs.push(state.value);
      await callback();
    }
  }
  setTheta(classifier, state.x);
  await training.close();
  watcher.log(`${verdict({ interrupted: watcher.aborted })} with best validation score of ${fixed(best.bestValidationLoss * 100)} %, with test performance ${fixed(best.testScore * 100)} %`);
  watcher.log(`The code for file logistic_cg.ts ran for ${fixed(training.seconds, 1)}s`);
  return { classifier, costs: training.costs("training"), ...best, batchCost, seconds: training.seconds, interrupted: watcher.aborted };
}

/** Writes theta as an .npz that `loadThetaRegression` and NumPy read. */
export async function saveThetaRegression(path: string, { theta, nIn, nOut }: ThetaRegression): Promise<void> {
  await saveModel(path, "logistic_cg", { theta }, { nIn, nOut });
}

/** The model of a file, on a new input `x`. Throws what `loadModel` and `restoreParams` throw. */
export async function loadThetaRegression(path: string): Promise<ThetaRegression> {
  const saved = await loadModel(path, "logistic_cg");
  const classifier = new ThetaRegression({ input: T.matrix("x"), nIn: saved.size("nIn"), nOut: saved.size("nOut") });
  restoreParams(path, saved, { theta: classifier.theta });
  return classifier;
}
