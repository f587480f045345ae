/**
 * `loadData`, the tutorials' load_data: ((train x, y), (valid x, y), (test x, y)) from MNIST's IDX files, from mnist.pkl.gz, or drawn here.
 * Whatever the source, x is float32 `[n, 784]` of k/256 (as in mnist.pkl.gz; not k/255) and y is int32 `[n]`, in file order.
 * Must not know shared variables or models.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { NdArray } from "../numpy/ndarray.js";
import { nextGauss } from "../random/legacy.js";
import { nextDouble, seedStateFromArray } from "../random/mt19937.js";
import { fail } from "../util/fail.js";
import { type DigitRng, makeDigits } from "./digits.js";
import { cacheFolder, type DownloadOptions, downloadMnist } from "./download.js";
import { readIdxImages, readIdxLabels } from "./idx.js";
import { type DataPair, readMnistPickle } from "./mnist_pkl.js";

export type { DataPair };

export interface Datasets {
  readonly train: DataPair;
  readonly valid: DataPair;
  readonly test: DataPair;
}

export interface LoadOptions {
  /** Seed of the drawn digits; 1234 by default. Other data sets ignore it. */
  readonly seed?: number;
  /** Numbers of drawn digits; 12000, 2400 and 2400 by default. Other data sets ignore them. */
  readonly sizes?: { readonly train?: number; readonly valid?: number; readonly test?: number };
  /** For "mnist" when it has to be fetched: mirrors, folder, progress. */
  readonly download?: Partial<DownloadOptions>;
}

const SETS = { train: "train", test: "t10k" } as const;

async function kindOf(path: string): Promise<"folder" | "file" | "nothing"> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch {
    return "nothing";
  }
}

/** Names under which an IDX file is found: MNIST's own, with or without .gz, and the form with a dot. */
const namesOf = (set: string, content: "images-idx3" | "labels-idx1"): string[] =>
  [`${set}-${content}-ubyte`, `${set}-${content.replace("-", ".")}-ubyte`].flatMap((n) => [n, `${n}.gz`]);

async function find(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if ((await kindOf(join(folder, name))) === "file") return join(folder, name);
  return undefined;
}

/** Bytes as the tutorials' pixels: k/256 is exact in float32. */
function scale(pixels: Uint8Array, count: number): NdArray {
  const x = new Float32Array(pixels.length);
  for (let i = 0; i < x.length; i++) x[i] = (pixels[i] as number) / 256;
  return new NdArray(x, [count, count === 0 ? 0 : x.length / count], "float32");
}

async function readIdxPair(folder: string, set: string): Promise<DataPair> {
  const locate = async (names: string[]): Promise<string> =>
    (await find(folder, names)) ?? fail("data", "mnist-file", { what: `The folder ${folder} lacks ${names[0]}.gz.`, saw: [`looked for ${names.join(", ")}`], fix: "put MNIST's four files there, or use the dataset 'digits', which needs none" });
  const imageFile = await locate(namesOf(set, "images-idx3"));
  const labelFile = await locate(namesOf(set, "labels-idx1"));
  const images = await readIdxImages(imageFile);
  const labels = await readIdxLabels(labelFile);
  if (images.count !== labels.length) {
    fail("data", "mnist-count", { what: "Images and labels differ in number.", saw: [`${imageFile}: ${images.count}`, `${labelFile}: ${labels.length}`], fix: "give two files of the same data set" });
  }
  return checkLabels([scale(images.pixels, images.count), new NdArray(Int32Array.from(labels), [labels.length], "int32")], labelFile);
}

function checkLabels(pair: DataPair, file: string): DataPair {
  const at = pair[1].data.findIndex((y) => !(y >= 0 && y <= 9));
  if (at >= 0) fail("data", "mnist-label", { what: `${file} holds a label that is no digit.`, saw: [`label ${at} is ${pair[1].data[at]}`], fix: "the file is corrupt or of another data set: fetch it again" });
  return pair;
}

/** Rows `[from, to)` of both arrays; a view of the pixels, no copy. */
function rows([x, y]: DataPair, from: number, to: number): DataPair {
  const width = x.shape[1] as number;
  return [
    new NdArray(x.data.subarray(from * width, to * width), [to - from, width], x.dtype),
    new NdArray(y.data.subarray(from, to), [to - from], y.dtype),
  ];
}

/** The training file's last sixth is the validation set: 50 000 and 10 000 of MNIST's 60 000. */
async function loadFolder(folder: string): Promise<Datasets> {
  const all = await readIdxPair(folder, SETS.train);
  const test = await readIdxPair(folder, SETS.test);
  const n = all[1].size;
  const cut = n - Math.floor(n / 6);
  return { train: rows(all, 0, cut), valid: rows(all, cut, n), test };
}

async function loadPickle(file: string): Promise<Datasets> {
  const pairs = (await readMnistPickle(file)).map(([x, y], i): DataPair => {
    if (x.ndim !== 2 || y.ndim !== 1 || x.shape[0] !== y.shape[0]) {
      fail("data", "mnist-shape", { what: `Pair ${i} of ${file} does not hold one row of pixels per label.`, saw: [`x: ${x}`, `y: ${y}`], fix: "give the tutorials' mnist.pkl.gz: x [n, 784], y [n]" });
    }
    return checkLabels([x.dtype === "float32" ? x : x.astype("float32"), y.dtype === "int32" ? y : y.astype("int32")], file);
  });
  const [train, valid, test] = pairs as [DataPair, DataPair, DataPair];
  return { train, valid, test };
}

/** Random numbers for part `part` of the drawn digits: each part has its own stream, so that its size does not change the others. */
function digitRng(seed: number, part: number): DigitRng {
  const state = seedStateFromArray([seed, part]);
  return { random: () => nextDouble(state), normal: () => nextGauss(state) };
}

function drawDigits({ seed = 1234, sizes = {} }: LoadOptions): Datasets {
  const draw = (part: number, n: number): DataPair => {
    if (!Number.isInteger(n) || n < 1) fail("value", "digits-size", { what: `A set of drawn digits cannot have ${n} elements.`, fix: "pass whole numbers of at least 1 as sizes" });
    return makeDigits(n, digitRng(seed, part));
  };
  return { train: draw(0, sizes.train ?? 12000), valid: draw(1, sizes.valid ?? 2400), test: draw(2, sizes.test ?? 2400) };
}

/** MNIST from `DAMO_DATA` (a folder or a pickle), else from the cache, else from the network. */
async function loadMnist(options: LoadOptions): Promise<Datasets> {
  const given = process.env.DAMO_DATA;
  if (given) return loadPath(given);
  const cached = options.download?.folder ?? join(cacheFolder(), "mnist");
  const wanted = Object.values(SETS).flatMap((set) => [namesOf(set, "images-idx3"), namesOf(set, "labels-idx1")]);
  const found = await Promise.all(wanted.map((names) => find(cached, names)));
  return loadFolder(found.every((f) => f !== undefined) ? cached : await downloadMnist(options.download));
}

async function loadPath(path: string): Promise<Datasets> {
  const kind = await kindOf(path);
  if (kind === "folder") return loadFolder(path);
  if (kind === "file") return loadPickle(path);
  fail("data", "dataset-name", { what: `There is no dataset, folder or file '${path}'.`, fix: "use 'digits', 'mnist', a folder with MNIST's idx or idx.gz files, or the path of mnist.pkl.gz" });
}

/**
 * Loads a data set: `"digits"` (drawn here, needs nothing; the default), `"mnist"` (folder of env `DAMO_DATA`, else cached, else downloaded),
 * a folder with MNIST's four IDX files (gzipped or not; the training file is split 5 : 1 in file order, 50000/10000 for MNIST), or the path
 * of mnist.pkl(.gz). x: float32 `[n, 784]`, pixels k/256; y: int32 `[n]`.
 * Throws `dataset-name`, `mnist-*`, `digits-size` and the errors of the readers (`idx-*`, `gzip-corrupt`, `pickle-*`, `download-failed`).
 */
export async function loadData(dataset = "digits", options: LoadOptions = {}): Promise<Datasets> {
  if (dataset === "digits") return drawDigits(options);
  if (dataset === "mnist") return loadMnist(options);
  return loadPath(dataset);
}
