/**
 * What DBN.py and SdA.py share: sigmoid layers under a logistic regression, a network whose layers are pretrained one by one and which is then trained
 * as one. On the public API only. Must not know how a layer is pretrained: dbn.ts and sda.ts do.
 */
import { fail, type RandomState, type SharedVariable, T, type Variable } from "../index.js";
import { LogisticRegression, type ScalarFunction, type SharedDatasets } from "./logistic_sgd.js";
import { HiddenLayer } from "./mlp.js";
import { classifierFunctions } from "./program.js";

export interface StackedOptions {
  readonly numpyRng: RandomState;
  readonly nIns?: number | undefined;
  readonly hiddenLayersSizes?: readonly number[] | undefined;
  readonly nOuts?: number | undefined;
}

export interface FinetuneOptions {
  readonly datasets: SharedDatasets;
  readonly batchSize: number;
  readonly learningRate: number;
}

/** One training step on a minibatch, and the errors of all minibatches of the validation and test sets. */
export interface FinetuneFunctions {
  readonly trainFn: ScalarFunction;
  readonly validScore: () => Promise<number[]>;
  readonly testScore: () => Promise<number[]>;
}

/** Sigmoid layers and a logistic regression. Throws `hidden-layers` (ValueError) where there is no layer. */
export class StackedNetwork {
  readonly sigmoidLayers: readonly HiddenLayer[];
  readonly params: readonly SharedVariable[];
  readonly nLayers: number;
  readonly x: Variable;
  readonly y: Variable;
  readonly logLayer: LogisticRegression;
  readonly finetuneCost: Variable;
  readonly errors: Variable;
  readonly nIns: number;
  readonly hiddenLayersSizes: readonly number[];
  readonly nOuts: number;

  constructor({ numpyRng, nIns = 784, hiddenLayersSizes = [500, 500], nOuts = 10 }: StackedOptions) {
    this.nLayers = hiddenLayersSizes.length;
    if (!(this.nLayers > 0)) fail("value", "hidden-layers", { what: `A ${this.constructor.name} needs at least one hidden layer.`, fix: "pass hiddenLayersSizes: [500, 500]" });
    this.nIns = nIns;
    this.hiddenLayersSizes = hiddenLayersSizes;
    this.nOuts = nOuts;
    this.x = T.matrix("x");
    this.y = T.ivector("y");
    const sigmoidLayers: HiddenLayer[] = [];
    for (const [i, nOut] of hiddenLayersSizes.entries()) {
      sigmoidLayers.push(new HiddenLayer({ rng: numpyRng, input: sigmoidLayers.at(-1)?.output ?? this.x, nIn: this.inputSize(i), nOut, activation: T.nnet.sigmoid }));
    }
    this.sigmoidLayers = sigmoidLayers;
    this.logLayer = new LogisticRegression({ input: (sigmoidLayers.at(-1) as HiddenLayer).output, nIn: hiddenLayersSizes.at(-1) as number, nOut: nOuts });
    // The visible biases of what pretrains the layers are no parameters of the network.
    this.params = [...sigmoidLayers.flatMap((layer) => layer.params), ...this.logLayer.params];
    this.finetuneCost = this.logLayer.negativeLogLikelihood(this.y);
    this.errors = this.logLayer.errors(this.y);
  }

  /** Units of the input of a layer. */
  inputSize(layer: number): number {
    return layer === 0 ? this.nIns : (this.hiddenLayersSizes[layer - 1] as number);
  }

  buildFinetuneFunctions({ datasets, ...options }: FinetuneOptions): FinetuneFunctions {
    const { trainModel, validateModel, testModel } = classifierFunctions({ x: this.x, y: this.y, cost: this.finetuneCost, errors: this.errors, params: this.params }, datasets, options);
    return { trainFn: trainModel, validScore: validateModel, testScore: testModel };
  }

  /** The sizes, as a model's file tells them. */
  get sizes(): { readonly nIns: number; readonly hiddenLayersSizes: readonly number[]; readonly nOuts: number } {
    return { nIns: this.nIns, hiddenLayersSizes: this.hiddenLayersSizes, nOuts: this.nOuts };
  }
}
