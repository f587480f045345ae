/**
 * gpu.js' webasm mode without its copies: the modules that gpu.js compiles run over one memory (Arena) in which all buffers lie, the way
 * gpu.js' fused pipelines run them, except that buffers and results may lie anywhere. A kernel reads the whole memory as one array `m`;
 * where its buffers begin are integer arguments. A result goes to cell numbers that mean the wanted address, so one module serves every
 * address. Must not know plans.
 */
import { fail, impossible } from "../../util/fail.js";
import { Arena, type Region } from "./arena.js";
import { type Device, untile } from "./device.js";
import { type InnerKernel, lib, type Library, type ModuleLayout, type ScalarSlot, settingsFor, wasm } from "./library.js";
import type { Rendered } from "./render.js";
import { TARGETS } from "./target.js";

type Run = (start: number, end: number, seed: number) => void;

export interface WebasmStorage { readonly region: Region; readonly view: boolean }

export interface WebasmProgram {
  readonly rendered: Rendered;
  readonly kernel: InnerKernel;
  generation: number;
  run: Run;
  runSimd: Run | null;
}

/** Room in front of the memory for the arguments of one launch. */
const RESERVED = 256;
const FIRST_ARGUMENT = 4;

const unlinked: Run = () => impossible("a WebAssembly kernel was launched before it was linked");

export class WebasmDevice implements Device<WebasmStorage, WebasmProgram> {
  readonly target = TARGETS.webasm;
  readonly description = `gpu.js webasm (${lib.WebAssemblyKernel.isSIMDSupported ? "SIMD" : "scalar"})`;
  readonly maxParams: number = 64;
  readonly arena = new Arena(RESERVED);
  private readonly gpu: Library = new lib.GPU({ mode: "webasm" });

  upload(data: Float32Array): WebasmStorage {
    const region = this.arena.alloc(data.length);
    this.arena.floats.set(data, region.offset);
    return { region, view: false };
  }

  async download(s: WebasmStorage, length: number): Promise<Float32Array> {
    return this.arena.floats.slice(s.region.offset, s.region.offset + length);
  }

  free(s: WebasmStorage): void {
    if (!s.view) this.arena.free(s.region);
  }

  program(rendered: Rendered): WebasmProgram {
    const { kernel } = this.gpu.createKernel(rendered.source, settingsFor(rendered.output, rendered.types));
    const sample = rendered.types.map((t) => (t === "Input" ? lib.input(new Float32Array(4), [4]) : t === "Integer" ? 1 : 0.5));
    kernel.argumentTypes = [...rendered.types];
    kernel.setupConstants();
    kernel.setupArguments(sample);
    kernel.validateSettings(sample);
    kernel.threadDim = [...rendered.output, 1, 1].slice(0, 3);
    if (!kernel.translateSource()) impossible("gpu.js cannot store what a generated kernel returns");
    return { rendered, kernel, generation: -1, run: unlinked, runSimd: null };
  }

  private slots(r: Rendered): Record<string, ScalarSlot> {
    const names = [...r.buffers.map((_, n) => `b${n}`), ...r.scalars.map((_, n) => `s${n}`), ...r.specials.map((_, n) => `c${n}`), "o"];
    return Object.fromEntries(names.map((name, n) => [name, { index: n + 1, offset: (FIRST_ARGUMENT + n) * 4, type: r.types[n + 1] as string }]));
  }

  private link(p: WebasmProgram): void {
    const { arena } = this;
    const length = arena.floats.length;
    const layout: ModuleLayout = {
      arrays: { m: { index: 0, offset: 0, dims: [length, 1, 1], flatLength: length } },
      scalars: this.slots(p.rendered), constantArrays: {}, outputOffset: 0,
      // gpu.js adds 16 pages to what it is told; the sum must be what the memory has.
      totalBytes: (arena.pages - 16) * 65536,
    };
    const { bytes } = p.kernel._assembleModule(layout, p.rendered.output.reduce((a, b) => a * b, 1), false);
    const math = Math as unknown as Readonly<Record<string, unknown>>;
    const env: Record<string, unknown> = { memory: arena.memory };
    for (const f of p.kernel.usedMathImports) env[`math_${f}`] = math[f];
    const { exports } = new wasm.Instance(new wasm.Module(bytes), { env });
    p.run = exports.run as Run;
    p.runSimd = (exports.run_simd as Run | undefined) ?? null;
    p.generation = arena.generation;
  }

  launch(p: WebasmProgram, reads: readonly WebasmStorage[], scalars: readonly number[], cells: number): WebasmStorage {
    const { rendered: r } = p;
    const row = r.output.length === 2 ? r.columns * r.tile : 1;
    const out = this.arena.alloc(cells, row);
    const into = r.tile > 1 ? this.arena.alloc(cells, row) : out;
    if (p.generation !== this.arena.generation) this.link(p);
    this.writeArguments(r, reads, scalars, into.offset / row);
    this.dispatch(p, into.offset, cells);
    if (r.tile > 1) {
      untile(this.arena.floats.subarray(into.offset, into.offset + cells), this.arena.floats, out.offset, r.columns, r.tile, cells);
      this.arena.free(into);
    }
    return { region: out, view: false };
  }

  private writeArguments(r: Rendered, reads: readonly WebasmStorage[], scalars: readonly number[], origin: number): void {
    const { ints, floats } = this.arena;
    let at = FIRST_ARGUMENT;
    for (const s of reads) ints[at++] = s.region.offset;
    r.scalars.forEach((_, n) => {
      const v = scalars[n] as number;
      if (r.types[at - FIRST_ARGUMENT + 1] === "Integer") ints[at++] = v;
      else floats[at++] = v;
    });
    for (const c of r.specials) floats[at++] = c;
    ints[at] = origin;
  }

  private dispatch(p: WebasmProgram, offset: number, cells: number): void {
    const { tile } = p.rendered;
    try {
      runCells(p, offset / tile, cells / tile);
    } catch (e) {
      if (!(e instanceof wasm.RuntimeError)) throw e;
      fail("index", "gpujs-bounds", { what: `A kernel read outside of its buffers (${e.message}).`, fix: "check the integer indices given to this call" });
    }
  }

  stack(length: number): WebasmStorage {
    const region = this.arena.alloc(length);
    this.arena.floats.fill(0, region.offset, region.offset + length);
    return { region, view: false };
  }

  putRow(stack: WebasmStorage, offset: number, row: WebasmStorage, length: number): void {
    const from = row.region.offset;
    this.arena.floats.copyWithin(stack.region.offset + offset, from, from + length);
    this.free(row);
  }

  getRow(stack: WebasmStorage, offset: number, length: number): WebasmStorage {
    return { region: { offset: stack.region.offset + offset, length }, view: true };
  }

  async dispose(): Promise<void> {
    await this.gpu.destroy();
  }
}

/** Four cells at a time within a row, the rest of each row one by one. */
function runCells(p: WebasmProgram, start: number, count: number): void {
  const { columns, output } = p.rendered;
  const { run, runSimd } = p;
  if (!runSimd) {
    run(start, start + count, 0);
    return;
  }
  const rows = output.length === 2 && columns % 4 !== 0;
  const width = rows ? columns : count;
  const quads = width - (width % 4);
  for (let row = start; row < start + count; row += width) {
    if (quads > 0) runSimd(row, row + quads, 0);
    if (quads < width) run(row + quads, row + width, 0);
  }
}
