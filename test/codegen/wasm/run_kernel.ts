/** Runs one kernel's passes on one thread, its units in any order, over a memory of its own; for tests of single kernels. */
import { allocate, byteSize, type DType, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import type { Kernel } from "../../../src/codegen/ir/kernel.js";
import type { Features, KernelCode } from "../../../src/codegen/wasm/code.js";
import type { ProductOptions } from "../../../src/codegen/wasm/gemm.js";
import { kernelCode } from "../../../src/codegen/wasm/kernels.js";
import { type Exports, instantiateText, type Memory, memoryOf } from "./run_code.js";

export const PLAIN: Features = { simd: true, fma: false, threads: false };

const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export function moduleText(code: KernelCode): string {
  const passes = [...code.packings.map((p) => p.pass), ...code.passes];
  const exported = passes.map((p) => `(export "${p.name.slice(1)}" (func ${p.name}))`);
  return ["(module", '(import "damo" "memory" (memory 1))', ...code.library.values(), ...passes.map((p) => p.text), ...exported, ")"].join("\n");
}

/** Results of a kernel; `units` orders the units of a pass, and must give each once. */
export function runKernel(kernel: Kernel, inputs: readonly TypedArray[], scalars: readonly number[], features: Features = PLAIN, options: ProductOptions = { uses: () => 1 }, backwards = false): TypedArray[] {
  const code = kernelCode(kernel, "k", features, options);
  const bytesOf = (list: readonly number[]): number => list.reduce((n, b) => n + b + 128, 0);
  const memory = memoryOf(65536 + bytesOf([
    ...inputs.map((d) => d.byteLength), ...kernel.results.map((r) => count(kernel.domain) * byteSize(r.dtype)), ...code.packings.map((p) => p.bytes), code.scratch, code.own,
  ]));
  let top = 1024;
  const place = (bytes: number): number => {
    const at = top;
    top = Math.ceil((top + bytes + 64) / 64) * 64;
    return at;
  };
  const buffers = inputs.map((data, n) => {
    const at = place(data.byteLength);
    view(memory, kernel.params[n]?.dtype as DType, at, data.length).set(data);
    return at;
  });
  const results = kernel.results.map((r) => place(count(kernel.domain) * byteSize(r.dtype)));
  const packings = code.packings.map((p) => place(p.bytes));
  const scratch = place(code.scratch);
  const own = place(code.own);
  const exports: Exports = instantiateText(moduleText(code), memory);
  const run = (name: string, units: number, rest: readonly number[]): void => {
    const f = exports[name.slice(1)] as (...args: readonly number[]) => number;
    const middle = units >> 1;
    for (const [from, to] of backwards ? [[middle, units], [0, middle]] : [[0, units]]) f(from as number, to as number, ...rest);
  };
  code.packings.forEach((p, n) => { run(p.pass.name, p.pass.units, [buffers[p.param] as number, packings[n] as number]); });
  for (const p of code.passes) run(p.name, p.units, [...buffers, ...results, ...scalars, ...packings, scratch, own]);
  return kernel.results.map((r, n) => {
    const out = allocate(r.dtype, count(kernel.domain));
    out.set(view(memory, r.dtype, results[n] as number, out.length));
    return out;
  });
}

function view(memory: Memory, dtype: DType, at: number, length: number): TypedArray {
  const { buffer } = memory;
  switch (dtype) {
    case "bool": return new Uint8Array(buffer, at, length);
    case "int32": return new Int32Array(buffer, at, length);
    case "float32": return new Float32Array(buffer, at, length);
    case "float64": return new Float64Array(buffer, at, length);
  }
}
