/**
 * Inverses of the error functions, by the rational approximations of the normal quantile (Wichura 1988, algorithm AS 241, PPND16): about 16 digits.
 * Next: special.ts has the gamma function's family, math.ts erf.
 */
import type { Expr } from "../codegen/ir/expr.js";
import { element } from "./element.js";
import { mul, sqr } from "./elementwise.js";
import { ct, output, unary } from "./elementwise_kit.js";
import { exp } from "./math.js";
import { polynomial } from "./polynomial.js";
import { erfByQuadrature } from "./quadrature.js";

const CENTRE = [
  [3.387132872796366608, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125, 45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727],
  [1, 42.313330701600911252, 687.1870074920579083, 5394.1960214247511077, 21213.794301586595867, 39307.89580009271061, 28729.085735721942674, 5226.495278852854561],
] as const;
const TAIL = [
  [1.42343711074968357734, 4.6303378461565452959, 5.7694972214606914055, 3.64784832476320460504, 1.27045825245236838258, 0.24178072517745061177, 0.0227238449892691845833, 7.7454501427834140764e-4],
  [1, 2.05319162663775882187, 1.6763848301838038494, 0.68976733498510000455, 0.14810397642748007459, 0.0151986665636164571966, 5.475938084995344946e-4, 1.05075007164441684324e-9],
] as const;
const FAR_TAIL = [
  [6.6579046435011037772, 5.4637849111641143699, 1.7848265399172913358, 0.29656057182850489123, 0.026532189526576123093, 0.0012426609473880784386, 2.71155556874348757815e-5, 2.01033439929228813265e-7],
  [1, 0.59983220655588793769, 0.13692988092273580531, 0.0148753612908506148525, 7.868691311456132591e-4, 1.8463183175100546818e-5, 1.4215117583164458887e-7, 2.04426310338993978564e-15],
] as const;

type Ratio = readonly [readonly number[], readonly number[]];
const ratio = (x: Expr, [above, under]: Ratio): Expr => element.div(polynomial(x, above), polynomial(x, under));

/** The quantile at 1/2 + q, where |q| <= 0.425. */
const centre = (q: Expr): Expr => element.mul(q, ratio(element.sub(0.180625, element.mul(q, q)), CENTRE));

/** Minus the quantile at p, where p < 0.075. */
function tail(p: Expr): Expr {
  const r = element.sqrt(element.neg(element.log(p)));
  const far = element.select(element.eq(p, 0), Number.POSITIVE_INFINITY, ratio(element.sub(r, 5), FAR_TAIL));
  return element.select(element.le(r, 5), ratio(element.sub(r, 1.6), TAIL), far);
}

const ROOT_HALF = Math.SQRT1_2;

function erfinvOf(y: Expr): Expr {
  const q = element.mul(y, 0.5);
  const outer = element.mul(element.sgn(y), tail(element.mul(element.sub(1, element.abs(y)), 0.5)));
  return element.mul(element.select(element.le(element.abs(q), 0.425), centre(q), outer), ROOT_HALF);
}

function erfcinvOf(y: Expr): Expr {
  const q = element.mul(element.sub(1, y), 0.5);
  const outer = element.select(element.lt(y, 1), tail(element.mul(y, 0.5)), element.neg(tail(element.mul(element.sub(2, y), 0.5))));
  return element.mul(element.select(element.le(element.abs(q), 0.425), centre(q), outer), ROOT_HALF);
}

/** Newton's method from 0, where erf is concave: each step stays on the near side of the root. */
function erfinvByNewton(y: number): number {
  if (!(Math.abs(y) < 1)) return Math.abs(y) === 1 ? y * Number.POSITIVE_INFINITY : Number.NaN;
  let x = 0;
  for (let i = 0; i < 100; i++) {
    const step = (y - erfByQuadrature(x)) * (Math.sqrt(Math.PI) / 2) * Math.exp(x * x);
    x += step;
    if (Math.abs(step) < 1e-15) break;
  }
  return x;
}

export const erfinv = unary({
  name: "erfinv", doc: "The x whose erf is y; infinite at -1 and 1, NaN beyond. Integers give floatX.", dtype: "float", domain: [[-0.95, 0.95]],
  expr: erfinvOf,
  reference: erfinvByNewton,
  gradient: (ctx) => [mul(mul(ct(ctx), Math.sqrt(Math.PI) / 2), exp(sqr(output(ctx))))],
});

export const erfcinv = unary({
  name: "erfcinv", doc: "The x whose erfc is y; infinite at 0 and 2, NaN beyond. Integers give floatX.", dtype: "float", domain: [[0.05, 1.95]],
  expr: erfcinvOf,
  reference: (y) => erfinvByNewton(1 - y),
  gradient: (ctx) => [mul(mul(ct(ctx), -Math.sqrt(Math.PI) / 2), exp(sqr(output(ctx))))],
});
