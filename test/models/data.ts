/**
 * What the tests of the models share: small data sets of drawn digits, a quiet observer, devices.
 * Must not know a model.
 */
import type { LoadOptions } from "../../src/index.js";

/** A few hundred drawn digits. */
export const FEW: LoadOptions = { seed: 7, sizes: { train: 400, valid: 100, test: 100 } };

/** Log lines, kept. */
export function quiet(): { readonly lines: string[]; readonly log: (line: string) => void } {
  const lines: string[] = [];
  return { lines, log: (line) => lines.push(line) };
}
