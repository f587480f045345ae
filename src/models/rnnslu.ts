/**
 * The Deep Learning Tutorials' rnnslu.py: an Elman network that labels the words of a sentence, over embeddings of each word and its neighbours (Mesnil et
 * al. 2013). On the public API only. Next: rnnslu_program.ts trains one with early stopping.
 */
import { all, compile, type CompiledFunction, config, fail, grad, type NdArray, numpy as np, type RandomState, scan, shared, type SharedVariable, T, type Variable } from "../index.js";
import { loadModel, type NamedParams, restoreParams, saveModel } from "./model_files.js";

/** For each word the indices of the `win` words around it; -1 stands beyond the ends. Throws `contextwin-even` (ValueError). */
export function contextwin(l: readonly number[], win: number): number[][] {
  if (!(Number.isInteger(win) && win >= 1 && win % 2 === 1)) fail("value", "contextwin-even", { what: `A window of ${win} words has no middle.`, fix: "use an odd number of words" });
  const padding = new Array<number>((win - 1) / 2).fill(-1);
  const lpadded = [...padding, ...l, ...padding];
  return l.map((_, i) => lpadded.slice(i, i + win));
}

export interface RnnsluSizes {
  /** Dimension of the hidden layer. */
  readonly nh: number;
  /** Number of classes. */
  readonly nc: number;
  /** Number of words in the vocabulary. */
  readonly ne: number;
  /** Dimension of the words' embeddings. */
  readonly de: number;
  /** Size of the word windows. */
  readonly cs: number;
}

/** Elman neural net model. */
export class RNNSLU {
  readonly sizes: RnnsluSizes;
  readonly emb: SharedVariable;
  readonly wx: SharedVariable;
  readonly wh: SharedVariable;
  readonly w: SharedVariable;
  readonly bh: SharedVariable;
  readonly b: SharedVariable;
  readonly h0: SharedVariable;
  readonly params: readonly SharedVariable[];
  readonly sentenceNll: Variable;
  /** Takes windows `[words, cs]` int32; gives labels `[words]`. */
  readonly classify: CompiledFunction<Variable>;
  /** Takes windows, labels and a learning rate; a step of gradient descent, gives the mean of -log P(label) before it. */
  readonly sentenceTrain: CompiledFunction<Variable>;
  /** Gives each word's embedding length 1. */
  readonly normalize: CompiledFunction<undefined>;

  constructor(sizes: RnnsluSizes, rng: RandomState) {
    this.sizes = sizes;
    const { nh, nc, ne, de, cs } = sizes;
    const uniform = (name: string, rows: number, columns: number): SharedVariable => shared(np.asarray(np.multiply(0.2, rng.uniform({ low: -1.0, high: 1.0, size: [rows, columns] })), { dtype: config.floatX }), { name });
    const zeros = (name: string, n: number): SharedVariable => shared(np.zeros([n], { dtype: config.floatX }), { name });
    // One more for what stands beyond the ends, which index -1 finds.
    this.emb = uniform("embeddings", ne + 1, de);
    this.wx = uniform("wx", de * cs, nh);
    this.wh = uniform("wh", nh, nh);
    this.w = uniform("w", nh, nc);
    this.bh = zeros("bh", nh);
    this.b = zeros("b", nc);
    this.h0 = zeros("h0", nh);
    this.params = [this.emb, this.wx, this.wh, this.w, this.bh, this.b, this.h0];

    // As many columns as the window has words, as many rows as the sentence has.
    const idxs = T.imatrix("idxs");
    const x = this.emb.get(idxs).reshape([idxs.shape[0] as Variable, de * cs]);
    const ySentence = T.ivector("y_sentence");

    const recurrence = (xT: Variable, hTm1: Variable): [Variable, Variable] => {
      const hT = T.nnet.sigmoid(T.dot(xT, this.wx).add(T.dot(hTm1, this.wh)).add(this.bh));
      const sT = T.nnet.softmax(T.dot(hT, this.w).add(this.b));
      return [hT, sT];
    };
    const [[, s]] = scan({ fn: recurrence, sequences: x, outputsInfo: [this.h0, null], nSteps: x.shape[0] as Variable });
    const pYGivenXSentence = s.get(all, 0, all);
    const yPred = T.argmax(pYGivenXSentence, { axis: 1 });

    const lr = T.scalar("lr");
    this.sentenceNll = T.mean(T.log(pYGivenXSentence).get(T.arange(x.shape[0] as Variable), ySentence)).neg();
    const sentenceGradients = grad(this.sentenceNll, this.params);
    const sentenceUpdates = this.params.map((p, i) => [p, p.sub(lr.mul(sentenceGradients[i] as Variable))] as const);

    this.classify = compile([idxs], yPred, { name: "classify" });
    this.sentenceTrain = compile([idxs, ySentence, lr], this.sentenceNll, { updates: sentenceUpdates, name: "sentence_train" });
    this.normalize = compile([], undefined, { updates: [[this.emb, this.emb.div(T.sqrt(this.emb.pow(2).sum({ axis: 1 })).dimshuffle(0, "x"))]], name: "normalize" });
  }

  /** One step on a sentence's words `x` and labels `y`; gives the sentence's cost. */
  async train(x: readonly number[], y: readonly number[], windowSize: number, learningRate: number): Promise<number> {
    const words = contextwin(x, windowSize);
    const cost = Number(await this.sentenceTrain(words, [...y], learningRate));
    await this.normalize();
    return cost;
  }

  /** The labels of a sentence's words. */
  async label(x: readonly number[], windowSize: number): Promise<number[]> {
    return [...((await this.classify(contextwin(x, windowSize))) as NdArray).data];
  }

  get named(): NamedParams {
    return Object.fromEntries(this.params.map((p) => [p.name as string, p]));
  }

  /** Writes the parameters as an .npz that `RNNSLU.load` and NumPy read. */
  async save(path: string): Promise<void> {
    await saveModel(path, "rnnslu", this.named, { ...this.sizes });
  }

  /** The model of a file. Throws what `loadModel` and `restoreParams` throw. */
  static async load(path: string): Promise<RNNSLU> {
    const saved = await loadModel(path, "rnnslu");
    const [nh, nc, ne, de, cs] = ["nh", "nc", "ne", "de", "cs"].map((name) => saved.size(name)) as [number, number, number, number, number];
    const model = new RNNSLU({ nh, nc, ne, de, cs }, new np.random.RandomState(0));
    restoreParams(path, saved, model.named);
    return model;
  }
}
