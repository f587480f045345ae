/**
 * asin, acos and atan over a Machine: odd polynomials t + t^3 P(t^2) after the argument is brought near 0. Must not know kernels. Bounds are in
 * math.ts; the polynomials are fits of our own, as in math_exp.ts.
 */
import type { Machine } from "./machine.js";

/** pi / 4 = high + low. */
const QUARTER = {
  float32: { high: Math.fround(Math.PI / 4), low: Math.PI / 4 - Math.fround(Math.PI / 4) },
  float64: { high: Math.PI / 4, low: 3.061616997868383e-17 },
} as const;

/** (atan(t) / t - 1) / t^2 for t <= sqrt 2 - 1; relative error of atan 2^-30, 2^-59. */
const ATAN = {
  float32: [-0.33333316445350647, 0.19998526573181152, -0.14244344830513, 0.10598728060722351, -0.060887355357408524],
  float64: [
    -0.3333333333333319, 0.1999999999995218, -0.14285714280053688, 0.11111110776275104, -0.09090897550152668, 0.07692056506598657,
    -0.06663061712690385, 0.05847579847692071, -0.05037903750013729, 0.03802879589921266, -0.017867854410438647,
  ],
} as const;

/** (asin(t) / t - 1) / t^2 for t <= 1/2; relative error of asin 2^-27.6, 2^-59.9. */
const ASIN = {
  float32: [0.16666752099990845, 0.074953094124794, 0.04546915367245674, 0.02418474107980728, 0.042158398777246475],
  float64: [
    0.1666666666666676, 0.07499999999970863, 0.0446428571745647, 0.030381942709654747, 0.022372214942393418, 0.017351612729834848, 0.013980812838432664,
    0.011398969662323937, 0.010779956451913084, 0.003707448119848327, 0.02170508137902349, -0.020995910843181868, 0.032626758193318235,
  ],
} as const;

/** t + t z P(z), z = t^2. */
const odd = (m: Machine, t: string, z: string, coefficients: readonly number[]): string => m.add(t, m.mul(m.mul(t, z), m.polynomial(z, coefficients)));

/** atan(a) = pi/4 + atan((a - 1) / (a + 1)) = pi/2 + atan(-1 / a). */
export function atan(m: Machine, x: string): string {
  const one = m.constant(1);
  const a = m.keep(m.abs(x));
  const near = m.keep(m.lt(a, m.constant(Math.SQRT2 - 1)), m.maskType);
  const far = m.keep(m.gt(a, m.constant(Math.SQRT2 + 1)), m.maskType);
  const over = m.select(near, a, m.select(far, m.constant(-1), m.sub(a, one)));
  const under = m.select(near, one, m.select(far, a, m.add(a, one)));
  const t = m.keep(m.div(over, under));
  const quarters = m.keep(m.select(far, m.constant(2), m.zeroWhere(near, one)));
  const { high, low } = QUARTER[m.kind];
  const rest = m.add(odd(m, t, m.keep(m.mul(t, t)), ATAN[m.kind]), m.mul(quarters, m.constant(low)));
  return m.copySign(m.add(m.mul(quarters, m.constant(high)), rest), x);
}

/** asin of what is at most 1/2: of |x|, or where `big` of sqrt((1 - |x|) / 2), as asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)). */
function halved(m: Machine, x: string): { readonly big: string; readonly p: string } {
  const half = m.constant(0.5);
  const a = m.keep(m.abs(x));
  const big = m.keep(m.gt(a, half), m.maskType);
  const z = m.keep(m.select(big, m.mul(m.sub(m.constant(1), a), half), m.mul(a, a)));
  const t = m.keep(m.select(big, m.sqrt(z), a));
  return { big, p: m.keep(odd(m, t, z, ASIN[m.kind])) };
}

/** pi/2 - a. */
function fromRightAngle(m: Machine, a: string): string {
  const { high, low } = QUARTER[m.kind];
  return m.sub(m.constant(2 * high), m.sub(a, m.constant(2 * low)));
}

export function asin(m: Machine, x: string): string {
  const { big, p } = halved(m, x);
  return m.copySign(m.select(big, fromRightAngle(m, m.add(p, p)), p), x);
}

/** pi/2 - asin(x); 2 p above 1/2, pi - 2 p below -1/2. */
export function acos(m: Machine, x: string): string {
  const { big, p } = halved(m, x);
  const angle = m.keep(fromRightAngle(m, m.select(big, p, m.copySign(p, x))));
  const one = m.keep(m.select(m.lt(x, m.constant(0)), angle, p));
  return m.select(big, m.add(one, one), angle);
}
