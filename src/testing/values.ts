/**
 * fast-check arbitraries of shapes and arrays. Must not know graphs. Next: graphs.ts generates expressions over them.
 */
import fc from "fast-check";
import type { DType } from "../codegen/ir/dtype.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { arrayText } from "./snippet.js";

export interface ShapeOptions {
  readonly minRank?: number;
  readonly maxRank?: number;
  /** Lengths of axes: default 0 to 4, so that empty axes and axes of length 1 occur. */
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** Shapes of up to three axes, of lengths 0 to 4. */
export function shapes({ minRank = 0, maxRank = 3, minLength = 0, maxLength = 4 }: ShapeOptions = {}): fc.Arbitrary<readonly number[]> {
  return fc.array(fc.integer({ min: minLength, max: maxLength }), { minLength: minRank, maxLength: maxRank });
}

export interface ArrayOptions {
  readonly dtype?: DType;
  /** A shape, or an arbitrary of shapes. Default `shapes()`. */
  readonly shape?: Shape | fc.Arbitrary<Shape>;
  /** Elements are from [low, high]; default [-2, 2], for int32 [-5, 5]. */
  readonly low?: number;
  readonly high?: number;
  /** Include NaN, infinities, -0, and numbers near the ends of the dtype's range (default false). */
  readonly specials?: boolean;
}

const SPECIALS: Readonly<Record<DType, readonly number[]>> = {
  bool: [0, 1],
  int32: [0, -1, 2147483647, -2147483648],
  float32: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 3.4028234663852886e38, 1.1754943508222875e-38],
  float64: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, Number.MAX_VALUE, 2.2250738585072014e-308],
};

function elements(dtype: DType, { low, high, specials = false }: ArrayOptions): fc.Arbitrary<number> {
  const [min, max] = dtype === "int32" ? [Math.ceil(low ?? -5), Math.floor(high ?? 5)] : [Math.fround(low ?? -2), Math.fround(high ?? 2)];
  const plain = { bool: fc.nat({ max: 1 }), int32: fc.integer({ min, max }), float32: fc.float({ min, max, noNaN: true }), float64: fc.double({ min: low ?? -2, max: high ?? 2, noNaN: true }) }[dtype];
  return specials ? fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: fc.constantFrom(...SPECIALS[dtype]) }) : plain;
}

const isShape = (s: Shape | fc.Arbitrary<Shape>): s is Shape => Array.isArray(s);

/** Arrays of a dtype (float32 by default). A failing array prints as the code that makes it. */
export function arrays(options: ArrayOptions = {}): fc.Arbitrary<NdArray> {
  const { dtype = "float32", shape = shapes() } = options;
  const element = elements(dtype, options);
  return (isShape(shape) ? fc.constant(shape) : shape).chain((s) =>
    fc.array(element, { minLength: sizeOf(s), maxLength: sizeOf(s) }).map((xs) => {
      const made = new NdArray(Float64Array.from(xs), s, "float64").astype(dtype);
      return Object.defineProperty(made, fc.toStringMethod, { value: () => arrayText(made), enumerable: false });
    }),
  );
}
