/**
 * A value that generated code holds: one element, or four neighbouring ones. Four whatever the dtype, so that kernels of mixed dtypes need
 * one loop: float64 takes two registers. Must not know kernels. Next: prims.ts computes with values.
 */
import type { DType } from "../ir/dtype.js";
import type { WasmType } from "./wat.js";

export const LANES = 4;

/**
 * Texts of a value's parts. One lane: one i32 (int32, and bool as 0 or 1), f32 or f64. Four lanes: one f32x4, two f64x2, one i32x4, or for bool
 * one i32x4 of 0 and -1.
 */
export interface Value { readonly dtype: DType; readonly lanes: 1 | 4; readonly parts: readonly string[] }

/** Type of a part. */
export const partType = (dtype: DType, lanes: 1 | 4): WasmType => (lanes === 4 ? "v128" : dtype === "float64" ? "f64" : dtype === "float32" ? "f32" : "i32");

export const partCount = (dtype: DType, lanes: 1 | 4): number => (lanes === 4 && dtype === "float64" ? 2 : 1);

/** Prefix of the instructions on a part. */
export function shapeOf(dtype: DType, lanes: 1 | 4): "i32" | "f32" | "f64" | "i32x4" | "f32x4" | "f64x2" {
  if (dtype === "float64") return lanes === 4 ? "f64x2" : "f64";
  if (dtype === "float32") return lanes === 4 ? "f32x4" : "f32";
  return lanes === 4 ? "i32x4" : "i32";
}
