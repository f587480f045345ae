/**
 * Rules that keep logarithms, exponentials and sigmoids finite, and their gradients, which are products of the same parts. Identities are
 * those of theano/tensor/opt.py and theano/tensor/nnet/sigm.py. Next: nnet_rules.ts does the same for softmax and its costs.
 */
import { inputsOf, p, patternRule, type Rule, type RuleContext } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, Variable } from "../graph/variable.js";
import { factorsOf, fillLike, isPrivate, negated, negates, product, summed, type Terms, termsOf } from "./algebra.js";
import { dimShuffleOp } from "./dimshuffle.js";
import { abs, add, div, eq, isinf, maximum, mul, neg, sub, switch_ } from "./elementwise.js";
import { exp, expm1, inv, log, log1p } from "./math.js";
import { type Axes, max, restoreAxes, sum } from "./reduce.js";
import { sigmoid, softplus } from "./sigmoid.js";

const vector = (name: string): Variable => new Variable(tensorType("float64", 1), { name });
const example = (names: readonly string[], build: (v: readonly Variable[]) => Variable) => () => {
  const inputs = names.map(vector);
  return { inputs, before: build(inputs) };
};
const outputOf = (node: Apply): Variable => node.outputs[0] as Variable;
const inputOf = (node: Apply): Variable => node.inputs[0] as Variable;
/** x where v = f(x). */
const argument = (v: Variable, f: { readonly op: typeof exp.op }): Variable | null => inputsOf(v, f)?.[0] ?? null;

/** The exponents of a sum of nothing but exponentials (and `constant`); null for other sums. */
function exponents(t: Terms, constant: number): Variable[] | null {
  const xs = t.pos.map((v) => argument(v, exp));
  return t.constant === constant && t.neg.length === 0 && xs.length > 0 && !xs.includes(null) ? (xs as Variable[]) : null;
}

/** log(exp a + exp b) = max + log(1 + exp(-|a - b|)); equal infinities have no difference. */
const logAddExp = (a: Variable, b: Variable): Variable => {
  const same = eq(a, b);
  const distance = switch_(same, 0, abs(sub(a, b)));
  return add(maximum(a, b), softplus(neg(distance)));
};
const logOfSum = (xs: readonly Variable[]): Variable => xs.slice(1).reduce(logAddExp, xs[0] as Variable);

/** Whether x has had a maximum along these axes subtracted: then its exponentials cannot overflow. */
export function isShifted(x: Variable, axes: readonly number[]): boolean {
  const fromMax = (v: Variable): boolean => {
    const [c, a, b] = inputsOf(v, switch_) ?? [];
    if (c !== undefined) return fromMax(a as Variable) || fromMax(b as Variable);
    const inner = v.owner;
    if (inner?.op === max.op) return true;
    return inner?.op.fields.repeats !== undefined && fromMax(inner.inputs[inner.op.fields.repeats] as Variable);
  };
  return termsOf(x).neg.some((v) => fromMax(v) && axes.every((a) => v.broadcastable[a]));
}

/** The maximum along axes, with length 1; 0 where it is infinite, since inf - inf is no number. */
export function shiftOf(x: Variable, axes: readonly number[]): Variable {
  const m = max(x, { axis: axes, keepdims: true });
  return switch_(isinf(m), 0, m);
}

function stableLogSum(node: Apply): Variable | null {
  const shuffle = inputOf(node).owner?.op === dimShuffleOp ? inputOf(node).owner : null;
  const total = shuffle === null ? inputOf(node).owner : (shuffle?.inputs[0]?.owner ?? null);
  const x = total?.op === sum.op ? argument(total.inputs[0] as Variable, exp) : null;
  if (total === null || x === null) return null;
  const { axes } = total.params as Axes;
  if (isShifted(x, axes)) return null;
  const m = max(x, { axis: axes });
  const safe = switch_(isinf(m), 0, m);
  const stable = add(safe, log(sum(exp(sub(x, restoreAxes(safe, x.ndim, axes))), { axis: axes })));
  return shuffle === null ? stable : apply1(dimShuffleOp, [stable], shuffle?.params);
}

type Parts = { readonly coef: number; readonly num: readonly Variable[]; readonly den: readonly Variable[] };
const without = (list: readonly Variable[], ...gone: readonly Variable[]): Variable[] => {
  const left = [...list];
  for (const v of gone) left.splice(left.indexOf(v), 1);
  return left;
};

/**
 * A rule on the factors of a product, however it is written. Sigmoids written out are found while canonicalising, so that a gradient's
 * products still hold the parts that cancel.
 */
function factorRule(fields: Pick<Rule, "name" | "phase" | "source" | "example"> & { change(parts: Parts, context: RuleContext): Parts | null }): Rule {
  const { change, ...rest } = fields;
  return {
    ...rest, exactness: "stabilises", roots: [mul.op, div.op, inv.op],
    rewrite: (node, context) => {
      const like = outputOf(node);
      const parts = factorsOf(like);
      const made = change(parts, context);
      return made === null ? null : product(made, like, [...parts.num, ...parts.den]);
    },
  };
}

/** y / (1 + exp z) = y sigmoid(-z). */
function sigmoidBelow({ coef, num, den }: Parts): Parts | null {
  for (const d of den) {
    const z = exponents(termsOf(d), 1);
    if (z === null) continue;
    return { coef, num: [...num, sigmoid(negated(logOfSum(z)))], den: without(den, d) };
  }
  return null;
}

/** exp(z) sigmoid(-z) = sigmoid(z). */
function sigmoidTimesExp({ coef, num, den }: Parts): Parts | null {
  for (const e of num) {
    const z = argument(e, exp);
    const s = z === null ? undefined : num.find((v) => {
      const w = argument(v, sigmoid);
      return w !== null && negates(w, z);
    });
    if (z !== null && s !== undefined) return { coef, num: [...without(num, e, s), sigmoid(z)], den };
  }
  return null;
}

/** exp(a) / (exp a + exp b + …) = sigmoid(a - log(exp b + …)). */
function shareOfExps({ coef, num, den }: Parts): Parts | null {
  for (const d of den) {
    const xs = exponents(termsOf(d), 0);
    if (xs === null || xs.length < 2) continue;
    const e = num.find((v) => xs.includes(argument(v, exp) as Variable));
    if (e === undefined) continue;
    const a = argument(e, exp) as Variable;
    return { coef, num: [...without(num, e), sigmoid(sub(a, logOfSum(without(xs, a))))], den: without(den, d) };
  }
  return null;
}

export const LOG_RULES: readonly Rule[] = [
  {
    name: "log1p", phase: "stabilise", exactness: "stabilises", source: "log(1 + x) without rounding 1 + x; theano/tensor/opt.py local_log1p",
    roots: [log.op],
    rewrite: (node) => {
      const { constant, pos, neg: minus } = termsOf(inputOf(node));
      if (constant !== 1 || pos.length + minus.length === 0) return null;
      return log1p(summed({ constant: 0, pos, neg: minus }, inputOf(node), [inputOf(node)]));
    },
    example: example(["x"], ([x]) => log(add(1, (x as Variable).sqr()))),
  },
  {
    name: "expm1", phase: "stabilise", exactness: "stabilises", source: "exp(x) - 1 near 0; theano/tensor/opt.py local_expm1",
    roots: [add.op, sub.op],
    rewrite: (node) => {
      const x = exponents(termsOf(outputOf(node)), -1);
      return x?.length === 1 ? fillLike(expm1(x[0] as Variable), outputOf(node), node.inputs) : null;
    },
    example: example(["x"], ([x]) => sub(exp(x as Variable), 1)),
  },
  {
    name: "softplus", phase: "stabilise", exactness: "stabilises", source: "log(1 + exp x) = softplus(x), also of sums of exponentials; theano/tensor/nnet/sigm.py log1pexp_to_softplus",
    roots: [log1p.op],
    rewrite: (node) => {
      const xs = exponents(termsOf(inputOf(node)), 0);
      return xs === null ? null : softplus(logOfSum(xs));
    },
    example: example(["x"], ([x]) => log1p(exp(x as Variable))),
  },
  patternRule({
    name: "logSigmoid", phase: "stabilise", exactness: "stabilises", source: "log(sigmoid(x)) = -softplus(-x); theano/tensor/nnet/sigm.py logsigm_to_softplus",
    from: p(log, p(sigmoid, "x")), build: ({ x }) => neg(softplus(negated(x as Variable))), example: example(["x"], ([x]) => log(sigmoid(x as Variable))),
  }),
  patternRule({
    name: "log1pNegSigmoid", phase: "stabilise", exactness: "stabilises", source: "log(1 - sigmoid(x)) = -softplus(x); theano/tensor/nnet/sigm.py log1msigm_to_softplus, log1p_neg_sigmoid",
    from: p(log1p, p(neg, p(sigmoid, "x"))), build: ({ x }) => neg(softplus(x as Variable)), example: example(["x"], ([x]) => log1p(neg(sigmoid(x as Variable)))),
  }),
  {
    name: "oneMinusSigmoid", phase: "stabilise", exactness: "stabilises", source: "1 - sigmoid(x) = sigmoid(-x), where sigmoid(x) has no other reader; theano/tensor/nnet/sigm.py local_1msigmoid",
    roots: [sub.op],
    rewrite: (node, context) => {
      const { constant, pos, neg: [s, ...more] } = termsOf(outputOf(node));
      if (constant !== 1 || pos.length > 0 || s === undefined || more.length > 0 || !isPrivate(s, context)) return null;
      const x = argument(s, sigmoid);
      return x === null ? null : fillLike(sigmoid(negated(x)), outputOf(node), node.inputs);
    },
    example: example(["x"], ([x]) => sub(1, sigmoid(x as Variable))),
  },
  factorRule({
    name: "inv1PlusExp", phase: "canonicalise", source: "1 / (1 + exp(-x)) = sigmoid(x); theano/tensor/nnet/sigm.py local_inv_1_plus_exp", change: sigmoidBelow,
    example: example(["x", "y"], ([x, y]) => div(y as Variable, add(1, exp(neg(x as Variable))))),
  }),
  factorRule({
    name: "sigmoidTimesExp", phase: "canonicalise", source: "exp(x) sigmoid(-x) = sigmoid(x), so exp(x) / (1 + exp(x)) too; theano/tensor/nnet/sigm.py local_sigm_times_exp, local_exp_over_1_plus_exp", change: sigmoidTimesExp,
    example: example(["x", "y"], ([x, y]) => mul(mul(exp(x as Variable), y as Variable), sigmoid(neg(x as Variable)))),
  }),
  factorRule({
    name: "shareOfExps", phase: "stabilise", source: "exp a / (exp a + exp b) = sigmoid(a - b): the gradient of logAdd", change: shareOfExps,
    example: example(["x", "y"], ([x, y]) => div(exp(x as Variable), add(exp(x as Variable), exp(y as Variable)))),
  }),
  {
    name: "logAdd", phase: "stabilise", exactness: "stabilises", source: "log(exp a + exp b) = max(a, b) + log(1 + exp(-|a - b|)); theano/tensor/opt.py local_log_add",
    roots: [log.op],
    rewrite: (node) => {
      const xs = exponents(termsOf(inputOf(node)), 0);
      return xs === null || xs.length < 2 ? null : logOfSum(xs);
    },
    example: example(["x", "y"], ([x, y]) => log(add(exp(x as Variable), exp(y as Variable)))),
  },
  {
    name: "logSumExp", phase: "stabilise", exactness: "stabilises", source: "log sum exp x = m + log sum exp(x - m), m the maximum; theano/tensor/opt.py local_log_sum_exp",
    roots: [log.op], rewrite: stableLogSum, example: example(["x"], ([x]) => log(sum(exp(x as Variable)))),
  },
  patternRule({
    name: "logExp", phase: "stabilise", exactness: "stabilises", source: "log(exp(x)) = x",
    from: p(log, p(exp, "x")), build: ({ x }) => x ?? null, example: example(["x"], ([x]) => log(exp(x as Variable))),
  }),
];

