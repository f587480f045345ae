/**
 * What the executable needs of a gpu.js mode: storages that stay on the device, programs, launches. One implementation per kind of mode.
 * Must not know plans. Next: device_cpu.ts, device_webasm.ts, device_gl.ts, device_webgpu.ts implement it; executable.ts uses it.
 */
import type { Rendered } from "./render.js";
import type { Target } from "./target.js";

/** `S`: a buffer of float32 on the device. `P`: a compiled kernel. */
export interface Device<S, P> {
  readonly target: Target;
  readonly description: string;
  /** Buffers that one kernel may read. */
  readonly maxParams: number;
  upload(data: Float32Array): S;
  /** The first `length` elements. */
  download(s: S, length: number): Promise<Float32Array>;
  free(s: S): void;
  program(r: Rendered): P;
  /** Runs a program over `cells` results; reads and scalars in the order of the program's buffers and scalars. The result is a new storage. */
  launch(p: P, reads: readonly S[], scalars: readonly number[], cells: number): S | Promise<S>;
  /** A zero-filled storage whose rows are written one at a time. */
  stack(length: number): S;
  /** Moves `row` into the stack at `offset`; the row is used up. */
  putRow(stack: S, offset: number, row: S, length: number): void;
  /** A storage with a copy or view of a row; to be freed like any other. */
  getRow(stack: S, offset: number, length: number): S | Promise<S>;
  dispose(): Promise<void>;
}

/** Rows in order from a tiled result: cell (x, y) holds rows y*tile … of column x, side by side. */
export function untile(from: ArrayLike<number>, to: Float32Array, start: number, columns: number, tile: number, cells: number): void {
  const blocks = cells / (columns * tile);
  let at = 0;
  for (let y = 0; y < blocks; y++) {
    const top = start + y * tile * columns;
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < tile; c++) to[top + c * columns + x] = from[at++] as number;
    }
  }
}
