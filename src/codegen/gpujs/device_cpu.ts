/**
 * gpu.js' cpu mode: kernels as JavaScript over typed arrays. Arrays are passed by reference, so nothing is copied between launches.
 * Must not know plans.
 */
import type { Device } from "./device.js";
import { lib, type Library, type RunnableKernel, settingsFor } from "./library.js";
import type { Rendered } from "./render.js";
import { TARGETS } from "./target.js";

/** The array and gpu.js' wrapper of it, made once. */
export interface CpuStorage { readonly data: Float32Array; readonly input: unknown }
export interface CpuProgram { readonly run: RunnableKernel; readonly rendered: Rendered }

export class CpuDevice implements Device<CpuStorage, CpuProgram> {
  readonly target = TARGETS.cpu;
  readonly description = "gpu.js cpu";
  readonly maxParams: number = 64;
  private readonly gpu: Library = new lib.GPU({ mode: "cpu" });

  private wrap(data: Float32Array): CpuStorage {
    const held = data.length === 0 ? new Float32Array(1) : data;
    return { data: held, input: lib.input(held, [held.length]) };
  }

  upload(data: Float32Array): CpuStorage {
    return this.wrap(data.slice());
  }

  async download(s: CpuStorage, length: number): Promise<Float32Array> {
    return s.data.slice(0, length);
  }

  free(): void {
    // The garbage collector frees arrays.
  }

  program(rendered: Rendered): CpuProgram {
    return { run: this.gpu.createKernel(rendered.source, settingsFor(rendered.output, rendered.types)), rendered };
  }

  launch(p: CpuProgram, reads: readonly CpuStorage[], scalars: readonly number[], cells: number): CpuStorage {
    const { tile, columns, specials } = p.rendered;
    const result = p.run(...reads.map((r) => r.input), ...scalars, ...specials);
    if (tile === 1) return this.wrap(result as Float32Array);
    const data = new Float32Array(cells);
    const blocks = result as ArrayLike<ArrayLike<number>>;
    for (let cell = 0; cell < blocks.length; cell++) {
      const block = blocks[cell] as ArrayLike<number>;
      const x = cell % columns;
      let at = (cell - x) * tile + x;
      for (let c = 0; c < tile; c++, at += columns) data[at] = block[c] as number;
    }
    return this.wrap(data);
  }

  stack(length: number): CpuStorage {
    return this.wrap(new Float32Array(length));
  }

  putRow(stack: CpuStorage, offset: number, row: CpuStorage, length: number): void {
    stack.data.set(length === row.data.length ? row.data : row.data.subarray(0, length), offset);
  }

  getRow(stack: CpuStorage, offset: number, length: number): CpuStorage {
    return this.wrap(stack.data.subarray(offset, offset + length));
  }

  async dispose(): Promise<void> {
    await this.gpu.destroy();
  }
}

