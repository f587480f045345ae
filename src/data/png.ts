/**
 * Pictures of host arrays as PNG files, through pngjs. Must not know what a picture shows; models/utils.ts tiles filters and samples.
 */
import { PNG } from "pngjs";
import type { NdArray } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { writeFileAtomic } from "./files.js";

/** PNG colour types (PNG specification, table 11.1) by number of channels. */
const COLOR_TYPES = { 1: 0, 3: 2, 4: 6 } as const;

function channelsOf(image: NdArray): keyof typeof COLOR_TYPES {
  const channels = image.ndim === 2 ? 1 : image.shape[2];
  if ((image.ndim !== 2 && image.ndim !== 3) || (channels !== 1 && channels !== 3 && channels !== 4) || image.size === 0) {
    fail("value", "png-shape", { what: `A picture cannot be made of ${image}.`, fix: "pass [height, width] (grey), [height, width, 3] (RGB) or [height, width, 4] (RGBA), with no empty axis" });
  }
  return channels;
}

/**
 * The PNG bytes of a picture: `[h, w]` grey, `[h, w, 3]` RGB or `[h, w, 4]` RGBA, any dtype, values whole numbers 0 to 255.
 * Throws `png-shape`, `png-values`.
 */
export function encodePng(image: NdArray): Uint8Array {
  const channels = channelsOf(image);
  const [height = 0, width = 0] = image.shape;
  const data = Buffer.alloc(image.size);
  for (let i = 0; i < data.length; i++) {
    const x = image.data[i] as number;
    if (!(x >= 0 && x <= 255 && Number.isInteger(x))) {
      fail("value", "png-values", { what: "A picture holds a value that is no whole number from 0 to 255.", saw: [`element ${i} of ${image} is ${x}`], fix: "scale to 0 … 255 and round first (tileRasterImages does)" });
    }
    data[i] = x;
  }
  const png = new PNG({ width, height });
  png.data = data;
  const colorType = COLOR_TYPES[channels];
  return PNG.sync.write(png, { inputColorType: colorType, colorType, inputHasAlpha: channels === 4, bitDepth: 8 });
}

/** Writes a picture (see `encodePng`) to a file, atomically. Throws `png-shape`, `png-values`, `file-write`. */
export async function savePng(path: string, image: NdArray): Promise<void> {
  await writeFileAtomic(path, encodePng(image));
}
