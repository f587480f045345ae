/**
 * Tensors made from lengths: alloc (a value repeated), zeros, ones, eye, arange, and their …Like forms. None reads memory unless the value does.
 */
import { cast as castExpr, type Expr, prim } from "../codegen/ir/expr.js";
import { iadd, imul, int, isub } from "../codegen/ir/index.js";
import { type DType, promote, toDType } from "../codegen/ir/dtype.js";
import type { Lazy, Op, Params, ShapeContext } from "../graph/op.js";
import { TensorType, tensorType } from "../graph/types.js";
import { apply1, Constant, scalarConstant, type Variable } from "../graph/variable.js";
import { arange as hostArange } from "../numpy/create.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { asTensor, asTensors, defineOp, method, type Operand } from "./define.js";
import { boundDims, type Dims, dimFlags, givenDims, splitDims } from "./dims.js";
import { add, cast, div, fill, mul, sub } from "./elementwise.js";
import { ceil } from "./math.js";
import { type Named, optionOf } from "./options.js";
import { sum } from "./reduce.js";
import { type ShapeLike, shapeAt } from "./shape.js";
import { stretched, stretchedTo, sumStretched } from "./stretch.js";

interface AllocParams extends Params { readonly lengths: Dims["lengths"] }

/** A value's axes line up with the last axes of the result, as in NumPy. */
function checkValue(ctx: ShapeContext<AllocParams>, shape: Shape): void {
  const [value] = ctx.shapes as [Shape];
  const first = shape.length - value.length;
  const bad = value.findIndex((n, a) => n !== shape[first + a] && !(n === 1 && ctx.inputs[0]?.broadcastable[a]));
  if (bad >= 0) ctx.fail("alloc-shape", `A value of shape (${value.join(", ")}) cannot fill the shape (${shape.join(", ")}).`, "make the value's lengths equal to the last lengths of the shape, or let its axes broadcast");
}

const allocOp: Op = defineOp<AllocParams>({
  name: "alloc",
  doc: "The value repeated over the given lengths; its axes are the last ones. A literal 1 makes an axis that broadcasts. Lengths that do not fit: `alloc-shape`.",
  infer: ([x], { lengths }) => [new TensorType((x as TensorType).dtype, dimFlags(lengths))],
  shape: (ctx) => {
    const shape = boundDims(ctx, ctx.params.lengths, 1);
    checkValue(ctx, shape);
    return [shape];
  },
  lower: { kind: "index", at: ({ inputs: [x] }) => [(index) => stretched(x as Lazy, index.slice(index.length - (x as Lazy).shape.length))] },
  gradient: ({ inputs: [value, ...rest], cotangents: [cotangent] }) => {
    const [x, g] = [value as Variable, cotangent as Variable];
    const extra = g.ndim - x.ndim;
    return [sumStretched(sum(g, { axis: Array.from({ length: extra }, (_, a) => a) }), x), ...rest.map(() => "disconnected" as const)];
  },
  reference: ([x, ...rest], { lengths }) => {
    const shape = givenDims(lengths, rest);
    const value = (x as NdArray).reshape([...shape.slice((x as NdArray).ndim).map(() => 1), ...(x as NdArray).shape]);
    const at = stretchedTo(value, shape);
    const out = NdArray.zeros(shape, value.dtype);
    for (let n = 0; n < out.size; n++) out.data[n] = at(n);
    return [out];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [] }], params: { lengths: [2, 3] } },
    { inputs: [{ dtype: "float64", shape: [3] }, { dtype: "int32", shape: [], exact: [2] }], params: { lengths: [null, 3] } },
    { inputs: [{ dtype: "float64", shape: [2, 1], broadcastable: [false, true] }], params: { lengths: [1, 2, 4] } },
    { inputs: [{ dtype: "float64", shape: [] }], params: { lengths: [0, 2] } },
  ],
  repeats: 0,
  onnx: "Expand",
});

function repeated(value: Operand, ...size: readonly (number | Variable)[] | readonly [ShapeLike]): Variable {
  const v = asTensor(value);
  const [first] = size;
  const { lengths, inputs } = splitDims(size.length === 1 && first !== undefined ? first : (size as readonly (number | Variable)[]));
  if (lengths.length < v.ndim) {
    fail("value", "alloc-rank", { what: `A value of ${v.ndim} axes cannot fill ${lengths.length}: ${v}.`, where: String(v.origin), fix: "give at least one length per axis of the value" });
  }
  return lengths.length === 0 ? v : apply1(allocOp, [v, ...inputs], { lengths });
}

/** The value repeated: `T.alloc(0, n, m)`; lengths are numbers, int variables, or one list or int vector of them. Error: `alloc-rank`. */
export const alloc = Object.assign(repeated, { op: allocOp });

export interface DTypeOptions {
  /** dtype of the result. */
  readonly dtype?: string | undefined;
}

const filled = (value: number, size: ShapeLike, given: Named<"dtype", string>): Variable => alloc(scalarConstant(value, toDType(optionOf(given, "dtype") ?? config.floatX)), size);
/** Zeros of a shape, floatX by default. */
export const zeros = (size: ShapeLike, dtype: Named<"dtype", string> = {}): Variable => filled(0, size, dtype);
/** Ones of a shape, floatX by default. */
export const ones = (size: ShapeLike, dtype: Named<"dtype", string> = {}): Variable => filled(1, size, dtype);

function like(x: Operand, value: number, given: Named<"dtype", string>): Variable {
  const dtype = optionOf(given, "dtype");
  const v = asTensor(x);
  return fill(v, scalarConstant(value, dtype === undefined ? v.dtype : toDType(dtype)));
}
/** Zeros of x's shape, and its dtype unless told otherwise. */
export const zerosLike = (x: Operand, dtype: Named<"dtype", string> = {}): Variable => like(x, 0, dtype);
/** Ones of x's shape, and its dtype unless told otherwise. */
export const onesLike = (x: Operand, dtype: Named<"dtype", string> = {}): Variable => like(x, 1, dtype);

interface EyeParams extends Params { readonly lengths: Dims["lengths"]; readonly k: number; readonly dtype: DType }

const eyeOp: Op = defineOp<EyeParams>({
  name: "eye",
  doc: "A matrix with ones on diagonal k (above the main one for positive k) and zeros elsewhere. Inputs are symbolic lengths.",
  infer: (_, { dtype }) => [tensorType(dtype, 2)],
  shape: (ctx) => [boundDims(ctx, ctx.params.lengths, 0)],
  lower: { kind: "index", at: ({ params: { k, dtype } }) => [([i, j]) => castExpr(prim("eq", iadd(i as Expr, int(k)), j as Expr), dtype)] },
  gradient: ({ inputs }) => inputs.map(() => "disconnected"),
  reference: (inputs, { lengths, k, dtype }) => {
    const [n, m] = givenDims(lengths, inputs) as [number, number];
    const out = NdArray.zeros([n, m], dtype);
    for (let i = 0; i < n; i++) if (i + k >= 0 && i + k < m) out.data[i * m + i + k] = 1;
    return [out];
  },
  samples: [
    { inputs: [], params: { lengths: [2, 3], k: 0, dtype: "float64" } },
    { inputs: [{ dtype: "int32", shape: [], exact: [3] }], params: { lengths: [null, 2], k: -1, dtype: "float64" } },
    { inputs: [], params: { lengths: [0, 2], k: 1, dtype: "int32" } },
  ],
});

/** n by m (n by default) with ones on diagonal k (0 by default); floatX by default. */
export function eye(n: number | Variable, ...rest: readonly (number | Variable | null | (DTypeOptions & { readonly m?: number | Variable; readonly k?: number }))[]): Variable {
  const positional = rest.filter((r): r is number | Variable | null => typeof r === "number" || r === null || isVariable(r));
  const options = rest.find((r): r is DTypeOptions & { m?: number | Variable; k?: number } => typeof r === "object" && r !== null && !isVariable(r)) ?? {};
  const k = positional[1] ?? options.k ?? 0;
  if (typeof k !== "number" || !Number.isInteger(k)) fail("type", "eye-diagonal", { what: `The diagonal of eye must be a whole number, got ${String(k)}.`, fix: "pass a number" });
  const { lengths, inputs } = splitDims([n, positional[0] ?? options.m ?? n]);
  return apply1(eyeOp, inputs, { lengths, k, dtype: toDType(options.dtype ?? config.floatX) });
}
const isVariable = (x: unknown): x is Variable => typeof x === "object" && x !== null && "origin" in x;

/** A square or rectangular identity of a matrix's shape and dtype. */
export function identityLike(x: Operand): Variable {
  const v = asTensor(x);
  return eye(shapeAt(v, 0), shapeAt(v, 1), 0, { dtype: v.dtype });
}

/** ceil((stop - start) / step) for any signs, as an expression where only the difference is known. */
function arangeLength(ctx: ShapeContext<Params>): number {
  const [start, stop, step] = [0, 1, 2].map((i) => ctx.ints(i)[0] as Expr) as [Expr, Expr, Expr];
  const s = ctx.fixed(step);
  if (s === 0) ctx.fail("arange-step", "arange got step 0.", "use a positive or negative step");
  return Math.max(0, Math.ceil(ctx.fixed(isub(stop, start)) / s));
}

const arangeOp: Op = defineOp({
  name: "arange",
  doc: "start, start + step, … before stop, int32. Step 0: `arange-step`.",
  infer: () => [tensorType("int32", 1)],
  shape: (ctx) => [[arangeLength(ctx)]],
  lower: {
    kind: "index",
    at: (ctx) => {
      const [start, step] = [ctx.ints(0)[0] ?? int(0), ctx.ints(2)[0] ?? int(1)];
      return [([i]) => iadd(start, imul(i as Expr, step))];
    },
  },
  gradient: () => ["disconnected", "disconnected", "disconnected"],
  reference: (inputs) => {
    const [start, stop, step] = inputs.map((x) => x.data[0] as number) as [number, number, number];
    return [new NdArray(Int32Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * step), [Math.max(0, Math.ceil((stop - start) / step))], "int32")];
  },
  samples: ([[0, 4, 1], [5, -2, -3], [2, 2, 1], [1, 8, 3]] as const).map((exact) => ({ params: {}, inputs: exact.map((x) => ({ dtype: "int32" as const, shape: [], exact: [x] })) })),
  onnx: "Range",
});

/**
 * Evenly spaced values: `T.arange(stop)`, `(start, stop)`, `(start, stop, step)`, an options object last. Integers give int32, numbers with fractions
 * floatX, float variables their dtype: start + i step for i below ceil((stop - start) / step). Error: `arange-rank`.
 */
export function arange(...args: readonly (number | Variable | DTypeOptions)[]): Variable {
  const numbers = args.filter((a): a is number | Variable => typeof a === "number" || isVariable(a));
  const { dtype } = args.find((a): a is DTypeOptions => typeof a === "object" && !isVariable(a)) ?? {};
  const [start, stop, step] = asTensors(numbers.length === 1 ? [0, numbers[0] as Operand, 1] : [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 1]) as [Variable, Variable, Variable];
  const parts = [start, stop, step];
  if (parts.every((v) => v.dtype === "int32" && v.ndim === 0)) {
    const made = apply1(arangeOp, parts);
    return dtype === undefined ? made : cast(made, dtype);
  }
  if (parts.some((v) => v.ndim !== 0)) fail("type", "arange-rank", { what: "arange takes 0-d numbers.", saw: parts.map(String), fix: "pass scalars, such as x.shape[0]" });
  const values = parts.map((v) => (v instanceof Constant ? (v.value.data[0] as number) : null));
  if (values.some((x) => x === null)) {
    const length = cast(ceil(div(sub(stop, start), step)), "int32");
    return cast(add(start, mul(arange(length), step)), dtype ?? promote(...parts.map((v) => v.dtype)));
  }
  const [a, b, c] = values as [number, number, number];
  return new Constant(hostArange(a, b, c).astype(toDType(dtype ?? config.floatX)));
}

declare module "../graph/variable.js" {
  interface Variable {
    zerosLike(dtype?: Named<"dtype", string>): Variable;
    onesLike(dtype?: Named<"dtype", string>): Variable;
  }
}
method({ zerosLike, onesLike });

export { arangeOp };
