/**
 * The article's DBN.py: the class `DBN`, RBMs stacked under a logistic regression, trained layer by layer and then as one network.
 * On the public API only. Next: dbn_program.ts trains one.
 */
import { compile, grad, In, MRGRandomStreams, type RandomState, type SharedVariable, T, type Updates, type Variable, fail, type CompiledFunction } from "../index.js";
import { forBatches, LogisticRegression, minibatch, numberOfBatches, type ScalarFunction, type SharedDatasets } from "./logistic_sgd.js";
import { HiddenLayer } from "./mlp.js";
import type { NamedParams } from "./model_files.js";
import { type BinomialStreams, RBM } from "./rbm.js";

export interface DBNOptions {
  readonly numpyRng: RandomState;
  readonly theanoRng?: BinomialStreams | null | undefined;
  readonly nIns?: number | undefined;
  readonly hiddenLayersSizes?: readonly number[] | undefined;
  readonly nOuts?: number | undefined;
}

export interface PretrainingOptions {
  readonly trainSetX: SharedVariable;
  readonly batchSize: number;
  /** Gibbs steps. */
  readonly k: number;
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

/** Deep belief network. Layer i's weights are at once those of a sigmoid layer and of an RBM. */
export class DBN {
  readonly sigmoidLayers: readonly HiddenLayer[];
  readonly rbmLayers: readonly RBM[];
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

  constructor({ numpyRng, theanoRng = null, nIns = 784, hiddenLayersSizes = [500, 500], nOuts = 10 }: DBNOptions) {
    const sigmoidLayers: HiddenLayer[] = [];
    const rbmLayers: RBM[] = [];
    const params: SharedVariable[] = [];
    this.nLayers = hiddenLayersSizes.length;
    if (!(this.nLayers > 0)) fail("value", "dbn-layers", { what: "A DBN needs at least one hidden layer.", fix: "pass hiddenLayersSizes: [500, 500]" });
    if (theanoRng === null) theanoRng = new MRGRandomStreams(numpyRng.randint(2 ** 30));
    this.x = T.matrix("x");
    this.y = T.ivector("y");
    for (const [i, nOut] of hiddenLayersSizes.entries()) {
      const inputSize = i === 0 ? nIns : (hiddenLayersSizes[i - 1] as number);
      const layerInput = i === 0 ? this.x : (sigmoidLayers.at(-1) as HiddenLayer).output;
      const sigmoidLayer = new HiddenLayer({ rng: numpyRng, input: layerInput, nIn: inputSize, nOut, activation: T.nnet.sigmoid });
      sigmoidLayers.push(sigmoidLayer);
      // The visible biases of the RBMs are parameters of those RBMs, not of the DBN.
      params.push(...sigmoidLayer.params);
      const rbmLayer = new RBM({ numpyRng, theanoRng, input: layerInput, nVisible: inputSize, nHidden: nOut, W: sigmoidLayer.W, hbias: sigmoidLayer.b });
      rbmLayers.push(rbmLayer);
    }
    this.logLayer = new LogisticRegression({ input: (sigmoidLayers.at(-1) as HiddenLayer).output, nIn: hiddenLayersSizes.at(-1) as number, nOut: nOuts });
    this.sigmoidLayers = sigmoidLayers;
    this.rbmLayers = rbmLayers;
    this.params = [...params, ...this.logLayer.params];
    this.finetuneCost = this.logLayer.negativeLogLikelihood(this.y);
    this.errors = this.logLayer.errors(this.y);
    this.nIns = nIns;
    this.hiddenLayersSizes = hiddenLayersSizes;
    this.nOuts = nOuts;
  }

  /** For each layer, a function of (index, lr = 0.1) that does one step of CD-k on a minibatch and gives its reconstruction cost. */
  pretrainingFunctions({ trainSetX, batchSize, k }: PretrainingOptions): ScalarFunction[] {
    const index = T.lscalar("index");
    const learningRate = T.scalar("lr");
    const pretrainFns: ScalarFunction[] = [];
    for (const rbm of this.rbmLayers) {
      const [cost, updates]: [Variable, Updates] = rbm.getCostUpdates({ lr: learningRate, persistent: null, k });
      const fn: CompiledFunction<Variable> = compile({
        inputs: [index, In(learningRate, { value: 0.1 })],
        outputs: cost,
        updates,
        givens: [[this.x, minibatch(trainSetX, index, batchSize)]],
      });
      pretrainFns.push(fn);
    }
    return pretrainFns;
  }

  buildFinetuneFunctions({ datasets, batchSize, learningRate }: FinetuneOptions): FinetuneFunctions {
    const [[trainSetX, trainSetY], [validSetX, validSetY], [testSetX, testSetY]] = datasets;
    const nValidBatches = numberOfBatches(validSetX, batchSize);
    const nTestBatches = numberOfBatches(testSetX, batchSize);
    const index = T.lscalar("index");
    const gparams = grad(this.finetuneCost, this.params);
    const updates = this.params.map((param, i) => [param, param.sub((gparams[i] as Variable).mul(learningRate))] as const);
    const trainFn = compile({
      inputs: [index],
      outputs: this.finetuneCost,
      updates,
      givens: [
        [this.x, minibatch(trainSetX, index, batchSize)],
        [this.y, minibatch(trainSetY, index, batchSize)],
      ],
    });
    const testScoreI = compile([index], this.errors, {
      givens: [
        [this.x, minibatch(testSetX, index, batchSize)],
        [this.y, minibatch(testSetY, index, batchSize)],
      ],
    });
    const validScoreI = compile([index], this.errors, {
      givens: [
        [this.x, minibatch(validSetX, index, batchSize)],
        [this.y, minibatch(validSetY, index, batchSize)],
      ],
    });
    return { trainFn, validScore: () => forBatches(validScoreI, nValidBatches), testScore: () => forBatches(testScoreI, nTestBatches) };
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
