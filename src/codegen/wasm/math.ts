/**
 * exp, log … of a part of a value (one element, an f32x4, an f64x2), in place or as a function. The meaning is `evalPrim`'s, with its
 * saturation points, special cases and results beneath the normal range. Must not know kernels. Used by prims.ts; math_*.ts describe each.
 *
 * Greatest distance from the exact value in units of the last place. The first row of each dtype was seen, the second is what tests hold.
 *
 *              exp  log  log1p expm1 tanh sigmoid softplus sin  cos  tan  asin acos atan erf  pow
 *   float32    0.98 1.32 1.85  1.66  1.50 2.00    1.84     1.53 1.55 3.28 2.24 1.08 2.07 1.13 0.51
 *              1    1.5  2     2     2    2       2        2    2    3.5  2.5  1.5  2.5  1.5  0.6
 *   float64    0.94 0.76 1.19  1.84  2.49 2.00    1.74     0.81 0.81 1.94 2.10 1.09 2.22 1.39 1.05
 *              1    1    1.5   2     3    2       2        1    1    2.5  2.5  1.5  2.5  2    1.5
 *
 * One element and several give the same bits: no instruction rounds differently for both (no fused multiply-add, no approximate quotients),
 * so neither the length of an array nor the number of threads shows in results.
 */
import type { FloatDType } from "../ir/dtype.js";
import { partType, shapeOf } from "./lanes.js";
import { Machine } from "./machine.js";
import { exp, expm1, sigmoid, softplus, tanh } from "./math_exp.js";
import { erf } from "./math_erf.js";
import { acos, asin, atan } from "./math_inverse.js";
import { log, log1p } from "./math_log.js";
import { pow } from "./math_pow.js";
import { cos, sin, tan } from "./math_trig.js";
import { trigCalls } from "./math_trig_huge.js";
import { Func, type FunctionText, type Param } from "./wat.js";

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

/** What the text of a function calls, in place or not. */
export const mathCalls = (name: MathName): readonly FunctionText[] => (name === "sin" || name === "cos" || name === "tan" ? trigCalls(name) : []);

/** The same as a WAT function. */
export function mathFunction(name: MathName, dtype: FloatDType, simd: boolean): FunctionText {
  const lanes = simd ? 4 : 1;
  const type = partType(dtype, lanes);
  const params: Param[] = (name === "pow" ? ["$x", "$y"] : ["$x"]).map((p) => ({ name: p, type }));
  const fn = new Func(`$${name}.${shapeOf(dtype, lanes)}`, params, type);
  const result = mathInline(fn, name, dtype, simd, params.map((p) => `(local.get ${p.name})`));
  return { name: fn.name, text: fn.text(result) };
}
