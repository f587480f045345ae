/**
 * Short names for the text of the functions that products share. Must not know what is computed.
 * Used by gemm_tiles.ts, gemm_pack.ts and gemm_lists.ts.
 */
import { byteSize, type FloatDType } from "../ir/dtype.js";
import type { Features } from "./code.js";

/** What the innermost loops are made for. */
export interface Machine { readonly dtype: FloatDType; readonly simd: boolean; readonly fma: boolean }

export const machineOf = (dtype: FloatDType, { simd, fma }: Features): Machine => ({ dtype, simd, fma: simd && fma });

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
export const get = (name: string): string => `(local.get $${name})`;
export const set = (name: string, value: string): string => `(local.set $${name} ${value})`;
export const num = (n: number): string => `(i32.const ${n})`;
export const plus = (a: string, b: string): string => `(i32.add ${a} ${b})`;
export const step = (name: string, by: string): string => set(name, plus(get(name), by));
export const params = (...names: readonly string[]): string => names.map((n) => `(param $${n} i32)`).join(" ");
export const locals = (type: string, names: readonly string[]): string => names.map((n) => `(local $${n} ${type})`).join(" ");

/** The test is at the top and the branch back is plain: V8 moves every accumulator at a conditional branch back (twice the time, Node 20). */
export const until = (done: string, body: readonly string[], label = "k"): string =>
  `(block $${label}.out (loop $${label}\n  (br_if $${label}.out ${done})\n  ${body.join("\n  ")}\n  (br $${label})))`;

/** One register of results: four lanes of float32, two of float64, or one number without SIMD. */
export interface Register {
  readonly lanes: number;
  readonly bytes: number;
  readonly type: string;
  readonly shape: string;
  readonly load: string;
  readonly store: string;
  /** Loads one element into all lanes. */
  readonly splat: string;
  readonly zero: string;
}

export function registerOf({ dtype, simd }: Machine): Register {
  const size = byteSize(dtype);
  const scalar = dtype === "float64" ? "f64" : "f32";
  if (!simd) return { lanes: 1, bytes: size, type: scalar, shape: scalar, load: `${scalar}.load`, store: `${scalar}.store`, splat: `${scalar}.load`, zero: `(${scalar}.const 0)` };
  const shape = dtype === "float64" ? "f64x2" : "f32x4";
  return { lanes: 16 / size, bytes: 16, type: "v128", shape, load: "v128.load", store: "v128.store", splat: `v128.load${8 * size}_splat`, zero: "(v128.const i64x2 0 0)" };
}

export const suffix = (m: Machine): string => `${m.dtype === "float64" ? "f64" : "f32"}${m.simd ? "" : ".scalar"}`;
