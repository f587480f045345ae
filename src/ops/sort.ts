/**
 * Sorting (theano/tensor/sort.py): positions are found on the host, where the device has no sort, and elements are moved by a kernel that takes each
 * row in a given order (theano/tensor/basic.py PermuteRowElements). Next room: autodiff.
 */
import type { HostBuffer } from "../codegen/ir/plan.js";
import type { Lazy, Op, Params, ShapeContext } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { arange } from "./alloc.js";
import { asTensor, defineOp, method, type Operand } from "./define.js";
import { dimshuffle, padLeft, withAxisLast } from "./dimshuffle.js";
import { mul } from "./elementwise.js";
import { get } from "./indexing.js";
import { inside } from "./positions.js";
import { flatten } from "./reshape.js";
import { normaliseAxis, shapeAt } from "./shape.js";
import { ellipsis, slice } from "./slices.js";
import { stretched, stretchedTo, sumStretched } from "./stretch.js";

/** NumPy's order: NaN after everything, equal elements as they stand. */
const inOrder = (row: ArrayLike<number>): number[] =>
  Array.from(row, (_, i) => i).sort((i, j) => {
    const [a, b] = [row[i] as number, row[j] as number];
    return Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : a - b || 0;
  });

function sortRows({ data, shape }: Pick<HostBuffer, "data" | "shape">, out: Int32Array): void {
  const n = shape[shape.length - 1] as number;
  for (let at = 0; at < data.length; at += n) out.set(inOrder(data.subarray(at, at + n)), at);
}

const argsortOp: Op = defineOp({
  name: "argsort",
  doc: "For each row along the last axis, the positions of its elements in ascending order, int32; equal elements in their order, NaN last. No gradient flows. Done on the host.",
  infer: ([x]) => [(x as TensorType).withDType("int32")],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: { kind: "routine", routine: () => ({ name: "argsort", config: "", run: ([x], [out]) => sortRows(x as HostBuffer, (out as HostBuffer).data as Int32Array) }) },
  gradient: () => ["disconnected"],
  reference: ([x]) => {
    const out = new Int32Array((x as NdArray).size);
    sortRows(x as NdArray, out);
    return [new NdArray(out, (x as NdArray).shape, "int32")];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 5] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [5], exact: [1, Number.NaN, -1, 1, 0] }], params: {} },
    { inputs: [{ dtype: "int32", shape: [7] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [0] }], params: {} },
  ],
});

/** The shape of a tensor and orders stretched against each other. */
function commonShape(ctx: ShapeContext<Params>): number[] {
  const [x, y] = ctx.shapes as [Shape, Shape];
  const isOne = (i: number, a: number): boolean => ctx.inputs[i]?.broadcastable[a] === true && a < x.length - 1;
  return x.map((n, a) => {
    const m = y[a] as number;
    if (n === m || isOne(1, a)) return n;
    return isOne(0, a) ? m : ctx.fail("permute-shape", `Rows of a tensor of shape (${x.join(", ")}) cannot be put in orders of shape (${y.join(", ")}).`, "give one order as long as the rows, or one for each row");
  });
}

const permuteOp: Op = defineOp({
  name: "permuteRowElements",
  doc: "x[…, y[…, i]]: each row along the last axis in the order y, whose rows are permutations; other axes of x and y stretch. Shapes that do not fit: `permute-shape`.",
  infer: ([x, y]) => [new TensorType((x as TensorType).dtype, (x as TensorType).broadcastable.map((b, a) => b && y?.broadcastable[a] === true))],
  shape: (ctx) => [commonShape(ctx)],
  lower: {
    kind: "index",
    at: ({ inputs: [x, y] }) => [(index) => {
      const v = x as Lazy;
      const lead = index.slice(0, -1);
      const at = inside(stretched(y as Lazy, index), v.shape[v.shape.length - 1] as number);
      return stretched(v, [...lead, at]);
    }],
  },
  gradient: ({ inputs: [x, y], cotangents: [g] }) => [sumStretched(apply1(permuteOp, [g as Variable, apply1(argsortOp, [y as Variable])]), x as Variable), "disconnected"],
  reference: ([x, y]) => {
    const [v, order] = [x as NdArray, y as NdArray];
    const shape = v.shape.map((n, a) => (n === 1 ? (order.shape[a] as number) : n));
    const [value, position] = [stretchedTo(v, shape), stretchedTo(order, shape)];
    const n = shape[shape.length - 1] as number;
    const out = NdArray.zeros(shape, v.dtype);
    for (let k = 0; k < sizeOf(shape); k++) out.data[k] = value(k - (k % n) + position(k));
    return [out];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 3] }, { dtype: "int32", shape: [2, 3], exact: [2, 0, 1, 1, 2, 0] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [2, 3] }, { dtype: "int32", shape: [1, 3], exact: [2, 0, 1], broadcastable: [true, false] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [1, 3], broadcastable: [true, false] }, { dtype: "int32", shape: [2, 3], exact: [2, 0, 1, 1, 2, 0] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [0] }, { dtype: "int32", shape: [0], exact: [] }], params: {} },
  ],
});

/** x's rows (its last axis) in the order y: one permutation, or one for each row. `inverse` undoes it. Errors: `permute-order`, `permute-shape`. */
export function permuteRowElements(x: Operand, y: Operand, { inverse = false }: { readonly inverse?: boolean } = {}): Variable {
  const [v, order] = [asTensor(x), asTensor(y)];
  if (order.dtype !== "int32" || order.ndim === 0 || v.ndim === 0) {
    fail("type", "permute-order", { what: `Rows of ${v} cannot be put in the order ${order}.`, where: String(order.origin), fix: "give an int vector of positions, or one such row for each row" });
  }
  const ndim = Math.max(v.ndim, order.ndim);
  return apply1(permuteOp, [padLeft(v, ndim), padLeft(inverse ? apply1(argsortOp, [order]) : order, ndim)]);
}

/** The permutation that undoes each row of permutations. */
export const inversePermutation = (order: Operand): Variable => permuteRowElements(arange(shapeAt(order, -1)), order, { inverse: true });

export interface SortOptions {
  /** The last axis by default; null sorts all elements in one row. */
  readonly axis?: number | null | undefined;
  /** Accepted for ports: sorting is stable whatever it says. */
  readonly kind?: string | undefined;
}

/** Along an axis, the last by default; null takes all elements in one row. */
function alongAxis(x: Operand, given: SortOptions | number | null, f: (rows: Variable) => Variable): Variable {
  const axis = typeof given === "object" && given !== null ? given.axis : given;
  const v = axis === null ? flatten(x) : asTensor(x);
  return withAxisLast(v, normaliseAxis(v, axis ?? -1), f);
}

/** Positions that sort x along an axis, int32; equal elements keep their order, NaN comes last. */
export const argsort = (x: Operand, options: SortOptions | number | null = {}): Variable => alongAxis(x, options, (rows) => apply1(argsortOp, [rows]));

/** x in ascending order along an axis. Gradients go where the elements came from. */
export const sort = (x: Operand, options: SortOptions | number | null = {}): Variable => alongAxis(x, options, (rows) => apply1(permuteOp, [rows, apply1(argsortOp, [rows])]));

/** The last k positions of rows, greatest first; for negative k the first, least first. */
function ends(order: Variable, k: number | Variable): Variable {
  if (k === 0) fail("value", "topk-count", { what: "topk needs a count other than 0.", fix: "use k > 0 for the greatest elements, k < 0 for the least" });
  if (typeof k === "number" && k < 0) return get(order, ellipsis, slice(-k));
  return get(get(order, ellipsis, slice(null, null, -1)), ellipsis, slice(k));
}

/** The k greatest elements along an axis, greatest first (with -k the least, least first), and their positions. `k` as a variable counts greatest ones. Error: `topk-count`. */
export function topkAndArgtopk(x: Operand, k: number | Variable, options: SortOptions | number | null = {}): readonly [Variable, Variable] {
  const found = (rows: Variable): Variable => ends(apply1(argsortOp, [rows]), k);
  const positions = alongAxis(x, options, found);
  const values = alongAxis(x, options, (rows) => taken(rows, found(rows)));
  return [values, positions];
}

/** x[…, y[…, i]] where rows of y may be shorter than those of x. */
function taken(rows: Variable, at: Variable): Variable {
  const n = shapeAt(rows, -1);
  const flat = flatten(rows);
  if (rows.ndim === 1) return get(flat, at);
  const row = dimshuffle(mul(rowNumbers(rows), n), ...rows.broadcastable.slice(1).map((_, a) => a), "x");
  return get(flat, row.add(at));
}

/** The row-major number of each row. */
function rowNumbers(rows: Variable): Variable {
  const lengths = rows.broadcastable.slice(1).map((_, a) => shapeAt(rows, a));
  return arange(lengths.reduce((a, b) => mul(a, b))).reshape(lengths);
}

/** The values of `topkAndArgtopk`. */
export const topk = (x: Operand, k: number | Variable, options: SortOptions | number | null = {}): Variable => topkAndArgtopk(x, k, options)[0];
/** The positions of `topkAndArgtopk`. */
export const argtopk = (x: Operand, k: number | Variable, options: SortOptions | number | null = {}): Variable => topkAndArgtopk(x, k, options)[1];

declare module "../graph/variable.js" {
  interface Variable {
    /** Ascending along an axis, the last by default. */
    sort(options?: SortOptions | number | null): Variable;
    /** Positions that sort along an axis, int32. */
    argsort(options?: SortOptions | number | null): Variable;
  }
}
method({ sort, argsort });
