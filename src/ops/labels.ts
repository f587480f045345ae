/**
 * Ops on a matrix with one label per row: picking, one-hot, and the crossentropies that use them (theano/tensor/nnet/nnet.py
 * CrossentropyCategorical1Hot, CrossentropySoftmaxArgmax1HotWithBias). A label is a position in its row, read as an index is: a negative one counts from
 * the end, one outside its row is an error wherever values are looked at.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import { type Expr, prim } from "../codegen/ir/expr.js";
import type { Lazy, Op, OpFields, Params, Sample, ShapeContext } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { cast, div, mul, neg, sqr, sub, switch_ } from "./elementwise.js";
import { exp, log } from "./math.js";
import { inside, wrapped } from "./positions.js";
import { max, sum } from "./reduce.js";
import { softmax } from "./softmax.js";

const LABELS = { dtype: "int32", shape: [2], exact: [2, 0] } as const;
const MATRIX = { dtype: "float64", shape: [2, 3], low: 0.1, high: 0.9 } as const;
const VECTOR = { dtype: "float64", shape: [2] } as const;
const samples: readonly Sample<Params>[] = [{ inputs: [MATRIX, LABELS], params: {} }, { inputs: [{ ...MATRIX, shape: [0, 3] }, { ...LABELS, shape: [0], exact: [] }], params: {} }];
const gradientSamples: readonly Sample<Params>[] = samples.map(({ inputs, params }) => ({ inputs: [{ ...VECTOR, shape: inputs[1]?.shape ?? [] }, ...inputs], params }));

const column = (v: Variable): Variable => dimshuffle(v, 0, "x");

/** The vector type of one result per row. */
const perRow = (x: TensorType): TensorType => new TensorType(x.dtype, [x.broadcastable[0] as boolean]);

/** The shape of the matrix, after checking that there is a label for each row. */
function matrixShape(ctx: ShapeContext<Params>, matrix: number, labels: number): Shape {
  const [m, y] = [ctx.shapes[matrix] as Shape, ctx.shapes[labels] as Shape];
  if (m[0] !== y[0]) ctx.fail("labels-rows", `There are ${y[0]} labels for ${m[0]} rows.`, "give one label for each row");
  return m;
}

const classes = (matrix: Lazy | undefined): number => (matrix as Lazy).shape[1] as number;

/** Position of each row's label in row-major data. */
function picked(matrix: NdArray, labels: NdArray): number[] {
  const k = matrix.shape[1] as number;
  return [...labels.data].map((y, i) => {
    if (y < -k || y >= k) fail("index", "label-range", { what: `Label ${y} of row ${i} is outside the row's ${k} classes.`, fix: `use labels 0 … ${k - 1}` });
    return i * k + (y < 0 ? y + k : y);
  });
}

const vector = (values: readonly number[], type: TensorType | undefined): NdArray => new NdArray(Float64Array.from(values), [values.length], "float64").astype((type as TensorType).dtype);

/** A matrix of the values that `f` gives at each row's label (by row and position), 0 elsewhere. */
function scattered(matrix: NdArray, labels: NdArray, type: TensorType | undefined, f: (row: number, at: number) => number): NdArray {
  const out = NdArray.zeros(matrix.shape, "float64");
  picked(matrix, labels).forEach((at, i) => {
    out.data[at] = f(i, at);
  });
  return out.astype((type as TensorType).dtype);
}

const oneHotOp = defineOp({
  name: "oneHotLike",
  doc: "A bool matrix of x's shape, true at each row's label; inputs x (only its shape is used) and an int vector.",
  infer: ([x]) => [(x as TensorType).withDType("bool")],
  shape: (ctx) => [matrixShape(ctx, 0, 1)],
  lower: { kind: "index", at: ({ inputs: [x, y] }) => [([i, j]) => prim("eq", wrapped((y as Lazy).at([i as Expr]), classes(x)), j as Expr)] },
  reference: ([x, y], _, [type]) => [scattered(x as NdArray, y as NdArray, type, () => 1)],
  samples,
});
/** Where each row's label is, as a bool matrix of x's shape. */
export const oneHotLike = Object.assign((x: Variable, y: Variable): Variable => apply1(oneHotOp, [x, y]), { op: oneHotOp });

const pickOp: Op = defineOp({
  name: "pickPerRow",
  doc: "x[i, y[i]] for each row i of a matrix, a vector: x[arange(n), y] whose rows are known to be all rows.",
  infer: ([x]) => [perRow(x as TensorType)],
  shape: (ctx) => [matrixShape(ctx, 0, 1).slice(0, 1)],
  lower: { kind: "index", at: ({ inputs: [x, y] }) => [([i]) => (x as Lazy).at([i as Expr, inside((y as Lazy).at([i as Expr]), classes(x))])] },
  gradient: ({ inputs: [x, y], cotangents: [g] }) => [switch_(oneHotLike(x as Variable, y as Variable), column(g as Variable), 0), "undefined"],
  reference: ([x, y], _, [type]) => [vector(picked(x as NdArray, y as NdArray).map((at) => x?.data[at] as number), type)],
  samples,
});

/** `x[i, y[i]]` for each row; see the record. */
export const pickPerRow = Object.assign((x: Variable, y: Variable): Variable => apply1(pickOp, [x, y]), { op: pickOp });

/** What the crossentropies with labels share: a vector of one cost per row from a float matrix and an int vector. */
function costOp(f: Pick<OpFields<Params>, "name" | "doc" | "reference"> & { expand(x: Variable, y: Variable): Variable; gradient(g: Variable, x: Variable, y: Variable): Variable }): Op {
  const { expand, gradient, ...fields } = f;
  return defineOp({
    ...fields,
    infer: ([x]) => [perRow(x as TensorType)],
    shape: (ctx) => [matrixShape(ctx, 0, 1).slice(0, 1)],
    lower: { kind: "graph", expand: ([x, y]) => [expand(x as Variable, y as Variable)] },
    gradient: ({ inputs: [x, y], cotangents: [g] }) => [gradient(g as Variable, x as Variable, y as Variable), "undefined"],
    samples,
  });
}

const categoricalOp = costOp({
  name: "crossentropyCategorical1hot",
  doc: "-log(p[i, y[i]]) for each row of a matrix of distributions p and an int vector of labels y.",
  expand: (p, y) => neg(log(pickPerRow(p, y))),
  gradient: (g, p, y) => apply1(categoricalGradOp, [g, p, y]),
  reference: ([p, y], _, [type]) => [vector(picked(p as NdArray, y as NdArray).map((at) => -Math.log(p?.data[at] as number)), type)],
});

const categoricalGradOp = defineOp({
  name: "crossentropyCategorical1hotGrad",
  doc: "The gradient of crossentropyCategorical1hot in p: -g[i] / p[i, y[i]] at each row's label, 0 elsewhere; inputs g, p, y.",
  infer: ([, p]) => [p as TensorType],
  shape: (ctx) => [matrixShape(ctx, 1, 2)],
  lower: { kind: "graph", expand: ([g, p, y]) => [switch_(oneHotLike(p as Variable, y as Variable), div(column(neg(g as Variable)), p as Variable), 0)] },
  gradient: ({ inputs, cotangents: [c] }) => {
    const [g, p, y] = inputs as [Variable, Variable, Variable];
    const back = div(c as Variable, p);
    return [neg(pickPerRow(back, y)), switch_(oneHotLike(p, y), mul(column(g), div(c as Variable, sqr(p))), 0), "undefined"];
  },
  reference: ([g, p, y], _, [type]) => [scattered(p as NdArray, y as NdArray, type, (i, at) => -(g?.data[i] as number) / (p?.data[at] as number))],
  samples: gradientSamples,
});

const softmaxCostOp = costOp({
  name: "crossentropySoftmax1hot",
  doc: "-log(softmax(x)[i, y[i]]) for each row, finite: log(sum(exp(x - m))) - (x - m)[i, y[i]] with m the row's maximum.",
  expand: (x, y) => {
    const z = sub(x, max(x, { axis: 1, keepdims: true }));
    return sub(log(sum(exp(z), { axis: 1 })), pickPerRow(z, y));
  },
  gradient: (g, x, y) => crossentropySoftmax1hotDx(g, softmax(x), y),
  reference: ([x, y], _, [type]) => {
    const [n, k] = (x as NdArray).shape as [number, number];
    const at = picked(x as NdArray, y as NdArray);
    const cost = (i: number): number => {
      const row = [...(x as NdArray).data.subarray(i * k, (i + 1) * k)];
      const top = Math.max(...row);
      return Math.log(row.reduce((s, v) => s + Math.exp(v - top), 0)) - ((x?.data[at[i] as number] as number) - top);
    };
    return [vector(Array.from({ length: n }, (_, i) => cost(i)), type)];
  },
});

const softmaxCostDxOp = defineOp({
  name: "crossentropySoftmax1hotDx",
  doc: "The gradient of crossentropySoftmax1hot in x: g[i] (sm - onehot(y)); inputs g, sm = softmax(x), y.",
  infer: ([, sm]) => [sm as TensorType],
  shape: (ctx) => [matrixShape(ctx, 1, 2)],
  lower: { kind: "graph", expand: ([g, sm, y]) => [mul(column(g as Variable), centred(sm as Variable, y as Variable))] },
  gradient: ({ inputs, cotangents: [c] }) => {
    const [g, sm, y] = inputs as [Variable, Variable, Variable];
    return [sum(mul(c as Variable, centred(sm, y)), { axis: 1 }), mul(column(g), c as Variable), "undefined"];
  },
  reference: ([g, sm, y], _, [type]) => {
    const k = (sm as NdArray).shape[1] as number;
    const at = new Set(picked(sm as NdArray, y as NdArray));
    const out = Float64Array.from((sm as NdArray).data, (v, n) => (g?.data[Math.floor(n / k)] as number) * (v - Number(at.has(n))));
    return [new NdArray(out, (sm as NdArray).shape, "float64").astype((type as TensorType).dtype)];
  },
  samples: gradientSamples,
});
/** sm - onehot(y). */
const centred = (sm: Variable, y: Variable): Variable => sub(sm, cast(oneHotLike(sm, y), sm.dtype));

/** A float matrix and an int vector of labels, or the error `labels-input`. */
function checked(x: Operand, y: Operand, name: string): [Variable, Variable] {
  const [m, labels] = [asTensor(x), asTensor(y)];
  if (m.ndim !== 2 || !isFloat(m.dtype) || labels.ndim !== 1 || labels.dtype !== "int32") {
    fail("type", "labels-input", { what: `${name}() takes a float matrix and an int vector.`, where: String(labels.origin), saw: [`matrix: ${m}`, `labels: ${labels}`], fix: "cast the labels with T.cast(y, 'int32')" });
  }
  return [m, labels];
}

type WithLabels = ((x: Operand, y: Operand) => Variable) & { readonly op: Op };
const withLabels = (op: Op): WithLabels => Object.assign((x: Operand, y: Operand) => apply1(op, checked(x, y, op.name)), { op });

/** -log(p[i, y[i]]) for each row. Errors: `labels-input`, `labels-rows`, `label-range`. */
export const crossentropyCategorical1hot = withLabels(categoricalOp);
/** -log(softmax(x)[i, y[i]]) for each row, finite. Errors as above. */
export const crossentropySoftmax1hot = withLabels(softmaxCostOp);
/** The gradient of `crossentropySoftmax1hot` in x from the gradient `g` of each row's cost; `sm` is softmax(x). */
export const crossentropySoftmax1hotDx = Object.assign((g: Variable, sm: Variable, y: Variable): Variable => apply1(softmaxCostDxOp, [g, sm, y]), { op: softmaxCostDxOp });
export { categoricalGradOp as crossentropyCategorical1hotGradOp };
