/**
 * What each random op draws on the host: a state is advanced, samples are filled in row-major order. Parameters are numbers or arrays that
 * broadcast to the samples. Must not know ops. Next: mt_op.ts wraps each in an op.
 */
import type { FloatDType, TypedArray } from "../codegen/ir/dtype.js";
import { broadcastTo } from "../numpy/elementwise.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { choiceIndices } from "./choice.js";
import { fillBinomial, fillMultinomial, fillNormal, fillUniform, nextRandint, type Param, permutationOf } from "./legacy.js";
import { fillDoubles, type MtState } from "./mt19937.js";

export type Arg = number | NdArray;
export type Draw = (state: MtState, args: readonly Arg[], shape: Shape, dtype: FloatDType) => TypedArray;

/** A parameter as its distribution reads it: one number, or one per sample. */
function param(arg: Arg | undefined, shape: Shape): Param {
  if (!(arg instanceof NdArray)) return arg as number;
  return arg.size === 1 ? (arg.data[0] as number) : (broadcastTo(arg, shape).astype("float64").data as Float64Array);
}

const one = (arg: Arg | undefined): number => (arg instanceof NdArray ? (arg.data[0] as number) : (arg as number));
const numberAt = (p: Param, i: number): number => (typeof p === "number" ? p : (p[i] as number));

const rounding = new Float32Array(1);
const bits = new Int32Array(rounding.buffer);

/** The float32 next to x >= 0 on one side of it: below or equal (-1), above or equal (1). */
function float32Beside(x: number, side: -1 | 1): number {
  const near = Math.fround(x);
  if (side < 0 ? near <= x : near >= x) return near;
  rounding[0] = near;
  bits[0] = (bits[0] as number) + side;
  return rounding[0] as number;
}

/**
 * 1 - u and u for each uniform u, one array after the other. NumPy's draw with n = 1 is 1 - u < p for p <= 1/2, and u <= p above. In float32
 * the first is rounded down and the second up: no float32 lies between a number and its rounding, so comparing with a float32 p decides alike.
 */
function bernoulliPair(state: MtState, shape: Shape, dtype: FloatDType): Float64Array {
  const n = sizeOf(shape) / 2;
  const out = new Float64Array(2 * n);
  const u = fillDoubles(state, out.subarray(n));
  for (let i = 0; i < n; i++) {
    const x = u[i] as number;
    out[i] = dtype === "float32" ? float32Beside(1 - x, -1) : 1 - x;
    if (dtype === "float32") u[i] = float32Beside(x, 1);
  }
  return out;
}

/** Rows of counts, each from its own n and probabilities, or from the same. */
function multinomial(state: MtState, [n, pvals]: readonly Arg[], shape: Shape): Int32Array {
  const out = new Int32Array(sizeOf(shape));
  const k = shape[shape.length - 1] as number;
  const ps = broadcastTo(pvals as NdArray, shape).data;
  for (let at = 0; at < out.length; at += k) fillMultinomial(state, one(n), ps.subarray(at, at + k), out.subarray(at, at + k));
  return out;
}

function permutations(state: MtState, shape: Shape): Int32Array {
  const out = new Int32Array(sizeOf(shape));
  const n = shape[shape.length - 1] as number;
  for (let at = 0; at < out.length; at += n) out.set(permutationOf(state, n), at);
  return out;
}

function integers(state: MtState, low: Param, high: Param, out: Int32Array): Int32Array {
  for (let i = 0; i < out.length; i++) {
    if (numberAt(high, i) < numberAt(low, i)) {
      fail("value", "random-integers-range", { what: `randomIntegers got low ${numberAt(low, i)} above high ${numberAt(high, i)}.`, fix: "both bounds are included; give low <= high" });
    }
    out[i] = nextRandint(state, numberAt(low, i), numberAt(high, i) + 1);
  }
  return out;
}

function chosen(state: MtState, [a, p]: readonly Arg[], shape: Shape, replace: boolean): Int32Array {
  return choiceIndices(state, one(a), sizeOf(shape), { replace, p: p instanceof NdArray ? (p.astype("float64").data as Float64Array) : undefined });
}

/** The distributions, by the name their op has after `mt19937.`. Each advances the state as NumPy's method of that name does. */
export const DRAWS = {
  uniform: (s, [low, high], shape) => fillUniform(s, param(low, shape), param(high, shape), new Float64Array(sizeOf(shape))),
  normal: (s, [avg, std], shape) => fillNormal(s, param(avg, shape), param(std, shape), new Float64Array(sizeOf(shape))),
  binomial: (s, [n, p], shape) => fillBinomial(s, param(n, shape), param(p, shape), new Int32Array(sizeOf(shape))),
  randomIntegers: (s, [low, high], shape) => integers(s, param(low, shape), param(high, shape), new Int32Array(sizeOf(shape))),
  bernoulliPair: (s, _, shape, dtype) => bernoulliPair(s, shape, dtype),
  multinomial: (s, args, shape) => multinomial(s, args, shape),
  permutation: (s, _, shape) => permutations(s, shape),
  choice: (s, args, shape) => chosen(s, args, shape, true),
  choiceWithout: (s, args, shape) => chosen(s, args, shape, false),
} as const satisfies Readonly<Record<string, Draw>>;

export type Distribution = keyof typeof DRAWS;
