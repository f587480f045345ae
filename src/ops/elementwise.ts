/**
 * Arithmetic, comparison, logic and selection of one element. One record each: meaning, gradient, reference, infix sign. Gradients are
 * Theano's (theano/scalar/basic.py), ties included. Adding one here is all there is to do. Next: math.ts has the functions of analysis.
 */
import { type DType, isFloat, promote, toDType } from "../codegen/ir/dtype.js";
import { cast as castExpr, constant, type Expr, prim } from "../codegen/ir/expr.js";
import type { Op, Params } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import { apply1, scalarConstant, type Variable } from "../graph/variable.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, asTensors, type Binary, defineOp, method, type Operand, type Ternary } from "./define.js";
import { binary, type Ctx, ct, input, ternary, unary } from "./elementwise_kit.js";
import { fill, zeroGradient } from "./fill.js";

export { fill };

const flat = (ctx: Ctx): Variable[] => ctx.inputs.map(zeroGradient);

/** Any number of operands, from the left. */
export type Variadic = ((a: Operand, b: Operand, ...more: readonly Operand[]) => Variable) & { readonly op: Op };
const variadic = (f: Binary): Variadic => Object.assign((a: Operand, b: Operand, ...more: readonly Operand[]): Variable => more.reduce<Variable>((total, x) => f(total, x), f(a, b)), { op: f.op });

const add2 = binary({
  name: "add", doc: "a + b.", dtype: "arithmetic", infix: "+", onnx: "Add", commutative: true,
  expr: (a, b) => prim("add", a, b),
  reference: (a, b) => a + b,
  gradient: (ctx) => [ct(ctx), ct(ctx)],
});
/** a + b + …; see the record. */
export const add = variadic(add2);

export const sub = binary({
  name: "sub", doc: "a - b.", dtype: "arithmetic", infix: "-", onnx: "Sub",
  expr: (a, b) => prim("sub", a, b),
  reference: (a, b) => a - b,
  gradient: (ctx) => [ct(ctx), neg(ct(ctx))],
});

const mul2 = binary({
  name: "mul", doc: "a * b.", dtype: "arithmetic", infix: "*", onnx: "Mul", commutative: true,
  expr: (a, b) => prim("mul", a, b),
  reference: (a, b) => a * b,
  integers: Math.imul,
  gradient: (ctx) => [mul(ct(ctx), input(ctx, 1)), mul(ct(ctx), input(ctx, 0))],
});
/** a b …; see the record. */
export const mul: Variadic = variadic(mul2);

export const div = binary({
  name: "div", doc: "a / b, always a float: integers give floatX (Theano's true_div).", dtype: "float", infix: "/", onnx: "Div", domain: [[-2, 2], [0.5, 2]],
  expr: (a, b) => prim("div", a, b),
  reference: (a, b) => a / b,
  gradient: (ctx) => {
    const [x, y, g] = [input(ctx, 0), input(ctx, 1), ct(ctx)];
    return [div(g, y), div(neg(mul(g, x)), mul(y, y))];
  },
});

export const floorDiv = binary({
  name: "floorDiv", doc: "Python's a // b: rounds towards minus infinity; integer division by 0 gives 0. Its gradient is zero (theano/scalar/basic.py IntDiv).",
  dtype: "arithmetic", infix: "//", domain: [[-2, 2], [0.5, 2]],
  expr: (a, b) => prim("floorDiv", a, b),
  reference: (a, b) => Math.floor(a / b),
  gradient: flat,
});

export const mod = binary({
  name: "mod", doc: "Python's a % b: the result has the divisor's sign; integer modulus 0 gives 0.", dtype: "arithmetic", infix: "%", onnx: "Mod", domain: [[0.1, 0.9], [1, 2]],
  expr: (a, b) => prim("mod", a, b),
  reference: (a, b) => {
    const r = a % b;
    return r !== 0 && r < 0 !== b < 0 ? r + b : r;
  },
  gradient: (ctx) => [ct(ctx), mul(neg(floorDiv(input(ctx, 0), input(ctx, 1))), ct(ctx))],
});

export const neg = unary({
  name: "neg", doc: "-x, elementwise.", dtype: "arithmetic", infix: "-", onnx: "Neg",
  expr: (x) => prim("neg", x),
  reference: (x) => -x,
  gradient: (ctx) => [neg(ct(ctx))],
});

export const abs = unary({
  name: "abs", doc: "|x|; its gradient is sgn(x), 0 at 0.", dtype: "same", onnx: "Abs", domain: [[0.2, 2]],
  expr: (x) => prim("abs", x),
  reference: Math.abs,
  gradient: (ctx) => [mul(ct(ctx), sgn(input(ctx, 0)))],
});

export const sgn = unary({
  name: "sgn", doc: "-1, 0 or 1 by the sign of x; NaN for NaN.", dtype: "same", onnx: "Sign", domain: [[0.2, 2]],
  expr: (x) => prim("sgn", x),
  reference: Math.sign,
  gradient: flat,
});

export const sqr = unary({
  name: "sqr", doc: "x * x.", dtype: "same",
  expr: (x) => prim("mul", x, x),
  reference: (x) => x * x,
  integers: (x) => Math.imul(x, x),
  gradient: (ctx) => [mul(mul(ct(ctx), input(ctx, 0)), 2)],
});

export const lt = binary({
  name: "lt", doc: "a < b, as bool.", dtype: "compare", infix: "<", onnx: "Less",
  expr: (a, b) => prim("lt", a, b),
  reference: (a, b) => Number(a < b),
});

export const le = binary({
  name: "le", doc: "a <= b, as bool.", dtype: "compare", infix: "<=", onnx: "LessOrEqual",
  expr: (a, b) => prim("le", a, b),
  reference: (a, b) => Number(a <= b),
});

export const gt = binary({
  name: "gt", doc: "a > b, as bool.", dtype: "compare", infix: ">", onnx: "Greater",
  expr: (a, b) => prim("lt", b, a),
  reference: (a, b) => Number(a > b),
});

export const ge = binary({
  name: "ge", doc: "a >= b, as bool.", dtype: "compare", infix: ">=", onnx: "GreaterOrEqual",
  expr: (a, b) => prim("le", b, a),
  reference: (a, b) => Number(a >= b),
});

export const eq = binary({
  name: "eq", doc: "Whether a equals b elementwise, as bool; NaN equals nothing.", dtype: "compare", onnx: "Equal", commutative: true,
  expr: (a, b) => prim("eq", a, b),
  reference: (a, b) => Number(a === b),
});

export const neq = binary({
  name: "neq", doc: "Whether a differs from b elementwise, as bool.", dtype: "compare", commutative: true,
  expr: (a, b) => prim("ne", a, b),
  reference: (a, b) => Number(a !== b),
});

/** The logical ops take bools only: on integers Theano's are bitwise, which damo has not. */
const bools = (ds: readonly DType[]): DType => {
  if (ds.some((d) => d !== "bool")) {
    fail("type", "logical-dtype", { what: `A logical op needs bools, got ${ds.join(" and ")}.`, fix: "compare with T.neq(x, 0), or cast to bool with T.cast(x, 'bool')" });
  }
  return "bool";
};

export const and_ = binary({
  name: "and", doc: "a and b of bools. Other dtypes are the error `logical-dtype`.", dtype: bools, infix: "&", onnx: "And", commutative: true, sampleDTypes: ["bool", "bool"],
  expr: (a, b) => prim("and", a, b),
  reference: (a, b) => Number(a !== 0 && b !== 0),
});

export const or_ = binary({
  name: "or", doc: "a or b of bools. Other dtypes are the error `logical-dtype`.", dtype: bools, infix: "|", onnx: "Or", commutative: true, sampleDTypes: ["bool", "bool"],
  expr: (a, b) => prim("or", a, b),
  reference: (a, b) => Number(a !== 0 || b !== 0),
});

export const xor = binary({
  name: "xor", doc: "Whether just one of two bools is true. Other dtypes are the error `logical-dtype`.", dtype: bools, infix: "^", onnx: "Xor", commutative: true, sampleDTypes: ["bool", "bool"],
  expr: (a, b) => prim("ne", a, b),
  reference: (a, b) => Number((a !== 0) !== (b !== 0)),
});

export const invert = unary({
  name: "invert", doc: "not x of a bool. Other dtypes are the error `logical-dtype`.", dtype: bools, infix: "~", onnx: "Not", sampleDTypes: ["bool"],
  expr: (x) => prim("not", x),
  reference: (x) => Number(x === 0),
});

/**
 * The gradient goes to the operand that wins, at ties to the first, with NaN to the second (theano/scalar/basic.py Maximum.L_op, which compares
 * the result with the first operand; here the operands are compared, since a stored result has been rounded and an operand perhaps not).
 */
const ofWinner = (wins: (a: Variable, b: Variable) => Variable) => (ctx: Ctx): Variable[] => {
  const e = wins(input(ctx, 0), input(ctx, 1));
  return [mul(e, ct(ctx)), mul(sub(scalarConstant(1, ct(ctx).dtype), e), ct(ctx))];
};

export const maximum = binary({
  name: "maximum", doc: "The greater of a and b; NaN if either is. At ties the gradient goes to a.", dtype: "same", onnx: "Max", commutative: false,
  expr: (a, b) => prim("max", a, b),
  reference: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a > b ? a : b),
  gradient: ofWinner(ge),
});

export const minimum = binary({
  name: "minimum", doc: "The lesser of a and b; NaN if either is. At ties the gradient goes to a.", dtype: "same", onnx: "Min", commutative: false,
  expr: (a, b) => prim("min", a, b),
  reference: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a < b ? a : b),
  gradient: ofWinner(le),
});

export const clip = ternary({
  name: "clip", doc: "x limited to [min, max]. The gradient passes to x at the bounds, inclusive; outside it goes to the bound.", dtype: "arithmetic", onnx: "Clip",
  domain: [[-2, 2], [-1.5, -1], [1, 1.5]],
  expr: (x, low, high) => prim("min", prim("max", x, low), high),
  reference: (x, low, high) => (x < low ? low : x > high ? high : x),
  gradient: (ctx) => {
    const [x, low, high, g] = [input(ctx, 0), input(ctx, 1), input(ctx, 2), ct(ctx)];
    return [mul(and_(ge(x, low), le(x, high)), g), mul(lt(x, low), g), mul(gt(x, high), g)];
  },
});

const select = ternary({
  name: "switch", doc: "Elementwise: a where the condition is true (not 0), b elsewhere.", dtype: (ds) => promote(...ds.slice(1)), onnx: "Where", sampleDTypes: ["bool", "float64", "float64"],
  expr: (c, a, b) => prim("select", castExpr(c, "bool"), a, b),
  reference: (c, a, b) => (c !== 0 ? a : b),
  gradient: (ctx) => {
    const [c, g] = [input(ctx, 0), ct(ctx)];
    return [zeroGradient(c), switch_(c, g, 0), switch_(c, 0, g)];
  },
});

/** Elementwise choice: `a` where `condition` is true, else `b`. A number takes the dtype of the other branch, not of the condition. */
export const switch_: Ternary = Object.assign(
  (condition: Operand, a: Operand, b: Operand): Variable => {
    const [x, y] = asTensors([a, b]) as [Variable, Variable];
    return select(asTensor(condition), x, y);
  },
  { op: select.op },
);
/** NumPy's name of `switch_`. */
export const where = switch_;

interface CastParams extends Params { readonly dtype: DType }
const castOp: Op = defineOp<CastParams>({
  name: "cast",
  doc: "x converted to another dtype: floats to integers truncate, to bool tests against 0, to float32 rounds.",
  infer: ([x], { dtype }) => [(x as TensorType).withDType(dtype)],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: { kind: "elementwise", expr: ([x], { dtype }) => castExpr(x as Expr, dtype) },
  gradient: (ctx) => [ct(ctx)],
  reference: ([x], _, [type]) => [(x as NdArray).astype((type as TensorType).dtype)],
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 3] }], params: { dtype: "int32" } },
    { inputs: [{ dtype: "int32", shape: [3], exact: [-1, 0, 7] }], params: { dtype: "float64" } },
    { inputs: [{ dtype: "float64", shape: [3], exact: [0, 0.5, -1] }], params: { dtype: "bool" } },
  ],
  repeats: 0,
  onnx: "Cast",
});

/** x as another dtype; x itself when it has it. Theano's integer names mean int32. Error: `dtype-name` for unknown names. */
export const cast: ((x: Operand, dtype: string) => Variable) & { readonly op: Op } = Object.assign(
  (x: Operand, dtype: string): Variable => {
    const [v, to] = [asTensor(x), toDType(dtype)];
    return v.dtype === to ? v : apply1(castOp, [v], { dtype: to });
  },
  { op: castOp },
);

const LARGEST: Readonly<Partial<Record<DType, number>>> = { float32: 3.4028234663852886e38, float64: Number.MAX_VALUE };

export const isnan = unary({
  name: "isnan", doc: "Whether x is NaN, as bool; never for integers.", dtype: "compare", onnx: "IsNaN",
  expr: (x) => (isFloat(x.dtype) ? prim("isNan", x) : constant(0, "bool")),
  reference: (x) => Number(Number.isNaN(x)),
});

export const isinf = unary({
  name: "isinf", doc: "Whether x is plus or minus infinity, as bool; never for integers.", dtype: "compare", onnx: "IsInf",
  expr: (x) => (isFloat(x.dtype) ? prim("lt", constant(LARGEST[x.dtype] as number, x.dtype), prim("abs", x)) : constant(0, "bool")),
  reference: (x) => Number(Math.abs(x) === Number.POSITIVE_INFINITY),
});

declare module "../graph/variable.js" {
  interface Variable {
    /** this + other; a number takes this tensor's dtype if it fits. */
    add(other: Operand): Variable;
    sub(other: Operand): Variable;
    mul(other: Operand): Variable;
    /** this / other, always a float. */
    div(other: Operand): Variable;
    trueDiv(other: Operand): Variable;
    /** Python's `//`. */
    floorDiv(other: Operand): Variable;
    /** Python's `%`. */
    mod(other: Operand): Variable;
    neg(): Variable;
    abs(): Variable;
    sgn(): Variable;
    sqr(): Variable;
    /** this < other, elementwise, as bool. */
    lt(other: Operand): Variable;
    le(other: Operand): Variable;
    gt(other: Operand): Variable;
    ge(other: Operand): Variable;
    eq(other: Operand): Variable;
    neq(other: Operand): Variable;
    and(other: Operand): Variable;
    or(other: Operand): Variable;
    xor(other: Operand): Variable;
    invert(): Variable;
    maximum(other: Operand): Variable;
    minimum(other: Operand): Variable;
    clip(low: Operand, high: Operand): Variable;
    /** `value` repeated over this shape. */
    fill(value: Operand): Variable;
    astype(dtype: string): Variable;
    isnan(): Variable;
    isinf(): Variable;
  }
}
method({ add, sub, mul, div, trueDiv: div, floorDiv, mod, neg, abs, sgn, sqr, lt, le, gt, ge, eq, neq, and: and_, or: or_, xor, invert });
method({ maximum, minimum, clip, fill, astype: cast, isnan, isinf });
