/**
 * The article's DBN.py: the class `DBN`, RBMs stacked under a logistic regression, trained layer by layer and then as one network.
 * On the public API only. Next: dbn_program.ts trains one.
 */
import { compile, In, MRGRandomStreams, type SharedVariable, T, type Updates, type Variable } from "../index.js";
import { minibatch, type ScalarFunction } from "./logistic_sgd.js";
import type { NamedParams } from "./model_files.js";
import { type BinomialStreams, RBM } from "./rbm.js";
import { StackedNetwork, type StackedOptions } from "./stacked.js";

export interface DBNOptions extends StackedOptions {
  readonly theanoRng?: BinomialStreams | null | undefined;
}

export interface PretrainingOptions {
  readonly trainSetX: SharedVariable;
  readonly batchSize: number;
  /** Gibbs steps. */
  readonly k: number;
}

/** Deep belief network. Layer i's weights are at once those of a sigmoid layer and of an RBM. */
export class DBN extends StackedNetwork {
  readonly rbmLayers: readonly RBM[];

  constructor({ numpyRng, theanoRng: given = null, ...sizes }: DBNOptions) {
    // Drawn before the weights are.
    const theanoRng = given ?? new MRGRandomStreams(numpyRng.randint(2 ** 30));
    super({ numpyRng, ...sizes });
    this.rbmLayers = this.sigmoidLayers.map(
      ({ input, W, b }, i) => new RBM({ numpyRng, theanoRng, input, nVisible: this.inputSize(i), nHidden: this.hiddenLayersSizes[i], W, hbias: b }),
    );
  }

  /** For each layer, a function of (index, lr = 0.1) that does one step of CD-k on a minibatch and gives its reconstruction cost. */
  pretrainingFunctions({ trainSetX, batchSize, k }: PretrainingOptions): ScalarFunction[] {
    const index = T.lscalar("index");
    const learningRate = T.scalar("lr");
    return this.rbmLayers.map((rbm) => {
      const [cost, updates]: [Variable, Updates] = rbm.getCostUpdates({ lr: learningRate, persistent: null, k });
      return compile({ inputs: [index, In(learningRate, { value: 0.1 })], outputs: cost, updates, givens: [[this.x, minibatch(trainSetX, index, batchSize)]] });
    });
  }

  /** Parameters by the names they have in files, the RBMs' visible biases included. */
  get named(): NamedParams {
    const layers = this.rbmLayers.flatMap((rbm, i): [string, SharedVariable][] => [
      [`W${i}`, rbm.W],
      [`b${i}`, rbm.hbias],
      [`vbias${i}`, rbm.vbias],
    ]);
    return { ...Object.fromEntries(layers), ...this.logLayer.named };
  }
}
