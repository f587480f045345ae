/**
 * The closed list of scalar primitives: arity, dtype rule and meaning in JS. Everything a kernel computes is made of these.
 * A backend renders each from a table typed `satisfies Record<Prim, …>`; a forgotten row does not compile.
 * Must not know graphs or devices. Next: expr.ts builds expressions of them.
 */
import { castScalar, type DType, isInt, promote } from "./dtype.js";

/** Result dtype of a primitive from its arguments' dtypes. */
type DTypeRule = (args: readonly DType[]) => DType;

export interface PrimDef {
  readonly arity: number;
  readonly dtype: DTypeRule;
  /** The meaning, in float64 (and exact integers). `dtype` is the result's; only saturating functions look at it. */
  readonly eval: (args: readonly number[], dtype: DType) => number;
}

const same: DTypeRule = (ds) => promote(...ds);
const bool: DTypeRule = () => "bool";
const int: DTypeRule = () => "int32";
const chosen: DTypeRule = (ds) => promote(...ds.slice(1));

const unary = (f: (x: number, dtype: DType) => number, dtype: DTypeRule = same): PrimDef => ({ arity: 1, dtype, eval: ([x], d) => f(x as number, d) });
const binary = (f: (x: number, y: number, dtype: DType) => number, dtype: DTypeRule = same): PrimDef => ({
  arity: 2, dtype, eval: ([x, y], d) => f(x as number, y as number, d),
});
const test = (f: (x: number, y: number) => boolean): PrimDef => binary((x, y) => (f(x, y) ? 1 : 0), bool);

/** Halves go to the even neighbour (NumPy's and C's rint). */
export function roundHalfEven(x: number): number {
  const a = Math.abs(x);
  if (!(a < 4503599627370496)) return x;
  const r = Math.round(a);
  return Math.sign(x) * (a - Math.trunc(a) === 0.5 && r % 2 !== 0 ? r - 1 : r);
}

/** Theano's C code saturates: float32 above 15 and below -88, float64 above 19 and below -709 (theano/tensor/nnet/sigm.py). */
export const SIGMOID_SATURATION = { float32: { low: -88, high: 15 }, float64: { low: -709, high: 19 } } as const;
/** Likewise softplus: 0 below, x above. */
export const SOFTPLUS_SATURATION = { float32: { low: -103, high: 14 }, float64: { low: -745, high: 16 } } as const;

function sigmoid(x: number, dtype: DType): number {
  const { low, high } = SIGMOID_SATURATION[dtype === "float32" ? "float32" : "float64"];
  return x < low ? 0 : x > high ? 1 : 1 / (1 + Math.exp(-x));
}

function softplus(x: number, dtype: DType): number {
  const { low, high } = SOFTPLUS_SATURATION[dtype === "float32" ? "float32" : "float64"];
  return x < low ? 0 : x > high ? x : Math.log1p(Math.exp(x));
}

/** Series below 2, Lentz's continued fraction of erfc above: relative error below 1e-15 (Abramowitz & Stegun 7.1.6 and 7.1.14). */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  if (a < 2) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return ((2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum) * Math.sign(x);
  }
  let f = a;
  for (let n = 60; n >= 1; n--) f = a + n / 2 / f;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (f * Math.sqrt(Math.PI)));
}

const nanMin = (x: number, y: number): number => (Number.isNaN(x) ? x : Number.isNaN(y) ? y : Math.min(x, y));
const nanMax = (x: number, y: number): number => (Number.isNaN(x) ? x : Number.isNaN(y) ? y : Math.max(x, y));

/** C's and NumPy's pow: 1 to any power is 1, and so is -1 to an infinite one (JS says NaN). */
const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y);

/** Python's sign rule: the result, even a zero, has the divisor's sign. Integer division by zero gives 0, as NumPy's does. */
const mod = (x: number, y: number, d: DType): number => {
  if (y === 0) return d === "int32" ? 0 : Number.NaN;
  const r = x % y;
  if (r === 0) return y < 0 ? -0 : 0;
  return r < 0 !== y < 0 ? r + y : r;
};
const floorDiv = (x: number, y: number, d: DType): number => (y === 0 && d === "int32" ? 0 : Math.floor(x / y));

/** The moduli of MRG31k3p, 2^31 - 1 and 2^31 - 21069 (L'Ecuyer & Touzin 2000). */
export const MRG_M1 = 2147483647;
export const MRG_M2 = 2147462579;

/*
 * The MRG products below are exact in float64: states are in [0, 2^31), so 2^22 a < 2^53, and its remainder plus 129 b < 2^39.
 */

/** Int32 wraps as C's does; bool sums are "or"-like only by cast, so arithmetic on bools is done as int32 by the ops. */
const arith = (f: (x: number, y: number) => number): PrimDef => binary((x, y, d) => (d === "int32" ? f(x, y) | 0 : f(x, y)));

export const PRIMS = {
  add: arith((x, y) => x + y),
  sub: arith((x, y) => x - y),
  mul: binary((x, y, d) => (d === "int32" ? Math.imul(x, y) : x * y)),
  /** True division of floats. */
  div: binary((x, y) => x / y),
  floorDiv: binary(floorDiv),
  mod: binary(mod),
  pow: binary(pow),
  min: binary(nanMin),
  max: binary(nanMax),
  neg: unary((x) => -x),
  abs: unary(Math.abs),
  sgn: unary((x) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : x)),
  floor: unary(Math.floor),
  ceil: unary(Math.ceil),
  roundHalfEven: unary(roundHalfEven),
  sqrt: unary(Math.sqrt),
  exp: unary(Math.exp),
  log: unary(Math.log),
  log1p: unary(Math.log1p),
  expm1: unary(Math.expm1),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  tan: unary(Math.tan),
  asin: unary(Math.asin),
  acos: unary(Math.acos),
  atan: unary(Math.atan),
  tanh: unary(Math.tanh),
  sigmoid: unary(sigmoid),
  softplus: unary(softplus),
  erf: unary(erf),
  lt: test((x, y) => x < y),
  le: test((x, y) => x <= y),
  eq: test((x, y) => x === y),
  ne: test((x, y) => x !== y),
  and: test((x, y) => x !== 0 && y !== 0),
  or: test((x, y) => x !== 0 || y !== 0),
  not: unary((x) => (x === 0 ? 1 : 0), bool),
  isNan: unary((x) => (Number.isNaN(x) ? 1 : 0), bool),
  /** `select(c, a, b)`: only the chosen side is evaluated, so a guarded load may be out of bounds on the other. */
  select: { arity: 3, dtype: chosen, eval: ([c, a, b]) => (c !== 0 ? (a as number) : (b as number)) } as PrimDef,
  /** MRG31k3p, first component: the next x1 from x1[n-2], x1[n-3]: (2^22 a + (2^7+1) b) mod 2^31-1 (L'Ecuyer & Touzin 2000). */
  mrgNext1: binary((a, b) => (((4194304 * a) % MRG_M1) + 129 * b) % MRG_M1, int),
  /** MRG31k3p, second component: (2^15 a + (2^15+1) b) mod 2^31-21069 from x2[n-1], x2[n-3]. */
  mrgNext2: binary((a, b) => (32768 * a + 32769 * b) % MRG_M2, int),
  /** MRG31k3p, output: (x1 - x2) in (0, M1]; times 2^-31 (`MRG_NORM`) it is the uniform. */
  mrgOutput: binary((a, b) => (a <= b ? a - b + MRG_M1 : a - b), int),
} satisfies Record<string, PrimDef>;

/** Factor from `mrgOutput` to a uniform in (0, 1]: Theano's constants for each dtype. */
export const MRG_NORM = { float64: 4.656612873077392578125e-10, float32: Math.fround(4.6566126e-10) } as const;

export type Prim = keyof typeof PRIMS;

export const primDType = (prim: Prim, args: readonly DType[]): DType => PRIMS[prim].dtype(args);

/** A primitive's value. Integer and bool results are always values of their dtype (int32 wraps); floats stay in float64. */
export function evalPrim(prim: Prim, args: readonly number[], dtype: DType): number {
  const value = (PRIMS[prim] as PrimDef).eval(args, dtype);
  return isInt(dtype) ? castScalar(value, dtype) : value;
}
