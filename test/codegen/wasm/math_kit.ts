/** Runs a function of math.ts over arrays, one element at a time and by whole registers, and measures the distance to what it should be. */
import { compile } from "watr";
import { evalPrim } from "../../../src/codegen/ir/prims.js";
import { mathCalls, mathFunction, mathInline, type MathName } from "../../../src/codegen/wasm/math.js";
import { Func, i32 } from "../../../src/codegen/wasm/wat.js";

export type Floats = Float32Array | Float64Array;
export type Kind = "float32" | "float64";

export const NAMES: readonly MathName[] = ["exp", "log", "log1p", "expm1", "tanh", "sigmoid", "softplus", "sin", "cos", "tan", "asin", "acos", "atan", "erf", "pow"];

/** Elements that one call computes. */
export const CHUNK = 1 << 16;

interface Instance { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly single: (bytes: number) => void; readonly wide: (bytes: number) => void } }
const { Module, Instance } = (globalThis as unknown as {
  readonly WebAssembly: { readonly Module: new (bytes: Uint8Array) => object; readonly Instance: new (module: object) => Instance };
}).WebAssembly;

/** A loop over two arrays of CHUNK elements into a third; in place where `simd`, as a function for single elements. */
function loop(name: MathName, dtype: Kind, simd: boolean): string {
  const size = dtype === "float32" ? 4 : 8;
  const type = simd ? "v128" : dtype === "float32" ? "f32" : "f64";
  const fn = new Func(simd ? "$wide" : "$single", [{ name: "$bytes", type: "i32" }]);
  fn.loop(i32(0), "(local.get $bytes)", simd ? 16 : size, (i) => {
    const args = [0, 1].slice(0, name === "pow" ? 2 : 1).map((n) => fn.let(type, `(${type}.load offset=${n * CHUNK * size} ${i})`));
    const value = simd ? mathInline(fn, name, dtype, true, args) : `(call ${mathFunction(name, dtype, false).name} ${args.join(" ")})`;
    fn.line(`(${type}.store offset=${2 * CHUNK * size} ${i} ${value})`);
  });
  return fn.text();
}

export function moduleText(name: MathName, dtype: Kind): string {
  const functions = [mathFunction(name, dtype, false).text, mathFunction(name, dtype, true).text, ...mathCalls(name).map((f) => f.text), loop(name, dtype, true), loop(name, dtype, false)];
  return ["(module", '(memory (export "memory") 24)', ...functions, '(export "single" (func $single)) (export "wide" (func $wide)))'].join("\n");
}

export interface Applied { readonly single: Floats; readonly wide: Floats }

/** The function of at most CHUNK elements; the results are views that the next call overwrites. */
export function applier(name: MathName, dtype: Kind): (x: Floats, y?: Floats) => Applied {
  const { exports } = new Instance(new Module(compile(moduleText(name, dtype))));
  const make = (n: number): Floats => {
    const size = dtype === "float32" ? 4 : 8;
    return dtype === "float32" ? new Float32Array(exports.memory.buffer, n * CHUNK * size, CHUNK) : new Float64Array(exports.memory.buffer, n * CHUNK * size, CHUNK);
  };
  const [first, second, result] = [make(0), make(1), make(2)];
  return (x, y) => {
    first.set(x);
    if (y) second.set(y);
    const bytes = Math.ceil(x.length / 4) * 4 * first.BYTES_PER_ELEMENT;
    exports.single(bytes);
    const single = result.slice(0, x.length);
    exports.wide(bytes);
    return { single, wide: result.subarray(0, x.length) };
  };
}

/** Where two arrays are not the same bits; NaN is one value. */
export const difference = (a: Floats, b: Floats): number => a.findIndex((v, n) => !Object.is(v, b[n]));

/** Units in the last place of a float32 between a result and the value meant, a float64. Infinite where one of them is special and they differ. */
export function ulps32(got: number, want: number): number {
  const rounded = Math.fround(want);
  if (Object.is(got, rounded)) return Math.abs(want) < Number.POSITIVE_INFINITY ? Math.min(0.5, Math.abs(got - want) / unit(want)) : 0;
  if (!Number.isFinite(rounded) || !Number.isFinite(got) || (got === 0 && rounded === 0)) return Number.POSITIVE_INFINITY;
  return Math.abs(got - want) / unit(want);
}

const unit = (x: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -126) - 23);

export interface Worst { readonly ulps: number; readonly at: readonly number[]; readonly got: number }

/** The greatest distance in float32 from `evalPrim`, over arguments given in chunks; scalar and SIMD must agree everywhere. */
export function worst32(name: MathName, chunks: Iterable<readonly [Floats] | readonly [Floats, Floats]>): Worst {
  const apply = applier(name, "float32");
  let worst: Worst = { ulps: 0, at: [], got: 0 };
  for (const [x, y] of chunks) {
    const { single, wide } = apply(x, y);
    const n = difference(single, wide);
    if (n >= 0) return { ulps: Number.NaN, at: [x[n] as number, ...(y ? [y[n] as number] : [])], got: wide[n] as number };
    for (let k = 0; k < x.length; k++) {
      const args = y ? [x[k] as number, y[k] as number] : [x[k] as number];
      const ulps = ulps32(wide[k] as number, evalPrim(name, args, "float32"));
      if (ulps > worst.ulps) worst = { ulps, at: args, got: wide[k] as number };
    }
  }
  return worst;
}

/** A generator of numbers in [0, 1): the same in every run. */
export function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
