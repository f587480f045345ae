/**
 * The Deep Learning Tutorials' convolutional_mlp.py: `LeNetConvPoolLayer`, and `evaluateLenet5`, two such layers under a hidden layer and a logistic
 * regression, without the original's learned scaling and RBF output. On the public API only.
 */
import { config, numpy as np, type RandomState, shared, type SharedVariable, T, type Variable } from "../index.js";
import type { StoppingResult } from "./early_stopping.js";
import { type DataOptions, LogisticRegression, type ScalarFunction } from "./logistic_sgd.js";
import { HiddenLayer } from "./mlp.js";
import { loadModel, type NamedParams, restoreParams, saveModel } from "./model_files.js";
import { begin, classifierFunctions, fit, tellBest } from "./program.js";

type Four<N> = readonly [N, number, number, number];

export interface LeNetConvPoolLayerOptions {
  /** Draws the initial weights. */
  readonly rng: RandomState;
  /** `[batch size, feature maps, rows, columns]`, floatX. */
  readonly input: Variable;
  /** Filters, input feature maps, filter rows, filter columns. */
  readonly filterShape: Four<number>;
  /** Batch size (null: any), input feature maps, rows, columns. */
  readonly imageShape: Four<number | null>;
  /** Rows and columns that are pooled; [2, 2] by default. */
  readonly poolsize?: readonly [number, number] | undefined;
}

/** A convolution, the maxima of its windows, a bias and tanh. */
export class LeNetConvPoolLayer {
  readonly input: Variable;
  readonly W: SharedVariable;
  readonly b: SharedVariable;
  readonly output: Variable;
  readonly params: readonly SharedVariable[];

  constructor({ rng, input, filterShape, imageShape, poolsize = [2, 2] }: LeNetConvPoolLayerOptions) {
    this.input = input;
    // There are "input feature maps * filter height * filter width" inputs to each hidden unit.
    const fanIn = filterShape[1] * filterShape[2] * filterShape[3];
    // Each unit in the lower layer receives a gradient from "output feature maps * filter height * filter width" / pooling size.
    const fanOut = Math.floor((filterShape[0] * filterShape[2] * filterShape[3]) / (poolsize[0] * poolsize[1]));
    const WBound = Math.sqrt(6 / (fanIn + fanOut));
    this.W = shared(np.asarray(rng.uniform({ low: -WBound, high: WBound, size: filterShape }), { dtype: config.floatX }), { name: "W", borrow: true });
    // The bias is a vector: one bias per output feature map.
    const bValues = np.zeros([filterShape[0]], { dtype: config.floatX });
    this.b = shared(bValues, { name: "b", borrow: true });

    const convOut = T.nnet.conv2d(input, this.W, { filterShape, inputShape: imageShape });
    const pooledOut = T.signal.pool.pool2d(convOut, { ds: poolsize, ignoreBorder: true });
    // The bias is broadcast across minibatches and feature map height and width.
    this.output = T.tanh(pooledOut.add(this.b.dimshuffle("x", 0, "x", "x")));
    this.params = [this.W, this.b];
  }
}

export interface LeNetOptions {
  readonly rng: RandomState;
  /** Rasterised images, `[n, 784]`, floatX. */
  readonly input: Variable;
  /** Filters of the two convolutions. */
  readonly nkerns: readonly [number, number];
  /** Images in a minibatch; null for any number. */
  readonly batchSize?: number | null | undefined;
  /** Units of the hidden layer. */
  readonly nHidden?: number | undefined;
}

/** The four layers of the tutorial's network. */
export class LeNet {
  readonly input: Variable;
  readonly layer0: LeNetConvPoolLayer;
  readonly layer1: LeNetConvPoolLayer;
  readonly layer2: HiddenLayer;
  readonly layer3: LogisticRegression;
  readonly params: readonly SharedVariable[];

  constructor({ rng, input, nkerns, batchSize = null, nHidden = 500 }: LeNetOptions) {
    this.input = input;
    // 28 x 28 is the size of MNIST images.
    const layer0Input = input.reshape([batchSize ?? -1, 1, 28, 28]);
    // Filtering reduces the image size to 28 - 5 + 1 = 24, max-pooling to 24 / 2 = 12.
    this.layer0 = new LeNetConvPoolLayer({ rng, input: layer0Input, imageShape: [batchSize, 1, 28, 28], filterShape: [nkerns[0], 1, 5, 5], poolsize: [2, 2] });
    // Likewise to 12 - 5 + 1 = 8, and 8 / 2 = 4.
    this.layer1 = new LeNetConvPoolLayer({ rng, input: this.layer0.output, imageShape: [batchSize, nkerns[0], 12, 12], filterShape: [nkerns[1], nkerns[0], 5, 5], poolsize: [2, 2] });
    // The hidden layer works on matrices of rasterised images: [batch size, nkerns[1] * 4 * 4].
    const layer2Input = this.layer1.output.flatten(2);
    this.layer2 = new HiddenLayer({ rng, input: layer2Input, nIn: nkerns[1] * 4 * 4, nOut: nHidden, activation: T.tanh });
    this.layer3 = new LogisticRegression({ input: this.layer2.output, nIn: nHidden, nOut: 10 });
    this.params = [...this.layer3.params, ...this.layer2.params, ...this.layer1.params, ...this.layer0.params];
  }

  get yPred(): Variable {
    return this.layer3.yPred;
  }

  get named(): NamedParams {
    const { layer0, layer1, layer2, layer3 } = this;
    const layers = { layer0, layer1, layer2, layer3 };
    return Object.fromEntries(Object.entries(layers).flatMap(([name, { W, b }]) => [[`${name}_W`, W], [`${name}_b`, b]] as const));
  }
}

export interface Lenet5Options extends DataOptions {
  readonly learningRate?: number | undefined;
  readonly nEpochs?: number | undefined;
  /** Filters of the two convolutions; [20, 50] by default. */
  readonly nkerns?: readonly [number, number] | undefined;
  readonly batchSize?: number | undefined;
  readonly nHidden?: number | undefined;
  /** Seed of the initial weights. */
  readonly seed?: number | undefined;
  /** Where the best model is saved; null (default) saves none. */
  readonly bestModel?: string | null | undefined;
}

export interface Lenet5Result extends StoppingResult {
  readonly classifier: LeNet;
  readonly trainModel: ScalarFunction;
}

/** Trains LeNet on images of digits by stochastic gradient descent with early stopping. */
export async function evaluateLenet5(options: Lenet5Options = {}): Promise<Lenet5Result> {
  const { learningRate = 0.1, nEpochs = 200, nkerns = [20, 50], batchSize = 500, nHidden = 500, seed = 23455, bestModel = null } = options;
  const { watcher, training, datasets, nTrainBatches } = await begin(options, { program: "lenet", learningRate, nEpochs, nkerns, batchSize, nHidden, seed });

  watcher.log("... building the model");
  const x = T.matrix("x");
  const y = T.ivector("y");
  const classifier = new LeNet({ rng: new np.random.RandomState(seed), input: x, nkerns, batchSize, nHidden });
  const { layer3, params } = classifier;
  // The cost we minimize during training is the NLL of the model.
  const functions = classifierFunctions({ x, y, cost: layer3.negativeLogLikelihood(y), errors: layer3.errors(y), params }, datasets, { batchSize, learningRate });

  watcher.log("... training");
  const save = async (): Promise<void> => {
    if (bestModel !== null) await saveModel(bestModel, "lenet", classifier.named, { nkerns, nHidden });
  };
  const result = await fit(functions, { nTrainBatches, nEpochs, patience: 10000, save }, training);
  tellBest(watcher, "convolutional_mlp.ts", result);
  return { ...result, classifier, trainModel: functions.trainModel };
}

/** The model of a file that `evaluateLenet5` saved, on a new input `x` of any number of images. Throws what `loadModel` and `restoreParams` throw. */
export async function loadLenet(path: string): Promise<LeNet> {
  const saved = await loadModel(path, "lenet");
  const [first = 0, second = 0] = saved.sizes("nkerns");
  const classifier = new LeNet({ rng: new np.random.RandomState(0), input: T.matrix("x"), nkerns: [first, second], nHidden: saved.size("nHidden") });
  restoreParams(path, saved, classifier.named);
  return classifier;
}
