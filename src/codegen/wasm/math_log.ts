/**
 * log and log1p over a Machine. Must not know kernels. Bounds are in math.ts.
 *
 * x = 2^k (1 + f), 1 + f in [sqrt 1/2, sqrt 2), log(x) = k ln 2 + log(1 + f). The polynomials are fits of our own, as in math_exp.ts.
 */
import { LN2 } from "./math_exp.js";
import type { Machine } from "./machine.js";

/** (log(1 + f) - f) / f^2; relative error of log(1 + f) 2^-25. */
const LOG = [
  -0.49999991059303284, 0.3333394527435303, -0.25001776218414307, 0.19962239265441895, -0.1657031625509262, 0.1491636037826538, -0.14307689666748047, 0.08738725632429123,
] as const;
/** (2 atanh(s) / s - 2) / s^2 in s^2 for s <= 0.1716; relative error of log(1 + f) 2^-59. */
const ATANH = [0.6666666666666735, 0.3999999999940935, 0.2857142874368652, 0.22222198428988563, 0.1818357235253165, 0.15313832303881753, 0.1479825629889415] as const;

/** The bits of sqrt(1/2). */
const ROOT_HALF = { float32: 0x3f3504f3n, float64: 0x3fe6a09e667f3bcdn } as const;

/** A word with k + bias above the bits of 1 + f; of a positive number in the normal range. */
export const wordOf = (m: Machine, x: string): string => m.plus(m.bits(x), m.word((BigInt(m.layout.bias) << BigInt(m.layout.mantissaBits)) - ROOT_HALF[m.kind]));

/** k as a float: beneath the exponent of 2^23 (2^52) its bits are those of an integer. */
export function exponent(m: Machine, word: string): string {
  const { mantissaBits, bias } = m.layout;
  const one = BigInt(bias + mantissaBits) << BigInt(mantissaBits);
  return m.sub(m.float(m.or(m.shr(word, mantissaBits), m.word(one))), m.constant(2 ** mantissaBits + bias));
}

/** 1 + f. */
export const mantissa = (m: Machine, word: string): string =>
  m.float(m.plus(m.and(word, m.word((1n << BigInt(m.layout.mantissaBits)) - 1n)), m.word(ROOT_HALF[m.kind])));

interface Split { readonly word: string; readonly k: string }

/** Splits x > 0 in variables; where some x is beyond [least, most], `rare` gives others. */
function split(m: Machine, x: string, least: number, most: number, rare: () => Split): Split {
  const [word, k] = [m.fn.local(m.wordType, "w"), m.fn.local(m.type, "k")];
  const set = (to: Split): void => {
    m.fn.line(word.set(to.word));
    m.fn.line(k.set(to.k));
  };
  set({ word: wordOf(m, x), k: exponent(m, word.get) });
  // Below both limits or above both (or NaN) the comparisons agree.
  const usual = m.differ(m.lt(x, m.constant(least)), m.le(x, m.constant(most)));
  m.fn.when(`(i32.eqz ${m.all(usual)})`, () => set(rare()));
  return { word: word.get, k: k.get };
}

/** Splits x > 0, numbers beneath the normal range scaled; `limits` may replace k. */
export function splitAny(m: Machine, x: string, limits: (k: string) => string = (k) => k): Split {
  const { tiny, largest, mantissaBits } = m.layout;
  return split(m, x, tiny, largest, () => {
    const low = m.keep(m.lt(x, m.constant(tiny)), m.maskType);
    const scaled = m.select(low, m.mul(x, m.constant(2 ** (mantissaBits + 1))), x);
    const word = m.keep(wordOf(m, scaled), m.wordType);
    const down = m.select(low, m.constant(mantissaBits + 1), m.constant(0));
    return { word, k: limits(m.keep(m.sub(exponent(m, word), down))) };
  });
}

/** k ln 2 + log(1 + f). */
function sum(m: Machine, k: string, f: string): string {
  const { high, low } = LN2[m.kind];
  const square = m.keep(m.mul(f, f));
  const [whole, rest] = [m.mul(k, m.constant(high)), m.mul(k, m.constant(low))];
  if (m.kind === "float32") return m.add(m.add(m.add(m.mul(square, m.polynomial(f, LOG)), rest), f), whole);
  // f - f^2/2 + s (f^2/2 + R), s = f / (2 + f): the quotient's rounding counts little.
  const s = m.keep(m.div(f, m.add(f, m.constant(2))));
  const z = m.keep(m.mul(s, s));
  const half = m.keep(m.mul(m.constant(0.5), square));
  const inner = m.mul(s, m.add(half, m.mul(z, m.polynomial(z, ATANH))));
  return m.sub(whole, m.sub(m.sub(half, m.add(inner, rest)), f));
}

/** k for an x that has no logarithm, or an infinite one; `k` elsewhere. */
const limits = (m: Machine, x: string, k: string): string => {
  const [infinite, zero] = [m.constant(Number.POSITIVE_INFINITY), m.constant(0)];
  const above = m.select(m.eq(x, infinite), infinite, k);
  const below = m.select(m.eq(x, zero), m.constant(Number.NEGATIVE_INFINITY), m.constant(Number.NaN));
  return m.select(m.gt(x, zero), above, below);
};

export function log(m: Machine, x: string): string {
  const { word, k } = splitAny(m, x, (usual) => limits(m, x, usual));
  return sum(m, k, m.keep(m.sub(mantissa(m, word), m.constant(1))));
}

/** Beyond it 1 + x = x, and 2^-k is too small to hold: x is taken times 2^-32. */
const LOG1P_MOST = 2 ** 100;
const DOWN = 32;

/** 1 + f = 2^-k (1 + x) as f = 2^-k x + (2^-k - 1), rounded once: the rounding of 1 + x only chooses k. */
export function log1p(m: Machine, x: string): string {
  const { mantissaBits, bias, tiny, largest } = m.layout;
  const [zero, one] = [m.constant(0), m.constant(1)];
  const u = m.keep(m.add(one, x));
  const y = m.fn.local(m.type, "y");
  m.fn.line(y.set(x));
  const { word, k } = split(m, u, tiny, LOG1P_MOST, () => {
    const far = m.keep(m.gt(u, m.constant(LOG1P_MOST)), m.maskType);
    const some = m.keep(m.gt(u, zero), m.maskType);
    const near = m.keep(m.mul(m.atMost(u, m.constant(largest)), m.constant(2 ** -DOWN)));
    m.fn.line(y.set(m.select(far, near, m.select(some, x, zero))));
    const changed = m.keep(wordOf(m, m.select(far, near, m.select(some, u, one))), m.wordType);
    return { word: changed, k: limits(m, u, m.keep(m.add(exponent(m, changed), m.select(far, m.constant(DOWN), zero)))) };
  });
  const field = m.and(word, m.word((1n << BigInt(mantissaBits)) * BigInt(2 * bias + 1)));
  const scale = m.keep(m.float(m.minus(m.word(BigInt(2 * bias) << BigInt(mantissaBits)), field)));
  return m.signedZero(sum(m, k, m.keep(m.add(m.mul(y.get, scale), m.sub(scale, one)))), x);
}
