/**
 * NumPy's legacy distributions (those of `RandomState`, frozen since 1.16) over an MT19937 state: uniform, normal, exponential, integers,
 * shuffles, multinomial. Each function advances the state it is given and fills a typed array in row-major order.
 * Must not know arrays with shapes or graphs. Next: random_state.ts wraps them; the random ops call them.
 */
import { fail } from "../util/fail.js";
import { binomialSampler, fillBinomial, type Param } from "./binomial.js";
import { logExact } from "./log.js";
import { fillDoubles, type MtState, nextDouble, nextUint32 } from "./mt19937.js";

export { fillBinomial, type Param };

const at = (x: Param, i: number): number => (typeof x === "number" ? x : (x[i] as number));

/** low + (high - low) u. Throws `uniform-range` when that range is not finite. */
export function fillUniform(state: MtState, low: Param, high: Param, out: Float64Array): Float64Array {
  fillDoubles(state, out);
  if (low === 0 && high === 1) return out;
  for (let i = 0; i < out.length; i++) {
    const lo = at(low, i);
    const range = at(high, i) - lo;
    if (!Number.isFinite(range)) fail("value", "uniform-range", { what: `uniform needs finite bounds, got ${lo} and ${at(high, i)}.`, fix: "pass finite low and high" });
    out[i] = lo + range * (out[i] as number);
  }
  return out;
}

/**
 * A standard normal: Marsaglia's polar method, which makes two and keeps the first for the next call.
 * The logarithm is correctly rounded; NumPy's is its C library's, so (glibc 2.36) 36 in 100000 normals differ in the last bits.
 */
export function nextGauss(state: MtState): number {
  if (state.hasGauss) {
    const kept = state.gauss;
    state.hasGauss = false;
    state.gauss = 0;
    return kept;
  }
  for (;;) {
    const x1 = 2 * nextDouble(state) - 1;
    const x2 = 2 * nextDouble(state) - 1;
    const r2 = x1 * x1 + x2 * x2;
    if (r2 >= 1 || r2 === 0) continue;
    const f = Math.sqrt((-2 * logExact(r2)) / r2);
    state.gauss = f * x1;
    state.hasGauss = true;
    return f * x2;
  }
}

/** loc + scale g, g standard normal. Throws `normal-scale` when scale is negative or NaN. */
export function fillNormal(state: MtState, loc: Param, scale: Param, out: Float64Array): Float64Array {
  for (let i = 0; i < out.length; i++) {
    const s = at(scale, i);
    if (!(s >= 0)) fail("value", "normal-scale", { what: `normal needs a standard deviation >= 0, got ${s}.`, fix: "pass scale >= 0" });
    out[i] = at(loc, i) + s * nextGauss(state);
  }
  return out;
}

/** -scale log(1 - u). Throws `exponential-scale` when scale is negative or NaN. */
export function fillExponential(state: MtState, scale: Param, out: Float64Array): Float64Array {
  for (let i = 0; i < out.length; i++) {
    const s = at(scale, i);
    if (!(s >= 0)) fail("value", "exponential-scale", { what: `exponential needs a scale >= 0, got ${s}.`, fix: "pass scale >= 0" });
    out[i] = s * -logExact(1 - nextDouble(state));
  }
  return out;
}

/** The smallest 2^k - 1 that is >= x, x below 2^32. */
const maskOf = (x: number): number => (x === 0 ? 0 : 0xffffffff >>> Math.clz32(x));

/** An integer of 0 … max by masked rejection; words of 32 bits while max fits, else 64 (high word first). No draw when max is 0. */
export function nextInterval(state: MtState, max: number): number {
  if (max === 0) return 0;
  if (max <= 0xffffffff) {
    const mask = maskOf(max);
    for (;;) {
      const value = (nextUint32(state) & mask) >>> 0;
      if (value <= max) return value;
    }
  }
  const mask = maskOf(Math.floor(max / 0x100000000));
  for (;;) {
    const high = (nextUint32(state) & mask) >>> 0;
    const value = high * 0x100000000 + nextUint32(state);
    if (value <= max) return value;
  }
}

/** One integer of low … high-1, as `randint(low, high)`. Throws `randint-range` unless low < high are integers with a range below 2^53. */
export function nextRandint(state: MtState, low: number, high: number): number {
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || !(low < high) || !Number.isSafeInteger(high - low)) {
    fail("value", "randint-range", { what: `randint needs integers low < high, got ${low} and ${high}.`, fix: "high is exclusive; with one argument it is the upper bound and low is 0" });
  }
  return low + nextInterval(state, high - 1 - low);
}

/** Fisher-Yates from the last element down, over any storage: `swap(i, j)` exchanges two entries of the first axis. */
export function shuffleWith(state: MtState, n: number, swap: (i: number, j: number) => void): void {
  for (let i = n - 1; i >= 1; i--) {
    const j = nextInterval(state, i);
    if (j !== i) swap(i, j);
  }
}

/** A random order of 0 … n-1, as `permutation(n)`. */
export function permutationOf(state: MtState, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  shuffleWith(state, n, (i, j) => {
    const kept = order[i] as number;
    order[i] = order[j] as number;
    order[j] = kept;
  });
  return order;
}

/**
 * Rows of counts: `out` holds rows of `pvals.length`; each gets n trials split by conditional binomials, as `multinomial(n, pvals, size)`.
 * Throws `multinomial-pvals` when a value is outside [0, 1] or all but the last sum to more than 1, `multinomial-n`.
 */
export function fillMultinomial(state: MtState, n: number, pvals: ArrayLike<number>, out: Int32Array): Int32Array {
  const d = pvals.length;
  const ps = Array.from(pvals);
  out.fill(0);
  if (ps.some((p) => !(p >= 0 && p <= 1)) || ps.slice(0, -1).reduce((a, b) => a + b, 0) > 1 + 1e-12) {
    fail("value", "multinomial-pvals", { what: "multinomial needs probabilities between 0 and 1 whose sum (without the last) is at most 1.", fix: "normalise in float64; float32 probabilities can sum to more than 1" });
  }
  if (!Number.isInteger(n) || n < 0) fail("value", "multinomial-n", { what: `multinomial needs a number of trials that is an integer >= 0, got ${n}.`, fix: "pass n >= 0" });
  for (let row = 0; row < out.length; row += d) {
    let left = n;
    let remaining = 1;
    for (let j = 0; j < d - 1; j++) {
      const count = binomialSampler(left, (ps[j] as number) / remaining)(state);
      out[row + j] = count;
      left -= count;
      if (left <= 0) break;
      remaining -= ps[j] as number;
    }
    if (left > 0) out[row + d - 1] = left;
  }
  return out;
}
