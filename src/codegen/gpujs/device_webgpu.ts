/**
 * gpu.js' webgpu mode: buffers are GPUBuffers, rows are copied by the queue, reading back waits. In Node the `webgpu` package gives the
 * adapter (node_webgpu.ts). Must not know plans.
 */
import type { Device } from "./device.js";
import { lib, type Library, type RunnableKernel, settingsFor, type WebGpuBuffer, type WebGpuContext, type WebGpuResult } from "./library.js";
import type { Rendered } from "./render.js";
import { TARGETS } from "./target.js";

export interface WebGpuStorage { readonly result: WebGpuResult }
export interface WebGpuProgram { readonly run: RunnableKernel; readonly rendered: Rendered }

/** GPUBufferUsage: COPY_SRC | COPY_DST | STORAGE. */
const USAGE = 0x04 | 0x08 | 0x80;

export class WebGpuDevice implements Device<WebGpuStorage, WebGpuProgram> {
  readonly target = TARGETS.webgpu;
  readonly description: string;
  /** gpu.js asks for WebGPU's default of 8 storage buffers, and one holds the result. */
  readonly maxParams: number = 7;

  /** `anyKernel` has run once: gpu.js reads buffers back through a kernel. */
  private constructor(private readonly gpu: Library, private readonly context: WebGpuContext, private readonly anyKernel: RunnableKernel) {
    const { info } = context.adapter;
    this.description = `gpu.js webgpu (${info?.description || info?.vendor || "unnamed adapter"})`;
  }

  static async create(): Promise<WebGpuDevice> {
    const gpu = new lib.GPU({ mode: "webgpu" });
    const context = await lib.WebGPUContext.acquire();
    const any = gpu.createKernel("function(a) { return a[this.thread.x]; }", settingsFor([1], ["Input"]));
    ((await any(lib.input(new Float32Array(1), [1]))) as WebGpuResult).delete();
    return new WebGpuDevice(gpu, context, any);
  }

  private buffer(length: number): WebGpuBuffer {
    return this.context.device.createBuffer({ size: Math.max(length, 1) * 4, usage: USAGE });
  }

  private wrap(buffer: WebGpuBuffer, length: number): WebGpuStorage {
    return { result: new lib.WebGPUBufferResult({ buffer, output: [Math.max(length, 1)], componentCount: 1, context: this.context, kernel: this.anyKernel.kernel }) };
  }

  upload(data: Float32Array): WebGpuStorage {
    const buffer = this.buffer(data.length);
    if (data.length > 0) this.context.device.queue.writeBuffer(buffer, 0, data);
    return this.wrap(buffer, data.length);
  }

  async download(s: WebGpuStorage, length: number): Promise<Float32Array> {
    const flat = new lib.WebGPUBufferResult({ buffer: s.result.buffer, output: [Math.max(length, 1)], componentCount: 1, context: this.context, kernel: this.anyKernel.kernel });
    try {
      return (await flat.toArray()).slice(0, length);
    } finally {
      flat.delete();
    }
  }

  free(s: WebGpuStorage): void {
    s.result.delete();
  }

  program(rendered: Rendered): WebGpuProgram {
    const types = rendered.types.map((t) => (t === "Input" ? "WebGPUBuffer" : t));
    return { run: this.gpu.createKernel(rendered.source, settingsFor(rendered.output, types)), rendered };
  }

  async launch(p: WebGpuProgram, reads: readonly WebGpuStorage[], scalars: readonly number[]): Promise<WebGpuStorage> {
    return { result: (await p.run(...reads.map((r) => r.result), ...scalars, ...p.rendered.specials)) as WebGpuResult };
  }

  stack(length: number): WebGpuStorage {
    return this.wrap(this.buffer(length), length);
  }

  private copy(from: WebGpuBuffer, fromAt: number, to: WebGpuBuffer, toAt: number, length: number): void {
    if (length === 0) return;
    const { device } = this.context;
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, fromAt * 4, to, toAt * 4, length * 4);
    device.queue.submit([encoder.finish()]);
  }

  putRow(stack: WebGpuStorage, offset: number, row: WebGpuStorage, length: number): void {
    this.copy(row.result.buffer, 0, stack.result.buffer, offset, length);
    this.free(row);
  }

  getRow(stack: WebGpuStorage, offset: number, length: number): WebGpuStorage {
    const buffer = this.buffer(length);
    this.copy(stack.result.buffer, offset, buffer, 0, length);
    return this.wrap(buffer, length);
  }

  async dispose(): Promise<void> {
    await this.gpu.destroy();
  }
}
