/**
 * The programs on images: classifiers, Boltzmann machines, auto-encoders. Must not know terminals. Next: main.ts makes a command of each.
 */
import type { Command } from "commander";
import { cgOptimizationMnist, type DataOptions, evaluateLenet5, sgdOptimizationMnist, type StackedResult, testCA, testDA, testDbn, testMlp, testRbm, testSdA } from "damo/models";
import { count, countOrNone, counts, level, levels, rate } from "./options.js";
import { type AnyProgram, bestModelIn, type Given, program, type Ran, withHidden } from "./program.js";

const withLayers = (command: Command): Command =>
  command
    .option("--hidden <n,n,…>", "units of the hidden layers", counts)
    .option("--pretrain-epochs <n>", "epochs of pretraining for each layer", countOrNone)
    .option("--pretrain-lr <x>", "learning rate of pretraining", rate);

interface StackedSettings { readonly pretrainEpochs: number; readonly epochs: number; readonly hidden: readonly number[]; readonly batch: number; readonly pretrainLr: number; readonly lr: number }

/** The options of a network that is pretrained layer by layer. */
const stackedOptions = (training: DataOptions, s: StackedSettings, given: Given) => ({
  ...training, bestModel: bestModelIn(given), seed: given.seed,
  pretrainingEpochs: s.pretrainEpochs, trainingEpochs: s.epochs, hiddenLayersSizes: s.hidden, batchSize: s.batch, pretrainLr: s.pretrainLr, finetuneLr: s.lr,
});

const ranStacked = ({ pretrainingFns, finetuning }: StackedResult, { bestModel }: { readonly bestModel: string }): Ran => ({
  functions: { ...Object.fromEntries(pretrainingFns.map((f, i) => [`pretraining layer ${i}`, f])), finetuning: finetuning?.trainFn ?? null },
  files: [bestModel],
});

const RBM = program({
  name: "rbm", description: "train a restricted Boltzmann machine, draw its filters, sample from it", seed: 123,
  // Minibatches of 15 make about 784 of the drawn digits: then the pseudo-likelihood of an epoch looks at every pixel once, and epochs compare.
  settings: {
    epochs: { ours: 5, article: 15 as number },
    hidden: { ours: 128, article: 500 as number },
    k: { ours: 5, article: 15 as number },
    batch: { ours: 15, article: 20 as number },
    lr: { ours: 0.1, article: 0.1 as number },
    chains: { ours: 20, article: 20 as number },
    samples: { ours: 10, article: 10 as number },
    plotEvery: { ours: 50, article: 1000 as number },
  },
  addOptions: (command) =>
    withHidden(command)
      .option("--k <n>", "Gibbs steps per minibatch", count)
      .option("--no-persistent", "contrastive divergence instead of persistent chains")
      .option("--chains <n>", "chains to sample from", count)
      .option("--samples <n>", "rows of samples", count)
      .option("--plot-every <n>", "Gibbs steps from row to row", count),
  run: async (training, s, given) => {
    const { trainRbm, sampleFn, files } = await testRbm({
      ...training, outputFolder: given.out, seed: given.seed,
      trainingEpochs: s.epochs, nHidden: s.hidden, k: s.k, batchSize: s.batch, learningRate: s.lr, nChains: s.chains, nSamples: s.samples, plotEvery: s.plotEvery, persistent: given.persistent !== false,
    });
    return { functions: { train_rbm: trainRbm, sample_fn: sampleFn }, files };
  },
});

const LOGISTIC = program({
  name: "logistic", description: "train logistic regression", seed: 0,
  settings: { epochs: { ours: 100, article: 1000 as number }, batch: { ours: 600, article: 600 as number }, lr: { ours: 0.13, article: 0.13 as number } },
  run: async (training, s, given) => {
    const bestModel = bestModelIn(given);
    const { trainModel } = await sgdOptimizationMnist({ ...training, bestModel, nEpochs: s.epochs, batchSize: s.batch, learningRate: s.lr });
    return { functions: { train_model: trainModel }, files: [bestModel] };
  },
});

const LOGISTIC_CG = program({
  name: "logistic-cg", description: "train logistic regression by conjugate gradients", seed: 0,
  settings: { epochs: { ours: 50, article: 50 as number }, batch: { ours: 600, article: 600 as number } },
  run: async (training, s, given) => {
    const bestModel = bestModelIn(given);
    const { batchCost } = await cgOptimizationMnist({ ...training, bestModel, nEpochs: s.epochs, batchSize: s.batch });
    return { functions: { batch_cost: batchCost }, files: [bestModel] };
  },
});

const MLP = program({
  name: "mlp", description: "train a multi-layer perceptron", seed: 1234,
  settings: { epochs: { ours: 20, article: 1000 as number }, hidden: { ours: 100, article: 500 as number }, batch: { ours: 20, article: 20 as number }, lr: { ours: 0.05, article: 0.01 as number } },
  addOptions: withHidden,
  run: async (training, s, given) => {
    const bestModel = bestModelIn(given);
    const { trainModel } = await testMlp({ ...training, bestModel, nEpochs: s.epochs, nHidden: s.hidden, batchSize: s.batch, learningRate: s.lr, seed: given.seed });
    return { functions: { train_model: trainModel }, files: [bestModel] };
  },
});

const LENET = program({
  name: "lenet", description: "train a convolutional network, LeNet", seed: 23455,
  // Minibatches of 100 fit the smaller set of drawn digits.
  settings: {
    epochs: { ours: 5, article: 200 as number },
    kernels: { ours: [20, 50], article: [20, 50] as readonly number[] },
    hidden: { ours: 500, article: 500 as number },
    batch: { ours: 100, article: 500 as number },
    lr: { ours: 0.1, article: 0.1 as number },
  },
  addOptions: (command) => withHidden(command).option("--kernels <n,n>", "filters of the two convolutions", counts),
  run: async (training, s, given) => {
    const bestModel = bestModelIn(given);
    const [first = 20, second = 50] = s.kernels;
    const { trainModel } = await evaluateLenet5({ ...training, bestModel, nEpochs: s.epochs, nkerns: [first, second], nHidden: s.hidden, batchSize: s.batch, learningRate: s.lr, seed: given.seed });
    return { functions: { train_model: trainModel }, files: [bestModel] };
  },
});

const DBN = program({
  name: "dbn", description: "train a deep belief network", seed: 123,
  settings: {
    pretrainEpochs: { ours: 2, article: 100 as number },
    epochs: { ours: 5, article: 1000 as number },
    hidden: { ours: [100, 100], article: [1000, 1000, 1000] as readonly number[] },
    k: { ours: 1, article: 1 as number },
    batch: { ours: 10, article: 10 as number },
    pretrainLr: { ours: 0.01, article: 0.01 as number },
    lr: { ours: 0.1, article: 0.1 as number },
  },
  addOptions: (command) => withLayers(command).option("--k <n>", "Gibbs steps per minibatch", count),
  run: async (training, s, given) => {
    const options = stackedOptions(training, s, given);
    return ranStacked(await testDbn({ ...options, k: s.k }), options);
  },
});

const DA = program({
  name: "da", description: "train denoising auto-encoders without and with corruption, draw their filters", seed: 123,
  settings: { epochs: { ours: 5, article: 15 as number }, hidden: { ours: 100, article: 500 as number }, batch: { ours: 20, article: 20 as number }, lr: { ours: 0.1, article: 0.1 as number } },
  addOptions: withHidden,
  run: async (training, s, given) => {
    const { trained, files } = await testDA({ ...training, outputFolder: given.out, seed: given.seed, trainingEpochs: s.epochs, nHidden: s.hidden, batchSize: s.batch, learningRate: s.lr });
    return { functions: Object.fromEntries(trained.map(({ corruptionLevel, trainDa }) => [`train_da, corruption ${corruptionLevel}`, trainDa])), files };
  },
});

const CA = program({
  name: "ca", description: "train a contractive auto-encoder, draw its filters", seed: 123,
  settings: {
    epochs: { ours: 5, article: 20 as number },
    hidden: { ours: 100, article: 500 as number },
    batch: { ours: 10, article: 10 as number },
    lr: { ours: 0.01, article: 0.01 as number },
    contraction: { ours: 0.1, article: 0.1 as number },
  },
  addOptions: (command) => withHidden(command).option("--contraction <x>", "weight of the Jacobian's norm", level),
  run: async (training, s, given) => {
    const { trainCa, file } = await testCA({ ...training, outputFolder: given.out, seed: given.seed, trainingEpochs: s.epochs, nHidden: s.hidden, batchSize: s.batch, learningRate: s.lr, contractionLevel: s.contraction });
    return { functions: { train_ca: trainCa }, files: [file] };
  },
});

const SDA = program({
  name: "sda", description: "train a stacked denoising auto-encoder", seed: 89677,
  // Minibatches of one example are many: with ten the rates are ten times as large.
  settings: {
    pretrainEpochs: { ours: 2, article: 15 as number },
    epochs: { ours: 5, article: 1000 as number },
    hidden: { ours: [100, 100], article: [1000, 1000, 1000] as readonly number[] },
    corruption: { ours: [0.1, 0.2, 0.3], article: [0.1, 0.2, 0.3] as readonly number[] },
    batch: { ours: 10, article: 1 as number },
    pretrainLr: { ours: 0.01, article: 0.001 as number },
    lr: { ours: 0.1, article: 0.1 as number },
  },
  addOptions: (command) => withLayers(command).option("--corruption <x,x,…>", "part of the input that is corrupted, for each layer", levels),
  run: async (training, s, given) => {
    const options = stackedOptions(training, s, given);
    return ranStacked(await testSdA({ ...options, corruptionLevels: s.corruption }), options);
  },
});

export const PROGRAMS: readonly AnyProgram[] = [RBM, LOGISTIC, LOGISTIC_CG, MLP, LENET, DBN, DA, CA, SDA];
