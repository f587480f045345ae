/**
 * Diagonals read and written, and triangles (theano/tensor/basic.py ExtractDiag, AllocDiag, Tri; extra_ops.py FillDiagonal). Two records, each the
 * gradient of the other, take the last two axes; other axes are brought there by dimshuffle. Next room: autodiff.
 */
import { upcasts } from "../codegen/ir/dtype.js";
import { constant, type Expr, prim } from "../codegen/ir/expr.js";
import { iadd, int, isub } from "../codegen/ir/index.js";
import type { Lazy, Op, Params } from "../graph/op.js";
import { TensorType, tensorType } from "../graph/types.js";
import { apply1, scalarConstant, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { alloc, arange, type DTypeOptions } from "./alloc.js";
import { asTensor, asTensors, defineOp, method, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { add, and_, cast, eq, ge, mul, sub, switch_ } from "./elementwise.js";
import { patternBroadcast } from "./rebroadcast.js";
import { sum } from "./reduce.js";
import { choose, type Length, lengthsOf, normaliseAxis, shapeAt } from "./shape.js";

interface OffsetParams extends Params { readonly offset: number }

/** The row and the column at which diagonal `offset` starts: above the main one for positive offsets. */
const startOf = (offset: number): readonly [number, number] => [Math.max(0, -offset), Math.max(0, offset)];

function diagonalLength(shape: Shape, offset: number): number {
  const [n, m] = shape.slice(-2) as [number, number];
  const [row, column] = startOf(offset);
  return Math.max(0, Math.min(n - row, m - column));
}

/** For each position along the diagonals of a stack of matrices, row-major, the flat position in the stack. */
function flatDiagonals(shape: Shape, offset: number): number[] {
  const [n, m] = shape.slice(-2) as [number, number];
  const [row, column] = startOf(offset);
  const length = diagonalLength(shape, offset);
  return Array.from({ length: sizeOf(shape.slice(0, -2)) * length }, (_, k) => {
    const i = k % length;
    return Math.floor(k / length) * n * m + (row + i) * m + column + i;
  });
}

const extractOp: Op = defineOp<OffsetParams>({
  name: "extractDiag",
  doc: "x[…, i, i + offset] for each i that exists: diagonals of the last two axes, along a new last axis.",
  infer: ([x]) => [tensorType((x as TensorType).dtype, (x as TensorType).ndim - 1)],
  shape: ({ shapes: [x], params: { offset } }) => [[...(x as Shape).slice(0, -2), diagonalLength(x as Shape, offset)]],
  lower: {
    kind: "index",
    at: ({ inputs: [x], params: { offset } }) => {
      const [row, column] = startOf(offset);
      return [(index) => (x as Lazy).at([...index.slice(0, -1), iadd(index[index.length - 1] as Expr, int(row)), iadd(index[index.length - 1] as Expr, int(column))])];
    },
  },
  gradient: ({ inputs: [x], params, cotangents: [g] }) => [apply1(placeOp, [x as Variable, g as Variable], params)],
  reference: ([x], { offset }) => {
    const { shape, data, dtype } = x as NdArray;
    const out = NdArray.zeros([...shape.slice(0, -2), diagonalLength(shape, offset)], dtype);
    flatDiagonals(shape, offset).forEach((from, to) => {
      out.data[to] = data[from] as number;
    });
    return [out];
  },
  samples: ([[[3, 3], 0], [[2, 4], 1], [[4, 2], -1], [[2, 3, 2], 0], [[2, 2], 3], [[0, 2], 0]] as const).map(([shape, offset]) => ({ inputs: [{ dtype: "float64", shape }], params: { offset } })),
});

const placeOp: Op = defineOp<OffsetParams>({
  name: "placeDiagonal",
  doc: "Zeros of x's shape with d on the diagonals of the last two axes (see extractDiag). Does not read x.",
  infer: ([x, d]) => [(x as TensorType).withDType((d as TensorType).dtype)],
  shape: ({ shapes: [x] }) => [x as Shape],
  lower: {
    kind: "index",
    at: ({ inputs: [x, d], outputs, params: { offset } }) => {
      const [row] = startOf(offset);
      const zero = constant(0, outputs[0]?.dtype ?? "float64");
      if (diagonalLength((x as Lazy).shape, offset) === 0) return [() => zero];
      return [(index) => {
        const [i, j] = index.slice(-2) as [Expr, Expr];
        const on = prim("eq", iadd(i, int(offset)), j);
        // Where no diagonal is, its position would lie outside.
        const at = offset >= 0 ? i : isub(i, int(row));
        return choose(on, () => (d as Lazy).at([...index.slice(0, -2), at]), () => zero);
      }];
    },
  },
  gradient: ({ params, cotangents: [g] }) => ["disconnected", apply1(extractOp, [g as Variable], params)],
  reference: ([x, d], { offset }) => {
    const out = NdArray.zeros((x as NdArray).shape, (d as NdArray).dtype);
    flatDiagonals(out.shape, offset).forEach((to, from) => {
      out.data[to] = d?.data[from] as number;
    });
    return [out];
  },
  samples: ([[[3, 3], [3], 0], [[2, 4], [2], 1], [[4, 2], [2], -1], [[2, 3, 2], [2, 2], 0], [[2, 2], [0], 3]] as const).map(([x, d, offset]) => ({
    inputs: [{ dtype: "float64", shape: x }, { dtype: "float64", shape: d }], params: { offset },
  })),
});

export interface DiagonalOptions {
  /** Which diagonal: 0 (default) the main one, positive above it. */
  readonly offset?: number | undefined;
  /** The two axes of the matrices, 0 and 1 by default. */
  readonly axis1?: number | undefined;
  readonly axis2?: number | undefined;
}

function readOptions(given: number | DiagonalOptions): { readonly offset: number; readonly axis1: number; readonly axis2: number } {
  const { offset = 0, axis1 = 0, axis2 = 1 } = typeof given === "number" ? { offset: given } : given;
  return { offset, axis1, axis2 };
}

function checkOffset(offset: number): void {
  if (!Number.isInteger(offset)) fail("type", "diagonal-offset", { what: `A diagonal must be a whole number, got ${offset}.`, fix: "use 0 for the main diagonal, positive numbers above it" });
}

/** x[…, i, i + offset] along a new last axis, for two axes of x. Errors: `diagonal-rank`, `diagonal-axes`, `diagonal-offset`, `axis-range`. */
export function diagonal(x: Operand, given: number | DiagonalOptions = {}): Variable {
  const v = asTensor(x);
  const { offset, axis1, axis2 } = readOptions(given);
  checkOffset(offset);
  if (v.ndim < 2) fail("value", "diagonal-rank", { what: `A diagonal needs two or more axes: ${v}.`, where: String(v.origin), fix: "T.diag(v) makes a matrix of a vector" });
  const [p, q] = [normaliseAxis(v, axis1), normaliseAxis(v, axis2)];
  if (p === q) fail("value", "diagonal-axes", { what: `A diagonal of ${v} was asked for along axis ${p} twice.`, where: String(v.origin), fix: "name two axes" });
  const rest = v.broadcastable.map((_, a) => a).filter((a) => a !== p && a !== q);
  return apply1(extractOp, [dimshuffle(v, ...rest, p, q)], { offset });
}

/** Square matrices with v's last axis on a diagonal and zeros elsewhere (theano/tensor/basic.py AllocDiag). Errors: `diagonal-rank`, `diagonal-offset`. */
export function allocDiag(x: Operand, given: number | DiagonalOptions = {}): Variable {
  const v = asTensor(x);
  const { offset, axis1, axis2 } = readOptions(given);
  checkOffset(offset);
  if (v.ndim < 1) fail("value", "diagonal-rank", { what: `A diagonal needs one or more axes: ${v}.`, where: String(v.origin), fix: "pass a vector" });
  const side = add(shapeAt(v, -1), Math.abs(offset));
  const zeros = alloc(scalarConstant(0, v.dtype), [...lengthsOf(v).slice(0, -1), side, side]);
  const made = apply1(placeOp, [patternBroadcast(zeros, zeros.broadcastable.map(() => false)), v], { offset });
  const order: number[] = zeros.broadcastable.map((_, a) => a).slice(0, -2);
  order.splice(Math.min(axis1, axis2), 0, v.ndim - 1);
  order.splice(Math.max(axis1, axis2), 0, v.ndim);
  return dimshuffle(made, ...order);
}

/** A matrix with a vector on diagonal k, or the diagonal k of a matrix. Error: `diagonal-rank` for a scalar. */
export function diag(x: Operand, k = 0): Variable {
  const v = asTensor(x);
  return v.ndim >= 2 ? diagonal(v, k) : allocDiag(v, k);
}

/** The sum of a matrix's main diagonal. */
export const trace = (x: Operand): Variable => sum(diagonal(x));

export interface TriOptions extends DTypeOptions { readonly m?: Length | null | undefined; readonly k?: Length | undefined }

/** Whether column - row <= k, for each place of an n by m matrix. */
const belowDiagonal = (n: Length, m: Length, k: Length): Variable => ge(dimshuffle(add(arange(n), k), 0, "x"), dimshuffle(arange(m), "x", 0));

/** n by m (n by default) with ones at and below diagonal k (0 by default), zeros above; floatX by default: `T.tri(n, m, k, { dtype })`. */
export function tri(n: Length, ...rest: readonly (Length | null | TriOptions)[]): Variable {
  const isOptions = (r: Length | null | TriOptions): r is TriOptions => typeof r === "object" && r !== null && !("origin" in r);
  const [m, k] = rest.filter((r): r is Length | null => !isOptions(r));
  const options = rest.find(isOptions) ?? {};
  return cast(belowDiagonal(n, m ?? options.m ?? n, k ?? options.k ?? 0), options.dtype ?? config.floatX);
}

const triOf = (m: Variable, k: Length): Variable => tri(shapeAt(m, 0), shapeAt(m, 1), k, { dtype: m.dtype });

/** A matrix with zeros above diagonal k, as the product with a triangle of ones (theano/tensor/basic.py tril). */
export function tril(x: Operand, k: Length = 0): Variable {
  const m = asTensor(x);
  return mul(m, triOf(m, k));
}

/** A matrix with zeros below diagonal k, as the product with a triangle of ones (theano/tensor/basic.py triu). */
export function triu(x: Operand, k: Length = 0): Variable {
  const m = asTensor(x);
  return mul(m, sub(1, triOf(m, sub(k, 1))));
}

/** Where a value goes in a tensor of its dtype. */
function filled(x: Operand, value: Operand, fits: (v: Variable) => boolean, mask: (v: Variable) => Variable): Variable {
  const [v, by] = asTensors([x, value]) as [Variable, Variable];
  if (!fits(v)) fail("type", "fill-diagonal-rank", { what: `The diagonal of ${v} cannot be filled.`, where: String(v.origin), fix: "pass a matrix" });
  if (by.ndim !== 0 || !upcasts(by.dtype, v.dtype)) {
    fail("type", "fill-diagonal-value", { what: `A diagonal of dtype ${v.dtype} cannot be filled with ${by}.`, where: String(by.origin), fix: `give a scalar: T.cast(value, "${v.dtype}")` });
  }
  return patternBroadcast(switch_(mask(v), cast(by, v.dtype), v), v.broadcastable);
}

/** Positions along one axis, where they broadcast against v. */
const positions = (v: Variable, axis: number): Variable => dimshuffle(arange(shapeAt(v, axis)), ...v.broadcastable.map((_, a) => (a === axis ? 0 : ("x" as const))));

/** x with all x[i, i, …, i] set to a scalar (theano/tensor/extra_ops.py fill_diagonal). Errors: `fill-diagonal-rank`, `fill-diagonal-value`. */
export const fillDiagonal = (x: Operand, value: Operand): Variable =>
  filled(x, value, (v) => v.ndim >= 2, (v) => v.broadcastable.slice(1).map((_, a) => eq(positions(v, 0), positions(v, a + 1))).reduce((a, b) => and_(a, b)));

/** A matrix with diagonal `offset` (positive above the main one) set to a scalar (theano/tensor/extra_ops.py fill_diagonal_offset). Errors as `fillDiagonal`. */
export const fillDiagonalOffset = (x: Operand, value: Operand, offset: Length): Variable => filled(x, value, (v) => v.ndim === 2, (v) => eq(add(positions(v, 0), offset), positions(v, 1)));

declare module "../graph/variable.js" {
  interface Variable {
    /** x[…, i, i + offset], along a new last axis. */
    diagonal(options?: number | DiagonalOptions): Variable;
    /** The sum of the main diagonal. */
    trace(): Variable;
  }
}
method({ diagonal, trace });
