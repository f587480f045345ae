/**
 * The second half of the Deep Learning Tutorials' rnnrbm.py: `testRnnrbm` trains an RNN-RBM on piano-rolls and lets it play.
 * On the public API only.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { NdArray, numpy as np, savePng } from "../index.js";
import type { CheckpointOptions } from "./checkpoint.js";
import { loadMidiFolder, midiwrite, type RollOptions } from "./midi.js";
import { loadModel, restoreParams, saveModel } from "./model_files.js";
import { floatText, type Observers, Watcher } from "./observe.js";
import { RnnRbm, type RnnRbmOptions } from "./rnnrbm.js";
import { perEpoch, Training } from "./training.js";
import { makeTunes } from "./tunes.js";

export interface TestRnnrbmOptions extends Observers, RollOptions, Omit<RnnRbmOptions, "nVisible" | "rng"> {
  /** `"tunes"` (made here, needs no file; default), or a folder with .mid files. */
  readonly dataset?: string | undefined;
  /** How many tunes are made. */
  readonly nTunes?: number | undefined;
  /** Training sequences are cut in pieces of at most this many time steps. */
  readonly batchSize?: number | undefined;
  readonly numEpochs?: number | undefined;
  /** Use only this many pieces per epoch. */
  readonly maxBatches?: number | undefined;
  /** How many sequences it plays at the end. */
  readonly nSamples?: number | undefined;
  /** Folder of the model and of what it played; made if needed. */
  readonly outputFolder?: string | undefined;
  readonly checkpoint?: CheckpointOptions | null | undefined;
}

export interface RnnRbmResult {
  readonly model: RnnRbm;
  /** Mean of the monitor in each epoch. */
  readonly costs: readonly number[];
  readonly files: readonly string[];
  readonly interrupted: boolean;
}

/** Rows `[from, to)` of a sequence. */
function rows(sequence: NdArray, from: number, to: number): NdArray {
  const width = sequence.shape[1] as number;
  const end = Math.min(to, sequence.shape[0] as number);
  return new NdArray(sequence.data.slice(from * width, end * width), [end - from, width], sequence.dtype);
}

export interface TrainRnnrbmOptions {
  readonly batchSize: number;
  readonly numEpochs: number;
  readonly maxBatches?: number | undefined;
}

/** Stochastic gradient descent on the pieces of sequences that are shuffled before each epoch; logs the mean monitor of each epoch. */
export async function trainRnnrbm(model: RnnRbm, dataset: readonly NdArray[], { batchSize, numEpochs, maxBatches = Number.POSITIVE_INFINITY }: TrainRnnrbmOptions, training: Training): Promise<number[]> {
  const piecesOf = (sequences: readonly NdArray[]): NdArray[] =>
    sequences.flatMap((sequence) => Array.from({ length: Math.ceil((sequence.shape[0] as number) / batchSize) }, (_, i) => rows(sequence, i * batchSize, (i + 1) * batchSize)));
  const shuffledFor = perEpoch(dataset, (before) => {
    const sequences = [...before];
    model.numpyRng.shuffle(sequences);
    return sequences;
  });
  const nBatches = Math.min(piecesOf(dataset).length, maxBatches);
  for await (const epoch of training.epochs({ phase: "training", nEpochs: numEpochs, nBatches, updates: model.trainFunction.graph.updates })) {
    const pieces = piecesOf(shuffledFor(epoch.index));
    for await (const i of epoch.minibatches) epoch.costs.push(Number(await model.trainFunction(pieces[i] as NdArray)));
    if (!epoch.complete) continue;
    training.watcher.log(`Epoch ${epoch.index + 1}/${numEpochs}`);
    training.watcher.log(floatText(np.mean(epoch.costs)));
  }
  await training.close();
  return training.costs("training");
}

/** Pixels of a time step and of a key in a picture. */
const [STEP_PIXELS, KEY_PIXELS] = [4, 4];

/** A piano-roll as a picture, time to the right and pitch upwards, notes black. */
function pictureOf(roll: NdArray): NdArray {
  const [steps = 0, keys = 0] = roll.shape;
  const width = steps * STEP_PIXELS;
  const picture = np.full([keys * KEY_PIXELS, width], 255, { dtype: "int32" });
  for (let at = 0; at < picture.size; at++) {
    const [t, key] = [Math.floor((at % width) / STEP_PIXELS), keys - 1 - Math.floor(at / width / KEY_PIXELS)];
    if ((roll.data[t * keys + key] as number) > 0) picture.data[at] = 0;
  }
  return picture;
}

/** Plays a sequence; writes `<path>.png` and `<path>.mid`. */
export async function generate(model: RnnRbm, path: string, roll: RollOptions = {}): Promise<{ readonly pianoRoll: NdArray; readonly files: readonly string[] }> {
  const pianoRoll = (await model.generateFunction()) as NdArray;
  await savePng(`${path}.png`, pictureOf(pianoRoll));
  await midiwrite(`${path}.mid`, pianoRoll, roll);
  return { pianoRoll, files: [`${path}.png`, `${path}.mid`] };
}

/** Trains an RNN-RBM, saves it, and writes sequences that it plays. */
export async function testRnnrbm(options: TestRnnrbmOptions = {}): Promise<RnnRbmResult> {
  const { dataset = "tunes", nTunes = 64, batchSize = 100, numEpochs = 200, maxBatches, nSamples = 2, outputFolder = "rnnrbm", r = [21, 109], dt = 0.3 } = options;
  const { nHidden = 150, nHiddenRecurrent = 100, lr = 0.001, seed = 0xbeef, kTrain = 15, kGenerate = 25, nGenerated = 200 } = options;
  const watcher = new Watcher(options);
  const settings = { program: "rnnrbm", dataset, nTunes, batchSize, numEpochs, maxBatches: maxBatches ?? null, r, dt, nHidden, nHiddenRecurrent, lr, seed, kTrain };
  const training = await Training.open(watcher, { checkpoint: options.checkpoint, options: settings });
  watcher.log("... loading data");
  const rolls = dataset === "tunes" ? makeTunes(nTunes, { r }) : await loadMidiFolder(dataset, { r, dt });
  watcher.log("... building the model");
  const model = new RnnRbm({ nVisible: r[1] - r[0], nHidden, nHiddenRecurrent, lr, seed, kTrain, kGenerate, nGenerated });
  await mkdir(outputFolder, { recursive: true });
  const costs = await trainRnnrbm(model, rolls, { batchSize, numEpochs, maxBatches }, training);
  const files = [join(outputFolder, "rnnrbm.npz")];
  await saveRnnrbm(files[0] as string, model);
  for (let i = 1; i <= nSamples; i++) files.push(...(await generate(model, join(outputFolder, `sample${i}`), { r, dt })).files);
  return { model, costs, files, interrupted: watcher.aborted };
}

/** Writes the parameters as an .npz that `loadRnnrbm` and NumPy read. */
export async function saveRnnrbm(path: string, model: RnnRbm): Promise<void> {
  await saveModel(path, "rnnrbm", model.named, { ...model.sizes });
}

/** The model of a file; `options` are those of training and generating. Throws what `loadModel` and `restoreParams` throw. */
export async function loadRnnrbm(path: string, options: Omit<RnnRbmOptions, "nVisible" | "nHidden" | "nHiddenRecurrent"> = {}): Promise<RnnRbm> {
  const saved = await loadModel(path, "rnnrbm");
  const model = new RnnRbm({ ...options, nVisible: saved.size("nVisible"), nHidden: saved.size("nHidden"), nHiddenRecurrent: saved.size("nHiddenRecurrent") });
  restoreParams(path, saved, model.named);
  return model;
}
