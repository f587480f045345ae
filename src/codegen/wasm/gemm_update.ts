/**
 * Products of a short reduction over many rows (the update of weights after a batch): what they cost is reading and writing the result once.
 * Two rows at a time walk along their columns with the terms that are not 0 in both, and the epilogue follows while the sums are in registers.
 * Must not know plans. Used by gemm.ts.
 */
import { byteSize } from "../ir/dtype.js";
import type { Features, KernelCode } from "./code.js";
import type { Value } from "./lanes.js";
import { Elements } from "./elements.js";
import { inPlaceOf } from "./in_place.js";
import { notFinite, rowPairList } from "./gemm_rank.js";
import { moved, originOf, type Site, use } from "./gemm_operands.js";
import { columnCount, columnStride, depthOf, type Product, rowCount, rowStride, SHORT } from "./gemm_product.js";
import { machineOf, range, registerOf, until } from "./gemm_text.js";
import { fused } from "./gemm_tiles.js";
import { eachUnit, evaluationCost, heavyNodes, passParams } from "./loops.js";
import { add, call, Func, i32, type Local, times } from "./wat.js";

const LEAST_ROWS = 32;
/** Rows of a unit; even, so that only the last unit may have an odd row. */
const ROWS = 16;
/** The columns' operand stays in the first-level cache while rows walk along it. */
const COLUMN_BYTES = 65536;
/** Bytes of columns that are added up at once: with two rows eight registers. */
const WIDE = 64;

/** Whether a product is an update that this form is for. */
export const isUpdate = (p: Product, { simd }: Features): boolean =>
  simd && p.rowAxis !== null && p.batchAxes.length === 0 && p.extents.length === 1 && depthOf(p) >= 1 && depthOf(p) <= SHORT && rowCount(p) >= LEAST_ROWS &&
  columnStride(p) === 1 && columnCount(p) >= 8 && p.columnAxis === p.kernel.domain.length - 1 && heavyNodes(p.kernel.results) === 0;

/** The columns of a unit. */
interface Span { readonly from: string; readonly to: string }

/** Where the operands begin, and what is in the thread's own memory. */
interface Places {
  readonly rows: string;
  readonly columns: string;
  /** Not 0 where the columns hold infinities or NaNs, so that zeros must not be skipped. */
  readonly unsafe: string;
  readonly lists: string;
  readonly values: string;
  /** Sums of columns that fill no register. */
  readonly rest: string;
}

export class UpdateWriter {
  private readonly fn: Func;
  private readonly site: Site;
  private readonly elements: Elements;
  private readonly library = new Map<string, string>();
  private readonly size: number;
  /** Columns of a unit. */
  private readonly block: number;
  private bytes = 0;
  /** For labels. */
  private loops = 0;

  constructor(private readonly p: Product, id: string, features: Features) {
    const params = passParams(p.kernel);
    this.fn = new Func(`$${id}`, params.list);
    this.site = { fn: this.fn, p, m: machineOf(p.dtype, features), params, library: this.library };
    this.elements = new Elements(this.fn, p.kernel, params, this.library);
    this.size = byteSize(p.dtype);
    const columns = columnCount(p);
    const most = Math.max(32, Math.floor(COLUMN_BYTES / (depthOf(p) * this.size)) & -8);
    this.block = Math.ceil(columns / Math.ceil(columns / most) / 8) * 8;
  }

  private take(bytes: number): string {
    const at = this.bytes;
    this.bytes += Math.ceil((bytes + 16) / 64) * 64;
    return this.fn.let("i32", add("(local.get $own)", i32(at)), "own");
  }

  code(): KernelCode {
    const { fn, p, size } = this;
    const places = this.places();
    const rows = rowCount(p);
    const [blocks, spans] = [Math.ceil(rows / ROWS), Math.ceil(columnCount(p) / this.block)];
    eachUnit(fn, [blocks], { outer: blocks, blocks: spans, block: this.block, extent: columnCount(p) }, ([place], from, to) => {
      const first = fn.let("i32", times(place as string, ROWS), "first");
      const next = fn.let("i32", add(first, i32(ROWS)), "end");
      const end = rows % ROWS === 0 ? next : fn.let("i32", `(select ${next} ${i32(rows)} (i32.lt_u ${next} ${i32(rows)}))`, "end");
      const pairs = rows % 2 === 0 ? end : fn.let("i32", `(i32.and ${end} ${i32(-2)})`, "pairs");
      fn.loop(first, pairs, 2, (i) => this.rows(places, [i, fn.let("i32", add(i, i32(1)), "i")], { from, to }), "i");
      if (rows % 2 !== 0) fn.loop(pairs, end, 1, (i) => this.rows(places, [i], { from, to }), "i");
    });
    const cost = rows * columnCount(p) * (depthOf(p) * 0.03 * (size / 4) + evaluationCost(p.kernel.results) / 2);
    return {
      packings: [], scratch: 0, own: this.bytes, library: this.library, inPlace: inPlaceOf(p.kernel), passes: [{ name: fn.name, text: fn.text(), units: blocks * spans, cost }],
      how: "product, two rows at a time, terms of zeros skipped",
    };
  }

  private places(): Places {
    const { fn, p, site, size } = this;
    const terms = depthOf(p);
    const columns = originOf(site, p.columns);
    const width = i32(Math.ceil((columnCount(p) * size) / 16) * 16);
    return {
      rows: originOf(site, p.rows), columns,
      unsafe: fn.let("i32", call(use(site, notFinite(site.m)), columns, i32((p.columns.reds[0] as number) * size), i32(terms), width), "unsafe"),
      lists: this.take(4 * (terms + 1)), values: this.take(2 * size * (terms + 1)), rest: this.take(2 * 4 * size),
    };
  }

  /**
   * One or two rows: their terms are listed, then columns are added up in registers, as many as fit, and the epilogue follows at once. A last
   * odd row has narrow loops only: wide ones would be much text for little work.
   */
  private rows(places: Places, rows: readonly string[], span: Span): void {
    const { fn, p, site, size } = this;
    const a = moved(site, places.rows, [[rowStride(p), rows[0] as string]]);
    const [next, term] = [rows.length > 1 ? rowStride(p) * size : 0, (p.rows.reds[0] as number) * size];
    const operands = [a, i32(next), i32(term), i32(depthOf(p)), i32((p.columns.reds[0] as number) * size)];
    const end = fn.let("i32", call(use(site, rowPairList(site.m)), ...operands, places.lists, places.values, places.unsafe), "end");
    let from = span.from;
    for (const columns of rows.length === 1 ? [4] : [WIDE / size, 4]) {
      const to = fn.let("i32", `(i32.add ${from} (i32.and (i32.sub ${span.to} ${from}) ${i32(-columns)}))`, "to");
      fn.loop(from, to, columns, (j) => this.finish(rows, j, this.sums(places, rows.length, end, j, columns)), "j");
      from = to;
    }
    if (columnCount(p) % 4 !== 0) this.finishRest(places, rows, { from, to: span.to }, end);
  }

  private axes(row: string, j: string): string[] {
    return this.p.kernel.domain.map((_, a) => (a === this.p.columnAxis ? j : row));
  }

  /** The sums of so many columns from j on, by rows, in registers. */
  private sums({ lists, values, columns: origin }: Places, rows: number, end: string, j: string, columns: number): string[][] {
    const { fn, size, site: { m } } = this;
    const registers = range((columns * size) / 16);
    const sums = range(rows).map(() => registers.map(() => fn.local("v128", "s")));
    const [list, at, place] = [fn.local("i32", "l"), fn.local("i32", "x"), fn.local("i32", "p")];
    const factors = sums.map(() => fn.local("v128", "v"));
    const x = fn.local("v128", "b");
    const first = fn.let("i32", add(origin, times(j, size)), "b");
    for (const s of sums.flat()) fn.line(s.set(registerOf(m).zero));
    fn.line(list.set(lists));
    fn.line(at.set(values));
    fn.line(until(`(i32.ge_u ${list.get} ${end})`, [
      place.set(`(i32.add ${first} (i32.load ${list.get}))`), ...factors.map((v, r) => v.set(`(v128.load${8 * size}_splat offset=${size * r} ${at.get})`)),
      ...registers.flatMap((n) => [x.set(`(v128.load offset=${16 * n} ${place.get})`), ...sums.map((row, r) => (row[n] as Local).set(fused(m, (row[n] as Local).get, (factors[r] as Local).get, x.get)))]),
      list.set(add(list.get, i32(4))), at.set(add(at.get, i32(2 * size))),
    ], `terms${this.loops++}`));
    return sums.map((row) => row.map((s) => s.get));
  }

  private finish(rows: readonly string[], j: string, sums: readonly (readonly string[])[]): void {
    const { p, size } = this;
    rows.forEach((row, r) => {
      const registers = sums[r] as readonly string[];
      for (let n = 0; n < registers.length; n += size / 4) {
        const at = n === 0 ? j : this.fn.let("i32", add(j, i32((n * 16) / size)), "j");
        const acc: Value = { dtype: p.dtype, lanes: 4, parts: registers.slice(n, n + size / 4) };
        this.elements.storeResults({ axes: this.axes(row, at), lane: { kind: "axis", axis: p.columnAxis }, acc });
      }
    });
  }

  /** The columns that fill no four lanes: their sums go through memory. */
  private finishRest(places: Places, rows: readonly string[], { from, to }: Span, end: string): void {
    const { fn, p, size } = this;
    const type = size === 8 ? "f64" : "f32";
    fn.when(`(i32.lt_s ${from} ${to})`, () => {
      this.sums(places, rows.length, end, from, 4).flat().forEach((s, n) => { fn.line(`(v128.store offset=${16 * n} ${places.rest} ${s})`); });
      fn.loop(from, to, 1, (j) => {
        const at = fn.let("i32", add(places.rest, times(`(i32.sub ${j} ${from})`, size)), "o");
        rows.forEach((row, r) => {
          const sum = fn.let(type, `(${type}.load offset=${4 * size * r} ${at})`, "sum");
          this.elements.storeResults({ axes: this.axes(row, j), lane: null, acc: { dtype: p.dtype, lanes: 1, parts: [sum] } });
        });
      }, "j");
    });
  }
}
