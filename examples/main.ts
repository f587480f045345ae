#!/usr/bin/env node
/**
 * The command-line program: `damo rbm`, `logistic`, `mlp`, `lenet`, `dbn`, `rnnrbm`, `rnnslu`, `lstm`, `hmc`, `predict`, `sample`. Options in, programs of damo/models in the middle, and at the end
 * what ran where. Without options each fits a few minutes on two cores; `--article` takes the article's settings.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { closeDevices, config, DamoError } from "damo";
import { evaluateLenet5, loadDbn, loadLenet, loadLogisticRegression, loadMlp, loadModel, predictWith, sampleRbm, sgdOptimizationMnist, testDbn, testMlp, testRbm, Watcher } from "damo/models";
import { type CommonOptions, checkpointOf, count, countOrNone, counts, type DatasetOption, rate, sizesOf, withCommon } from "./options.js";
import { type AnyProgram, HMC_SETTINGS, RECURRENT, runHmc } from "./recurrent.js";
import { reportFiles, reportFunctions, reportSettings, type Settings } from "./report.js";
import { Terminal } from "./terminal.js";

/** Runs a program between the terminal's opening and closing; sets the exit status. */
async function inTerminal(options: CommonOptions, run: (terminal: Terminal) => Promise<void>): Promise<void> {
  // GPU devices have no float64, and auto may pick one.
  config.device = options.device === "auto" && options.floatX === "float64" ? "wasm" : options.device;
  config.floatX = options.floatX;
  config.exclude = options.exclude;
  const terminal = new Terminal();
  try {
    await mkdir(options.out, { recursive: true });
    await run(terminal);
    if (terminal.exitCode !== null) process.exitCode = terminal.exitCode;
  } catch (e) {
    terminal.close();
    if (!(e instanceof DamoError)) throw e;
    console.error(`error: ${e.message}`);
    process.exitCode = 1;
  } finally {
    terminal.close();
    await closeDevices();
  }
}

/** The given options, the article's where `--article` asks for them, else ours; as (name, ours, article's). */
function settle<const S extends Settings>(settings: S, given: Readonly<Record<string, unknown>>): { [K in keyof S]: S[K]["article"] } {
  const chosen = Object.entries(settings).map(([name, { ours, article }]) => [name, given[name] ?? (given.article === true ? article : ours)] as const);
  return Object.fromEntries(chosen) as { [K in keyof S]: S[K]["article"] };
}

type Given = CommonOptions & Readonly<Record<string, unknown>>;

/** What every training takes. */
const trainingOptions = (terminal: Terminal, given: Given) => ({
  ...terminal.observers, dataset: given.dataset, data: sizesOf(given), maxBatches: given.batches as number | undefined, checkpoint: checkpointOf(given),
});

/** Minibatches of 15 make about 784 of the drawn digits: then the pseudo-likelihood of an epoch looks at every pixel once, and epochs compare. */
const RBM_SETTINGS = {
  epochs: { ours: 5, article: 15 as number },
  hidden: { ours: 128, article: 500 as number },
  k: { ours: 5, article: 15 as number },
  batch: { ours: 15, article: 20 as number },
  lr: { ours: 0.1, article: 0.1 as number },
  chains: { ours: 20, article: 20 as number },
  samples: { ours: 10, article: 10 as number },
  plotEvery: { ours: 50, article: 1000 as number },
};

async function rbm(given: Given): Promise<void> {
  await inTerminal(given, async (terminal) => {
    const s = settle(RBM_SETTINGS, given);
    reportSettings(terminal.log, RBM_SETTINGS, s, given.dataset);
    const result = await testRbm({
      ...trainingOptions(terminal, given), outputFolder: given.out, seed: given.seed,
      trainingEpochs: s.epochs, nHidden: s.hidden, k: s.k, batchSize: s.batch, learningRate: s.lr, nChains: s.chains, nSamples: s.samples, plotEvery: s.plotEvery, persistent: given.persistent !== false,
    });
    terminal.close();
    reportFunctions({ train_rbm: result.trainRbm, sample_fn: result.sampleFn }, given.plan);
    reportFiles(result.files);
  });
}

const LOGISTIC_SETTINGS = {
  epochs: { ours: 100, article: 1000 as number },
  batch: { ours: 600, article: 600 as number },
  lr: { ours: 0.13, article: 0.13 as number },
};

async function logistic(given: Given): Promise<void> {
  await inTerminal(given, async (terminal) => {
    const s = settle(LOGISTIC_SETTINGS, given);
    reportSettings(terminal.log, LOGISTIC_SETTINGS, s, given.dataset);
    const bestModel = join(given.out, "best_model.npz");
    const result = await sgdOptimizationMnist({
      ...trainingOptions(terminal, given), bestModel, nEpochs: s.epochs, batchSize: s.batch, learningRate: s.lr,
    });
    terminal.close();
    reportFunctions({ train_model: result.trainModel }, given.plan);
    reportFiles([bestModel]);
  });
}

const MLP_SETTINGS = {
  epochs: { ours: 20, article: 1000 as number },
  hidden: { ours: 100, article: 500 as number },
  batch: { ours: 20, article: 20 as number },
  lr: { ours: 0.05, article: 0.01 as number },
};

async function mlp(given: Given): Promise<void> {
  await inTerminal(given, async (terminal) => {
    const s = settle(MLP_SETTINGS, given);
    reportSettings(terminal.log, MLP_SETTINGS, s, given.dataset);
    const bestModel = join(given.out, "best_model.npz");
    const result = await testMlp({
      ...trainingOptions(terminal, given), bestModel, nEpochs: s.epochs, nHidden: s.hidden, batchSize: s.batch, learningRate: s.lr, seed: given.seed,
    });
    terminal.close();
    reportFunctions({ train_model: result.trainModel }, given.plan);
    reportFiles([bestModel]);
  });
}

/** Minibatches of 100 fit the smaller set of drawn digits. */
const LENET_SETTINGS = {
  epochs: { ours: 5, article: 200 as number },
  kernels: { ours: [20, 50], article: [20, 50] as readonly number[] },
  hidden: { ours: 500, article: 500 as number },
  batch: { ours: 100, article: 500 as number },
  lr: { ours: 0.1, article: 0.1 as number },
};

async function lenet(given: Given): Promise<void> {
  await inTerminal(given, async (terminal) => {
    const s = settle(LENET_SETTINGS, given);
    reportSettings(terminal.log, LENET_SETTINGS, s, given.dataset);
    const bestModel = join(given.out, "best_model.npz");
    const [first = 20, second = 50] = s.kernels;
    const result = await evaluateLenet5({
      ...trainingOptions(terminal, given), bestModel, nEpochs: s.epochs, nkerns: [first, second], nHidden: s.hidden, batchSize: s.batch, learningRate: s.lr, seed: given.seed,
    });
    terminal.close();
    reportFunctions({ train_model: result.trainModel }, given.plan);
    reportFiles([bestModel]);
  });
}

const DBN_SETTINGS = {
  pretrainEpochs: { ours: 2, article: 100 as number },
  epochs: { ours: 5, article: 1000 as number },
  hidden: { ours: [100, 100], article: [1000, 1000, 1000] as readonly number[] },
  k: { ours: 1, article: 1 as number },
  batch: { ours: 10, article: 10 as number },
  pretrainLr: { ours: 0.01, article: 0.01 as number },
  lr: { ours: 0.1, article: 0.1 as number },
};

async function dbn(given: Given): Promise<void> {
  await inTerminal(given, async (terminal) => {
    const s = settle(DBN_SETTINGS, given);
    reportSettings(terminal.log, DBN_SETTINGS, s, given.dataset);
    const bestModel = join(given.out, "best_model.npz");
    const result = await testDbn({
      ...trainingOptions(terminal, given), bestModel, seed: given.seed,
      pretrainingEpochs: s.pretrainEpochs, trainingEpochs: s.epochs, hiddenLayersSizes: s.hidden, k: s.k, batchSize: s.batch, pretrainLr: s.pretrainLr, finetuneLr: s.lr,
    });
    terminal.close();
    const pretraining = Object.fromEntries(result.pretrainingFns.map((f, i) => [`pretraining layer ${i}`, f]));
    reportFunctions({ ...pretraining, finetuning: result.finetuning?.trainFn ?? null }, given.plan);
    reportFiles([bestModel]);
  });
}

/** Any saved classifier. */
async function predictCommand(given: Given): Promise<void> {
  await inTerminal(given, async (terminal) => {
    const path = given.model as string;
    const { model } = await loadModel(path);
    const dbnOf = async (file: string) => {
      const { x, logLayer } = await loadDbn(file);
      return { input: x, yPred: logLayer.yPred };
    };
    const load = { logistic_sgd: loadLogisticRegression, mlp: loadMlp, lenet: loadLenet, dbn: dbnOf };
    const kind = (Object.keys(load) as (keyof typeof load)[]).find((k) => k === model) ?? "logistic_sgd";
    const { input, yPred } = await load[kind](path);
    const { predicted, labels } = await predictWith(input, yPred, { dataset: given.dataset, data: sizesOf(given), count: given.count as number, watcher: new Watcher(terminal.observers) });
    terminal.log(`Their labels: [${labels.join(" ")}]; ${predicted.filter((p, i) => p !== labels[i]).length} of ${labels.length} wrong.`);
  });
}

async function sampleCommand(given: Given): Promise<void> {
  await inTerminal(given, async (terminal) => {
    const result = await sampleRbm({
      ...terminal.observers, model: given.model as string, dataset: given.dataset, data: sizesOf(given), outputFolder: given.out, seed: given.seed,
      nChains: given.chains as number, nSamples: given.samples as number, plotEvery: given.plotEvery as number,
    });
    terminal.close();
    reportFunctions({ sample_fn: result.sampleFn }, given.plan);
    reportFiles([result.file]);
  });
}

/** What runs when a recurrent program's command is given. */
const running = ({ settings, dataset, run }: Pick<AnyProgram, "settings" | "run"> & { readonly dataset: DatasetOption | null }) => async (given: Given): Promise<void> =>
  inTerminal(given, async (terminal) => {
    const chosen = settle(settings, given);
    reportSettings(terminal.log, settings, chosen, dataset === null ? "none" : given.dataset, dataset ?? undefined);
    const { functions, files } = await run(trainingOptions(terminal, given), chosen, given);
    terminal.close();
    reportFunctions(functions, given.plan);
    reportFiles(files);
  });

function trainingCommand(program: Command, name: string, description: string, { seed, dataset }: { readonly seed: number; readonly dataset?: DatasetOption }): Command {
  return withCommon(program.command(name).description(description), { out: join("out", name), seed, dataset })
    .option("--article", "the article's settings for whatever is not given")
    .option("--epochs <n>", "epochs of training", count)
    .option("--batch <n>", "examples in a minibatch", count)
    .option("--lr <x>", "learning rate", rate)
    .option("--batches <n>", "use only so many minibatches per epoch", count)
    .option("--checkpoint <file>", "where the training is written down, or a folder for it (default: checkpoint.npz in the output folder)")
    .option("--checkpoint-minutes <x>", "minutes between two writings", rate, 2)
    .option("--resume", "go on from the checkpoint; the other options as they were");
}

function build(): Command {
  const program = new Command("damo").description("Logistic regression, RBM, DBN, convolutions and recurrent networks as Theano's tutorials have them, on damo").showHelpAfterError();
  trainingCommand(program, "rbm", "train a restricted Boltzmann machine, draw its filters, sample from it", { seed: 123 })
    .option("--hidden <n>", "hidden units", count)
    .option("--k <n>", "Gibbs steps per minibatch", count)
    .option("--no-persistent", "contrastive divergence instead of persistent chains")
    .option("--chains <n>", "chains to sample from", count)
    .option("--samples <n>", "rows of samples", count)
    .option("--plot-every <n>", "Gibbs steps from row to row", count)
    .action(rbm);
  trainingCommand(program, "logistic", "train logistic regression", { seed: 0 }).action(logistic);
  trainingCommand(program, "mlp", "train a multi-layer perceptron", { seed: 1234 }).option("--hidden <n>", "hidden units", count).action(mlp);
  trainingCommand(program, "lenet", "train a convolutional network, LeNet", { seed: 23455 })
    .option("--kernels <n,n>", "filters of the two convolutions", counts)
    .option("--hidden <n>", "hidden units", count)
    .action(lenet);
  trainingCommand(program, "dbn", "train a deep belief network", { seed: 123 })
    .option("--hidden <n,n,…>", "units of the hidden layers", counts)
    .option("--k <n>", "Gibbs steps per minibatch", count)
    .option("--pretrain-epochs <n>", "epochs of pretraining for each layer", countOrNone)
    .option("--pretrain-lr <x>", "learning rate of pretraining", rate)
    .action(dbn);
  for (const { name, description, addOptions, ...others } of RECURRENT) {
    const command = trainingCommand(program, name, description, others);
    addOptions?.(command);
    command.action(running(others));
  }
  withCommon(program.command("hmc").description("sample a Gaussian by hybrid Monte Carlo"), { out: join("out", "hmc"), seed: 12345, dataset: null })
    .option("--article", "the article's settings for whatever is not given")
    .option("--burnin <n>", "moves before the first sample", count)
    .option("--samples <n>", "moves whose positions are kept", count)
    .option("--dim <n>", "dimensions of the Gaussian", count)
    .action(running({ settings: HMC_SETTINGS, dataset: null, run: runHmc }));
  withCommon(program.command("predict").description("predict the first examples of the test set with a saved classifier"), { out: "out", seed: 0 })
    .requiredOption("--model <file>", "a best_model.npz of logistic, mlp, lenet or dbn")
    .option("--count <n>", "how many examples", count, 10)
    .action(predictCommand);
  withCommon(program.command("sample").description("sample from a saved RBM"), { out: join("out", "sample"), seed: 123 })
    .requiredOption("--model <file>", "an rbm.npz of rbm")
    .option("--chains <n>", "chains to sample from", count, 20)
    .option("--samples <n>", "rows of samples", count, 10)
    .option("--plot-every <n>", "Gibbs steps from row to row", count, 100)
    .action(sampleCommand);
  return program;
}

await build().parseAsync();
