/**
 * Addresses of a product's operands, and the copies that forms make of them: panels of columns, rows side by side.
 * Must not know forms. Used by gemm_panels.ts and gemm_update.ts.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import type { Packing, PassParams } from "./code.js";
import { copyStrided, copyTurned } from "./gemm_lists.js";
import { packContiguous, packStrided, packTransposed, transpose } from "./gemm_pack.js";
import { columnStride, depthOf, type Operand, type Product, rowStride } from "./gemm_product.js";
import type { PanelShape } from "./gemm_shape.js";
import type { Machine } from "./gemm_text.js";
import { add, call, Func, type FunctionText, i32, times } from "./wat.js";

/** Everything that text is written for. */
export interface Site { readonly fn: Func; readonly p: Product; readonly m: Machine; readonly params: PassParams; readonly library: Map<string, string> }

export function use({ library }: Pick<Site, "library">, ...entries: readonly FunctionText[]): string {
  for (const { name, text } of entries) library.set(name, text);
  return (entries[0] as FunctionText).name;
}

/** The address of an operand's element at the first place of all axes. */
export function originOf({ fn, p, params }: Site, o: Operand): string {
  const size = byteSize(p.dtype);
  let text = add(params.buffers[o.param] as string, i32(o.constant * size));
  for (const { id, stride } of o.scalars) text = add(text, `(i32.mul ${params.scalars[id]} ${i32(stride * size)})`);
  return fn.let("i32", text, "origin");
}

/** An address moved along axes: `[elements per step, text of the steps]`. */
export function moved({ fn, p }: Site, origin: string, moves: readonly (readonly [number, string])[]): string {
  const size = byteSize(p.dtype);
  const text = moves.reduce((t, [stride, steps]) => (stride === 0 || steps === i32(0) ? t : add(t, times(steps, stride * size))), origin);
  return text === origin ? origin : fn.let("i32", text, "at");
}

/** Loops over all but the innermost loop of the reduction; `write` gets their indices and how many terms came before. */
function outerTerms({ fn, p }: Site, write: (outer: readonly string[], before: string) => void): void {
  const nest = (at: number, outer: readonly string[], before: string): void => {
    const inside = sizeOf(p.extents.slice(at + 1));
    if (at === p.extents.length - 1) write(outer, before);
    else fn.loop(i32(0), i32(p.extents[at] as number), 1, (k) => nest(at + 1, [...outer, k], fn.let("i32", add(before, times(k, inside)), "before")), "k");
  };
  nest(0, [], i32(0));
}

const innermost = (o: Operand): number => o.reds.at(-1) as number;

/** How a panel is filled from where the operand's columns begin, for its first `columns`: the call's text, which gives whether it saw what is not finite. */
function packCall(site: Pick<Site, "p" | "m" | "library">, s: PanelShape, columns: number, [from, terms, to]: readonly [string, string, string]): string {
  const { p, m } = site;
  const size = byteSize(p.dtype);
  const [along, down] = [columnStride(p), innermost(p.columns)];
  const panel = { vectors: s.vectors, columns };
  if (along === 1) return call(use(site, packContiguous(m, panel)), from, i32(down * size), terms, to);
  if (down === 1 && m.simd) return call(use(site, packTransposed(m, panel), transpose(m)), from, i32(along * size), terms, to);
  return call(use(site, packStrided(m, panel)), from, i32(along * size), i32(down * size), terms, to);
}

/** Packs terms k … k + n of a panel of columns to an address; returns a variable that is not 0 if something was infinite or NaN. */
export function packPanel(site: Site, s: PanelShape, columns: string, panel: string, [k, n]: readonly [string, string], to: string): string {
  const { fn, p } = site;
  const seen = fn.local("i32", "seen");
  fn.line(seen.set(i32(0)));
  outerTerms(site, (outer, before) => {
    const from = moved(site, columns, [...outer.map((o, a) => [p.columns.reds[a] as number, o] as const), [innermost(p.columns), k]]);
    const terms = p.extents.length === 1 ? n : i32(p.extents.at(-1) as number);
    const target = before === i32(0) ? to : fn.let("i32", add(to, times(before, s.bytes)), "to");
    const fill = (count: number): void => fn.line(seen.set(`(i32.or ${seen.get} ${packCall(site, s, count, [from, terms, target])})`));
    if (s.last === s.width) fill(s.width);
    else if (s.panels === 1) fill(s.last);
    else fn.when(`(i32.lt_u ${panel} ${i32(s.panels - 1)})`, () => fill(s.width), () => fill(s.last));
  });
  return seen.get;
}

/** Whether panels can be made before the kernel runs: from the buffer alone. */
export const canPackWhole = (p: Product): boolean => p.columns.scalars.length === 0 && p.batchAxes.every((a) => p.columns.domain[a] === 0);

/** Where a packing is written, of a buffer at $b to $d, units from $from to $to; `parts` say its layout. */
export function packingOf(prefix: string, parts: readonly (string | number)[], p: Site["p"], m: Machine, library: Map<string, string>): { readonly key: string; readonly name: string; readonly site: Site } {
  const key = parts.join(" ");
  const name = `$${prefix}.${key.replace(/-/g, "m").replace(/[^A-Za-z0-9]+/g, ".")}`;
  const params: PassParams = { list: [], buffers: p.kernel.params.map(() => "(local.get $b)"), results: [], scalars: [], packings: [] };
  return { key, name, site: { fn: new Func(name, ["$from", "$to", "$b", "$d"].map((n) => ({ name: n, type: "i32" }))), p, m, params, library } };
}

/** All panels one after the other, then for each 16 bytes that say whether it holds infinities or NaNs. */
export function packWhole(p: Product, m: Machine, s: PanelShape, library: Map<string, string>): Packing {
  const depth = depthOf(p);
  const layout = [p.dtype, m.simd ? "simd" : "scalar", s.vectors, `${s.panels}.${s.last}`, p.columns.constant, columnStride(p), ...p.extents, "by", ...p.columns.reds];
  const { key, name, site } = packingOf("gemm.panels", layout, p, m, library);
  const { fn } = site;
  const origin = originOf(site, p.columns);
  const flags = fn.let("i32", `(i32.add (local.get $d) ${i32(flagsAt(p, s))})`, "flags");
  fn.loop("(local.get $from)", "(local.get $to)", 1, (panel) => {
    const from = moved(site, origin, [[columnStride(p) * s.width, panel]]);
    const to = fn.let("i32", `(i32.add (local.get $d) (i32.mul ${panel} ${i32(depth * s.bytes)}))`, "to");
    const seen = packPanel(site, s, from, panel, [i32(0), i32(depth)], to);
    fn.line(`(i32.store (i32.add ${flags} ${times(panel, 16)}) ${seen})`);
  });
  const cost = s.panels * depth * s.vectors * (columnStride(p) === 1 ? 0.4 : innermost(p.columns) === 1 ? 0.8 : 4);
  return { key, param: p.columns.param, bytes: flagsAt(p, s) + 16 * s.panels, pass: { name, text: fn.text(), units: s.panels, cost } };
}

/** Where the flags of packed panels begin. */
export const flagsAt = (p: Product, s: PanelShape): number => s.panels * depthOf(p) * s.bytes;

/** Whether a row's elements lie side by side along the whole reduction. */
export const isRowContiguous = (p: Product): boolean => p.extents.length === 1 && innermost(p.rows) === 1;

/** Copies `rows` rows from an address, each `bytes` from the one before, with their elements side by side. */
export function copyRows(site: Site, from: string, rows: string, to: string, bytes: number): void {
  const { fn, p, m } = site;
  const size = byteSize(p.dtype);
  outerTerms(site, (outer, before) => {
    const source = moved(site, from, outer.map((o, a) => [p.rows.reds[a] as number, o] as const));
    const target = before === i32(0) ? to : fn.let("i32", add(to, times(before, size)), "to");
    const [n, stride] = [i32(p.extents.at(-1) as number), i32(innermost(p.rows) * size)];
    if (m.simd && rowStride(p) === 1) return fn.line(call(use(site, copyTurned(m), transpose(m), copyStrided(m)), source, stride, n, target, rows, i32(bytes)));
    const copy = use(site, copyStrided(m));
    fn.loop(i32(0), rows, 1, (r) => {
      fn.line(call(copy, `(i32.add ${source} (i32.mul ${r} ${i32(rowStride(p) * size)}))`, stride, n, `(i32.add ${target} (i32.mul ${r} ${i32(bytes)}))`));
    }, "r");
  });
}
