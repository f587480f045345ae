/**
 * The Deep Learning Tutorials' lstm.py: a recurrent layer over word embeddings, the mean of its states, dropout and a softmax, to tell how a review is meant.
 * On the public API only. Next: lstm_program.ts trains one.
 */
import { compile, type CompiledFunction, config, MRGRandomStreams, numpy as np, type RandomState, shared, type SharedVariable, T, type Variable } from "../index.js";
import { type Encoder, get, layers, type Params, type Tparams } from "./recurrent_layers.js";

export interface ModelOptions {
  /** Dimension of the words' embeddings, and hidden units. */
  readonly dimProj: number;
  /** Vocabulary size. */
  readonly nWords: number;
  /** Number of classes. */
  readonly ydim: number;
  readonly encoder: Encoder;
  readonly useDropout: boolean;
}

/** A stream that dropout draws from. */
export interface DropoutStreams {
  binomial(options: { readonly size: Variable; readonly n: number; readonly p: number; readonly dtype: string }): Variable;
}

/** Drops half of the units where `useNoise` is not 0, else halves them all. */
export function dropoutLayer(stateBefore: Variable, useNoise: Variable, trng: DropoutStreams): Variable {
  const noise = trng.binomial({ size: stateBefore.shape, p: 0.5, n: 1, dtype: stateBefore.dtype });
  return T.switch(useNoise, stateBefore.mul(noise), stateBefore.mul(0.5));
}

/** Initial values: embeddings, the recurrent layer, the classifier. */
export function initParams(options: ModelOptions, rng: RandomState): Params {
  const { dimProj, nWords, ydim, encoder } = options;
  const params: Params = new Map();
  params.set("Wemb", np.asarray(np.multiply(0.01, rng.rand(nWords, dimProj)), { dtype: config.floatX }));
  layers[encoder].init(options, params, { prefix: encoder, rng });
  params.set("U", np.asarray(np.multiply(0.01, rng.randn(dimProj, ydim)), { dtype: config.floatX }));
  params.set("b", np.zeros([ydim], { dtype: config.floatX }));
  return params;
}

export const initTparams = (params: Params): Tparams => new Map([...params].map(([name, value]) => [name, shared(value, { name })]));

export interface LstmModel {
  /** 1 while training, 0 while predicting. */
  readonly useNoise: SharedVariable;
  /** Word indices, int32 `[steps, n]`. */
  readonly x: Variable;
  /** floatX `[steps, n]`. */
  readonly mask: Variable;
  /** Labels, int32 `[n]`. */
  readonly y: Variable;
  /** Takes x and mask: probabilities `[n, ydim]`. */
  readonly fPredProb: CompiledFunction<Variable>;
  /** Takes x and mask: labels `[n]`. */
  readonly fPred: CompiledFunction<Variable>;
  readonly cost: Variable;
}

export function buildModel(tparams: Tparams, options: ModelOptions, { seed = 123 }: { readonly seed?: number | undefined } = {}): LstmModel {
  const { dimProj, encoder, useDropout } = options;
  const trng = new MRGRandomStreams(seed);
  const useNoise = shared(0, { name: "use_noise", dtype: config.floatX });
  const x = T.imatrix("x");
  const mask = T.matrix("mask");
  const y = T.ivector("y");
  const [nTimesteps, nSamples] = [x.shape[0] as Variable, x.shape[1] as Variable];

  const emb = get(tparams, "Wemb").get(x.flatten()).reshape([nTimesteps, nSamples, dimProj]);
  let proj = layers[encoder].layer({ tparams, stateBelow: emb, options, prefix: encoder, mask });
  // The mean over the steps that have a word.
  proj = proj.mul(mask.dimshuffle(0, 1, "x")).sum({ axis: 0 });
  proj = proj.div(mask.sum({ axis: 0 }).dimshuffle(0, "x"));
  if (useDropout) proj = dropoutLayer(proj, useNoise, trng);

  const pred = T.nnet.softmax(T.dot(proj, get(tparams, "U")).add(get(tparams, "b")));
  const fPredProb = compile([x, mask], pred, { name: "f_pred_prob" });
  const fPred = compile([x, mask], T.argmax(pred, { axis: 1 }), { name: "f_pred" });
  const cost = T.log(pred.get(T.arange(nSamples), y).add(1e-8)).mean().neg();
  return { useNoise, x, mask, y, fPredProb, fPred, cost };
}
