/**
 * Ops that give back their input and say what its gradient is: held at zero, cut off, limited, scaled (theano/gradient.py). Rewriting drops them,
 * since gradients are taken before. Users find them under `gradient`.
 */
import type { Expr } from "../codegen/ir/expr.js";
import type { InputGradient, Op, Params } from "../graph/op.js";
import type { Rule } from "../graph/rule.js";
import { type TensorType, tensorType } from "../graph/types.js";
import { type Apply, apply1, Variable } from "../graph/variable.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { asTensor, defineOp, method, type Operand } from "./define.js";
import { clip, mul, neg } from "./elementwise.js";
import { zeroGradient } from "./fill.js";

interface Fields<P extends Params> { readonly name: string; readonly doc: string; readonly params: P; gradient(g: Variable, x: Variable, params: P): InputGradient }

function identity<P extends Params>(f: Fields<P>): Op {
  const drop: Rule = {
    name: `drop${f.name[0]?.toUpperCase()}${f.name.slice(1)}`, phase: "canonicalise", exactness: "exact", source: `${f.name}(x) = x once gradients are taken; theano/gradient.py`,
    get roots() {
      return [op];
    },
    rewrite: (node: Apply) => node.inputs[0] as Variable,
    example: () => {
      const x = new Variable(tensorType("float64", 2), { name: "x" });
      return { inputs: [x], before: neg(apply1(op, [x], f.params)) };
    },
  };
  const op: Op = defineOp<P>({
    name: f.name,
    doc: f.doc,
    infer: ([x]) => [x as TensorType],
    shape: ({ shapes }) => [shapes[0] as Shape],
    lower: { kind: "elementwise", expr: ([x]) => x as Expr },
    gradient: ({ inputs: [x], cotangents: [g], params }) => [f.gradient(g as Variable, x as Variable, params)],
    reference: ([x]) => [x as NdArray],
    // Their gradients are not those of the function they compute, so they have no samples with floats to be checked on.
    samples: [{ inputs: [{ dtype: "int32", shape: [2, 3], low: -5, high: 5 }], params: f.params }],
    rules: [drop],
    repeats: 0,
    onnx: "Identity",
  });
  return op;
}

const zeroOp = identity({ name: "zeroGrad", doc: "x, with a gradient of zero (theano.gradient.zero_grad, consider_constant).", params: {}, gradient: (_, x) => zeroGradient(x) });
const disconnectedOp = identity({ name: "disconnectedGrad", doc: "x, disconnected from it: asking for its gradient is an error (theano.gradient.disconnected_grad).", params: {}, gradient: () => "disconnected" });
const undefinedOp = identity({ name: "undefinedGrad", doc: "x, through which the gradient is undefined: asking for it is an error (theano.gradient.undefined_grad).", params: {}, gradient: () => "undefined" });
const copyOp = identity({ name: "copy", doc: "x under a node of its own (theano.tensor.tensor_copy).", params: {}, gradient: (g) => g });
const clipOp = identity({
  name: "gradClip", doc: "x, with its gradient limited to [low, high] elementwise (theano.gradient.grad_clip).", params: { low: -1, high: 1 },
  gradient: (g, _, { low, high }) => clip(g, low, high),
});
const scaleOp = identity({
  name: "gradScale", doc: "x, with its gradient times a number (theano.gradient.grad_scale).", params: { multiplier: -1 },
  gradient: (g, _, { multiplier }) => mul(g, multiplier),
});

/** x, through which no gradient flows: connected, and zero. */
export const zeroGrad = (x: Operand): Variable => apply1(zeroOp, [asTensor(x)]);
/** x held constant in gradients: zero flows back. `grad`'s option of this name needs no op in the graph. */
export const considerConstant = zeroGrad;
/** x, from which gradients are disconnected. */
export const disconnectedGrad = (x: Operand): Variable => apply1(disconnectedOp, [asTensor(x)]);
/** x, whose gradient is limited to [low, high]. */
export const gradClip = (x: Operand, low: number, high: number): Variable => apply1(clipOp, [asTensor(x)], { low, high });
/** x, whose gradient is multiplied: -1 reverses it. */
export const gradScale = (x: Operand, multiplier: number): Variable => apply1(scaleOp, [asTensor(x)], { multiplier });
/** x, whose gradient is undefined. */
export const undefinedGrad = (x: Operand): Variable => apply1(undefinedOp, [asTensor(x)]);
/** x as another variable. */
export const tensorCopy = (x: Operand): Variable => apply1(copyOp, [asTensor(x)]);

declare module "../graph/variable.js" {
  interface Variable {
    /** The same value as another variable. */
    copy(): Variable;
  }
}
method({ copy: tensorCopy });
