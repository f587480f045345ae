/**
 * One WebAssembly memory shared by all buffers and kernels: a first-fit allocator with alignment, in float32 elements. When it grows the
 * contents move to a larger memory and `generation` counts up, so that kernels link anew. Must not know kernels.
 */
import { fail } from "../../util/fail.js";
import { wasm, type WasmMemory } from "./library.js";

const PAGE_FLOATS = 16384;
const MAX_PAGES = 65535;
/** gpu.js declares at least this many pages as a module's maximum. */
const DECLARED_MAX = 4096;

export interface Region { readonly offset: number; readonly length: number }

export class Arena {
  memory: WasmMemory;
  floats: Float32Array<ArrayBuffer>;
  ints: Int32Array<ArrayBuffer>;
  pages: number;
  generation = 0;
  /** Free regions by offset; neighbours are always merged. */
  private gaps: { offset: number; length: number }[];

  /** The first `reserved` floats are never given out. */
  constructor(private readonly reserved: number, pages = 256) {
    this.pages = pages;
    this.memory = this.make(pages);
    this.floats = new Float32Array(this.memory.buffer);
    this.ints = new Int32Array(this.memory.buffer);
    this.gaps = [{ offset: reserved, length: pages * PAGE_FLOATS - reserved }];
  }

  private make(pages: number): WasmMemory {
    try {
      return new wasm.Memory({ initial: pages, maximum: Math.max(pages, DECLARED_MAX) });
    } catch {
      return fail("unsupported", "gpujs-memory", {
        what: `WebAssembly memory of ${(pages / 16).toFixed(0)} MiB cannot be had.`, fix: "use smaller data, keep it in float32 shared variables, or use another device",
      });
    }
  }

  /** A region whose offset is a multiple of `align`. */
  alloc(length: number, align = 4): Region {
    const want = Math.max(length, 1);
    for (const [n, gap] of this.gaps.entries()) {
      const offset = Math.ceil(gap.offset / align) * align;
      const end = offset + want;
      if (end > gap.offset + gap.length) continue;
      const rest = [{ offset: gap.offset, length: offset - gap.offset }, { offset: end, length: gap.offset + gap.length - end }];
      this.gaps.splice(n, 1, ...rest.filter((g) => g.length > 0));
      return { offset, length: want };
    }
    this.grow(want + align);
    return this.alloc(length, align);
  }

  free(r: Region): void {
    let n = this.gaps.findIndex((g) => g.offset > r.offset);
    if (n < 0) n = this.gaps.length;
    const before = this.gaps[n - 1];
    const after = this.gaps[n];
    const joined = { offset: r.offset, length: r.length };
    let from = n;
    let count = 0;
    if (before && before.offset + before.length === joined.offset) {
      joined.offset = before.offset;
      joined.length += before.length;
      from--;
      count++;
    }
    if (after && joined.offset + joined.length === after.offset) {
      joined.length += after.length;
      count++;
    }
    this.gaps.splice(from, count, joined);
  }

  /** Floats given out now. */
  get used(): number {
    return this.pages * PAGE_FLOATS - this.reserved - this.gaps.reduce((n, g) => n + g.length, 0);
  }

  private grow(floats: number): void {
    const pages = Math.min(Math.max(this.pages * 2, this.pages + Math.ceil(floats / PAGE_FLOATS)), MAX_PAGES);
    if (pages * PAGE_FLOATS < this.pages * PAGE_FLOATS + floats) {
      fail("unsupported", "gpujs-memory-full", { what: `The device's 4 GiB of memory are full: ${(this.used / 262144).toFixed(0)} MiB are in use.`, fix: "free what is not needed, or use another device" });
    }
    const old = this.floats;
    this.memory = this.make(pages);
    this.floats = new Float32Array(this.memory.buffer);
    this.ints = new Int32Array(this.memory.buffer);
    this.floats.set(old);
    const end = this.pages * PAGE_FLOATS;
    this.pages = pages;
    this.generation++;
    this.free({ offset: end, length: pages * PAGE_FLOATS - end });
  }
}
