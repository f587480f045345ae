import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allocate, castScalar, type DType, DTYPES, isInt, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import { evaluate } from "../../../src/codegen/ir/evaluate.js";
import { acc, axis, cast, constant, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { type BufferType, closeKernel, type Kernel } from "../../../src/codegen/ir/kernel.js";
import { KernelMaker, type Meaning, runNaive, size } from "../reference/naive.js";
import { moduleText, PLAIN, runKernel } from "./run_kernel.js";
import { kernelCode } from "../../../src/codegen/wasm/kernels.js";

const VALUES = [0, -0, 1, -1, 0.5, -0.5, 2.5, 3, 7, -13, 0.1, 1e-3, 100, -100, 1e9, 2147483647, -2147483648, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

const buffer: fc.Arbitrary<{ type: BufferType; data: TypedArray }> = fc
  .record({ dtype: fc.constantFrom<DType>(...DTYPES), shape: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }), from: fc.nat(19) })
  .map(({ dtype, shape, from }) => {
    const data = allocate(dtype, size(shape));
    for (let n = 0; n < data.length; n++) data[n] = dtype === "bool" ? (n + from) % 2 : (VALUES[(n * 7 + from) % VALUES.length] as number);
    return { type: { dtype, shape }, data };
  });

const extent = fc.constantFrom(3, 2, 1, 4, 5, 6, 9, 13, 0);
const setup = fc.record({
  tape: fc.array(fc.nat(5040), { minLength: 40, maxLength: 160 }),
  buffers: fc.array(buffer, { minLength: 1, maxLength: 4 }),
  domain: fc.array(extent, { maxLength: 3 }),
  extents: fc.option(fc.array(extent, { maxLength: 2 })),
});

/** float32 rounds at every step; floats beyond int32 saturate. */
const MACHINE: Meaning = {
  round: (x, dtype) => (dtype === "float32" ? Math.fround(x) : x),
  cast: (x, dtype) => (dtype === "int32" ? (Number.isNaN(x) ? 0 : Math.trunc(Math.max(-2147483648, Math.min(2147483647, x))) + 0) : castScalar(x, dtype)),
};

/** Whether there is one right result: float sums depend on their order, and the extreme of no integers is none. */
function ordered({ reduction }: Kernel): boolean {
  if (reduction === null) return true;
  const extreme = reduction.op === "max" || reduction.op === "min";
  return extreme ? !reduction.extents.includes(0) : isInt(reduction.dtype);
}

describe("random kernels", () => {
  it.each([["SIMD", PLAIN], ["one by one", { ...PLAIN, simd: false }]] as const)("%s: compute what the naive interpreter computes, bit for bit", (_, features) => {
    let compared = 0;
    fc.assert(
      fc.property(setup, ({ tape, buffers, domain, extents }) => {
        const bound = new KernelMaker(tape, buffers.map((b) => b.type), "exact").kernel([...domain], extents ? [...extents] : null);
        if (!ordered(bound.kernel)) return;
        compared++;
        const inputs = bound.buffers.map((b) => buffers[b]?.data as TypedArray);
        const scalars = bound.scalars.map((e) => evaluate(e, [5, Math.fround(0.7)]));
        const expected = runNaive(bound.kernel, inputs, scalars, MACHINE);
        const got = runKernel(bound.kernel, inputs, scalars, features, { uses: () => 1 }, tape.length % 2 === 0);
        got.forEach((g, n) => { expect(g, `${bound.kernel.text}\n${moduleText(kernelCode(bound.kernel, "k", features, { uses: () => 1 }))}`).toEqual(expected[n]); });
      }),
      { numRuns: Number(process.env.DAMO_FUZZ ?? 500) },
    );
    expect(compared).toBeGreaterThan(150);
  });
});

const count = (n: number, from = 0): Float32Array => Float32Array.from({ length: n }, (_, i) => ((i * 37 + from * 11) % 97) / 8 - 6);
const f32 = (...shape: number[]): BufferType => ({ dtype: "float32", shape });
const at = (i: number, extent: number): Expr => axis(i, extent);

/** A kernel over buffers of the types given, compared with the naive interpreter in float64. */
function expectClose(kernel: Kernel, inputs: readonly TypedArray[], scalars: readonly number[] = [], tolerance = 1e-6, uses = 1): void {
  const expected = runNaive(kernel, inputs, scalars);
  for (const features of [PLAIN, { ...PLAIN, simd: false }]) {
    const got = runKernel(kernel, inputs, scalars, features, { uses: () => uses }, true);
    got.forEach((g, n) => {
      const want = expected[n] as TypedArray;
      expect(g.length).toBe(want.length);
      for (let i = 0; i < g.length; i++) expect(Math.abs((g[i] as number) - (want[i] as number)), `${kernel.text} at ${i}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(want[i] as number)));
    });
  }
}

describe("reductions", () => {
  const sums = (domain: number[], extents: number[], index: Expr[], shape: number[]): Kernel =>
    closeKernel(domain, { op: "sum", extents, term: cast(load(0, "float32", index), "float64"), dtype: "float64" }, [cast(acc("float64"), "float32")], () => f32(...shape)).kernel;

  it.each([[1, 1], [3, 7], [33, 70], [5, 1024], [100, 19]])("[%i,%i]: rows, columns and all", (n, m) => {
    const data = count(n * m);
    expectClose(sums([n], [m], [at(0, n), redAxis(0, m)], [n, m]), [data]);
    expectClose(sums([m], [n], [redAxis(0, n), at(0, m)], [n, m]), [data]);
    expectClose(sums([], [n, m], [redAxis(0, n), redAxis(1, m)], [n, m]), [data]);
  });

  it("cuts long ones into blocks, whatever the direction", () => {
    const [n, m] = [9001, 37];
    const data = count(n * m);
    const kernels = [sums([], [n, m], [redAxis(0, n), redAxis(1, m)], [n, m]), sums([m], [n], [redAxis(0, n), at(0, m)], [n, m])];
    expect(kernelCode(kernels[0] as Kernel, "k", PLAIN, { uses: () => 1 }).passes.length).toBe(2);
    for (const k of kernels) expectClose(k, [data]);
    const wide = sums([3], [300_001], [at(0, 3), redAxis(0, 300_001)], [3, 300_001]);
    expect(kernelCode(wide, "k", PLAIN, { uses: () => 1 }).passes.length).toBe(2);
    expectClose(wide, [count(900_003)]);
  });

  it("has a NaN win, and gives an empty reduction's identity", () => {
    const max = closeKernel([3], { op: "max", extents: [9], term: load(0, "float32", [at(0, 3), redAxis(0, 9)]), dtype: "float32" }, [acc("float32")], () => f32(3, 9)).kernel;
    const data = count(27);
    data[13] = Number.NaN;
    expect(runKernel(max, [data], [])).toEqual(runNaive(max, [data], []));
    expect([...(runKernel(sums([2], [0], [at(0, 2), redAxis(0, 0)], [2, 0]), [new Float32Array(0)], [])[0] as TypedArray)]).toEqual([0, 0]);
  });
});

it("positions are divided as floor does, by powers of two and others, below zero too", () => {
  const i = at(1, 21);
  for (const d of [1, 2, 3, 8]) for (const from of [0, -5]) {
    const moved = prim("add", i, constant(from, "int32"));
    const [quotient, rest] = [prim("floorDiv", moved, constant(d, "int32")), prim("mod", moved, constant(d, "int32"))];
    const results = from === 0 ? [load(0, "float32", [at(0, 3), quotient]), load(0, "float32", [at(0, 3), rest])] : [cast(quotient, "float32"), cast(rest, "float32")];
    for (const r of results) expectClose(closeKernel([3, 21], null, [r], () => f32(3, 21)).kernel, from === 0 ? [count(63)] : []);
  }
});

describe("products of matrices", () => {
  const sizes: [number, number, number][] = [[20, 84, 50], [10, 33, 7], [3, 8, 5], [7, 9, 4], [1, 40, 16], [6, 1, 35], [5, 40, 1], [2, 100, 3], [70, 21, 67], [4, 0, 5]];
  it.each(sizes)("[%i,%i] by [%i columns] with bias and sigmoid, stored either way, packed or not", (n, m, p) => {
    for (const dtype of ["float32", "float64"] as const) for (const a of ["plain", "transposed"]) for (const b of ["plain", "transposed"]) for (const uses of [1, 15]) {
      const [i, j, k] = [axis(0, n), axis(1, p), redAxis(0, m)];
      const types: BufferType[] = [{ dtype, shape: a === "plain" ? [n, m] : [m, n] }, { dtype, shape: b === "plain" ? [m, p] : [p, m] }, { dtype, shape: [p] }];
      const term = cast(prim("mul", load(0, dtype, a === "plain" ? [i, k] : [k, i]), load(1, dtype, b === "plain" ? [k, j] : [j, k])), "float64");
      const result = prim("max", prim("add", cast(acc("float64"), dtype), load(2, dtype, [j])), constant(-3, dtype));
      const { kernel, buffers } = closeKernel([n, p], { op: "sum", extents: [m], term, dtype: "float64" }, [result], (s) => types[s] as BufferType);
      const data = [n * m, m * p, p].map((size, s) => (dtype === "float32" ? count(size, s) : Float64Array.from(count(size, s))));
      expectClose(kernel, buffers.map((s) => data[s] as TypedArray), [], dtype === "float32" ? 2e-5 : 1e-12, uses);
    }
  });

  it("gives the same bits whatever the tile: one row alone, and among others", () => {
    const of = (n: number): Kernel => {
      const term = prim("mul", load(0, "float32", [axis(0, n), redAxis(0, 61)]), load(1, "float32", [redAxis(0, 61), axis(1, 83)]));
      return closeKernel([n, 83], { op: "sum", extents: [61], term, dtype: "float32" }, [acc("float32")], (s) => f32(...(s === 0 ? [n, 61] : [61, 83]))).kernel;
    };
    const [a, b] = [count(9 * 61).map((x) => x / 7), count(61 * 83, 3).map((x) => x / 3)];
    const [all] = runKernel(of(9), [a, b], []) as [TypedArray];
    for (let r = 0; r < 9; r++) for (const uses of [1, 15]) {
      expect(runKernel(of(1), [a.slice(r * 61, r * 61 + 61), b], [], PLAIN, { uses: () => uses })[0]).toEqual(all.slice(r * 83, r * 83 + 83));
    }
  });
});

describe("sums that pick their terms by an index", () => {
  it.each([[30, 5, 7], [11, 1, 40], [9, 16, 0]])("%i rows of %i, %i terms", (rows, columns, terms) => {
    const types: BufferType[] = [f32(rows, columns), { dtype: "int32", shape: [terms] }, f32(terms, columns)];
    const index = load(1, "int32", [redAxis(0, terms)]);
    const place = prim("select", prim("lt", index, constant(0, "int32")), prim("add", index, constant(rows, "int32")), index);
    const term = cast(prim("select", prim("eq", place, at(0, rows)), load(2, "float32", [redAxis(0, terms), at(1, columns)]), constant(0, "float32")), "float64");
    const result = prim("sub", load(0, "float32", [at(0, rows), at(1, columns)]), cast(acc("float64"), "float32"));
    const { kernel, buffers } = closeKernel([rows, columns], { op: "sum", extents: [terms], term, dtype: "float64" }, [result], (b) => types[b] as BufferType);
    const inputs = [count(rows * columns), Int32Array.from({ length: terms }, (_, k) => ((k * 7) % (2 * rows)) - rows), count(terms * columns, 5)];
    if (terms > 1) expect(kernelCode(kernel, "k", PLAIN, { uses: () => 1 }).how).toBe("terms listed by row");
    expectClose(kernel, buffers.map((b) => inputs[b] as TypedArray));
  });

  it("indices in a matrix, the matrix read backwards, columns of windows", () => {
    const [rows, columns, sentence, around] = [30, 6, 5, 3];
    const [s, w] = [redAxis(0, sentence), redAxis(1, around)];
    const types: BufferType[] = [{ dtype: "int32", shape: [sentence, around] }, f32(sentence, around * columns)];
    const column = prim("add", at(1, columns), prim("mul", w, constant(columns, "int32")));
    const value = load(1, "float32", [prim("sub", constant(sentence - 1, "int32"), s), column]);
    const term = cast(prim("select", prim("eq", load(0, "int32", [s, w]), at(0, rows)), value, constant(0, "float32")), "float64");
    const { kernel, buffers } = closeKernel([rows, columns], { op: "sum", extents: [sentence, around], term, dtype: "float64" }, [cast(acc("float64"), "float32")], (b) => types[b] as BufferType);
    const inputs = [Int32Array.from({ length: sentence * around }, (_, k) => (k * k) % 11), count(sentence * around * columns, 2)];
    expect(kernelCode(kernel, "k", PLAIN, { uses: () => 1 }).how).toBe("terms listed by row");
    expectClose(kernel, buffers.map((b) => inputs[b] as TypedArray));
  });
});

describe("maps", () => {
  it("reads guarded neighbours, backwards, far apart and by data", () => {
    const n = 23;
    const i = at(0, n);
    const before = prim("select", prim("lt", i, constant(2, "int32")), constant(9, "float32"), load(0, "float32", [prim("sub", i, constant(2, "int32"))]));
    const after = prim("select", prim("lt", i, constant(n - 3, "int32")), load(0, "float32", [prim("add", i, constant(3, "int32"))]), constant(-1, "float32"));
    const reversed = load(0, "float32", [prim("sub", constant(n - 1, "int32"), i)]);
    const far = load(1, "float32", [i, constant(2, "int32")]);
    const byData = load(0, "float32", [load(2, "int32", [i])]);
    const types: BufferType[] = [f32(n), f32(n, 5), { dtype: "int32", shape: [n] }];
    const { kernel, buffers } = closeKernel([n], null, [before, after, reversed, far, byData], (b) => types[b] as BufferType);
    const inputs = [count(n), count(n * 5, 3), Int32Array.from({ length: n }, (_, k) => (k * 5) % n)];
    expectClose(kernel, buffers.map((b) => inputs[b] as TypedArray));
  });

  it("never reads outside of memory, however wrong an index is", () => {
    const types: BufferType[] = [f32(3), { dtype: "int32", shape: [8] }];
    const { kernel } = closeKernel([8], null, [load(0, "float32", [load(1, "int32", [at(0, 8)])])], (b) => types[b] as BufferType);
    const wild = Int32Array.from([0, 1, 2, -1, 3, 2147483647, -2147483648, 1]);
    const inputs = kernel.params[0]?.dtype === "int32" ? [wild, Float32Array.of(5, 6, 7)] : [Float32Array.of(5, 6, 7), wild];
    for (const features of [PLAIN, { ...PLAIN, simd: false }]) {
      const [out] = runKernel(kernel, inputs, [], features) as [TypedArray];
      expect([out[0], out[1], out[2], out[7]]).toEqual([5, 6, 7, 6]);
    }
  });

  it("places a minibatch by a scalar, over one long axis", () => {
    const row = prim("add", prim("mul", scalar(0, "int32"), constant(4, "int32")), at(0, 4));
    const { kernel, scalars } = closeKernel([4, 11], null, [prim("mul", load(0, "float32", [row, at(1, 11)]), constant(2, "float32"))], () => f32(40, 11));
    for (const s of [0, 3, 9]) expectClose(kernel, [count(440)], scalars.map((e) => evaluate(e, [s])));
    expect(moduleText(kernelCode(kernel, "k", PLAIN, { uses: () => 1 })).match(/\(loop/g)?.length).toBe(2);
  });
});
