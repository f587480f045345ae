/**
 * exp and what is made of it: expm1, tanh, sigmoid, softplus, over a Machine. Must not know kernels. Bounds are in math.ts.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite: ln 2 as two numbers, n times the first exact), exp(x) = 2^n exp(r). Polynomials are
 * minimax fits of our own: linear programming in 50 digits for the relative error, coefficients rounded one after another, the rest refitted.
 */
import { SIGMOID_SATURATION, SOFTPLUS_SATURATION } from "../ir/prims.js";
import type { Machine } from "./machine.js";

const LOG2_E = Math.LOG2E;
/** ln 2 = high + low; products of the first with integers below 2^8 (float32), 2^20 (float64) are exact. */
export const LN2 = {
  float32: { high: 0.693145751953125, low: 1.428606765330187e-6 },
  float64: { high: 6.93147180369123816490e-1, low: 1.90821492927058770002e-10 },
} as const;

/** (exp(r) - 1 - r) / r^2; relative error of exp(r) - 1: 2^-26.1 in float32, 2^-61.6 in float64. */
const EXP = {
  float32: [0.4999999701976776, 0.1666654646396637, 0.04166743531823158, 0.00836626160889864, 0.0013870657421648502],
  float64: [
    0.5, 0.16666666666666677, 0.041666666666666685, 0.008333333333321761, 0.0013888888888891123, 0.00019841269885428523,
    2.4801587286474702e-5, 2.755724508475213e-6, 2.7557322316079895e-7, 2.5108703395996768e-8, 2.0896211128331236e-9,
  ],
} as const;

interface Reduced {
  /** A word whose low bits hold n + bias. */
  readonly n: string;
  /** ±r. */
  readonly r: string;
}

/** x (or -x, at no cost: constants change sign) as n ln 2 + r. Adding 1.5 * 2^23 rounds to an integer, which stands in the low bits. */
function reduced(m: Machine, x: string, bias: number, negate: boolean): Reduced {
  const shifter = m.constant(1.5 * 2 ** m.layout.mantissaBits + bias);
  const t = m.keep(m.add(m.mul(x, m.constant(negate ? -LOG2_E : LOG2_E)), shifter));
  const n = m.keep(m.sub(t, shifter));
  const { high, low } = LN2[m.kind];
  const minus = (a: string, b: string): string => (negate ? m.add(a, b) : m.sub(a, b));
  return { n: m.bits(t), r: m.keep(minus(minus(x, m.mul(n, m.constant(high))), m.mul(n, m.constant(low)))) };
}

/** exp(r) - 1 - r for the r of `reduced`. */
function tail(m: Machine, r: string, negate: boolean): string {
  const square = m.keep(m.mul(r, r));
  return m.mul(square, m.polynomial(r, EXP[m.kind].map((c, n) => (negate && n % 2 === 1 ? -c : c))));
}

/** exp(±r) - 1. */
const restOf = (m: Machine, r: string, negate: boolean): string => (negate ? m.sub(tail(m, r, negate), r) : m.add(r, tail(m, r, negate)));

/** 2^n for a word whose low bits hold n + bias. */
const powerOfTwo = (m: Machine, n: string): string => m.float(m.shl(n, m.layout.mantissaBits));

/** exp of what gives a normal number. */
export function expOf(m: Machine, x: string): string {
  const { n, r } = reduced(m, x, m.layout.bias, false);
  return m.mul(m.add(m.constant(1), restOf(m, r, false)), powerOfTwo(m, n));
}

/**
 * 2^n exp(r) for a word whose low bits hold n + 2 bias: scaled in two steps, so that results beneath the normal range are rounded once and those
 * above it are infinite.
 */
export function scaledExp(m: Machine, n: string, r: string): string {
  const half = m.keep(m.shr(n, 1), m.wordType);
  return m.mul(m.mul(m.add(m.constant(1), restOf(m, r, false)), powerOfTwo(m, half)), powerOfTwo(m, m.minus(n, half)));
}

export function exp(m: Machine, x: string): string {
  const inside = m.keep(m.atLeast(m.atMost(x, m.constant(m.pick(89, 710))), m.constant(m.pick(-105, -746))));
  const { n, r } = reduced(m, inside, 2 * m.layout.bias, false);
  return scaledExp(m, n, r);
}

/** 2^k (exp(r) - 1) + (2^k - 1), the power halved and the sum doubled for the largest results. */
export function expm1(m: Machine, x: string): string {
  const inside = m.keep(m.atLeast(m.atMost(x, m.constant(m.pick(89, 710))), m.constant(-40)));
  const { n, r } = reduced(m, inside, m.layout.bias - 1, false);
  const half = m.keep(powerOfTwo(m, n));
  const sum = m.keep(m.add(m.mul(half, restOf(m, r, false)), m.sub(half, m.constant(0.5))));
  // Halving would lose the last bit below the normal range, and the sign of -0.
  const small = m.lt(m.abs(x), m.constant(m.pick(2 ** -26, 2 ** -55)));
  return m.select(small, x, m.add(sum, sum));
}

/** (tanh(x) / x - 1) / x^2 in x^2 below 0.26, where tanh passes 1/4; relative error of tanh 2^-27.9. */
const TANH_SMALL = [-0.3333321511745453, 0.1332268863916397, -0.05122527480125427] as const;

/** expm1(2|x|) / (expm1(2|x|) + 2); 1 from where it rounds to that. Small results get too many roundings from the quotient for 2 ulp. */
export function tanh(m: Machine, x: string): string {
  const size = m.keep(m.atMost(m.abs(x), m.constant(m.pick(10, 20))));
  const { n, r } = reduced(m, m.keep(m.add(size, size)), m.layout.bias, false);
  const scale = m.keep(powerOfTwo(m, n));
  const e = m.keep(m.add(m.mul(scale, restOf(m, r, false)), m.sub(scale, m.constant(1))));
  const quotient = m.div(e, m.add(e, m.constant(2)));
  if (m.kind === "float64") return m.copySign(quotient, x);
  const square = m.keep(m.mul(size, size));
  const small = m.add(size, m.mul(m.mul(size, square), m.polynomial(square, TANH_SMALL)));
  return m.copySign(m.select(m.lt(size, m.constant(0.26)), small, quotient), x);
}

/**
 * 1 / (1 + exp(-x)), exp(-x) = 2^n (exp(r) - 1) + 2^n unrounded. What lies beyond a saturation point is masked, so that exp needs no limits.
 */
export function sigmoid(m: Machine, x: string): string {
  const { low, high } = SIGMOID_SATURATION[m.kind];
  const one = m.constant(1);
  const { n, r } = reduced(m, x, m.layout.bias, true);
  const scale = m.keep(powerOfTwo(m, n));
  const above = m.keep(m.gt(x, m.constant(high)), m.maskType);
  const part = m.zeroWhere(above, m.mul(scale, restOf(m, r, true)));
  return m.zeroWhere(m.lt(x, m.constant(low)), m.div(one, m.add(m.add(one, part), m.zeroWhere(above, scale))));
}

/** (log1p(u) - u) / u^2 on [0, 1] in u - 1/2; relative error of log1p 2^-27. Around 0 instead, terms would cancel. */
const LOG1P_UNIT = [
  -0.37813955545425415, 0.1792249083518982, -0.09323249012231827, 0.051088597625494, -0.028890836983919144, 0.016655333340168, -0.01026664488017559,
  0.006956854835152626, -0.003174685640260577,
] as const;

/** (2 atanh(s) / s - 2) / s^2 in s^2 for s <= 1/3; relative error of log1p 2^-64. */
const ATANH_THIRD = [
  0.6666666666666667, 0.3999999999999536, 0.28571428572338753, 0.2222222213653651, 0.18181822778158843, 0.15384462248033257, 0.13336643043143662,
  0.11717615808213942, 0.10961912116228278, 0.07033003414201397, 0.16406460256823713,
] as const;

/**
 * log1p(u) - u for u = part + scale in [0, 1]. In float64 s (R(s^2) - u), s = u / (2 + u), as log1p(u) = 2 atanh(s): a shorter polynomial is worth
 * the division.
 */
function log1pRest(m: Machine, u: string, part: string, scale: string): string {
  if (m.kind === "float32") return m.mul(m.mul(u, u), m.polynomial(m.keep(m.add(part, m.sub(scale, m.constant(0.5)))), LOG1P_UNIT));
  const s = m.keep(m.div(u, m.add(u, m.constant(2))));
  const z = m.keep(m.mul(s, s));
  return m.mul(s, m.sub(m.mul(z, m.polynomial(z, ATANH_THIRD)), u));
}

/** max(x, 0) + log1p(exp(-|x|)), the small terms summed first. */
export function softplus(m: Machine, x: string): string {
  const { low, high } = SOFTPLUS_SATURATION[m.kind];
  // 2^n may lie beneath the normal range, where an exponent cannot be written.
  const up = m.layout.bias / 2 + 0.5;
  const { n, r } = reduced(m, m.keep(m.abs(x)), m.layout.bias + up, true);
  const scale = m.keep(m.mul(powerOfTwo(m, n), m.constant(2 ** -up)));
  const part = m.keep(m.mul(scale, restOf(m, r, true)));
  const u = m.keep(m.add(part, scale));
  const saturated = m.keep(m.either(m.lt(x, m.constant(low)), m.gt(x, m.constant(high))), m.maskType);
  const rest = m.zeroWhere(saturated, log1pRest(m, u, part, scale));
  return m.add(m.add(m.atLeast(x, m.constant(0)), rest), m.zeroWhere(saturated, u));
}
