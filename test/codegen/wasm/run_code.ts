/** Runs the passes of any KernelCode on a memory of its own, its units in any order; for tests of code that does not come from kernels.ts. */
import { compile as assemble } from "watr";
import { allocate, byteSize, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import type { BufferType } from "../../../src/codegen/ir/kernel.js";
import type { KernelCode } from "../../../src/codegen/wasm/code.js";

export type Exports = Readonly<Record<string, (...args: readonly number[]) => number>>;
export interface Memory { readonly buffer: ArrayBuffer }
interface Engine {
  readonly Memory: new (options: { readonly initial: number }) => Memory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Exports };
}

/** WebAssembly, which neither ES2023 nor Node's types declare. */
const engine = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly;

export const memoryOf = (bytes: number): Memory => new engine.Memory({ initial: Math.ceil(bytes / 65536) });

/** Bytes around a buffer that may be read; filled with what must not reach any result. */
const MARGIN = 64;

export function instantiate(functions: readonly string[], exported: readonly string[], memory: Memory): Exports {
  const text = ["(module", '(import "damo" "memory" (memory 1))', ...functions, ...exported.map((name) => `(export "${name.slice(1)}" (func ${name}))`), ")"].join("\n");
  return instantiateText(text, memory);
}

export const instantiateText = (text: string, memory: Memory): Exports => new engine.Instance(new engine.Module(assemble(text)), { damo: { memory } }).exports;

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export interface Runner {
  /** Views of the memory that the code reads and writes. */
  readonly reads: readonly TypedArray[];
  readonly writes: readonly TypedArray[];
  /** All units of all passes at once, or one by one from the last. */
  readonly run: (backwards?: boolean) => void;
}

/** `shared` gives results the place of a buffer: [result, buffer] pairs. */
export function runner(code: KernelCode, reads: readonly BufferType[], writes: readonly BufferType[], shared: readonly (readonly [number, number])[] = []): Runner {
  let top = 1024;
  const place = (bytes: number): number => {
    const at = top + MARGIN;
    top = Math.ceil((at + bytes + MARGIN) / 64) * 64;
    return at;
  };
  const bytes = (t: BufferType): number => sizeOf(t.shape) * byteSize(t.dtype);
  const inputs = reads.map((t) => place(bytes(t)));
  const outputs = writes.map((t, n) => inputs[shared.find(([result]) => result === n)?.[1] ?? -1] ?? place(bytes(t)));
  const [scratch, own] = [place(code.scratch), place(code.own)];
  const memory = memoryOf(top + MARGIN);
  new Uint8Array(memory.buffer).fill(0xa5);
  const exports = instantiate([...code.library.values(), ...code.passes.map((p) => p.text)], code.passes.map((p) => p.name), memory);
  const view = (t: BufferType, at: number): TypedArray => Reflect.construct(allocate(t.dtype, 0).constructor, [memory.buffer, at, sizeOf(t.shape)]) as TypedArray;
  const rest = [...inputs, ...outputs, scratch, own];
  const run = (backwards = false): void => {
    for (const { name, units } of code.passes) {
      const f = exports[name.slice(1)] as (...args: readonly number[]) => number;
      if (!backwards) f(0, units, ...rest);
      else for (let u = units - 1; u >= 0; u--) f(u, u + 1, ...rest);
    }
  };
  return { reads: reads.map((t, n) => view(t, inputs[n] as number)), writes: writes.map((t, n) => view(t, outputs[n] as number)), run };
}
