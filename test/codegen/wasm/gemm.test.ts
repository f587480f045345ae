/** Products against a loop over i, j, k that rounds as the operands' dtype does: the same bits in every form. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allocate, type FloatDType, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import { acc, axis, cast, constant, type Expr, load, postorder, prim, redAxis, rewrite } from "../../../src/codegen/ir/expr.js";
import { type BoundKernel, type BufferType, closeKernel, type Kernel } from "../../../src/codegen/ir/kernel.js";
import type { Features } from "../../../src/codegen/wasm/code.js";
import { type Product, productCode, productOf } from "../../../src/codegen/wasm/gemm.js";
import { PanelWriter, type Source, sourceOf } from "../../../src/codegen/wasm/gemm_panels.js";
import { machineOf } from "../../../src/codegen/wasm/gemm_text.js";
import { isUpdate, UpdateWriter } from "../../../src/codegen/wasm/gemm_update.js";
import { runNaive } from "../reference/naive.js";
import { backwardKernel, batchedKernel, loadCode, productKernel, type ProductSpec } from "./gemm_kit.js";

const SIMD: Features = { simd: true, fma: false, threads: false };
const SCALAR: Features = { ...SIMD, simd: false };
const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Repeatable numbers, of which a part is 0. */
function numbers(type: BufferType, seed: number, density: number): TypedArray {
  const data = allocate(type.dtype, size(type.shape));
  let s = seed + 1;
  const next = (): number => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
  for (let n = 0; n < data.length; n++) data[n] = next() < density ? Math.fround(next() * 4 - 2) : next() < 0.5 ? 0 : -0;
  return data;
}

interface Case { readonly bound: BoundKernel; readonly inputs: readonly { readonly type: BufferType; readonly data: TypedArray }[]; readonly scalars: readonly number[] }

function caseOf(bound: BoundKernel, density: number, scalars: readonly number[] = [], change?: (data: TypedArray, slot: number) => void): Case {
  const inputs = bound.kernel.params.map((type, n) => {
    const data = numbers(type, n * 7 + 3, (bound.buffers[n] as number) === 0 ? density : 1);
    change?.(data, bound.buffers[n] as number);
    return { type, data };
  });
  return { bound, inputs, scalars };
}

const outputsOf = (k: Kernel): BufferType[] => k.results.map((r) => ({ dtype: r.dtype, shape: k.domain }));

function result(c: Case, p: Product, features: Features, source: Source, backwards = false): TypedArray {
  const loaded = loadCode(new PanelWriter(p, "k", features, source).code(), c.inputs, outputsOf(c.bound.kernel), c.scalars, { backwards, inPlace: backwards });
  loaded.run();
  return loaded.results()[0] as TypedArray;
}

/** Adds the terms in the order of k in the operands' dtype, then evaluates the epilogue as the naive interpreter does. */
function expected({ bound: { kernel }, inputs, scalars }: Case): TypedArray {
  const round = (x: number, dtype: string): number => (dtype === "float32" ? Math.fround(x) : x);
  const term = kernel.reduction?.term as Expr;
  const dtype = postorder([term]).find((e) => e.kind === "load")?.dtype ?? "float32";
  const exact = { ...kernel, reduction: kernel.reduction && { ...kernel.reduction, dtype: dtype as FloatDType } };
  return runNaive(exact, inputs.map((i) => i.data), scalars, { round, cast: round })[0] as TypedArray;
}

/** The same for a product of two matrices, in a loop that a machine is fast at. */
function expectedOf(spec: ProductSpec, c: Case): TypedArray {
  const { kernel, buffers } = c.bound;
  const slot = (n: number): number => buffers.indexOf(n);
  const dataOf = (n: number): TypedArray => (c.inputs[slot(n)] as Case["inputs"][number]).data;
  const [left, right] = [dataOf(0), dataOf(1)];
  const { rows, columns, depth, turned } = spec;
  const dtype = spec.dtype ?? "float32";
  const round = dtype === "float32" ? Math.fround : (x: number): number => x;
  const { left: stepLeft, down, along } = spec.steps ?? { left: 1, down: 1, along: 1 };
  const [deepLeft, deep, wide] = [depth * Math.abs(stepLeft), depth * Math.abs(down), columns * Math.abs(along)];
  const [li, lk] = turned?.left ? [1, rows] : [deepLeft, 1];
  const [rk, rj] = turned?.right ? [1, deep] : [wide, 1];
  const start = (spec.offset ?? 0) * (turned?.left ? lk : li);
  const place = (n: number, by: number, extent: number): number => (by < 0 ? -by * (extent - 1 - n) : by * n);
  const sums = allocate(dtype, rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
    let sum = 0;
    for (let k = 0; k < depth; k++) sum = round(sum + round((left[start + i * li + place(k, stepLeft, depth) * lk] as number) * (right[place(k, down, depth) * rk + place(j, along, columns) * rj] as number)));
    sums[i * columns + j] = sum;
  }
  const here = [0, 1].map((a) => axis(a, a === 0 ? rows : columns));
  const results = rewrite(kernel.results, (e) => (e.kind === "acc" ? load(kernel.params.length, dtype, here) : e));
  const rest: Kernel = { ...kernel, reduction: null, results, params: [...kernel.params, { dtype, shape: [rows, columns] }] };
  const cast = (x: number): number => round(x);
  return runNaive(rest, [...c.inputs.map((i) => i.data), sums], c.scalars, { round: cast, cast })[0] as TypedArray;
}

/** Lane l of four (two of float64) adds every so many terms from the l-th; then the lanes from the first to the last, then what fills no register. */
function dotOf(a: TypedArray, b: TypedArray, dtype: FloatDType, lanes: number): number {
  const round = dtype === "float32" ? Math.fround : (x: number): number => x;
  const whole = a.length - (a.length % lanes);
  const term = (k: number): number => round((a[k] as number) * (b[k] as number));
  const sums = Array.from({ length: lanes }, () => 0);
  for (let k = 0; k < whole; k++) sums[k % lanes] = round((sums[k % lanes] as number) + term(k));
  let sum = sums.reduce((x, y) => round(x + y));
  for (let k = whole; k < a.length; k++) sum = round(sum + term(k));
  return sum;
}

function forms(p: Product, features: Features): Source[] {
  const chosen = [1, 100].map((uses) => sourceOf(p, machineOf(p.dtype, features), uses));
  if (chosen[0] === "dot") return ["dot"];
  return [...new Set<Source>([...chosen, "chunks", ...(p.columns.scalars.length === 0 ? (["packed"] as const) : [])])];
}

const spec: fc.Arbitrary<ProductSpec & { readonly density: number }> = fc
  .record({
    rows: fc.constantFrom(1, 2, 3, 4, 5, 7, 10, 20, 33, 50), columns: fc.constantFrom(1, 2, 3, 4, 5, 6, 9, 10, 12, 17, 31, 32, 33, 40, 70), depth: fc.constantFrom(0, 1, 2, 3, 5, 8, 20, 37, 290),
    left: fc.boolean(), right: fc.boolean(), steps: fc.option(fc.record({ left: fc.constantFrom(1, 2, -1), down: fc.constantFrom(1, 3, -1), along: fc.constantFrom(1, 2, -2) }), { nil: undefined }), offset: fc.constantFrom(undefined, 0, 3), density: fc.constantFrom(0.05, 0.3, 1),
  })
  .filter((s) => s.rows * s.columns * s.depth <= 100_000)
  .map(({ left, right, offset, steps, ...s }) => ({ ...s, turned: { left, right }, ...(steps ? { steps } : {}), ...(offset === undefined ? {} : { offset }) }));

const update = (sum: Expr, at: { matrix: Expr; vector: Expr }): Expr => prim("sub", at.matrix, prim("mul", prim("add", sum, at.vector), constant(0.5, sum.dtype)));

describe("products", () => {
  const seen = new Set<Source>();
  const kinds = (["float32", "float64"] as const).flatMap((dtype) => [SIMD, SCALAR].map((features) => [dtype, features.simd ? "four lanes" : "one by one", features] as const));
  it.each(kinds)("of %s, %s: the bits of a loop over k, in every form, with an epilogue, units in any order", (dtype, _, features) => {
    fc.assert(
      fc.property(spec, ({ density, ...rest }) => {
        const s = { ...rest, dtype };
        const c = caseOf(productKernel({ ...s, epilogue: update }), density, s.offset === undefined ? [] : [s.offset]);
        const p = productOf(c.bound.kernel);
        if (p === null) {
          expect(s.depth * (s.rows + s.columns - 2)).toBe(0);
          return;
        }
        const want = expectedOf(s, c);
        for (const source of forms(p, features)) {
          seen.add(source);
          const got = result(c, p, features, source, density < 1);
          if (source !== "dot") expect(got, source).toEqual(want);
        }
      }),
      { numRuns: 40 },
    );
  });
  it.each<[FloatDType, number]>([["float32", 4], ["float64", 2]])("lanes along the reduction of %s add their terms apart, whatever the rows", (dtype, lanes) => {
    for (const rows of [1, 2, 3, 4]) for (const depth of [3, 8, 37]) {
      const c = caseOf(productKernel({ rows, columns: 41, depth, dtype, turned: { right: true } }), 1);
      const p = productOf(c.bound.kernel) as Product;
      expect(sourceOf(p, machineOf(dtype, SIMD), 100)).toBe("dot");
      const row = (slot: number, n: number): TypedArray => (c.inputs[c.bound.buffers.indexOf(slot)] as Case["inputs"][number]).data.slice(n * depth, (n + 1) * depth);
      const got = result(c, p, SIMD, "dot", true);
      got.forEach((x, n) => { expect(x).toBe(dotOf(row(0, Math.floor(n / 41)), row(1, n % 41), dtype, lanes)); });
    }
  });
  it("all forms were there, lanes along the reduction apart", () => { expect([...seen].filter((form) => form !== "dot").sort()).toEqual(["chunks", "direct", "packed"]); });

  it("skip no zero that meets an infinity or NaN", () => {
    for (const [bad, at] of [[Number.POSITIVE_INFINITY, 0], [Number.NaN, 1234], [Number.NEGATIVE_INFINITY, 39 * 70 + 69]] as const) {
      for (const right of [false, true]) {
        const s = { rows: 20, columns: 70, depth: 40, turned: { right } };
        const c = caseOf(productKernel(s), 0.1, [], (data, slot) => { if (slot === 1) data[at] = bad; });
        const p = productOf(c.bound.kernel) as Product;
        const want = expectedOf(s, c);
        expect(want.some(Number.isNaN)).toBe(true);
        for (const source of ["chunks", "packed"] as const) expect(result(c, p, SIMD, source)).toEqual(want);
      }
    }
  });

  it("keep infinities and NaNs of the sparse operand", () => {
    const c = caseOf(productKernel({ rows: 8, columns: 33, depth: 40 }), 0.1, [], (data, slot) => { if (slot === 0) data.set([Number.NaN, Number.POSITIVE_INFINITY], 45); });
    for (const source of ["chunks", "packed"] as const) expect(result(c, productOf(c.bound.kernel) as Product, SIMD, source)).toEqual(expected(c));
  });

  it("of a matrix whose rows are two axes, and along a column axis of two", () => {
    const [a, b, j, k] = [axis(0, 3), axis(1, 4), axis(2, 10), redAxis(0, 9)];
    const types: BufferType[] = [{ dtype: "float32", shape: [3, 4, 9] }, { dtype: "float32", shape: [9, 10] }, { dtype: "float32", shape: [4, 10] }];
    const term = cast(prim("mul", load(0, "float32", [a, b, k]), load(1, "float32", [k, j])), "float64");
    const sum = cast(acc("float64"), "float32");
    const close = (result: Expr): BoundKernel => closeKernel([3, 4, 10], { op: "sum", extents: [9], dtype: "float64", term }, [result], (n) => types[n] as BufferType);
    for (const [bound, batch] of [[close(sum), 0], [close(prim("add", sum, load(2, "float32", [b, j]))), 1]] as const) {
      const c = caseOf(bound, 0.5);
      const p = productOf(bound.kernel) as Product;
      expect(p.batchAxes).toHaveLength(batch);
      for (const features of [SIMD, SCALAR]) expect(result(c, p, features, "chunks")).toEqual(expected(c));
    }
  });

  it("over a shared leading axis", () => {
    const c = caseOf(batchedKernel(3, 7, 21, 9), 0.3);
    const p = productOf(c.bound.kernel) as Product;
    expect(p.batchAxes).toEqual([0]);
    for (const features of [SIMD, SCALAR]) expect(result(c, p, features, "chunks")).toEqual(expected(c));
  });

  it.each([[5, 4, 12, 7], [3, 6, 40, 33]])("over a reduction in blocks that one operand reads backwards: %i x %i", (steps, depth, rows, columns) => {
    const c = caseOf(backwardKernel(steps, depth, rows, columns), 0.6);
    const p = productOf(c.bound.kernel) as Product;
    expect(p.extents).toEqual([steps, depth]);
    for (const features of [SIMD, SCALAR]) for (const source of ["chunks", "packed"] as const) expect(result(c, p, features, source)).toEqual(expected(c));
  });

  it("of large matrices, in chunks of the reduction and blocks of rows", () => {
    const s = { rows: 70, columns: 130, depth: 700 };
    const c = caseOf(productKernel(s), 0.9);
    const p = productOf(c.bound.kernel) as Product;
    for (const source of ["chunks", "packed"] as const) expect(result(c, p, SIMD, source, true)).toEqual(expectedOf(s, c));
  });
});

it("rounds once where fused multiply-add is allowed, and only there", () => {
  const specs: ProductSpec[] = [{ rows: 20, columns: 40, depth: 100 }, { rows: 40, columns: 40, depth: 10, turned: { left: true } }, { rows: 1, columns: 40, depth: 100, turned: { right: true } }];
  for (const s of specs) for (const fma of [false, true]) {
    const code = productCode(productOf(productKernel(s).kernel) as Product, "k", { ...SIMD, fma }, { uses: () => 1 });
    expect([...code.library.values(), ...code.passes.map((q) => q.text)].some((t) => t.includes("relaxed_madd"))).toBe(fma);
  }
});

describe("what is no product", () => {
  const [i, j, k]: Expr[] = [{ kind: "axis", dtype: "int32", axis: 0, extent: 5 }, { kind: "axis", dtype: "int32", axis: 1, extent: 5 }, { kind: "red", dtype: "int32", axis: 0, extent: 5 }];
  const kernel = (term: Expr, op: "sum" | "max" = "sum"): Kernel => ({
    domain: [5, 5], results: [{ kind: "acc", dtype: "float32" }], reduction: { op, extents: [5], term, dtype: "float32" }, scalars: [], text: "",
    params: [{ dtype: "float32", shape: [5, 5] }, { dtype: "float32", shape: [5, 5] }, { dtype: "int32", shape: [5, 5] }],
  });
  const a = load(0, "float32", [i as Expr, k as Expr]);
  it.each([
    ["a sum", a], ["a square of what both axes move", prim("mul", load(0, "float32", [i as Expr, j as Expr]), load(1, "float32", [i as Expr, j as Expr]))],
    ["integers", prim("mul", load(2, "int32", [i as Expr, k as Expr]), load(2, "int32", [k as Expr, j as Expr]))],
    ["a gather", prim("mul", a, load(1, "float32", [load(2, "int32", [k as Expr, k as Expr]), j as Expr]))],
  ])("%s", (_, term) => { expect(productOf(kernel(term))).toBeNull(); });
  it("a maximum of products", () => { expect(productOf(kernel(prim("mul", a, load(1, "float32", [k as Expr, j as Expr])), "max"))).toBeNull(); });
});

it("results may take the place of what only the epilogue reads, element for element", () => {
  const { kernel } = productKernel({ rows: 40, columns: 30, depth: 10, turned: { left: true }, epilogue: update });
  const code = productCode(productOf(kernel) as Product, "k", SIMD, { uses: () => 1 });
  const matrix = kernel.params.findIndex((t, n) => size(t.shape) === 1200 && n !== kernel.params.length);
  expect(code.inPlace).toEqual([[matrix]]);
});

it("keeps each kernel's own text short", () => {
  // Updates have the epilogue once for every register of sums; columns and rows that fill none have their own.
  for (const [rows, columns, most] of [[48, 1000, 13_500], [47, 45, 21_000]] as const) {
    const p = productOf(productKernel({ rows, columns, depth: 20, turned: { left: true }, epilogue: update }).kernel) as Product;
    expect(new UpdateWriter(p, "k", SIMD).code().passes[0]?.text.length).toBeLessThan(most);
  }
  const { kernel } = productKernel({ rows: 20, columns: 500, depth: 784, epilogue: (sum, { vector }) => prim("sigmoid", prim("add", sum, vector)) });
  for (const uses of [1, 100]) for (const pass of productCode(productOf(kernel) as Product, "k", SIMD, { uses: () => uses }).passes) expect(pass.text.length).toBeLessThan(10_000);
});

describe("updates", () => {
  const shape = fc.record({
    rows: fc.constantFrom(32, 33, 47, 50), columns: fc.constantFrom(8, 9, 11, 16, 40, 45, 300), depth: fc.constantFrom(1, 2, 4, 5, 10, 20, 64), dtype: fc.constantFrom<FloatDType>("float32", "float64"),
    left: fc.boolean(), density: fc.constantFrom(0, 0.1, 0.5, 1), bad: fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY), at: fc.nat(),
  });
  it("have the bits of a loop over k and skip no zero that meets an infinity or NaN", () => {
    fc.assert(
      fc.property(shape, ({ left, density, bad, at, ...s }) => {
        const c = caseOf(productKernel({ ...s, turned: { left }, offset: 3, epilogue: update }), density, [3], (data, slot) => { if (slot === 1 && bad !== undefined) data[at % data.length] = bad; });
        const p = productOf(c.bound.kernel) as Product;
        expect(isUpdate(p, SIMD)).toBe(true);
        const loaded = loadCode(new UpdateWriter(p, "k", SIMD).code(), c.inputs, outputsOf(c.bound.kernel), c.scalars, { backwards: at % 2 === 0, inPlace: at % 3 === 0 });
        loaded.run();
        expect(loaded.results()[0]).toEqual(expectedOf({ ...s, turned: { left }, offset: 3 }, c));
      }),
      { numRuns: 50 },
    );
  });
});
