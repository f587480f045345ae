/**
 * What records of elementwise ops are written with: makers by arity (ranks padded by dimshuffle), and names for the parts of a gradient's context.
 * Must not know any elementwise op. Next: elementwise.ts, math.ts and sigmoid.ts, which export nothing but what users call.
 */
import { type DType, isFloat } from "../codegen/ir/dtype.js";
import type { Variable } from "../graph/variable.js";
import { config } from "../util/config.js";
import { type Binary, elementwiseOp, type ElementwiseFields, type Ternary, type Unary } from "./define.js";
import { padLeft } from "./dimshuffle.js";

export const unary = (f: ElementwiseFields): Unary => elementwiseOp(1, padLeft, f);
export const binary = (f: ElementwiseFields): Binary => elementwiseOp(2, padLeft, f);
export const ternary = (f: ElementwiseFields): Ternary => elementwiseOp(3, padLeft, f);

/** What gradients of elementwise ops read. */
export interface Ctx { readonly inputs: readonly Variable[]; readonly outputs: readonly Variable[]; readonly cotangents: readonly (Variable | null)[] }
/** The cotangent: elementwise ops have one output, and it is connected whenever a gradient is asked for. */
export const ct = (ctx: Ctx): Variable => ctx.cotangents[0] as Variable;
export const input = (ctx: Ctx, i: number): Variable => ctx.inputs[i] as Variable;
export const output = (ctx: Ctx): Variable => ctx.outputs[0] as Variable;

/** The dtype of a gradient with respect to a variable: its own, floatX for integers. Gradients are never integers. */
export const gradientDType = (x: Variable): DType => (isFloat(x.dtype) ? x.dtype : config.floatX);
