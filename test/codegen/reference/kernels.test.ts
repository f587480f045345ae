import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allocate, type DType, DTYPES, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import { acc, axis, constant, type Expr, load, prim, redAxis } from "../../../src/codegen/ir/expr.js";
import { evaluate } from "../../../src/codegen/ir/evaluate.js";
import { type BufferType, closeKernel, type ReduceOp } from "../../../src/codegen/ir/kernel.js";
import { buildKernel, renderKernel } from "../../../src/codegen/reference/render.js";
import { lower } from "../../../src/codegen/reference/lower.js";
import { KernelMaker, runNaive, size } from "./naive.js";

const VALUES = [0, -0, 1, -1, 0.5, -0.5, 2.5, 3, 7, -13, 0.1, 1e-3, 100, -100, 1e9, 2147483647, -2147483648, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

const buffer: fc.Arbitrary<{ type: BufferType; data: TypedArray }> = fc
  .record({ dtype: fc.constantFrom<DType>(...DTYPES), shape: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }), from: fc.nat(19) })
  .map(({ dtype, shape, from }) => {
    const data = allocate(dtype, size(shape));
    for (let n = 0; n < data.length; n++) data[n] = dtype === "bool" ? (n + from) % 2 : (VALUES[(n * 7 + from) % VALUES.length] as number);
    return { type: { dtype, shape }, data };
  });

const extent = fc.constantFrom(3, 2, 1, 4, 5, 6, 0);
const setup = fc.record({
  tape: fc.array(fc.nat(5040), { minLength: 40, maxLength: 160 }),
  buffers: fc.array(buffer, { minLength: 1, maxLength: 4 }),
  domain: fc.array(extent, { maxLength: 3 }),
  extents: fc.option(fc.array(extent, { maxLength: 2 })),
});

describe("random kernels", () => {
  it("compute what the naive interpreter computes, bit for bit, in either order of loops", () => {
    fc.assert(
      fc.property(setup, ({ tape, buffers, domain, extents }) => {
        const bound = new KernelMaker(tape, buffers.map((b) => b.type)).kernel([...domain], extents ? [...extents] : null);
        const inputs = bound.buffers.map((b) => buffers[b]?.data as TypedArray);
        const scalars = bound.scalars.map((e) => evaluate(e, [5, Math.fround(0.7)]));
        const expected = runNaive(bound.kernel, inputs, scalars);
        for (const form of ["inner", "row"] as const) {
          const rendered = renderKernel(bound.kernel, form);
          const got = bound.kernel.results.map((r) => allocate(r.dtype, size(domain)));
          buildKernel(rendered)(inputs, scalars, got);
          got.forEach((g, n) => { expect(g, `${bound.kernel.text}\n${rendered.source}`).toEqual(expected[n]); });
        }
      }),
      { numRuns: 3000 },
    );
  });
});

const f32 = (shape: readonly number[]): BufferType => ({ dtype: "float32", shape });

/** sum over k of a[i,k] b[k,j], the second operand stored as given or transposed. */
function dot(n: number, m: number, p: number, stored: "plain" | "transposed", op: ReduceOp = "sum") {
  const types = [f32([n, m]), f32(stored === "plain" ? [m, p] : [p, m])];
  const [i, j, k] = [axis(0, n), axis(1, p), redAxis(0, m)];
  const term = prim("mul", load(0, "float32", [i, k]), load(1, "float32", stored === "plain" ? [k, j] : [j, k]));
  return closeKernel([n, p], { op, extents: [m], term, dtype: "float32" }, [acc("float32")], (b) => types[b] as BufferType).kernel;
}

describe("loop order", () => {
  it("keeps a row of accumulators where memory is contiguous along the result, and gives the same bits as the other order", () => {
    const plain = dot(3, 9, 5, "plain");
    const transposed = dot(3, 9, 5, "transposed");
    expect([lower(plain).form, lower(transposed).form]).toEqual(["row", "inner"]);
    const a = Float32Array.from({ length: 27 }, (_, n) => Math.sin(n * n) * 10 ** (n % 5));
    const b = Float32Array.from({ length: 45 }, (_, n) => Math.cos(3 * n) * 10 ** (n % 7));
    const bT = Float32Array.from({ length: 45 }, (_, n) => b[(n % 9) * 5 + Math.floor(n / 9)] as number);
    const [x, y] = [new Float64Array(15), new Float64Array(15)];
    buildKernel(renderKernel(plain))([a, b], [], [x]);
    buildKernel(renderKernel(transposed))([a, bT], [], [y]);
    expect(x).toEqual(y);
    expect(x.some((v) => v !== 0)).toBe(true);
  });

  it("reduces nothing to the operation's identity", () => {
    const value = (op: ReduceOp): number => {
      const out = new Float32Array(6);
      buildKernel(renderKernel(dot(2, 0, 3, "plain", op)))([new Float32Array(0), new Float32Array(0)], [], [out]);
      return out[5] as number;
    };
    expect(["sum", "prod", "max", "min"].map((op) => value(op as ReduceOp))).toEqual([0, 1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });

  it("accumulates float32 in float64", () => {
    const kernel = closeKernel([], { op: "sum", extents: [3], term: load(0, "float32", [redAxis(0, 3)]), dtype: "float32" }, [acc("float32")], () => f32([3])).kernel;
    const out = new Float32Array(1);
    buildKernel(renderKernel(kernel))([Float32Array.of(1e9, 1, -1e9)], [], [out]);
    expect(out[0]).toBe(1);
  });
});

describe("source text", () => {
  it("hoists index arithmetic and loads to the loop that knows them", () => {
    expect(renderKernel(dot(20, 784, 500, "plain")).source).toMatchInlineSnapshot(`
      "function kernel(buffers, scalars, results) {
        "use strict";
        const b0 = buffers[0]; // float32[20,784]
        const b1 = buffers[1]; // float32[784,500]
        const out0 = results[0]; // float32[20,500]
        for (let i0 = 0; i0 < 20; i0++) {
          const p0 = i0 * 784;
          const p3 = p0 + 1;
          const p6 = p0 + 2;
          const p9 = p0 + 3;
          const p12 = i0 * 500;
          acc.fill(0);
          for (let k0 = 0; k0 < 784; k0 += 4) {
            const t1 = b0[p0 + k0];
            const p2 = k0 * 500;
            const t4 = b0[p3 + k0];
            const p5 = p2 + 500;
            const t7 = b0[p6 + k0];
            const p8 = p2 + 1000;
            const t10 = b0[p9 + k0];
            const p11 = p2 + 1500;
            for (let i1 = 0; i1 < 500; i1++) {
              let total = acc[i1];
              total += t1 * b1[p2 + i1];
              total += t4 * b1[p5 + i1];
              total += t7 * b1[p8 + i1];
              total += t10 * b1[p11 + i1];
              acc[i1] = total;
            }
          }
          for (let i1 = 0; i1 < 500; i1++) {
            out0[p12 + i1] = acc[i1];
          }
        }
      }"
    `);
  });

  it("runs neighbouring sums side by side where the reduction is innermost, and finishes what four do not divide", () => {
    expect(renderKernel(dot(2, 7, 6, "transposed")).source).toMatchInlineSnapshot(`
      "function kernel(buffers, scalars, results) {
        "use strict";
        const b0 = buffers[0]; // float32[2,7]
        const b1 = buffers[1]; // float32[6,7]
        const out0 = results[0]; // float32[2,6]
        for (let i0 = 0; i0 < 2; i0++) {
          const p0 = i0 * 7;
          const p6 = i0 * 6;
          const p8 = p6 + 1;
          const p10 = p6 + 2;
          const p12 = p6 + 3;
          for (let i1 = 0; i1 < 4; i1 += 4) {
            const p2 = i1 * 7;
            const p3 = p2 + 7;
            const p4 = p2 + 14;
            const p5 = p2 + 21;
            const p7 = p6 + i1;
            const p9 = p8 + i1;
            const p11 = p10 + i1;
            const p13 = p12 + i1;
            let acc0 = 0, acc1 = 0, acc2 = 0, acc3 = 0;
            for (let k0 = 0; k0 < 7; k0++) {
              const t1 = b0[p0 + k0];
              acc0 += t1 * b1[p2 + k0];
              acc1 += t1 * b1[p3 + k0];
              acc2 += t1 * b1[p4 + k0];
              acc3 += t1 * b1[p5 + k0];
            }
            out0[p7] = acc0;
            out0[p9] = acc1;
            out0[p11] = acc2;
            out0[p13] = acc3;
          }
          for (let i1 = 4; i1 < 6; i1++) {
            const p14 = i1 * 7;
            const p15 = p6 + i1;
            let acc = 0;
            for (let k0 = 0; k0 < 7; k0++) {
              acc += b0[p0 + k0] * b1[p14 + k0];
            }
            out0[p15] = acc;
          }
        }
      }"
    `);
  });

  it("computes in a branch what only that branch needs", () => {
    const i = axis(0, 8);
    const guarded = load(0, "float32", [prim("sub", i, constant(5, "int32"))]);
    const e = prim("select", prim("lt", i, constant(5, "int32")), constant(0, "float32"), prim("mul", prim("exp", guarded), guarded));
    const { kernel } = closeKernel([8], null, [e], () => f32([3]));
    expect(renderKernel(kernel).source).toMatchInlineSnapshot(`
      "function kernel(buffers, scalars, results) {
        "use strict";
        const b0 = buffers[0]; // float32[3]
        const out0 = results[0]; // float32[8]
        for (let i0 = 0; i0 < 8; i0++) {
          let t1;
          if (i0 < 5) {
            t1 = 0;
          } else {
            const t0 = b0[i0 + (-5)];
            t1 = Math.exp(t0) * t0;
          }
          out0[i0] = t1;
        }
      }"
    `);
    const out = new Float32Array(8);
    buildKernel(renderKernel(kernel))([Float32Array.of(0, 1, 2)], [], [out]);
    expect([...out]).toEqual([...Float32Array.of(0, 0, 0, 0, 0, 0, Math.E, 2 * Math.exp(2))]);
  });

  it("survives expressions of any depth", () => {
    let e: Expr = load(0, "float64", [axis(0, 2)]);
    for (let n = 0; n < 20000; n++) e = prim(n % 2 ? "add" : "mul", e, constant(n % 2 ? 1 : 0.5, "float64"));
    const { kernel } = closeKernel([2], null, [e], () => ({ dtype: "float64", shape: [2] }));
    const out = new Float64Array(2);
    buildKernel(renderKernel(kernel))([Float64Array.of(0, 5)], [], [out]);
    expect([...out]).toEqual([2, 2]);
  });
});
