/**
 * The indices that NumPy's legacy `choice` picks, with and without replacement or probabilities. Must not know arrays with shapes or graphs.
 * Next: random_state.ts.
 */
import { fail } from "../util/fail.js";
import { nextInterval, permutationOf } from "./legacy.js";
import { fillDoubles, type MtState } from "./mt19937.js";

export interface ChoiceRule {
  readonly replace: boolean;
  /** One probability per entry; all equal without. */
  readonly p: Float64Array | undefined;
}

/** Running sums scaled to end at 1. */
function cumulative(p: Float64Array): Float64Array {
  const cdf = new Float64Array(p.length);
  let s = 0;
  p.forEach((x, i) => {
    s += x;
    cdf[i] = s;
  });
  return cdf.map((x) => x / s);
}

/** How many entries of a rising array are <= x. */
function countUpTo(cdf: Float64Array, x: number): number {
  let low = 0;
  let high = cdf.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if ((cdf[mid] as number) <= x) low = mid + 1;
    else high = mid;
  }
  return low;
}

function check(population: number, count: number, { replace, p }: ChoiceRule): void {
  if (!Number.isInteger(population) || (population <= 0 && count > 0)) fail("value", "choice-empty", { what: `choice needs something to choose from, got ${population} entries.`, fix: "pass a positive integer or an array with entries" });
  if (!replace && count > population) {
    fail("value", "choice-too-many", { what: `choice without replacement cannot take ${count} of ${population} entries.`, fix: "ask for fewer, or let replace be true" });
  }
  if (p === undefined) return;
  if (p.length !== population) fail("value", "choice-p-size", { what: `choice needs one probability per entry: ${population} entries, ${p.length} probabilities.`, fix: "make p as long as a" });
  const total = p.reduce((a, b) => a + b, 0);
  if (p.some((x) => !(x >= 0)) || Math.abs(total - 1) > 1.4901161193847656e-8) {
    fail("value", "choice-p", { what: `choice needs probabilities >= 0 that sum to 1; their sum is ${total}.`, fix: "normalise p in float64" });
  }
  if (!replace && p.filter((x) => x > 0).length < count) {
    fail("value", "choice-p-zeros", { what: `choice without replacement cannot take ${count} entries: fewer have a probability above 0.`, fix: "ask for fewer" });
  }
}

/** Draws what is missing, keeps first occurrences, and sets what was found to probability 0, until enough are found. */
function distinct(state: MtState, p: Float64Array, count: number): Int32Array {
  const left = p.slice();
  const found: number[] = [];
  while (found.length < count) {
    const us = fillDoubles(state, new Float64Array(count - found.length));
    for (const i of found) left[i] = 0;
    const cdf = cumulative(left);
    found.push(...new Set(Array.from(us, (u) => countUpTo(cdf, u))));
  }
  return Int32Array.from(found);
}

/**
 * `count` indices below `population`; advances `state`.
 * Throws `choice-empty`, `choice-too-many`, `choice-p-size`, `choice-p`, `choice-p-zeros`.
 */
export function choiceIndices(state: MtState, population: number, count: number, rule: ChoiceRule): Int32Array {
  check(population, count, rule);
  const { replace, p } = rule;
  if (p === undefined) return replace ? Int32Array.from({ length: count }, () => nextInterval(state, population - 1)) : permutationOf(state, population).slice(0, count);
  if (!replace) return distinct(state, p, count);
  const cdf = cumulative(p);
  return Int32Array.from(fillDoubles(state, new Float64Array(count)), (u) => countUpTo(cdf, u));
}
