/**
 * MRG31k3p (L'Ecuyer & Touzin 2000) in 32-bit integers, one or four streams at a time. A power of two modulo 2^31-1 rotates the 31 bits;
 * modulo 2^31-21069 the bits above the 31st come back times 21069. Sums stay below 2^32 and are unsigned. Must not know kernels.
 * Used by prims.ts and elements.ts; mrg_advance.ts and mrg_fill.ts step whole states with it.
 */
import { MRG_M1, MRG_M2 } from "../ir/prims.js";
import { highHalves, highWords, lowHalves, lowWords } from "./shuffles.js";
import type { Func } from "./wat.js";
import { type Words, wordsOf } from "./words.js";

/** 2^31 mod MRG_M2. */
const CARRY2 = 21069;

const kept = (fn: Func, w: Words, text: string): string => fn.let(w.type, text, "m");

/** x - m where that is not negative: of x and x - m as unsigned numbers the smaller. */
function reduced(fn: Func, w: Words, x: string, m: number): string {
  const whole = kept(fn, w, x);
  const less = w.sub(whole, w.constant(m));
  return kept(fn, w, w.lanes === 4 ? `(i32x4.min_u ${whole} ${less})` : `(select ${less} ${whole} (i32.ge_u ${whole} ${w.constant(m)}))`);
}

/** 2^bits x mod MRG_M1, MRG_M1 itself included. */
const rotated = (w: Words, x: string, bits: number): string => w.or(w.shl(w.and(x, w.constant(2 ** (31 - bits) - 1)), bits), w.shr(x, 31 - bits));

/** 2^15 x mod MRG_M2. Both factors of the product have 15 bits, and pairs of 16-bit products are faster than 32-bit ones. */
function times15(fn: Func, w: Words, x: string): string {
  const carried = `(${w.lanes === 4 ? "i32x4.dot_i16x8_s" : "i32.mul"} ${w.shr(x, 16)} ${w.constant(CARRY2)})`;
  return reduced(fn, w, w.add(w.shl(w.and(x, w.constant(65535)), 15), carried), MRG_M2);
}

type Args = readonly string[];

/** The primitive of that name; `args` are variables or constants with values in [0, 2^31), the result is a variable. */
export function mrgNext1(fn: Func, lanes: 1 | 4, args: Args): string {
  const w = wordsOf(lanes);
  const [a, b] = args as [string, string];
  const sum = reduced(fn, w, w.add(rotated(w, a, 22), rotated(w, b, 7)), MRG_M1);
  return reduced(fn, w, reduced(fn, w, w.add(sum, b), MRG_M1), MRG_M1);
}

/** Likewise. Arguments may lie between MRG_M2 and 2^31, hence the last reduction. */
export function mrgNext2(fn: Func, lanes: 1 | 4, args: Args): string {
  const w = wordsOf(lanes);
  const [a, b] = args as [string, string];
  const sum = reduced(fn, w, w.add(times15(fn, w, b), b), MRG_M2);
  return reduced(fn, w, reduced(fn, w, w.add(sum, times15(fn, w, a)), MRG_M2), MRG_M2);
}

/** Likewise. */
export function mrgOutput(fn: Func, lanes: 1 | 4, args: Args): string {
  const w = wordsOf(lanes);
  const [a, b] = args as [string, string];
  const carried = lanes === 4 ? `(v128.andnot ${w.constant(MRG_M1)} (i32x4.gt_s ${a} ${b}))` : `(select (i32.const 0) ${w.constant(MRG_M1)} (i32.gt_s ${a} ${b}))`;
  return kept(fn, w, w.add(w.sub(a, b), carried));
}

/** Four registers as the rows of a matrix -> its columns. */
function transposed(fn: Func, rows: readonly string[]): string[] {
  const [a, b, c, d] = rows as [string, string, string, string];
  const v = (text: string): string => fn.let("v128", text, "x");
  const [ab, cd, AB, CD] = [v(lowWords(a, b)), v(lowWords(c, d)), v(highWords(a, b)), v(highWords(c, d))] as const;
  return [v(lowHalves(ab, cd)), v(highHalves(ab, cd)), v(lowHalves(AB, CD)), v(highHalves(AB, CD))];
}

/** Of a stream's state. */
export const ROW_BYTES = 24;
const FOUR_ROWS = [0, 1, 2, 3];

/** The six columns of the four rows of six int32 that start at an address (a variable), as variables. */
export function gatherRows6(fn: Func, address: string): string[] {
  const v = (text: string): string => fn.let("v128", text, "x");
  const first = FOUR_ROWS.map((r) => v(`(v128.load offset=${r * ROW_BYTES} ${address})`));
  const [a, b, c, d] = FOUR_ROWS.map((r) => `(v128.load64_zero offset=${r * ROW_BYTES + 16} ${address})`) as [string, string, string, string];
  const [ab, cd] = [v(lowWords(a, b)), v(lowWords(c, d))];
  return [...transposed(fn, first), v(lowHalves(ab, cd)), v(highHalves(ab, cd))];
}

/** Stores six columns as four rows. */
export function scatterRows6(fn: Func, address: string, columns: readonly string[]): void {
  const [e, f] = columns.slice(4) as [string, string];
  const pairs = [fn.let("v128", lowWords(e, f), "x"), fn.let("v128", highWords(e, f), "x")];
  transposed(fn, columns.slice(0, 4)).forEach((row, r) => {
    fn.line(`(v128.store offset=${r * ROW_BYTES} ${address} ${row})`);
    fn.line(`(v128.store64_lane offset=${r * ROW_BYTES + 16} ${r & 1} ${address} ${pairs[r >> 1]})`);
  });
}
