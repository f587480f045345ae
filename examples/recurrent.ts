/**
 * The programs on sequences, and hybrid Monte Carlo's chain. Must not know terminals. Next: main.ts makes a command of each.
 */
import { Option } from "commander";
import { samplerOnNdGaussian, testRnnrbm, testRnnslu, trainLstm } from "damo/models";
import { count, sizesOf } from "./options.js";
import { type AnyProgram, bestModelIn, program } from "./program.js";

const RNNRBM = program({
  name: "rnnrbm", description: "train an RNN-RBM on piano-rolls and let it play", seed: 0xbeef,
  dataset: { ours: "tunes", article: "Nottingham", description: "tunes (made here), or a folder with .mid files", made: "tunes", sizes: { train: 64 } },
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
      ...training, outputFolder: given.out, seed: given.seed, flights: sizesOf(given),
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
    const saveto = bestModelIn(given);
    const { fGradShared, model } = await trainLstm({
      ...training, saveto, seed: given.seed, reviews: sizesOf(given), encoder: given.encoder as "lstm" | "gru", testSize: given.article === true ? 500 : -1,
      maxEpochs: s.epochs, dimProj: s.dim, nWords: s.words, batchSize: s.batch, optimizer: s.optimizer as "adadelta" | "rmsprop" | "sgd", lrate: s.lr, validFreq: s.validFreq, saveFreq: s.saveFreq,
    });
    return { functions: { f_grad_shared: fGradShared, f_pred: model.fPred }, files: [saveto] };
  },
});

const HMC = program({
  name: "hmc", description: "sample a Gaussian by hybrid Monte Carlo", seed: 12345, dataset: null,
  settings: { burnin: { ours: 1000, article: 1000 as number }, samples: { ours: 1000, article: 1000 as number }, dim: { ours: 5, article: 5 as number } },
  addOptions: (command) => command.option("--burnin <n>", "moves before the first sample", count).option("--samples <n>", "moves whose positions are kept", count).option("--dim <n>", "dimensions of the Gaussian", count),
  run: async (training, s, given) => {
    const { sampler, files } = await samplerOnNdGaussian({ ...training, burnin: s.burnin, nSamples: s.samples, dim: s.dim, sampler: { seed: given.seed }, outputFolder: given.out });
    return { functions: { simulate: sampler.simulate }, files };
  },
});

export const RECURRENT: readonly AnyProgram[] = [RNNRBM, RNNSLU, LSTM, HMC];
