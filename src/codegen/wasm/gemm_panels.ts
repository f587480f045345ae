/**
 * Products as panels of columns: for each block of rows and each panel, tiles of results in the thread's own memory add up chunk after chunk of
 * the reduction, then the epilogue reads them. Rows with many zeros are lists of what is not zero. Must not know plans. Used by gemm.ts.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import type { Features, KernelCode, Packing } from "./code.js";
import { inPlaceOf } from "./in_place.js";
import { dotTile } from "./gemm_dot.js";
import { Epilogue } from "./gemm_epilogue.js";
import { LIST_SLACK, TABLE_BYTES, table } from "./gemm_lists.js";
import { canPackWhole, copyRows, flagsAt, isRowContiguous, moved, originOf, packPanel, packWhole, type Site, use } from "./gemm_operands.js";
import { batchOf, columnCount, columnStride, depthOf, FEW_ROWS, type Operand, type Product, rowCount, rowStride } from "./gemm_product.js";
import { listedRows, makeLists, tileRows } from "./gemm_rows.js";
import { type Blocks, blocksOf, type PanelShape, panelShape, termCost, worthListing } from "./gemm_shape.js";
import { type Machine, machineOf } from "./gemm_text.js";
import { eachUnit, passParams } from "./loops.js";
import { add, call, Func, i32, lesser, type Local, times } from "./wat.js";

/** Where panels come from: the operand itself, a copy of each chunk by the thread that needs it, or a packing. */
export type Source = "direct" | "chunks" | "packed" | "dot";

/** Reads of a panel from which on a packing of the whole operand is better than copies of chunks: contiguous columns, and others. */
const MANY_READS = { contiguous: 6, turned: 4 };

export function sourceOf(p: Product, m: Machine, uses: number): Source {
  if (rowCount(p) <= FEW_ROWS && p.extents.length === 1) {
    if (columnStride(p) === 1) return "direct";
    if (m.simd && p.columns.reds[0] === 1 && p.rows.reds[0] === 1) return "dot";
  }
  const { blocks } = blocksOf(p, panelShape(m, columnCount(p)));
  const many = columnStride(p) === 1 ? MANY_READS.contiguous : MANY_READS.turned;
  return uses * blocks >= many && canPackWhole(p) ? "packed" : "chunks";
}

/** Offsets in a thread's own memory. */
interface Own { readonly tile: number; readonly chunk: number; readonly table: number; readonly rows: number; readonly counts: number; readonly lists: number; readonly bytes: number }

/** A block of rows and a panel: the first row and how many, and where both operands begin. */
interface Unit { readonly first: string; readonly rows: string; readonly from: string; readonly panel: string; readonly columns: string }
interface Chunk { readonly q: string; readonly start: string; readonly terms: string }
interface PanelAt { readonly base: string; readonly next: string; readonly unsafe: string }

export class PanelWriter {
  private readonly site: Site;
  private readonly shape: PanelShape;
  private readonly blocks: Blocks;
  private readonly own: Own;
  private readonly packing: Packing | null;
  private readonly library = new Map<string, string>();
  private readonly skips: boolean;
  private readonly copies: boolean;
  private readonly addresses = new Map<number, string>();

  constructor(private readonly p: Product, id: string, features: Features, private readonly source: Source) {
    const m = machineOf(p.dtype, features);
    this.shape = panelShape(m, columnCount(p));
    this.blocks = blocksOf(p, this.shape);
    const copied = source === "chunks" || source === "packed";
    this.skips = copied && depthOf(p) >= 8;
    this.copies = copied && !isRowContiguous(p);
    this.own = this.layout();
    this.packing = source === "packed" ? packWhole(p, m, this.shape, this.library) : null;
    const params = passParams(p.kernel, this.packing ? 1 : 0);
    this.site = { fn: new Func(`$${id}`, params.list), p, m, params, library: this.library };
  }

  private layout(): Own {
    const { shape: s, blocks: b, p } = this;
    const size = byteSize(p.dtype);
    const elements = b.rows * b.chunks * b.chunk;
    let bytes = 0;
    const take = (n: number): number => {
      const at = bytes;
      bytes += Math.ceil((n + LIST_SLACK) / 64) * 64;
      return at;
    };
    const copiesChunks = this.source === "chunks" || this.source === "direct";
    return {
      tile: take(b.rows * s.bytes), chunk: take(copiesChunks ? b.chunk * s.bytes : 0), table: take(TABLE_BYTES), rows: take(this.copies ? elements * size : 0),
      counts: take(this.skips ? 4 * b.rows * b.chunks : 0), lists: take(this.skips ? 4 * elements : 0), bytes,
    };
  }

  /** An address in the thread's own memory. */
  private at(offset: number): string {
    const known = this.addresses.get(offset) ?? this.site.fn.let("i32", add("(local.get $own)", i32(offset)), "own", 0);
    this.addresses.set(offset, known);
    return known;
  }

  code(): KernelCode {
    const { site, p, shape: s, blocks: b } = this;
    const { fn } = site;
    const batch = batchOf(p);
    const outer = sizeOf(batch) * b.blocks;
    const epilogue = new Epilogue(site);
    const origins = { rows: originOf(site, p.rows), columns: originOf(site, p.columns) };
    if (this.skips && site.m.simd) fn.line(call(use(site, table(site.m)), this.at(this.own.table)));
    const prepared = fn.local("i32", "prepared");
    const sparse = fn.local("i32", "sparse");
    eachUnit(fn, [...batch, b.blocks], { outer, blocks: s.panels, block: 1, extent: s.panels }, (outerPlaces, panel) => {
      const places = outerPlaces.slice(0, -1);
      const unit = this.unit(origins, places, outerPlaces.at(-1) as string, panel);
      if (this.skips || this.copies) fn.when(`(i32.or (i32.eqz ${panel}) (i32.eqz ${prepared.get}))`, () => {
        fn.line(prepared.set(i32(1)));
        this.prepareRows(unit, sparse);
      });
      if (this.source === "dot") this.dots(unit);
      else this.addUp(unit, sparse.get);
      this.finish(epilogue, unit, places);
    });
    const points = sizeOf(p.kernel.domain);
    const cost = points * (depthOf(p) * termCost(p, site.m, s) + epilogue.cost);
    return {
      packings: this.packing ? [this.packing] : [], scratch: 0, own: this.own.bytes, library: this.library, inPlace: inPlaceOf(p.kernel),
      passes: [{ name: fn.name, text: fn.text(), units: outer * s.panels, cost }], how: this.how(),
    };
  }

  private how(): string {
    const { shape: s, source } = this;
    if (source === "dot") return "product, lanes along the reduction";
    const copied = { direct: "in place", chunks: "copied by chunks", packed: "packed" }[source];
    return `product, tiles of ${s.down}x${s.across} registers, columns ${copied}${this.skips ? ", zeros of rows skipped" : ""}`;
  }

  private unit(origins: { readonly rows: string; readonly columns: string }, places: readonly string[], block: string, panel: string): Unit {
    const { site, p, shape: s, blocks: b } = this;
    const { fn } = site;
    const count = rowCount(p);
    const first = b.blocks === 1 ? i32(0) : fn.let("i32", times(block, b.rows), "row");
    const rows = count % b.rows === 0 ? i32(b.rows) : b.blocks === 1 ? i32(count) : fn.let("i32", lesser(fn.let("i32", `(i32.sub ${i32(count)} ${first})`, "n"), i32(b.rows)), "n");
    const batchMoves = (o: Operand): [number, string][] => p.batchAxes.map((a, n) => [o.domain[a] as number, places[n] as string]);
    const from = moved(site, origins.rows, [...batchMoves(p.rows), [rowStride(p), first]]);
    return { first, rows, from, panel, columns: moved(site, origins.columns, [...batchMoves(p.columns), [columnStride(p) * s.width, panel]]) };
  }

  /** Where the tiles read rows: bytes to the next row and the next term. */
  private rowsAt({ from }: Unit): { readonly base: string; readonly next: number; readonly term: number } {
    const { p, blocks: b } = this;
    const size = byteSize(p.dtype);
    if (this.copies) return { base: this.at(this.own.rows), next: b.chunks * b.chunk * size, term: size };
    return { base: from, next: rowStride(p) * size, term: (p.rows.reds[0] as number) * size };
  }

  private prepareRows(unit: Unit, sparse: Local): void {
    const { site, blocks: b, p, own } = this;
    const { fn, m } = site;
    if (this.copies) copyRows(site, unit.from, unit.rows, this.at(own.rows), b.chunks * b.chunk * byteSize(p.dtype));
    if (!this.skips) return;
    const { base, next } = this.rowsAt(unit);
    const depth = depthOf(p);
    const most = worthListing(this.shape);
    const limits = [Math.ceil(depth * (0.5 + most / 2)), Math.ceil(depth * most)].map(i32);
    fn.line(sparse.set(call(use(site, ...makeLists(m)), base, i32(next), i32(depth), i32(b.chunk), unit.rows, this.at(own.lists), i32(4 * b.chunk), this.at(own.counts), this.at(own.table), ...limits)));
  }

  private chunkOf(q: string): { readonly start: string; readonly terms: string } {
    const { blocks: b, p, site: { fn } } = this;
    const depth = depthOf(p);
    if (b.chunks === 1) return { start: i32(0), terms: i32(depth) };
    const start = fn.let("i32", times(q, b.chunk), "start");
    return { start, terms: depth % b.chunk === 0 ? i32(b.chunk) : fn.let("i32", lesser(fn.let("i32", `(i32.sub ${i32(depth)} ${start})`, "n"), i32(b.chunk)), "n") };
  }

  private eachChunk(write: (q: string) => void): void {
    if (this.blocks.chunks === 1) write(i32(0));
    else this.site.fn.loop(i32(0), i32(this.blocks.chunks), 1, write, "q");
  }

  private addUp(unit: Unit, sparse: string): void {
    const { fn } = this.site;
    this.eachChunk((q) => {
      const chunk = { q, ...this.chunkOf(q) };
      const panel = this.panelAt(unit, chunk);
      if (!this.skips) return this.tiles(unit, chunk, panel);
      fn.when(`(i32.and ${sparse} (i32.eqz ${panel.unsafe}))`, () => this.lists(unit, chunk, panel.base), () => this.tiles(unit, chunk, panel));
    });
  }

  /** Where a chunk of the panel begins, bytes to its next row, and a number that is not 0 where zeros must not be skipped. */
  private panelAt({ panel, columns }: Unit, { start, terms }: Chunk): PanelAt {
    const { site, shape: s, p, own } = this;
    const { fn, params } = site;
    if (this.source === "packed") {
      const packed = params.packings[0] as string;
      const base = fn.let("i32", add(add(packed, times(panel, depthOf(p) * s.bytes)), times(start, s.bytes)), "b");
      return { base, next: i32(s.bytes), unsafe: `(i32.load offset=${flagsAt(p, s)} ${add(packed, times(panel, 16))})` };
    }
    const copy = (): string => packPanel(site, s, columns, panel, [start, terms], this.at(own.chunk));
    const down = (p.columns.reds[0] as number) * byteSize(p.dtype);
    if (this.source === "chunks" || (s.panels === 1 && s.last < s.width)) return { base: this.at(own.chunk), next: i32(s.bytes), unsafe: copy() };
    const inPlace = add(columns, times(start, down));
    if (s.last === s.width) return { base: fn.let("i32", inPlace, "b"), next: i32(down), unsafe: i32(1) };
    const [base, next] = [fn.local("i32", "b"), fn.local("i32", "next")];
    fn.when(`(i32.eq ${panel} ${i32(s.panels - 1)})`, () => {
      copy();
      fn.line(base.set(this.at(own.chunk)));
      fn.line(next.set(i32(s.bytes)));
    }, () => {
      fn.line(base.set(inPlace));
      fn.line(next.set(i32(down)));
    });
    return { base: base.get, next: next.get, unsafe: i32(1) };
  }

  private lists(unit: Unit, { q, start }: Chunk, panel: string): void {
    const { site, shape: s, own, blocks: b } = this;
    const { base, next, term } = this.rowsAt(unit);
    const list = add(this.at(own.lists), times(q, 4 * b.chunk));
    const count = add(this.at(own.counts), times(q, 4));
    const from = add(base, times(start, term));
    site.fn.line(call(use(site, ...listedRows(site.m, s)), list, i32(4 * b.chunk * b.chunks), count, i32(4 * b.chunks), from, i32(next), panel, this.at(own.tile), unit.rows, q));
  }

  private tiles(unit: Unit, { q, start, terms }: Chunk, panel: PanelAt): void {
    const { site, shape: s, own } = this;
    const { base, next, term } = this.rowsAt(unit);
    const from = add(base, times(start, term));
    site.fn.line(call(use(site, ...tileRows(site.m, s)), from, i32(next), i32(term), terms, panel.base, panel.next, this.at(own.tile), unit.rows, q));
  }

  private dots({ from, columns, panel }: Unit): void {
    const { site, shape: s, p, own } = this;
    const { fn, m } = site;
    const size = byteSize(p.dtype);
    const rows = rowCount(p);
    const valid = this.valid(panel);
    const at = (count: number) => (j: string): void => {
      const b = add(columns, times(j, columnStride(p) * size));
      fn.line(call(use(site, dotTile(m, rows, count)), from, i32(rowStride(p) * size), b, i32(columnStride(p) * size), i32(depthOf(p)), add(this.at(own.tile), times(j, size)), i32(s.bytes)));
    };
    const across = rows > 2 ? 2 : 4;
    const end = fn.let("i32", `(i32.and ${valid} ${i32(-across)})`, "end");
    fn.loop(i32(0), end, across, at(across), "j");
    fn.loop(end, valid, 1, at(1), "j");
  }

  /** Columns of a panel. */
  private valid(panel: string): string {
    const { shape: s, site: { fn } } = this;
    if (s.last === s.width || s.panels === 1) return i32(s.last);
    return fn.let("i32", `(select ${i32(s.last)} ${i32(s.width)} (i32.eq ${panel} ${i32(s.panels - 1)}))`, "valid");
  }

  private finish(epilogue: Epilogue, { first, rows, panel }: Unit, places: readonly string[]): void {
    const { shape: s, own, p, site: { fn } } = this;
    const from = s.panels === 1 ? i32(0) : fn.let("i32", times(panel, s.width), "from");
    const to = s.panels === 1 ? i32(s.last) : fn.let("i32", add(from, this.valid(panel)), "to");
    fn.loop(i32(0), rows, 1, (r) => {
      const row = p.rowAxis === null ? null : first === i32(0) ? r : fn.let("i32", add(first, r), "i");
      epilogue.row({ places, row, from, to, sums: fn.let("i32", add(this.at(own.tile), times(r, s.bytes)), "c") }, s.last % 4 === 0 && (s.panels === 1 || s.width % 4 === 0));
    }, "r");
  }
}
