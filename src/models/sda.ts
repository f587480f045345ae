/**
 * The Deep Learning Tutorials' SdA.py: the class `SdA`, denoising auto-encoders stacked under a logistic regression, and `testSdA`, which trains one
 * layer by layer and then as one network. On the public API only.
 */
import { compile, In, MRGRandomStreams, numpy as np, type SharedVariable, T } from "../index.js";
import { dA } from "./da.js";
import { type DataOptions, minibatch, type ScalarFunction } from "./logistic_sgd.js";
import { loadModel, type NamedParams, restoreParams, saveModel } from "./model_files.js";
import { fixed } from "./observe.js";
import { begin, verdict } from "./program.js";
import type { BinomialStreams } from "./rbm.js";
import { StackedNetwork, type StackedOptions } from "./stacked.js";
import { type StackedResult, trainStacked } from "./stacked_program.js";

export interface SdAOptions extends StackedOptions {
  readonly theanoRng?: BinomialStreams | null | undefined;
}

/** Stacked denoising auto-encoder. Layer i's weights are at once those of a sigmoid layer and of a dA. */
export class SdA extends StackedNetwork {
  readonly dALayers: readonly dA[];

  constructor({ numpyRng, theanoRng: given = null, ...sizes }: SdAOptions) {
    // Drawn before the weights are.
    const theanoRng = given ?? new MRGRandomStreams(numpyRng.randint(2 ** 30));
    super({ numpyRng, ...sizes });
    this.dALayers = this.sigmoidLayers.map(
      ({ input, W, b }, i) => new dA({ numpyRng, theanoRng, input, nVisible: this.inputSize(i), nHidden: this.hiddenLayersSizes[i], W, bhid: b }),
    );
  }

  /** For each layer, a function of (index, corruption = 0.2, lr = 0.1) that does one step on a minibatch and gives its reconstruction cost. */
  pretrainingFunctions({ trainSetX, batchSize }: { readonly trainSetX: SharedVariable; readonly batchSize: number }): ScalarFunction[] {
    const index = T.lscalar("index");
    const corruptionLevel = T.scalar("corruption");
    const learningRate = T.scalar("lr");
    return this.dALayers.map((layer) => {
      const [cost, updates] = layer.getCostUpdates({ corruptionLevel, learningRate });
      return compile({
        inputs: [index, In(corruptionLevel, { value: 0.2 }), In(learningRate, { value: 0.1 })],
        outputs: cost,
        updates,
        givens: [[this.x, minibatch(trainSetX, index, batchSize)]],
      });
    });
  }

  /** Parameters by the names they have in files, the dAs' visible biases included. */
  get named(): NamedParams {
    const layers = this.dALayers.flatMap(({ W, b, bPrime }, i) => [[`W${i}`, W], [`b${i}`, b], [`b_prime${i}`, bPrime]] as const);
    return { ...Object.fromEntries(layers), ...this.logLayer.named };
  }
}

export interface TestSdAOptions extends DataOptions {
  readonly finetuneLr?: number | undefined;
  readonly pretrainingEpochs?: number | undefined;
  readonly pretrainLr?: number | undefined;
  /** Of each layer; the last one also for layers beyond. */
  readonly corruptionLevels?: readonly number[] | undefined;
  readonly trainingEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly hiddenLayersSizes?: readonly number[] | undefined;
  /** Seed of weights and random streams. */
  readonly seed?: number | undefined;
  /** Where the best model (or the interrupted one) is saved; null (default) saves none. */
  readonly bestModel?: string | null | undefined;
}

export interface SdAResult extends StackedResult {
  readonly sda: SdA;
}

/** Pretrains and fine-tunes a stacked denoising auto-encoder. */
export async function testSdA(options: TestSdAOptions = {}): Promise<SdAResult> {
  const { finetuneLr = 0.1, pretrainingEpochs = 15, pretrainLr = 0.001, corruptionLevels = [0.1, 0.2, 0.3], trainingEpochs = 1000, batchSize = 1 } = options;
  const { hiddenLayersSizes = [1000, 1000, 1000], seed = 89677, bestModel = null } = options;
  const begun = await begin(options, { program: "sda", finetuneLr, pretrainingEpochs, pretrainLr, corruptionLevels, trainingEpochs, batchSize, hiddenLayersSizes, seed });
  const { watcher, datasets: [[trainSetX]] } = begun;
  const numpyRng = new np.random.RandomState(seed);
  watcher.log("... building the model");
  const sda = new SdA({ numpyRng, nIns: 28 * 28, hiddenLayersSizes, nOuts: 10 });

  watcher.log("... getting the pretraining functions");
  const pretrainingFns = sda.pretrainingFunctions({ trainSetX, batchSize });
  const pretrainingArguments = (layer: number): { corruption: number; lr: number } => ({ corruption: corruptionLevels[layer] ?? (corruptionLevels.at(-1) as number), lr: pretrainLr });
  const save = async (): Promise<void> => {
    if (bestModel !== null) await saveSdA(bestModel, sda);
  };
  const trained = await trainStacked(sda, { file: "sda.ts", pretrainingFns, pretrainingArguments, pretrainingEpochs, costText: fixed, batchSize, finetuneLr, trainingEpochs, patience: 10, save }, begun);
  const result = trained.finetuning;
  if (result) {
    watcher.log(`${verdict(result)} with best validation score of ${fixed(result.bestValidationLoss * 100)} %, on iteration ${result.bestIter + 1}, with test performance ${fixed(result.testScore * 100)} %`);
    watcher.log(`The training code for file sda.ts ran for ${fixed(result.seconds / 60, 2)}m`);
  }
  return { sda, ...trained };
}

/** Writes the parameters of all layers as an .npz that `loadSdA` and NumPy read. */
export async function saveSdA(path: string, sda: SdA): Promise<void> {
  await saveModel(path, "sda", sda.named, sda.sizes);
}

/** The model of a file. Throws what `loadModel` and `restoreParams` throw. */
export async function loadSdA(path: string, { seed = 89677 }: { readonly seed?: number | undefined } = {}): Promise<SdA> {
  const saved = await loadModel(path, "sda");
  const sda = new SdA({ numpyRng: new np.random.RandomState(seed), nIns: saved.size("nIns"), hiddenLayersSizes: saved.sizes("hiddenLayersSizes"), nOuts: saved.size("nOuts") });
  restoreParams(path, saved, sda.named);
  return sda;
}
