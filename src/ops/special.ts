/**
 * Special functions of probability: the logarithm of the gamma function and its derivatives. One record each, composed of primitives, so that they
 * fuse on every device. Meanings are SciPy's, which Theano calls. Next: erf_inverse.ts; math.ts has erf.
 */
import type { Expr } from "../codegen/ir/expr.js";
import { element } from "./element.js";
import { mul } from "./elementwise.js";
import { ct, input, unary } from "./elementwise_kit.js";
import { horner, polynomial } from "./polynomial.js";

const { add: plus, sub: minus, mul: times, div: over, log, min, select, lt, floor, abs } = element;
const below = (x: Expr, bound: number, yes: Expr, no: Expr): Expr => select(lt(x, bound), yes, no);

// Stirling's series and its derivatives, whose coefficients are those of Bernoulli's numbers (Abramowitz and Stegun 6.1.41, 6.3.18, 6.4.12), in 1/w^2.
const LOG_GAMMA = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];
const DIGAMMA = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12];
const TRIGAMMA = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6];
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** From here on the series are as good as float64 is; smaller arguments are moved past it by the recurrences. */
const FAR = 8;
const steps = Array.from({ length: FAR }, (_, k) => k);

/** Where z is small, z + FAR and what the recurrence leaves; 1/2 <= z. */
const moved = (z: Expr): { readonly w: Expr; readonly near: Expr } => ({ w: below(z, FAR, plus(z, FAR), z), near: min(z, FAR) });

/** A function of z >= 1/2, and by reflection at 1/2 of all x. `r` is how far x is above a whole number: sines and tangents of pi x are those of pi r. */
function reflected(x: Expr, core: (z: Expr) => Expr, mirror: (r: Expr, value: Expr) => Expr): Expr {
  const value = core(below(x, 0.5, minus(1, x), x));
  return below(x, 0.5, mirror(minus(x, floor(x)), value), value);
}

function logGamma(z: Expr): Expr {
  const { w, near } = moved(z);
  const inverse = over(1, w);
  const series = times(inverse, polynomial(times(inverse, inverse), LOG_GAMMA));
  // (w - 1/2) log w - w, without inf - inf.
  const far = plus(plus(times(plus(w, -0.5), plus(log(w), -1)), series), HALF_LOG_TWO_PI - 0.5);
  const product = steps.map((k) => plus(near, k)).reduce((a, b) => times(a, b));
  return below(z, FAR, minus(far, log(product)), far);
}

function digamma(z: Expr): Expr {
  const { w, near } = moved(z);
  const inverse = over(1, w);
  const square = times(inverse, inverse);
  const far = minus(minus(log(w), times(inverse, 0.5)), times(square, polynomial(square, DIGAMMA)));
  return below(z, FAR, minus(far, steps.map((k) => over(1, plus(near, k))).reduce((a, b) => plus(a, b))), far);
}

function trigamma(z: Expr): Expr {
  const { w, near } = moved(z);
  const inverse = over(1, w);
  const square = times(inverse, inverse);
  const far = plus(plus(inverse, times(square, 0.5)), times(times(square, inverse), polynomial(square, TRIGAMMA)));
  const gone = steps.map((k) => over(1, plus(near, k))).map((q) => times(q, q));
  return below(z, FAR, plus(far, gone.reduce((a, b) => plus(a, b))), far);
}

const sinPi = (r: Expr): Expr => element.sin(times(r, Math.PI));

/** The reference moves its argument further and asks less of the series. */
function referenceSum(x: number, term: (y: number) => number, far: (w: number) => number): number {
  let [sum, w] = [0, x];
  for (; w < 30; w++) sum += term(w);
  return sum + far(w);
}

// Lanczos' approximation with g = 7, nine terms.
const LANCZOS = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
function logGammaOf(x: number): number {
  const r = x - Math.floor(x);
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * r))) - logGammaOf(1 - x);
  if (x === Number.POSITIVE_INFINITY) return x;
  const t = x + 6.5;
  const sum = LANCZOS.reduce((s, c, i) => s + (i === 0 ? c : c / (x - 1 + i)), 0);
  return HALF_LOG_TWO_PI + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}
function digammaOf(x: number): number {
  if (x < 0.5) return digammaOf(1 - x) - Math.PI / Math.tan(Math.PI * (x - Math.floor(x)));
  return referenceSum(x, (y) => -1 / y, (w) => Math.log(w) - 0.5 / w - horner(1 / (w * w), DIGAMMA.slice(0, 5)) / (w * w));
}
function trigammaOf(x: number): number {
  if (x < 0.5) return (Math.PI / Math.sin(Math.PI * (x - Math.floor(x)))) ** 2 - trigammaOf(1 - x);
  return referenceSum(x, (y) => 1 / (y * y), (w) => 1 / w + 0.5 / (w * w) + horner(1 / (w * w), TRIGAMMA.slice(0, 5)) / w ** 3);
}

export const triGamma = unary({
  name: "triGamma", doc: "The second derivative of gammaln. Integers give floatX. No gradient, as in Theano.", dtype: "float", domain: [[0.3, 12]],
  expr: (x) => reflected(x, trigamma, (r, value) => minus(times(over(1, times(sinPi(r), sinPi(r))), Math.PI ** 2), value)),
  reference: trigammaOf,
});

export const psi = unary({
  name: "psi", doc: "The derivative of gammaln (digamma). Integers give floatX.", dtype: "float", domain: [[0.3, 12]],
  expr: (x) => reflected(x, digamma, (r, value) => minus(value, over(Math.PI, element.tan(times(r, Math.PI))))),
  reference: digammaOf,
  gradient: (ctx) => [mul(ct(ctx), triGamma(input(ctx, 0)))],
});

export const gammaln = unary({
  name: "gammaln", doc: "log |Gamma(x)|, so that gammaln(n + 1) is log n!; inf at 0, -1, -2 …. Integers give floatX.", dtype: "float", domain: [[0.3, 12]],
  expr: (x) => reflected(x, logGamma, (r, value) => minus(log(over(Math.PI, abs(sinPi(r)))), value)),
  reference: logGammaOf,
  gradient: (ctx) => [mul(ct(ctx), psi(input(ctx, 0)))],
});
