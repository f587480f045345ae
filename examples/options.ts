/**
 * The command line's options: those that every program takes, and how their texts are read. Must not know what programs do with them.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { config } from "damo";
import type { CheckpointOptions } from "damo/models";

export interface CommonOptions {
  readonly dataset: string;
  readonly device: string;
  readonly floatX: "float32" | "float64";
  readonly seed: number;
  readonly out: string;
  readonly trainSize?: number;
  readonly validSize?: number;
  readonly testSize?: number;
  readonly exclude: readonly string[];
  readonly plan?: boolean;
}

export interface TrainingOptions {
  readonly out: string;
  readonly checkpoint?: string;
  readonly checkpointMinutes?: number;
  readonly resume?: boolean;
}

/** A whole number of at least 1. */
export function count(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("A whole number of at least 1 is needed.");
  return n;
}

export function seed(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0 || n > 0xffffffff || text.trim() === "") throw new InvalidArgumentError("A whole number from 0 to 4294967295 is needed.");
  return n;
}

/** A whole number of at least 0. */
export const countOrNone = (text: string): number => (text.trim() === "0" ? 0 : count(text));

export function rate(text: string): number {
  const x = Number(text);
  if (!(x > 0 && Number.isFinite(x))) throw new InvalidArgumentError("A positive number is needed.");
  return x;
}

/** A part of a whole: from 0 to 1. */
export function level(text: string): number {
  const x = Number(text);
  if (!(x >= 0 && x <= 1) || text.trim() === "") throw new InvalidArgumentError("A number from 0 to 1 is needed.");
  return x;
}

/** "0.1,0.2" */
export const levels = (text: string): number[] => text.split(",").map(level);

/** "500,500" */
export const counts = (text: string): number[] => text.split(",").map(count);

/** "softplus,logSigmoid" */
const names = (text: string): string[] => text.split(",").map((name) => name.trim());

/** The data of a program: its name here, the article's, what --dataset takes, and what is made here when nothing is given. */
export interface DatasetOption {
  readonly ours: string;
  readonly article: string;
  readonly description: string;
  readonly made: string;
  /** The sets whose sizes can be given, with their usual ones. */
  readonly sizes: { readonly train?: number; readonly valid?: number; readonly test?: number };
}

const DIGITS: DatasetOption = { ours: "digits", article: "MNIST", description: "digits (drawn here), mnist (downloaded once, or DAMO_DATA), a folder with MNIST's files, or the path of mnist.pkl.gz", made: "drawn digits", sizes: { train: 12000, valid: 2400, test: 2400 } };

const PURPOSES = { train: "training", valid: "validation", test: "testing" } as const;

/** Adds what every program takes; without `dataset` the digits, with null no data. */
export function withCommon(command: Command, { out, seed: seedDefault, dataset = DIGITS }: { readonly out: string; readonly seed: number; readonly dataset?: DatasetOption | null | undefined }): Command {
  if (dataset !== null) {
    command.option("--dataset <name>", dataset.description, dataset.ours);
    for (const [set, n] of Object.entries(dataset.sizes)) command.option(`--${set}-size <n>`, `${dataset.made} for ${PURPOSES[set as keyof typeof PURPOSES]} (default: ${n})`, count);
  }
  return command
    .option("--device <name>", "auto, reference, wasm, gpu, gpu:webgpu, gpu:webasm, …", config.device)
    .addOption(new Option("--floatX <dtype>", "dtype of weights and data").choices(["float32", "float64"]).default(config.floatX))
    .option("--seed <n>", "seed of weights and random streams", seed, seedDefault)
    .option("--out <folder>", "where pictures and models go", out)
    .option("--exclude <rule,…>", "rewrite rules to leave out", names, config.exclude)
    .option("--plan", "print the compiled plan at the end");
}

/** Adds what every training takes. */
export function withTraining(command: Command): Command {
  return command
    .option("--article", "the article's settings for whatever is not given")
    .option("--epochs <n>", "epochs of training", count)
    .option("--batch <n>", "examples in a minibatch", count)
    .option("--batches <n>", "use only so many minibatches per epoch", count)
    .option("--checkpoint <file>", "where the training is written down, or a folder for it (default: checkpoint.npz in the output folder)")
    .option("--checkpoint-minutes <x>", "minutes between two writings", rate, 2)
    .option("--resume", "go on from the checkpoint; the other options as they were");
}

/** Sizes of the drawn digits, as `loadData` takes them. */
export function sizesOf({ trainSize, validSize, testSize }: CommonOptions): { readonly sizes: { train?: number; valid?: number; test?: number } } {
  const sizes: { train?: number; valid?: number; test?: number } = {};
  if (trainSize !== undefined) sizes.train = trainSize;
  if (validSize !== undefined) sizes.valid = validSize;
  if (testSize !== undefined) sizes.test = testSize;
  return { sizes };
}

/** Where the checkpoint is, whether to go on from it, and how often it is written. */
export function checkpointOf({ out, checkpoint = out, checkpointMinutes, resume }: TrainingOptions): CheckpointOptions {
  const isFolder = checkpoint === out || /[/\\]$/.test(checkpoint) || statSync(checkpoint, { throwIfNoEntry: false })?.isDirectory() === true;
  return { path: isFolder ? join(checkpoint, "checkpoint.npz") : checkpoint, minutes: checkpointMinutes, resume };
}
