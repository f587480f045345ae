/**
 * Panels: a matrix copied into strips of as many columns as a tile reads, each strip row after row, so that a product reads memory in one
 * direction. Columns that fill no strip are followed by zeros. Must not know kernels. Used by product.ts.
 */
import { byteSize, type FloatDType } from "../ir/dtype.js";
import type { Packing } from "./code.js";
import { add, Func, i32, times } from "./wat.js";

export interface PanelShape {
  readonly dtype: FloatDType;
  /** Columns of a panel. */
  readonly width: number;
  readonly columns: number;
  readonly depth: number;
  /** Elements from one column to the next, from one row to the next, and before the first. */
  readonly along: number;
  readonly down: number;
  readonly offset: number;
}

export function packPanels(s: PanelShape, param: number): Packing {
  const size = byteSize(s.dtype);
  const panels = Math.ceil(s.columns / s.width);
  const key = `${s.dtype} ${s.width} of ${s.columns}x${s.depth} by ${s.along},${s.down}+${s.offset}`;
  const name = `$pack.${key.replace(/[^a-z0-9]+/g, ".")}`;
  const bytes = panels * s.width * s.depth * size;
  return { key, param, bytes, pass: { name, text: packText(s, name), units: panels, cost: (bytes / size) * (s.along === 1 ? 0.15 : 0.6) } };
}

function packText(s: PanelShape, name: string): string {
  const size = byteSize(s.dtype);
  const fn = new Func(name, ["$from", "$to", "$source", "$target"].map((p) => ({ name: p, type: "i32" })));
  fn.loop("(local.get $from)", "(local.get $to)", 1, (panel) => {
    const column = fn.let("i32", `(i32.mul ${panel} ${i32(s.width)})`);
    const source = fn.let("i32", `(i32.add (local.get $source) ${times(`(i32.add (i32.mul ${column} ${i32(s.along)}) ${i32(s.offset)})`, size)})`);
    const target = fn.let("i32", `(i32.add (local.get $target) (i32.mul ${panel} ${i32(s.width * s.depth * size)}))`);
    const whole = s.columns % s.width === 0;
    const rows = (columns: number): void => fn.loop(i32(0), i32(s.depth), 1, (k) => {
      const from = fn.let("i32", `(i32.add ${source} (i32.mul ${k} ${i32(s.down * size)}))`);
      const to = fn.let("i32", `(i32.add ${target} (i32.mul ${k} ${i32(s.width * size)}))`);
      copyRow(fn, s, from, to, columns);
    });
    if (whole) rows(s.width);
    else fn.when(`(i32.lt_u ${panel} ${i32(Math.floor(s.columns / s.width))})`, () => rows(s.width), () => rows(s.columns % s.width));
  }, "panel");
  return fn.text();
}

function copyRow(fn: Func, s: PanelShape, from: string, to: string, columns: number): void {
  const size = byteSize(s.dtype);
  const type = s.dtype === "float64" ? "f64" : "f32";
  const four = 16 / size;
  let n = 0;
  if (s.along === 1) for (; n + four <= columns; n += four) fn.line(`(v128.store offset=${n * size} ${to} (v128.load offset=${n * size} ${from}))`);
  for (; n < columns; n++) {
    const step = n * s.along * size;
    fn.line(`(${type}.store offset=${n * size} ${to} (${type}.load ${step >= 0 ? `offset=${step} ${from}` : add(from, i32(step))}))`);
  }
  for (; n < s.width; n++) fn.line(`(${type}.store offset=${n * size} ${to} (${type}.const 0))`);
}
