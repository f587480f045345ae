/**
 * The tutorials' training functions at sizes small enough to read, for the tests of plans and of where values live.
 * 12 visible units, 7 hidden, 3 classes, minibatches of 4 from 10 examples.
 */
import { type CompiledFunction, compile, config, grad, MRGRandomStreams, NdArray, numpy as np, type RandomState, RandomStreams, scan, shared, type SharedVariable, T, Updates, type Variable } from "../../src/index.js";
import { DBN } from "../../src/models/dbn.js";
import { LogisticRegression, minibatch } from "../../src/models/logistic_sgd.js";
import { RBM } from "../../src/models/rbm.js";

export const SIZES = { visible: 12, hidden: 7, classes: 3, batch: 4, examples: 10 } as const;
const { visible, hidden, classes, batch, examples } = SIZES;

export interface Tutorial {
  readonly train: CompiledFunction<Variable>;
  /** Every shared variable that training changes, random states included. */
  readonly state: readonly SharedVariable[];
}

const rng = (): RandomState => new np.random.RandomState(123);
const images = (): SharedVariable => shared(np.asarray(rng().uniform({ size: [examples, visible] }), { dtype: config.floatX }), { name: "train_set_x" });
const labelled = (): [SharedVariable, SharedVariable] => [images(), shared(np.asarray(Array.from({ length: examples }, (_, i) => i % classes), { dtype: config.floatX }), { name: "train_set_y" })];
const statesOf = (updates: Updates): SharedVariable[] => [...updates.keys()];

export function logistic(device: string): Tutorial {
  const [setX, setY] = labelled();
  const [index, x, y] = [T.lscalar("index"), T.matrix("x"), T.ivector("y")];
  const model = new LogisticRegression({ input: x, nIn: visible, nOut: classes });
  const cost = model.negativeLogLikelihood(y);
  const updates = model.params.map((p) => [p, p.sub(grad(cost, p).mul(0.13))] as const);
  const train = compile([index], cost, { updates, givens: [[x, minibatch(setX, index, batch)], [y, minibatch(T.cast(setY, "int32"), index, batch)]], device });
  return { train, state: model.params };
}

/** CD-k without `persistent`, PCD-k with it; NumPy's streams as the article, or MRG31k3p as the DBN. */
export function rbm(device: string, { k, persistent, streams = "numpy" }: { k: number; persistent: boolean; streams?: "numpy" | "mrg" }): Tutorial {
  const setX = images();
  const [index, x] = [T.lscalar("index"), T.matrix("x")];
  const numpyRng = rng();
  const seed = numpyRng.randint(2 ** 30);
  const theanoRng = streams === "numpy" ? new RandomStreams(seed) : new MRGRandomStreams(seed);
  const model = new RBM({ input: x, nVisible: visible, nHidden: hidden, numpyRng, theanoRng });
  const chain = persistent ? shared(np.zeros([batch, hidden], { dtype: config.floatX }), { name: "chain" }) : null;
  const [cost, updates] = model.getCostUpdates({ lr: 0.1, persistent: chain, k });
  const train = compile([index], cost, { updates, givens: [[x, minibatch(setX, index, batch)]], device });
  return { train, state: [...statesOf(updates), ...theanoRng.stateUpdates().map(([s]) => s)] };
}

/** Pretraining of each layer, and fine-tuning, of a 12-7-5-3 network. */
export function dbn(device: string): { pretrain: readonly Tutorial[]; finetune: Tutorial } {
  const before = config.device;
  config.device = device;
  const [setX, setY] = labelled();
  const theanoRng = new MRGRandomStreams(rng().randint(2 ** 30));
  const model = new DBN({ numpyRng: rng(), theanoRng, nIns: visible, hiddenLayersSizes: [hidden, 5], nOuts: classes });
  const fns = model.pretrainingFunctions({ trainSetX: setX, batchSize: batch, k: 1 });
  const random = theanoRng.stateUpdates().map(([s]) => s);
  const pretrain = fns.map((train, i) => ({ train, state: [...(model.rbmLayers[i] as RBM).params, ...random] }));
  const set = [setX, T.cast(setY, "int32")] as const;
  const { trainFn } = model.buildFinetuneFunctions({ datasets: [set, set, set], batchSize: batch, learningRate: 0.1 });
  config.device = before;
  return { pretrain, finetune: { train: trainFn, state: model.params } };
}

/** A recurrent network over 6 steps of a minibatch, trained by back-propagation through time. */
export function recurrent(device: string): Tutorial {
  const r = rng();
  const weights = (name: string, size: number[]): SharedVariable => shared(np.asarray(r.uniform({ low: -0.5, high: 0.5, size }), { dtype: config.floatX }), { name });
  const [x, y] = [T.tensor3("x"), T.ivector("y")];
  const [wx, wh, wo] = [weights("W_x", [visible, hidden]), weights("W_h", [hidden, hidden]), weights("W_o", [hidden, classes])];
  const bh = shared(np.zeros([hidden], { dtype: config.floatX }), { name: "b_h" });
  const [h] = scan({ fn: (xt, before) => T.tanh(T.dot(xt as Variable, wx).add(T.dot(before as Variable, wh)).add(bh)), sequences: x, outputsInfo: T.zeros([x.shape[1] as Variable, hidden]) });
  const cost = T.mean(T.nnet.categoricalCrossentropy(T.nnet.softmax(T.dot(h.get(-1), wo)), y));
  const params = [wx, wh, wo, bh];
  const gradients = grad(cost, params);
  const train = compile([x, y], cost, { updates: params.map((p, i) => [p, p.sub((gradients[i] as Variable).mul(0.1))] as const), device });
  return { train, state: params };
}

/** The arguments of a call of `recurrent`. */
export const sequence = (): [NdArray, readonly number[]] => [np.asarray(rng().uniform({ size: [6, batch, visible] }), { dtype: config.floatX }), [0, 1, 2, 0]];
