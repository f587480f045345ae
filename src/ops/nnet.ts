/**
 * What users find under T.nnet: activations, softmax, convolutions and the costs of classification, with Theano's meaning (theano/tensor/nnet/nnet.py).
 * Records are in sigmoid.ts, softmax.ts, labels.ts and conv.ts; the costs below are plain compositions, which rewriting recognises.
 */
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { asTensor, type Operand } from "./define.js";
import { add, mul, neg, sub } from "./elementwise.js";
import { crossentropyCategorical1hot } from "./labels.js";
import { log } from "./math.js";
import { sum } from "./reduce.js";
import { softplus } from "./sigmoid.js";

export { abstractConv, conv, conv2d, conv2dTranspose, separableConv2d } from "./convolutions.js";
export * as bn from "./batch_norm.js";
export { crossentropyCategorical1hot, crossentropySoftmax1hot, crossentropySoftmax1hotDx, pickPerRow } from "./labels.js";
export { elu, hardSigmoid, relu, selu, sigmoid, softplus, softsign, ultraFastSigmoid } from "./sigmoid.js";
export { logSoftmax, softmax, softmaxGrad } from "./softmax.js";

/** -(t log(p) + (1 - t) log(1 - p)) elementwise, no mean (theano/tensor/nnet/nnet.py binary_crossentropy). */
export function binaryCrossentropy(output: Operand, target: Operand): Variable {
  const p = asTensor(output);
  const t = typeof target === "number" ? target : asTensor(target);
  return neg(add(mul(t, log(p)), mul(sub(1, t), log(sub(1, p)))));
}

/** `binaryCrossentropy(sigmoid(x), target)`, computed as softplus(x) - target x, which stays finite (theano/tensor/nnet/nnet.py sigmoid_binary_crossentropy). */
export const sigmoidBinaryCrossentropy = (x: Operand, target: Operand): Variable => sub(softplus(x), mul(target, x));

/**
 * The crossentropy of each row, a vector. `trueDist` is a matrix of distributions (-sum(t log p) over the last axis) or an int vector of labels
 * (-log p[i, y[i]]). Error: `crossentropy-rank`.
 */
export function categoricalCrossentropy(codingDist: Operand, trueDist: Operand): Variable {
  const [p, t] = [asTensor(codingDist), asTensor(trueDist)];
  if (t.ndim === p.ndim) return neg(sum(mul(t, log(p)), { axis: p.ndim - 1 }));
  if (t.ndim === p.ndim - 1) return crossentropyCategorical1hot(p, t);
  return fail("type", "crossentropy-rank", {
    what: "categoricalCrossentropy() got distributions and targets whose ranks do not go together.",
    where: String(t.origin),
    saw: [`distributions: ${p}`, `targets: ${t}`],
    fix: "pass a matrix with a matrix of the same shape, or with an int vector of labels",
  });
}
