/**
 * What users write between the brackets of `x[…]`: slices, newAxis, ellipsis; and Python's clipping rule. Must not know ops.
 * Next: subtensor.ts makes nodes of them.
 */
import { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";

export type Bound = number | Variable | null;

/** Python's slice: start, stop, step; null means from the beginning, to the end, step 1. */
export class Slice {
  readonly start: Bound;
  readonly stop: Bound;
  readonly step: Bound;

  constructor(start: Bound, stop: Bound, step: Bound) {
    for (const b of [start, stop, step]) {
      const bad = b instanceof Variable ? b.ndim !== 0 || b.dtype !== "int32" : b !== null && !Number.isInteger(b);
      if (bad) fail("type", "slice-bound", { what: `A slice bound must be a whole number, a 0-d integer variable or null, got ${String(b)}.`, fix: "cast bounds to int32" });
    }
    if (step === 0) fail("value", "slice-step", { what: "A slice cannot have step 0.", fix: "use a positive or negative step" });
    this.start = start;
    this.stop = stop;
    this.step = step;
  }

  get isAll(): boolean {
    return this.start === null && this.stop === null && (this.step === null || this.step === 1);
  }
}

/** `slice(a, b, c)` is Python's `a:b:c`; with one argument it is `:a`, as Python's `slice(a)`. */
export function slice(...bounds: readonly [Bound] | readonly [Bound, Bound] | readonly [Bound, Bound, Bound]): Slice {
  const [a, b, c] = bounds;
  return bounds.length === 1 ? new Slice(null, a, null) : new Slice(a, b ?? null, c ?? null);
}

/** `:` – a whole axis. */
export const all = new Slice(null, null, null);
/** `None` in an index: a new axis of length 1 that broadcasts. null is accepted too. */
export const newAxis: unique symbol = Symbol("newAxis");
/** `...` – as many whole axes as are left. */
export const ellipsis: unique symbol = Symbol("ellipsis");

export interface Range { readonly start: number; readonly length: number; readonly step: number }

/** The positions that a slice takes from an axis of `n`: Python's slice.indices. */
export function sliceRange(n: number, start: number | null, stop: number | null, step: number): Range {
  const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
  const clip = (b: number): number => Math.min(Math.max(b < 0 ? b + n : b, low), high);
  const first = start === null ? (step > 0 ? low : high) : clip(start);
  const last = stop === null ? (step > 0 ? high : low) : clip(stop);
  return { start: first, length: Math.max(0, Math.ceil((last - first) / step)), step };
}
