/**
 * What a program of the command line is: a record of its settings beside the article's, its data, its options, and how it runs.
 * Must not know terminals. Next: programs.ts and recurrent.ts have the records, main.ts makes a command of each.
 */
import { join } from "node:path";
import type { Command } from "commander";
import type { Explanation } from "damo";
import type { DataOptions } from "damo/models";
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
  /** The digits where it is not given; null: none. */
  readonly dataset?: DatasetOption | null;
  readonly settings: S;
  readonly addOptions?: (command: Command) => void;
  readonly run: (training: DataOptions, chosen: Chosen<S>, given: Given) => Promise<Ran>;
}

/** A program, whatever its settings are. */
export interface AnyProgram extends Omit<Program<Settings>, "run"> {
  readonly run: (training: DataOptions, chosen: Readonly<Record<string, unknown>>, given: Given) => Promise<Ran>;
}

export const program = <const S extends Settings>({ run, ...others }: Program<S>): AnyProgram => ({ ...others, run: (training, chosen, given) => run(training, chosen as Chosen<S>, given) });

/** The given options, the article's where `--article` asks for them, else ours. */
export function settle(settings: Settings, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(settings).map(([name, { ours, article }]) => [name, given[name] ?? (given.article === true ? article : ours)]));
}

export const bestModelIn = (given: Given): string => join(given.out, "best_model.npz");
export const withHidden = (command: Command): Command => command.option("--hidden <n>", "hidden units", count);
