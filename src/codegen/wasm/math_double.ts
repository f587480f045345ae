/**
 * Numbers as unevaluated sums of two float64, for where one has too few digits. Must not know functions. Used by math_pow.ts and math_trig.ts.
 * Dekker, A floating-point technique for extending the available precision, 1971.
 */
import type { Machine } from "./machine.js";

/** Variables; |low| is at most half a unit in high's last place, or little more. */
export interface Pair { readonly high: string; readonly low: string }

/** Of |a| >= |b|, or a = 0. Exact. */
export function quickSum(m: Machine, a: string, b: string): Pair {
  const high = m.keep(m.add(a, b));
  return { high, low: m.keep(m.sub(b, m.sub(high, a))) };
}

/** The upper 26 digits, and the rest. */
function halves(m: Machine, a: string): Pair {
  const high = m.keep(m.float(m.and(m.bits(a), m.word(-(1n << 27n)))));
  return { high, low: m.keep(m.sub(a, high)) };
}

/** a b to 105 digits. */
export function product(m: Machine, a: string, b: string): Pair {
  const high = m.keep(m.mul(a, b));
  const [x, y] = [halves(m, a), halves(m, b)];
  const cross = m.add(m.add(m.sub(m.mul(x.high, y.high), high), m.mul(x.high, y.low)), m.mul(x.low, y.high));
  return { high, low: m.keep(m.add(cross, m.mul(x.low, y.low))) };
}

/** To 100 digits. */
export function times(m: Machine, a: Pair, b: Pair): Pair {
  const p = product(m, a.high, b.high);
  return quickSum(m, p.high, m.keep(m.add(p.low, m.add(m.mul(a.high, b.low), m.mul(a.low, b.high)))));
}

/** A number's two parts as constants. */
export const constantPair = (m: Machine, high: number, low: number): Pair => ({ high: m.constant(high), low: m.constant(low) });
