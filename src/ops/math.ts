/**
 * Functions of analysis on one element: powers, exponentials, logarithms, rounding, trigonometry, the error function. One record each.
 * Gradients are Theano's (theano/scalar/basic.py). Next: sigmoid.ts has the activations.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import { constant, type Expr, prim } from "../codegen/ir/expr.js";
import { scalarConstant, type Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { type Binary, method, type Operand } from "./define.js";
import { add, cast, div, eq, mul, neg, sqr, sub, switch_ } from "./elementwise.js";
import { binary, ct, input, output, unary } from "./elementwise_kit.js";
import { zeroGradient } from "./fill.js";
import { erfByQuadrature } from "./quadrature.js";

/** A constant beside an expression, in its dtype. */
const like = (value: number, x: Expr): Expr => constant(value, x.dtype);
/** A prim that integers pass through unchanged. */
const ofFloats = (name: "floor" | "ceil" | "roundHalfEven") => (x: Expr): Expr => (isFloat(x.dtype) ? prim(name, x) : x);

const power = binary({
  name: "pow", doc: "x to the power y; 1 to any power is 1. The gradient in y is 0 where x is 0.", dtype: "arithmetic", infix: "**", onnx: "Pow", domain: [[0.5, 2], [-2, 2]],
  expr: (x, y) => prim("pow", x, y),
  reference: (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y),
  gradient: (ctx) => {
    const [x, y, g] = [input(ctx, 0), input(ctx, 1), ct(ctx)];
    return [mul(mul(g, y), pow(x, sub(y, 1))), switch_(eq(x, 0), 0, mul(mul(g, log(x)), output(ctx)))];
  },
});

/** x to the power y. A whole number as exponent stays an integer constant, as in Python, whatever the dtype of x; so does the result's dtype. */
export const pow: Binary = Object.assign(
  (x: Operand, y: Operand): Variable => power(x, typeof y === "number" && Number.isInteger(y) && Math.abs(y) <= 2147483647 ? scalarConstant(y, "int32") : y),
  { op: power.op },
);

export const sqrt = unary({
  name: "sqrt", doc: "The square root; NaN below 0. Integers give floatX.", dtype: "float", onnx: "Sqrt", domain: [[0.2, 2]],
  expr: (x) => prim("sqrt", x),
  reference: Math.sqrt,
  gradient: (ctx) => [div(mul(ct(ctx), 0.5), output(ctx))],
});

export const inv = unary({
  name: "inv", doc: "1 / x. Integers give floatX.", dtype: "float", onnx: "Reciprocal", domain: [[0.5, 2]],
  expr: (x) => prim("div", like(1, x), x),
  reference: (x) => 1 / x,
  gradient: (ctx) => [div(neg(ct(ctx)), sqr(input(ctx, 0)))],
});

export const exp = unary({
  name: "exp", doc: "e to the x. Integers give floatX.", dtype: "float", onnx: "Exp",
  expr: (x) => prim("exp", x),
  reference: Math.exp,
  gradient: (ctx) => [mul(ct(ctx), output(ctx))],
});

export const exp2 = unary({
  name: "exp2", doc: "2 to the x. Integers give floatX.", dtype: "float",
  expr: (x) => prim("pow", like(2, x), x),
  reference: (x) => 2 ** x,
  gradient: (ctx) => [mul(mul(ct(ctx), output(ctx)), Math.LN2)],
});

export const expm1 = unary({
  name: "expm1", doc: "exp(x) - 1, accurate near 0. Integers give floatX.", dtype: "float",
  expr: (x) => prim("expm1", x),
  reference: Math.expm1,
  gradient: (ctx) => [mul(ct(ctx), exp(input(ctx, 0)))],
});

export const log = unary({
  name: "log", doc: "The natural logarithm; -inf at 0, NaN below. Integers give floatX.", dtype: "float", onnx: "Log", domain: [[0.2, 2]],
  expr: (x) => prim("log", x),
  reference: Math.log,
  gradient: (ctx) => [div(ct(ctx), input(ctx, 0))],
});

export const log2 = unary({
  name: "log2", doc: "The logarithm to base 2. Integers give floatX.", dtype: "float", domain: [[0.2, 2]],
  expr: (x) => prim("div", prim("log", x), like(Math.LN2, x)),
  reference: Math.log2,
  gradient: (ctx) => [div(ct(ctx), mul(input(ctx, 0), Math.LN2))],
});

export const log10 = unary({
  name: "log10", doc: "The logarithm to base 10. Integers give floatX.", dtype: "float", domain: [[0.2, 2]],
  expr: (x) => prim("div", prim("log", x), like(Math.LN10, x)),
  reference: Math.log10,
  gradient: (ctx) => [div(ct(ctx), mul(input(ctx, 0), Math.LN10))],
});

export const log1p = unary({
  name: "log1p", doc: "log(1 + x), accurate near 0. Integers give floatX.", dtype: "float", domain: [[-0.8, 2]],
  expr: (x) => prim("log1p", x),
  reference: Math.log1p,
  gradient: (ctx) => [div(ct(ctx), add(input(ctx, 0), 1))],
});

export const floor = unary({
  name: "floor", doc: "The greatest whole number not above x, in x's dtype. Its gradient is zero.", dtype: "same", onnx: "Floor", domain: [[0.1, 0.9]],
  expr: ofFloats("floor"),
  reference: Math.floor,
  gradient: (ctx) => [zeroGradient(input(ctx, 0))],
});

export const ceil = unary({
  name: "ceil", doc: "The least whole number not below x, in x's dtype. Its gradient is zero.", dtype: "same", onnx: "Ceil", domain: [[0.1, 0.9]],
  expr: ofFloats("ceil"),
  reference: Math.ceil,
  gradient: (ctx) => [zeroGradient(input(ctx, 0))],
});

export const trunc = unary({
  name: "trunc", doc: "x without its fraction, in x's dtype. Its gradient is zero.", dtype: "same", domain: [[0.1, 0.9]],
  expr: (x) => (isFloat(x.dtype) ? prim("select", prim("lt", x, like(0, x)), prim("ceil", x), prim("floor", x)) : x),
  reference: Math.trunc,
  gradient: (ctx) => [zeroGradient(input(ctx, 0))],
});

const nearest = (x: number): number => {
  const f = Math.floor(x);
  const up = x - f;
  return up > 0.5 || (up === 0.5 && f % 2 !== 0) ? f + 1 : f;
};

export const roundHalfToEven = unary({
  name: "roundHalfToEven", doc: "The nearest whole number; halves go to the even neighbour (C's rint). Its gradient is zero.", dtype: "same", onnx: "Round", domain: [[0.1, 0.4]],
  expr: ofFloats("roundHalfEven"),
  reference: nearest,
  gradient: (ctx) => [zeroGradient(input(ctx, 0))],
});

export const roundHalfAwayFromZero = unary({
  name: "roundHalfAwayFromZero", doc: "The nearest whole number; halves go away from zero (C's round). Its gradient is zero.", dtype: "same", domain: [[0.1, 0.4]],
  expr: (x) => {
    if (!isFloat(x.dtype)) return x;
    const [a, f] = [prim("abs", x), prim("floor", prim("abs", x))];
    return prim("mul", prim("sgn", x), prim("select", prim("lt", prim("sub", a, f), like(0.5, x)), f, prim("ceil", a)));
  },
  reference: (x) => Math.sign(x) * (Math.abs(x) - Math.floor(Math.abs(x)) >= 0.5 ? Math.ceil(Math.abs(x)) : Math.floor(Math.abs(x))),
  gradient: (ctx) => [zeroGradient(input(ctx, 0))],
});

export type RoundMode = "half_to_even" | "half_away_from_zero";
export interface RoundOptions { readonly mode?: RoundMode }
const ROUND = { half_to_even: roundHalfToEven, half_away_from_zero: roundHalfAwayFromZero } as const;

/** The nearest whole number in x's dtype. `mode` is `half_to_even` (default) or `half_away_from_zero`, Theano's default before 0.9. Error: `round-mode`. */
export function round(x: Operand, options: RoundOptions = {}): Variable {
  const mode: string = options.mode ?? "half_to_even";
  if (!Object.hasOwn(ROUND, mode)) fail("value", "round-mode", { what: `There is no rounding mode '${mode}'.`, fix: `use ${Object.keys(ROUND).join(" or ")}` });
  return ROUND[mode as RoundMode](x);
}

/** `round` as int32. */
export const iround = (x: Operand, options: RoundOptions = {}): Variable => cast(round(x, options), "int32");

export const sin = unary({
  name: "sin", doc: "The sine of x in radians. Integers give floatX.", dtype: "float", onnx: "Sin",
  expr: (x) => prim("sin", x),
  reference: Math.sin,
  gradient: (ctx) => [mul(ct(ctx), cos(input(ctx, 0)))],
});

export const cos = unary({
  name: "cos", doc: "The cosine of x in radians. Integers give floatX.", dtype: "float", onnx: "Cos",
  expr: (x) => prim("cos", x),
  reference: Math.cos,
  gradient: (ctx) => [mul(neg(ct(ctx)), sin(input(ctx, 0)))],
});

export const tan = unary({
  name: "tan", doc: "The tangent of x in radians. Integers give floatX.", dtype: "float", onnx: "Tan", domain: [[-1.2, 1.2]],
  expr: (x) => prim("tan", x),
  reference: Math.tan,
  gradient: (ctx) => [div(ct(ctx), sqr(cos(input(ctx, 0))))],
});

export const arcsin = unary({
  name: "arcsin", doc: "The inverse sine, in radians; NaN outside [-1, 1]. Integers give floatX.", dtype: "float", onnx: "Asin", domain: [[-0.9, 0.9]],
  expr: (x) => prim("asin", x),
  reference: Math.asin,
  gradient: (ctx) => [div(ct(ctx), sqrt(sub(1, sqr(input(ctx, 0)))))],
});

export const arccos = unary({
  name: "arccos", doc: "The inverse cosine, in radians; NaN outside [-1, 1]. Integers give floatX.", dtype: "float", onnx: "Acos", domain: [[-0.9, 0.9]],
  expr: (x) => prim("acos", x),
  reference: Math.acos,
  gradient: (ctx) => [div(neg(ct(ctx)), sqrt(sub(1, sqr(input(ctx, 0)))))],
});

export const arctan = unary({
  name: "arctan", doc: "The inverse tangent, in radians. Integers give floatX.", dtype: "float", onnx: "Atan",
  expr: (x) => prim("atan", x),
  reference: Math.atan,
  gradient: (ctx) => [div(ct(ctx), add(sqr(input(ctx, 0)), 1))],
});

export const arctan2 = binary({
  name: "arctan2", doc: "The angle in radians from the first axis to the point (x, y), of y and x: arctan(y / x) in the right quadrant, from -pi to pi. Integers give floatX.", dtype: "float",
  domain: [[0.2, 2], [-2, 2]],
  expr: (y, x) => {
    const turn = prim("select", prim("lt", y, like(0, y)), like(-Math.PI, y), like(Math.PI, y));
    const upright = prim("mul", prim("sgn", y), like(Math.PI / 2, y));
    const angle = prim("atan", prim("div", y, x));
    return prim("select", prim("eq", x, like(0, x)), upright, prim("select", prim("lt", x, like(0, x)), prim("add", angle, turn), angle));
  },
  reference: (y, x) => (x === 0 ? Math.sign(y) * (Math.PI / 2) : Math.atan2(y === 0 ? 0 : y, x)),
  gradient: (ctx) => {
    const [y, x] = [input(ctx, 0), input(ctx, 1)];
    const scaled = div(ct(ctx), add(sqr(x), sqr(y)));
    return [mul(scaled, x), neg(mul(scaled, y))];
  },
});

export const sinh = unary({
  name: "sinh", doc: "The hyperbolic sine, as (expm1(x) - expm1(-x)) / 2. Integers give floatX.", dtype: "float", onnx: "Sinh",
  expr: (x) => prim("mul", like(0.5, x), prim("sub", prim("expm1", x), prim("expm1", prim("neg", x)))),
  reference: Math.sinh,
  gradient: (ctx) => [mul(ct(ctx), cosh(input(ctx, 0)))],
});

export const cosh = unary({
  name: "cosh", doc: "The hyperbolic cosine. Integers give floatX.", dtype: "float", onnx: "Cosh",
  expr: (x) => prim("mul", like(0.5, x), prim("add", prim("exp", x), prim("exp", prim("neg", x)))),
  reference: Math.cosh,
  gradient: (ctx) => [mul(ct(ctx), sinh(input(ctx, 0)))],
});

export const tanh = unary({
  name: "tanh", doc: "The hyperbolic tangent. Integers give floatX.", dtype: "float", onnx: "Tanh",
  expr: (x) => prim("tanh", x),
  reference: Math.tanh,
  gradient: (ctx) => [mul(ct(ctx), sub(1, sqr(output(ctx))))],
});

export const arcsinh = unary({
  name: "arcsinh", doc: "The inverse hyperbolic sine, as sgn(x) log1p(|x| + x^2 / (1 + sqrt(1 + x^2))). Integers give floatX.", dtype: "float", onnx: "Asinh",
  expr: (x) => {
    const square = prim("mul", x, x);
    const root = prim("add", like(1, x), prim("sqrt", prim("add", like(1, x), square)));
    return prim("mul", prim("sgn", x), prim("log1p", prim("add", prim("abs", x), prim("div", square, root))));
  },
  reference: Math.asinh,
  gradient: (ctx) => [div(ct(ctx), sqrt(add(sqr(input(ctx, 0)), 1)))],
});

export const arccosh = unary({
  name: "arccosh", doc: "The inverse hyperbolic cosine, log(x + sqrt(x^2 - 1)); NaN below 1. Integers give floatX.", dtype: "float", onnx: "Acosh", domain: [[1.2, 3]],
  expr: (x) => prim("log", prim("add", x, prim("sqrt", prim("sub", prim("mul", x, x), like(1, x))))),
  reference: Math.acosh,
  gradient: (ctx) => [div(ct(ctx), sqrt(sub(sqr(input(ctx, 0)), 1)))],
});

export const arctanh = unary({
  name: "arctanh", doc: "The inverse hyperbolic tangent, (log1p(x) - log1p(-x)) / 2; NaN outside [-1, 1]. Integers give floatX.", dtype: "float", onnx: "Atanh", domain: [[-0.8, 0.8]],
  expr: (x) => prim("mul", like(0.5, x), prim("sub", prim("log1p", x), prim("log1p", prim("neg", x)))),
  reference: Math.atanh,
  gradient: (ctx) => [div(ct(ctx), sub(1, sqr(input(ctx, 0))))],
});

/** Degrees as radians. */
export const deg2rad = (x: Operand): Variable => mul(x, Math.PI / 180);
/** Radians as degrees. */
export const rad2deg = (x: Operand): Variable => mul(x, 180 / Math.PI);

export const erf = unary({
  name: "erf", doc: "The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x. Integers give floatX.", dtype: "float", onnx: "Erf",
  expr: (x) => prim("erf", x),
  reference: erfByQuadrature,
  gradient: (ctx) => [mul(mul(ct(ctx), 2 / Math.sqrt(Math.PI)), exp(neg(sqr(input(ctx, 0)))))],
});

export const erfc = unary({
  name: "erfc", doc: "1 - erf(x). Integers give floatX.", dtype: "float",
  expr: (x) => prim("sub", like(1, x), prim("erf", x)),
  reference: (x) => 1 - erfByQuadrature(x),
  gradient: (ctx) => [mul(mul(ct(ctx), -2 / Math.sqrt(Math.PI)), exp(neg(sqr(input(ctx, 0)))))],
});

declare module "../graph/variable.js" {
  interface Variable {
    /** this ** exponent; a whole number stays an integer constant. */
    pow(exponent: Operand): Variable;
    sqrt(): Variable;
    exp(): Variable;
    exp2(): Variable;
    expm1(): Variable;
    log(): Variable;
    log2(): Variable;
    log10(): Variable;
    log1p(): Variable;
    floor(): Variable;
    ceil(): Variable;
    trunc(): Variable;
    /** The nearest whole number, in this dtype; halves go to the even neighbour unless `mode` says otherwise. */
    round(options?: RoundOptions): Variable;
    sin(): Variable;
    cos(): Variable;
    tan(): Variable;
    arcsin(): Variable;
    arccos(): Variable;
    arctan(): Variable;
    /** The angle of the point (x, this). */
    arctan2(x: Operand): Variable;
    sinh(): Variable;
    cosh(): Variable;
    tanh(): Variable;
    arcsinh(): Variable;
    arccosh(): Variable;
    arctanh(): Variable;
    erf(): Variable;
    erfc(): Variable;
  }
}
method({ pow, sqrt, exp, exp2, expm1, log, log2, log10, log1p, floor, ceil, trunc, round });
method({ sin, cos, tan, arcsin, arccos, arctan, arctan2, sinh, cosh, tanh, arcsinh, arccosh, arctanh, erf, erfc });
