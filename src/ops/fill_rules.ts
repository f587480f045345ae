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
import { allOps } from "./define.js";
import { padLeft } from "./dimshuffle.js";
import { fill, mul } from "./elementwise.js";
import { exp } from "./math.js";
import { lengthsOf } from "./shape.js";

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

/** Lengths of a fill's result: each from an input that does not broadcast there. */
function toAlloc(node: Apply): Variable | null {
  const [x, v] = node.inputs as [Variable, Variable];
  const out = node.outputs[0] as Variable;
  if (v.type.equals(out.type)) return v;
  const [ofX, ofV] = [lengthsOf(x), lengthsOf(v)];
  return alloc(v, ...out.broadcastable.map((b, a) => (b ? scalarConstant(1, "int32") : ((x.broadcastable[a] ? ofV : ofX)[a] as Variable))));
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
    name: "fillToAlloc", phase: "canonicalise", exactness: "exact", source: "fill(x, v) = alloc(v, x.shape), or v where v has the type; theano/tensor/opt.py local_fill_to_alloc",
    roots: [fill.op], rewrite: toAlloc,
    example: () => {
      const x = matrix("x");
      return { inputs: [x], before: fill(x, 1) };
    },
  },
];
