/**
 * The source of each primitive in gpu.js' language. Arguments come as names or literals (`Atom`), so that a row may repeat them.
 * Must not know kernels. Next: emit.ts puts rows together.
 */
import { impossible } from "../../util/fail.js";
import { type DType, isInt } from "../ir/dtype.js";
import type { Prim } from "../ir/prims.js";
import { SIGMOID_SATURATION, SOFTPLUS_SATURATION } from "../ir/prims.js";
import type { Target } from "./target.js";

/** What a row may ask of the kernel being written. */
export interface Scope {
  readonly target: Target;
  /** The result's dtype. */
  readonly dtype: DType;
  /** Names a float, so that it is computed once. */
  readonly name: (code: string) => string;
  /** A float that literals cannot carry. */
  readonly special: (value: number) => string;
}

/** `bool`: the code is a condition; `float`: a number (bools as 0 and 1). */
export interface Row {
  readonly gives: "float" | "bool";
  readonly code: (args: readonly string[], s: Scope) => string;
}

const float = (code: (a: string, b: string, s: Scope) => string): Row => ({ gives: "float", code: ([a, b], s) => code(a as string, b ?? "", s) });
const test = (code: (a: string, b: string) => string): Row => ({ gives: "bool", code: ([a, b]) => code(a as string, b ?? "") });
const math = (f: string): Row => float((a) => `Math.${f}(${a})`);


/** exp, and where drivers give a number for exp(NaN), NaN. */
const exp = (a: string, s: Scope): string => (s.target.goodTrig ? `Math.exp(${a})` : `(${a} === ${a} ? Math.exp(${a}) : ${a})`);

/** log, and where drivers give a number for log of a negative number or NaN, NaN. */
const log = (a: string, s: Scope): string => (s.target.goodTrig ? `Math.log(${a})` : `(${a} >= 0 ? Math.log(${a}) : ${s.special(Number.NaN)})`);

/** c0 + x (c1 + x (c2 + …)). */
const horner = (x: string, coefficients: readonly number[]): string =>
  coefficients.reduceRight((inner, c) => (inner === "" ? `${c}` : `(${c} + ${x} * ${inner})`), "");

/** min or max where NaN wins, as NumPy's. */
export function extremum(a: string, b: string, keep: ">=" | "<=", s: Pick<Scope, "target">): string {
  if (s.target.nanMax) return `Math.${keep === ">=" ? "max" : "min"}(${a}, ${b})`;
  return `(!(${a} === ${a}) ? ${a} : (!(${b} === ${b}) ? ${b} : (${a} ${keep} ${b} ? ${a} : ${b})))`;
}

const powerOfTwo = (b: string): boolean => Number(b) > 0 && Number.isInteger(Math.log2(Number(b)));

/**
 * floor(a / b) of whole numbers below 2^24. Where division is correctly rounded nothing can go wrong; elsewhere the quotient may be one off,
 * which the remainder shows. Division by zero gives 0, as NumPy's.
 */
export function wholeDiv(a: string, b: string, s: Pick<Scope, "target" | "name">): string {
  const literal = Number(b);
  if (literal > 0 && (s.target.goodMath || powerOfTwo(b))) return `Math.floor(${a} / ${b})`;
  if (s.target.goodMath) return `(${b} === 0 ? 0 : Math.floor(${a} / (${b} === 0 ? 1 : ${b})))`;
  const divisor = literal > 0 ? b : s.name(`(${b} === 0 ? 1 : ${b})`);
  const q = s.name(`Math.floor(${a} / ${divisor})`);
  const r = s.name(`${a} - ${q} * ${divisor}`);
  if (literal > 0) return `(${r} < 0 ? ${q} - 1 : (${r} >= ${divisor} ? ${q} + 1 : ${q}))`;
  const fixed = `(${divisor} > 0 ? (${r} < 0 ? ${q} - 1 : (${r} >= ${divisor} ? ${q} + 1 : ${q})) : (${r} > 0 ? ${q} - 1 : (${r} <= ${divisor} ? ${q} + 1 : ${q})))`;
  return `(${b} === 0 ? 0 : ${fixed})`;
}

const floorDiv = (a: string, b: string, s: Scope): string => (isInt(s.dtype) ? wholeDiv(a, b, s) : `Math.floor(${a} / ${b})`);

/** Python's mod has the divisor's sign; rounding may leave it one divisor off, which the second step mends. */
function mod(a: string, b: string, s: Scope): string {
  if (isInt(s.dtype) && Number(b) > 0) return `${a} - ${b} * ${s.name(wholeDiv(a, b, s))}`;
  if (isInt(s.dtype)) return `(${b} === 0 ? 0 : ${a} - ${b} * ${s.name(wholeDiv(a, b, s))})`;
  if (s.target.float64) {
    const r = s.name(`${a} % ${b}`);
    return `((${r} < 0 && ${b} > 0) || (${r} > 0 && ${b} < 0) ? ${r} + ${b} : ${r})`;
  }
  const r = s.name(`${a} - Math.floor(${a} / ${b}) * ${b}`);
  const up = s.name(`((${r} < 0 && ${b} > 0) || (${r} > 0 && ${b} < 0) ? ${r} + ${b} : ${r})`);
  return `((${b} > 0 && ${up} >= ${b}) || (${b} < 0 && ${up} <= ${b}) ? ${up} - ${b} : ${up})`;
}

function pow(a: string, b: string, s: Scope): string {
  if (s.target.signedPow) return `Math.pow(${a}, ${b})`;
  const size = s.name(`Math.pow(Math.abs(${a}), ${b})`);
  const whole = s.name(`Math.floor(${b})`);
  const odd = `(${whole} - 2 * Math.floor(${whole} * 0.5) > 0.5)`;
  const nan = s.special(Number.NaN);
  const zero = `(${b} > 0 ? 0 : ${s.special(Number.POSITIVE_INFINITY)})`;
  const negative = `(${whole} === ${b} ? (${odd} ? -${size} : ${size}) : ${nan})`;
  return `(${b} === 0 ? 1 : (${a} > 0 ? ${size} : (${a} < 0 ? ${negative} : (${a} === 0 ? ${zero} : ${nan}))))`;
}

/** log(1+x) = 2 artanh(x / (2+x)) near 0: compilers may not cancel anything in it. */
function log1p(a: string, s: Scope): string {
  if (s.target.goodMath) return `Math.log1p(${a})`;
  const u = s.name(`${a} / (2 + ${a})`);
  const u2 = s.name(`${u} * ${u}`);
  return `(Math.abs(${a}) < 0.5 ? 2 * ${u} * ${horner(u2, [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11])} : ${log(s.name(`1 + ${a}`), s)})`;
}

/** exp(x) - 1 by its series near 0. */
function expm1(a: string, s: Scope): string {
  if (s.target.goodMath) return `Math.expm1(${a})`;
  const series = horner(a, [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320]);
  return `(Math.abs(${a}) < 0.5 ? ${a} * ${series} : ${exp(a, s)} - 1)`;
}

/** tanh x = (exp 2x - 1) / (exp 2x + 1). */
function tanh(a: string, s: Scope): string {
  if (s.target.goodMath) return `Math.tanh(${a})`;
  const m = s.name(expm1(s.name(`2 * ${a}`), s));
  return `(${a} > 10 ? 1 : (${a} < -10 ? -1 : ${m} / (${m} + 2)))`;
}

/** Argument reduction to [0, tan(pi/8)] and Cephes' polynomial (atanf.c). */
function atan(a: string, s: Scope): string {
  if (s.target.goodMath) return `Math.atan(${a})`;
  const x = s.name(`Math.abs(${a})`);
  const far = `${x} > 2.414213562373095`;
  const near = `${x} > 0.4142135623730950`;
  const r = s.name(`(${far} ? -1 / ${x} : (${near} ? (${x} - 1) / (${x} + 1) : ${x}))`);
  const z = s.name(`${r} * ${r}`);
  const p = s.name(`${r} + ${r} * ${z} * ${horner(z, [-0.333329491539, 0.199777106478, -0.138776856032, 0.0805374449538])}`);
  const whole = s.name(`(${far} ? 1.570796326794897 : (${near} ? 0.785398163397448 : 0)) + ${p}`);
  return `(${a} < 0 ? -${whole} : ${whole})`;
}

/** asin x = atan(x / sqrt(1 - x^2)). */
function asin(a: string, s: Scope): string {
  if (s.target.goodMath) return `Math.asin(${a})`;
  const end = `(${a} >= 1 || ${a} <= -1)`;
  const inner = s.name(atan(s.name(`${a} / Math.sqrt(${end} ? 1 : (1 - ${a}) * (1 + ${a}))`), s));
  const nan = s.special(Number.NaN);
  return `(${a} === 1 ? 1.570796326794897 : (${a} === -1 ? -1.570796326794897 : (${end} ? ${nan} : ${inner})))`;
}

/** Cody and Waite's reduction by pi/2 in three parts, then Cephes' polynomials (sinf.c). Good to |x| of some thousands. */
function wave(a: string, quarter: number, s: Scope): string {
  const k = s.name(`Math.floor(${a} * 0.6366197723675814 + 0.5)`);
  const r = s.name(`((${a} - ${k} * 1.5703125) - ${k} * 0.0004837512969970703) - ${k} * 0.00000007549789948768648`);
  const z = s.name(`${r} * ${r}`);
  const sine = s.name(`${r} + ${r} * ${z} * ${horner(z, [-0.16666654611, 0.0083321608736, -0.00019515295891])}`);
  const cosine = s.name(`1 - 0.5 * ${z} + ${z} * ${z} * ${horner(z, [0.04166664568298827, -0.001388731625493765, 0.00002443315711809948])}`);
  const q = s.name(`${k} + ${quarter} - 4 * Math.floor((${k} + ${quarter}) * 0.25)`);
  return `(${q} < 0.5 ? ${sine} : (${q} < 1.5 ? ${cosine} : (${q} < 2.5 ? -${sine} : -${cosine})))`;
}

/** Series below 1 (Abramowitz & Stegun 7.1.5); above, the rational Chebyshev fit of erfc (Numerical Recipes, 6.2), good to 1.2e-7. */
function erf(a: string, s: Scope): string {
  const x2 = s.name(`${a} * ${a}`);
  const factorials = [1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800];
  const c = 1.1283791670955126;
  const near = s.name(`${a} * ${horner(x2, factorials.map((f, n) => ((n % 2 ? -1 : 1) * c) / (f * (2 * n + 1))))}`);
  const z = s.name(`Math.abs(${a})`);
  const t = s.name(`1 / (1 + 0.5 * ${z})`);
  const fit = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277];
  const far = s.name(`1 - ${t} * Math.exp(-${x2} + ${horner(t, fit)})`);
  return `(${z} < 1 ? ${near} : (${a} < 0 ? -${far} : ${far}))`;
}

function roundHalfEven(a: string, s: Scope): string {
  const down = s.name(`Math.floor(${a})`);
  const rest = s.name(`${a} - ${down}`);
  const even = `${down} + ${down} - 2 * Math.floor(${down} * 0.5)`;
  return `(${rest} < 0.5 ? ${down} : (${rest} > 0.5 ? ${down} + 1 : (${rest} === 0.5 ? ${even} : ${a})))`;
}

function sigmoid(a: string, s: Scope): string {
  const { low, high } = SIGMOID_SATURATION.float32;
  return `(${a} < ${low} ? 0 : (${a} > ${high} ? 1 : 1 / (1 + ${exp(s.target.goodTrig ? `-${a}` : s.name(`-${a}`), s)})))`;
}

function softplus(a: string, s: Scope): string {
  const { low, high } = SOFTPLUS_SATURATION.float32;
  const middle = log1p(s.name(exp(a, s)), s);
  return `(${a} < ${low} ? 0 : (${a} > ${high} ? ${a} : ${middle}))`;
}

const wide = (name: string): Row => ({ gives: "float", code: () => impossible(`${name} reached code generation: it needs 31-bit integers, which plans are split into limbs for`) });

export const ROWS = {
  add: float((a, b) => `${a} + ${b}`),
  sub: float((a, b) => `${a} - ${b}`),
  mul: float((a, b) => `${a} * ${b}`),
  div: float((a, b) => `${a} / ${b}`),
  floorDiv: float(floorDiv),
  mod: float(mod),
  pow: float(pow),
  min: float((a, b, s) => extremum(a, b, "<=", s)),
  max: float((a, b, s) => extremum(a, b, ">=", s)),
  neg: float((a) => `-${a}`),
  abs: math("abs"),
  sgn: float((a) => `(${a} > 0 ? 1 : (${a} < 0 ? -1 : (${a} === 0 ? 0 : ${a})))`),
  floor: math("floor"),
  ceil: math("ceil"),
  roundHalfEven: float((a, _, s) => roundHalfEven(a, s)),
  sqrt: math("sqrt"),
  exp: float((a, _, s) => exp(a, s)),
  log: float((a, _, s) => log(a, s)),
  log1p: float((a, _, s) => log1p(a, s)),
  expm1: float((a, _, s) => expm1(a, s)),
  sin: float((a, _, s) => (s.target.goodTrig ? `Math.sin(${a})` : wave(a, 0, s))),
  cos: float((a, _, s) => (s.target.goodTrig ? `Math.cos(${a})` : wave(a, 1, s))),
  tan: float((a, _, s) => (s.target.goodTrig ? `Math.tan(${a})` : `${s.name(wave(a, 0, s))} / ${s.name(wave(a, 1, s))}`)),
  asin: float((a, _, s) => asin(a, s)),
  acos: float((a, _, s) => (s.target.goodMath ? `Math.acos(${a})` : `1.570796326794897 - ${s.name(asin(a, s))}`)),
  atan: float((a, _, s) => atan(a, s)),
  tanh: float((a, _, s) => tanh(a, s)),
  sigmoid: float((a, _, s) => sigmoid(a, s)),
  softplus: float((a, _, s) => softplus(a, s)),
  erf: float((a, _, s) => erf(a, s)),
  lt: test((a, b) => `${a} < ${b}`),
  le: test((a, b) => `${a} <= ${b}`),
  eq: test((a, b) => `${a} === ${b}`),
  ne: test((a, b) => `!(${a} === ${b})`),
  and: test((a, b) => `(${a}) && (${b})`),
  or: test((a, b) => `(${a}) || (${b})`),
  not: test((a) => `!(${a})`),
  isNan: test((a) => `!(${a} === ${a})`),
  select: { gives: "float", code: ([c, a, b]) => `(${c} ? ${a} : ${b})` },
  mrgNext1: wide("mrgNext1"),
  mrgNext2: wide("mrgNext2"),
  mrgOutput: wide("mrgOutput"),
} satisfies Record<Prim, Row>;

/** Arguments that a row wants as conditions. */
export const wantsCondition = (prim: Prim, arg: number): boolean => prim === "and" || prim === "or" || prim === "not" || (prim === "select" && arg === 0);

/** Rows that use each argument at most once and can take compound code in parentheses. */
export const INLINE: ReadonlySet<Prim> = new Set([
  "add", "sub", "mul", "div", "neg", "abs", "floor", "ceil", "sqrt", "lt", "le", "eq", "ne", "and", "or", "not", "select",
]);
