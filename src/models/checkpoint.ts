/**
 * The file in which a training is written down: one .npz that NumPy reads too, with the bits of every shared value, the progress as float64 arrays, and
 * as a note the run's options and the format's version. Must not know loops or models. Next: training.ts says what goes in, and when.
 */
import { existsSync } from "node:fs";
import { fail, type Json, loadArrays, type NdArray, saveArrays } from "../index.js";

export interface CheckpointOptions {
  /** An .npz file. */
  readonly path: string;
  /** Go on from the file. False (default) begins anew; a file of a training that is not finished is not overwritten then. */
  readonly resume?: boolean | undefined;
  /** The file is written when the training ends or is stopped, and after a minibatch when the last writing is so long ago; 2 by default. */
  readonly minutes?: number | undefined;
}

/** Whatever decides a run's numbers, by name. */
export type RunOptions = Readonly<Record<string, Json>>;

export type NamedArrays = Readonly<Record<string, NdArray>>;

const FORMAT = 1;

/** Replaces the file at once: an interrupted writing leaves the old one. */
export async function writeCheckpoint(path: string, arrays: NamedArrays, note: { readonly run: RunOptions; readonly finished: boolean }): Promise<void> {
  await saveArrays(path, arrays, { checkpoint: FORMAT, ...note });
}

async function read(path: string): Promise<{ readonly arrays: NamedArrays; readonly run: RunOptions; readonly finished: boolean }> {
  const { arrays, meta } = await loadArrays(path);
  if (meta.checkpoint !== FORMAT) {
    fail("data", "checkpoint-version", {
      what: `${path} is no checkpoint of this version.`, saw: [`format ${JSON.stringify(meta.checkpoint ?? null)}, expected ${FORMAT}`], fix: "go on with the version of damo that wrote it, or give another file",
    });
  }
  return { arrays, run: meta.run as RunOptions, finished: meta.finished === true };
}

/**
 * The arrays to go on from; null for a training that begins. Throws `checkpoint-options` (ValueError) where the file's run had other options than `run`,
 * `checkpoint-unfinished` (ValueError) where a training that begins would overwrite one that is not finished, `checkpoint-version` (DataError), and
 * what `loadArrays` throws.
 */
export async function openCheckpoint({ path, resume = false }: CheckpointOptions, run: RunOptions): Promise<NamedArrays | null> {
  if (!resume && !existsSync(path)) return null;
  const saved = await read(path);
  if (!resume) {
    if (saved.finished) return null;
    fail("value", "checkpoint-unfinished", { what: `${path} holds a training that is not finished.`, fix: "resume it (--resume), or delete the file to begin anew" });
  }
  const text = (options: RunOptions, name: string): string => JSON.stringify(options[name] ?? null);
  const differing = [...new Set([...Object.keys(saved.run), ...Object.keys(run)])].filter((name) => text(saved.run, name) !== text(run, name));
  if (differing.length > 0) {
    fail("value", "checkpoint-options", {
      what: `The run in ${path} had other options: ${differing.join(", ")}.`, saw: differing.map((name) => `${name}: ${text(saved.run, name)} in the checkpoint, ${text(run, name)} now`),
      fix: "resume with the options of the checkpoint, or begin anew with another file",
    });
  }
  return saved.arrays;
}
