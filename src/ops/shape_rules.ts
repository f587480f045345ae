/**
 * Rules of shapes: chains of dimshuffle, reshape and rebroadcast become one, lengths are found without values (so that a draw of p's shape
 * does not compute p), sums lose axes of length 1. Next: subtensor_rules.ts.
 */
import type { Op } from "../graph/op.js";
import { constantValue, inputsOf, isA, type Rule, type RuleContext } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, scalarConstant, Variable } from "../graph/variable.js";
import { isPrivate } from "./algebra.js";
import { alloc } from "./alloc.js";
import { argmax } from "./argmax.js";
import { allOps } from "./define.js";
import { dimShuffleOp, dimshuffle } from "./dimshuffle.js";
import type { Dims } from "./dims.js";
import { dot } from "./dot.js";
import { add, cast, maximum, minimum, mul, neg, sqr, sub } from "./elementwise.js";
import { joinOp } from "./join.js";
import { inv, log, log1p } from "./math.js";
import { patternBroadcast, rebroadcastOp } from "./rebroadcast.js";
import { type Axes, sum } from "./reduce.js";
import { isWhole, type Item, type RegionParams } from "./region.js";
import { reshape, reshapeOp } from "./reshape.js";
import { lengthsOf, shapeAt, shapeAxisOp } from "./shape.js";
import { sigmoid } from "./sigmoid.js";
import { subtensorOp } from "./subtensor.js";

const matrix = (name: string, broadcastable: readonly boolean[] = [false, false]): Variable => {
  const v = new Variable(tensorType("float64", 2), { name });
  return broadcastable.includes(true) ? new Variable(patternBroadcast(v, broadcastable).type, { name }) : v;
};
const ofMatrix = (build: (x: Variable) => Variable) => () => {
  const x = matrix("x");
  return { inputs: [x], before: build(x) };
};
const inputOf = (node: Apply, i = 0): Variable => node.inputs[i] as Variable;
const outputOf = (node: Apply): Variable => node.outputs[0] as Variable;
const orderOf = (node: Apply): readonly (number | null)[] => node.params.order as readonly (number | null)[];

function mergeDimshuffles(node: Apply): Variable | null {
  const inner = inputOf(node).owner;
  const order = orderOf(node);
  const merged = inner?.op === dimShuffleOp ? order.map((a) => (a === null ? null : (orderOf(inner)[a] as number | null))) : order;
  const x = inner?.op === dimShuffleOp ? (inner.inputs[0] as Variable) : inputOf(node);
  // An axis dropped and put back has length 1 both times.
  if (merged.length === x.ndim && merged.every((a, i) => a === i || (a === null && !merged.includes(i)))) return x;
  return inner?.op === dimShuffleOp ? apply1(dimShuffleOp, [x], { order: merged }) : null;
}

/** A reshape by another's input, or none where the lengths asked for are x's own. */
function mergeReshapes(node: Apply): Variable | null {
  const [x, ...dims] = node.inputs as [Variable, ...Variable[]];
  if (isA(x, { op: reshapeOp })) return apply1(reshapeOp, [x.owner?.inputs[0] as Variable, ...dims], node.params);
  const lengths = node.params.lengths as Dims["lengths"];
  let next = 0;
  const own = lengths.length === x.ndim && lengths.every((d, a) => {
    const asked = d === null ? dims[next++] : d;
    return asked === 1 ? x.broadcastable[a] : typeof asked === "object" && isLengthOf(asked, x, a);
  });
  return own ? patternBroadcast(x, outputOf(node).broadcastable) : null;
}
const isLengthOf = (v: Variable, x: Variable, axis: number): boolean => v.owner?.op === shapeAxisOp && v.owner.inputs[0] === x && v.owner.params.axis === axis;

/** f(reshape(x)) = reshape(f(x)), for functions of one element. Logarithms also pass a sign before it: log(1 - flatten(p)). */
function lift(node: Apply): Variable | null {
  const [minus] = (node.op === log1p.op ? inputsOf(inputOf(node), neg) : null) ?? [];
  const view = (minus ?? inputOf(node)).owner;
  if (view === null || (view.op !== reshapeOp && view.op !== rebroadcastOp)) return null;
  const x = view.inputs[0] as Variable;
  return apply1(view.op, [apply1(node.op, [minus === undefined ? x : neg(x)], node.params), ...view.inputs.slice(1)], view.params);
}

/** f(x, y).dimshuffle = f(x.dimshuffle, y.dimshuffle): factors come to the top. */
function dimshuffleInto(node: Apply, context: RuleContext): Variable | null {
  const f = inputOf(node).owner;
  if (f === null || f.op.fields.lower.kind !== "elementwise" || !isPrivate(inputOf(node), context)) return null;
  return apply1(f.op, f.inputs.map((v) => apply1(dimShuffleOp, [v], node.params)), f.params);
}

/** Ops whose parts products and sums look through stay outside views. */
const KEPT: readonly Op[] = [neg.op, sqr.op, inv.op, cast.op];
const liftedOps = (): readonly Op[] => allOps().filter((op) => op.fields.lower.kind === "elementwise" && op.fields.samples[0]?.inputs.length === 1 && !KEPT.includes(op));

/** Ops whose result has the shape of one of their inputs, and which. */
const SAME_SHAPE: ReadonlyMap<string, number> = new Map([
  ["softmax", 0], ["logSoftmax", 0], ["softmaxGrad", 1], ["crossentropySoftmax1hotDx", 1], ["crossentropyCategorical1hotGrad", 1], ["oneHotLike", 0], ["axisPosition", 0],
  ["setSubtensor", 0], ["incSubtensor", 0], ["advancedSetSubtensor", 0], ["advancedIncSubtensor", 0], ["scatterAdd", 0], ["placeLast", 0], ["rebroadcast", 0],
]);
const ONE_PER_ROW: ReadonlySet<string> = new Set(["pickPerRow", "crossentropyCategorical1hot", "crossentropySoftmax1hot"]);
const one = (): Variable => scalarConstant(1, "int32");

/** Never -1, which in a reshape would mean the rest. */
const isLength = (v: Variable): boolean => v.owner?.op === shapeAxisOp || (constantValue(v) ?? -1) >= 0 || (inputsOf(v, mul)?.every(isLength) ?? false);

function lengthAsked(node: Apply, axis: number): Variable | null {
  const lengths = node.params.lengths as Dims["lengths"];
  const literal = lengths[axis];
  if (literal !== null && literal !== undefined) return literal < 0 ? null : scalarConstant(literal, "int32");
  const asked = node.inputs[1 + lengths.slice(0, axis).filter((d) => d === null).length] as Variable;
  return isA(outputOf(node), alloc) || isLength(asked) ? asked : null;
}

/** The length that an index item leaves of an axis, where that needs no proof about symbolic bounds. */
function lengthTaken(x: Variable, items: readonly Item[], axis: number): Variable | null {
  const a = items.flatMap((i, k) => ("at" in i ? [] : [k]))[axis] as number;
  const item = items[a] as Exclude<Item, { at: unknown }>;
  const n = shapeAt(x, a);
  if (isWhole(item)) return n;
  if (item.step !== null && item.step !== 1 && !(item.step === -1 && item.start === null && item.stop === null)) return null;
  if (item.start === null && item.stop === null) return n;
  if (typeof item.start === "number" && item.start > 0 && item.stop === null) return maximum(sub(n, item.start), 0);
  return (item.start === null || item.start === 0) && typeof item.stop === "number" && item.stop >= 0 ? minimum(n, item.stop) : null;
}

/** The length of an axis from the lengths of what its maker reads; null where that is not known. */
function lengthFrom(v: Variable, axis: number): Variable | null {
  const maker = v.owner;
  if (v.broadcastable[axis]) return one();
  if (maker === null) return null;
  const [x, y] = maker.inputs as [Variable, Variable];
  const same = SAME_SHAPE.get(maker.op.name);
  if (same !== undefined) return shapeAt(maker.inputs[same] as Variable, axis);
  if (ONE_PER_ROW.has(maker.op.name)) return shapeAt(x, 0);
  if (maker.op.fields.lower.kind === "elementwise") {
    const source = maker.inputs.find((i) => !i.broadcastable[axis]);
    return source === undefined ? null : shapeAt(source, axis);
  }
  if (maker.op === alloc.op || maker.op === reshapeOp) return lengthAsked(maker, axis);
  if (maker.op === dimShuffleOp) return shapeAt(x, orderOf(maker)[axis] as number);
  if (maker.op === dot.op) return axis < x.ndim - 1 ? shapeAt(x, axis) : shapeAt(y, y.ndim - 1);
  if (maker.op === subtensorOp) return lengthTaken(x, (maker.params as RegionParams).items, axis);
  if (maker.op === joinOp && axis !== maker.params.axis) return shapeAt(x, axis);
  if (maker.op === joinOp) return maker.inputs.map((part) => shapeAt(part, axis)).reduce((a, b) => add(a, b));
  if ((maker.op.fields.lower.kind === "reduce" && "axes" in maker.params && maker.inputs.length === 1) || maker.op === argmax.op) {
    const { axes } = maker.params as Axes;
    return shapeAt(x, x.broadcastable.map((_, a) => a).filter((a) => !axes.includes(a))[axis] as number);
  }
  return null;
}

/** Where a length comes from in the end: a variable and its axis. */
export function lengthRoot(v: Variable, axis: number): readonly [Variable, number] {
  let at: readonly [Variable, number] = [v, axis];
  for (let made = lengthFrom(v, axis); made !== null && made.owner?.op === shapeAxisOp; made = lengthFrom(...at)) {
    at = [made.owner.inputs[0] as Variable, made.owner.params.axis as number];
  }
  return at;
}

/** Where nothing else reads the product: what is added to it, or written over, is then walked in one order. */
function transposedProduct(node: Apply, context: RuleContext): Variable | null {
  const product = inputOf(node);
  if (product.owner?.op !== dot.op || orderOf(node).join() !== "1,0" || !isPrivate(product, context)) return null;
  const [a, b] = product.owner.inputs as readonly [Variable, Variable];
  if (a.ndim !== 2 || b.ndim !== 2) return null;
  return dot(dimshuffle(b, 1, 0), dimshuffle(a, 1, 0));
}

/** sum over axes that were summed before, or that have length 1. */
function simplerSum(node: Apply): Variable | null {
  const x = inputOf(node);
  const { axes } = node.params as Axes;
  const inner = x.owner?.op === sum.op ? x.owner : null;
  if (inner !== null) {
    const before = (inner.params as Axes).axes;
    const left = (inner.inputs[0] as Variable).broadcastable.map((_, a) => a).filter((a) => !before.includes(a));
    return apply1(sum.op, [inner.inputs[0] as Variable], { axes: [...before, ...axes.map((a) => left[a] as number)].sort((p, q) => p - q) });
  }
  if (!x.type.isFloat || !axes.some((a) => x.broadcastable[a])) return null;
  const kept = x.broadcastable.map((_, a) => a).filter((a) => !(axes.includes(a) && x.broadcastable[a]));
  const rest = axes.filter((a) => !x.broadcastable[a]).map((a) => kept.indexOf(a));
  const narrow = dimshuffle(x, ...kept);
  return rest.length === 0 ? narrow : apply1(sum.op, [narrow], { axes: rest });
}

export const shapeRules = (): readonly Rule[] => [
  {
    name: "dimshuffleChain", phase: "canonicalise", exactness: "exact", source: "dimshuffle of dimshuffle is one; theano/tensor/opt.py local_dimshuffle_lift",
    roots: [dimShuffleOp], rewrite: mergeDimshuffles, example: ofMatrix((x) => dimshuffle(dimshuffle(x, 1, "x", 0), 2, 0)),
  },
  {
    name: "dimshuffleOfElementwise", phase: "canonicalise", exactness: "exact", source: "f(x, y).dimshuffle = f(x.dimshuffle, y.dimshuffle) where nothing else reads f(x, y); theano/tensor/opt.py local_dimshuffle_lift",
    roots: [dimShuffleOp], rewrite: dimshuffleInto, example: ofMatrix((x) => dimshuffle(mul(sigmoid(x), 2), 1, "x", 0)),
  },
  {
    name: "dimshuffleOfDot", phase: "canonicalise", exactness: "exact", source: "(x . y)' = y' . x' where nothing else reads x . y; theano/tensor/opt.py local_lift_transpose_through_dot",
    roots: [dimShuffleOp], rewrite: transposedProduct, example: ofMatrix((x) => dimshuffle(dot(x, sigmoid(x)), 1, 0)),
  },
  {
    name: "reshapeChain", phase: "canonicalise", exactness: "exact", source: "reshape of reshape is one, and to its own shape none; theano/tensor/opt.py local_reshape_chain",
    roots: [reshapeOp], rewrite: mergeReshapes, example: ofMatrix((x) => reshape(reshape(x, [-1]), lengthsOf(x))),
  },
  {
    name: "viewLift", phase: "canonicalise", exactness: "exact", source: "f(reshape(x)) = reshape(f(x)), so that log and sigmoid meet; theano/tensor/opt.py local_reshape_lift",
    roots: liftedOps(), rewrite: lift, example: ofMatrix((x) => log(reshape(sigmoid(x), [-1]))),
  },
  {
    name: "rebroadcastChain", phase: "canonicalise", exactness: "exact", source: "flags set twice, or to what they are; theano/tensor/opt.py local_rebroadcast_lift",
    roots: [rebroadcastOp],
    rewrite: (node) => {
      const x = inputOf(node);
      if (isA(x, { op: rebroadcastOp })) return patternBroadcast(x.owner?.inputs[0] as Variable, outputOf(node).broadcastable);
      return x.type.equals(outputOf(node).type) ? x : null;
    },
    example: () => {
      const x = matrix("x", [true, false]);
      return { inputs: [x], before: patternBroadcast(patternBroadcast(x, [false, false]), [true, false]) };
    },
  },
  {
    name: "lengthOfResult", phase: "canonicalise", exactness: "exact", source: "lengths of results are lengths of inputs; theano/tensor/opt.py ShapeFeature, local_shape_to_shape_i",
    roots: [shapeAxisOp], rewrite: (node) => lengthFrom(inputOf(node), node.params.axis as number), example: ofMatrix((x) => shapeAt(dot(sigmoid(x), x), 0)),
  },
  {
    name: "sumOfSum", phase: "canonicalise", exactness: "reassociates", source: "sum of sum is one, over axes of length 1 none; theano/tensor/opt.py local_sum_sum, local_reduce_broadcastable",
    roots: [sum.op], rewrite: simplerSum, example: ofMatrix((x) => sum(sum(x, { axis: 1 }))),
  },
];

