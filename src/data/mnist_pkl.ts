/**
 * mnist.pkl.gz, the tutorials' data: a Python-2 pickle of ((x, y), (x, y), (x, y)) of NumPy arrays, x float32 pixels k/256, y int64.
 * Must not know how pickles are written: pickle.ts reads them. Next: load.ts.
 */
import { NdArray } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { readMaybeGzip } from "./files.js";
import { parsePickle, type PickleValue } from "./pickle.js";

export type DataPair = readonly [x: NdArray, y: NdArray];

const isPair = (x: PickleValue): x is [NdArray, NdArray] => Array.isArray(x) && x.length === 2 && x.every((a) => a instanceof NdArray);

/**
 * The three (x, y) pairs of an inflated pickle, with the dtypes it holds (int64 as int32). `file` is for errors.
 * Throws `pickle-content`, and what `parsePickle` throws.
 */
export function parseMnistPickle(bytes: Uint8Array, file: string): DataPair[] {
  const [root, ...more] = parsePickle(bytes, file);
  if (!Array.isArray(root) || root.length !== 3 || !root.every(isPair) || more.length > 0) {
    fail("data", "pickle-content", { what: `The pickle ${file} does not hold three (x, y) pairs of NumPy arrays.`, fix: "give the tutorials' mnist.pkl.gz: ((train x, y), (valid x, y), (test x, y))" });
  }
  return root;
}

/** Reads mnist.pkl or mnist.pkl.gz. Throws also `file-read`, `gzip-corrupt`. */
export const readMnistPickle = async (file: string): Promise<DataPair[]> => parseMnistPickle(await readMaybeGzip(file), file);
