/**
 * Rules of indexing by labels: log(softmax(x))[arange(n), y] and its gradient become ops that know there is one label for each row, which
 * nnet_rules.ts then makes finite. Identities are those of theano/tensor/nnet/nnet.py.
 */
import { constantValue, inputsOf, isA, type Rule } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, Constant, Variable } from "../graph/variable.js";
import { advancedSubtensorOp, gather, scatterAddOp } from "./advanced.js";
import { arange, arangeOp } from "./alloc.js";
import { dimshuffle } from "./dimshuffle.js";
import { fill, switch_ } from "./elementwise.js";
import { oneHotLike, pickPerRow } from "./labels.js";
import { log } from "./math.js";
import { patternBroadcast } from "./rebroadcast.js";
import { sum } from "./reduce.js";
import { lengthRoot } from "./shape_rules.js";
import { shapeAt, shapeAxisOp } from "./shape.js";
import { logSoftmax, softmax } from "./softmax.js";

/** Whether v is a softmax of rows, or its logarithm. */
const isDistribution = (v: Variable): boolean => isA(v, softmax) || isA(v, logSoftmax) || isA(inputsOf(v, log)?.[0] ?? v, softmax);

/** How many rows a matrix has, where that is known without values. */
function knownRows(matrix: Variable): number | null {
  const [root, axis] = lengthRoot(matrix, 0);
  return root instanceof Constant ? (root.value.shape[axis] as number) : matrix.broadcastable[0] === true ? 1 : null;
}

/** Whether `rows` is 0, 1, … for each row of a matrix: as many as it has, or as there are labels, which are one for each row as in Theano. */
function isArangeOver(rows: Variable, labels: Variable, matrix: Variable): boolean {
  const [start, stop, step] = inputsOf(rows, { op: arangeOp }) ?? [];
  if (rows instanceof Constant) return knownRows(matrix) === rows.value.size && rows.value.data.every((x, i) => x === i);
  if (start === undefined || stop === undefined || constantValue(start) !== 0 || constantValue(step as Variable) !== 1) return false;
  if (stop.owner?.op !== shapeAxisOp) return knownRows(matrix) === constantValue(stop);
  const [root, axis] = lengthRoot(stop.owner.inputs[0] as Variable, stop.owner.params.axis as number);
  return [labels, matrix].some((v) => {
    const [r, a] = lengthRoot(v, 0);
    return r === root && a === axis;
  });
}

/** The labels of a read or write of one place per row; null for others. */
function labelsOf(node: Apply, matrix: Variable, indices: readonly Variable[]): Variable | null {
  const axes = node.params.axes as readonly number[];
  const [rows, y] = indices as [Variable, Variable];
  if (matrix.ndim !== 2 || axes.length !== 2 || axes[0] !== 0 || rows.ndim !== 1 || y.ndim !== 1 || y.dtype !== "int32") return null;
  return isDistribution(matrix) && isArangeOver(rows, y, matrix) ? y : null;
}

const example = (build: (x: Variable, y: Variable) => Variable) => () => {
  const [x, y] = [new Variable(tensorType("float64", 2), { name: "x" }), new Variable(tensorType("int32", 1), { name: "y" })];
  return { inputs: [x, y], before: build(x, y) };
};

export const ADVANCED_RULES: readonly Rule[] = [
  {
    name: "pickLabels", phase: "canonicalise", exactness: "exact", source: "softmax(x)[arange(n), y] picks one per row; theano/tensor/nnet/nnet.py local_advanced_indexing_crossentropy_onehot",
    roots: [advancedSubtensorOp],
    rewrite: (node) => {
      const [x, ...indices] = node.inputs as [Variable, ...Variable[]];
      const y = labelsOf(node, x, indices);
      return y === null ? null : patternBroadcast(pickPerRow(x, y), (node.outputs[0] as Variable).broadcastable);
    },
    example: example((x, y) => gather(softmax(x), [arange(shapeAt(y, 0)), y], [0, 1])),
  },
  {
    name: "scatterLabels", phase: "canonicalise", exactness: "exact", source: "its gradient is g at each row's label; theano/tensor/nnet/nnet.py local_advanced_indexing_crossentropy_onehot_grad",
    roots: [scatterAddOp],
    rewrite: (node) => {
      const [x, g, ...indices] = node.inputs as [Variable, Variable, ...Variable[]];
      const y = labelsOf(node, x, indices);
      if (y === null) return null;
      const each = g.broadcastable[0] && !y.broadcastable[0] ? fill(y, g) : g;
      return switch_(oneHotLike(x, y), dimshuffle(each, 0, "x"), 0);
    },
    example: example((x, y) => apply1(scatterAddOp, [softmax(x), sum(x, { axis: 1 }), arange(shapeAt(x, 0)), y], { axes: [0, 1] })),
  },
];
