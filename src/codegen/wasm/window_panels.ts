/**
 * Products of windows as panels of columns: for each panel, what the windows cover is copied chunk after chunk of the reduction, columns side by
 * side, and all rows are tiles over the copy. Long sums of few results are made in parts. Must not know plans. Used by kernels.ts.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import type { Features, KernelCode, Packing, Pass } from "./code.js";
import { inPlaceOf } from "./in_place.js";
import { Epilogue } from "./gemm_epilogue.js";
import { moved, originOf, type Site, use } from "./gemm_operands.js";
import { batchOf, columnCount, depthOf, rowCount, rowStride } from "./gemm_product.js";
import { machineOf, registerOf } from "./gemm_text.js";
import { tile } from "./gemm_tiles.js";
import { eachUnit, passParams } from "./loops.js";
import { add, call, Func, i32, lesser, type Local, times } from "./wat.js";
import { copyWindows, packRows } from "./window_copies.js";
import type { WindowProduct } from "./window_product.js";
import { sumCost, type WindowShape, windowShape } from "./window_shape.js";

/** What a store of a register may write beyond the last element. */
const SLACK = 32;

export function windowCode(p: WindowProduct, id: string, features: Features): KernelCode {
  return new WindowWriter(p, id, features).code();
}

/** A panel in one place of the batch: its columns, where both operands begin, and which part of the outermost axis is summed. */
interface Unit { readonly from: string; readonly to: string; readonly rows: string; readonly columns: string; readonly first: string; readonly end: string; readonly chunk: string }

class WindowWriter {
  private readonly shape: WindowShape;
  private readonly packing: Packing | null;
  private readonly library = new Map<string, string>();
  /** Where the copy lies in a thread's own memory; before it are the sums, row after row. */
  private readonly chunk: number;
  private readonly chunkBytes: number;
  private readonly batch: readonly number[];

  constructor(private readonly p: WindowProduct, private readonly id: string, private readonly features: Features) {
    this.shape = windowShape(p, machineOf(p.dtype, features));
    this.packing = this.shape.packed ? packRows(p) : null;
    this.chunk = Math.ceil((rowCount(p) * this.shape.panel.bytes + SLACK) / 64) * 64;
    this.chunkBytes = this.shape.steps * this.shape.inside * this.shape.pitch + SLACK;
    this.batch = batchOf(p);
  }

  code(): KernelCode {
    const { p, shape: { panel, parts, packed } } = this;
    const points = sizeOf(p.kernel.domain);
    const passes = parts === 1 ? [this.sums("")] : [this.sums(".parts"), this.combine()];
    return {
      packings: this.packing ? [this.packing] : [], passes, library: this.library, inPlace: inPlaceOf(p.kernel),
      scratch: parts === 1 ? 0 : parts * points * byteSize(p.dtype) + SLACK, own: Math.max(this.chunk + this.chunkBytes, columnCount(p) * byteSize(p.dtype) + SLACK),
      how: `windows, tiles of ${panel.down}x${panel.across} registers, rows ${packed ? "packed" : "in place"}${parts === 1 ? "" : `, in ${parts} parts`}`,
    };
  }

  private begin(suffix: string): Site {
    const params = passParams(this.p.kernel, this.packing ? 1 : 0);
    return { fn: new Func(`$${this.id}${suffix}`, params.list), p: this.p, m: machineOf(this.p.dtype, this.features), params, library: this.library };
  }

  /** All sums; with their epilogue where they are not made in parts. */
  private sums(suffix: string): Pass {
    const { p, shape, batch } = this;
    const { panel: s, parts } = shape;
    const site = this.begin(suffix);
    const { fn } = site;
    const epilogue = parts === 1 ? new Epilogue(site) : null;
    const origins = { rows: this.packing ? (site.params.packings[0] as string) : originOf(site, p.rows), columns: originOf(site, p.columns) };
    const more = fn.local("i32", "more");
    const chunk = fn.let("i32", add("(local.get $own)", i32(this.chunk)), "chunk");
    // Columns that a last panel lacks are summed too, and stored nowhere.
    fn.line(`(memory.fill ${chunk} ${i32(0)} ${i32(this.chunkBytes)})`);
    const outer = [...(parts > 1 ? [parts] : []), ...batch];
    eachUnit(fn, outer, { outer: sizeOf(outer), blocks: s.panels, block: 1, extent: s.panels }, (all, panel) => {
      const places = parts > 1 ? all.slice(1) : all;
      const unit = { ...this.unit(site, origins, places, panel, parts > 1 ? (all[0] as string) : null), chunk };
      fn.line(more.set(i32(0)));
      this.addUp(site, unit, more);
      this.finish(site, epilogue, unit, places, all[0] as string);
    });
    const cost = sumCost(p, shape) + (epilogue ? sizeOf(p.kernel.domain) * epilogue.cost : 0);
    return { name: fn.name, text: fn.text(), units: sizeOf(outer) * s.panels, cost };
  }

  private unit(site: Site, origins: { readonly rows: string; readonly columns: string }, places: readonly string[], panel: string, part: string | null): Omit<Unit, "chunk"> {
    const { p, shape: { panel: s, parts } } = this;
    const { fn } = site;
    const batchMoves = (strides: readonly number[]): [number, string][] => p.batchAxes.map((a, n) => [strides[a] as number, places[n] as string]);
    const from = s.panels === 1 ? i32(0) : fn.let("i32", times(panel, s.width), "from");
    const to = s.panels === 1 ? i32(s.last) : fn.let("i32", `(select ${i32(columnCount(p))} (i32.add ${from} ${i32(s.width)}) (i32.eq ${panel} ${i32(s.panels - 1)}))`, "to");
    const length = p.extents[0] as number;
    const bound = (n: string): string => fn.let("i32", `(i32.div_u (i32.mul ${n} ${i32(length)}) ${i32(parts)})`, "part");
    const [first, end] = part === null ? [i32(0), i32(length)] : [bound(part), bound(`(i32.add ${part} ${i32(1)})`)];
    return { from, to, first, end, rows: this.packing ? origins.rows : moved(site, origins.rows, batchMoves(p.rows.domain)), columns: moved(site, origins.columns, batchMoves(p.columns.domain)) };
  }

  /** Loops over the reduction, chunk after chunk. */
  private addUp(site: Site, unit: Unit, more: Local): void {
    const { p, shape: { axis, steps, inside, parts } } = this;
    const { fn } = site;
    const nest = (at: number, columns: string, rows: string): void => {
      const [from, to] = at === 0 ? [unit.first, unit.end] : [i32(0), i32(p.extents[at] as number)];
      const isChunk = at === axis;
      fn.loop(from, to, isChunk ? steps : 1, (k) => {
        const here = moved(site, columns, [[p.columns.reds[at] as number, k]]);
        const row = moved(site, rows, [[this.packing ? sizeOf(p.extents.slice(at + 1)) : (p.rows.reds[at] as number), k]]);
        if (!isChunk) return nest(at + 1, here, row);
        const whole = (at > 0 || parts === 1) && (p.extents[at] as number) % steps === 0;
        const left = whole ? i32(steps) : fn.let("i32", `(i32.sub ${to} ${k})`, "left");
        const count = whole ? left : fn.let("i32", lesser(left, i32(steps)), "count");
        copyWindows(site, p, this.shape, { ...unit, columns: here, count });
        this.tiles(site, unit.chunk, row, whole ? i32(steps * inside) : fn.let("i32", times(count, inside), "terms"), more);
        fn.line(more.set(i32(1)));
      }, "k");
    };
    nest(0, unit.columns, unit.rows);
  }

  private tiles(site: Site, chunk: string, first: string, terms: string, more: Local): void {
    const { p, shape: { panel: s, pitch } } = this;
    const { fn, m } = site;
    const size = byteSize(p.dtype);
    const [next, term] = this.packing ? [depthOf(p) * size, size] : [rowStride(p) * size, (p.rows.reds.at(-1) as number) * size];
    const write = (rows: number, across: number, parts: number) => (r: string): void => {
      const [a, c] = [fn.let("i32", add(first, times(r, next)), "a"), fn.let("i32", add("(local.get $own)", times(r, s.bytes)), "c")];
      for (let h = 0; h < parts; h++) {
        const right = i32((h * s.bytes) / parts);
        fn.line(call(use(site, tile(m, rows, across)), a, i32(next), i32(term), terms, add(chunk, right), i32(pitch), add(c, right), i32(s.bytes), more.get));
      }
    };
    const rows = rowCount(p);
    const whole = rows - (rows % s.down);
    if (whole > 0) fn.loop(i32(0), i32(whole), s.down, write(s.down, s.across, s.halves), "r");
    if (whole < rows) fn.loop(i32(whole), i32(rows), 1, write(1, s.vectors, 1), "r");
  }

  /** Results of a panel, or its sums side by side with those of other parts. */
  private finish({ fn }: Site, epilogue: Epilogue | null, { from, to }: Unit, places: readonly string[], part: string): void {
    const { p, shape: { panel: s } } = this;
    const size = byteSize(p.dtype);
    fn.loop(i32(0), i32(rowCount(p)), 1, (r) => {
      const sums = fn.let("i32", add("(local.get $own)", times(r, s.bytes)), "c");
      if (epilogue) return epilogue.row({ places, row: r, from, to, sums }, s.last % 4 === 0 && (s.panels === 1 || s.width % 4 === 0));
      const target = fn.let("i32", `(i32.add ${this.saved(fn, places, r, part)} ${times(from, size)})`, "target");
      fn.line(`(memory.copy ${target} ${sums} ${times(`(i32.sub ${to} ${from})`, size)})`);
    }, "r");
  }

  /** Where a part keeps the sums of a row. */
  private saved(fn: Func, places: readonly string[], row: string, part: string): string {
    const { p, batch } = this;
    const steps = [part, ...places, row];
    const place = steps.reduce((text, at, n) => (n === 0 ? at : `(i32.add ${times(text, [...batch, rowCount(p)][n - 1] as number)} ${at})`));
    return fn.let("i32", add("(local.get $scratch)", times(place, columnCount(p) * byteSize(p.dtype))), "saved");
  }

  /** Adds the parts of each row, the first first, and evaluates the results. */
  private combine(): Pass {
    const { p, shape: { parts }, batch } = this;
    const site = this.begin("");
    const { fn, m } = site;
    const size = byteSize(p.dtype);
    const r = registerOf(m);
    const epilogue = new Epilogue(site);
    const rows = sizeOf([...batch, rowCount(p)]);
    const columns = columnCount(p);
    eachUnit(fn, [...batch, rowCount(p)], { outer: rows, blocks: 1, block: 1, extent: 1 }, (all) => {
      const [places, row] = [all.slice(0, -1), all.at(-1) as string];
      const from = this.saved(fn, places, row, i32(0));
      fn.loop(i32(0), i32(columns), r.lanes, (j) => {
        const at = fn.let("i32", add(from, times(j, size)), "at");
        const sum = Array.from({ length: parts }, (_, n) => `(${r.load} ${add(at, i32(n * rows * columns * size))})`).reduce((a, b) => `(${r.shape}.add ${a} ${b})`);
        fn.line(`(${r.store} ${add("(local.get $own)", times(j, size))} ${sum})`);
      }, "j");
      epilogue.row({ places, row, from: i32(0), to: i32(columns), sums: "(local.get $own)" }, columns % 4 === 0);
    });
    return { name: fn.name, text: fn.text(), units: rows, cost: sizeOf(p.kernel.domain) * (parts * 0.1 + epilogue.cost) };
  }
}
