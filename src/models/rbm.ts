/**
 * The article's rbm.py: the class `RBM`, a restricted Boltzmann machine trained by (persistent) contrastive divergence.
 * On the public API only. Next: rbm_program.ts trains one and samples from it; dbn.ts stacks them.
 */
import { all, config, grad, numpy as np, type RandomState, RandomStreams, scan, shared, type SharedVariable, T, type Updates, type Variable } from "../index.js";
import type { NamedParams } from "./model_files.js";
import { sigmoidWeights } from "./weights.js";

/** What an RBM needs of a stream of random numbers: `RandomStreams` or `MRGRandomStreams`. */
export interface BinomialStreams {
  binomial(options: { readonly size: Variable; readonly n: number; readonly p: Variable | number; readonly dtype: string }): Variable;
}

export interface RBMOptions {
  /** `[n, nVisible]`, floatX; made here if not given. */
  readonly input?: Variable | null | undefined;
  readonly nVisible?: number | undefined;
  readonly nHidden?: number | undefined;
  /** Weights, `[nVisible, nHidden]`, when shared with another model. */
  readonly W?: SharedVariable | null | undefined;
  readonly hbias?: SharedVariable | null | undefined;
  readonly vbias?: SharedVariable | null | undefined;
  readonly numpyRng?: RandomState | null | undefined;
  readonly theanoRng?: BinomialStreams | null | undefined;
}

export interface CostUpdatesOptions {
  readonly lr?: number | Variable | undefined;
  /** The chains' hidden state, `[n, nHidden]`, for PCD; null for CD. */
  readonly persistent?: SharedVariable | null | undefined;
  /** Gibbs steps. */
  readonly k?: number | undefined;
}

/** Before the sigmoid, and its mean. */
type Activations = [Variable, Variable];
/** Before the sigmoid, its mean, and a sample. */
type Sampled = [Variable, Variable, Variable];

/** Restricted Boltzmann machine with binary units. */
export class RBM {
  readonly nVisible: number;
  readonly nHidden: number;
  readonly input: Variable;
  readonly W: SharedVariable;
  readonly hbias: SharedVariable;
  readonly vbias: SharedVariable;
  readonly theanoRng: BinomialStreams;
  readonly params: readonly SharedVariable[];

  constructor({ input = null, nVisible = 784, nHidden = 500, W = null, hbias = null, vbias = null, numpyRng = null, theanoRng = null }: RBMOptions = {}) {
    this.nVisible = nVisible;
    this.nHidden = nHidden;
    if (numpyRng === null) numpyRng = new np.random.RandomState(1234);
    if (theanoRng === null) theanoRng = new RandomStreams(numpyRng.randint(2 ** 30));
    if (W === null) W = sigmoidWeights(numpyRng, nVisible, nHidden);
    if (hbias === null) hbias = shared(np.zeros([nHidden], { dtype: config.floatX }), { name: "hbias", borrow: true });
    if (vbias === null) vbias = shared(np.zeros([nVisible], { dtype: config.floatX }), { name: "vbias", borrow: true });
    this.input = input ?? T.matrix("input");
    this.W = W;
    this.hbias = hbias;
    this.vbias = vbias;
    this.theanoRng = theanoRng;
    this.params = [this.W, this.hbias, this.vbias];
  }

  /** `-log sum_h exp(-E(v, h))` of each row of visible units: `[n]`. */
  freeEnergy(vSample: Variable): Variable {
    const wxB = T.dot(vSample, this.W).add(this.hbias);
    const vbiasTerm = T.dot(vSample, this.vbias);
    const hiddenTerm = T.sum(T.log(T.add(1, T.exp(wxB))), { axis: 1 });
    return hiddenTerm.neg().sub(vbiasTerm);
  }

  /** Visible to hidden units. */
  propup(vis: Variable): Activations {
    const preSigmoidActivation = T.dot(vis, this.W).add(this.hbias);
    return [preSigmoidActivation, T.nnet.sigmoid(preSigmoidActivation)];
  }

  sampleHGivenV(v0Sample: Variable): Sampled {
    const [preSigmoidH1, h1Mean] = this.propup(v0Sample);
    const h1Sample = this.theanoRng.binomial({ size: h1Mean.shape, n: 1, p: h1Mean, dtype: config.floatX });
    return [preSigmoidH1, h1Mean, h1Sample];
  }

  /** Hidden to visible units. The activation before the sigmoid is what the reconstruction cost needs: log(sigmoid(x)) is stable only when seen as one. */
  propdown(hid: Variable): Activations {
    const preSigmoidActivation = T.dot(hid, this.W.T).add(this.vbias);
    return [preSigmoidActivation, T.nnet.sigmoid(preSigmoidActivation)];
  }

  sampleVGivenH(h0Sample: Variable): Sampled {
    const [preSigmoidV1, v1Mean] = this.propdown(h0Sample);
    const v1Sample = this.theanoRng.binomial({ size: v1Mean.shape, n: 1, p: v1Mean, dtype: config.floatX });
    return [preSigmoidV1, v1Mean, v1Sample];
  }

  /** One step of Gibbs sampling from the hidden state. */
  gibbsHvh(h0Sample: Variable): [...Sampled, ...Sampled] {
    const [preSigmoidV1, v1Mean, v1Sample] = this.sampleVGivenH(h0Sample);
    const [preSigmoidH1, h1Mean, h1Sample] = this.sampleHGivenV(v1Sample);
    return [preSigmoidV1, v1Mean, v1Sample, preSigmoidH1, h1Mean, h1Sample];
  }

  /** One step of Gibbs sampling from the visible state. */
  gibbsVhv(v0Sample: Variable): [...Sampled, ...Sampled] {
    const [preSigmoidH1, h1Mean, h1Sample] = this.sampleHGivenV(v0Sample);
    const [preSigmoidV1, v1Mean, v1Sample] = this.sampleVGivenH(h1Sample);
    return [preSigmoidH1, h1Mean, h1Sample, preSigmoidV1, v1Mean, v1Sample];
  }

  /**
   * One step of CD-k or PCD-k: a monitoring cost (0-d) and the updates of the parameters, the chains and the random streams.
   * The cost is the pseudo-likelihood with persistent chains, else the reconstruction cross-entropy.
   */
  getCostUpdates({ lr = 0.1, persistent = null, k = 1 }: CostUpdatesOptions = {}): [Variable, Updates] {
    // positive phase
    const [, , phSample] = this.sampleHGivenV(this.input);
    const chainStart = persistent === null ? phSample : persistent;
    // negative phase
    const [[preSigmoidNvs, , nvSamples, , , nhSamples], updates] = scan({
      fn: (h0Sample: Variable) => this.gibbsHvh(h0Sample),
      outputsInfo: [null, null, null, null, null, chainStart],
      nSteps: k,
      name: "gibbs_hvh",
    });
    const chainEnd = nvSamples.get(-1);
    const cost = T.mean(this.freeEnergy(this.input)).sub(T.mean(this.freeEnergy(chainEnd)));
    // The gradient must not go through the Gibbs sampling.
    const gparams = grad(cost, this.params, { considerConstant: [chainEnd] });
    for (const [i, param] of this.params.entries()) {
      updates.set(param, param.sub((gparams[i] as Variable).mul(T.cast(lr, config.floatX))));
    }
    if (persistent) {
      updates.set(persistent, nhSamples.get(-1));
      return [this.getPseudoLikelihoodCost(updates), updates];
    }
    return [this.getReconstructionCost(updates, preSigmoidNvs.get(-1)), updates];
  }

  /** Stochastic approximation to the pseudo-likelihood: one bit per call, the next one at the next call. */
  getPseudoLikelihoodCost(updates: Updates): Variable {
    const bitIIdx = shared(0, { name: "bit_i_idx" });
    const xi = T.round(this.input);
    const feXi = this.freeEnergy(xi);
    // The bit i of every row flipped; the other bits stay.
    const xiFlip = T.setSubtensor(xi.get(all, bitIIdx), T.sub(1, xi.get(all, bitIIdx)));
    const feXiFlip = this.freeEnergy(xiFlip);
    // log(e^(-FE(x_i)) / (e^(-FE(x_i)) + e^(-FE(x_\i))))
    const cost = T.mean(T.mul(this.nVisible, T.log(T.nnet.sigmoid(feXiFlip.sub(feXi)))));
    updates.set(bitIIdx, bitIIdx.add(1).mod(this.nVisible));
    return cost;
  }

  /** Cross-entropy between the input and its reconstruction, which is given before its sigmoid. */
  getReconstructionCost(_updates: Updates, preSigmoidNv: Variable): Variable {
    const crossEntropy = T.mean(
      T.sum(
        this.input.mul(T.log(T.nnet.sigmoid(preSigmoidNv))).add(
          T.sub(1, this.input).mul(T.log(T.sub(1, T.nnet.sigmoid(preSigmoidNv)))),
        ),
        { axis: 1 },
      ),
    );
    return crossEntropy;
  }

  /** Parameters by the names they have in files. */
  get named(): NamedParams {
    return { W: this.W, hbias: this.hbias, vbias: this.vbias };
  }
}
