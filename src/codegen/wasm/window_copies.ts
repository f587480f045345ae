/**
 * The copies that products of windows make: a panel's columns, term after term, and rows with their terms side by side. Must not know forms.
 * Used by window_panels.ts.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import type { Packing } from "./code.js";
import { moved, originOf, packingOf, type Site } from "./gemm_operands.js";
import { depthOf, rowCount, rowStride } from "./gemm_product.js";
import { registerOf } from "./gemm_text.js";
import { decode } from "./loops.js";
import { add, type Func, greater, i32, lesser, times } from "./wat.js";
import type { WindowProduct } from "./window_product.js";
import type { WindowShape } from "./window_shape.js";

/** Loops of so few terms are written out. */
const UNROLLED = 8;

/** What is copied: columns from … to of `count` steps of the reduction, the first term of the first column at `columns`. */
export interface Copy { readonly from: string; readonly to: string; readonly columns: string; readonly count: string; readonly chunk: string }

/** Copies a register of neighbouring columns after the other, or one column where they lie apart; what a register has too many, the next overwrites. */
export function copyWindows(site: Site, p: WindowProduct, s: WindowShape, { from, to, columns, count, chunk }: Copy): void {
  const { fn, m } = site;
  const size = byteSize(p.dtype);
  const [extent, stride] = [p.columnExtents.at(-1) as number, p.columnStrides.at(-1) as number];
  const step = stride === 1 ? registerOf(m).lanes : 1;
  const last = fn.let("i32", `(i32.add (i32.div_u (i32.sub ${to} ${i32(1)}) ${i32(extent)}) ${i32(1)})`, "last");
  fn.loop(`(i32.div_u ${from} ${i32(extent)})`, last, 1, (line) => {
    const start = fn.let("i32", times(line, extent), "start");
    const end = fn.let("i32", `(i32.add ${start} ${i32(extent)})`, "end");
    const [low, high] = [fn.let("i32", greater(from, start), "low"), fn.let("i32", lesser(to, end), "high")];
    const source = moved(site, columns, [...lineMoves(fn, p, line), [stride, `(i32.sub ${low} ${start})`]]);
    const target = fn.let("i32", add(chunk, times(`(i32.sub ${low} ${from})`, size)), "to");
    fn.loop(low, high, step, (j) => {
      const done = fn.let("i32", `(i32.sub ${j} ${low})`, "done");
      const at = [fn.let("i32", add(source, times(done, stride * size)), "s"), fn.let("i32", add(target, times(done, size)), "d")] as const;
      copyTerms(site, p, s, count, at, step > 1);
    }, "j");
  }, "line");
}

/** How far a line of columns, all with the same places on the outer axes of columns, is from the first. */
const lineMoves = (fn: Func, p: WindowProduct, line: string): [number, string][] => decode(fn, line, p.columnExtents.slice(0, -1)).map((place, a) => [p.columnStrides[a] as number, place]);

/** Copies all terms of a chunk for one column, or one register of columns. */
function copyTerms({ fn, m }: Site, p: WindowProduct, { axis, pitch }: WindowShape, count: string, [source, target]: readonly [string, string], wide: boolean): void {
  const size = byteSize(p.dtype);
  const r = registerOf(wide ? m : { ...m, simd: false });
  const nest = (at: number, s: string, d: string): void => {
    const inside = sizeOf(p.extents.slice(at + 1)) * pitch;
    const stride = (p.columns.reds[at] as number) * size;
    const isLast = at === p.extents.length - 1;
    const one = (k: string): void => {
      const [from, to] = [add(s, times(k, stride)), add(d, times(k, inside))];
      if (isLast) fn.line(`(${r.store} ${to} (${r.load} ${from}))`);
      else nest(at + 1, fn.let("i32", from, "s"), fn.let("i32", to, "d"));
    };
    const extent = p.extents[at] as number;
    if (isLast && at > axis && extent <= UNROLLED) for (let k = 0; k < extent; k++) fn.line(`(${r.store} offset=${k * inside} ${d} (${r.load} ${add(s, i32(k * stride))}))`);
    else fn.loop(i32(0), at === axis ? count : i32(extent), 1, one, "k");
  };
  nest(axis, source, target);
}

/** All rows one after the other, their terms side by side. */
export function packRows(p: WindowProduct): Packing {
  const size = byteSize(p.dtype);
  const [rows, depth] = [rowCount(p), depthOf(p)];
  const layout = ["windows", p.dtype, rows, rowStride(p), p.rows.constant, ...p.extents, "by", ...p.rows.reds];
  const { key, name, site } = packingOf("rows", layout, p, { dtype: p.dtype, simd: true, fma: false }, new Map());
  const { fn } = site;
  const origin = originOf(site, p.rows);
  const scalar = size === 8 ? "f64" : "f32";
  fn.loop("(local.get $from)", "(local.get $to)", 1, (row) => {
    const nest = (at: number, s: string, d: string): void => {
      const inside = sizeOf(p.extents.slice(at + 1));
      if (at === p.extents.length) fn.line(`(${scalar}.store ${d} (${scalar}.load ${s}))`);
      else fn.loop(i32(0), i32(p.extents[at] as number), 1, (k) => nest(at + 1, moved(site, s, [[p.rows.reds[at] as number, k]]), moved(site, d, [[inside, k]])), "k");
    };
    nest(0, moved(site, origin, [[rowStride(p), row]]), fn.let("i32", `(i32.add (local.get $d) (i32.mul ${row} ${i32(depth * size)}))`, "d"));
  }, "row");
  return { key, param: p.rows.param, bytes: rows * depth * size, pass: { name, text: fn.text(), units: rows, cost: rows * depth } };
}
