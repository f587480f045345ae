/**
 * The `main` of the Deep Learning Tutorials' rnnslu.py: `testRnnslu` trains an Elman network to fill the slots of sentences, and keeps the network with
 * the best F1 on the validation set. On the public API only.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { numpy as np, shared, type SharedVariable } from "../index.js";
import { type Atis, atisfold, makeFlights } from "./atis.js";
import type { CheckpointOptions } from "./checkpoint.js";
import { conlleval, type Performance } from "./conlleval.js";
import { fixed, type Observers, Watcher } from "./observe.js";
import { RNNSLU } from "./rnnslu.js";
import { perEpoch, Training } from "./training.js";

export interface TestRnnsluOptions extends Observers {
  /** `"flights"` (made here, needs no file; default), or the path of an atis.fold*.pkl.gz. */
  readonly dataset?: string | undefined;
  /** Sizes and seed of the sentences made here. */
  readonly flights?: Parameters<typeof makeFlights>[0];
  readonly lr?: number | undefined;
  /** Halve the learning rate when the validation set's F1 did not improve in 10 epochs; true by default. */
  readonly decay?: boolean | undefined;
  /** Words in a window. */
  readonly win?: number | undefined;
  readonly nhidden?: number | undefined;
  readonly seed?: number | undefined;
  readonly embDimension?: number | undefined;
  readonly nepochs?: number | undefined;
  /** Use only this many sentences per epoch. */
  readonly maxBatches?: number | undefined;
  /** Folder where the best model is saved, as best_model.npz; made if needed. */
  readonly outputFolder?: string | undefined;
  readonly checkpoint?: CheckpointOptions | null | undefined;
}

export interface RnnsluResult {
  /** As it is after the last epoch. */
  readonly model: RNNSLU;
  /** Mean cost of each epoch. */
  readonly costs: readonly number[];
  /** Epoch from 0 of the best validation F1; -1 when none was measured. */
  readonly bestEpoch: number;
  readonly validF1: number;
  readonly testF1: number;
  readonly files: readonly string[];
  readonly interrupted: boolean;
}

/** What changes while training, beside the model: current rate, best epoch, its F1s, and whether the model trained is the best one itself. */
type Best = { clr: number; be: number; vf1: number; tf1: number; isBest: number };

const namesOf = (dict: ReadonlyMap<string, number>): Map<number, string> => new Map([...dict].map(([name, i]) => [i, name]));

/** Precision, recall and F1 of a network on a set. */
export async function evaluate(model: RNNSLU, data: Atis, set: "validSet" | "testSet", win: number): Promise<Performance> {
  const idx2label = namesOf(data.labels2idx);
  const labels = (y: readonly number[]): string[] => y.map((i) => idx2label.get(i) ?? "O");
  const [lex, , y] = data[set];
  const predictions: string[][] = [];
  for (const x of lex) predictions.push(labels(await model.label(x, win)));
  return conlleval(predictions, y.map(labels));
}

async function copyAll(from: readonly SharedVariable[], to: readonly SharedVariable[]): Promise<void> {
  for (const [i, variable] of from.entries()) to[i]?.setValue(await variable.getValue());
}

/** Evaluates after an epoch: keeps a new best, else slows down once 10 epochs brought nothing, and goes back to the best. */
async function afterEpoch(e: number, model: RNNSLU, bestRnn: readonly SharedVariable[], best: Best, data: Atis, { win, decay, file, watcher }: { win: number; decay: boolean; file: string; watcher: Watcher }): Promise<void> {
  const resTest = await evaluate(model, data, "testSet", win);
  const resValid = await evaluate(model, data, "validSet", win);
  if (resValid.f1 > best.vf1) {
    await copyAll(model.params, bestRnn);
    await model.save(file);
    Object.assign(best, { be: e, vf1: resValid.f1, tf1: resTest.f1, isBest: 0 });
    watcher.log(`NEW BEST: epoch ${e} valid F1 ${fixed(resValid.f1, 2)} best test F1 ${fixed(resTest.f1, 2)}`);
  }
  if (decay && Math.abs(best.be - e) >= 10) {
    best.clr *= 0.5;
    // From then on the original trains its copy of the best network: going back again changes nothing until there is a new best.
    if (best.isBest === 0) await copyAll(bestRnn, model.params);
    best.isBest = 1;
  }
}

/** Trains on one sentence at a time. */
export async function testRnnslu(options: TestRnnsluOptions = {}): Promise<RnnsluResult> {
  const { dataset = "flights", flights, lr = 0.0970806646812754, decay = true, win = 7, nhidden = 200, seed = 345, embDimension = 50, nepochs = 60, outputFolder = "rnnslu" } = options;
  const watcher = new Watcher(options);
  const settings = { program: "rnnslu", dataset, flights: { seed: flights?.seed ?? null, ...flights?.sizes }, lr, decay, win, nhidden, seed, embDimension, nepochs, maxBatches: options.maxBatches ?? null };
  const training = await Training.open(watcher, { checkpoint: options.checkpoint, options: settings });
  watcher.log("... loading data");
  const data = dataset === "flights" ? makeFlights(flights) : await atisfold(dataset);
  const [trainLex, , trainY] = data.trainSet;
  const nsentences = Math.min(trainLex.length, options.maxBatches ?? trainLex.length);

  watcher.log("... building the model");
  const model = new RNNSLU({ nh: nhidden, nc: data.labels2idx.size, ne: data.words2idx.size, de: embDimension, cs: win }, new np.random.RandomState(seed));
  const bestRnn = await Promise.all(model.params.map(async (p) => shared(await p.getValue(), { name: `best_${p.name}` })));
  const best: Best = training.keep("best", { clr: lr, be: -1, vf1: Number.NEGATIVE_INFINITY, tf1: 0, isBest: 0 });
  const file = join(outputFolder, "best_model.npz");
  await mkdir(outputFolder, { recursive: true });
  // As the original, every epoch shuffles the last one's order with the same seed; with NumPy's generator, not Python's.
  const orderFor = perEpoch(trainLex.map((_, i) => i), (before) => {
    const order = [...before];
    new np.random.RandomState(seed).shuffle(order);
    return order;
  });

  const updates = [...model.sentenceTrain.graph.updates, ...bestRnn.map((p) => [p, null] as const)];
  for await (const epoch of training.epochs({ phase: "training", nEpochs: nepochs, nBatches: nsentences, updates, until: () => best.clr < 1e-5 })) {
    const order = orderFor(epoch.index);
    for await (const i of epoch.minibatches) {
      const sentence = order[i] as number;
      epoch.costs.push(await model.train(trainLex[sentence] as number[], trainY[sentence] as number[], win, best.clr));
    }
    if (!epoch.complete) continue;
    watcher.log(`[learning] epoch ${epoch.index} >> cost ${fixed(np.mean(epoch.costs))}`);
    await afterEpoch(epoch.index, model, bestRnn, best, data, { win, decay, file, watcher });
  }
  await training.close();
  if (best.be < 0) await model.save(file);
  watcher.log(`BEST RESULT: epoch ${best.be} valid F1 ${fixed(best.vf1, 2)} best test F1 ${fixed(best.tf1, 2)} with the model ${file}`);
  return { model, costs: training.costs("training"), bestEpoch: best.be, validF1: best.vf1, testF1: best.tf1, files: [file], interrupted: watcher.aborted };
}
