/** Small IDX files and caught errors, for the tests of data/. */
import { DamoError } from "../../src/util/fail.js";

const word = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

export const idxImages = (count: number, rows: number, columns: number, pixel: (i: number) => number): Uint8Array =>
  new Uint8Array([...word(2051), ...word(count), ...word(rows), ...word(columns), ...Array.from({ length: count * rows * columns }, (_, i) => pixel(i))]);

export const idxLabels = (labels: readonly number[]): Uint8Array => new Uint8Array([...word(2049), ...word(labels.length), ...labels]);

/** The coded error that a call throws. */
export function codeOf(f: () => unknown): DamoError {
  try {
    f();
  } catch (e) {
    if (e instanceof DamoError) return e;
    throw e;
  }
  throw new Error("nothing was thrown");
}

/** The coded error that a promise rejects with. */
export async function rejection(p: Promise<unknown>): Promise<DamoError> {
  return p.then(
    () => {
      throw new Error("nothing was thrown");
    },
    (e: unknown) => {
      if (e instanceof DamoError) return e;
      throw e;
    },
  );
}
