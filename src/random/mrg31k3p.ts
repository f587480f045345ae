/**
 * MRG31k3p (L'Ecuyer & Touzin 2000) on the host: Theano's MRG_RandomStreams, bit for bit. Must not know arrays with shapes or graphs.
 * State: six integers, three of each component. Streams are 2^134 apart, substreams 2^72. Next: streams.ts and the mrg random op;
 * codegen/ir/limbs_mrg.ts is the same step for devices without 32-bit integers.
 */
import type { FloatDType } from "../codegen/ir/dtype.js";
import { MRG_M1, MRG_M2, MRG_NORM } from "../codegen/ir/prims.js";
import { fail } from "../util/fail.js";

/** 2^31 mod M2. */
const MULT2 = 21069;

/** What Theano takes when it cannot know the size of a draw, and at most: 60 * 256. */
export const MRG_MAX_STREAMS = 15360;

/** A 3x3 matrix, row-major. */
type Matrix = readonly number[];

/** a b mod m without losing bits: both below 2^31, b cut at 16 bits. */
function mulMod(a: number, b: number, m: number): number {
  return ((((a * (b >>> 16)) % m) * 65536) + a * (b & 65535)) % m;
}

function matMul(a: Matrix, b: Matrix, m: number): Matrix {
  return Array.from({ length: 9 }, (_, at) => {
    const i = Math.floor(at / 3) * 3;
    const j = at % 3;
    let s = 0;
    for (let k = 0; k < 3; k++) s = (s + mulMod(a[i + k] as number, b[k * 3 + j] as number, m)) % m;
    return s;
  });
}

/** a^(2^k) mod m. */
function powerOfTwo(a: Matrix, k: number, m: number): Matrix {
  let out = a;
  for (let i = 0; i < k; i++) out = matMul(out, out, m);
  return out;
}

/** One step of each component as a matrix: x1 = 2^22 x12 + (2^7 + 1) x13, x2 = 2^15 x21 + (2^15 + 1) x23. */
const A1: Matrix = [0, 4194304, 129, 1, 0, 0, 0, 1, 0];
const A2: Matrix = [32768, 0, 32769, 1, 0, 0, 0, 1, 0];
export const A1P72 = powerOfTwo(A1, 72, MRG_M1);
export const A2P72 = powerOfTwo(A2, 72, MRG_M2);
export const A1P134 = powerOfTwo(A1, 134, MRG_M1);
export const A2P134 = powerOfTwo(A2, 134, MRG_M2);

function jump(from: Int32Array, at: number, a1: Matrix, a2: Matrix, to: Int32Array, toAt: number): void {
  for (let i = 0; i < 3; i++) {
    let x = 0;
    let y = 0;
    for (let k = 0; k < 3; k++) {
      x += mulMod(from[at + k] as number, a1[i * 3 + k] as number, MRG_M1);
      y += mulMod(from[at + 3 + k] as number, a2[i * 3 + k] as number, MRG_M2);
    }
    to[toAt + i] = x % MRG_M1;
    to[toAt + 3 + i] = y % MRG_M2;
  }
}

/** The state Theano makes of a seed: six copies of an integer, or six integers. Throws `mrg-seed`. */
export function mrgSeed(seed: number | readonly number[]): Int32Array {
  const six = typeof seed === "number" ? new Array<number>(6).fill(seed) : seed;
  const inRange = six.every((x, i) => Number.isInteger(x) && x >= 0 && x < (i < 3 && typeof seed !== "number" ? MRG_M1 : MRG_M2));
  const zero = [0, 3].some((from) => six.slice(from, from + 3).every((x) => x === 0));
  if (six.length !== 6 || !inRange || zero) {
    fail("value", "mrg-seed", {
      what: `MRG31k3p cannot start from the seed ${typeof seed === "number" ? seed : `[${seed.join(", ")}]`}.`,
      fix: `pass an integer above 0 and below ${MRG_M2}, or six: three below ${MRG_M1}, three below ${MRG_M2}, neither three all zero`,
    });
  }
  return Int32Array.from(six);
}

/** The state 2^134 steps on: the start of the next stream, for the next random op. */
export function mrgNextStream(rstate: Int32Array): Int32Array {
  const out = new Int32Array(6);
  jump(rstate, 0, A1P134, A2P134, out, 0);
  return out;
}

/** Rows of six: `rstate` and the starts of the n-1 substreams after it, 2^72 steps apart. Throws `mrg-streams` for n < 1. */
export function mrgSubstreams(rstate: Int32Array, nStreams: number): Int32Array {
  if (!Number.isInteger(nStreams) || nStreams < 1) fail("value", "mrg-streams", { what: `A draw needs at least one stream, got ${nStreams}.`, fix: "pass an integer >= 1" });
  const rows = new Int32Array(nStreams * 6);
  rows.set(rstate);
  for (let i = 1; i < nStreams; i++) jump(rows, (i - 1) * 6, A1P72, A2P72, rows, i * 6);
  return rows;
}

/** How many streams Theano gives a draw: all elements up to 6, a sixth of them above, 15360 at most and for sizes it cannot know. */
export function guessNStreams(size: readonly number[] | "symbolic"): number {
  if (size === "symbolic") return MRG_MAX_STREAMS;
  const n = size.reduce((a, b) => a * b, 1);
  return Math.min(n > 6 ? Math.floor(n / 6) : n, MRG_MAX_STREAMS);
}

/** x mod m, x an unsigned 32-bit sum below 2 m: x - m, plus m when that is negative. Without branches, which would be guessed wrong half the time. */
function wrapMod(x: number, m: number): number {
  const y = (x - m) | 0;
  return y + (m & (y >> 31));
}

/** 2^15 x mod M2. */
const times15 = (x: number): number => wrapMod((((x & 65535) << 15) + Math.imul(MULT2, x >>> 16)) | 0, MRG_M2);

/** Advances the row of `rows` that starts at `at` and returns its output, an integer of 1 … M1. */
export function mrgStep(rows: Int32Array, at: number): number {
  const x12 = rows[at + 1] as number;
  const x13 = rows[at + 2] as number;
  const rotated = ((((x12 & 511) << 22) | (x12 >>> 9)) + (((x13 & 16777215) << 7) | (x13 >>> 24))) | 0;
  const y1 = wrapMod((wrapMod(rotated, MRG_M1) + x13) | 0, MRG_M1);
  const x21 = rows[at + 3] as number;
  const x23 = rows[at + 5] as number;
  const y2 = wrapMod((wrapMod((times15(x23) + x23) | 0, MRG_M2) + times15(x21)) | 0, MRG_M2);
  rows[at + 2] = x12;
  rows[at + 1] = rows[at] as number;
  rows[at] = y1;
  rows[at + 5] = rows[at + 4] as number;
  rows[at + 4] = x21;
  rows[at + 3] = y2;
  const z = y1 - y2;
  return z + (MRG_M1 & ((z - 1) >> 31));
}

/**
 * `out.length` uniforms: element i is the next of stream i mod (rows / 6). Advances `rows` in place (copy them first to keep the old state).
 * float64: z 2^-31. float32: z rounded to float32 times 4.6566126e-10f, which can be 1.
 */
export function fillMrg(rows: Int32Array, out: Float64Array | Float32Array): void {
  if (out instanceof Float32Array) {
    for (let i = 0, at = 0; i < out.length; i++, at = at + 6 === rows.length ? 0 : at + 6) out[i] = Math.fround(mrgStep(rows, at)) * MRG_NORM.float32;
  } else {
    for (let i = 0, at = 0; i < out.length; i++, at = at + 6 === rows.length ? 0 : at + 6) out[i] = mrgStep(rows, at) * MRG_NORM.float64;
  }
}

/** `fillMrg` without changing `rows`: the samples and the rows after them. */
export function mrgUniform(rows: Int32Array, count: number, dtype: FloatDType): { readonly samples: Float64Array | Float32Array; readonly rows: Int32Array } {
  const after = rows.slice();
  const samples = dtype === "float32" ? new Float32Array(count) : new Float64Array(count);
  fillMrg(after, samples);
  return { samples, rows: after };
}
