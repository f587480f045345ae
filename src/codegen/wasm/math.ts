/**
 * exp, log … of a part of a value (one element, an f32x4, an f64x2), in place or as a function. Same bits for one element as for four. The
 * meaning is `evalPrim`'s. Must not know kernels. Used by prims.ts; the descriptions are in math_*.ts.
 */
import type { FloatDType } from "../ir/dtype.js";
import { Machine } from "./machine.js";
import { exp, expm1, sigmoid, softplus, tanh } from "./math_exp.js";
import { erf } from "./math_erf.js";
import { acos, asin, atan } from "./math_inverse.js";
import { log, log1p } from "./math_log.js";
import { pow } from "./math_pow.js";
import { cos, sin, tan } from "./math_trig.js";
import { trigCalls } from "./math_trig_huge.js";
import { Func, type Param } from "./wat.js";

type Description = (m: Machine, x: string, y: string) => string;

const FUNCTIONS = { exp, log, log1p, expm1, sin, cos, tan, asin, acos, atan, tanh, sigmoid, softplus, erf, pow } satisfies Record<string, Description>;

export type MathName = keyof typeof FUNCTIONS;

/** Writes statements that compute a function of variables or constants; gives the variable of the result. */
export function mathInline(fn: Func, name: MathName, dtype: FloatDType, simd: boolean, args: readonly string[]): string {
  const m = new Machine(fn, dtype, simd);
  const [x, y] = args as readonly [string, string];
  const describe: Description = FUNCTIONS[name];
  return m.keep(describe(m, x, y));
}

/** A function of the module. */
export interface MathFunction { readonly name: string; readonly text: string }

/** What the text of a function calls, in place or not. */
export const mathCalls = (name: MathName): readonly MathFunction[] => (name === "sin" || name === "cos" || name === "tan" ? trigCalls(name) : []);

/** The same as a WAT function. */
export function mathFunction(name: MathName, dtype: FloatDType, simd: boolean): MathFunction {
  const type = simd ? "v128" : dtype === "float32" ? "f32" : "f64";
  const shape = simd ? (dtype === "float32" ? "f32x4" : "f64x2") : type;
  const params: Param[] = (name === "pow" ? ["$x", "$y"] : ["$x"]).map((p) => ({ name: p, type }));
  const fn = new Func(`$${name}.${shape}`, params, type);
  const result = mathInline(fn, name, dtype, simd, params.map((p) => `(local.get ${p.name})`));
  return { name: fn.name, text: fn.text(result) };
}
