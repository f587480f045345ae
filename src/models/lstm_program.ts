/**
 * The `train_lstm` of the Deep Learning Tutorials' lstm.py: trains a recurrent network on reviews with early stopping, and keeps the parameters with the
 * least validation error. On the public API only.
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type CompiledFunction, grad, NdArray, numpy as np, type RandomState, saveArrays, shared, type SharedVariable, T, type Variable } from "../index.js";
import type { CheckpointOptions } from "./checkpoint.js";
import { loadReviews, prepareData, type ReviewOptions, type Reviews } from "./imdb.js";
import { buildModel, initParams, initTparams, type LstmModel, type ModelOptions } from "./lstm.js";
import { type Optimizer, type OptimizerName, optimizers } from "./lstm_optimizers.js";
import { loadModel, type NamedParams, restoreParams } from "./model_files.js";
import { fixed, floatText, type Observers, Watcher } from "./observe.js";
import { type Encoder, get, type Tparams } from "./recurrent_layers.js";
import { perEpoch, Training } from "./training.js";

/** Indices 0 … n-1 in minibatches, the last perhaps smaller; in random order with `rng`. */
export function getMinibatchesIdx(n: number, minibatchSize: number, { rng = null }: { readonly rng?: RandomState | null | undefined } = {}): number[][] {
  const idxList = Array.from({ length: n }, (_, i) => i);
  rng?.shuffle(idxList);
  return Array.from({ length: Math.ceil(n / minibatchSize) }, (_, i) => idxList.slice(i * minibatchSize, (i + 1) * minibatchSize));
}

/** The matrices of some reviews of a set. */
function prepare([x, y]: Reviews, index: readonly number[]): { x: NdArray; mask: NdArray; y: readonly number[] } {
  const prepared = prepareData(index.map((t) => x[t] as readonly number[]), index.map((t) => y[t] as number)) as NonNullable<ReturnType<typeof prepareData>>;
  return { x: prepared.x, mask: prepared.mask, y: prepared.labels };
}

/** The part of a set that is predicted wrongly. */
export async function predError(fPred: CompiledFunction<Variable>, data: Reviews, minibatches: readonly (readonly number[])[]): Promise<number> {
  let right = 0;
  for (const validIndex of minibatches) {
    const { x, mask, y } = prepare(data, validIndex);
    const preds = (await fPred(x, mask)) as NdArray;
    right += y.filter((target, i) => target === preds.data[i]).length;
  }
  return 1 - right / data[0].length;
}

/** Probabilities of all examples of a set, `[n, ydim]`. */
export async function predProbs(fPredProb: CompiledFunction<Variable>, data: Reviews, minibatches: readonly (readonly number[])[]): Promise<NdArray> {
  const parts: NdArray[] = [];
  for (const index of minibatches) {
    const { x, mask } = prepare(data, index);
    parts.push((await fPredProb(x, mask)) as NdArray);
  }
  return np.take(np.concatenate(parts), np.argsort(minibatches.flat()), { axis: 0 });
}

export interface TrainLstmOptions extends Observers {
  /** `"reviews"` (made here, needs no file; default), or the path of imdb.pkl or imdb.pkl.gz. */
  readonly dataset?: string | undefined;
  /** Sizes and seed of the reviews made here. */
  readonly reviews?: ReviewOptions | undefined;
  readonly dimProj?: number | undefined;
  /** Measurements without progress before it stops. */
  readonly patience?: number | undefined;
  readonly maxEpochs?: number | undefined;
  /** Tell the cost after every so many updates. */
  readonly dispFreq?: number | undefined;
  /** Weight decay of the classifier's weights. */
  readonly decayC?: number | undefined;
  /** Learning rate of sgd; adadelta and rmsprop use none. */
  readonly lrate?: number | undefined;
  readonly nWords?: number | undefined;
  readonly optimizer?: OptimizerName | undefined;
  readonly encoder?: Encoder | undefined;
  /** Where the best model is saved; null saves none. */
  readonly saveto?: string | null | undefined;
  /** Measure the errors after every so many updates; -1 for once per epoch. */
  readonly validFreq?: number | undefined;
  /** Save after every so many updates; -1 for once per epoch. */
  readonly saveFreq?: number | undefined;
  /** Training reviews of so many words or more are left out. */
  readonly maxlen?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly validBatchSize?: number | undefined;
  readonly useDropout?: boolean | undefined;
  /** A saved model to start from. */
  readonly reloadModel?: string | null | undefined;
  /** Keep only so many test reviews; -1 for all. */
  readonly testSize?: number | undefined;
  readonly seed?: number | undefined;
  /** Use only this many minibatches per epoch. */
  readonly maxBatches?: number | undefined;
  readonly checkpoint?: CheckpointOptions | null | undefined;
}

export interface LstmResult {
  readonly trainErr: number;
  readonly validErr: number;
  readonly testErr: number;
  /** Validation and test error, one pair for each time they were measured. */
  readonly historyErrs: readonly (readonly [number, number])[];
  /** Mean cost of each epoch begun. */
  readonly costs: readonly number[];
  readonly model: LstmModel;
  readonly tparams: Tparams;
  readonly fGradShared: CompiledFunction<Variable>;
  readonly interrupted: boolean;
}

/** Why it stopped early, if it did. */
const [NO_PROGRESS, BAD_COST] = [1, 2];

/** What changes while training, beside parameters. Updates are counted from 1. */
type State = { uidx: number; badCounter: number; estop: number; hasBest: number; validErrs: number[]; testErrs: number[] };

const DEFAULTS = {
  dataset: "reviews", dimProj: 128, patience: 10, maxEpochs: 5000, dispFreq: 10, decayC: 0, lrate: 0.0001, nWords: 10000, optimizer: "adadelta" as OptimizerName, encoder: "lstm" as Encoder,
  validFreq: 370, saveFreq: 1110, maxlen: 100, batchSize: 16, validBatchSize: 64, useDropout: true, testSize: -1, seed: 123,
};

type Settings = typeof DEFAULTS;

function settingsOf(options: TrainLstmOptions): Settings {
  const given = Object.entries(DEFAULTS).map(([name, value]) => [name, options[name as keyof Settings] ?? value] as const);
  return Object.fromEntries(given) as Settings;
}

interface Parts extends Optimizer {
  readonly settings: Settings;
  readonly training: Training;
  readonly saveto: string | null;
  readonly modelOptions: ModelOptions;
  readonly tparams: Tparams;
  readonly model: LstmModel;
  readonly data: { readonly train: Reviews; readonly valid: Reviews; readonly test: Reviews };
}

/** One training in progress. */
class LstmTraining {
  readonly best: ReadonlyMap<string, SharedVariable>;
  readonly state: State;

  private constructor(readonly parts: Parts, best: ReadonlyMap<string, SharedVariable>) {
    this.best = best;
    this.state = parts.training.keep("early stopping", { uidx: 0, badCounter: 0, estop: 0, hasBest: 0, validErrs: [], testErrs: [] });
  }

  static async begin(parts: Parts): Promise<LstmTraining> {
    const copies = [...parts.tparams].map(async ([name, p]) => [name, shared(await p.getValue(), { name: `best_${name}` })] as const);
    return new LstmTraining(parts, new Map(await Promise.all(copies)));
  }

  /** The shared values that change while training. */
  get updates(): (readonly [SharedVariable, unknown])[] {
    return [...this.parts.fGradShared.graph.updates, ...this.parts.fUpdate.graph.updates, ...[...this.best.values()].map((p) => [p, null] as const)];
  }

  /** One update on minibatch `i` of an epoch, with what is due after it; gives the cost. */
  async update(eidx: number, kf: readonly (readonly number[])[], i: number): Promise<number> {
    const { state, parts: { settings, training: { watcher }, model, data, fGradShared, fUpdate } } = this;
    const perEpochUpdates = Math.max(1, Math.floor(data.train[0].length / settings.batchSize));
    const due = (every: number): boolean => state.uidx % (every === -1 ? perEpochUpdates : every) === 0;
    state.uidx++;
    model.useNoise.setValue(1);
    const { x, mask, y } = prepare(data.train, kf[i] as number[]);
    const cost = Number(await fGradShared(x, mask, [...y]));
    await fUpdate(settings.lrate);
    if (!Number.isFinite(cost)) {
      watcher.log(`bad cost detected: ${cost}`);
      state.estop = BAD_COST;
      return cost;
    }
    if (due(settings.dispFreq)) watcher.log(`Epoch ${eidx} Update ${state.uidx} Cost ${floatText(cost)}`);
    if (due(settings.saveFreq)) await this.save();
    if (due(settings.validFreq)) await this.validate(kf);
    return cost;
  }

  /** Training, validation and test error without noise. */
  async errors(trainBatches: readonly (readonly number[])[]): Promise<[trainErr: number, validErr: number, testErr: number]> {
    const { training, model: { useNoise, fPred }, data: { train, valid, test }, settings: { validBatchSize } } = this.parts;
    useNoise.setValue(0);
    const trainErr = await predError(fPred, train, trainBatches);
    const validErr = await predError(fPred, valid, getMinibatchesIdx(valid[0].length, validBatchSize));
    const testErr = await predError(fPred, test, getMinibatchesIdx(test[0].length, validBatchSize));
    training.watcher.log(`Train ${fixed(trainErr)} Valid ${fixed(validErr)} Test ${fixed(testErr)}`);
    return [trainErr, validErr, testErr];
  }

  /** Measures the errors, keeps the best parameters, and counts how often there was no progress. */
  async validate(trainBatches: readonly (readonly number[])[]): Promise<void> {
    const { state, parts: { settings: { patience }, training, tparams } } = this;
    const [, validErr, testErr] = await this.errors(trainBatches);
    state.validErrs.push(validErr);
    state.testErrs.push(testErr);
    if (state.hasBest === 0 || validErr <= Math.min(...state.validErrs)) {
      for (const [name, p] of tparams) this.best.get(name)?.setValue(await p.getValue());
      state.hasBest = 1;
      state.badCounter = 0;
    }
    if (state.validErrs.length > patience && validErr >= Math.min(...state.validErrs.slice(0, -patience))) {
      state.badCounter++;
      if (state.badCounter > patience) {
        training.watcher.log("Early Stop!");
        state.estop = NO_PROGRESS;
      }
    }
  }

  /** The best parameters, or the present ones where none were measured. */
  get kept(): ReadonlyMap<string, SharedVariable> {
    return this.state.hasBest === 1 ? this.best : this.parts.tparams;
  }

  async save(errors: Readonly<Record<string, number>> = {}): Promise<void> {
    const { state: { validErrs, testErrs }, parts: { saveto, modelOptions: { encoder, useDropout, ...sizes } } } = this;
    if (saveto === null) return;
    await mkdir(dirname(saveto), { recursive: true });
    const arrays: Record<string, NdArray> = { history_errs: new NdArray(Float64Array.from(validErrs.flatMap((v, i) => [v, testErrs[i] as number])), [validErrs.length, 2], "float64") };
    for (const [name, value] of Object.entries(errors)) arrays[name] = np.asarray(value, { dtype: "float64" });
    for (const [name, p] of this.kept) arrays[name] = await p.getValue();
    await saveArrays(saveto, arrays, { model: "lstm", encoder, useDropout: Number(useDropout), ...sizes });
  }
}

/** The model, and the functions of its optimiser. */
export function buildTraining(tparams: Tparams, modelOptions: ModelOptions, { optimizer, decayC, seed }: { readonly optimizer: OptimizerName; readonly decayC: number; readonly seed: number }): Optimizer & { readonly model: LstmModel } {
  const model = buildModel(tparams, modelOptions, { seed });
  const { x, mask, y } = model;
  const weightDecay = get(tparams, "U").pow(2).sum().mul(decayC);
  const cost = decayC > 0 ? model.cost.add(weightDecay) : model.cost;
  const grads = grad(cost, [...tparams.values()]);
  const lr = T.scalar("lr");
  return { model, ...optimizers[optimizer]({ lr, tparams, grads, x, mask, y, cost }) };
}

/** Training, validation and test set, and the number of classes. */
async function readData(settings: Settings, reviews: ReviewOptions | undefined, rng: RandomState) {
  const { dataset, nWords, maxlen, testSize } = settings;
  const [train, valid, all] = await loadReviews(dataset, { nWords, validPortion: 0.05, maxlen, rng, reviews });
  let test = all;
  if (testSize > 0) {
    // The test set is sorted by length: some of its reviews are picked at random.
    const idx = Array.from({ length: all[0].length }, (_, i) => i);
    rng.shuffle(idx);
    const some = idx.slice(0, testSize);
    test = [some.map((n) => all[0][n] as readonly number[]), some.map((n) => all[1][n] as number)];
  }
  return { train, valid, test, ydim: train[1].reduce((a, b) => Math.max(a, b), 0) + 1 };
}

/** Trains a recurrent network to tell how reviews are meant. */
export async function trainLstm(options: TrainLstmOptions = {}): Promise<LstmResult> {
  const settings = settingsOf(options);
  const { dimProj, nWords, encoder, useDropout, batchSize, maxEpochs } = settings;
  const { saveto = "lstm_model.npz", reloadModel = null, maxBatches = Number.POSITIVE_INFINITY } = options;
  const watcher = new Watcher(options);
  const run = { program: "lstm", ...settings, reviews: { seed: options.reviews?.seed ?? null, ...options.reviews?.sizes, lengths: options.reviews?.lengths ?? null }, maxBatches: options.maxBatches ?? null, reloadModel };
  const training = await Training.open(watcher, { checkpoint: options.checkpoint, options: run });
  const rng = new np.random.RandomState(settings.seed);
  watcher.log("Loading data");
  const { ydim, ...data } = await readData(settings, options.reviews, rng);

  watcher.log("Building model");
  const modelOptions = { dimProj, nWords, ydim, encoder, useDropout };
  const tparams = initTparams(initParams(modelOptions, rng));
  if (reloadModel !== null) restoreParams(reloadModel, await loadModel(reloadModel, "lstm"), named(tparams));
  const { model, ...optimizer } = buildTraining(tparams, modelOptions, settings);
  const lstm = await LstmTraining.begin({ settings, training, saveto, modelOptions, tparams, model, data, ...optimizer });
  const { state, updates } = lstm;

  watcher.log("Optimization");
  for (const [name, [x]] of Object.entries(data)) watcher.log(`${x.length} ${name} examples`);
  const orderFor = perEpoch<number[][]>([], () => getMinibatchesIdx(data.train[0].length, batchSize, { rng }));
  const nBatches = Math.min(Math.ceil(data.train[0].length / batchSize), maxBatches);
  for await (const epoch of training.epochs({ phase: "training", nEpochs: maxEpochs, nBatches, updates, until: () => state.estop > 0 })) {
    const kf = orderFor(epoch.index);
    for await (const i of epoch.minibatches) epoch.costs.push(await lstm.update(epoch.index, kf, i));
    if (epoch.complete) watcher.log(`Seen ${kf.slice(0, nBatches).flat().length} samples`);
  }
  await training.close();
  const result = { model, tparams, fGradShared: optimizer.fGradShared, costs: training.costs("training"), historyErrs: state.validErrs.map((v, i) => [v, state.testErrs[i] as number] as const), interrupted: watcher.aborted };
  if (state.estop === BAD_COST) return { ...result, trainErr: 1, validErr: 1, testErr: 1 };

  for (const [name, p] of lstm.kept) get(tparams, name).setValue(await p.getValue());
  const [trainErr, validErr, testErr] = await lstm.errors(getMinibatchesIdx(data.train[0].length, batchSize));
  await lstm.save({ train_err: trainErr, valid_err: validErr, test_err: testErr });
  const nEpochs = result.costs.length;
  watcher.log(`The code run for ${nEpochs} epochs, with ${fixed(training.seconds / Math.max(1, nEpochs))} sec/epochs`);
  return { ...result, trainErr, validErr, testErr };
}

const named = (tparams: Tparams): NamedParams => Object.fromEntries(tparams);

/** The model of a file that `trainLstm` saved, in the floatX of the process. Throws what `loadModel` and `restoreParams` throw. */
export async function loadLstm(path: string): Promise<{ readonly model: LstmModel; readonly tparams: Tparams }> {
  const saved = await loadModel(path, "lstm");
  const encoder: Encoder = saved.arrays.gru_W === undefined ? "lstm" : "gru";
  const options = { dimProj: saved.size("dimProj"), nWords: saved.size("nWords"), ydim: saved.size("ydim"), encoder, useDropout: saved.size("useDropout") === 1 };
  const tparams = initTparams(initParams(options, new np.random.RandomState(0)));
  restoreParams(path, saved, named(tparams));
  return { model: buildModel(tparams, options), tparams };
}
