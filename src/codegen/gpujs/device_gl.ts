/**
 * gpu.js' GL modes (headlessgl in Node, webgl and webgl2 in browsers): buffers are textures with one float32 per texel, one-dimensional
 * throughout. A stack keeps one texture per row, since GL cannot write into part of a texture. Must not know plans.
 */
import type { Device } from "./device.js";
import { lib, type Library, type Mode, type RunnableKernel, settingsFor } from "./library.js";
import type { Rendered } from "./render.js";
import { TARGETS } from "./target.js";

interface Texture { toArray(): Float32Array; delete(): void }

export interface GlStorage {
  readonly length: number;
  texture: Texture | null;
  /** For a stack: the rows by offset, until they are joined. */
  readonly rows: Map<number, GlStorage> | null;
}

export interface GlProgram { readonly run: RunnableKernel; readonly rendered: Rendered }

const TEXTURE = "ArrayTexture(1)";
/** Rows that are joined in one launch. */
const JOIN = 8;
/** Kernels that upload arrays of one length are kept, but not these many, nor large ones: each holds a copy of its last data. */
const KEPT_UPLOADS = 16;
const LARGE = 1 << 20;

export class GlDevice implements Device<GlStorage, GlProgram> {
  readonly target = TARGETS.gl;
  readonly description: string;
  readonly maxParams: number = 15;
  private readonly gpu: Library;
  private readonly uploads = new Map<number, RunnableKernel>();
  private readonly helpers = new Map<string, RunnableKernel>();

  constructor(mode: Mode) {
    this.gpu = new lib.GPU({ mode });
    this.gpu.addNativeFunction("toInt", "int toInt(float v) { return int(v); }", { returnType: "Integer" });
    this.description = `gpu.js ${mode}`;
  }

  private helper(key: string, source: string, output: number, types: readonly string[]): RunnableKernel {
    const made = this.helpers.get(key) ?? this.gpu.createKernel(source, settingsFor([output], types));
    this.helpers.set(key, made);
    return made;
  }

  upload(data: Float32Array): GlStorage {
    const held = data.length === 0 ? new Float32Array(1) : data;
    const { length } = held;
    const copy = this.uploads.get(length) ?? this.gpu.createKernel("function(a) { return a[this.thread.x]; }", settingsFor([length], ["Input"]));
    const texture = copy(lib.input(held, [length])) as Texture;
    if (length > LARGE) copy.destroy();
    else this.keep(length, copy);
    return { length, texture, rows: null };
  }

  private keep(length: number, copy: RunnableKernel): void {
    this.uploads.delete(length);
    this.uploads.set(length, copy);
    const [oldest] = this.uploads.keys();
    if (this.uploads.size <= KEPT_UPLOADS || oldest === undefined) return;
    this.uploads.get(oldest)?.destroy();
    this.uploads.delete(oldest);
  }

  async download(s: GlStorage, length: number): Promise<Float32Array> {
    return Float32Array.from(this.textureOf(s).toArray().subarray(0, length));
  }

  free(s: GlStorage): void {
    s.texture?.delete();
    s.texture = null;
    for (const row of s.rows?.values() ?? []) this.free(row);
    s.rows?.clear();
  }

  program(rendered: Rendered): GlProgram {
    const types = rendered.types.map((t) => (t === "Input" ? TEXTURE : t));
    return { run: this.gpu.createKernel(rendered.source, settingsFor(rendered.output, types)), rendered };
  }

  launch(p: GlProgram, reads: readonly GlStorage[], scalars: readonly number[], cells: number): GlStorage {
    const { tile, columns, specials } = p.rendered;
    const texture = p.run(...reads.map((r) => this.textureOf(r)), ...scalars, ...specials) as Texture;
    if (tile === 1) return { length: cells, texture, rows: null };
    const ordered = this.helper(`untile ${tile} ${columns} ${cells}`, untileSource(tile, columns), cells, [`ArrayTexture(${tile})`])(texture) as Texture;
    texture.delete();
    return { length: cells, texture: ordered, rows: null };
  }

  stack(length: number): GlStorage {
    return { length, texture: null, rows: new Map() };
  }

  putRow(stack: GlStorage, offset: number, row: GlStorage): void {
    stack.texture?.delete();
    stack.texture = null;
    const old = stack.rows?.get(offset);
    if (old) this.free(old);
    stack.rows?.set(offset, row);
  }

  getRow(stack: GlStorage, offset: number, length: number): GlStorage {
    const row = stack.rows?.get(offset);
    if (row?.texture) {
      const copy = this.helper(`copy ${length}`, "function(a) { return a[this.thread.x]; }", length, [TEXTURE]);
      return { length, texture: copy(row.texture) as Texture, rows: null };
    }
    const slice = this.helper(`slice ${stack.length} ${length}`, "function(a, at) { return a[this.thread.x + at]; }", length, [TEXTURE, "Integer"]);
    return { length, texture: slice(this.textureOf(stack), offset) as Texture, rows: null };
  }

  /** The storage as one texture; a stack's rows are joined on first use. */
  private textureOf(s: GlStorage): Texture {
    s.texture ??= this.join(s);
    return s.texture;
  }

  private join(s: GlStorage): Texture {
    const rows = [...(s.rows ?? [])].sort(([a], [b]) => a - b).map(([, r]) => r);
    const [first] = rows;
    if (!first || rows.reduce((n, r) => n + r.length, 0) !== s.length) return this.joinSparse(s);
    let level = rows.map((r) => ({ texture: this.textureOf(r), length: r.length, own: false }));
    while (level.length > 1) {
      const next: typeof level = [];
      for (let n = 0; n < level.length; n += JOIN) next.push(this.joinFew(level.slice(n, n + JOIN), level[0]?.length as number));
      for (const part of level) if (part.own) part.texture.delete();
      level = next;
    }
    const [whole] = level as [{ texture: Texture; length: number; own: boolean }];
    return whole.own ? whole.texture : this.joinFew([whole], whole.length).texture;
  }

  /** Textures side by side; all but the last have length `each`. */
  private joinFew(parts: readonly { texture: Texture; length: number }[], each: number): { texture: Texture; length: number; own: boolean } {
    const length = parts.reduce((n, p) => n + p.length, 0);
    const names = parts.map((_, n) => `r${n}`);
    const choose = names.reduceRight((rest, r, n) => (rest === "" ? `${r}[this.thread.x - ${n * each}]` : `(this.thread.x < ${(n + 1) * each} ? ${r}[this.thread.x - ${n * each}] : ${rest})`), "");
    const source = `function(${names.join(", ")}) { return ${choose}; }`;
    const kernel = this.helper(`join ${each} ${length} ${parts.length}`, source, length, names.map(() => TEXTURE));
    return { texture: kernel(...parts.map((p) => p.texture)) as Texture, length, own: true };
  }

  /** A stack read before all of its rows were written: the missing ones are zero. */
  private joinSparse(s: GlStorage): Texture {
    const rows = s.rows ?? new Map<number, GlStorage>();
    const unit = [...rows.values()][0]?.length ?? s.length;
    for (let at = 0; at < s.length; at += unit) if (!rows.has(at)) rows.set(at, this.upload(new Float32Array(unit)));
    return this.join({ ...s, rows });
  }

  async dispose(): Promise<void> {
    await this.gpu.destroy();
  }
}

/** Takes row y of column x from component y mod tile of texel (x, y div tile). */
function untileSource(tile: number, columns: number): string {
  const pick = Array.from({ length: tile }, (_, c) => c).reduceRight((rest, c) => (rest === "" ? `v[${c}]` : `(c < ${c}.5 ? v[${c}] : ${rest})`), "");
  return `function(t) {
  let cell = 0.5; cell = this.thread.x;
  const row = Math.floor((cell + 0.5) / ${columns});
  const block = Math.floor((row + 0.5) / ${tile});
  const c = row - block * ${tile};
  const v = t[cell + (block - row) * ${columns}];
  return ${pick};
}`;
}
