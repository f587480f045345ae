/**
 * What the engine can do here, found by validating small modules, and how many threads may run. Must not know plans.
 * Used by index.ts when a device is made.
 */
import { compile } from "watr";
import type { Features } from "./code.js";
import { engine, host } from "./engine.js";

const VECTOR = "(v128.const f32x4 0 0 0 0)";
const SIMD = `(module (func (drop ${VECTOR})))`;
const RELAXED = `(module (func (drop (f32x4.relaxed_madd ${VECTOR} ${VECTOR} ${VECTOR}))))`;
const ATOMICS = "(module (memory 1 1 shared) (func (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 0)))))";

const valid = (text: string): boolean => engine.validate(compile(text));

/**
 * More threads than this gain little: at the tutorials' batches of 10 to 600 rows a step has a few dozen tiles of work, and every phase waits
 * for the slowest thread.
 */
const USEFUL_THREADS = 8;

/** Null, or why there is no WebAssembly. */
export const missing = (): string | null => (host.WebAssembly === undefined ? "no WebAssembly" : null);

/** `fma`: whether fused multiply-add is wanted; where nothing is said, it is used if the engine has it as it is. */
export async function findFeatures(fma: boolean | undefined): Promise<Features> {
  if (fma === true) await allowRelaxed();
  return { simd: valid(SIMD), fma: fma !== false && valid(RELAXED), threads: canShare() && valid(ATOMICS) };
}

const canShare = (): boolean => typeof SharedArrayBuffer !== "undefined" && host.crossOriginIsolated !== false;

/** Node 20 has relaxed SIMD behind a flag of V8, which takes effect for modules compiled after it is set. */
async function allowRelaxed(): Promise<void> {
  if (valid(RELAXED) || !isNode()) return;
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}

export const isNode = (): boolean => typeof process !== "undefined" && process.versions?.node !== undefined;

/** Threads to use where nothing else is asked for. */
export async function defaultThreads(): Promise<number> {
  const there = isNode() ? (await import("node:os")).availableParallelism() : (host.navigator?.hardwareConcurrency ?? 1);
  return Math.max(1, Math.min(there, USEFUL_THREADS));
}
