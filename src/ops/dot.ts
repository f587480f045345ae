/**
 * Products that sum: dot of vectors, matrices and tensors, batchedDot, outer. One record each for dot and batchedDot; their kernels are sums of
 * products of two loads, which backends recognise as matrix products. Next room: autodiff.
 */
import { type DType, promote } from "../codegen/ir/dtype.js";
import { cast as castExpr, type Expr, prim } from "../codegen/ir/expr.js";
import type { Lazy, Lowering, Op, Params, Sample } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensors, defineOp, method, type Operand } from "./define.js";
import { dimshuffle, transpose } from "./dimshuffle.js";
import { mul } from "./elementwise.js";
import { patternBroadcast } from "./rebroadcast.js";
import { flatten, reshape, shapePadright } from "./reshape.js";
import { lengthsOf, shapeAt } from "./shape.js";

export const productDType = (x: DType, y: DType): DType => (promote(x, y) === "bool" ? "int32" : promote(x, y));

/** The sum of products over one axis; float32 accumulates in float64 where the device has it. */
function productSum(x: Lazy, y: Lazy, out: DType, length: number, indices: (index: readonly Expr[], k: Expr) => readonly [readonly Expr[], readonly Expr[]]): ReturnType<Extract<Lowering<Params>, { kind: "reduce" }>["reduce"]> {
  return {
    op: "sum",
    extents: [length],
    dtype: out === "float32" ? "float64" : out,
    term: (index, red) => {
      const [i, j] = indices(index, red[0] as Expr);
      return prim("mul", castExpr(x.at(i), out), castExpr(y.at(j), out));
    },
  };
}

/** What Theano's gemm says (theano/tensor/blas.py). */
function mismatch(x: Shape, y: Shape): string {
  if (x.length === 2 && y.length === 2) return `Shape mismatch: x has ${x[1]} cols (and ${x[0]} rows) but y has ${y[0]} rows (and ${y[1]} cols)`;
  return `Shape mismatch: shapes (${x.join(",")}) and (${y.join(",")}) not aligned: ${x[x.length - 1]} (dim ${x.length - 1}) != ${y[0]} (dim 0)`;
}

const outerOf = (x: Variable, y: Variable): Variable => mul(shapePadright(x), y);

/** All axes but the last as one: rows. */
const rows = (x: Variable): Variable => (x.ndim === 2 ? x : reshape(x, [lengthsOf(x).slice(0, -1).reduce((a, b) => mul(a, b)), shapeAt(x, -1)]));

/** d/dx of x.y is g.y^T, d/dy is x^T.g, in every mix of ranks. */
function dotGradient(x: Variable, y: Variable, g: Variable): Variable[] {
  const dx = y.ndim === 2 ? (x.ndim === 1 ? dot(y, g) : dot(g, transpose(y))) : outerOf(g, y);
  const dy = x.ndim === 1 ? (y.ndim === 1 ? mul(g, x) : outerOf(x, g)) : dot(transpose(rows(x)), y.ndim === 2 ? rows(g) : flatten(g));
  return [patternBroadcast(dx, x.broadcastable), patternBroadcast(dy, y.broadcastable)];
}

const samples = (shapes: readonly (readonly [Shape, Shape])[], dtype: DType = "float64"): Sample<Params>[] => shapes.map((pair) => ({ params: {}, inputs: pair.map((shape) => ({ dtype, shape })) }));

const dotOp: Op = defineOp({
  name: "dot",
  doc: "The sum of products over the last axis of x (any rank from 1) and the first of y (a vector or a matrix). Integers stay integers. Lengths that differ: `dot-shape`.",
  infer: ([x, y]) => [new TensorType(productDType((x as TensorType).dtype, (y as TensorType).dtype), [...(x as TensorType).broadcastable.slice(0, -1), ...(y as TensorType).broadcastable.slice(1)])],
  shape: (ctx) => {
    const [x, y] = ctx.shapes as [Shape, Shape];
    if (x[x.length - 1] !== y[0]) ctx.fail("dot-shape", `${mismatch(x, y)}.`, "make the inner lengths equal; transpose one side if it is the wrong way round");
    return [[...x.slice(0, -1), ...y.slice(1)]];
  },
  lower: {
    kind: "reduce",
    reduce: ({ inputs, outputs }) => {
      const [x, y] = inputs as [Lazy, Lazy];
      const left = x.shape.length - 1;
      return productSum(x, y, outputs[0]?.dtype as DType, y.shape[0] as number, (index, k) => [[...index.slice(0, left), k], [k, ...index.slice(left)]]);
    },
  },
  gradient: ({ inputs: [x, y], cotangents: [g] }) => dotGradient(x as Variable, y as Variable, g as Variable),
  reference: (inputs, _, outputs) => {
    const [x, y] = inputs as [NdArray, NdArray];
    const [n, k, m] = [sizeOf(x.shape.slice(0, -1)), y.shape[0] as number, sizeOf(y.shape.slice(1))];
    if (x.shape[x.ndim - 1] !== k) fail("value", "dot-shape", { what: `${mismatch(x.shape, y.shape)}.`, fix: "make the inner lengths equal" });
    return [new NdArray(product(x, y, [0, 0], [n, k, m]), [...x.shape.slice(0, -1), ...y.shape.slice(1)], "float64").astype((outputs[0] as TensorType).dtype)];
  },
  samples: [
    ...samples([[[2, 3], [3, 4]], [[2, 3], [3]], [[3], [3, 2]], [[3], [3]], [[2, 0], [0, 3]], [[0, 2], [2, 3]], [[1, 1], [1, 1]], [[2, 2, 3], [3, 2]], [[2, 2, 3], [3]]]),
    ...samples([[[2, 3], [3, 2]]], "int32"),
    { params: {}, inputs: [{ dtype: "float64", shape: [1, 3], broadcastable: [true, false] }, { dtype: "float64", shape: [3, 1], broadcastable: [false, true] }] },
  ],
  infix: "dot",
  onnx: "MatMul",
});

/** Row-major n by m product of a block of x (from offset) with a block of y. */
function product(x: NdArray, y: NdArray, [fromX, fromY]: readonly [number, number], [n, k, m]: readonly [number, number, number]): Float64Array {
  const out = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < k; p++) {
      const a = x.data[fromX + i * k + p] as number;
      for (let j = 0; j < m; j++) out[i * m + j] = (out[i * m + j] as number) + a * (y.data[fromY + p * m + j] as number);
    }
  }
  return out;
}

/**
 * NumPy's dot: a scalar multiplies; vectors and matrices as one expects; higher ranks sum the last axis of x with the last but one of y (a vector's only
 * axis). A y of more than 2 axes goes by way of a matrix.
 */
export const dot = Object.assign(
  (x: Operand, y: Operand): Variable => {
    const [a, b] = asTensors([x, y]) as [Variable, Variable];
    if (a.ndim === 0 || b.ndim === 0) return mul(a, b);
    if (b.ndim <= 2) return apply1(dotOp, [a, b]);
    const rest = b.broadcastable.map((_, i) => i).filter((i) => i !== b.ndim - 2);
    const made = apply1(dotOp, [a, flatten(dimshuffle(b, b.ndim - 2, ...rest), 2)]);
    const left = lengthsOf(a).slice(0, -1);
    return patternBroadcast(reshape(made, [...left, ...rest.map((i) => shapeAt(b, i))]), [...a.broadcastable.slice(0, -1), ...rest.map((i) => b.broadcastable[i] as boolean)]);
  },
  { op: dotOp },
);

const batchedDotOp: Op = defineOp({
  name: "batchedDot",
  doc: "For each i the matrix product x[i].y[i] of two tensor3. Lengths that differ: `batched-dot-shape`.",
  infer: ([x, y]) => {
    const [a, b] = [x as TensorType, y as TensorType];
    return [new TensorType(productDType(a.dtype, b.dtype), [a.broadcastable[0] === true && b.broadcastable[0] === true, a.broadcastable[1] as boolean, b.broadcastable[2] as boolean])];
  },
  shape: (ctx) => {
    const [x, y] = ctx.shapes as [Shape, Shape];
    if (x[0] !== y[0] || x[2] !== y[1]) ctx.fail("batched-dot-shape", `Shape mismatch: batchedDot of (${x.join(", ")}) and (${y.join(", ")}).`, "both need the same first length, and x's last must be y's second");
    return [[x[0] as number, x[1] as number, y[2] as number]];
  },
  lower: {
    kind: "reduce",
    reduce: ({ inputs, outputs }) => {
      const [x, y] = inputs as [Lazy, Lazy];
      return productSum(x, y, outputs[0]?.dtype as DType, x.shape[2] as number, ([b, i, j], k) => [[b as Expr, i as Expr, k], [b as Expr, k, j as Expr]]);
    },
  },
  gradient: ({ inputs, cotangents: [g] }) => {
    const [x, y] = inputs as [Variable, Variable];
    return [patternBroadcast(batchedDot(g as Variable, dimshuffle(y, 0, 2, 1)), x.broadcastable), patternBroadcast(batchedDot(dimshuffle(x, 0, 2, 1), g as Variable), y.broadcastable)];
  },
  reference: (inputs, _, outputs) => {
    const [x, y] = inputs as [NdArray, NdArray];
    const [b, n, k] = x.shape as readonly [number, number, number];
    const m = y.shape[2] as number;
    const out = new Float64Array(b * n * m);
    for (let i = 0; i < b; i++) out.set(product(x, y, [i * n * k, i * k * m], [n, k, m]), i * n * m);
    return [new NdArray(out, [b, n, m], "float64").astype((outputs[0] as TensorType).dtype)];
  },
  samples: samples([[[2, 3, 4], [2, 4, 2]], [[1, 1, 2], [1, 2, 1]], [[2, 3, 0], [2, 0, 2]], [[0, 2, 3], [0, 3, 2]]]),
  onnx: "MatMul",
});

/** x[i].y[i] for each i: matrices or vectors in a batch (rank 2 stands for vectors). Error: `batched-dot-rank`. */
export function batchedDot(x: Operand, y: Operand): Variable {
  const [a, b] = asTensors([x, y]) as [Variable, Variable];
  if (![2, 3].includes(a.ndim) || ![2, 3].includes(b.ndim)) {
    fail("type", "batched-dot-rank", { what: `batchedDot needs tensors of 2 or 3 axes, got ${a} and ${b}.`, where: String(a.origin), fix: "the first axis is the batch, the others a vector or a matrix" });
  }
  const left = a.ndim === 3 ? a : dimshuffle(a, 0, "x", 1);
  const right = b.ndim === 3 ? b : dimshuffle(b, 0, 1, "x");
  const made = apply1(batchedDotOp, [left, right]);
  return dimshuffle(made, 0, ...(a.ndim === 3 ? [1] : []), ...(b.ndim === 3 ? [2] : []));
}

/** The matrix of all products of elements of two vectors (other ranks are flattened, as NumPy's outer). */
export function outer(x: Operand, y: Operand): Variable {
  const [a, b] = asTensors([x, y]) as [Variable, Variable];
  return outerOf(flatten(a), flatten(b));
}

declare module "../graph/variable.js" {
  interface Variable {
    /** The matrix product; see ops/dot.ts for the ranks. */
    dot(other: Operand): Variable;
  }
}
method({ dot });
