/**
 * The Deep Learning Tutorials' dA.py: the denoising auto-encoder `dA`, and `testDA`, which trains one without corruption and one with 30 %.
 * On the public API only. Next: sda.ts stacks them.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { compile, config, MRGRandomStreams, numpy as np, type SharedVariable, T, type Variable } from "../index.js";
import { Autoencoder, type AutoencoderOptions } from "./autoencoder.js";
import { type DataOptions, minibatch, type ScalarFunction } from "./logistic_sgd.js";
import { fixed, floatText } from "./observe.js";
import { type Begun, begin } from "./program.js";
import type { BinomialStreams } from "./rbm.js";
import { plotFilters } from "./utils.js";

export interface DAOptions extends AutoencoderOptions {
  readonly theanoRng?: BinomialStreams | null | undefined;
}

/** Denoising auto-encoder: reconstructs the input from a version of it in which some values are set to zero. */
export class dA extends Autoencoder {
  readonly theanoRng: BinomialStreams;

  constructor({ theanoRng: given = null, ...options }: DAOptions) {
    // Drawn before the weights are.
    const theanoRng = given ?? new MRGRandomStreams(options.numpyRng.randint(2 ** 30));
    super(options);
    this.theanoRng = theanoRng;
  }

  /** Keeps a value with probability `1 - corruptionLevel`, else puts zero. */
  getCorruptedInput(input: Variable, corruptionLevel: number | Variable): Variable {
    const p = typeof corruptionLevel === "number" ? 1 - corruptionLevel : T.sub(1, corruptionLevel);
    return this.theanoRng.binomial({ size: input.shape, n: 1, p, dtype: config.floatX }).mul(input);
  }

  /** The cost of one training step (0-d), and its updates. */
  getCostUpdates({ corruptionLevel, learningRate }: { readonly corruptionLevel: number | Variable; readonly learningRate: number | Variable }): [Variable, readonly (readonly [SharedVariable, Variable])[]] {
    const tildeX = this.getCorruptedInput(this.x, corruptionLevel);
    const y = this.getHiddenValues(tildeX);
    const z = this.getReconstructedInput(y);
    const cost = T.mean(this.reconstructionErrors(z));
    return [cost, this.descend(cost, learningRate)];
  }
}

export interface TestDAOptions extends DataOptions {
  readonly learningRate?: number | undefined;
  readonly trainingEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly nHidden?: number | undefined;
  /** Folder of the pictures; made if needed. */
  readonly outputFolder?: string | undefined;
  /** Seed of weights and random streams. */
  readonly seed?: number | undefined;
}

/** One of the two trainings. */
export interface TrainedDA {
  readonly da: dA;
  readonly corruptionLevel: number;
  /** Mean cost of each epoch. */
  readonly costs: readonly number[];
  readonly trainDa: ScalarFunction;
  /** The picture of its filters. */
  readonly file: string;
}

export interface DAResult {
  /** Without corruption, and with 30 % unless the program was stopped before. */
  readonly trained: readonly TrainedDA[];
  readonly files: readonly string[];
  readonly interrupted: boolean;
}

/** The function that does one step on minibatch `index` and gives its reconstruction cost. */
export function buildTrainDa(da: dA, trainSetX: SharedVariable, { batchSize, corruptionLevel, learningRate }: { readonly batchSize: number; readonly corruptionLevel: number; readonly learningRate: number }): ScalarFunction {
  const index = T.lscalar();
  const [cost, updates] = da.getCostUpdates({ corruptionLevel, learningRate });
  return compile([index], cost, { updates, givens: [[da.x, minibatch(trainSetX, index, batchSize)]], name: "train_da" });
}

type Settings = { readonly [K in "learningRate" | "trainingEpochs" | "batchSize" | "nHidden" | "seed"]: number } & { readonly outputFolder: string };

async function trainDA(percent: number, { learningRate, trainingEpochs, batchSize, nHidden, outputFolder, seed }: Settings, { watcher, training, datasets: [[trainSetX]], nTrainBatches }: Begun): Promise<TrainedDA> {
  const corruptionLevel = percent / 100;
  const x = T.matrix("x");
  const rng = new np.random.RandomState(seed);
  const theanoRng = new MRGRandomStreams(rng.randint(2 ** 30));
  const da = new dA({ numpyRng: rng, theanoRng, input: x, nVisible: 28 * 28, nHidden });
  const trainDa = buildTrainDa(da, trainSetX, { batchSize, corruptionLevel, learningRate });

  const before = training.seconds;
  const phase = `training with ${percent} % corruption`;
  for await (const epoch of training.epochs({ phase, nEpochs: trainingEpochs, nBatches: nTrainBatches, updates: trainDa.graph.updates })) {
    for await (const batchIndex of epoch.minibatches) epoch.costs.push(Number(await trainDa(batchIndex)));
    if (epoch.complete) watcher.log(`Training epoch ${epoch.index}, cost  ${floatText(np.mean(epoch.costs))}`);
  }
  watcher.log(`The ${percent === 0 ? "no" : `${percent}%`} corruption code for file da.ts ran for ${fixed((training.seconds - before) / 60, 2)}m`);
  const file = join(outputFolder, `filters_corruption_${percent}.png`);
  await plotFilters(da.W, file);
  return { da, corruptionLevel, costs: training.costs(phase), trainDa, file };
}

/** Trains two denoising auto-encoders, and draws their filters. */
export async function testDA(options: TestDAOptions = {}): Promise<DAResult> {
  const { learningRate = 0.1, trainingEpochs = 15, batchSize = 20, outputFolder = "dA_plots", nHidden = 500, seed = 123 } = options;
  const begun = await begin(options, { program: "da", learningRate, trainingEpochs, batchSize, nHidden, seed });
  await mkdir(outputFolder, { recursive: true });
  const trained: TrainedDA[] = [];
  for (const percent of [0, 30]) {
    if (trained.length > 0 && begun.watcher.aborted) break;
    trained.push(await trainDA(percent, { learningRate, trainingEpochs, batchSize, nHidden, outputFolder, seed }, begun));
  }
  await begun.training.close();
  return { trained, files: trained.map(({ file }) => file), interrupted: begun.watcher.aborted };
}
