/**
 * The Deep Learning Tutorials' rnnrbm.py: an RBM at each time step whose biases come from a recurrent network (Boulanger-Lewandowski et al. 2012).
 * On the public API only. Next: rnnrbm_program.ts trains one on piano-rolls and lets it play.
 */
import { compile, type CompiledFunction, config, grad, MRGRandomStreams, numpy as np, type RandomState, scan, shared, type SharedVariable, T, type Updates, type Variable } from "../index.js";
import type { NamedParams } from "./model_files.js";
import type { BinomialStreams } from "./rbm.js";

/** Weights and biases of an RBM; the biases may differ from row to row. */
export interface RbmParameters {
  /** `[visible, hidden]`. */
  readonly W: Variable;
  /** `[visible]` or `[n, visible]`. */
  readonly bv: Variable;
  /** `[hidden]` or `[n, hidden]`. */
  readonly bh: Variable;
}

export interface GibbsChain {
  /** Samples at the end of the chains, as `v`. */
  readonly vSample: Variable;
  /** 0-d: its gradient, with `vSample` held constant, is that of CD-k; a mean over rows. */
  readonly cost: Variable;
  /** 0-d: pseudo log-likelihood, a mean over rows. */
  readonly monitor: Variable;
  readonly updates: Updates;
}

/** A chain of `k` Gibbs steps from `v`, `[visible]` or `[n, visible]` for n chains side by side. */
export function buildRbm(v: Variable, { W, bv, bh }: RbmParameters, { k, rng }: { readonly k: number; readonly rng: BinomialStreams }): GibbsChain {
  const gibbsStep = (v: Variable): [meanV: Variable, v: Variable] => {
    const meanH = T.nnet.sigmoid(T.dot(v, W).add(bh));
    const h = rng.binomial({ size: meanH.shape, n: 1, p: meanH, dtype: config.floatX });
    const meanV = T.nnet.sigmoid(T.dot(h, W.T).add(bv));
    return [meanV, rng.binomial({ size: meanV.shape, n: 1, p: meanV, dtype: config.floatX })];
  };
  const [chain, updates] = scan({ fn: (v: Variable) => gibbsStep(v)[1], outputsInfo: [v], nSteps: k });
  const vSample = chain.get(-1);

  const [meanV] = gibbsStep(vSample);
  const logLikelihood = T.xlogx.xlogy0(v, meanV).add(T.xlogx.xlogy0(T.sub(1, v), T.sub(1, meanV)));
  const monitor = logLikelihood.sum().div(v.shape[0] as Variable);

  const freeEnergy = (v: Variable): Variable => v.mul(bv).sum().neg().sub(T.log(T.add(1, T.exp(T.dot(v, W).add(bh)))).sum());
  const cost = freeEnergy(v).sub(freeEnergy(vSample)).div(v.shape[0] as Variable);
  return { vSample, cost, monitor, updates };
}

/** A matrix of normal draws. */
const sharedNormal = (rng: RandomState, name: string, numRows: number, numCols: number, scale = 1): SharedVariable =>
  shared(np.asarray(rng.normal({ scale, size: [numRows, numCols] }), { dtype: config.floatX }), { name });

const sharedZeros = (name: string, n: number): SharedVariable => shared(np.zeros([n], { dtype: config.floatX }), { name });

export interface RnnRbmSizes {
  readonly nVisible: number;
  /** Hidden units of the conditional RBMs. */
  readonly nHidden: number;
  /** Hidden units of the recurrent network. */
  readonly nHiddenRecurrent: number;
}

export interface RnnRbmGraph {
  /** A training sequence, `[steps, nVisible]` floatX. */
  readonly v: Variable;
  /** Negative particles of the training sequence. */
  readonly vSample: Variable;
  readonly cost: Variable;
  readonly monitor: Variable;
  readonly params: readonly SharedVariable[];
  readonly updatesTrain: Updates;
  /** A generated sequence, `[nGenerated, nVisible]`. */
  readonly vT: Variable;
  readonly updatesGenerate: Updates;
}

export interface RnnRbmDraws {
  /** Draws the initial weights. */
  readonly numpyRng: RandomState;
  readonly rng: BinomialStreams;
}

/** Gibbs steps of training and of generating, and the length of what is generated. */
export interface RnnRbmChains {
  readonly kTrain?: number | undefined;
  readonly kGenerate?: number | undefined;
  readonly nGenerated?: number | undefined;
}

/** The graph of training and that of generating, with new parameters. */
export function buildRnnrbm({ nVisible, nHidden, nHiddenRecurrent }: RnnRbmSizes, { numpyRng, rng }: RnnRbmDraws, { kTrain = 15, kGenerate = 25, nGenerated = 200 }: RnnRbmChains = {}): RnnRbmGraph {
  const W = sharedNormal(numpyRng, "W", nVisible, nHidden, 0.01);
  const bv = sharedZeros("bv", nVisible);
  const bh = sharedZeros("bh", nHidden);
  const Wuh = sharedNormal(numpyRng, "Wuh", nHiddenRecurrent, nHidden, 0.0001);
  const Wuv = sharedNormal(numpyRng, "Wuv", nHiddenRecurrent, nVisible, 0.0001);
  const Wvu = sharedNormal(numpyRng, "Wvu", nVisible, nHiddenRecurrent, 0.0001);
  const Wuu = sharedNormal(numpyRng, "Wuu", nHiddenRecurrent, nHiddenRecurrent, 0.0001);
  const bu = sharedZeros("bu", nHiddenRecurrent);
  const params = [W, bv, bh, Wuh, Wuv, Wvu, Wuu, bu];

  const v = T.matrix("v");
  const u0 = T.zeros([nHiddenRecurrent]);
  const biases = (uTm1: Variable): { bvT: Variable; bhT: Variable } => ({ bvT: bv.add(T.dot(uTm1, Wuv)), bhT: bh.add(T.dot(uTm1, Wuh)) });
  const nextU = (vT: Variable, uTm1: Variable): Variable => T.tanh(bu.add(T.dot(vT, Wvu)).add(T.dot(uTm1, Wuu)));

  // With v given the recurrence is deterministic: it finds the biases of all steps, and one chain then trains the RBMs of all steps together.
  const [[, bvT, bhT], updatesTrain] = scan({
    fn: (vT: Variable, uTm1: Variable) => {
      const { bvT, bhT } = biases(uTm1);
      return [nextU(vT, uTm1), bvT, bhT];
    },
    sequences: v,
    outputsInfo: [u0, null, null],
    nonSequences: params,
  });
  const { vSample, cost, monitor, updates: updatesRbm } = buildRbm(v, { W, bv: bvT, bh: bhT }, { k: kTrain, rng });
  updatesTrain.update(updatesRbm);

  // Without it each step draws its own v from a chain of its own, which the next step's biases depend on.
  const [[vT], updatesGenerate] = scan({
    fn: (uTm1: Variable) => {
      const { bvT, bhT } = biases(uTm1);
      const { vSample: vT, updates } = buildRbm(T.zeros([nVisible]), { W, bv: bvT, bh: bhT }, { k: kGenerate, rng });
      return [[vT, nextU(vT, uTm1)], updates];
    },
    outputsInfo: [null, u0],
    nonSequences: params,
    nSteps: nGenerated,
  });
  return { v, vSample, cost, monitor, params, updatesTrain, vT, updatesGenerate };
}

export interface RnnRbmOptions extends Partial<RnnRbmSizes>, RnnRbmChains {
  readonly lr?: number | undefined;
  /** Seed of weights and random streams. */
  readonly seed?: number | undefined;
  /** `MRGRandomStreams` by default. */
  readonly rng?: BinomialStreams | undefined;
}

/** An RNN-RBM with its compiled functions. */
export class RnnRbm {
  readonly sizes: RnnRbmSizes;
  readonly graph: RnnRbmGraph;
  /** Takes a sequence `[steps, nVisible]`; a training step, gives the monitor. */
  readonly trainFunction: CompiledFunction<Variable>;
  /** Gives a sequence `[nGenerated, nVisible]`. */
  readonly generateFunction: CompiledFunction<Variable>;
  /** Goes on after the initial weights; the program shuffles with it. */
  readonly numpyRng: RandomState;

  constructor({ nVisible = 88, nHidden = 150, nHiddenRecurrent = 100, lr = 0.001, seed = 0xbeef, rng: given, ...chains }: RnnRbmOptions = {}) {
    this.sizes = { nVisible, nHidden, nHiddenRecurrent };
    this.numpyRng = new np.random.RandomState(seed);
    // Drawn before the weights are.
    const streamSeed = this.numpyRng.randint(2 ** 30);
    const rng = given ?? new MRGRandomStreams(streamSeed);
    this.graph = buildRnnrbm(this.sizes, { numpyRng: this.numpyRng, rng }, chains);
    const { v, vSample, cost, monitor, params, updatesTrain, vT, updatesGenerate } = this.graph;
    const gradient = grad(cost, params, { considerConstant: [vSample] });
    for (const [i, p] of params.entries()) updatesTrain.set(p, p.sub((gradient[i] as Variable).mul(lr)));
    this.trainFunction = compile([v], monitor, { updates: updatesTrain, name: "train_function" });
    this.generateFunction = compile([], vT, { updates: updatesGenerate, name: "generate_function" });
  }

  get named(): NamedParams {
    return Object.fromEntries(this.graph.params.map((p) => [p.name as string, p]));
  }
}
