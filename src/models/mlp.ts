/**
 * The Deep Learning Tutorials' mlp.py: `HiddenLayer`, which the article's DBN is made of, and `MLP`, one hidden layer under a logistic regression.
 * On the public API only.
 */
import { config, numpy as np, type RandomState, shared, type SharedVariable, T, type Variable } from "../index.js";
import type { StoppingResult } from "./early_stopping.js";
import { type DataOptions, LogisticRegression, type ScalarFunction } from "./logistic_sgd.js";
import { loadModel, type NamedParams, restoreParams, saveModel } from "./model_files.js";
import { begin, classifierFunctions, fit, tellBest } from "./program.js";

/** An elementwise nonlinearity, such as T.tanh. */
export type Activation = (x: Variable) => Variable;

export interface HiddenLayerOptions {
  /** Draws the initial weights. */
  readonly rng: RandomState;
  /** `[n, nIn]`, floatX. */
  readonly input: Variable;
  readonly nIn: number;
  readonly nOut: number;
  readonly W?: SharedVariable | null | undefined;
  readonly b?: SharedVariable | null | undefined;
  /** `T.tanh` by default; null for a linear layer. */
  readonly activation?: Activation | null | undefined;
}

/** A fully connected layer: `output = activation(input W + b)`. */
export class HiddenLayer {
  readonly input: Variable;
  readonly W: SharedVariable;
  readonly b: SharedVariable;
  readonly output: Variable;
  readonly params: readonly SharedVariable[];

  constructor({ rng, input, nIn, nOut, W = null, b = null, activation = T.tanh }: HiddenLayerOptions) {
    this.input = input;
    // Glorot and Bengio 2010: uniform within sqrt(6 / (fan in + fan out)) for tanh, four times that for the logistic sigmoid.
    if (W === null) {
      let WValues = np.asarray(
        rng.uniform({
          low: -Math.sqrt(6 / (nIn + nOut)),
          high: Math.sqrt(6 / (nIn + nOut)),
          size: [nIn, nOut],
        }),
        { dtype: config.floatX },
      );
      if (activation === T.nnet.sigmoid) WValues = np.asarray(np.multiply(WValues, 4), { dtype: config.floatX });
      W = shared(WValues, { name: "W", borrow: true });
    }
    if (b === null) {
      const bValues = np.zeros([nOut], { dtype: config.floatX });
      b = shared(bValues, { name: "b", borrow: true });
    }
    this.W = W;
    this.b = b;
    const linOutput = T.dot(input, this.W).add(this.b);
    this.output = activation === null ? linOutput : activation(linOutput);
    this.params = [this.W, this.b];
  }
}

export interface MLPOptions {
  readonly rng: RandomState;
  readonly input: Variable;
  readonly nIn: number;
  readonly nHidden: number;
  readonly nOut: number;
}

/** Multi-layer perceptron: tanh hidden units under a softmax layer. */
export class MLP {
  readonly hiddenLayer: HiddenLayer;
  readonly logRegressionLayer: LogisticRegression;
  /** Sum of the weights' absolute values. */
  readonly L1: Variable;
  /** Sum of the weights' squares. */
  readonly L2Sqr: Variable;
  readonly params: readonly SharedVariable[];
  readonly input: Variable;

  constructor({ rng, input, nIn, nHidden, nOut }: MLPOptions) {
    this.hiddenLayer = new HiddenLayer({ rng, input, nIn, nOut: nHidden, activation: T.tanh });
    this.logRegressionLayer = new LogisticRegression({ input: this.hiddenLayer.output, nIn: nHidden, nOut });
    this.L1 = this.hiddenLayer.W.abs().sum().add(this.logRegressionLayer.W.abs().sum());
    this.L2Sqr = this.hiddenLayer.W.pow(2).sum().add(this.logRegressionLayer.W.pow(2).sum());
    this.params = [...this.hiddenLayer.params, ...this.logRegressionLayer.params];
    this.input = input;
  }

  negativeLogLikelihood(y: Variable): Variable {
    return this.logRegressionLayer.negativeLogLikelihood(y);
  }

  errors(y: Variable): Variable {
    return this.logRegressionLayer.errors(y);
  }

  get yPred(): Variable {
    return this.logRegressionLayer.yPred;
  }

  get named(): NamedParams {
    return { hidden_W: this.hiddenLayer.W, hidden_b: this.hiddenLayer.b, W: this.logRegressionLayer.W, b: this.logRegressionLayer.b };
  }
}

export interface TestMlpOptions extends DataOptions {
  readonly learningRate?: number | undefined;
  readonly L1Reg?: number | undefined;
  readonly L2Reg?: number | undefined;
  readonly nEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly nHidden?: number | undefined;
  /** Seed of the initial weights. */
  readonly seed?: number | undefined;
  /** Where the best model is saved; null (default) saves none. */
  readonly bestModel?: string | null | undefined;
}

export interface MlpResult extends StoppingResult {
  readonly classifier: MLP;
  readonly trainModel: ScalarFunction;
}

/** Trains a multi-layer perceptron by stochastic gradient descent with early stopping. */
export async function testMlp(options: TestMlpOptions = {}): Promise<MlpResult> {
  const { learningRate = 0.01, L1Reg = 0, L2Reg = 0.0001, nEpochs = 1000, batchSize = 20, nHidden = 500, seed = 1234, bestModel = null } = options;
  const { watcher, training, datasets, nTrainBatches } = await begin(options, { program: "mlp", learningRate, L1Reg, L2Reg, nEpochs, batchSize, nHidden, seed });

  watcher.log("... building the model");
  const x = T.matrix("x");
  const y = T.ivector("y");
  const rng = new np.random.RandomState(seed);
  const classifier = new MLP({ rng, input: x, nIn: 28 * 28, nHidden, nOut: 10 });
  const cost = classifier.negativeLogLikelihood(y).add(classifier.L1.mul(L1Reg)).add(classifier.L2Sqr.mul(L2Reg));
  const functions = classifierFunctions({ x, y, cost, errors: classifier.errors(y), params: classifier.params }, datasets, { batchSize, learningRate });

  watcher.log("... training");
  const save = async (): Promise<void> => {
    if (bestModel !== null) await saveModel(bestModel, "mlp", classifier.named, { nIn: 28 * 28, nHidden, nOut: 10 });
  };
  const result = await fit(functions, { nTrainBatches, nEpochs, patience: 10000, save }, training);
  tellBest(watcher, "mlp.ts", result);
  return { ...result, classifier, trainModel: functions.trainModel };
}

/** The model of a file that `testMlp` saved, on a new input `x`. Throws what `loadModel` and `restoreParams` throw. */
export async function loadMlp(path: string): Promise<MLP> {
  const saved = await loadModel(path, "mlp");
  const classifier = new MLP({ rng: new np.random.RandomState(0), input: T.matrix("x"), nIn: saved.size("nIn"), nHidden: saved.size("nHidden"), nOut: saved.size("nOut") });
  restoreParams(path, saved, classifier.named);
  return classifier;
}
