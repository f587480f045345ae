/**
 * Arithmetic, comparison and mathematical functions of one element. One record each: meaning, gradient, reference, infix sign.
 * Adding one here is all there is to do. Next room: autodiff.
 */
import { prim } from "../codegen/ir/expr.js";
import type { Variable } from "../graph/variable.js";
import { type Binary, elementwiseOp, type ElementwiseFields, method, type Operand, type Ternary, type Unary } from "./define.js";
import { padLeft } from "./dimshuffle.js";

export const unary = (f: ElementwiseFields): Unary => elementwiseOp(1, padLeft, f);
export const binary = (f: ElementwiseFields): Binary => elementwiseOp(2, padLeft, f);
export const ternary = (f: ElementwiseFields): Ternary => elementwiseOp(3, padLeft, f);

interface Ctx { readonly inputs: readonly Variable[]; readonly outputs: readonly Variable[]; readonly cotangents: readonly (Variable | null)[] }
/** The cotangent: elementwise ops have one output, and it is connected whenever a gradient is asked for. */
export const ct = (ctx: Ctx): Variable => ctx.cotangents[0] as Variable;
export const input = (ctx: Ctx, i: number): Variable => ctx.inputs[i] as Variable;
export const output = (ctx: Ctx): Variable => ctx.outputs[0] as Variable;

export const add = binary({
  name: "add", doc: "a + b.", dtype: "arithmetic", infix: "+", onnx: "Add", commutative: true,
  expr: (a, b) => prim("add", a, b),
  reference: (a, b) => a + b,
  gradient: (ctx) => [ct(ctx), ct(ctx)],
});

export const mul = binary({
  name: "mul", doc: "a * b.", dtype: "arithmetic", infix: "*", onnx: "Mul", commutative: true,
  expr: (a, b) => prim("mul", a, b),
  reference: (a, b) => a * b,
  gradient: (ctx) => [mul(ct(ctx), input(ctx, 1)), mul(ct(ctx), input(ctx, 0))],
});

export const exp = unary({
  name: "exp", doc: "e to the x. Integers give floatX.", dtype: "float", onnx: "Exp",
  expr: (x) => prim("exp", x),
  reference: Math.exp,
  gradient: (ctx) => [mul(ct(ctx), output(ctx))],
});

export const lt = binary({
  name: "lt", doc: "a < b, as bool.", dtype: "compare", infix: "<", onnx: "Less",
  expr: (a, b) => prim("lt", a, b),
  reference: (a, b) => (a < b ? 1 : 0),
  gradient: () => ["disconnected", "disconnected"],
});

declare module "../graph/variable.js" {
  interface Variable {
    /** this + other; a number takes this tensor's dtype if it fits. */
    add(other: Operand): Variable;
    mul(other: Operand): Variable;
    /** this < other, elementwise, as bool. */
    lt(other: Operand): Variable;
    exp(): Variable;
  }
}
method({ add, mul, lt, exp });
