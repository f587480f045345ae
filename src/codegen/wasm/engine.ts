/**
 * The parts of the host that the engine uses, as types: WebAssembly, shared memory and clocks, which neither ES2023 nor Node's types have in
 * full. Must not know plans or kernels.
 */

export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** Adds pages; gives the number before, throws where they cannot be had. */
  grow(pages: number): number;
}

/** A compiled module: opaque, and may be sent to other threads. */
export interface WasmModule { readonly [Symbol.toStringTag]: string }

export interface WasmInstance { readonly exports: Readonly<Record<string, unknown>> }

export type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Engine {
  readonly Memory: new (options: { readonly initial: number; readonly maximum: number; readonly shared: boolean }) => WasmMemory;
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance;
  readonly RuntimeError: new () => Error;
  compile(bytes: Uint8Array): Promise<WasmModule>;
  instantiate(module: WasmModule, imports: WasmImports): Promise<WasmInstance>;
  validate(bytes: Uint8Array): boolean;
}

interface Host {
  /** Absent in hosts without WebAssembly. */
  readonly WebAssembly?: Engine;
  /** In browsers: whether memory may be shared with workers. */
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
}

export const host: Host = globalThis as Host;

/** WebAssembly, where features.ts found it. */
export const engine: Engine = host.WebAssembly as Engine;

/** Bytes of a page. */
export const PAGE = 65536;
