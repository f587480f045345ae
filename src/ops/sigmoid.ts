/**
 * Activations: sigmoid, its approximations, softplus, relu, elu. Formulas and gradients are Theano's (theano/tensor/nnet/sigm.py, nnet.py).
 * Kernels saturate like Theano's C code (see prims.ts); the references below are the plain formulas. Next: nnet.ts has softmax and costs.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import { constant, type Expr, prim } from "../codegen/ir/expr.js";
import { scalarConstant, type Variable } from "../graph/variable.js";
import { config } from "../util/config.js";
import { asTensor, method, type Operand } from "./define.js";
import { abs, add, clip, div, gt, mul, sub, switch_ } from "./elementwise.js";
import { ct, input, output, unary } from "./elementwise_kit.js";
import { expm1 } from "./math.js";
import { type Named, optionOf } from "./options.js";

export const sigmoid = unary({
  name: "sigmoid", doc: "1 / (1 + exp(-x)). Kernels give 1 above 15 (float32) or 19 (float64), as Theano's C code does. Integers give floatX.", dtype: "float", onnx: "Sigmoid",
  expr: (x) => prim("sigmoid", x),
  reference: (x) => 1 / (1 + Math.exp(-x)),
  gradient: (ctx) => [mul(mul(ct(ctx), output(ctx)), sub(1, output(ctx)))],
});

export const softplus = unary({
  name: "softplus", doc: "log(1 + exp(x)), without overflow. Kernels give x above 14 (float32) or 16 (float64), as Theano's C code does. Integers give floatX.", dtype: "float", onnx: "Softplus",
  expr: (x) => prim("softplus", x),
  reference: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gradient: (ctx) => [mul(ct(ctx), sigmoid(input(ctx, 0)))],
});

/** tanh by three pieces, as in theano/tensor/nnet/sigm.py UltraFastScalarSigmoid: a fraction below 1.7, a line below 3, then a constant. */
const PIECES = { first: 1.7, second: 3, base: 0.935409070603099, slope: 0.0458812946797165, end: 0.99505475368673 } as const;

function ultraFastExpr(x: Expr): Expr {
  const c = (v: number): Expr => constant(v, x.dtype);
  const half = prim("mul", c(0.5), x);
  const a = prim("abs", half);
  const fraction = prim("div", prim("mul", c(1.5), a), prim("add", c(1), a));
  const line = prim("add", c(PIECES.base), prim("mul", c(PIECES.slope), prim("sub", a, c(PIECES.first))));
  const z = prim("select", prim("lt", a, c(PIECES.first)), fraction, prim("select", prim("lt", a, c(PIECES.second)), line, c(PIECES.end)));
  return prim("mul", c(0.5), prim("add", prim("mul", prim("sgn", half), z), c(1)));
}

export const ultraFastSigmoid = unary({
  name: "ultraFastSigmoid", doc: "An approximation of sigmoid by three pieces (theano/tensor/nnet/sigm.py); no gradient, as in Theano. Integers give floatX.", dtype: "float",
  expr: ultraFastExpr,
  reference: (x) => {
    const a = Math.abs(x / 2);
    const z = a < PIECES.first ? (1.5 * a) / (1 + a) : a < PIECES.second ? PIECES.base + PIECES.slope * (a - PIECES.first) : PIECES.end;
    return 0.5 * (Math.sign(x) * z + 1);
  },
});

/** x * 0.2 + 0.5 limited to [0, 1]: the coarsest approximation of sigmoid (theano/tensor/nnet/sigm.py hard_sigmoid). */
export function hardSigmoid(x: Operand): Variable {
  const v = asTensor(x);
  const dtype = isFloat(v.dtype) ? v.dtype : config.floatX;
  return clip(add(mul(v, scalarConstant(0.2, dtype)), scalarConstant(0.5, dtype)), 0, 1);
}

/** max(x, alpha x), as 0.5 (x + |x|), whose gradient at 0 is 0.5 (theano/tensor/nnet/nnet.py relu). `alpha` may be a tensor that broadcasts with x. */
export function relu(x: Operand, given: Named<"alpha", Operand> = 0): Variable {
  const alpha = optionOf(given, "alpha") ?? 0;
  const v = asTensor(x);
  if (alpha === 0) return mul(0.5, add(v, abs(v)));
  const rise = typeof alpha === "number" ? 0.5 * (1 + alpha) : mul(add(alpha, 1), 0.5);
  const bend = typeof alpha === "number" ? 0.5 * (1 - alpha) : mul(sub(1, alpha), 0.5);
  return add(mul(v, rise), mul(abs(v), bend));
}

/** x where x > 0, else alpha (exp(x) - 1) (theano/tensor/nnet/nnet.py elu). */
export const elu = (x: Operand, alpha: Named<"alpha", Operand> = 1): Variable => switch_(gt(x, 0), x, mul(optionOf(alpha, "alpha") ?? 1, expm1(x)));

/** 1.0507… elu(x, 1.6732…), the scaled exponential linear unit (Klambauer et al. 2017; theano/tensor/nnet/nnet.py selu). */
export const selu = (x: Operand): Variable => mul(1.0507009873554804934193349852946, elu(x, 1.6732632423543772848170429916717));

/** x / (1 + |x|) (theano/tensor/nnet/nnet.py softsign). */
export const softsign = (x: Operand): Variable => div(x, add(abs(x), 1));

declare module "../graph/variable.js" {
  interface Variable {
    sigmoid(): Variable;
    softplus(): Variable;
  }
}
method({ sigmoid, softplus });
