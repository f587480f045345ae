/**
 * What users find under T.nnet: activations, softmax, convolutions and the costs of classification, with Theano's meaning (theano/tensor/nnet/nnet.py).
 * Records are in sigmoid.ts, softmax.ts, labels.ts and conv.ts; the costs below are plain compositions, which rewriting recognises.
 */
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { arange } from "./alloc.js";
import { asTensor, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { batchedDot, dot } from "./dot.js";
import { add, floorDiv, mod, mul, neg, sub } from "./elementwise.js";
import { get } from "./indexing.js";
import { crossentropyCategorical1hot } from "./labels.js";
import { log } from "./math.js";
import { sum } from "./reduce.js";
import { flatten, reshape } from "./reshape.js";
import type { Length } from "./shape.js";
import { softplus } from "./sigmoid.js";
import { all, slice } from "./slices.js";
import { softmax } from "./softmax.js";
import { tensordot } from "./tensordot.js";

export { abstractConv, conv, conv2d, conv2dTranspose, separableConv2d } from "./convolutions.js";
export * as bn from "./batch_norm.js";
export { crossentropyCategorical1hot, crossentropySoftmax1hot, crossentropySoftmax1hotDx, pickPerRow } from "./labels.js";
export { elu, hardSigmoid, relu, selu, sigmoid, softplus, softsign, ultraFastSigmoid } from "./sigmoid.js";
export { conv3d } from "./volumes.js";
export { images2neibs, neibs2images, neighbours } from "./neighbours.js";
export { logSoftmax, logSoftmax as logsoftmax, softmax, softmaxGrad } from "./softmax.js";

/** -(t log(p) + (1 - t) log(1 - p)) elementwise, no mean (theano/tensor/nnet/nnet.py binary_crossentropy). */
export function binaryCrossentropy(output: Operand, target: Operand): Variable {
  const p = asTensor(output);
  const t = typeof target === "number" ? target : asTensor(target);
  return neg(add(mul(t, log(p)), mul(sub(1, t), log(sub(1, p)))));
}

/** `softmax(x + b)`, b added to each row (theano/tensor/nnet/nnet.py softmax_with_bias). */
export const softmaxWithBias = (x: Operand, b: Operand): Variable => softmax(add(x, b));

/**
 * Two-level hierarchical softmax (theano/tensor/nnet/nnet.py h_softmax): output k is number k % nOutputsPerClass of class k // nOutputsPerClass, and its
 * probability the product of both. W1 is `[features, classes]`, W2 `[classes, features, outputs per class]`, b1 and b2 their biases. With `target` (an int
 * vector) only the targets' probabilities are computed, a vector; else a row of nOutputs for each x.
 */
export function hSoftmax(x: Operand, batchSize: Length, nOutputs: number, nClasses: number, nOutputsPerClass: number, W1: Operand, b1: Operand, W2: Operand, b2: Operand, target: Operand | null = null): Variable {
  const [v, levels, biases] = [asTensor(x), asTensor(W2), asTensor(b2)] as const;
  const classes = softmax(add(dot(v, W1), b1));
  if (target === null) {
    const rows = reshape(add(tensordot(v, levels, [1, 1]), biases), [-1, nOutputsPerClass]);
    const inClass = reshape(softmax(rows), [batchSize, nClasses, nOutputsPerClass]);
    return get(reshape(mul(dimshuffle(classes, 0, 1, "x"), inClass), [batchSize, nClasses * nOutputsPerClass]), all, slice(0, nOutputs));
  }
  const t = flatten(target);
  const [own, at] = [floorDiv(t, nOutputsPerClass), mod(t, nOutputsPerClass)];
  const rows = add(get(batchedDot(dimshuffle(v, 0, "x", 1), get(levels, own)), all, 0), get(biases, own));
  return mul(get(classes, arange(batchSize), own), get(softmax(rows), arange(batchSize), at));
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
