/**
 * Rules of softmax and the crossentropies: exp/sum to softmax, log(softmax) to logSoftmax, -log(softmax(x))[arange(n), y] to one finite op,
 * and the gradients of all of them. Identities are those of theano/tensor/nnet/nnet.py. Next: src/rewrite collects all rules.
 */
import { constantValue, inputsOf, isA, p, patternRule, type Rule } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, Variable } from "../graph/variable.js";
import { factorsOf, product, summed, termsOf } from "./algebra.js";
import { argmax } from "./argmax.js";
import { dimShuffleOp, dimshuffle } from "./dimshuffle.js";
import { div, fill, mul, neg, sub, switch_ } from "./elementwise.js";
import { crossentropyCategorical1hot, crossentropyCategorical1hotGradOp, crossentropySoftmax1hot, crossentropySoftmax1hotDx, oneHotLike, pickPerRow } from "./labels.js";
import { isShifted, shiftOf } from "./log_rules.js";
import { exp, log } from "./math.js";
import { type Axes, max, restoreAxes, sum } from "./reduce.js";
import { logSoftmax, softmax, softmaxGrad } from "./softmax.js";

const matrix = (name: string): Variable => new Variable(tensorType("float64", 2), { name });
const labels = (): Variable => new Variable(tensorType("int32", 1), { name: "y" });
const outputOf = (node: Apply): Variable => node.outputs[0] as Variable;
const inputOf = (node: Apply, i = 0): Variable => node.inputs[i] as Variable;
const ofMatrix = (build: (x: Variable) => Variable) => () => {
  const x = matrix("x");
  return { inputs: [x], before: build(x) };
};
const withLabels = (build: (x: Variable, y: Variable) => Variable) => () => {
  const [x, y] = [matrix("x"), labels()];
  return { inputs: [x, y], before: build(x, y) };
};
const without = (list: readonly Variable[], gone: Variable): Variable[] => list.filter((_, i) => i !== list.indexOf(gone));

/** Where v is a reduction with its axes put back at length 1: what was reduced, and the axes. */
function keptSum(v: Variable): { readonly of: Variable; readonly axes: readonly number[] } | null {
  const total = isA(v, { op: dimShuffleOp }) ? v.owner?.inputs[0] : v;
  if (total?.owner?.op !== sum.op) return null;
  const { axes } = total.owner.params as Axes;
  const of = total.owner.inputs[0] as Variable;
  const restored = restoreAxes(total, of.ndim, axes);
  const same = restored === v || JSON.stringify(restored.owner?.params) === JSON.stringify(v.owner?.params);
  return same ? { of, axes } : null;
}

/** exp(x) / sum(exp(x)), finite: an op for the rows of a matrix, else with the maximum subtracted. */
function softmaxAlong(x: Variable, axes: readonly number[]): Variable | null {
  if (x.ndim === 2 && axes.length === 1 && axes[0] === 1) return softmax(x);
  if (isShifted(x, axes)) return null;
  const e = exp(sub(x, shiftOf(x, axes)));
  return div(e, sum(e, { axis: axes, keepdims: true }));
}

function softmaxOfExps(node: Apply): Variable | null {
  const like = outputOf(node);
  const { coef, num, den } = factorsOf(like);
  for (const d of den) {
    const kept = keptSum(d);
    const x = kept === null ? undefined : inputsOf(kept.of, exp)?.[0];
    if (kept === null || x === undefined || !num.includes(kept.of)) continue;
    const made = softmaxAlong(x, kept.axes);
    if (made !== null) return product({ coef, num: [...without(num, kept.of), made], den: without(den, d) }, like, [...num, ...den]);
  }
  return null;
}

/** v without `below`, where it is divided by that. */
function times(v: Variable, below: (d: Variable) => boolean): Variable | null {
  const { coef, num, den } = factorsOf(v);
  const d = den.find(below);
  return d === undefined ? null : product({ coef, num, den: without(den, d) }, v, [...num, ...den]);
}

/** d where v = d / sm, also inside the branch of a switch whose other branch is zero; at labels y, sm is sm[arange(n), y]. */
function timesSoftmax(v: Variable, sm: Variable): Variable | null {
  const [hot, a, b] = inputsOf(v, switch_) ?? [];
  if (hot === undefined || a === undefined || constantValue(b as Variable) !== 0) return times(v, (d) => d === sm);
  const y = inputsOf(hot, oneHotLike)?.[1];
  const isPicked = (d: Variable): boolean => isA(d, pickPerRow) && d.owner?.inputs[0] === sm && d.owner.inputs[1] === y;
  const inner = times(a, (d) => d === sm || isPicked(inputsOf(d, { op: dimShuffleOp })?.[0] ?? d));
  return inner === null ? null : switch_(hot, inner, 0);
}

/** The column g of a matrix that is g at each row's label and zero elsewhere. */
function labelled(d: Variable): { readonly g: Variable; readonly y: Variable } | null {
  const [hot, column, zero] = inputsOf(d, switch_) ?? [];
  const y = hot === undefined ? undefined : inputsOf(hot, oneHotLike)?.[1];
  if (column === undefined || y === undefined || constantValue(zero as Variable) !== 0 || column.broadcastable[1] !== true) return null;
  const g = dimshuffle(column, 0);
  return { g: g.broadcastable[0] && !y.broadcastable[0] ? fill(y, g) : g, y };
}

/** softmaxGrad(d / sm, sm) = d - sum(d) sm; with d = g at each label, -g (sm - onehot). */
function gradOfLogSoftmax(node: Apply): Variable | null {
  const [over, sm] = node.inputs as [Variable, Variable];
  const d = timesSoftmax(over, sm);
  if (d === null) return null;
  const at = labelled(d);
  return at === null ? sub(d, mul(sum(d, { axis: 1, keepdims: true }), sm)) : crossentropySoftmax1hotDx(neg(at.g), sm, at.y);
}

/** The gradient of logSoftmax at one label per row: d - sum(d) softmax(x). */
function labelledLogSoftmaxGrad(node: Apply): Variable | null {
  const [d, scaled] = node.inputs as [Variable, Variable];
  const at = labelled(d);
  const sm = at === null ? undefined : (inputsOf(scaled, mul) ?? []).find((v) => isA(v, softmax));
  if (at === null || sm === undefined) return null;
  const other = inputsOf(scaled, mul)?.find((v) => v !== sm);
  const kept = other === undefined ? null : keptSum(other);
  return kept?.of === d && kept.axes.length === 1 && kept.axes[0] === 1 ? crossentropySoftmax1hotDx(neg(at.g), sm, at.y) : null;
}

export const NNET_RULES: readonly Rule[] = [
  {
    name: "softmaxOfExps", phase: "stabilise", exactness: "stabilises", source: "exp(x) / sum(exp(x)) = softmax(x); theano/tensor/nnet/nnet.py softmax_simplifier",
    roots: [mul.op, div.op], rewrite: softmaxOfExps, example: ofMatrix((x) => div(exp(x), sum(exp(x), { axis: 1, keepdims: true }))),
  },
  {
    name: "softmaxShift", phase: "stabilise", exactness: "reassociates", source: "softmax(x - c) = softmax(x) where c is the same along each row",
    roots: [softmax.op, logSoftmax.op],
    rewrite: (node) => {
      const x = inputOf(node);
      const { constant, pos, neg: minus } = termsOf(x);
      const along = (v: Variable): boolean => !v.broadcastable[1];
      const made = { constant: 0, pos: pos.filter(along), neg: minus.filter(along) };
      if (made.pos.length === 0 || (constant === 0 && made.pos.length === pos.length && made.neg.length === minus.length)) return null;
      return apply1(node.op, [summed(made, x, [...pos, ...minus])]);
    },
    example: ofMatrix((x) => softmax(sub(x, max(x, { axis: 1, keepdims: true })))),
  },
  patternRule({
    name: "logSoftmax", phase: "stabilise", exactness: "stabilises", source: "log(softmax(x)) = logSoftmax(x); theano/tensor/nnet/nnet.py local_logsoftmax",
    from: p(log, p(softmax, "x")), build: ({ x }) => logSoftmax(x as Variable), example: ofMatrix((x) => log(softmax(x))),
  }),
  {
    name: "logSoftmaxGrad", phase: "stabilise", exactness: "stabilises", source: "softmaxGrad(d / sm, sm) = d - sum(d) sm; theano/tensor/nnet/nnet.py local_logsoftmax_grad, local_advanced_indexing_crossentropy_onehot_grad",
    roots: [softmaxGrad.op], rewrite: gradOfLogSoftmax,
    example: ofMatrix((x) => softmaxGrad(div(x.sqr(), softmax(x)), softmax(x))),
  },
  {
    name: "labelledLogSoftmaxGrad", phase: "stabilise", exactness: "reassociates", source: "d - sum(d) softmax(x) = -g (softmax(x) - onehot(y)), where d is g at each label",
    roots: [sub.op], rewrite: labelledLogSoftmaxGrad,
    example: withLabels((x, y) => {
      const d = switch_(oneHotLike(x, y), sum(x, { axis: 1, keepdims: true }), 0);
      return sub(d, mul(sum(d, { axis: 1, keepdims: true }), softmax(x)));
    }),
  },
  patternRule({
    name: "pickOfLogSoftmax", phase: "stabilise", exactness: "stabilises",
    source: "log(softmax(x))[arange(n), y] = -crossentropySoftmax1hot(x, y); theano/tensor/nnet/nnet.py local_advanced_indexing_crossentropy_onehot",
    from: p(pickPerRow, p(logSoftmax, "x"), "y"), build: ({ x, y }) => neg(crossentropySoftmax1hot(x as Variable, y as Variable)),
    example: withLabels((x, y) => pickPerRow(logSoftmax(x), y)),
  }),
  patternRule({
    name: "logOfPick", phase: "stabilise", exactness: "stabilises", source: "log(p[arange(n), y]) = log(p)[arange(n), y], where p is a softmax, so that the rules above apply",
    from: p(log, p(pickPerRow, p(softmax, "x"), "y")), build: ({ x, y }) => pickPerRow(logSoftmax(x as Variable), y as Variable),
    example: withLabels((x, y) => log(pickPerRow(softmax(x), y))),
  }),
  patternRule({
    name: "crossentropyOfSoftmax", phase: "stabilise", exactness: "stabilises",
    source: "the crossentropy of softmax(x) with labels, from x; theano/tensor/nnet/nnet.py crossentropy_to_crossentropy_with_softmax",
    from: p(crossentropyCategorical1hot, p(softmax, "x"), "y"), build: ({ x, y }) => crossentropySoftmax1hot(x as Variable, y as Variable),
    example: withLabels((x, y) => crossentropyCategorical1hot(softmax(x), y)),
  }),
  patternRule({
    name: "crossentropyOfSoftmaxGrad", phase: "stabilise", exactness: "stabilises", source: "its gradient, g (softmax(x) - onehot(y))",
    from: p(softmaxGrad, p(crossentropyCategorical1hotGradOp, "g", "sm", "y"), "sm"),
    build: ({ g, sm, y }) => crossentropySoftmax1hotDx(g as Variable, sm as Variable, y as Variable),
    example: withLabels((x, y) => softmaxGrad(apply1(crossentropyCategorical1hotGradOp, [sum(x, { axis: 1 }), softmax(x), y]), softmax(x))),
  }),
  {
    name: "argmaxOfSoftmax", phase: "specialise", exactness: "reassociates", source: "argmax(softmax(x)) = argmax(x) along rows; theano/tensor/nnet/nnet.py local_argmax_pushdown",
    roots: [argmax.op],
    rewrite: (node) => {
      const x = inputsOf(inputOf(node), softmax)?.[0] ?? inputsOf(inputOf(node), logSoftmax)?.[0];
      const { axes } = node.params as Axes;
      return x !== undefined && axes.length === 1 && axes[0] === 1 ? apply1(node.op, [x], node.params) : null;
    },
    example: ofMatrix((x) => argmax(softmax(x), { axis: 1 })),
  },
];
