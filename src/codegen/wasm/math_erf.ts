/**
 * erf over a Machine. Must not know kernels. Bounds are in math.ts; the polynomials are fits of our own, as in math_exp.ts.
 */
import { expOf } from "./math_exp.js";
import type { Machine } from "./machine.js";

/** erf(x) / x - 1 in x^2 for x <= 1; relative error of erf 2^-29, 2^-56. */
const NEAR = {
  float32: [0.12837916612625122, -0.3761262595653534, 0.11283578723669052, -0.026853347197175026, 0.005187162198126316, -0.0007997853099368513, 7.806903158780187e-5],
  float64: [
    0.12837916709551256, -0.3761263890318352, 0.11283791670944206, -0.026866170643111722, 0.005223977606120028, -0.000854832592940085,
    0.00012055293578911313, -1.4924712332713406e-5, 1.6447131937443512e-6, -1.620631645874944e-7, 1.3710987947734182e-8, -7.779462678581462e-10,
  ],
} as const;

/** log(1 - erf(x)) for 1 <= x <= 4 (float32) or 6; relative error of erf 2^-30, 2^-57. */
const FAR = {
  float32: [-0.00034152925945818424, -1.1270891427993774, -0.6381449699401855, -0.10310656577348709, 0.021837932989001274, -0.0029476145282387733, 0.00018637366883922368],
  float64: [
    -5.137413979658827e-7, -1.1283739851715306, -0.6366440918051026, -0.10270216884373648, 0.0189877760290948, 0.0004139543810929505,
    -0.0019194334287832508, 0.0007734768745868009, -0.00013685227190173054, -1.9364428756100705e-5, 2.2466897775533732e-5, -8.557499493038566e-6,
    2.109548113401757e-6, -3.6859521856877344e-7, 4.5803736166222725e-8, -3.878267362755144e-9, 2.0138878994849826e-10, -4.848967789318585e-12,
  ],
} as const;

/** x + x P(x^2) up to 1, 1 - exp(Q(x)) from there until it rounds to 1. */
export function erf(m: Machine, x: string): string {
  const one = m.constant(1);
  const a = m.keep(m.atMost(m.abs(x), m.constant(m.pick(4, 6))));
  const near = m.add(a, m.mul(a, m.polynomial(m.keep(m.mul(a, a)), NEAR[m.kind])));
  const far = m.sub(one, expOf(m, m.keep(m.polynomial(a, FAR[m.kind]))));
  return m.copySign(m.select(m.lt(a, one), near, far), x);
}
