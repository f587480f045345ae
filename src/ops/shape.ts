/**
 * Shapes as values. `x.shape` is an int32 vector, and `x.shape[0]` a 0-d int32 variable; both are known on the host once shapes are bound,
 * so they never read x. Reshaping is in reshape.ts, filling in alloc.ts. Must not know devices.
 */
import { type Expr, prim } from "../codegen/ir/expr.js";
import { int, keyOf } from "../codegen/ir/index.js";
import type { Lazy, Op, Params } from "../graph/op.js";
import { tensorType } from "../graph/types.js";
import { apply1, Constant, scalarConstant, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, type Operand, property } from "./define.js";
import { dimShuffleOp } from "./dimshuffle.js";

/** Chooses by a condition; where it is constant only the chosen side is built. */
export function choose(condition: Expr, yes: () => Expr, no: () => Expr): Expr {
  if (condition.kind === "const") return condition.value !== 0 ? yes() : no();
  return prim("select", condition, yes(), no());
}

/** One of a few expressions, by an index in range. */
export function pick(index: Expr, choices: readonly Expr[]): Expr {
  const last = choices[choices.length - 1] as Expr;
  if (index.kind === "const") return choices[index.value] ?? last;
  return choices.slice(0, -1).reduceRight<Expr>((rest, c, k) => (keyOf(c) === keyOf(rest) ? rest : prim("select", prim("eq", index, int(k)), c, rest)), last);
}

const shapeOp: Op = defineOp({
  name: "shape",
  doc: "The lengths of x's axes, an int32 vector. Does not read x; no gradient flows.",
  infer: () => [tensorType("int32", 1)],
  shape: ({ shapes }) => [[(shapes[0] as Shape).length]],
  lower: { kind: "index", at: ({ inputs: [x] }) => [([i]) => pick(i as Expr, (x as Lazy).shape.map(int))] },
  gradient: () => ["disconnected"],
  reference: ([x]) => [new NdArray(Int32Array.from((x as NdArray).shape), [(x as NdArray).ndim], "int32")],
  samples: [{ inputs: [{ dtype: "float64", shape: [2, 3] }], params: {} }, { inputs: [{ dtype: "float64", shape: [0] }], params: {} }],
  onnx: "Shape",
});

interface AxisParam extends Params { readonly axis: number }

const shapeAxisOp: Op = defineOp<AxisParam>({
  name: "shape_i",
  doc: "The length of one axis of x, 0-d int32 (theano/tensor/opt.py Shape_i). Does not read x; no gradient flows.",
  infer: () => [tensorType("int32", 0)],
  shape: () => [[]],
  lower: { kind: "index", at: ({ inputs: [x], params: { axis } }) => [() => int((x as Lazy).shape[axis] as number)] },
  gradient: () => ["disconnected"],
  reference: ([x], { axis }) => [NdArray.scalar((x as NdArray).shape[axis] as number, "int32")],
  samples: [{ inputs: [{ dtype: "float64", shape: [2, 3] }], params: { axis: 1 } }, { inputs: [{ dtype: "float64", shape: [0, 3] }], params: { axis: 0 } }],
});

/** A non-negative axis of `v`; throws `axis-range`. */
export function normaliseAxis(v: { readonly ndim: number; toString(): string; readonly origin?: unknown }, axis: number, count: number = v.ndim): number {
  const at = axis < 0 ? axis + count : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= count) {
    fail("value", "axis-range", { what: `Axis ${axis} does not exist in ${v}.`, where: v.origin === undefined ? undefined : String(v.origin), fix: count === 0 ? "a 0-d tensor has no axes" : `use an axis of ${-count} … ${count - 1}` });
  }
  return at;
}

/** The length of an axis: a constant where it is known (constants, axes that broadcast), else a 0-d int32 variable. */
export function shapeAt(x: Operand, axis: number): Variable {
  const v = asTensor(x);
  const a = normaliseAxis(v, axis);
  if (v instanceof Constant) return scalarConstant(v.value.shape[a] as number, "int32");
  if (v.broadcastable[a]) return scalarConstant(1, "int32");
  return apply1(shapeAxisOp, [v], { axis: a });
}

/** The lengths of all axes, one variable each. */
export const lengthsOf = (x: Variable): Variable[] => x.broadcastable.map((_, a) => shapeAt(x, a));

/**
 * A shape as users see it: an int32 vector variable that can also be indexed by number, iterated and spread like an array.
 * The first axes are declared one by one so that `x.shape[0]` is a Variable and not `Variable | undefined`.
 */
export interface ShapeVariable extends Variable, Iterable<Variable> {
  /** The rank of what it is the shape of. */
  readonly length: number;
  readonly 0: Variable;
  readonly 1: Variable;
  readonly 2: Variable;
  readonly 3: Variable;
  readonly 4: Variable;
  readonly [axis: number]: Variable;
}

/** The shape of x, an int32 vector: `T.shape(x)`, `x.shape`, `x.shape[0]`, `[...x.shape]`. */
export function shape(x: Operand): ShapeVariable {
  const v = asTensor(x);
  const vector = apply1(shapeOp, [v]);
  Object.defineProperty(vector, "length", { value: v.ndim });
  Object.defineProperty(vector, Symbol.iterator, { value: () => lengthsOf(v)[Symbol.iterator]() });
  for (let a = 0; a < v.ndim; a++) Object.defineProperty(vector, a, { get: () => shapeAt(v, a) });
  return vector as ShapeVariable;
}

declare module "../graph/variable.js" {
  interface Variable {
    /** Its lengths, symbolic: an int32 vector; `x.shape[0]` is a 0-d int32 variable. */
    readonly shape: ShapeVariable;
  }
}
property({ shape });

/** A length known now or at run time. */
export type Length = number | Variable;

/** What stands for a shape in calls: a length (one axis), a list of them, or an int vector variable such as `x.shape`. */
export type ShapeLike = Length | readonly Length[];

/** The lengths that an int vector variable is made of, where its making says so; null where only its length is to be known at run time. */
export function partsOf(v: Variable): readonly Length[] | null {
  if (v.owner?.op === shapeOp) return lengthsOf(v.owner.inputs[0] as Variable);
  if (v instanceof Constant && v.ndim === 1) return [...v.value.data];
  // A list of 0-d variables that asTensorVariable stacked.
  const stacked = v.owner?.op.name === "join" ? v.owner.inputs.map((i) => (i.owner?.op === dimShuffleOp ? i.owner.inputs[0] : undefined)) : [];
  const parts = stacked.filter((s) => s?.ndim === 0) as Variable[];
  return parts.length > 0 && parts.length === stacked.length ? parts : null;
}


export { shapeAxisOp, shapeOp };
