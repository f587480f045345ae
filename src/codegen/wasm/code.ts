/**
 * What a kernel becomes: passes over memory, each a WAT function over a range of units that threads share. Must not know plans.
 * Made by kernels.ts from a Kernel; module.ts puts the passes of all steps together.
 */
import type { Param } from "./wat.js";

/** What the engine can do, and what the user allows. */
export interface Features {
  readonly simd: boolean;
  /** Fused multiply-add in products (relaxed SIMD): faster on some machines, other last bits. */
  readonly fma: boolean;
  /** A shared memory and atomics. */
  readonly threads: boolean;
}

/** A WAT function `(param $from i32) (param $to i32)` and the step's parameters; units from … to-1 may run on any thread, in any order. */
export interface Pass {
  /** With its `$`, unique in the module: equal names are equal functions. */
  readonly name: string;
  readonly text: string;
  /** A unit is a whole tile of the work, so that results do not depend on who runs which. */
  readonly units: number;
  /** Estimated nanoseconds of all units on one thread. */
  readonly cost: number;
}

/** A buffer parameter copied into the order in which a pass reads it; made once for all passes that read the same buffer so. */
export interface Packing {
  /** Says the layout and the buffer's type: equal keys and equal buffers give equal contents. */
  readonly key: string;
  /** Which buffer parameter of the kernel. */
  readonly param: number;
  readonly bytes: number;
  /** Called with from, to, the buffer's address, the packing's address. */
  readonly pass: Pass;
}

/**
 * Functions are called with: from, to, the address of each buffer parameter, of each result, each scalar parameter (i32 for int32 and bool),
 * the address of each packing in order, `scratch` (shared by all threads, `KernelCode.scratch` bytes) and `own` (this thread's, `KernelCode.own`
 * bytes). All addresses are multiples of 16, and 16 bytes before and after every buffer may be read.
 */
export interface KernelCode {
  readonly packings: readonly Packing[];
  /** One after the other: all units of a pass are done before the next begins. */
  readonly passes: readonly Pass[];
  readonly scratch: number;
  readonly own: number;
  /** In words, for explain(): `product 4x8, B packed`. */
  readonly how: string;
  /** Functions that the passes call, `[name, text]`. */
  readonly library: ReadonlyMap<string, string>;
  /** Buffer parameters of which result n may take the place: every element is read before it is written, at the same index and size. */
  readonly inPlace: readonly (readonly number[])[];
}

/** Names of a pass's parameters, in the order above. */
export interface PassParams {
  readonly list: readonly Param[];
  readonly buffers: readonly string[];
  readonly results: readonly string[];
  readonly scalars: readonly string[];
  readonly packings: readonly string[];
}
