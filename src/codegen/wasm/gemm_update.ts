/**
 * Products of a short reduction over many rows (the update of weights after a batch): what they cost is reading and writing the result once.
 * Two rows at a time walk along their columns with the few terms that are not 0 in both, and the epilogue follows while the sums are in registers.
 * Two such products of which the second's epilogue reads the first's result are one pass. Must not know plans. Used by gemm.ts.
 */
import { byteSize } from "../ir/dtype.js";
import type { Features, KernelCode, PassParams } from "./code.js";
import type { Value } from "./lanes.js";
import { Elements } from "./elements.js";
import { GROUP, notFinite, rowGroup, rowTerms } from "./gemm_groups.js";
import { moved, originOf, type Site, use } from "./gemm_operands.js";
import { columnCount, columnStride, depthOf, type Product, rowCount, rowStride, SHORT } from "./gemm_product.js";
import { machineOf, range } from "./gemm_text.js";
import { fused } from "./gemm_tiles.js";
import { eachUnit, evaluationCost, heavyNodes } from "./loops.js";
import { add, call, Func, i32, type Param, times } from "./wat.js";

const LEAST_ROWS = 32;
/** Rows of a unit; even, so that only the last unit may have an odd row. */
const ROWS = 16;
/** The columns' operand stays in the first-level cache while rows walk along it. */
const COLUMN_BYTES = 65536;

/** Whether a product is an update that this form is for. */
export const isUpdate = (p: Product, { simd }: Features): boolean =>
  simd && p.rowAxis !== null && p.batchAxes.length === 0 && p.extents.length === 1 && depthOf(p) >= 1 && depthOf(p) <= SHORT && rowCount(p) >= LEAST_ROWS &&
  columnStride(p) === 1 && columnCount(p) >= 8 && p.columnAxis === p.kernel.domain.length - 1 && heavyNodes(p.kernel.results) === 0;

/** The pass's parameters, and how each product's kernel sees them, given where the first leaves its results for the second, `between` bytes each. */
export interface Binding { readonly list: readonly Param[]; readonly bind: (between: string) => readonly PassParams[]; readonly between: number }

/** A product of the pass, with addresses in the thread's own memory. */
interface Part {
  readonly site: Site;
  readonly elements: Elements;
  readonly rows: string;
  readonly columns: string;
  /** Not 0 where the columns hold infinities or NaNs, so that zeros must not be skipped. */
  readonly unsafe: string;
  readonly sums: string;
  readonly lists: string;
  readonly values: string;
}

/** What is left of one or two rows: a group in a list, its values, where their sums so far are and how far apart; b: where the columns begin. */
interface LastGroup { readonly b: string; readonly list: string; readonly values: string; readonly sums: string; readonly next: string }

/** The columns of a unit. */
interface Span { readonly from: string; readonly to: string; readonly bytes: string }

export class UpdateWriter {
  private readonly fn: Func;
  private readonly library = new Map<string, string>();
  private readonly last: Product;
  /** Columns of a unit. */
  private readonly block: number;
  private bytes = 0;

  /** The last product stores its results, the one before it hands them on. */
  constructor(private readonly products: readonly Product[], id: string, private readonly features: Features, private readonly binding: Binding) {
    this.last = products.at(-1) as Product;
    this.fn = new Func(`$${id}`, binding.list);
    const columns = columnCount(this.last);
    const most = Math.max(32, Math.floor(COLUMN_BYTES / (Math.max(...products.map(depthOf)) * byteSize(this.last.dtype))) & -8);
    this.block = Math.ceil(columns / Math.ceil(columns / most) / 8) * 8;
  }

  private take(bytes: number): string {
    const at = this.bytes;
    this.bytes += Math.ceil((bytes + 16) / 64) * 64;
    return this.fn.let("i32", add("(local.get $own)", i32(at)), "own");
  }

  code(): KernelCode {
    const { fn, last } = this;
    const size = byteSize(last.dtype);
    const zeros = this.take(this.block * size);
    fn.line(`(memory.fill ${zeros} ${i32(0)} ${i32(this.block * size)})`);
    const between = this.products.length > 1 ? { at: this.take(2 * columnCount(last) * this.binding.between), base: fn.local("i32", "between") } : null;
    const bound = this.binding.bind(between?.base.get ?? "");
    const parts = this.products.map((p, n) => this.part(p, bound[n] as PassParams));
    const rows = rowCount(last);
    const [blocks, spans] = [Math.ceil(rows / ROWS), Math.ceil(columnCount(last) / this.block)];
    eachUnit(fn, [blocks], { outer: blocks, blocks: spans, block: this.block, extent: columnCount(last) }, ([place], from, to) => {
      const span = { from, to, bytes: fn.let("i32", `(i32.and (i32.add ${times(`(i32.sub ${to} ${from})`, size)} ${i32(15)}) ${i32(-16)})`, "bytes") };
      const first = fn.let("i32", times(place as string, ROWS), "first");
      const next = fn.let("i32", add(first, i32(ROWS)), "end");
      const end = rows % ROWS === 0 ? next : fn.let("i32", `(select ${next} ${i32(rows)} (i32.lt_u ${next} ${i32(rows)}))`, "end");
      const write = (list: readonly string[]): void => {
        if (between) fn.line(between.base.set(`(i32.sub ${between.at} ${times(list[0] as string, columnCount(last) * this.binding.between)})`));
        for (const part of parts) this.rows(part, list, span, zeros);
      };
      const pairs = rows % 2 === 0 ? end : fn.let("i32", `(i32.and ${end} ${i32(-2)})`, "pairs");
      fn.loop(first, pairs, 2, (i) => write([i, fn.let("i32", add(i, i32(1)), "i")]), "i");
      if (rows % 2 !== 0) fn.loop(pairs, end, 1, (i) => write([i]), "i");
    });
    const points = rows * columnCount(last);
    const cost = this.products.reduce((ns, p) => ns + points * (depthOf(p) * 0.03 * (size / 4) + evaluationCost(p.kernel.results) / 2), 0);
    return {
      packings: [], scratch: 0, own: this.bytes, library: this.library, inPlace: [], passes: [{ name: fn.name, text: fn.text(), units: blocks * spans, cost }],
      how: `${this.products.length > 1 ? "two products" : "product"}, two rows at a time, terms of zeros skipped`,
    };
  }

  private part(p: Product, params: PassParams): Part {
    const { fn, library } = this;
    const size = byteSize(p.dtype);
    const site: Site = { fn, p, m: machineOf(p.dtype, this.features), params, library };
    const terms = Math.ceil(depthOf(p) / GROUP) * GROUP;
    const columns = originOf(site, p.columns);
    const width = i32(Math.ceil((columnCount(p) * size) / 16) * 16);
    return {
      site, elements: new Elements(fn, p.kernel, params, library), rows: originOf(site, p.rows), columns,
      unsafe: fn.let("i32", call(use(site, notFinite(site.m)), columns, i32((p.columns.reds[0] as number) * size), i32(depthOf(p)), width), "unsafe"),
      sums: this.take(2 * this.block * size), lists: this.take(4 * (terms + 1)), values: this.take(2 * size * (terms + 1)),
    };
  }

  /** All terms of one or two rows, the last group together with the epilogue. */
  private rows(part: Part, rows: readonly string[], span: Span, zeros: string): void {
    const { fn } = this;
    const { site, lists, values, sums } = part;
    const { p, m } = site;
    const size = byteSize(p.dtype);
    const [next, term] = [rows.length > 1 ? rowStride(p) * size : 0, (p.rows.reds[0] as number) * size];
    const a = moved(site, part.rows, [[rowStride(p), rows[0] as string]]);
    const b = fn.let("i32", add(part.columns, times(span.from, size)), "b");
    const width = i32(this.block * size);
    const terms = use(site, ...rowTerms(m, rows.length === 1 ? 1 : 2));
    const operands = [a, i32(next), i32(term), i32(depthOf(p)), i32((p.columns.reds[0] as number) * size)];
    const rest = fn.let("i32", call(terms, ...operands, lists, values, part.unsafe, b, span.bytes, zeros, sums, width), "rest");
    const one = depthOf(p) <= GROUP;
    const at: LastGroup = {
      b, list: fn.let("i32", add(lists, times(rest, 4)), "list"), values: fn.let("i32", add(values, times(rest, 2 * size)), "values"),
      sums: one ? zeros : fn.let("i32", `(select ${sums} ${zeros} ${rest})`, "sums"), next: one ? i32(0) : fn.let("i32", `(select ${width} ${i32(0)} ${rest})`, "next"),
    };
    if (columnCount(p) % 4 === 0) {
      this.finish(part, rows, span, at);
      return;
    }
    const end = fn.let("i32", `(i32.add ${span.from} (i32.and (i32.sub ${span.to} ${span.from}) ${i32(-4)}))`, "end");
    this.finish(part, rows, { ...span, to: end }, at);
    this.finishRest(part, rows, { ...span, from: end }, { ...at, done: fn.let("i32", times(`(i32.sub ${end} ${span.from})`, size), "done"), width });
  }

  private axes(row: string, j: string): string[] {
    return this.last.kernel.domain.map((_, a) => (a === this.last.columnAxis ? j : row));
  }

  /** The last group and the epilogue of whole lanes of columns, with the sums in registers. */
  private finish({ site, elements }: Part, rows: readonly string[], { from, to }: Span, at: LastGroup): void {
    const { fn } = this;
    const { p, m } = site;
    const size = byteSize(p.dtype);
    const shift = times(from, size);
    const places = range(GROUP).map((t) => fn.let("i32", `(i32.sub (i32.add ${at.b} (i32.load offset=${4 * t} ${at.list})) ${shift})`, "p"));
    const read = rows.map((_, r) => fn.let("i32", `(i32.sub ${r === 0 ? at.sums : add(at.sums, at.next)} ${shift})`, "sums"));
    const factors = range(GROUP).map((t) => rows.map((_, r) => fn.let("v128", `(v128.load${8 * size}_splat offset=${size * (2 * t + r)} ${at.values})`, "v")));
    fn.loop(from, to, 4, (j) => {
      const offset = fn.let("i32", times(j, size), "o");
      // Term by term for all rows: of the columns' operand, one register at a time is alive.
      const parts = range(size / 4).map((n) => {
        let sums = rows.map((_, r) => fn.let("v128", `(v128.load offset=${16 * n} (i32.add ${read[r]} ${offset}))`, "sum"));
        places.forEach((q, t) => {
          const x = fn.let("v128", `(v128.load offset=${16 * n} (i32.add ${q} ${offset}))`, "x");
          sums = sums.map((sum, r) => fn.let("v128", fused(m, sum, factors[t]?.[r] as string, x), "sum"));
        });
        return sums;
      });
      rows.forEach((row, r) => {
        const acc: Value = { dtype: p.dtype, lanes: 4, parts: parts.map((sums) => sums[r] as string) };
        elements.storeResults({ axes: this.axes(row, j), lane: { kind: "axis", axis: p.columnAxis }, acc });
      });
    }, "j");
  }

  /** The columns that fill no four lanes: their sums are finished in memory. */
  private finishRest({ site, elements, sums }: Part, rows: readonly string[], { from, to, bytes }: Span, at: LastGroup & { readonly done: string; readonly width: string }): void {
    const { fn } = this;
    const { p, m } = site;
    const type = byteSize(p.dtype) === 8 ? "f64" : "f32";
    const group = use(site, rowGroup(m, rows.length === 1 ? 1 : 2));
    const target = add(sums, at.done);
    fn.line(call(group, add(at.b, at.done), at.list, at.values, `(i32.sub ${bytes} ${at.done})`, add(at.sums, at.done), at.next, target, at.width));
    fn.loop(from, to, 1, (j) => {
      const offset = fn.let("i32", add(target, times(`(i32.sub ${j} ${from})`, byteSize(p.dtype))), "o");
      rows.forEach((row, r) => {
        const sum = fn.let(type, `(${type}.load ${r === 0 ? offset : add(offset, at.width)})`, "sum");
        elements.storeResults({ axes: this.axes(row, j), lane: null, acc: { dtype: p.dtype, lanes: 1, parts: [sum] } });
      });
    }, "j");
  }
}
