/**
 * The Deep Learning Tutorials' cA.py: the contractive auto-encoder `cA`, and `testCA`, which trains one. On the public API only.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { compile, type CompiledFunction, numpy as np, type SharedVariable, T, type Variable } from "../index.js";
import { Autoencoder, type AutoencoderOptions } from "./autoencoder.js";
import { type DataOptions, minibatch } from "./logistic_sgd.js";
import { fixed, floatText } from "./observe.js";
import { begin } from "./program.js";
import { plotFilters } from "./utils.js";

export interface CAOptions extends AutoencoderOptions {
  /** Examples in a minibatch; 1 by default. */
  readonly nBatchsize?: number | undefined;
}

export interface CACost {
  /** What training minimises: 0-d. */
  readonly cost: Variable;
  readonly updates: readonly (readonly [SharedVariable, Variable])[];
  /** Cross-entropy of each example: `[n]`. */
  readonly LRec: Variable;
  /** Squared Frobenius norm of the Jacobian, mean over the examples: 0-d. */
  readonly LJacob: Variable;
}

/** Contractive auto-encoder (Rifai et al. 2011): its hidden values depend on the input as little as a small reconstruction error allows. */
export class cA extends Autoencoder {
  readonly nBatchsize: number;

  constructor({ nBatchsize = 1, nHidden = 100, ...options }: CAOptions) {
    super({ nHidden, ...options });
    this.nBatchsize = nBatchsize;
  }

  /** The Jacobian of the hidden values with respect to the input, `h (1 - h) W`: `[n, nVisible, nHidden]`. */
  getJacobian(hidden: Variable, W: Variable): Variable {
    return T.reshape(hidden.mul(T.sub(1, hidden)), [this.nBatchsize, 1, this.nHidden]).mul(T.reshape(W, [1, this.nVisible, this.nHidden]));
  }

  getCostUpdates({ contractionLevel, learningRate }: { readonly contractionLevel: number; readonly learningRate: number }): CACost {
    const y = this.getHiddenValues(this.x);
    const z = this.getReconstructedInput(y);
    const J = this.getJacobian(y, this.W);
    const LRec = this.reconstructionErrors(z);
    // cA.py has had // here since it was moved to Python 3, which has no gradient, so that nothing contracts; before it had /, as the article has.
    const LJacob = T.sum(J.pow(2)).div(this.nBatchsize);
    const cost = T.mean(LRec).add(T.mul(contractionLevel, T.mean(LJacob)));
    return { cost, updates: this.descend(cost, learningRate), LRec, LJacob };
  }
}

export interface TestCAOptions extends DataOptions {
  readonly learningRate?: number | undefined;
  readonly trainingEpochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly contractionLevel?: number | undefined;
  readonly nHidden?: number | undefined;
  /** Folder of the picture; made if needed. */
  readonly outputFolder?: string | undefined;
  /** Seed of the initial weights. */
  readonly seed?: number | undefined;
}

export interface CAResult {
  readonly ca: cA;
  /** Mean reconstruction cost of each epoch. */
  readonly costs: readonly number[];
  /** Mean norm of the Jacobian in each epoch. */
  readonly jacobianNorms: readonly number[];
  /** Gives the mean reconstruction cost and the squared norm of the Jacobian. */
  readonly trainCa: CompiledFunction<readonly [Variable, Variable]>;
  /** The picture of its filters. */
  readonly file: string;
  readonly interrupted: boolean;
}

/** The function that does one step on minibatch `index` and gives the mean reconstruction cost and the squared norm of the Jacobian. */
export function buildTrainCa(ca: cA, trainSetX: SharedVariable, { contractionLevel, learningRate }: { readonly contractionLevel: number; readonly learningRate: number }): CompiledFunction<readonly [Variable, Variable]> {
  const index = T.lscalar();
  const { LRec, LJacob, updates } = ca.getCostUpdates({ contractionLevel, learningRate });
  return compile([index], [T.mean(LRec), LJacob] as const, { updates, givens: [[ca.x, minibatch(trainSetX, index, ca.nBatchsize)]], name: "train_ca" });
}

/** The line that cA.py prints is of the first two minibatches: it takes rows of its list where it means columns. The epoch's means stand behind it. */
function told(epoch: number, costs: readonly number[], jacobians: readonly number[]): string {
  const [cost = NaN, jacobian = NaN, cost1 = NaN, jacobian1 = NaN] = [costs[0], jacobians[0], costs[1], jacobians[1]];
  const asPrinted = `Training epoch ${epoch}, reconstruction cost  ${floatText(np.mean([cost, jacobian]))}  jacobian norm  ${floatText(np.mean([Math.sqrt(cost1), Math.sqrt(jacobian1)]))}`;
  return `${asPrinted} (means of the epoch: ${fixed(np.mean([...costs]))}, ${fixed(np.mean(jacobians.map(Math.sqrt)))})`;
}

/** Trains a contractive auto-encoder, and draws its filters. */
export async function testCA(options: TestCAOptions = {}): Promise<CAResult> {
  const { learningRate = 0.01, trainingEpochs = 20, batchSize = 10, outputFolder = "cA_plots", contractionLevel = 0.1, nHidden = 500, seed = 123 } = options;
  const { watcher, training, datasets: [[trainSetX]], nTrainBatches } = await begin(options, { program: "ca", learningRate, trainingEpochs, batchSize, contractionLevel, nHidden, seed });
  const x = T.matrix("x");
  await mkdir(outputFolder, { recursive: true });
  const rng = new np.random.RandomState(seed);
  const ca = new cA({ numpyRng: rng, input: x, nVisible: 28 * 28, nHidden, nBatchsize: batchSize });
  const trainCa = buildTrainCa(ca, trainSetX, { contractionLevel, learningRate });

  const jacobian: { squares: number[]; means: number[] } = training.keep("jacobian", { squares: [], means: [] });
  for await (const epoch of training.epochs({ phase: "training", nEpochs: trainingEpochs, nBatches: nTrainBatches, updates: trainCa.graph.updates })) {
    for await (const batchIndex of epoch.minibatches) {
      const [reconstruction, square] = await trainCa(batchIndex);
      epoch.costs.push(Number(reconstruction));
      jacobian.squares.push(Number(square));
    }
    if (!epoch.complete) break;
    watcher.log(told(epoch.index, epoch.costs, jacobian.squares));
    jacobian.means.push(np.mean(jacobian.squares.map(Math.sqrt)));
    jacobian.squares = [];
  }
  await training.close();
  watcher.log(`The code for file ca.ts ran for ${fixed(training.seconds / 60, 2)}m`);
  const file = join(outputFolder, "cae_filters.png");
  await plotFilters(ca.W, file);
  return { ca, costs: training.costs("training"), jacobianNorms: jacobian.means, trainCa, file, interrupted: watcher.aborted };
}
