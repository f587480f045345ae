/**
 * What the benches' jobs work on: images, drawn arrays, and the folder in which every peer finds them. Must not know jobs or peers.
 * Next: serve.mjs and serve.py read the folder.
 */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadData } from "damo";

/** An array as it is written. */
export const float = (shape, data) => ({ shape, dtype: "float32", data: Float32Array.from(data) });
export const int = (shape, data) => ({ shape, dtype: "int32", data: Int32Array.from(data) });

/** Uniform within ±`range`, from the bench's own stream. */
export const uniform = (rng, range, ...shape) => float(shape, rng.uniform({ low: -range, high: range, size: shape }).data);

/** Filters [n, from, 5, 5] under pooling of 2x2, as convolutional_mlp.py draws them. */
export const filters = (rng, n, from) => uniform(rng, Math.sqrt(6 / (25 * (from + n / 4))), n, from, 5, 5);

/** Glorot and Bengio 2010: what the tutorials start from; four times that under a logistic sigmoid. */
export const glorot = (rng, n, m, factor = 1) => uniform(rng, factor * Math.sqrt(6 / (n + m)), n, m);

/** The first `count` images of a training set and their labels, and what they are, in words. MNIST where DAMO_DATA is set, else the digits that damo draws. */
export async function images(count) {
  const dataset = process.env.DAMO_DATA ? "mnist" : "digits";
  const { train: [x, y] } = await loadData(dataset);
  const n = Math.min(count, y.size);
  const width = x.shape[1];
  const pixels = float([n, width], x.data.subarray(0, n * width));
  const nonZero = pixels.data.reduce((sum, pixel) => sum + (pixel !== 0 ? 1 : 0), 0) / pixels.data.length;
  const name = dataset === "mnist" ? "MNIST" : "digits drawn by damo";
  return { x: pixels, y: int([n], y.data.subarray(0, n)), description: `${name}, ${n} examples, ${(100 * nonZero).toFixed(1)} % of the pixels are not zero` };
}

/** Of equal maxima Theano gives each the gradient, others one: images without ties, for comparing. */
export const untied = ({ shape: [, width], data }, n) => float([n, width], data.subarray(0, n * width).map((pixel, k) => pixel + 0.01 * Math.sin(k * k)));

/** Writes jobs and arrays to a new folder; gives its path. */
export async function writeFolder(name, jobs, arrays) {
  const folder = await mkdtemp(join(tmpdir(), `damo-${name}-`));
  for (const [key, { data }] of Object.entries(arrays)) await writeFile(join(folder, `${key}.bin`), data);
  const shapes = Object.fromEntries(Object.entries(arrays).map(([key, { shape, dtype }]) => [key, { shape, dtype }]));
  await writeFile(join(folder, "manifest.json"), JSON.stringify({ jobs, arrays: shapes }));
  return folder;
}
