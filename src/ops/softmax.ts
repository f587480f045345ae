/**
 * Softmax, its logarithm and its gradient, with Theano's meaning (theano/tensor/nnet/nnet.py). Each op is a composition that stays finite
 * (the maximum is subtracted first), kept as one node until rewriting is done so that rules can see it. Next: labels.ts, one label per row.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import type { GradientContext, Op, OpFields, Params, Sample, ShapeContext } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, type Operand } from "./define.js";
import { padLeft } from "./dimshuffle.js";
import { div, mul, sub } from "./elementwise.js";
import { exp, log } from "./math.js";
import { max, sum } from "./reduce.js";

const ROW = { axis: 1, keepdims: true } as const;

/** What each row becomes, from the row's numbers. */
function mapRows(x: NdArray, type: TensorType, f: (row: Float64Array) => Float64Array | number[]): NdArray {
  const [n, k] = x.shape as [number, number];
  const out = NdArray.zeros([n, k], "float64");
  for (let i = 0; i < n; i++) out.data.set(f(Float64Array.from(x.data.subarray(i * k, (i + 1) * k))), i * k);
  return out.astype(type.dtype);
}

const softmaxRow = (row: Float64Array): Float64Array => {
  const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const e = row.map((v) => Math.exp(v - top));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / total);
};

const ROWS: readonly Sample<Params>[] = [
  { inputs: [{ dtype: "float64", shape: [2, 3] }], params: {} },
  { inputs: [{ dtype: "float64", shape: [1, 4], broadcastable: [true, false] }], params: {} },
  { inputs: [{ dtype: "float64", shape: [3, 1] }], params: {} },
  { inputs: [{ dtype: "float64", shape: [0, 3] }], params: {} },
];

type Rowwise = Pick<OpFields<Params>, "name" | "doc" | "reference" | "onnx"> & { expand(x: Variable): Variable; gradient(ctx: GradientContext<Params>): readonly Variable[] };
const rowwise = ({ expand, ...f }: Rowwise): Op =>
  defineOp({
    ...f,
    infer: ([x]) => [x as TensorType],
    shape: ({ shapes }) => [shapes[0] as Shape],
    lower: { kind: "graph", expand: ([x]) => [expand(x as Variable)] },
    samples: ROWS,
  });

const softmaxOp = rowwise({
  name: "softmax",
  doc: "exp(x) / sum(exp(x)) over the rows of a float matrix, with the row's maximum subtracted first.",
  expand: (x) => {
    const e = exp(sub(x, max(x, ROW)));
    return div(e, sum(e, ROW));
  },
  gradient: (ctx) => [softmaxGrad(ctx.cotangents[0] as Variable, ctx.outputs[0] as Variable)],
  reference: ([x], _, [type]) => [mapRows(x as NdArray, type as TensorType, softmaxRow)],
  onnx: "Softmax",
});

const logSoftmaxOp = rowwise({
  name: "logSoftmax",
  doc: "log(softmax(x)) over the rows of a float matrix, finite also where softmax is 0.",
  expand: (x) => {
    const z = sub(x, max(x, ROW));
    return sub(z, log(sum(exp(z), ROW)));
  },
  gradient: (ctx) => {
    const g = ctx.cotangents[0] as Variable;
    return [sub(g, mul(sum(g, ROW), apply1(softmaxOp, [ctx.inputs[0] as Variable])))];
  },
  reference: ([x], _, [type]) => [
    mapRows(x as NdArray, type as TensorType, (row) => {
      const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const total = Math.log(row.reduce((s, v) => s + Math.exp(v - top), 0));
      return row.map((v) => v - top - total);
    }),
  ],
  onnx: "LogSoftmax",
});

const softmaxGradOp: Op = defineOp({
  name: "softmaxGrad",
  doc: "The gradient of softmax in x from that in its result: g sm - sm sum(g sm) by rows; inputs g and sm.",
  infer: ([, sm]) => [sm as TensorType],
  shape: (ctx) => [sameShape(ctx)],
  lower: {
    kind: "graph",
    expand: ([g, sm]) => {
      const weighted = mul(g as Variable, sm as Variable);
      return [sub(weighted, mul(sum(weighted, ROW), sm as Variable))];
    },
  },
  gradient: ({ inputs: [dy, sm], cotangents: [g] }) => {
    const [y, s, c] = [dy as Variable, sm as Variable, g as Variable];
    const centred = sub(c, sum(mul(c, s), ROW));
    return [mul(centred, s), sub(mul(centred, y), mul(c, sum(mul(y, s), ROW)))];
  },
  reference: ([g, sm], _, [type]) => {
    const k = (sm as NdArray).shape[1] as number;
    let row = 0;
    const next = (s: Float64Array): Float64Array => {
      const d = Float64Array.from((g as NdArray).data.subarray(row * k, ++row * k));
      const total = d.reduce((t, v, j) => t + v * (s[j] as number), 0);
      return s.map((v, j) => v * ((d[j] as number) - total));
    };
    return [mapRows(sm as NdArray, type as TensorType, next)];
  },
  samples: [[2, 3], [3, 1], [0, 2]].map((shape) => ({ inputs: [{ dtype: "float64", shape }, { dtype: "float64", shape, low: 0, high: 1 }], params: {} })),
});

function sameShape(ctx: ShapeContext<Params>): Shape {
  const [g, sm] = ctx.shapes as [Shape, Shape];
  if (g.some((d, a) => d !== sm[a])) ctx.fail("softmax-grad-shape", "The gradient of a softmax has another shape than its result.", "give a gradient of the softmax's shape");
  return sm;
}

/** A float matrix; a vector becomes a row, as Theano's Softmax.make_node does. */
function rows(x: Operand, name: string): Variable {
  const v = asTensor(x);
  if (!isFloat(v.dtype) || v.ndim < 1 || v.ndim > 2) {
    fail("value", "softmax-input", { what: `${name}() takes a 1-d or 2-d tensor of floats, got ${v}.`, where: String(v.origin), fix: "reshape it to a matrix whose rows are distributions, or cast it to floatX" });
  }
  return v.ndim === 1 ? padLeft(v, 2) : v;
}

/** Softmax over the last axis of a matrix. A vector is taken as one row, and the result is a matrix of one row. Error: `softmax-input`. */
export const softmax: ((x: Operand) => Variable) & { readonly op: Op } = Object.assign((x: Operand) => apply1(softmaxOp, [rows(x, "softmax")]), { op: softmaxOp });
/** log(softmax(x)), finite. A vector is taken as one row. Error: `softmax-input`. */
export const logSoftmax: ((x: Operand) => Variable) & { readonly op: Op } = Object.assign((x: Operand) => apply1(logSoftmaxOp, [rows(x, "logSoftmax")]), { op: logSoftmaxOp });
/** The gradient of softmax in its input, from the gradient `g` in its result `sm`. */
export const softmaxGrad: ((g: Variable, sm: Variable) => Variable) & { readonly op: Op } = Object.assign((g: Variable, sm: Variable) => apply1(softmaxGradOp, [g, sm]), { op: softmaxGradOp });
