/** Products of windows against loops over their terms that round as the operands' dtype does: the same bits, whatever chunks, panels and lanes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allocate, type FloatDType, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import { acc, axis, cast, type Expr, load, prim, redAxis } from "../../../src/codegen/ir/expr.js";
import { iadd, imul, int } from "../../../src/codegen/ir/index.js";
import { type BoundKernel, type BufferType, closeKernel } from "../../../src/codegen/ir/kernel.js";
import type { Features } from "../../../src/codegen/wasm/code.js";
import { machineOf } from "../../../src/codegen/wasm/gemm_text.js";
import { kernelCode } from "../../../src/codegen/wasm/kernels.js";
import { windowsOf } from "../../../src/codegen/wasm/window_product.js";
import { windowShape } from "../../../src/codegen/wasm/window_shape.js";
import { loadCode } from "./gemm_kit.js";

const SIMD: Features = { simd: true, fma: false, threads: false };
const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

interface Spec {
  readonly batch: number;
  readonly channels: number;
  readonly filters: number;
  readonly image: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly dtype?: FloatDType;
  /** Filters read backwards; filters before images in the result; batch and channels of both operands exchanged. */
  readonly flip?: boolean;
  readonly filtersFirst?: boolean;
  readonly exchanged?: boolean;
  /** Adds a vector of filters and an array like the result to the sums. */
  readonly epilogue?: boolean;
}

interface Made { readonly bound: BoundKernel; readonly types: readonly BufferType[]; readonly out: readonly [number, number] }

/** What src/ops/correlate.ts lowers to. */
function made(s: Spec): Made {
  const { batch, channels, filters, image, kernel, stride = [1, 1], dilation = [1, 1], dtype = "float32" } = s;
  const out = ([0, 1] as const).map((a) => Math.floor((image[a] - (kernel[a] - 1) * dilation[a] - 1) / stride[a]) + 1) as [number, number];
  const domain = s.filtersFirst ? [filters, batch, ...out] : [batch, filters, ...out];
  const [n, f] = s.filtersFirst ? [axis(1, batch), axis(0, filters)] : [axis(0, batch), axis(1, filters)];
  const [c, a, b] = [redAxis(0, channels), redAxis(1, kernel[0]), redAxis(2, kernel[1])];
  const place = (at: 0 | 1, k: Expr): Expr => iadd(imul(axis(2 + at, out[at]), int(stride[at])), imul(k, int(dilation[at])));
  const weight = (at: 0 | 1, k: Expr): Expr => (s.flip ? iadd(imul(k, int(-1)), int(kernel[at] - 1)) : k);
  const pair = (x: Expr, y: Expr): Expr[] => (s.exchanged ? [y, x] : [x, y]);
  const lengths = (x: number, y: number): number[] => (s.exchanged ? [y, x] : [x, y]);
  const types: BufferType[] = [
    { dtype, shape: [...lengths(batch, channels), ...image] }, { dtype, shape: [...lengths(filters, channels), ...kernel] }, { dtype, shape: [filters] }, { dtype, shape: domain },
  ];
  const term = prim("mul", load(0, dtype, [...pair(n, c), place(0, a), place(1, b)]), load(1, dtype, [...pair(f, c), weight(0, a), weight(1, b)]));
  const sum = cast(acc("float64"), dtype);
  const result = s.epilogue ? prim("add", prim("add", sum, load(2, dtype, [f])), load(3, dtype, domain.map((d, i) => axis(i, d)))) : sum;
  return { bound: closeKernel(domain, { op: "sum", extents: [channels, ...kernel], dtype: "float64", term: cast(term, "float64") }, [result], (i) => types[i] as BufferType), types, out };
}

function numbers({ dtype, shape }: BufferType, seed: number): TypedArray {
  const data = allocate(dtype, size(shape));
  let s = seed;
  for (let i = 0; i < data.length; i++) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    data[i] = Math.fround(s / 2 ** 30 - 2);
  }
  return data;
}

/** Sums in `parts` of the channels, each in the order of terms, then added. */
function expected(s: Spec, { types, out }: Made, data: readonly TypedArray[], parts: number): number[] {
  const { batch, channels, filters, image, kernel, stride = [1, 1], dilation = [1, 1], dtype = "float32" } = s;
  const round = (x: number): number => (dtype === "float32" ? Math.fround(x) : x);
  const [x, w, vector, array] = data as [TypedArray, TypedArray, TypedArray | undefined, TypedArray | undefined];
  const at = (first: number, second: number, lengths: readonly number[]): number => (s.exchanged ? second * (lengths[1] as number) + first : first * (lengths[1] as number) + second);
  const results = new Array<number>(size((types[3] as BufferType).shape));
  for (let n = 0; n < batch; n++) for (let f = 0; f < filters; f++) for (let i = 0; i < out[0]; i++) for (let j = 0; j < out[1]; j++) {
    let total: number | null = null;
    for (let part = 0; part < parts; part++) {
      let sum = 0;
      for (let c = Math.floor((part * channels) / parts); c < Math.floor(((part + 1) * channels) / parts); c++) for (let a = 0; a < kernel[0]; a++) for (let b = 0; b < kernel[1]; b++) {
        const [p, q] = s.flip ? [kernel[0] - 1 - a, kernel[1] - 1 - b] : [a, b];
        const e = x[(at(n, c, types[0]?.shape ?? []) * image[0] + i * stride[0] + a * dilation[0]) * image[1] + j * stride[1] + b * dilation[1]] as number;
        sum = round(sum + round(e * (w[(at(f, c, types[1]?.shape ?? []) * kernel[0] + p) * kernel[1] + q] as number)));
      }
      total = total === null ? sum : round(total + sum);
    }
    const place = ((s.filtersFirst ? f * batch + n : n * filters + f) * out[0] + i) * out[1] + j;
    results[place] = vector && array ? round(round((total as number) + (vector[f] as number)) + (array[place] as number)) : (total as number);
  }
  return results;
}

function check(s: Spec): { readonly how: string; readonly parts: number } {
  const m = made(s);
  const { kernel, buffers } = m.bound;
  const windows = windowsOf(kernel);
  if (windows === null) throw new Error("no windows");
  const { parts } = windowShape(windows, machineOf(windows.dtype, SIMD));
  const data = buffers.map((b) => numbers(m.types[b] as BufferType, b + 1));
  const bySlot = m.types.map((_, slot) => data[buffers.indexOf(slot)]);
  const code = kernelCode(kernel, "k", SIMD, { uses: () => 1 });
  const want = expected(s, m, bySlot as TypedArray[], parts);
  for (const backwards of [false, true]) {
    const loaded = loadCode(code, data.map((d, i) => ({ type: m.types[buffers[i] as number] as BufferType, data: d })), [m.types[3] as BufferType], [], { backwards, inPlace: backwards });
    loaded.run();
    expect([...(loaded.results()[0] as TypedArray)]).toEqual(want);
  }
  return { how: code.how, parts };
}

describe("products of windows", () => {
  it("are the same bits as loops over terms: sizes, strides, dilation, orders, dtypes, epilogues", () => {
    const small = (most: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: most });
    const spec = fc.record({
      batch: small(3), channels: small(4), filters: fc.integer({ min: 2, max: 9 }), image: fc.tuple(fc.integer({ min: 6, max: 19 }), fc.integer({ min: 6, max: 19 })), kernel: fc.tuple(small(3), small(3)),
      stride: fc.constantFrom([1, 1] as const, [2, 1] as const, [1, 2] as const), dilation: fc.constantFrom([1, 1] as const, [2, 1] as const, [1, 2] as const),
      dtype: fc.constantFrom("float32" as const, "float64" as const), flip: fc.boolean(), filtersFirst: fc.boolean(), exchanged: fc.boolean(), epilogue: fc.boolean(),
    });
    let windows = 0;
    fc.assert(fc.property(spec, (s) => {
      // Filters of one element make one axis of two: those are plain products.
      if (windowsOf(made(s).bound.kernel) === null) return;
      windows++;
      check(s);
    }), { numRuns: 40 });
    expect(windows).toBeGreaterThan(20);
  });

  it("rows are packed where their terms lie apart, and chunks are parts of the reduction", () => {
    expect(check({ batch: 2, channels: 20, filters: 7, image: [12, 12], kernel: [5, 5], flip: true }).how).toBe("windows, tiles of 2x4 registers, rows packed");
    expect(check({ batch: 1, channels: 3, filters: 4, image: [24, 40], kernel: [17, 33] }).how).toBe("windows, tiles of 2x4 registers, rows in place");
    check({ batch: 2, channels: 7, filters: 6, image: [9, 9], kernel: [8, 8], exchanged: true, filtersFirst: true });
  });

  it("a long sum of few results is made in parts", () => {
    const { how, parts } = check({ batch: 1, channels: 25, filters: 20, image: [24, 24], kernel: [20, 20], exchanged: true, filtersFirst: true, epilogue: true });
    expect(parts).toBe(2);
    expect(how).toMatch(/rows in place, in 2 parts$/);
  });

  it("are no business of kernels with columns along one axis, one row, no terms, or no products", () => {
    expect(windowsOf(made({ batch: 2, channels: 0, filters: 4, image: [5, 6], kernel: [2, 2] }).bound.kernel)).toBeNull();
    expect(windowsOf(made({ batch: 2, channels: 3, filters: 4, image: [5, 6], kernel: [1, 1] }).bound.kernel)).toBeNull();
    expect(windowsOf(made({ batch: 2, channels: 3, filters: 1, image: [5, 6], kernel: [2, 2] }).bound.kernel)).toBeNull();
    const { kernel } = made({ batch: 2, channels: 3, filters: 4, image: [5, 6], kernel: [2, 2] }).bound;
    expect(windowsOf(kernel)).not.toBeNull();
    expect(windowsOf({ ...kernel, reduction: kernel.reduction && { ...kernel.reduction, op: "max" } })).toBeNull();
  });
});
