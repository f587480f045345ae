/**
 * x log(x) and x log(y) where 0 log(0) is 0 (theano/tensor/xlogx.py), for entropies and costs of distributions with zeros.
 */
import { constant, prim } from "../codegen/ir/expr.js";
import { add, div, mul } from "./elementwise.js";
import { binary, ct, input, unary } from "./elementwise_kit.js";
import { log } from "./math.js";

export const xlogx = unary({
  name: "xlogx", doc: "x log(x), 0 where x is 0. Integers give floatX.", dtype: "float", domain: [[0.2, 2]],
  expr: (x) => prim("select", prim("eq", x, constant(0, x.dtype)), constant(0, x.dtype), prim("mul", x, prim("log", x))),
  reference: (x) => (x === 0 ? 0 : x * Math.log(x)),
  gradient: (ctx) => [mul(ct(ctx), add(1, log(input(ctx, 0))))],
});

export const xlogy0 = binary({
  name: "xlogy0", doc: "x log(y), 0 where x is 0. Integers give floatX.", dtype: "float", domain: [[0.2, 2], [0.2, 2]],
  expr: (x, y) => prim("select", prim("eq", x, constant(0, x.dtype)), constant(0, x.dtype), prim("mul", x, prim("log", y))),
  reference: (x, y) => (x === 0 ? 0 : x * Math.log(y)),
  gradient: (ctx) => {
    const [x, y, g] = [input(ctx, 0), input(ctx, 1), ct(ctx)];
    return [mul(g, log(y)), div(mul(g, x), y)];
  },
});
