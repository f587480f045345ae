/**
 * The four element types, their typed arrays, and how two of them combine. Must not know graphs or devices.
 * Next: prims.ts gives the scalar operations over these types.
 */
import { config } from "../../util/config.js";
import { fail } from "../../util/fail.js";

export type DType = "bool" | "int32" | "float32" | "float64";
export type FloatDType = "float32" | "float64";
/** Storage of each dtype: bool is one byte, 0 or 1. */
export type TypedArray = Uint8Array | Int32Array | Float32Array | Float64Array;

export const DTYPES: readonly DType[] = ["bool", "int32", "float32", "float64"];

/** Theano's other names. Integers of any width mean int32 (as in JAX without x64), `complex` and `float16` do not exist. */
const ALIASES: Readonly<Record<string, DType>> = {
  bool: "bool", int32: "int32", float32: "float32", float64: "float64",
  int8: "int32", int16: "int32", int64: "int32", uint8: "int32", uint16: "int32", uint32: "int32", uint64: "int32", int: "int32", float: "float64",
};

/** The dtype that a name means, `floatX` that of the configuration; throws `dtype-name` for others. */
export function toDType(name: string): DType {
  if (name === "floatX") return config.floatX;
  const dtype = Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
  if (dtype === undefined) {
    fail("type", "dtype-name", { what: `There is no dtype named '${name}'.`, fix: `use one of ${DTYPES.join(", ")} (int8 … int64 are accepted and mean int32)` });
  }
  return dtype;
}

export const isFloat = (d: DType): d is FloatDType => d === "float32" || d === "float64";
export const isInt = (d: DType): boolean => d === "int32" || d === "bool";
export const byteSize = (d: DType): number => (d === "bool" ? 1 : d === "float64" ? 8 : 4);

const RANK: Readonly<Record<DType, number>> = { bool: 0, int32: 1, float32: 2, float64: 3 };

/** The smallest dtype of the chain bool < int32 < float32 < float64 that holds both. (Theano gives float64 for int32 with float32; see PORTING.) */
export const promote = (...ds: readonly DType[]): DType => ds.reduce((a, b) => (RANK[a] >= RANK[b] ? a : b));

/** Whether every value of `from` is a value of `to` (int32 -> float32 counts, as in promote). */
export const upcasts = (from: DType, to: DType): boolean => RANK[from] <= RANK[to];

/** A zero-filled array of `n` elements. */
export function allocate(dtype: DType, n: number): TypedArray {
  switch (dtype) {
    case "bool": return new Uint8Array(n);
    case "int32": return new Int32Array(n);
    case "float32": return new Float32Array(n);
    case "float64": return new Float64Array(n);
  }
}

/** One value as the dtype stores it: rounded for float32, truncated towards zero for int32, 0/1 for bool. */
export function castScalar(x: number, dtype: DType): number {
  switch (dtype) {
    case "bool": return x !== 0 ? 1 : 0;
    case "int32": return Math.trunc(x) | 0;
    case "float32": return Math.fround(x);
    case "float64": return x;
  }
}

/** How many elements an array of a shape has. */
export function sizeOf(shape: readonly number[]): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

/** Types print alike in errors, dumps and pictures: `float32[784,?]`; a null is an unknown length. */
export const formatType = (dtype: DType, dims: readonly (number | null)[]): string => `${dtype}[${dims.map((d) => d ?? "?").join(",")}]`;
