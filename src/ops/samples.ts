/**
 * Variables and seeded random values for an op's samples, so that every generated check (gradients, shapes, backends) draws the same ones.
 * Must not know any op. Used by tests and by src/testing.
 */
import type { DType } from "../codegen/ir/dtype.js";
import type { Params, Sample } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";

/** Uniform numbers in [0, 1) from a seed (a 32-bit mixing generator; only tests use it, user graphs have src/random). */
export function seededUniform(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** An array of uniform draws from [low, high): whole numbers for int32, coin flips for bool. */
export function drawArray(dtype: DType, shape: Shape, uniform: () => number, interval: { readonly low?: number | undefined; readonly high?: number | undefined } = {}): NdArray {
  const { low = -2, high = 2 } = interval;
  const out = NdArray.zeros(shape, "float64");
  for (let i = 0; i < sizeOf(shape); i++) {
    const u = uniform();
    out.data[i] = dtype === "bool" ? Number(u < 0.5) : dtype === "int32" ? Math.floor(low + u * (high - low)) : low + u * (high - low);
  }
  return out.astype(dtype);
}

/** One variable and one value for each input of a sample. Without flags in the sample, no axis broadcasts. */
export function drawSample(sample: Pick<Sample<Params>, "inputs">, seed: number): { variables: Variable[]; values: NdArray[] } {
  const uniform = seededUniform(seed);
  const variables = sample.inputs.map((i, n) => new Variable(new TensorType(i.dtype, i.broadcastable ?? i.shape.map(() => false)), { name: `x${n}` }));
  const values = sample.inputs.map((i) => {
    if (i.exact === undefined) return drawArray(i.dtype, i.shape, uniform, i);
    return new NdArray(Float64Array.from(i.exact), i.shape, "float64").astype(i.dtype);
  });
  return { variables, values };
}
