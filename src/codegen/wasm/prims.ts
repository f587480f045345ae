/**
 * Each primitive as WAT, for one element and for four. What a row computes equals `evalPrim` but for rounding (math.ts states the bounds).
 * Must not know kernels. Used by elements.ts; a forgotten primitive does not compile.
 */
import { type DType, isFloat, promote } from "../ir/dtype.js";
import type { Prim } from "../ir/prims.js";
import { impossible } from "../../util/fail.js";
import { atom, convert, joinLanes, laneOf, narrowMask, settle, wideMasks, widen } from "./convert.js";
import { partType, shapeOf, type Value } from "./lanes.js";
import { FLOOR_DIV, FMOD, MODULO, type LibraryFunction } from "./library.js";
import { mathCalls, type MathName, mathFunction, mathInline } from "./math.js";
import { mrgNext1, mrgNext2, mrgOutput } from "./mrg.js";
import { call, type Func } from "./wat.js";

/** Where a primitive is written. */
export interface Site {
  readonly fn: Func;
  /** Functions that the text calls, by name. */
  readonly library: Map<string, string>;
  /** Whether long functions are written in place: faster, longer. */
  readonly inline: boolean;
}

interface PartSite extends Site {
  /** What is computed in; for tests, the arguments' dtype. */
  readonly dtype: DType;
  readonly lanes: 1 | 4;
  readonly shape: string;
}

type PartText = (at: PartSite, ...args: readonly string[]) => string;

/** `value`: arguments and result in one dtype. `test`: arguments in one dtype, result bool. `logic`: bools. `each`: int32 or float64 of one element at a time. */
type Row =
  | { readonly kind: "value" | "test" | "logic" | "int"; readonly part: PartText }
  | { readonly kind: "each"; readonly of: (dtype: DType) => LibraryFunction | PartText }
  | { readonly kind: "math"; readonly name: MathName }
  | { readonly kind: "select" };

const value = (part: PartText): Row => ({ kind: "value", part });
const instruction = (name: string): PartText => (at, ...args) => `(${at.shape}.${name} ${args.join(" ")})`;
const simple = (name: string): Row => value(instruction(name));
const math = (name: MathName): Row => ({ kind: "math", name });
const int = (part: (fn: Func, lanes: 1 | 4, args: readonly string[]) => string): Row => ({ kind: "int", part: (at, ...args) => part(at.fn, at.lanes, args.map((a) => own(at, a))) });

/** In a variable, to be used more than once. */
const own = (at: PartSite, text: string): string => atom(at.fn, text, partType(at.dtype, at.lanes));
const isInt32 = (at: PartSite): boolean => !isFloat(at.dtype);
const choose = (at: PartSite, condition: string, yes: string, no: string): string => (at.lanes === 4 ? `(v128.bitselect ${yes} ${no} ${condition})` : `(select ${yes} ${no} ${condition})`);
const splat = (at: PartSite, x: number): string => (at.lanes === 1 ? `(${at.shape}.const ${x})` : `(v128.const ${at.shape}${` ${x}`.repeat(at.dtype === "float64" ? 2 : 4)})`);

/** Comparisons of int32 are signed. */
const compare = (name: "lt" | "le" | "gt"): PartText => (at, a, b) => `(${at.shape}.${name}${isInt32(at) ? "_s" : ""} ${a} ${b})`;
const test = (part: PartText): Row => ({ kind: "test", part });

/** NaN wins, and -0 is below 0, as WebAssembly's min and max of floats have it. */
const extreme = (name: "min" | "max"): Row => value((at, a, b) => {
  if (!isInt32(at)) return `(${at.shape}.${name} ${a} ${b})`;
  if (at.lanes === 4) return `(i32x4.${name}_s ${a} ${b})`;
  const [x, y] = [own(at, a as string), own(at, b as string)];
  return `(select ${x} ${y} (i32.${name === "min" ? "lt" : "gt"}_s ${x} ${y}))`;
});

/** Functions that leave integers alone. */
const ofFloats = (name: string): Row => value((at, a) => (isInt32(at) ? (a as string) : `(${at.shape}.${name} ${a})`));

/** Zeros of either sign give 0, NaN gives itself. */
const sign: PartText = (at, a) => {
  const x = own(at, a as string);
  const below = choose(at, compare("lt")(at, x, splat(at, 0)), splat(at, -1), isInt32(at) ? x : `(${at.shape}.add ${x} ${splat(at, 0)})`);
  return choose(at, compare("gt")(at, x, splat(at, 0)), splat(at, 1), below);
};

const absolute: PartText = (at, a) => {
  if (!isInt32(at) || at.lanes === 4) return `(${at.shape}.abs ${a})`;
  const x = own(at, a as string);
  return `(select (i32.sub (i32.const 0) ${x}) ${x} (i32.lt_s ${x} (i32.const 0)))`;
};

export const ROWS = {
  add: simple("add"),
  sub: simple("sub"),
  mul: simple("mul"),
  div: { kind: "each", of: (dtype) => (dtype === "int32" ? (_, a, b) => `(i32.trunc_sat_f64_s (f64.div (f64.convert_i32_s ${a}) (f64.convert_i32_s ${b})))` : instruction("div")) },
  floorDiv: { kind: "each", of: (dtype) => (dtype === "int32" ? FLOOR_DIV : (at, a, b) => `(${at.shape}.floor (${at.shape}.div ${a} ${b}))`) },
  mod: { kind: "each", of: (dtype) => (dtype === "int32" ? MODULO : FMOD) },
  pow: math("pow"),
  min: extreme("min"),
  max: extreme("max"),
  neg: value((at, a) => (isInt32(at) && at.lanes === 1 ? `(i32.sub (i32.const 0) ${a})` : `(${at.shape}.neg ${a})`)),
  abs: value(absolute),
  sgn: value(sign),
  floor: ofFloats("floor"),
  ceil: ofFloats("ceil"),
  roundHalfEven: ofFloats("nearest"),
  sqrt: { kind: "each", of: (dtype) => (dtype === "int32" ? (_, a) => `(i32.trunc_sat_f64_s (f64.sqrt (f64.convert_i32_s ${a})))` : instruction("sqrt")) },
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
  sigmoid: math("sigmoid"),
  softplus: math("softplus"),
  erf: math("erf"),
  lt: test(compare("lt")),
  le: test(compare("le")),
  eq: test(instruction("eq")),
  ne: test(instruction("ne")),
  and: { kind: "logic", part: (at, a, b) => (at.lanes === 4 ? `(v128.and ${a} ${b})` : `(i32.and ${a} ${b})`) },
  or: { kind: "logic", part: (at, a, b) => (at.lanes === 4 ? `(v128.or ${a} ${b})` : `(i32.or ${a} ${b})`) },
  not: { kind: "logic", part: (at, a) => (at.lanes === 4 ? `(v128.not ${a})` : `(i32.eqz ${a})`) },
  isNan: test((at, a) => {
    const x = own(at, a as string);
    return `(${at.shape}.ne ${x} ${x})`;
  }),
  select: { kind: "select" },
  mrgNext1: int(mrgNext1),
  mrgNext2: int(mrgNext2),
  mrgOutput: int(mrgOutput),
} satisfies Record<Prim, Row>;

/** A primitive over values of any dtypes; four lanes where one of them has four. */
export function primValue(site: Site, prim: Prim, args: readonly Value[], dtype: DType): Value {
  const lanes = args.some((a) => a.lanes === 4) ? 4 : 1;
  const row: Row = ROWS[prim];
  if (row.kind === "select") return selected(site, args, dtype);
  const inside = row.kind === "test" ? promote(...args.map((a) => a.dtype)) : row.kind === "logic" ? "bool" : dtype;
  // Bools are computed with as integers, but for logic.
  const computed = inside === "bool" && row.kind !== "logic" ? "int32" : inside;
  const given = args.map((a) => convert(site.fn, lanes === 4 ? widen(site.fn, a) : a, computed));
  const at = { ...site, dtype: computed, lanes, shape: shapeOf(computed, lanes) } as const;
  const made = row.kind === "each" ? eachOf(at, row.of(computed), given) : row.kind === "math" ? mathOf(at, row.name, given) : partsOf(at, row.part, given);
  if (row.kind === "test") return testResult(made);
  return convert(site.fn, made, dtype);
}

function partsOf(at: PartSite, part: PartText, args: readonly Value[]): Value {
  const [first] = args as readonly [Value];
  return { dtype: at.dtype, lanes: at.lanes, parts: first.parts.map((_, n) => part(at, ...args.map((a) => a.parts[n] as string))) };
}

function testResult(v: Value): Value {
  const parts = v.parts.length === 2 ? [narrowMask(v.parts[0] as string, v.parts[1] as string)] : v.parts;
  return { dtype: "bool", lanes: v.lanes, parts };
}

/** Instructions that only floats have for four lanes, and functions for one element. */
function eachOf(at: PartSite, body: LibraryFunction | PartText, args: readonly Value[]): Value {
  if (typeof body === "function" && (at.lanes === 1 || isFloat(at.dtype))) return partsOf(at, body, args);
  const single = { ...at, lanes: 1, shape: shapeOf(at.dtype, 1) } as const;
  const one = (of: readonly Value[]): Value => {
    if (typeof body === "function") return partsOf(single, body, of);
    at.library.set(body.name, body.text);
    const given = of.map((v) => convert(at.fn, v, body.dtype).parts[0] as string);
    return convert(at.fn, { dtype: body.dtype, lanes: 1, parts: [call(body.name, ...given)] }, at.dtype);
  };
  if (at.lanes === 1) return one(args);
  const settled = args.map((a) => settle(at.fn, a));
  return joinLanes([0, 1, 2, 3].map((n) => one(settled.map((a) => laneOf(a, n)))));
}

/** Functions of integers are computed in float64. */
function mathOf(at: PartSite, name: MathName, args: readonly Value[]): Value {
  const dtype = at.dtype === "float32" ? "float32" : "float64";
  const given = args.map((a) => settle(at.fn, convert(at.fn, a, dtype)));
  const count = (given[0] as Value).parts.length;
  for (const helper of mathCalls(name)) at.library.set(helper.name, helper.text);
  const parts = Array.from({ length: count }, (_, n) => {
    const texts = given.map((g) => g.parts[n] as string);
    if (at.inline && at.lanes === 4) return mathInline(at.fn, name, dtype, true, texts);
    const f = mathFunction(name, dtype, at.lanes === 4);
    at.library.set(f.name, f.text);
    return call(f.name, ...texts);
  });
  return convert(at.fn, { dtype, lanes: at.lanes, parts }, at.dtype);
}

function selected({ fn }: Site, args: readonly Value[], dtype: DType): Value {
  const [condition, yes, no] = args as readonly [Value, Value, Value];
  const test = convert(fn, condition, "bool");
  const lanes = args.some((a) => a.lanes === 4) ? 4 : 1;
  if (lanes === 1) {
    const [c, a, b] = [test, convert(fn, yes, dtype), convert(fn, no, dtype)].map((v) => v.parts[0] as string);
    return { dtype, lanes, parts: [`(select ${a} ${b} ${c})`] };
  }
  const [mask] = widen(fn, test).parts as readonly [string];
  const [a, b] = [yes, no].map((v) => convert(fn, widen(fn, v), dtype)) as [Value, Value];
  if (a.parts.length !== b.parts.length) impossible("sides of different widths");
  const masks = a.parts.length === 2 ? wideMasks(atom(fn, mask, "v128")) : [mask];
  return { dtype, lanes, parts: a.parts.map((x, n) => `(v128.bitselect ${x} ${b.parts[n]} ${masks[n]})`) };
}
