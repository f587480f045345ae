#!/usr/bin/env node
/**
 * The command-line program: `damo rbm`, `logistic`, `dbn`, …, `predict`, `sample`. Options in, programs of damo/models in the middle, and at the end
 * what ran where. Without options each fits a few minutes on two cores; `--article` takes the article's settings.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { closeDevices, config, DamoError, type Variable } from "damo";
import { loadDbn, loadLenet, loadLogisticRegression, loadMlp, loadModel, loadSdA, loadThetaRegression, predictWith, sampleRbm, type StackedNetwork, Watcher } from "damo/models";
import { type CommonOptions, checkpointOf, count, rate, sizesOf, withCommon, withTraining } from "./options.js";
import { type Given, settle } from "./program.js";
import { PROGRAMS } from "./programs.js";
import { RECURRENT } from "./recurrent.js";
import { reportFiles, reportFunctions, reportSettings } from "./report.js";
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

/** Any saved classifier. */
async function predictCommand(given: Given): Promise<void> {
  await inTerminal(given, async (terminal) => {
    const path = given.model as string;
    const { model } = await loadModel(path);
    const stacked = ({ x, logLayer }: StackedNetwork): { input: Variable; yPred: Variable } => ({ input: x, yPred: logLayer.yPred });
    const load = {
      logistic_sgd: loadLogisticRegression, logistic_cg: loadThetaRegression, mlp: loadMlp, lenet: loadLenet,
      dbn: async (file: string) => stacked(await loadDbn(file)), sda: async (file: string) => stacked(await loadSdA(file)),
    };
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

function build(): Command {
  const program = new Command("damo").description("Theano's tutorials as they have them, on damo: classifiers, Boltzmann machines, auto-encoders, recurrent networks").showHelpAfterError();
  for (const { name, description, seed, dataset, addOptions, settings, run } of [...PROGRAMS, ...RECURRENT]) {
    const command = withCommon(program.command(name).description(description), { out: join("out", name), seed, dataset });
    if ("epochs" in settings) withTraining(command);
    if ("lr" in settings) command.option("--lr <x>", "learning rate", rate);
    addOptions?.(command);
    command.action(async (given: Given) =>
      inTerminal(given, async (terminal) => {
        const chosen = settle(settings, given);
        reportSettings(terminal.log, settings, chosen, dataset === null ? null : given.dataset, dataset ?? undefined);
        const { functions, files } = await run({ ...terminal.observers, dataset: given.dataset, data: sizesOf(given), maxBatches: given.batches as number | undefined, checkpoint: checkpointOf(given) }, chosen, given);
        terminal.close();
        reportFunctions(functions, given.plan);
        reportFiles(files);
      }),
    );
  }
  withCommon(program.command("predict").description("predict the first examples of the test set with a saved classifier"), { out: "out", seed: 0 })
    .requiredOption("--model <file>", "a best_model.npz of logistic, logistic-cg, mlp, lenet, dbn or sda")
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
