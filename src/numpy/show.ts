/**
 * Arrays as messages and prints show them. Must not know who is told.
 */
import type { NdArray } from "./ndarray.js";

/** Longer arrays are shown by their type alone. */
const SMALL = 6;

/** The elements as nested lists, those that are no numbers of JSON in quotes: `[1,"NaN"]`. */
export const elementsText = (x: NdArray): string => JSON.stringify(x.toArray(), (_, e: unknown) => (typeof e === "number" && !Number.isFinite(e) ? String(e) : e));

/** The type, and of few elements these too: `float32[2] = [1,2]`. */
export const shown = (x: NdArray): string => `${x}${x.size <= SMALL ? ` = ${elementsText(x)}` : ""}`;
