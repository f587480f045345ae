/**
 * The parts of gpu.js that the devices use, as types. The webasm device drives gpu.js' compiled modules over a memory of its own, as gpu.js'
 * own pipelines do; those members are not in gpu.js' public types, so `hasModules` looks for each before the device is offered.
 * Must not know kernels. Next: the device_*.ts files.
 */
import gpujs from "gpu.js";

/** What a kernel call gives in pipeline mode: typed arrays on cpu, textures on GL, buffers on WebGPU. */
export type Result = unknown;

export interface RunnableKernel {
  (...args: readonly unknown[]): Result;
  readonly kernel: InnerKernel;
  destroy(): void;
}

export interface KernelSettings {
  readonly output: readonly number[];
  readonly precision: "single";
  readonly pipeline: boolean;
  readonly immutable: boolean;
  readonly loopMaxIterations: number;
  readonly argumentTypes: readonly string[];
}

export interface Library {
  createKernel(source: string, settings: KernelSettings): RunnableKernel;
  addNativeFunction(name: string, source: string, settings: { readonly returnType: string }): unknown;
  destroy(): Promise<void> | void;
}

export interface ScalarSlot { readonly index: number; readonly offset: number; readonly type: string }

export interface ModuleLayout {
  readonly arrays: Readonly<Record<string, { readonly index: number; readonly offset: number; readonly dims: readonly number[]; readonly flatLength: number }>>;
  readonly scalars: Readonly<Record<string, ScalarSlot>>;
  readonly constantArrays: Readonly<Record<string, never>>;
  readonly outputOffset: number;
  readonly totalBytes: number;
}

/** A kernel behind its call, with what gpu.js' pipeline executor calls on webasm. */
export interface InnerKernel {
  argumentTypes: readonly string[] | null;
  readonly declaredArgumentTypes?: readonly string[] | null;
  threadDim: number[] | null;
  readonly output: readonly number[];
  readonly usedMathImports: Iterable<string>;
  setupConstants(): void;
  setupArguments(args: readonly unknown[]): void;
  validateSettings(args: readonly unknown[]): void;
  translateSource(): boolean;
  _assembleModule(layout: ModuleLayout, cells: number, shared: boolean): { readonly bytes: Uint8Array<ArrayBuffer> };
}

export type Mode = "cpu" | "webasm" | "headlessgl" | "webgl" | "webgl2" | "webgpu";

interface Statics {
  readonly isHeadlessGLSupported: boolean;
  readonly isWebGLSupported: boolean;
  readonly isWebGL2Supported: boolean;
  readonly isSinglePrecisionSupported: boolean;
  isWebGPUAvailable(): Promise<boolean>;
}

/** GPUDevice, as far as it is used. */
export interface WebGpuDevice {
  readonly queue: { submit(commands: readonly unknown[]): void; writeBuffer(b: WebGpuBuffer, offset: number, data: Float32Array): void };
  createBuffer(d: { readonly size: number; readonly usage: number }): WebGpuBuffer;
  createCommandEncoder(): {
    copyBufferToBuffer(from: WebGpuBuffer, fromOffset: number, to: WebGpuBuffer, toOffset: number, size: number): void;
    finish(): unknown;
  };
}

export interface WebGpuBuffer { readonly size: number; destroy(): void }
export interface WebGpuResult { readonly buffer: WebGpuBuffer; toArray(): Promise<Float32Array>; delete(): void }
export interface WebGpuContext { readonly device: WebGpuDevice; readonly adapter: { readonly info?: { readonly description?: string; readonly vendor?: string } } }

interface GlContext {
  readonly RENDERER: number;
  getParameter(name: number): unknown;
  getExtension(name: string): { readonly UNMASKED_RENDERER_WEBGL: number } | null;
}

/** The context that gpu.js made to see what there is; absent where there is none. */
interface GlKernelClass { readonly testContext: GlContext | null }

interface Exports {
  readonly WebGLKernel: GlKernelClass;
  readonly WebGL2Kernel: GlKernelClass;
  readonly HeadlessGLKernel: GlKernelClass;
  readonly GPU: (new (settings: { readonly mode: Mode }) => Library) & Statics;
  readonly input: (data: Float32Array, size: readonly number[]) => unknown;
  readonly WebAssemblyKernel: { readonly prototype: Partial<InnerKernel>; readonly isSupported: boolean; readonly isSIMDSupported: boolean };
  readonly WebGPUBufferResult: new (s: { buffer: WebGpuBuffer; output: readonly number[]; componentCount: number; context: WebGpuContext; kernel: unknown }) => WebGpuResult;
  readonly WebGPUContext: { acquire(): Promise<WebGpuContext> };
}

export const lib = gpujs as unknown as Exports;

/** Whether this gpu.js has what the webasm device drives. */
export function hasModules(): boolean {
  const p = lib.WebAssemblyKernel.prototype;
  return [p._assembleModule, p.translateSource, p.setupArguments, p.setupConstants, p.validateSettings].every((f) => typeof f === "function");
}

/** Settings that all devices share: results stay on the device, each launch gives a new one, loops are as long as they say. */
export const settingsFor = (output: readonly number[], argumentTypes: readonly string[]): KernelSettings => ({
  output, precision: "single", pipeline: true, immutable: true, loopMaxIterations: 2147483647, argumentTypes,
});

export interface WasmMemory { readonly buffer: ArrayBuffer }

interface WasmApi {
  readonly Memory: new (d: { readonly initial: number; readonly maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (m: object, imports: { readonly env: Readonly<Record<string, unknown>> }) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly RuntimeError: new (message?: string) => Error;
}

/** The host's WebAssembly: this project's types are Node's alone, which leave it out. */
export const wasm = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
