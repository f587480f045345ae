/**
 * Two ways to compute a graph in tests of ops, without compile: by the float64 references, and by the lowering of one op evaluated at
 * constant indices over inputs that refuse to be read out of range.
 */
import { cast, constant, type Expr, load } from "../../src/codegen/ir/expr.js";
import { int } from "../../src/codegen/ir/index.js";
import { REDUCE_IDENTITY } from "../../src/codegen/ir/kernel.js";
import { evalPrim } from "../../src/codegen/ir/prims.js";
import type { Lazy, LowerContext, Op, Params, ShapeContext } from "../../src/graph/op.js";
import { TensorType } from "../../src/graph/types.js";
import { SharedVariable, Variable } from "../../src/graph/variable.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { asarray } from "../../src/numpy/convert.js";
import { type ArrayLike, NdArray, type Shape, sizeOf, stridesOf } from "../../src/numpy/ndarray.js";
import { fail } from "../../src/util/fail.js";

/** The value of a variable where the inputs have the given values, as nested arrays. */
export function numbersOf(v: Variable, given: readonly (readonly [Variable, ArrayLike])[] = []): unknown {
  return arrayOf(v, given).toArray();
}

/** What a compiled function gave, as nested arrays where it is an array. */
export const nested = (result: unknown): unknown => (result instanceof NdArray ? result.toArray() : result);

export const arrayOf = (v: Variable, given: readonly (readonly [Variable, ArrayLike])[] = []): NdArray =>
  interpret([v], new Map(given.map(([x, value]) => [x, asarray(value, { dtype: x.dtype })] as const)))[0] as NdArray;

const indexAt = (n: number, shape: Shape): Expr[] => {
  const strides = stridesOf(shape);
  return shape.map((d, a) => int(Math.floor(n / (strides[a] as number)) % Math.max(d, 1)));
};

/** A host array that throws when it is read out of range. */
export function lazyOf(x: NdArray): Lazy {
  const strides = stridesOf(x.shape);
  return {
    shape: x.shape,
    dtype: x.dtype,
    at: (index) => {
      if (index.length !== x.ndim) throw new Error(`index of ${index.length} axes into ${x}`);
      if (index.some((i) => i.kind !== "const")) return load(0, x.dtype, index);
      const at = index.reduce((n, i, a) => {
        if (i.kind !== "const") return n;
        if (i.value < 0 || i.value >= (x.shape[a] as number)) throw new Error(`index ${i.value} is out of range for axis ${a} of ${x}`);
        return n + i.value * (strides[a] as number);
      }, 0);
      return constant(x.data[at] as number, x.dtype);
    },
  };
}

const scalars = (x: NdArray): Expr[] => Array.from(x.data, (v) => constant(v, x.dtype));

/** What `shape` is asked in when every value is known, or (`device`) when integers can be bound but not peeked at. */
export function shapeContext(params: Params, inputs: readonly NdArray[], types: readonly TensorType[], where: "host" | "device" = "host"): ShapeContext<Params> {
  return {
    params, inputs: types,
    shapes: inputs.map((x) => x.shape),
    ints: (i) => scalars(inputs[i] as NdArray),
    peek: (i) => (where === "host" ? scalars(inputs[i] as NdArray) : null),
    known: (i) => (where === "host" ? Number(inputs[i]?.data[0]) : null),
    fixed: (e) => {
      if (e.kind !== "const") throw new Error(`not constant: ${e.kind}`);
      return e.value;
    },
    guard: (e) => {
      if (e.kind !== "const" || e.value < 0) throw new Error("a guard failed");
    },
    fail: (code, what, fix, family = "value") => fail(family, code, { what, fix }),
  };
}

/** Outputs of one application of an op through `shape` and `lower`. */
export function lowered(op: Op, params: Params, inputs: readonly NdArray[], types: readonly TensorType[], where: "host" | "device" = "host"): NdArray[] {
  const out = op.fields.infer(types, params);
  const shapes = op.fields.shape(shapeContext(params, inputs, types, where));
  const outputs = out.map((t, i) => ({ shape: shapes[i] as Shape, dtype: t.dtype }));
  const ctx: LowerContext<Params> = { params, inputs: inputs.map(lazyOf), outputs, ints: (i) => scalars(inputs[i] as NdArray), peek: (i) => scalars(inputs[i] as NdArray) };
  const lower = op.fields.lower;
  if (lower.kind === "graph") return expanded(op, params, inputs, types);
  return outputs.map(({ shape, dtype }, o) => {
    const at = elementOf(ctx, lower, dtype, o);
    const made = NdArray.zeros(shape, dtype);
    for (let n = 0; n < sizeOf(shape); n++) {
      const e = cast(at(indexAt(n, shape)), dtype);
      if (e.kind !== "const") throw new Error(`${op} left ${e.kind} in an element of constants`);
      made.data[n] = e.value;
    }
    return made;
  });
}

function elementOf(ctx: LowerContext<Params>, lower: Op["fields"]["lower"], dtype: TensorType["dtype"], output: number): (index: readonly Expr[]) => Expr {
  if (lower.kind === "elementwise") return (index) => lower.expr(ctx.inputs.map((x) => x.at(index.map((i, a) => (x.shape[a] === 1 ? int(0) : i)))), ctx.params, dtype);
  if (lower.kind === "index") return lower.at(ctx)[output] as (index: readonly Expr[]) => Expr;
  if (lower.kind !== "reduce") throw new Error(`cannot evaluate a ${lower.kind}`);
  const form = lower.reduce(ctx);
  const step = { sum: "add", prod: "mul", max: "max", min: "min" } as const;
  return (index) => {
    let total = REDUCE_IDENTITY[form.op];
    for (let k = 0; k < sizeOf(form.extents); k++) {
      const term = cast(form.term(index, indexAt(k, form.extents)), form.dtype);
      if (term.kind !== "const") throw new Error(`a term of constants is a ${term.kind}`);
      total = evalPrim(step[form.op], [total, term.value], form.dtype);
    }
    return constant(total, form.dtype);
  };
}

function expanded(op: Op, params: Params, inputs: readonly NdArray[], types: readonly TensorType[]): NdArray[] {
  const { lower } = op.fields;
  const vs = types.map((t) => new Variable(t));
  return lower.kind === "graph" ? interpret(lower.expand(vs, params), new Map(vs.map((v, i) => [v, inputs[i] as NdArray]))) : [];
}

/** Checks that the node that made `v` has the same outputs by its lowering as by its reference; gives the value. */
export function bothWays(v: Variable, given: readonly (readonly [Variable, ArrayLike])[] = []): unknown {
  const node = v.owner;
  if (node === null) throw new Error("no node");
  const env = new Map(given.map(([x, value]) => [x, asarray(value, { dtype: x.dtype })] as const));
  const inputs = node.inputs.map((x) => (x instanceof SharedVariable ? (x.cell.host as NdArray) : (interpret([x], env)[0] as NdArray)));
  const types = node.inputs.map((x) => x.type);
  const direct = node.op.fields.reference(inputs, node.params, node.outputs.map((o) => o.type));
  const other = lowered(node.op, node.params, inputs, types);
  direct.forEach((d, i) => {
    const l = other[i] as NdArray;
    if (JSON.stringify([d.shape, d.dtype, [...d.data]]) !== JSON.stringify([l.shape, l.dtype, [...l.data]])) {
      throw new Error(`${node.op}: reference ${d} ${JSON.stringify(d.toArray())}, lowering ${l} ${JSON.stringify(l.toArray())}`);
    }
  });
  return (direct[v.index] as NdArray).toArray();
}
