/**
 * Values of one dtype as another, one element as four, and four as single ones. Must not know kernels or primitives.
 * Used by prims.ts and elements.ts.
 */
import type { DType } from "../ir/dtype.js";
import { partType, shapeOf, type Value } from "./lanes.js";
import { evenWords, highHalves, lowHalves } from "./shuffles.js";
import { type Func, isAtom, type WasmType } from "./wat.js";

/** The text, in a variable where repeating it would compute it again. */
export const atom = (fn: Func, text: string, type: WasmType): string => (isAtom(text) ? text : fn.let(type, text));

/** All parts in variables. */
export const settle = (fn: Func, v: Value): Value => ({ ...v, parts: v.parts.map((p) => atom(fn, p, partType(v.dtype, v.lanes))) });

/** A number as a WAT literal: shortest text that reads back as itself. */
export function literal(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (x === Number.POSITIVE_INFINITY) return "inf";
  if (x === Number.NEGATIVE_INFINITY) return "-inf";
  return Object.is(x, -0) ? "-0" : String(x);
}

export const constantValue = (x: number, dtype: DType): Value => ({ dtype, lanes: 1, parts: [`(${shapeOf(dtype, 1)}.const ${literal(x)})`] });

/** The 64-bit masks of a mask of four 32-bit lanes. */
export const wideMasks = (mask: string): [string, string] => [`(i64x2.extend_low_i32x4_s ${mask})`, `(i64x2.extend_high_i32x4_s ${mask})`];

/** The mask of four 32-bit lanes of two masks of 64-bit lanes. */
export const narrowMask = evenWords;

/** One element as four equal ones. */
export function widen(fn: Func, v: Value): Value {
  if (v.lanes === 4) return v;
  const [x] = v.parts as readonly [string];
  const constant = isAtom(x) && x.includes("const");
  if (v.dtype === "float64") {
    const wide = constant ? `(v128.const f64x2 ${constantOf(x)} ${constantOf(x)})` : atom(fn, `(f64x2.splat ${x})`, "v128");
    return { dtype: v.dtype, lanes: 4, parts: [wide, wide] };
  }
  if (constant) {
    const c = v.dtype === "bool" ? (constantOf(x) === "0" ? "0" : "-1") : constantOf(x);
    return { dtype: v.dtype, lanes: 4, parts: [`(v128.const ${shapeOf(v.dtype, 4)} ${c} ${c} ${c} ${c})`] };
  }
  if (v.dtype === "float32") return { dtype: v.dtype, lanes: 4, parts: [`(f32x4.splat ${x})`] };
  return { dtype: v.dtype, lanes: 4, parts: [v.dtype === "bool" ? `(i32x4.splat (i32.sub (i32.const 0) ${x}))` : `(i32x4.splat ${x})`] };
}

const constantOf = (text: string): string => text.slice(text.indexOf(" ") + 1, -1);

/** One of the four elements. Parts must be variables. */
export function laneOf(v: Value, lane: number): Value {
  if (v.lanes === 1) return v;
  const part = v.parts[v.dtype === "float64" ? lane >> 1 : 0] as string;
  const text = `(${shapeOf(v.dtype, 4)}.extract_lane ${v.dtype === "float64" ? lane & 1 : lane} ${part})`;
  return { dtype: v.dtype, lanes: 1, parts: [v.dtype === "bool" ? `(i32.sub (i32.const 0) ${text})` : text] };
}

/** Four elements as one value. Parts must be variables where they are not used once. */
export function joinLanes(singles: readonly Value[]): Value {
  const { dtype } = singles[0] as Value;
  const texts = singles.map((s) => s.parts[0] as string);
  const gather = (shape: string, list: readonly string[]): string => list.slice(1).reduce((v, x, n) => `(${shape}.replace_lane ${n + 1} ${v} ${x})`, `(${shape}.splat ${list[0]})`);
  if (dtype === "float64") return { dtype, lanes: 4, parts: [gather("f64x2", texts.slice(0, 2)), gather("f64x2", texts.slice(2))] };
  if (dtype === "float32") return { dtype, lanes: 4, parts: [gather("f32x4", texts)] };
  const ints = gather("i32x4", texts);
  return { dtype, lanes: 4, parts: [dtype === "bool" ? `(i32x4.neg ${ints})` : ints] };
}

/** Conversion as `castScalar` defines it; floats beyond int32 saturate, as C leaves open. */
export function convert(fn: Func, v: Value, to: DType): Value {
  if (v.dtype === to) return v;
  return { dtype: to, lanes: v.lanes, parts: v.lanes === 1 ? [scalarCast(v.parts[0] as string, v.dtype, to)] : vectorCast(fn, v, to) };
}

function scalarCast(x: string, from: DType, to: DType): string {
  if (to === "bool") return from === "int32" ? `(i32.ne ${x} (i32.const 0))` : from === "float32" ? `(f32.ne ${x} (f32.const 0))` : `(f64.ne ${x} (f64.const 0))`;
  if (to === "int32") return from === "bool" ? x : `(i32.trunc_sat_${from === "float32" ? "f32" : "f64"}_s ${x})`;
  if (to === "float32") return from === "float64" ? `(f32.demote_f64 ${x})` : `(f32.convert_i32_s ${x})`;
  return from === "float32" ? `(f64.promote_f32 ${x})` : `(f64.convert_i32_s ${x})`;
}

function vectorCast(fn: Func, v: Value, to: DType): string[] {
  const from = v.dtype;
  const [a, b] = v.parts as readonly [string, string?];
  if (to === "bool") return [toMask(a, b, from)];
  if (to === "int32") {
    if (from === "bool") return [`(i32x4.neg ${a})`];
    return [from === "float32" ? `(i32x4.trunc_sat_f32x4_s ${a})` : lowHalves(`(i32x4.trunc_sat_f64x2_s_zero ${a})`, `(i32x4.trunc_sat_f64x2_s_zero ${b})`)];
  }
  if (to === "float32") {
    if (from === "float64") return [lowHalves(`(f32x4.demote_f64x2_zero ${a})`, `(f32x4.demote_f64x2_zero ${b})`)];
    return [from === "bool" ? `(v128.and ${a} (v128.const f32x4 1 1 1 1))` : `(f32x4.convert_i32x4_s ${a})`];
  }
  const whole = from === "bool" ? `(i32x4.neg ${a})` : a;
  const x = atom(fn, whole, "v128");
  const promote = from === "float32" ? "f64x2.promote_low_f32x4" : "f64x2.convert_low_i32x4_s";
  return [`(${promote} ${x})`, `(${promote} ${highHalves(x, x)})`];
}

function toMask(a: string, b: string | undefined, from: DType): string {
  if (from === "float64") return narrowMask(`(f64x2.ne ${a} (v128.const f64x2 0 0))`, `(f64x2.ne ${b} (v128.const f64x2 0 0))`);
  return from === "float32" ? `(f32x4.ne ${a} (v128.const f32x4 0 0 0 0))` : `(i32x4.ne ${a} (v128.const i32x4 0 0 0 0))`;
}
