/** Hedge: polynomials over a Machine. */
import { SIGMOID_SATURATION, SOFTPLUS_SATURATION } from "../ir/prims.js";
import { Func, type WasmType } from "./wat.js";

export type MathName = "exp" | "log" | "log1p" | "expm1" | "sin" | "cos" | "tan" | "asin" | "acos" | "atan" | "tanh" | "sigmoid" | "softplus" | "erf" | "pow";

class Machine {
  readonly shape: string;
  readonly bits: string;
  readonly type: WasmType;
  constructor(readonly fn: Func, readonly single: boolean, readonly simd: boolean) {
    this.shape = simd ? (single ? "f32x4" : "f64x2") : single ? "f32" : "f64";
    this.bits = simd ? (single ? "i32x4" : "i64x2") : single ? "i32" : "i64";
    this.type = simd ? "v128" : single ? "f32" : "f64";
  }
  let(x: string): string { return this.fn.let(this.type, x); }
  c(x: number): string { const t = Number.isNaN(x) ? "nan" : x === Infinity ? "inf" : x === -Infinity ? "-inf" : String(x); return this.simd ? `(v128.const ${this.shape} ${Array(this.single ? 4 : 2).fill(t).join(" ")})` : `(${this.shape}.const ${t})`; }
  ic(x: number | bigint): string { return this.simd ? `(v128.const ${this.bits} ${Array(this.single ? 4 : 2).fill(String(x)).join(" ")})` : `(${this.bits}.const ${x})`; }
  op(name: string, ...a: string[]): string { return `(${this.shape}.${name} ${a.join(" ")})`; }
  add(a: string, b: string): string { return this.op("add", a, b); }
  sub(a: string, b: string): string { return this.op("sub", a, b); }
  mul(a: string, b: string): string { return this.op("mul", a, b); }
  sel(mask: string, a: string, b: string): string { return this.simd ? `(v128.bitselect ${a} ${b} ${mask})` : `(select ${a} ${b} ${mask})`; }
  asBits(x: string): string { return this.simd ? x : `(${this.bits}.reinterpret_${this.shape} ${x})`; }
  asFloat(x: string): string { return this.simd ? x : `(${this.shape}.reinterpret_${this.bits} ${x})`; }
  iop(name: string, ...a: string[]): string { return this.simd && (name === "and" || name === "or") ? `(v128.${name} ${a.join(" ")})` : `(${this.bits}.${name} ${a.join(" ")})`; }
  shift(name: string, x: string, n: number): string { return this.simd ? `(${this.bits}.${name} ${x} (i32.const ${n}))` : `(${this.bits}.${name} ${x} (${this.bits}.const ${n}))`; }
  imul?: never;
  get mant(): number { return this.single ? 23 : 52; }
  get bias(): number { return this.single ? 127 : 1023; }
  get magic(): number { return this.single ? 12582912 : 6755399441055744; }
  horner(x: string, cs: readonly number[]): string { return cs.slice(1).reduce((acc, k) => this.add(this.mul(acc, x), this.c(k)), this.c(cs[0] as number)); }
  /** 2^n from t = n + magic. */
  pow2(t: string, plus = 0): string { return this.asFloat(this.shift("shl", this.iop("add", this.asBits(t), this.ic(this.bias + plus)), this.mant)); }
}

const LN2 = { hi32: 0.693359375, lo32: -2.12194440e-4, hi: 6.93147180369123816490e-01, lo: 1.90821492927058770002e-10 };

/** n + magic, and expm1(r) or exp(r) of what is left. */
function reduce(m: Machine, x: string): { t: string; hi: string; lo: string; r: string } {
  const t = m.let(m.add(m.mul(x, m.c(Math.LOG2E)), m.c(m.magic)));
  const n = m.let(m.sub(t, m.c(m.magic)));
  const hi = m.let(m.sub(x, m.mul(n, m.c(m.single ? LN2.hi32 : LN2.hi))));
  const lo = m.let(m.mul(n, m.c(m.single ? LN2.lo32 : LN2.lo)));
  return { t, hi, lo, r: m.let(m.sub(hi, lo)) };
}
function expPoly(m: Machine, x: string): { t: string; p: string } {
  const { t, hi, lo, r } = reduce(m, x);
  if (m.single) {
    const q = m.horner(r, [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]);
    return { t, p: m.let(m.add(m.add(m.mul(m.mul(r, r), q), r), m.c(1))) };
  }
  const z = m.let(m.mul(r, r));
  const c = m.let(m.sub(r, m.mul(z, m.horner(z, [4.13813679705723846039e-08, -1.65339022054652515390e-06, 6.61375632143793436117e-05, -2.77777777770155933842e-03, 1.66666666666666019037e-01]))));
  const q = m.op("div", m.mul(r, c), m.sub(m.c(2), c));
  return { t, p: m.let(m.add(m.c(1), m.add(m.sub(q, lo), hi))) };
}
const clamp = (m: Machine, x: string, lo: number, hi: number): string => m.let(m.op("min", m.op("max", x, m.c(lo)), m.c(hi)));
function exp(m: Machine, x: string): string {
  const y = clamp(m, x, m.single ? -104 : -746, m.single ? 89 : 710);
  const { t, p } = expPoly(m, y);
  // 2^n in two steps, for n where it is denormal or infinite.
  const i = m.let2(m.iop("sub", m.asBits(t), m.ic(m.single ? 0x4b400000 : 0x4338000000000000n)));
  const half = m.let2(m.shift("shr_s", i, 1));
  const s = (k: string): string => m.asFloat(m.shift("shl", m.iop("add", k, m.ic(m.bias)), m.mant));
  return m.let(m.mul(m.mul(p, s(half)), s(m.iop("sub", i, half))));
}
declare module "./math.js" {}
interface Machine { let2(x: string): string }
Machine.prototype.let2 = function (this: Machine, x: string): string { return this.fn.let(this.simd ? "v128" : (this.bits as WasmType), x); };

/** log(1+f) + k ln2 for m = 1+f in [sqrt 1/2, sqrt 2). */
function logTail(m: Machine, f: string, k: string): string {
  if (m.single) {
    const z = m.let(m.mul(f, f));
    const p = m.horner(f, [7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1]);
    const y = m.sub(m.add(m.mul(m.mul(p, f), z), m.mul(k, m.c(LN2.lo32))), m.mul(z, m.c(0.5)));
    return m.let(m.add(m.add(f, y), m.mul(k, m.c(LN2.hi32))));
  }
  const s = m.let(m.op("div", f, m.add(f, m.c(2))));
  const z = m.let(m.mul(s, s));
  const r = m.mul(z, m.horner(z, [1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01]));
  const h = m.let(m.mul(m.mul(f, f), m.c(0.5)));
  return m.let(m.sub(m.mul(k, m.c(LN2.hi)), m.sub(m.sub(h, m.add(m.mul(s, m.add(h, r)), m.mul(k, m.c(LN2.lo)))), f)));
}
function split(m: Machine, u: string): { k: string; mant: string; scale: string } {
  const half = m.single ? 0x3f3504f3 : 0x3fe6a09e667f3bcdn;
  const one = m.single ? 0x3f800000 : 0x3ff0000000000000n;
  const mask = m.single ? 0x007fffff : 0x000fffffffffffffn;
  const ix = m.let2(m.iop("add", m.asBits(u), m.ic(m.single ? (one as number) - (half as number) : (one as bigint) - (half as bigint))));
  const e = m.let2(m.shift("shr_u", ix, m.mant));
  // k as a float: e - bias, through magic (e is small).
  const k = m.let(m.sub(m.asFloat(m.iop("or", e, m.ic(m.single ? 0x4b000000 : 0x4330000000000000n))), m.c((m.single ? 8388608 : 4503599627370496) + m.bias)));
  const mant = m.let(m.asFloat(m.iop("add", m.iop("and", ix, m.ic(mask)), m.ic(half))));
  const scale = m.asFloat(m.shift("shl", m.iop("sub", m.ic(2 * m.bias), e), m.mant));
  return { k, mant, scale };
}
function log(m: Machine, x: string): string {
  const tiny = m.single ? 1.1754943508222875e-38 : 2.2250738585072014e-308;
  const up = m.single ? 2 ** 25 : 2 ** 54;
  const small = m.let3(m.op("lt", x, m.c(tiny)));
  const y = m.let(m.sel(small, m.mul(x, m.c(up)), x));
  const { k, mant } = split(m, y);
  const kk = m.let(m.sub(k, m.sel(small, m.c(m.single ? 25 : 54), m.c(0))));
  const v = logTail(m, m.let(m.sub(mant, m.c(1))), kk);
  const special = m.sel(m.op("eq", x, m.c(0)), m.c(-Infinity), m.sel(m.op("lt", x, m.c(0)), m.c(NaN), x));
  const good = m.single ? m.op("lt", m.op("abs", m.sub(x, x)), m.c(1)) : m.op("lt", m.op("abs", m.sub(x, x)), m.c(1));
  const fine = m.simd ? `(v128.and ${good} ${m.op("gt", x, m.c(0))})` : `(i32.and ${good} ${m.op("gt", x, m.c(0))})`;
  return m.let(m.sel(fine, v, special));
}
interface Machine { let3(x: string): string }
Machine.prototype.let3 = function (this: Machine, x: string): string { return this.fn.let(this.simd ? "v128" : "i32", x); };
/** log1p of y >= 0, finite, below 2^100. */
function log1pOf(m: Machine, y: string): string {
  const u = m.let(m.add(y, m.c(1)));
  const c = m.let(m.sel(m.op("gt", y, m.c(1)), m.sub(m.c(1), m.sub(u, y)), m.sub(y, m.sub(u, m.c(1)))));
  const { k, mant, scale } = split(m, u);
  return logTail(m, m.let(m.add(m.sub(mant, m.c(1)), m.mul(c, scale))), k);
}
function log1p(m: Machine, x: string): string {
  const big = m.let3(m.op("gt", x, m.c(m.single ? 2 ** 60 : 2 ** 100)));
  const y = m.let(m.sel(big, m.c(1), x));
  const v = m.let(m.sel(big, log(m, x), log1pOf(m, y)));
  const special = m.sel(m.op("eq", x, m.c(0)), x, m.sel(m.op("eq", x, m.c(-1)), m.c(-Infinity), m.c(NaN)));
  const ok = m.simd ? `(v128.and ${m.op("gt", x, m.c(-1))} ${m.op("ne", x, m.c(0))})` : `(i32.and ${m.op("gt", x, m.c(-1))} ${m.op("ne", x, m.c(0))})`;
  return m.let(m.sel(ok, v, special));
}
function expm1(m: Machine, x: string): string {
  const y = clamp(m, x, m.single ? -18 : -40, m.single ? 89 : 710);
  const { t, hi, lo, r } = reduce(m, y);
  let p: string;
  if (m.single) p = m.let(m.add(m.mul(m.mul(r, r), m.horner(r, [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1])), r));
  else {
    const fact: number[] = []; let f = 1; for (let n = 2; n <= 14; n++) { f *= n; fact.unshift(1 / f); }
    p = m.let(m.add(hi, m.sub(m.mul(m.mul(r, r), m.horner(r, fact)), lo)));
  }
  const half = m.let(m.pow2(t, -1));
  const v = m.mul(m.add(m.mul(p, half), m.sub(half, m.c(0.5))), m.c(2));
  return m.let(m.sel(m.op("eq", x, m.c(0)), x, m.sel(m.op("ne", x, x), x, v)));
}
function sigmoid(m: Machine, x: string): string {
  const { low, high } = SIGMOID_SATURATION[m.single ? "float32" : "float64"];
  const y = clamp(m, x, low, high);
  const { t, p } = expPoly(m, m.let(m.op("neg", y)));
  const v = m.op("div", m.c(1), m.add(m.c(1), m.mul(p, m.pow2(t))));
  return m.let(m.sel(m.op("lt", x, m.c(low)), m.c(0), m.sel(m.op("gt", x, m.c(high)), m.c(1), v)));
}
function softplus(m: Machine, x: string): string {
  const { low, high } = SOFTPLUS_SATURATION[m.single ? "float32" : "float64"];
  const y = clamp(m, x, low, high);
  const v = log1pOf(m, exp(m, y));
  return m.let(m.sel(m.op("lt", x, m.c(low)), m.c(0), m.sel(m.op("gt", x, m.c(high)), x, v)));
}
function tanh(m: Machine, x: string): string {
  const a = m.let(m.op("abs", x));
  let v: string;
  if (m.single) {
    const z = m.let(m.mul(x, x));
    const small = m.let(m.add(m.mul(m.mul(m.horner(z, [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1]), z), x), x));
    const { t, p } = expPoly(m, m.let(m.op("min", m.add(a, a), m.c(30))));
    const large = m.sub(m.c(1), m.op("div", m.c(2), m.add(m.mul(p, m.pow2(t)), m.c(1))));
    v = m.sel(m.op("lt", a, m.c(0.625)), small, sign(m, large, x));
  } else {
    const t = expm1(m, m.let(m.mul(a, m.c(-2))));
    v = sign(m, m.op("div", m.op("neg", t), m.add(t, m.c(2))), x);
  }
  return m.let(m.sel(m.op("ne", x, x), x, v));
}
const sign = (m: Machine, a: string, x: string): string => (m.simd ? `(v128.bitselect ${x} ${a} ${m.ic(m.single ? 0x80000000 | 0 : -(2n ** 63n))})` : m.op("copysign", a, x));
const TABLE: Partial<Record<MathName, (m: Machine, x: string, y: string) => string>> = { exp, log, log1p, expm1, sigmoid, softplus, tanh };

export function mathInline(fn: Func, name: MathName, dtype: "float32" | "float64", simd: boolean, args: readonly string[]): string {
  const f = TABLE[name];
  if (!f) throw new Error(`no ${name}`);
  return f(new Machine(fn, dtype === "float32", simd), args[0] as string, args[1] as string);
}
export function mathFunction(name: MathName, dtype: "float32" | "float64", simd: boolean): { name: string; text: string } {
  const m = simd ? "v128" : dtype === "float32" ? "f32" : "f64";
  const full = `$${name}.${simd ? (dtype === "float32" ? "f32x4" : "f64x2") : m}`;
  const fn = new Func(full, [{ name: "$x", type: m }], m);
  return { name: full, text: fn.text(mathInline(fn, name, dtype, simd, ["(local.get $x)"])) };
}
