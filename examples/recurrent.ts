/**
 * The recurrent programs of the command line, one record each: its settings beside the article's, its data, its options, and how it runs.
 * Must not know terminals. Next: main.ts makes a command of each record.
 */
import { join } from "node:path";
import { type Command, Option } from "commander";
import type { Explanation } from "damo";
import { type DataOptions, samplerOnNdGaussian, testRnnrbm, testRnnslu, trainLstm } from "damo/models";
import { type CommonOptions, count, type DatasetOption } from "./options.js";
import type { Settings } from "./report.js";

/** What the command line gave. */
export type Given = CommonOptions & Readonly<Record<string, unknown>>;
type Chosen<S extends Settings> = { readonly [K in keyof S]: S[K]["article"] };

export interface Ran {
  /** Compiled functions to tell about. */
  readonly functions: Readonly<Record<string, { readonly explain: () => Explanation } | null>>;
  readonly files: readonly string[];
}

interface Program<S extends Settings> {
  readonly name: string;
  readonly description: string;
  /** Of weights and random streams. */
  readonly seed: number;
  readonly dataset: DatasetOption;
  readonly settings: S;
  readonly addOptions?: (command: Command) => void;
  readonly run: (training: DataOptions, chosen: Chosen<S>, given: Given) => Promise<Ran>;
}

/** A program, whatever its settings are. */
export interface AnyProgram extends Omit<Program<Settings>, "run"> {
  readonly run: (training: DataOptions, chosen: Readonly<Record<string, unknown>>, given: Given) => Promise<Ran>;
}

const program = <const S extends Settings>({ run, ...others }: Program<S>): AnyProgram => ({ ...others, run: (training, chosen, given) => run(training, chosen as Chosen<S>, given) });

/** Sizes of the data made here, those that were given. */
const sizesOf = ({ trainSize, validSize, testSize }: Given): { train?: number; valid?: number; test?: number } => ({
  ...(trainSize !== undefined && { train: trainSize }), ...(validSize !== undefined && { valid: validSize }), ...(testSize !== undefined && { test: testSize }),
});

const RNNRBM = program({
  name: "rnnrbm", description: "train an RNN-RBM on piano-rolls and let it play", seed: 0xbeef,
  dataset: { ours: "tunes", article: "Nottingham", description: "tunes (made here), or a folder with .mid files (needs the package midi-file)", made: "tunes", sizes: { train: 64 } },
  settings: {
    epochs: { ours: 20, article: 200 as number },
    hidden: { ours: 150, article: 150 as number },
    recurrent: { ours: 100, article: 100 as number },
    batch: { ours: 100, article: 100 as number },
    lr: { ours: 0.001, article: 0.001 as number },
    samples: { ours: 2, article: 2 as number },
  },
  addOptions: (command) =>
    command.option("--hidden <n>", "hidden units of the RBMs", count).option("--recurrent <n>", "hidden units of the recurrent network", count).option("--samples <n>", "sequences to play", count),
  run: async ({ data: _, ...training }, s, given) => {
    const { model, files } = await testRnnrbm({
      ...training, outputFolder: given.out, seed: given.seed, nTunes: given.trainSize,
      numEpochs: s.epochs, nHidden: s.hidden, nHiddenRecurrent: s.recurrent, batchSize: s.batch, lr: s.lr, nSamples: s.samples,
    });
    return { functions: { train_function: model.trainFunction, generate_function: model.generateFunction }, files };
  },
});

const RNNSLU = program({
  name: "rnnslu", description: "train an Elman network to fill the slots of sentences", seed: 345,
  dataset: { ours: "flights", article: "ATIS", description: "flights (questions made here), or the path of an atis.fold*.pkl.gz", made: "sentences", sizes: { train: 300, valid: 60, test: 60 } },
  settings: {
    epochs: { ours: 10, article: 60 as number },
    hidden: { ours: 100, article: 200 as number },
    embedding: { ours: 50, article: 50 as number },
    win: { ours: 7, article: 7 as number },
    lr: { ours: 0.0970806646812754, article: 0.0970806646812754 as number },
  },
  addOptions: (command) => command.option("--hidden <n>", "hidden units", count).option("--embedding <n>", "dimension of the words' embeddings", count).option("--win <n>", "words in a window, an odd number", count),
  run: async ({ data: _, ...training }, s, given) => {
    const { model, files } = await testRnnslu({
      ...training, outputFolder: given.out, seed: given.seed, flights: { sizes: sizesOf(given) },
      nepochs: s.epochs, nhidden: s.hidden, embDimension: s.embedding, win: s.win, lr: s.lr,
    });
    return { functions: { sentence_train: model.sentenceTrain, classify: model.classify }, files };
  },
});

const LSTM = program({
  name: "lstm", description: "train an LSTM (or a GRU) to tell how reviews are meant", seed: 123,
  dataset: { ours: "reviews", article: "IMDB", description: "reviews (made here), or the path of imdb.pkl or imdb.pkl.gz", made: "reviews", sizes: { train: 2000, test: 200 } },
  settings: {
    epochs: { ours: 15, article: 100 as number },
    dim: { ours: 32, article: 128 as number },
    words: { ours: 200, article: 10000 as number },
    batch: { ours: 16, article: 16 as number },
    optimizer: { ours: "adadelta", article: "adadelta" as string },
    validFreq: { ours: -1, article: 370 as number },
    saveFreq: { ours: -1, article: 1110 as number },
    lr: { ours: 0.0001, article: 0.0001 as number },
  },
  addOptions: (command) =>
    command
      .option("--dim <n>", "dimension of embeddings and states", count)
      .option("--words <n>", "words of the vocabulary", count)
      .addOption(new Option("--optimizer <name>", "how to descend").choices(["adadelta", "rmsprop", "sgd"]))
      .addOption(new Option("--encoder <name>", "the recurrent layer").choices(["lstm", "gru"]).default("lstm"))
      .option("--valid-freq <n>", "updates between two measurements (default: an epoch)", count)
      .option("--save-freq <n>", "updates between two savings (default: an epoch)", count),
  run: async ({ data: _, ...training }, s, given) => {
    const saveto = join(given.out, "best_model.npz");
    const { fGradShared, model } = await trainLstm({
      ...training, saveto, seed: given.seed, reviews: { sizes: sizesOf(given) }, encoder: given.encoder as "lstm" | "gru", testSize: given.article === true ? 500 : -1,
      maxEpochs: s.epochs, dimProj: s.dim, nWords: s.words, batchSize: s.batch, optimizer: s.optimizer as "adadelta" | "rmsprop" | "sgd", lrate: s.lr, validFreq: s.validFreq, saveFreq: s.saveFreq,
    });
    return { functions: { f_grad_shared: fGradShared, f_pred: model.fPred }, files: [saveto] };
  },
});

export const RECURRENT: readonly AnyProgram[] = [RNNRBM, RNNSLU, LSTM];

/** Hybrid Monte Carlo has no epochs: its own command. */
export const HMC_SETTINGS = {
  burnin: { ours: 1000, article: 1000 as number },
  samples: { ours: 1000, article: 1000 as number },
  dim: { ours: 5, article: 5 as number },
};

export async function runHmc(training: DataOptions, chosen: Readonly<Record<string, unknown>>, given: Given): Promise<Ran> {
  const s = chosen as Chosen<typeof HMC_SETTINGS>;
  const { sampler, files } = await samplerOnNdGaussian({ ...training, burnin: s.burnin, nSamples: s.samples, dim: s.dim, sampler: { seed: given.seed }, outputFolder: given.out });
  return { functions: { simulate: sampler.simulate }, files };
}
