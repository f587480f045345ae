/**
 * One MRG31k3p step (L'Ecuyer & Touzin 2000) for devices whose only exact integers are float32 below 2^24: a 31-bit integer is a pair of
 * limbs, and no intermediate leaves that range. Generic over the arithmetic, so that the same functions compute with numbers in tests and
 * build expressions in a backend's decomposition. Must not know expressions, kernels or random streams.
 */

/** Arithmetic on values that hold integers; every argument of `floorDiv` and `mod` is >= 0 here. */
export interface LimbArith<V> {
  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  mul(a: V, b: V): V;
  /** floor(a / k). */
  floorDiv(a: V, k: number): V;
  /** a - k floor(a / k). */
  mod(a: V, k: number): V;
  /** 1 when a < b, else 0. */
  lt(a: V, b: V): V;
  /** `a` when c is not 0, else `b`. */
  select(c: V, a: V, b: V): V;
  const(n: number): V;
}

/** hi * 65536 + lo, with 0 <= lo < 65536 and 0 <= hi < 32768. */
export interface Limbs<V> {
  readonly hi: V;
  readonly lo: V;
}

const BASE = 65536;
const HALF = 32768;
/** M1 = 2^31 - 1 and M2 = 2^31 - 21069. */
const DELTA1 = 1;
const DELTA2 = 21069;

const plus = <V>(ar: LimbArith<V>, ...terms: readonly [V, ...V[]]): V => terms.slice(1).reduce((a, b) => ar.add(a, b), terms[0]);
const by = <V>(ar: LimbArith<V>, a: V, k: number): V => ar.mul(a, ar.const(k));

/** hi * 65536 + lo with the carry out of `lo` moved up. */
const carry = <V>(ar: LimbArith<V>, hi: V, lo: V): Limbs<V> => ({ hi: ar.add(hi, ar.floorDiv(lo, BASE)), lo: ar.mod(lo, BASE) });

/** x mod (2^31 - delta) for x below twice that: x >= 2^31 - delta shows as a carry into bit 31 of x + delta. */
function reduce<V>(ar: LimbArith<V>, x: Limbs<V>, delta: number): Limbs<V> {
  const moved = carry(ar, x.hi, ar.add(x.lo, ar.const(delta)));
  const below = ar.lt(moved.hi, ar.const(HALF));
  return { hi: ar.select(below, x.hi, ar.sub(moved.hi, ar.const(HALF))), lo: ar.select(below, x.lo, moved.lo) };
}

const sumMod = <V>(ar: LimbArith<V>, a: Limbs<V>, b: Limbs<V>, delta: number): Limbs<V> =>
  reduce(ar, carry(ar, ar.add(a.hi, b.hi), ar.add(a.lo, b.lo)), delta);

/** 2^22 x mod M1: 31 bits rotated right by 9. */
function rotate22<V>(ar: LimbArith<V>, x: Limbs<V>): Limbs<V> {
  const upper = ar.add(by(ar, x.hi, 128), ar.floorDiv(x.lo, 512));
  return { hi: ar.add(by(ar, ar.mod(x.lo, 512), 64), ar.floorDiv(upper, BASE)), lo: ar.mod(upper, BASE) };
}

/** 2^7 x mod M1: 31 bits rotated left by 7. */
function rotate7<V>(ar: LimbArith<V>, x: Limbs<V>): Limbs<V> {
  const lower = by(ar, x.lo, 128);
  return { hi: ar.add(by(ar, ar.mod(x.hi, 256), 128), ar.floorDiv(lower, BASE)), lo: ar.add(ar.mod(lower, BASE), ar.floorDiv(x.hi, 256)) };
}

/** The first component: 2^22 x12 + (2^7 + 1) x13 mod M1. */
export function mrgStep1Limbs<V>(ar: LimbArith<V>, x12: Limbs<V>, x13: Limbs<V>): Limbs<V> {
  return sumMod(ar, sumMod(ar, rotate22(ar, x12), rotate7(ar, x13), DELTA1), x13, DELTA1);
}

/** 2^15 x mod M2 = 2^15 lo + 21069 hi, with 21069 = 82 * 256 + 77. */
function times15<V>(ar: LimbArith<V>, x: Limbs<V>): Limbs<V> {
  const p82 = by(ar, x.hi, 82);
  const p77 = by(ar, x.hi, 77);
  const lo = plus(ar, by(ar, ar.mod(p82, 256), 256), ar.mod(p77, BASE), by(ar, ar.mod(x.lo, 2), HALF));
  const hi = plus(ar, ar.floorDiv(p82, 256), ar.floorDiv(p77, BASE), ar.floorDiv(x.lo, 2));
  return reduce(ar, carry(ar, hi, lo), DELTA2);
}

/** The second component: 2^15 x21 + (2^15 + 1) x23 mod M2. */
export function mrgStep2Limbs<V>(ar: LimbArith<V>, x21: Limbs<V>, x23: Limbs<V>): Limbs<V> {
  return sumMod(ar, sumMod(ar, times15(ar, x23), x23, DELTA2), times15(ar, x21), DELTA2);
}

/** The output integer of 1 … M1: y1 - y2, plus M1 when y1 <= y2. The sample is (hi * 65536 + lo) * norm. */
export function mrgCombineLimbs<V>(ar: LimbArith<V>, y1: Limbs<V>, y2: Limbs<V>): Limbs<V> {
  const shifted = carry(ar, ar.add(ar.sub(y1.hi, y2.hi), ar.const(HALF - 1)), ar.add(ar.sub(y1.lo, y2.lo), ar.const(BASE - 1)));
  const moved = carry(ar, shifted.hi, ar.add(shifted.lo, ar.const(1)));
  const keep = ar.lt(shifted.hi, ar.const(HALF));
  return { hi: ar.select(keep, shifted.hi, ar.sub(moved.hi, ar.const(HALF))), lo: ar.select(keep, shifted.lo, moved.lo) };
}
