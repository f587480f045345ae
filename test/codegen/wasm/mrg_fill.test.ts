/** Uniforms of streams that give several each, against the host's generator: the same bits, by fours and one by one, states kept or advanced in place. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allocate, type DType } from "../../../src/codegen/ir/dtype.js";
import type { BufferType } from "../../../src/codegen/ir/kernel.js";
import type { Features } from "../../../src/codegen/wasm/code.js";
import { mrgFill } from "../../../src/codegen/wasm/mrg_fill.js";
import { fillMrg, mrgSeed, mrgSubstreams } from "../../../src/random/mrg31k3p.js";
import { runner } from "./run_code.js";

const SIMD: Features = { simd: true, fma: false, threads: false };

const draws = fc.record({
  seed: fc.integer({ min: 1, max: 2147462578 }),
  streams: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(511, 512, 513, 1030)),
  n: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(1024, 2060, 5000)),
  dtype: fc.constantFrom<"float32" | "float64">("float32", "float64"),
  inPlace: fc.boolean(), backwards: fc.boolean(),
});

describe.each([["four streams", SIMD], ["one by one", { ...SIMD, simd: false }]] as const)("%s", (_, features) => {
  test("draws what the host's generator draws, call after call", () => {
    fc.assert(fc.property(draws, ({ seed, streams, n, dtype, inPlace, backwards }) => {
      const [states, samples]: [BufferType, BufferType & { readonly dtype: DType }] = [{ dtype: "int32", shape: [streams, 6] }, { dtype, shape: [n] }];
      const wasm = runner(mrgFill([states], [states, samples], "draw", features), [states], [states, samples], inPlace ? [[0, 0]] : []);
      const rows = mrgSubstreams(mrgSeed(seed), streams);
      for (let call = 0; call < 2; call++) {
        wasm.reads[0]?.set(rows);
        const expected = allocate(dtype, n) as Float32Array | Float64Array;
        fillMrg(rows, expected);
        wasm.run(backwards);
        expect(wasm.writes[1]).toEqual(expected);
        expect(wasm.writes[0]).toEqual(rows);
      }
    }), { numRuns: 60 });
  });
});
