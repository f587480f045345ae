/**
 * sin, cos and tan over a Machine. Must not know kernels. Bounds are in math.ts; the polynomials are fits of our own, as in math_exp.ts.
 *
 * x = n pi/2 + r with |r| <= pi/4: by Cody and Waite up to `REACH`, in float64 for float32 too, as cancellation leaves few digits; beyond by
 * math_trig_huge.ts, one element at a time.
 */
import type { Machine } from "./machine.js";
import { call } from "./wat.js";

export type TrigName = "sin" | "cos" | "tan";

/** pi/2 in parts of 33 bits (the last of 53): their products with integers below 2^20 are exact. */
const RIGHT_ANGLE = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21] as const;
const REST = 6.077100506506192e-11;

/** Beyond it too few digits of pi/2 are left in the parts above. */
const REACH = { float32: 1048576, float64: 100000 } as const;

/** (sin(r) / r - 1) / r^2 in r^2; relative error of sin 2^-28, 2^-58. */
const SIN = {
  float32: [-0.16666655242443085, 0.008332191035151482, -0.00019518598855938762],
  float64: [-0.16666666666666632, 0.008333333333322472, -0.0001984126982983565, 2.755731369731354e-6, -2.5050758482762093e-8, 1.5896795824158897e-10],
} as const;
/** (cos(r) - 1 + r^2 / 2) / r^4 in r^2; relative error of cos 2^-33, 2^-64. */
const COS = {
  float32: [0.04166664555668831, -0.0013887309469282627, 2.4432327336398885e-5],
  float64: [0.041666666666666595, -0.0013888888888873325, 2.4801587288983665e-5, -2.7557314210065815e-7, 2.0875704269165227e-9, -1.1358683212142339e-11],
} as const;

/** r + low is the rest of an angle after `turns` right angles: a word of which the two lowest bits count. `low` is null where r is enough. */
export interface Angle { readonly turns: string; readonly r: string; readonly low: string | null }

/** `quarters` is added to the turns. */
function angleOf(m: Machine, x: string, quarters: number): Angle {
  const { machine: w, parts } = m.promoted(x);
  const shifter = w.constant(1.5 * 2 ** 52 + quarters);
  const counts = parts.map((part) => w.keep(w.add(w.mul(part, w.constant(2 / Math.PI)), shifter)));
  const turns = m.keep(m.lowWords(counts.map((t) => w.bits(t))), m.wordType);
  const [a, b, c] = RIGHT_ANGLE;
  const rests = parts.map((part, k) => {
    const n = w.keep(w.sub(counts[k] as string, shifter));
    return { n, first: w.keep(w.sub(part, w.mul(n, w.constant(a)))) };
  });
  if (m.kind === "float32") return { turns, r: m.keep(m.demoted(rests.map(({ n, first }) => w.sub(first, w.mul(n, w.constant(REST)))))), low: null };
  const { n, first } = rests[0] as { n: string; first: string };
  const [second, third] = [m.keep(m.mul(n, m.constant(b))), m.keep(m.mul(n, m.constant(c)))];
  const near = m.keep(m.sub(first, second));
  const lost = m.sub(m.sub(first, near), second);
  const r = m.keep(m.sub(near, third));
  return { turns, r, low: m.keep(m.add(m.sub(m.sub(near, r), third), lost)) };
}

/** sin(r + low) = r + (low - low r^2 / 2 + r^3 P). */
function sinOfRest(m: Machine, { r, low }: Angle, square: string): string {
  const cubic = m.mul(m.mul(r, square), m.polynomial(square, SIN[m.kind]));
  const rest = low === null ? cubic : m.add(cubic, m.sub(low, m.mul(low, m.mul(square, m.constant(0.5)))));
  return m.signedZero(m.add(r, rest), r);
}

/** cos(r + low) = 1 - r^2 / 2 + (r^4 P - r low), with what is lost in 1 - r^2 / 2. */
function cosOfRest(m: Machine, { r, low }: Angle, square: string): string {
  const one = m.constant(1);
  const quartic = m.mul(m.mul(square, square), m.polynomial(square, COS[m.kind]));
  const half = m.keep(m.mul(square, m.constant(0.5)));
  const most = m.keep(m.sub(one, half));
  if (low === null) return m.add(most, quartic);
  return m.add(most, m.add(m.sub(m.sub(one, most), half), m.sub(quartic, m.mul(r, low))));
}

/** The function at an angle: `turns` has the quarter of cos already. */
export function atAngle(m: Machine, name: TrigName, angle: Angle): string {
  const square = m.keep(m.mul(angle.r, angle.r));
  const sin = m.keep(sinOfRest(m, angle, square));
  const cos = m.keep(cosOfRest(m, angle, square));
  const odd = m.keep(m.odd(angle.turns), m.maskType);
  const value = name === "tan" ? m.div(m.select(odd, cos, sin), m.select(odd, sin, cos)) : m.select(odd, cos, sin);
  // The sign of sin and cos is the second bit of the turns, that of tan the first.
  const bits = m.pick(32, 64);
  return m.float(m.xor(m.bits(value), m.and(m.shl(angle.turns, name === "tan" ? bits - 1 : bits - 2), m.sign)));
}

export const hugeName = (name: TrigName): string => `$${name}.huge`;

const describe = (name: TrigName) => (m: Machine, x: string): string => {
  const result = m.fn.local(m.type, "v");
  m.fn.line(result.set(atAngle(m, name, angleOf(m, x, name === "cos" ? 1 : 0))));
  const huge = m.keep(m.gt(m.abs(x), m.constant(REACH[m.kind])), m.maskType);
  m.fn.when(m.any(huge), () => m.each(huge, result, [x], ([one]) => hugeValue(m, name, one as string)));
  return result.get;
};

const hugeValue = (m: Machine, name: TrigName, x: string): string =>
  m.kind === "float64" ? call(hugeName(name), x) : `(f32.demote_f64 ${call(hugeName(name), `(f64.promote_f32 ${x})`)})`;

export const sin = describe("sin");
export const cos = describe("cos");
export const tan = describe("tan");
