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

function plainElements(dtype: DType, low: number, high: number): fc.Arbitrary<number> {
  switch (dtype) {
    case "bool": return fc.nat({ max: 1 });
    case "int32": return fc.integer({ min: Math.ceil(low), max: Math.floor(high) });
    case "float32": return fc.float({ min: Math.fround(low), max: Math.fround(high), noNaN: true });
    case "float64": return fc.double({ min: low, max: high, noNaN: true });
  }
}

function elements(dtype: DType, { low, high, specials = false }: ArrayOptions): fc.Arbitrary<number> {
  const plain = plainElements(dtype, low ?? (dtype === "int32" ? -5 : -2), high ?? (dtype === "int32" ? 5 : 2));
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
