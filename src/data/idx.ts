/**
 * The IDX format of the MNIST files: a big-endian header (magic, one 32-bit length per axis), then one unsigned byte per element.
 * Format: the "FILE FORMATS FOR THE MNIST DATABASE" section of the MNIST page. Must not know splits or scaling; load.ts does.
 */
import { sizeOf } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { readMaybeGzip } from "./files.js";

export const IMAGES_MAGIC = 2051;
export const LABELS_MAGIC = 2049;

export interface IdxImages {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  /** `count * rows * columns` bytes, row-major, one image after the other. */
  readonly pixels: Uint8Array;
}

const KINDS: Readonly<Record<number, string>> = { [IMAGES_MAGIC]: "images", [LABELS_MAGIC]: "labels" };

/** The axis lengths, once magic and size are right. Throws `idx-header`, `idx-magic`, `idx-size`. */
function header(bytes: Uint8Array, magic: number, axes: number, file: string): number[] {
  const start = 4 + 4 * axes;
  if (bytes.length < start) {
    fail("data", "idx-header", { what: `${file} is too short for an IDX ${KINDS[magic]} file.`, saw: [`expected at least ${start} bytes`, `found ${bytes.length}`], fix: "the file is truncated: fetch it again" });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = view.getUint32(0);
  if (found !== magic) {
    fail("data", "idx-magic", {
      what: `${file} is not an IDX ${KINDS[magic]} file.`,
      saw: [`expected magic number ${magic} (${KINDS[magic]})`, `found ${found}${KINDS[found] ? ` (${KINDS[found]})` : ""}`],
      fix: "give the right file; images and labels may be swapped",
    });
  }
  const lengths = Array.from({ length: axes }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = start + sizeOf(lengths);
  if (bytes.length !== expected) {
    fail("data", "idx-size", {
      what: `${file} has the wrong size for its IDX header (${lengths.join(" x ")}).`,
      saw: [`expected ${expected} bytes`, `found ${bytes.length}`],
      fix: bytes.length < expected ? "the file is truncated: fetch it again" : "the file has bytes after its end: fetch it again",
    });
  }
  return lengths;
}

/** Images of an IDX file (magic 2051). `file` is for errors. Throws `idx-header`, `idx-magic`, `idx-size`. */
export function parseIdxImages(bytes: Uint8Array, file: string): IdxImages {
  const [count = 0, rows = 0, columns = 0] = header(bytes, IMAGES_MAGIC, 3, file);
  return { count, rows, columns, pixels: bytes.subarray(16) };
}

/** Labels of an IDX file (magic 2049), one byte each. `file` is for errors. Throws as `parseIdxImages`. */
export function parseIdxLabels(bytes: Uint8Array, file: string): Uint8Array {
  header(bytes, LABELS_MAGIC, 1, file);
  return bytes.subarray(8);
}

/** Reads an images file, gzipped or not. Throws also `file-read`, `gzip-corrupt`. */
export const readIdxImages = async (file: string): Promise<IdxImages> => parseIdxImages(await readMaybeGzip(file), file);

/** Reads a labels file, gzipped or not. Throws also `file-read`, `gzip-corrupt`. */
export const readIdxLabels = async (file: string): Promise<Uint8Array> => parseIdxLabels(await readMaybeGzip(file), file);
