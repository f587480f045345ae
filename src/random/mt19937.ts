/**
 * MT19937 (Matsumoto & Nishimura 1998), the generator under NumPy's legacy RandomState: seeding, 32-bit words, 53-bit doubles.
 * Must not know distributions, arrays or graphs. A state is a plain record; the functions here advance the one they are given,
 * so a caller that needs the old state clones it first. Next: legacy.ts draws distributions from these states.
 */
import { fail } from "../util/fail.js";

const N = 624;
const M = 397;
const MATRIX_A = 0x9908b0df | 0;
const TEMPER_B = 0x9d2c5680 | 0;
const TEMPER_C = 0xefc60000 | 0;
const UPPER = 0x80000000 | 0;
const LOWER = 0x7fffffff;
const TWO_M53 = 2 ** -53;

/** Everything NumPy's `get_state()` returns: the words, the position in them, and the cached second Gaussian. */
export interface MtState {
  readonly key: Uint32Array;
  /** Words of `key` already used, 0 … 624. */
  pos: number;
  hasGauss: boolean;
  gauss: number;
}

const fresh = (): MtState => ({ key: new Uint32Array(N), pos: N, hasGauss: false, gauss: 0 });

export const cloneState = (s: MtState): MtState => ({ key: s.key.slice(), pos: s.pos, hasGauss: s.hasGauss, gauss: s.gauss });

/** Whether both states produce the same draws from here on, as bits. */
export const equalStates = (a: MtState, b: MtState): boolean =>
  a.pos === b.pos && a.hasGauss === b.hasGauss && Object.is(a.gauss, b.gauss) && a.key.every((w, i) => w === b.key[i]);

/** Overwrites `into` with `from`. */
export function copyState(from: MtState, into: MtState): void {
  into.key.set(from.key);
  into.pos = from.pos;
  into.hasGauss = from.hasGauss;
  into.gauss = from.gauss;
}

function checkWord(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    fail("value", "seed-range", { what: `A seed must be an integer between 0 and 2**32 - 1, got ${seed}.`, fix: "pass such an integer, or an array of them" });
  }
}

function fillKnuth(key: Uint32Array, seed: number): void {
  key[0] = seed;
  for (let i = 1; i < N; i++) {
    const x = key[i - 1] as number;
    key[i] = Math.imul(1812433253, x ^ (x >>> 30)) + i;
  }
}

/** The state of `RandomState(seed)`: Knuth's initialiser. Throws `seed-range`. */
export function seedState(seed: number): MtState {
  checkWord(seed);
  const s = fresh();
  fillKnuth(s.key, seed);
  return s;
}

/** The state of `RandomState([…])`: the reference `init_by_array`. Throws `seed-empty`, `seed-range`. */
export function seedStateFromArray(seeds: ArrayLike<number>): MtState {
  if (seeds.length === 0) fail("value", "seed-empty", { what: "A seed array must not be empty.", fix: "pass at least one integer" });
  const s = fresh();
  const mt = s.key;
  fillKnuth(mt, 19650218);
  let i = 1;
  const wrap = (): void => {
    i++;
    if (i < N) return;
    mt[0] = mt[N - 1] as number;
    i = 1;
  };
  let j = 0;
  for (let k = Math.max(N, seeds.length); k > 0; k--) {
    const word = seeds[j] as number;
    checkWord(word);
    const x = mt[i - 1] as number;
    mt[i] = ((mt[i] as number) ^ Math.imul(x ^ (x >>> 30), 1664525)) + word + j;
    wrap();
    j = (j + 1) % seeds.length;
  }
  for (let k = N - 1; k > 0; k--) {
    const x = mt[i - 1] as number;
    mt[i] = ((mt[i] as number) ^ Math.imul(x ^ (x >>> 30), 1566083941)) - i;
    wrap();
  }
  mt[0] = 0x80000000;
  return s;
}

/** A state nobody can repeat, as `RandomState()` gives. */
export function entropyState(): MtState {
  return seedStateFromArray(Array.from({ length: 8 }, () => Math.floor(Math.random() * 0x100000000)));
}

/** The next 624 words. Signed views keep V8 in 32-bit integer arithmetic. */
function regenerate(state: MtState): void {
  const k = new Int32Array(state.key.buffer, state.key.byteOffset, N);
  let i = 0;
  for (; i < N - M; i++) {
    const y = ((k[i] as number) & UPPER) | ((k[i + 1] as number) & LOWER);
    k[i] = (k[i + M] as number) ^ (y >>> 1) ^ (-(y & 1) & MATRIX_A);
  }
  for (; i < N - 1; i++) {
    const y = ((k[i] as number) & UPPER) | ((k[i + 1] as number) & LOWER);
    k[i] = (k[i + M - N] as number) ^ (y >>> 1) ^ (-(y & 1) & MATRIX_A);
  }
  const y = ((k[N - 1] as number) & UPPER) | ((k[0] as number) & LOWER);
  k[N - 1] = (k[M - 1] as number) ^ (y >>> 1) ^ (-(y & 1) & MATRIX_A);
  state.pos = 0;
}

function temper(word: number): number {
  let y = word ^ (word >>> 11);
  y ^= (y << 7) & TEMPER_B;
  y ^= (y << 15) & TEMPER_C;
  return y ^ (y >>> 18);
}

/** The next word, as an unsigned 32-bit number. */
export function nextUint32(state: MtState): number {
  if (state.pos === N) regenerate(state);
  return temper(state.key[state.pos++] as number) >>> 0;
}

/** The next double of [0, 1), a multiple of 2^-53: 27 bits of one word, 26 of the next. */
export function nextDouble(state: MtState): number {
  const a = nextUint32(state) >>> 5;
  const b = nextUint32(state) >>> 6;
  return (a * 67108864 + b) * TWO_M53;
}

/** `nextDouble` for every element of `out`, several times as fast as calling it. */
export function fillDoubles(state: MtState, out: Float64Array): Float64Array {
  const n = out.length;
  const k = new Int32Array(state.key.buffer, state.key.byteOffset, N);
  let i = 0;
  while (i < n) {
    if (state.pos >= N - 1) {
      out[i++] = nextDouble(state);
      continue;
    }
    const end = Math.min(n, i + ((N - state.pos) >> 1));
    let pos = state.pos;
    for (; i < end; i++) {
      const a = temper(k[pos] as number) >>> 5;
      const b = temper(k[pos + 1] as number) >>> 6;
      out[i] = (a * 67108864 + b) * TWO_M53;
      pos += 2;
    }
    state.pos = pos;
  }
  return out;
}
