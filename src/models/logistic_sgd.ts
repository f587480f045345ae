/**
 * The article's logistic_sgd.py: the class `LogisticRegression`, `loadData`, and minibatches of what it loads.
 * On the public API only. Next: logistic_sgd_program.ts trains one; mlp.ts and dbn.ts put it on top of other layers.
 */
import { type ArrayLike, type CompiledFunction, config, fail, loadData as loadArrays, type LoadOptions, numpy as np, shared, type SharedVariable, slice, T, type Variable } from "../index.js";
import type { CheckpointOptions, RunOptions } from "./checkpoint.js";
import type { NamedParams } from "./model_files.js";
import type { Observers } from "./observe.js";

export interface LogisticRegressionOptions {
  /** `[n, nIn]`, floatX. */
  readonly input: Variable;
  readonly nIn: number;
  readonly nOut: number;
}

/** `P(y = i | x) = softmax_i(x W + b)`, for weights `[nIn, nOut]` and biases `[nOut]` wherever they come from. */
export class SoftmaxClassifier {
  readonly pYGivenX: Variable;
  readonly yPred: Variable;
  readonly input: Variable;

  constructor(input: Variable, W: Variable, b: Variable) {
    this.pYGivenX = T.nnet.softmax(T.dot(input, W).add(b));
    this.yPred = T.argmax(this.pYGivenX, { axis: 1 });
    this.input = input;
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
}

/** Multi-class logistic regression that starts at zero. */
export class LogisticRegression extends SoftmaxClassifier {
  readonly W: SharedVariable;
  readonly b: SharedVariable;
  readonly params: readonly SharedVariable[];
  readonly nIn: number;
  readonly nOut: number;

  constructor({ input, nIn, nOut }: LogisticRegressionOptions) {
    const W = shared(np.zeros([nIn, nOut], { dtype: config.floatX }), { name: "W", borrow: true });
    const b = shared(np.zeros([nOut], { dtype: config.floatX }), { name: "b", borrow: true });
    super(input, W, b);
    this.W = W;
    this.b = b;
    this.params = [this.W, this.b];
    this.nIn = nIn;
    this.nOut = nOut;
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

export type ScalarFunction = CompiledFunction<Variable>;

/** Calls a function of a minibatch index for 0 … n-1. */
export async function forBatches(f: ScalarFunction, n: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < n; i++) losses.push(Number(await f(i)));
  return losses;
}
