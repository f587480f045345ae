/** Every op's lowering against its float64 reference on its samples, element by element; reads out of range are errors. */
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sample } from "../../src/graph/op.js";
import { TensorType } from "../../src/graph/types.js";
import { NdArray, sizeOf } from "../../src/numpy/ndarray.js";
import { allOps } from "../../src/ops/define.js";
import { lowered } from "./evaluate.js";

const folder = new URL("../../src/ops/", import.meta.url);
for (const file of readdirSync(folder).sort()) await import(new URL(file, folder).href);

type Params = Sample<Readonly<Record<string, unknown>>>["params"];

function drawn(sample: Sample<Params>, numbers: readonly number[]): NdArray[] {
  let next = 0;
  return sample.inputs.map(({ dtype, shape, low = -2, high = 2, exact }) => {
    const values = Array.from({ length: sizeOf(shape) }, (_, i) => exact?.[i] ?? low + (high - low) * (numbers[next++ % numbers.length] as number));
    return new NdArray(Float64Array.from(dtype === "bool" ? values.map((v) => Number(v > 0)) : values), shape, "float64").astype(dtype);
  });
}

const close = (a: number, b: number): boolean => Object.is(a, b) || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)) || (a === 0 && b === 0);

for (const op of allOps().filter((o) => ["index", "reduce", "graph", "elementwise"].includes(o.fields.lower.kind))) {
  describe(op.name, () => {
    op.fields.samples.forEach((sample, n) => {
      it(`sample ${n}: ${sample.inputs.map((i) => `${i.dtype}[${i.shape.join(",")}]`).join(" ")} ${JSON.stringify(sample.params)}`, () => {
        const types = sample.inputs.map((i) => new TensorType(i.dtype, i.broadcastable ?? i.shape.map(() => false)));
        fc.assert(
          fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 24, maxLength: 24 }), (numbers) => {
            const inputs = drawn(sample, numbers);
            const outputs = op.fields.infer(types, sample.params);
            const reference = op.fields.reference(inputs, sample.params, outputs);
            const lower = lowered(op, sample.params, inputs, types);
            expect(lower.map((x) => x.shape)).toEqual(reference.map((x) => x.shape));
            expect(lower.map((x) => x.dtype)).toEqual(outputs.map((t) => t.dtype));
            lower.forEach((x, o) => x.data.forEach((v, i) => expect(close(v, reference[o]?.data[i] as number), `${v} and ${reference[o]?.data[i]}`).toBe(true)));
          }),
          { numRuns: 20, seed: 7 },
        );
      });
    });
  });
}
