/**
 * Each primitive as JavaScript: the text that render.ts puts into a kernel, and the small functions that such text calls.
 * What a row computes must equal `evalPrim` for every input (a property test holds it to that). Must not know kernels or loops.
 */
import { type DType, isInt } from "../ir/dtype.js";
import { erf, type Prim, roundHalfEven, SIGMOID_SATURATION, SOFTPLUS_SATURATION } from "../ir/prims.js";

export interface Row {
  /** `test` rows are JS booleans; where a number is wanted they become 1 or 0. */
  readonly kind: "value" | "test";
  /** How many leading arguments are taken as JS booleans. */
  readonly conditions: number;
  /** Whether an int32 result is an int32 already, without `| 0`. */
  readonly whole: boolean;
  /** Text of the primitive over argument texts that are atoms or stand in parentheses; itself an atom or in parentheses. */
  readonly js: (args: readonly string[], dtype: DType) => string;
}

const { float32: SIG32, float64: SIG64 } = SIGMOID_SATURATION;
const { float32: SOFT32, float64: SOFT64 } = SOFTPLUS_SATURATION;

/** The functions that kernels call. Each is monomorphic, so that V8 inlines it. */
export const LIBRARY = {
  erf,
  roundHalfEven,
  sigmoid32: (x: number): number => (x < SIG32.low ? 0 : x > SIG32.high ? 1 : 1 / (1 + Math.exp(-x))),
  sigmoid64: (x: number): number => (x < SIG64.low ? 0 : x > SIG64.high ? 1 : 1 / (1 + Math.exp(-x))),
  softplus32: (x: number): number => (x < SOFT32.low ? 0 : x > SOFT32.high ? x : Math.log1p(Math.exp(x))),
  softplus64: (x: number): number => (x < SOFT64.low ? 0 : x > SOFT64.high ? x : Math.log1p(Math.exp(x))),
  sgn: (x: number): number => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : x),
  pow: (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y),
  mod(x: number, y: number): number {
    if (y === 0) return Number.NaN;
    const r = x % y;
    if (r === 0) return y < 0 ? -0 : 0;
    return r < 0 !== y < 0 ? r + y : r;
  },
  modInt(x: number, y: number): number {
    if (y === 0) return 0;
    const r = x % y | 0;
    return r !== 0 && r < 0 !== y < 0 ? (r + y) | 0 : r;
  },
  floorDivInt: (x: number, y: number): number => (y === 0 ? 0 : Math.floor(x / y) | 0),
  /** 2^22 a + 129 b mod 2^31-1: multiplying by a power of two modulo 2^31-1 rotates the 31 bits. */
  mrgNext1(a: number, b: number): number {
    const y = ((a & 511) << 22) + (a >>> 9) + ((b & 0xffffff) << 7) + (b >>> 24) + b;
    return y - 2147483647 * Math.floor(y / 2147483647);
  },
  /** 2^15 a + (2^15+1) b mod m = 2^31-21069: 2^15 x = 2^31 (x >> 16) + 2^15 (x & 65535), and 2^31 is 21069 mod m. */
  mrgNext2(a: number, b: number): number {
    const y = ((a & 65535) << 15) + 21069 * (a >>> 16) + ((b & 65535) << 15) + 21069 * (b >>> 16) + b;
    return y - 2147462579 * Math.floor(y / 2147462579);
  },
  mrgOutput: (a: number, b: number): number => (a <= b ? a - b + 2147483647 : a - b),
} as const;

export type LibraryName = keyof typeof LIBRARY;

/** Calls are written `lib.name(…)`, so that the text shows what comes from here. */
const lib = (name: LibraryName, args: readonly string[]): string => `lib.${name}(${args.join(", ")})`;

const value = (js: Row["js"], whole = false): Row => ({ kind: "value", conditions: 0, whole, js });
const infix = (sign: string): Row => value(([a, b]) => `(${a} ${sign} ${b})`);
const compare = (sign: string): Row => ({ kind: "test", conditions: 0, whole: true, js: ([a, b]) => `(${a} ${sign} ${b})` });
const math = (name: keyof typeof Math): Row => value((args) => `Math.${String(name)}(${args.join(", ")})`);
const library = (name: LibraryName): Row => value((args) => lib(name, args));
const bySize = (small: LibraryName, large: LibraryName): Row => value((args, d) => lib(d === "float32" ? small : large, args));

export const JS = {
  add: infix("+"),
  sub: infix("-"),
  mul: value(([a, b], d) => (d === "int32" ? `Math.imul(${a}, ${b})` : `(${a} * ${b})`), true),
  div: infix("/"),
  floorDiv: value((args, d) => (d === "int32" ? lib("floorDivInt", args) : `Math.floor(${args[0]} / ${args[1]})`)),
  mod: value((args, d) => lib(d === "int32" ? "modInt" : "mod", args), true),
  pow: library("pow"),
  min: value(([a, b]) => `Math.min(${a}, ${b})`, true),
  max: value(([a, b]) => `Math.max(${a}, ${b})`, true),
  neg: value(([a]) => `(-${a})`),
  abs: math("abs"),
  sgn: library("sgn"),
  floor: math("floor"),
  ceil: math("ceil"),
  roundHalfEven: library("roundHalfEven"),
  sqrt: math("sqrt"),
  exp: math("exp"),
  log: math("log"),
  log1p: math("log1p"),
  expm1: math("expm1"),
  sin: math("sin"),
  cos: math("cos"),
  tan: math("tan"),
  asin: math("asin"),
  acos: math("acos"),
  atan: math("atan"),
  tanh: math("tanh"),
  sigmoid: bySize("sigmoid32", "sigmoid64"),
  softplus: bySize("softplus32", "softplus64"),
  erf: library("erf"),
  lt: compare("<"),
  le: compare("<="),
  eq: compare("==="),
  ne: compare("!=="),
  and: { kind: "test", conditions: 2, whole: true, js: ([a, b]) => `(${a} && ${b})` },
  or: { kind: "test", conditions: 2, whole: true, js: ([a, b]) => `(${a} || ${b})` },
  not: { kind: "test", conditions: 1, whole: true, js: ([a]) => `!${a}` },
  isNan: { kind: "test", conditions: 0, whole: true, js: ([a]) => `Number.isNaN(${a})` },
  select: { kind: "value", conditions: 1, whole: true, js: ([c, a, b]) => `(${c} ? ${a} : ${b})` },
  mrgNext1: value((args) => lib("mrgNext1", args), true),
  mrgNext2: value((args) => lib("mrgNext2", args), true),
  mrgOutput: library("mrgOutput"),
} satisfies Record<Prim, Row>;

/** A number as a JS literal that reads back as exactly itself. */
export function literal(x: number): string {
  if (Object.is(x, -0)) return "(-0)";
  return x < 0 ? `(${x})` : String(x);
}

/** A numeric text as a value of an integer or bool dtype. */
export const asWhole = (text: string, dtype: DType): string => (dtype === "bool" ? `((${text} !== 0) ? 1 : 0)` : `(${text} | 0)`);

/** The conversion that `castScalar` defines, as JS. */
export function castJs(text: string, dtype: DType): string {
  if (isInt(dtype)) return asWhole(text, dtype);
  return dtype === "float32" ? `Math.fround(${text})` : text;
}

/** A primitive over argument texts, as a number. */
export function primJs(prim: Prim, args: readonly string[], dtype: DType): string {
  const row: Row = JS[prim];
  const text = row.js(args, dtype);
  if (row.kind === "test") return `(${text} ? 1 : 0)`;
  return isInt(dtype) && !(row.whole && dtype === "int32") ? asWhole(text, dtype) : text;
}
