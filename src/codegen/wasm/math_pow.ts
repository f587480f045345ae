/**
 * pow over a Machine: 2^(y log2 |x|), the logarithm in float64 for float32, in two float64 for float64; then the special cases. Must not know
 * kernels. Bounds are in math.ts; the polynomials are fits of our own, as in math_exp.ts.
 */
import { scaledExp } from "./math_exp.js";
import { constantPair, type Pair, product, quickSum, times } from "./math_double.js";
import { exponent, mantissa, splitAny, wordOf } from "./math_log.js";
import type { Machine } from "./machine.js";

/** 2 atanh(s) / (s ln 2) in s^2 for s <= 0.1716; relative error 2^-37.8. */
const LOG2 = [2.8853900817901414, 0.961796673266689, 0.5770836002681297, 0.41167174879619084, 0.340748936123648] as const;
/** (2^f - 1) / f for f <= 1/2; relative error of 2^f 2^-34. */
const EXP2 = [
  0.6931471807045347, 0.24022651066563422, 0.05550410366052704, 0.00961803813116103, 0.0013333934988669115, 0.00015466756668697557, 1.5196173528864378e-5,
] as const;

/** 2^(y log2 a), a float32 within rounding of float64. Exponents of float64 reach beyond every float32, zeros and infinities. */
function powerOfFloat32(m: Machine, a: string, y: string): string {
  const [base, power] = [m.promoted(a), m.promoted(y)];
  const w = base.machine;
  const one = w.constant(1);
  return m.demoted(base.parts.map((part, n) => {
    const word = w.keep(wordOf(w, part), w.wordType);
    const f = w.keep(mantissa(w, word));
    const s = w.keep(w.div(w.sub(f, one), w.add(f, one)));
    const log = w.add(exponent(w, word), w.mul(s, w.polynomial(w.keep(w.mul(s, s)), LOG2)));
    const t = w.keep(w.atLeast(w.atMost(w.mul(power.parts[n] as string, log), w.constant(200)), w.constant(-200)));
    const shifter = w.constant(1.5 * 2 ** w.layout.mantissaBits + w.layout.bias);
    const whole = w.keep(w.add(t, shifter));
    const rest = w.keep(w.sub(t, w.sub(whole, shifter)));
    return w.mul(w.add(one, w.mul(rest, w.polynomial(rest, EXP2))), w.float(w.shl(w.bits(whole), w.layout.mantissaBits)));
  }));
}

/** (2 atanh(s) / s - 2 - 2/3 s^2) / (s^4 ln 2) in s^2 for s <= 0.1716; relative error of the logarithm 2^-66. */
const LOG2_REST = [
  0.5770780163556181, 0.41219858309187835, 0.3205989022859833, 0.2623076999234856, 0.22198405805393426, 0.19125365029451896, 0.19040037126544884,
] as const;

/** log2 of 2^k (1 + f) to about 64 digits: k + 2 atanh(s) / ln 2, s = f / (2 + f). */
function log2Pair(m: Machine, a: string): Pair {
  const { word, k } = splitAny(m, a);
  const x = m.keep(mantissa(m, word));
  const one = m.constant(1);
  const over = m.keep(m.sub(x, one));
  const under = quickSum(m, one, x);
  const inverse = m.keep(m.div(one, under.high));
  const first = m.keep(m.mul(over, inverse));
  const back = product(m, first, under.high);
  const left = m.sub(m.sub(m.sub(over, back.high), back.low), m.mul(first, under.low));
  const s = quickSum(m, first, m.keep(m.mul(left, inverse)));
  const square = times(m, s, s);
  const third = quickSum(m, m.constant(0.9617966939259756), m.keep(m.add(m.mul(square.high, m.polynomial(square.high, LOG2_REST)), m.constant(5.0577616648125907e-17))));
  const bend = times(m, square, third);
  const twice = constantPair(m, 2.8853900817779268, 4.0710547481862066e-17);
  const slope = quickSum(m, twice.high, bend.high);
  const log = times(m, s, { high: slope.high, low: m.keep(m.add(slope.low, m.add(bend.low, twice.low))) });
  const whole = quickSum(m, k, log.high);
  return { high: whole.high, low: m.keep(m.add(whole.low, log.low)) };
}

/** 2^(y log2 a). Beyond 1100 the power is 0 or infinite, and the lower part may be no number. */
function powerOfFloat64(m: Machine, a: string, y: string): string {
  const log = log2Pair(m, a);
  const p = product(m, y, log.high);
  const limit = m.constant(1100);
  const beyond = m.gt(m.abs(p.high), limit);
  const high = m.keep(m.atLeast(m.atMost(p.high, limit), m.neg(limit)));
  const low = m.zeroWhere(beyond, m.add(p.low, m.mul(y, log.low)));
  const shifter = m.constant(1.5 * 2 ** m.layout.mantissaBits + 2 * m.layout.bias);
  const whole = m.keep(m.add(high, shifter));
  const rest = m.add(m.sub(high, m.sub(whole, shifter)), low);
  return scaledExp(m, m.bits(whole), m.keep(m.mul(rest, m.constant(Math.LN2))));
}

/** The value where x is not positive and finite, or y not finite, given |x|^y for the rest. */
function special(m: Machine, x: string, y: string, power: string): string {
  const [zero, one, infinite, half] = [m.constant(0), m.constant(1), m.constant(Number.POSITIVE_INFINITY), m.constant(0.5)];
  const a = m.keep(m.abs(x));
  const endless = m.keep(m.eq(m.abs(y), infinite), m.maskType);
  // Powers of 0 and infinity, and infinite powers.
  const extreme = m.either(m.either(m.eq(a, zero), m.eq(a, infinite)), endless);
  const size = m.select(extreme, m.select(m.differ(m.gt(a, one), m.gt(y, zero)), zero, infinite), power);
  const whole = m.eq(m.nearest(y), y);
  const h = m.keep(m.mul(y, half));
  const oddPower = m.both(whole, m.ne(m.nearest(h), h));
  const flip = m.select(oddPower, m.float(m.and(m.bits(x), m.sign)), zero);
  const signed = m.keep(m.float(m.xor(m.bits(size), m.bits(flip))));
  const root = m.both(m.both(m.lt(x, zero), m.lt(a, infinite)), m.not(whole));
  const none = m.either(root, m.either(m.ne(x, x), m.ne(y, y)));
  const real = m.keep(m.select(none, m.constant(Number.NaN), signed));
  const unit = m.either(m.either(m.eq(y, zero), m.eq(x, one)), m.both(m.eq(a, one), endless));
  return m.select(unit, one, real);
}

export function pow(m: Machine, x: string, y: string): string {
  const [zero, infinite] = [m.constant(0), m.constant(Number.POSITIVE_INFINITY)];
  const a = m.keep(m.abs(x));
  const result = m.fn.local(m.type, "p");
  m.fn.line(result.set(m.kind === "float32" ? powerOfFloat32(m, a, y) : powerOfFloat64(m, a, y)));
  const usual = m.both(m.both(m.gt(x, zero), m.lt(x, infinite)), m.lt(m.abs(y), infinite));
  m.fn.when(`(i32.eqz ${m.all(usual)})`, () => m.fn.line(result.set(special(m, x, y, result.get))));
  return result.get;
}
