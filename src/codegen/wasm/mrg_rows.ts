/**
 * The states of many streams of MRG31k3p, rows of six: read and written one or four at a time, and in blocks that are units of a pass.
 * Must not know what is done to them. Used by mrg_advance.ts and mrg_fill.ts.
 */
import { laneLoops } from "./loops.js";
import { gatherRows6, ROW_BYTES, scatterRows6 } from "./mrg.js";
import { add, type Func, greater, i32, lesser, times } from "./wat.js";

/** Rows of one unit. */
const BLOCK = 512;
export const COLUMNS = [0, 1, 2, 3, 4, 5];

export const unitsOf = (streams: number): number => Math.ceil(streams / BLOCK);

/** Where a row lies. */
export const rowAt = (base: string, row: string): string => add(base, times(row, ROW_BYTES));

/** The six columns of one row or four, as variables. */
export function readRows(fn: Func, base: string, row: string, lanes: 1 | 4): string[] {
  const address = fn.let("i32", rowAt(base, row), "p");
  return lanes === 4 ? gatherRows6(fn, address) : COLUMNS.map((c) => fn.let("i32", `(i32.load offset=${c * 4} ${address})`, "c"));
}

export function writeRows(fn: Func, base: string, row: string, columns: readonly string[], lanes: 1 | 4): void {
  const address = fn.let("i32", rowAt(base, row), "q");
  if (lanes === 4) scatterRows6(fn, address, columns);
  else columns.forEach((x, c) => { fn.line(`(i32.store offset=${c * 4} ${address} ${x})`); });
}

/** Rows between two variables, four at a time where that can be. */
export function eachRow(fn: Func, [from, to]: readonly [string, string], simd: boolean, write: (row: string, lanes: 1 | 4) => void): void {
  if (simd) laneLoops(fn, from, to, false, write);
  else fn.loop(from, to, 1, (row) => write(row, 1));
}

/** For each part of the rows, what of it the units from $from to $to have, where that is any. */
export function eachPart<P extends { readonly from: number; readonly to: number }>(fn: Func, streams: number, parts: readonly P[], write: (part: P, range: readonly [string, string]) => void): void {
  const begin = fn.let("i32", times("(local.get $from)", BLOCK), "begin");
  const full = fn.let("i32", times("(local.get $to)", BLOCK), "end");
  const end = fn.let("i32", lesser(full, i32(streams)), "end");
  for (const p of parts) {
    const from = p.from === 0 ? begin : fn.let("i32", greater(begin, i32(p.from)), "from");
    const to = p.to === streams ? end : fn.let("i32", lesser(end, i32(p.to)), "to");
    fn.when(`(i32.lt_s ${from} ${to})`, () => write(p, [from, to]));
  }
}
