/**
 * The article's utils.py: `tileRasterImages` arranges the rows of a matrix as pictures in one picture (filters, samples).
 * On the public API only. Next: `savePng` writes the result; `plotFilters` does both for weights.
 */
import { NdArray, savePng, type SharedVariable, ValueError } from "../index.js";

/** Rows of `X`: `[n, height * width]` or `[n, height, width]`. */
export type Images = NdArray;
/** Red, green, blue, alpha; null means the default, 0 (alpha: opaque). */
export type Channels = readonly [Images | null, Images | null, Images | null, Images | null];

export interface TileOptions {
  /** Height and width of one picture. */
  readonly imgShape: readonly [number, number];
  /** Rows and columns of tiles. */
  readonly tileShape: readonly [number, number];
  /** Empty pixels between tiles, vertically and horizontally; none by default. */
  readonly tileSpacing?: readonly [number, number];
  /** Stretches each picture to [0, 1] by its own minimum and maximum; true by default. */
  readonly scaleRowsToUnitInterval?: boolean;
  /** Whole numbers 0 … 255 for pictures rather than values in X's dtype; true by default. */
  readonly outputPixelVals?: boolean;
}

/** A value of NumPy's arithmetic in the array's dtype: each operation rounds to float32 for float32. */
const rounding = (a: NdArray): ((x: number) => number) => (a.dtype === "float32" ? Math.fround : (x) => x);

/** Integers have no fractions to scale to, so they are scaled as float64. */
const floatOf = (a: NdArray): NdArray => (a.dtype === "float32" || a.dtype === "float64" ? a : a.astype("float64"));

/**
 * A copy of `ndar` with its values moved to [0, 1): `(x - min) / (max - min + eps)`, in the array's dtype (integers as float64).
 * As NumPy 1 computes it, the factor is a float64 that is rounded to the dtype when it multiplies.
 */
export function scaleToUnitInterval(ndar: NdArray, { eps = 1e-8 }: { readonly eps?: number } = {}): NdArray {
  const out = floatOf(ndar).copy();
  const round = rounding(out);
  let min = Infinity;
  for (const x of out.data) min = Math.min(min, x);
  let max = -Infinity;
  for (let i = 0; i < out.size; i++) {
    out.data[i] = (out.data[i] as number) - min;
    max = Math.max(max, out.data[i] as number);
  }
  const factor = round(1.0 / (max + eps));
  for (let i = 0; i < out.size; i++) out.data[i] = (out.data[i] as number) * factor;
  return out;
}

const isChannels = (X: Images | Channels): X is Channels => Array.isArray(X);

/** The C cast of a float to uint8: towards zero, modulo 256, as an array of pixels takes it. */
const toPixel = (x: number): number => Math.trunc(x) & 255;

function refuse(code: string, what: string, fix: string): never {
  throw new ValueError(code, `${what}\n  what to do: ${fix}\n  [${code}]`, fix);
}

function checkPair(name: string, pair: readonly number[], least: number): void {
  if (pair.length !== 2 || pair.some((n) => !Number.isInteger(n) || n < least)) {
    refuse("tile-pair", `${name} must be two whole numbers of at least ${least}, got [${pair.join(", ")}].`, "pass [vertical, horizontal]");
  }
}

/** Puts the pictures of one channel into `out` at `offset`, `step` elements from pixel to pixel. */
function tileChannel(X: Images, options: Required<TileOptions>, width: number, out: NdArray, offset: number, step: number): void {
  const { imgShape: [H, W], tileShape, tileSpacing: [Hs, Ws], scaleRowsToUnitInterval, outputPixelVals } = options;
  if (X.ndim < 2 || X.size !== (X.shape[0] as number) * H * W) {
    refuse("tile-rows", `${X} does not hold one picture of ${H} x ${W} pixels per row.`, "pass [n, height * width] or [n, height, width], and its imgShape");
  }
  const round = rounding(X);
  const n = Math.min(X.shape[0] as number, tileShape[0] * tileShape[1]);
  for (let tile = 0; tile < n; tile++) {
    const row = new NdArray(X.data.subarray(tile * H * W, (tile + 1) * H * W), [H, W], X.dtype);
    const thisImg = scaleRowsToUnitInterval ? scaleToUnitInterval(row) : row;
    const top = Math.floor(tile / tileShape[1]) * (H + Hs);
    const left = (tile % tileShape[1]) * (W + Ws);
    for (let i = 0; i < H * W; i++) {
      const at = (top + Math.floor(i / W)) * width + left + (i % W);
      const x = thisImg.data[i] as number;
      out.data[offset + at * step] = outputPixelVals ? toPixel(round(x * 255)) : x;
    }
  }
}

/**
 * Tiles the rows of `X` as pictures: `[height, width]` for one array, `[height, width, 4]` (RGBA) for four channels.
 * With `outputPixelVals` the result is int32 with values 0 … 255 (damo has no uint8), rounded towards zero as NumPy's cast does; without, it
 * has X's dtype (integers scaled: float64). Tiles without a row, and the spacing, are 0. Throws `tile-pair`, `tile-rows`,
 * `tile-channels` (ValueError) for sizes that do not fit.
 */
export function tileRasterImages(X: Images | Channels, options: TileOptions): NdArray {
  const all: Required<TileOptions> = { tileSpacing: [0, 0], scaleRowsToUnitInterval: true, outputPixelVals: true, ...options };
  checkPair("imgShape", all.imgShape, 1);
  checkPair("tileShape", all.tileShape, 1);
  checkPair("tileSpacing", all.tileSpacing, 0);
  const [height = 0, width = 0] = all.imgShape.map((side, axis) => (side + (all.tileSpacing[axis] as number)) * (all.tileShape[axis] as number) - (all.tileSpacing[axis] as number));
  const first = isChannels(X) ? X.find((c) => c !== null) : X;
  const dtype = all.outputPixelVals ? "int32" : ((all.scaleRowsToUnitInterval && first ? floatOf(first) : first)?.dtype ?? "float64");
  if (!isChannels(X)) {
    const out = NdArray.zeros([height, width], dtype);
    tileChannel(X, all, width, out, 0, 1);
    return out;
  }
  if (X.length !== 4) refuse("tile-channels", `Four channels are needed, got ${(X as readonly unknown[]).length}.`, "pass [red, green, blue, alpha], null for a default");
  const out = NdArray.zeros([height, width, 4], dtype);
  const defaults = all.outputPixelVals ? [0, 0, 0, 255] : [0, 0, 0, 1];
  X.forEach((channel, c) => {
    if (channel) tileChannel(channel, all, width, out, c, 4);
    else for (let i = 0; i < height * width; i++) out.data[4 * i + c] = defaults[c] as number;
  });
  return out;
}

/** Draws what the first hundred hidden units look for in MNIST's images: the columns of `W`, `[784, nHidden]`, ten in a row. */
export async function plotFilters(W: SharedVariable, path: string): Promise<void> {
  const { T: filters } = await W.getValue();
  await savePng(path, tileRasterImages(filters, { imgShape: [28, 28], tileShape: [10, 10], tileSpacing: [1, 1] }));
}
