/**
 * Rules of arithmetic: products and sums brought to a canonical form with cancellation, powers, conversions, scalars out of sums.
 * Identities are those of theano/tensor/opt.py. Next: log_rules.ts makes what is left finite.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import { constantValue, isA, p, patternRule, type Rule, type RuleContext } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, Variable } from "../graph/variable.js";
import { cancelled, constantLike, factorsOf, fillLike, isPrivate, multiply, product, productCost, sameFactor, summed, sumCost, termsOf } from "./algebra.js";
import { dot } from "./dot.js";
import { add, cast, div, mul, neg, sqr, sub } from "./elementwise.js";
import { exp, inv, pow, sqrt } from "./math.js";
import { sum } from "./reduce.js";

const vector = (name: string, dtype: "float32" | "float64" | "bool" | "int32" = "float64"): Variable => new Variable(tensorType(dtype, 1), { name });
const example = (names: readonly string[], build: (...v: Variable[]) => Variable) => () => {
  const inputs = names.map((n) => vector(n));
  return { inputs, before: build(...inputs) };
};
const outputOf = (node: Apply): Variable => node.outputs[0] as Variable;
const inputOf = (node: Apply, i = 0): Variable => node.inputs[i] as Variable;

/** Cheaper, or no dearer with something gone. */
const pays = (before: number, after: number, dropped: number): boolean => after < before || (dropped > 0 && after <= before);

function simplerProduct(node: Apply, context: RuleContext): Variable | null {
  const like = outputOf(node);
  const { coef, num, den, cost } = factorsOf(like, context);
  if (coef === 0) return num.some((v) => v === like) ? null : fillLike(constantLike(0, like), like, [...num, ...den]);
  const { a, b, dropped } = cancelled(num, den, sameFactor);
  const made = { coef, num: a, den: b };
  if (!Number.isFinite(constantLike(coef, like).value.data[0]) || (constantLike(coef, like).value.data[0] === 0)) return null;
  return pays(cost, productCost(made), dropped) ? product(made, like, [...num, ...den, ...node.inputs]) : null;
}

function simplerSum(node: Apply, context: RuleContext): Variable | null {
  const like = outputOf(node);
  const { constant, pos, neg: minus, cost } = termsOf(like, context);
  const { a, b, dropped } = cancelled(pos, minus);
  const made = { constant, pos: a, neg: b };
  return pays(cost, sumCost(made), dropped) ? summed(made, like, [...pos, ...minus, ...node.inputs]) : null;
}

/** (a/x + b) x = a + b x: quotients in a sum that nothing else reads lose what the sum is multiplied by. */
function distributed(node: Apply, context: RuleContext): Variable | null {
  const like = outputOf(node);
  const { coef, num, den } = factorsOf(like);
  for (const total of num) {
    if (total.dtype !== like.dtype || !(isA(total, add) || isA(total, sub)) || !isPrivate(total, context)) continue;
    const { constant, pos, neg: minus } = termsOf(total);
    const below = [...pos, ...minus].flatMap((t) => (t.dtype === like.dtype ? factorsOf(t).den : []));
    if (below.length === 0) continue;
    const others = cancelled(num, [total]).a;
    const moved = others.filter((v, i) => below.some((d) => sameFactor(v, d)) && others.indexOf(v) === i);
    if (moved.length === 0) continue;
    const times = (t: Variable): Variable => {
      const f = t.dtype === like.dtype ? factorsOf(t) : { coef: 1, num: [t], den: [] };
      const { a, b } = cancelled([...f.num, ...moved], f.den, sameFactor);
      return multiply({ coef: f.coef, num: a, den: b }, like);
    };
    const free = constant === 0 ? [] : [multiply({ coef: constant, num: moved, den: [] }, like)];
    const sumOfThem = summed({ constant: 0, pos: [...pos.map(times), ...free], neg: minus.map(times) }, total, [total, ...moved]);
    return product({ coef, num: [sumOfThem, ...cancelled(others, moved).a], den }, like, [...num, ...den]);
  }
  return null;
}

const POWERS: ReadonlyMap<number, (x: Variable) => Variable> = new Map([
  [2, (x) => sqr(x)], [3, (x) => mul(sqr(x), x)], [4, (x) => sqr(sqr(x))],
  [0.5, (x) => sqrt(x)], [-1, (x) => inv(x)], [-2, (x) => inv(sqr(x))], [-0.5, (x) => inv(sqrt(x))],
]);

/** Whether every reader sums it, so that each can take its scalar factors out and none is left inside. */
const onlySummed = (v: Variable, context: RuleContext): boolean => !context.isOutput(v) && context.consumers(v).every((a) => a.op === sum.op || a.op === dot.op);

/** Factors that are the same for every element of a reduced axis may be multiplied once, after the sum; of a product of matrices, either side's. */
function scalarsOut(node: Apply, context: RuleContext): Variable | null {
  for (let side = 0; side < node.inputs.length; side++) {
    const made = scalarsOutOf(node, side, context);
    if (made !== null) return made;
  }
  return null;
}

function scalarsOutOf(node: Apply, side: number, context: RuleContext): Variable | null {
  const [inner, whole] = [inputOf(node, side), outputOf(node)];
  if (!isFloat(inner.dtype) || inner.dtype !== whole.dtype || !onlySummed(inner, context)) return null;
  const { coef, num, den } = factorsOf(inner);
  const scalar = (v: Variable): boolean => v.broadcastable.every((b) => b);
  const [inNum, inDen] = [num.filter((v) => !scalar(v)), den.filter((v) => !scalar(v))];
  const moved = num.length + den.length - inNum.length - inDen.length;
  if (inNum.length === 0 || (moved === 0 && coef === 1)) return null;
  const rest = product({ coef: 1, num: inNum, den: inDen }, inner, [...num, ...den]);
  const total = apply1(node.op, node.inputs.map((v, i) => (i === side ? rest : v)), node.params);
  const flat = (v: Variable): Variable => v.dimshuffle(...whole.broadcastable.map(() => "x" as const));
  return product({ coef, num: [total, ...num.filter(scalar).map(flat)], den: den.filter(scalar).map(flat) }, whole, [total]);
}

/**
 * sum_ik a_ij b_kj = sum_k b_kj sum_i a_ij: of an outer product, factors are summed before they are multiplied. Where one factor has all axes of the product there
 * is nothing to gain.
 */
function factorsApart(node: Apply, context: RuleContext): Variable | null {
  const [inner, whole] = [inputOf(node), outputOf(node)];
  const { axes } = node.params as { readonly axes: readonly number[] };
  if (!isFloat(inner.dtype) || inner.dtype !== whole.dtype || !onlySummed(inner, context)) return null;
  const factors = factorsOf(inner);
  const all = [...factors.num, ...factors.den];
  const varies = (v: Variable, a: number): boolean => v.broadcastable[a] === false;
  const every = inner.broadcastable.map((_, a) => a);
  for (const axis of axes) {
    const [own, rest] = [all.filter((v) => varies(v, axis)), all.filter((v) => !varies(v, axis))];
    const alone = (list: readonly Variable[], others: readonly Variable[]): number[] => every.filter((a) => list.some((v) => varies(v, a)) && !others.some((v) => varies(v, a)));
    const first = alone(own, rest).filter((a) => axes.includes(a));
    if (own.length === 0 || alone(rest, own).length === 0) continue;
    const kept = every.filter((a) => !first.includes(a));
    const part = multiply({ coef: 1, num: factors.num.filter((v) => own.includes(v)), den: factors.den.filter((v) => own.includes(v)) }, inner);
    const flat = (list: readonly Variable[]): Variable[] => list.filter((v) => rest.includes(v)).map((v) => v.dimshuffle(...kept));
    const made = multiply({ coef: factors.coef, num: [sum(part, { axis: first }), ...flat(factors.num)], den: flat(factors.den) }, whole);
    const left = kept.flatMap((a, at) => (axes.includes(a) ? [at] : []));
    return left.length === 0 ? made : sum(made, { axis: left });
  }
  return null;
}

/** Whether every value of the first dtype is a value of the second. */
const keeps = (from: string, to: string): boolean => from === to || from === "bool" || to === "float64";

export const ARITHMETIC_RULES: readonly Rule[] = [
  {
    name: "canonicalProduct", phase: "canonicalise", exactness: "ignoresNaN", source: "x y / x = y, (a b)/(c a) = b/c, constants gathered, 0 x = 0; theano/tensor/opt.py local_mul_canonizer, local_mul_zero",
    roots: [mul.op, div.op, neg.op, inv.op], rewrite: simplerProduct, example: example(["x", "y"], (x, y) => div(mul(mul(2, x as Variable), mul(y as Variable, 3)), x as Variable)),
  },
  {
    name: "canonicalSum", phase: "canonicalise", exactness: "ignoresNaN", source: "x + y - x = y, x - x = 0, constants gathered; theano/tensor/opt.py local_add_canonizer",
    roots: [add.op, sub.op, neg.op], rewrite: simplerSum, example: example(["x", "y"], (x, y) => sub(add(add(x as Variable, 1), add(y as Variable, 2)), x as Variable)),
  },
  {
    name: "distributeQuotients", phase: "canonicalise", exactness: "ignoresNaN", source: "(a/x + b/y) x y = a y + b x: the gradient of a crossentropy of sigmoids; theano/tensor/opt.py local_greedy_distributor",
    roots: [mul.op, div.op], rewrite: distributed, example: example(["x", "y"], (x, y) => mul(add(div(exp(y as Variable), x as Variable), y as Variable), x as Variable)),
  },
  {
    name: "powOneOrZero", phase: "canonicalise", exactness: "ignoresNaN", source: "x^1 = x, x^0 = 1; theano/tensor/opt.py local_pow_canonicalize",
    roots: [pow.op],
    rewrite: (node) => {
      const [x, y] = [inputOf(node), constantValue(inputOf(node, 1))];
      if (y === 0) return fillLike(constantLike(1, outputOf(node)), outputOf(node), node.inputs);
      return y === 1 ? fillLike(x, outputOf(node), node.inputs) : null;
    },
    example: example(["x"], (x) => pow(x as Variable, 1)),
  },
  {
    name: "powSpecialise", phase: "specialise", exactness: "reassociates", source: "x^2 = x x, x^(1/2) = sqrt x, x^-1 = 1/x and their like; theano/tensor/opt.py local_pow_specialize",
    roots: [pow.op],
    rewrite: (node) => {
      const build = POWERS.get(constantValue(inputOf(node, 1)) ?? 0);
      const like = outputOf(node);
      return build === undefined || !isFloat(like.dtype) ? null : fillLike(build(cast(inputOf(node), like.dtype)), like, node.inputs);
    },
    example: example(["x"], (x) => pow(x as Variable, -2)),
  },
  {
    name: "mulSelf", phase: "specialise", exactness: "exact", source: "x x = x^2; theano/tensor/opt.py local_mul_to_sqr",
    roots: [mul.op], rewrite: (node) => (inputOf(node) === inputOf(node, 1) && inputOf(node).dtype === outputOf(node).dtype ? sqr(inputOf(node)) : null),
    example: example(["x"], (x) => mul(x as Variable, x as Variable)),
  },
  {
    name: "castChain", phase: "canonicalise", exactness: "exact", source: "a conversion after one that lost nothing is one conversion",
    roots: [cast.op],
    rewrite: (node) => {
      const x = inputOf(node).owner?.op === cast.op ? inputOf(node).owner?.inputs[0] : undefined;
      return x !== undefined && keeps(x.dtype, inputOf(node).dtype) ? cast(x, outputOf(node).dtype) : null;
    },
    example: () => {
      const x = vector("x", "float32");
      return { inputs: [x], before: cast(cast(x, "float64"), "float32") };
    },
  },
  {
    name: "sumOfScaled", phase: "specialise", exactness: "reassociates", source: "sum(c x) = c sum(x), sum(-x) = -sum(x); theano/tensor/opt.py local_sum_prod_mul_by_scalar",
    roots: [sum.op], rewrite: scalarsOut, example: example(["x"], (x) => sum(mul(3, x as Variable))),
  },
  {
    name: "sumOfOuter", phase: "specialise", exactness: "reassociates", source: "sum_ik a_i b_k = sum_k b_k sum_i a_i; the distributive law",
    roots: [sum.op], rewrite: factorsApart,
    example: example(["x", "y"], (x, y) => sum(mul((x as Variable).dimshuffle(0, "x"), (y as Variable).dimshuffle("x", 0)), { axis: 0 })),
  },
  {
    name: "dotOfScaled", phase: "specialise", exactness: "reassociates", source: "(c x) . y = c (x . y); theano/tensor/blas.py local_dot22_to_dot22scalar",
    roots: [dot.op], rewrite: scalarsOut, example: example(["x", "y"], (x, y) => dot(x as Variable, mul(3, y as Variable))),
  },
  patternRule({
    name: "addNeg", phase: "canonicalise", exactness: "exact", source: "x + (-y) = x - y; theano/tensor/opt.py local_add_neg_to_sub",
    from: p(add, "x", p(neg, "y")), build: ({ x, y }) => sub(x as Variable, y as Variable), example: example(["x", "y"], (x, y) => add(x as Variable, neg(y as Variable))),
  }),
];

