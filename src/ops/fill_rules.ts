/**
 * Rules of repetition: `fill` and `alloc` are moved towards the outputs, past elementwise ops that broadcast anyway, and become allocs of shapes
 * that do not need values. What gradients make of `sum` and `mean` then matches other patterns. Next: shape_rules.ts.
 */
import type { Op } from "../graph/op.js";
import { isA, type Rule } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, scalarConstant, Variable } from "../graph/variable.js";
import { fillLike } from "./algebra.js";
import { alloc } from "./alloc.js";
import { allOps, asTensor } from "./define.js";
import type { Dims } from "./dims.js";
import { dimShuffleOp, dimshuffle, padLeft } from "./dimshuffle.js";
import { cast, fill, mul } from "./elementwise.js";
import { exp } from "./math.js";
import { patternBroadcast } from "./rebroadcast.js";
import { type Axes, sum } from "./reduce.js";
import { lengthsOf, shapeAt } from "./shape.js";

const matrix = (name: string): Variable => new Variable(tensorType("float64", 2), { name });

/** Every op that computes element by element; those of later modules too, when rules are collected. */
export const elementwiseOps = (): readonly Op[] => allOps().filter((op) => op.fields.lower.kind === "elementwise" && op !== fill.op);

/** What a fill or alloc repeats, padded to its rank; null for others. */
function repeated(v: Variable): Variable | null {
  const inputs = v.owner?.inputs ?? [];
  if (isA(v, fill)) return inputs[1] as Variable;
  return isA(v, alloc) ? padLeft(inputs[0] as Variable, v.ndim) : null;
}

function sink(node: Apply): Variable | null {
  const like = node.outputs[0] as Variable;
  const values = node.inputs.map(repeated);
  if (values.every((v) => v === null)) return null;
  const narrow = apply1(node.op, node.inputs.map((v, i) => values[i] ?? v), node.params);
  const models = node.inputs.map((v) => (isA(v, fill) ? (v.owner?.inputs[0] as Variable) : v));
  return fillLike(narrow, like, models);
}

/** The lengths that an alloc asks for. */
function lengthsAsked(node: Apply): (number | Variable)[] {
  let next = 1;
  return (node.params.lengths as Dims["lengths"]).map((d) => d ?? (node.inputs[next++] as Variable));
}

/** alloc(v, n, m).dimshuffle = alloc(v.dimshuffle, …), so that the alloc can go on. */
function dimshuffleOfAlloc(node: Apply): Variable | null {
  const made = (node.inputs[0] as Variable).owner;
  if (made?.op !== alloc.op) return null;
  const order = node.params.order as readonly (number | null)[];
  const lengths = lengthsAsked(made);
  const v = made.inputs[0] as Variable;
  const value = v.ndim === 0 ? v : apply1(dimShuffleOp, [padLeft(v, lengths.length)], node.params);
  return patternBroadcast(alloc(value, order.map((a) => (a === null ? 1 : (lengths[a] as number | Variable)))), (node.outputs[0] as Variable).broadcastable);
}

/** The sum of a repeated number is the number times how many there are. */
function sumOfAlloc(node: Apply): Variable | null {
  const made = (node.inputs[0] as Variable).owner;
  const out = node.outputs[0] as Variable;
  const v = made?.op === alloc.op ? (made.inputs[0] as Variable) : null;
  if (made === null || v === null || !v.type.isFloat || v.broadcastable.includes(false)) return null;
  const { axes } = node.params as Axes;
  const lengths = lengthsAsked(made);
  const count = axes.map((a) => asTensor(lengths[a] as number | Variable)).reduce((a, b) => mul(a, b));
  const total = mul(dimshuffle(v), cast(count, v.dtype));
  const kept = lengths.filter((_, a) => !axes.includes(a));
  return patternBroadcast(kept.length === 0 ? total : alloc(total, kept), out.broadcastable);
}

/** Lengths of a fill's result: each from an input that does not broadcast there. */
function toAlloc(node: Apply): Variable | null {
  const [x, v] = node.inputs as [Variable, Variable];
  const out = node.outputs[0] as Variable;
  if (v.type.equals(out.type)) return v;
  const [ofX, ofV] = [lengthsOf(x), lengthsOf(v)];
  const made = alloc(v, ...out.broadcastable.map((b, a) => (b ? scalarConstant(1, "int32") : ((x.broadcastable[a] ? ofV : ofX)[a] as Variable))));
  return patternBroadcast(made, out.broadcastable);
}

export const fillRules = (): readonly Rule[] => [
  {
    name: "fillSink", phase: "canonicalise", exactness: "exact", source: "f(fill(a, x), y) = f(x, y) where y has the shape, else fill(a, f(x, y)); theano/tensor/opt.py local_fill_sink, local_elemwise_alloc",
    roots: elementwiseOps(), rewrite: sink,
    example: () => {
      const [x, y] = [matrix("x"), matrix("y")];
      return { inputs: [x, y], before: mul(fill(x, 2), exp(y)) };
    },
  },
  {
    name: "dimshuffleOfAlloc", phase: "canonicalise", exactness: "exact", source: "alloc(v, n, m).T = alloc(v.T, m, n); theano/tensor/opt.py local_dimshuffle_alloc",
    roots: [dimShuffleOp], rewrite: dimshuffleOfAlloc,
    example: () => {
      const x = matrix("x");
      return { inputs: [x], before: dimshuffle(alloc(dimshuffle(sum(x, { axis: 1 }), 0, "x"), shapeAt(x, 0), shapeAt(x, 1)), 1, "x", 0) };
    },
  },
  {
    name: "sumOfAlloc", phase: "canonicalise", exactness: "reassociates", source: "the sum of a number repeated n times is n times it; theano/tensor/opt.py local_sum_prod_alloc",
    roots: [sum.op], rewrite: sumOfAlloc,
    example: () => {
      const x = matrix("x");
      return { inputs: [x], before: sum(alloc(sum(x), shapeAt(x, 0), shapeAt(x, 1)), { axis: 0 }) };
    },
  },
  {
    name: "fillToAlloc", phase: "canonicalise", exactness: "exact", source: "fill(x, v) = alloc(v, x.shape), or v where v has the type; theano/tensor/opt.py local_fill_to_alloc",
    roots: [fill.op], rewrite: toAlloc,
    example: () => {
      const x = matrix("x");
      return { inputs: [x], before: fill(x, 1) };
    },
  },
];
