/**
 * Arithmetic on one part of a value as WAT text: a scalar f32 or f64, an f32x4 or an f64x2. A function described over a Machine gives the same
 * bits for one element as for four, so that the tails of arrays do not differ; hence no fused multiply-add. Must not know functions.
 * Next: math_*.ts describe exp, log … with it.
 */
import type { FloatDType } from "../ir/dtype.js";
import { atom, literal } from "./convert.js";
import { evenWords, highHalves, lowHalves } from "./shuffles.js";
import type { Func, Local, WasmType } from "./wat.js";

/** How a float is laid out, and what follows from it. */
interface Layout {
  readonly mantissaBits: number;
  readonly bias: number;
  /** Smallest normal number. */
  readonly tiny: number;
  readonly largest: number;
  readonly int: "i32" | "i64";
  readonly float: "f32" | "f64";
  readonly count: number;
}

const LAYOUTS: Readonly<Record<FloatDType, Layout>> = {
  float32: { mantissaBits: 23, bias: 127, tiny: 2 ** -126, largest: (2 - 2 ** -23) * 2 ** 127, int: "i32", float: "f32", count: 4 },
  float64: { mantissaBits: 52, bias: 1023, tiny: 2 ** -1022, largest: Number.MAX_VALUE, int: "i64", float: "f64", count: 2 },
};

/**
 * Methods give texts. `keep` puts one in a variable, which is needed where it is used more than once. Three sorts of texts that are not mixed:
 * floats; words, the integers of a float's size; masks, words of 0 and -1, or one i32 of 0 or 1 for a scalar.
 */
export class Machine {
  readonly layout: Layout;
  private readonly f: string;
  private readonly i: string;

  constructor(readonly fn: Func, readonly kind: FloatDType, readonly simd: boolean) {
    this.layout = LAYOUTS[kind];
    const { float, int, count } = this.layout;
    this.f = simd ? `${float}x${count}` : float;
    this.i = simd ? `${int}x${count}` : int;
  }

  /** The number for float32, or that for float64. */
  pick<T>(float32: T, float64: T): T {
    return this.kind === "float32" ? float32 : float64;
  }

  get type(): WasmType {
    return this.simd ? "v128" : this.layout.float;
  }

  get wordType(): WasmType {
    return this.simd ? "v128" : this.layout.int;
  }

  get maskType(): WasmType {
    return this.simd ? "v128" : "i32";
  }

  keep(text: string, type = this.type): string {
    return atom(this.fn, text, type);
  }

  private splat(shape: string, number: string): string {
    return this.simd ? `(v128.const ${shape}${` ${number}`.repeat(this.layout.count)})` : `(${shape}.const ${number})`;
  }

  constant(x: number): string {
    return this.splat(this.f, literal(this.kind === "float32" ? Math.fround(x) : x));
  }

  add(a: string, b: string): string { return `(${this.f}.add ${a} ${b})`; }
  sub(a: string, b: string): string { return `(${this.f}.sub ${a} ${b})`; }
  mul(a: string, b: string): string { return `(${this.f}.mul ${a} ${b})`; }
  div(a: string, b: string): string { return `(${this.f}.div ${a} ${b})`; }
  /** With the mask in a register, which is shorter than what engines make of `f32x4.abs`. */
  abs(a: string): string { return this.simd ? this.and(a, this.magnitude) : `(${this.f}.abs ${a})`; }
  neg(a: string): string { return `(${this.f}.neg ${a})`; }
  sqrt(a: string): string { return `(${this.f}.sqrt ${a})`; }
  nearest(a: string): string { return `(${this.f}.nearest ${a})`; }

  lt(a: string, b: string): string { return `(${this.f}.lt ${a} ${b})`; }
  le(a: string, b: string): string { return `(${this.f}.le ${a} ${b})`; }
  gt(a: string, b: string): string { return `(${this.f}.gt ${a} ${b})`; }
  eq(a: string, b: string): string { return `(${this.f}.eq ${a} ${b})`; }
  ne(a: string, b: string): string { return `(${this.f}.ne ${a} ${b})`; }

  /** Of masks. */
  both(a: string, b: string): string { return `(${this.simd ? "v128" : "i32"}.and ${a} ${b})`; }
  either(a: string, b: string): string { return `(${this.simd ? "v128" : "i32"}.or ${a} ${b})`; }
  differ(a: string, b: string): string { return `(${this.simd ? "v128" : "i32"}.xor ${a} ${b})`; }
  not(a: string): string { return this.simd ? `(v128.not ${a})` : `(i32.eqz ${a})`; }
  /** An i32: whether a mask holds everywhere. */
  all(a: string): string { return this.simd ? `(${this.i}.all_true ${a})` : a; }
  any(a: string): string { return this.simd ? `(v128.any_true ${a})` : a; }

  select(mask: string, yes: string, no: string): string {
    return this.simd ? `(v128.bitselect ${yes} ${no} ${mask})` : `(select ${yes} ${no} ${mask})`;
  }

  /** 0 where the mask holds. */
  zeroWhere(mask: string, a: string): string {
    return this.simd ? `(v128.andnot ${a} ${mask})` : `(select (${this.f}.const 0) ${a} ${mask})`;
  }

  /** The smaller; `a` where it is NaN or they are equal. One instruction, as `min` is not. */
  atMost(a: string, b: string): string { return this.nearer("pmin", a, b); }
  /** The greater; `a` where it is NaN or they are equal. */
  atLeast(a: string, b: string): string { return this.nearer("pmax", a, b); }

  private nearer(name: "pmin" | "pmax", a: string, b: string): string {
    if (this.simd) return `(${this.f}.${name} ${a} ${b})`;
    const [x, y] = [this.keep(a), this.keep(b)];
    return this.select(name === "pmin" ? this.lt(y, x) : this.lt(x, y), y, x);
  }

  word(n: number | bigint): string { return this.splat(this.i, String(n)); }
  bits(a: string): string { return this.simd ? a : `(${this.i}.reinterpret_${this.f} ${a})`; }
  float(a: string): string { return this.simd ? a : `(${this.f}.reinterpret_${this.i} ${a})`; }
  plus(a: string, b: string): string { return `(${this.i}.add ${a} ${b})`; }
  minus(a: string, b: string): string { return `(${this.i}.sub ${a} ${b})`; }
  shl(a: string, n: number): string { return this.shift("shl", a, n); }
  shr(a: string, n: number): string { return this.shift("shr_u", a, n); }
  and(a: string, b: string): string { return `(${this.simd ? "v128" : this.i}.and ${a} ${b})`; }
  or(a: string, b: string): string { return `(${this.simd ? "v128" : this.i}.or ${a} ${b})`; }
  xor(a: string, b: string): string { return `(${this.simd ? "v128" : this.i}.xor ${a} ${b})`; }

  private shift(name: string, a: string, n: number): string {
    return `(${this.i}.${name} ${a} ${this.simd || this.i === "i32" ? `(i32.const ${n})` : `(i64.const ${n})`})`;
  }

  /** A mask: whether a word is odd. */
  odd(a: string): string {
    const last = this.and(a, this.word(1));
    return this.simd ? `(${this.i}.eq ${last} ${this.word(1)})` : this.i === "i64" ? `(i32.wrap_i64 ${last})` : last;
  }

  get sign(): string {
    return this.word(this.kind === "float32" ? -(2 ** 31) : -(2n ** 63n));
  }

  private get magnitude(): string {
    return this.word(this.kind === "float32" ? 2 ** 31 - 1 : 2n ** 63n - 1n);
  }

  /** The first, with the second's sign. */
  copySign(a: string, b: string): string {
    return this.simd ? this.or(this.abs(a), this.and(b, this.sign)) : `(${this.f}.copysign ${a} ${b})`;
  }

  /** For `a` that has the second's sign already, or is +0. */
  signedZero(a: string, b: string): string {
    return this.simd ? this.or(a, this.and(b, this.sign)) : this.copySign(a, b);
  }

  /** A machine for this one's numbers in float64, and a number for it: four float32 are two parts. */
  promoted(x: string): { readonly machine: Machine; readonly parts: readonly string[] } {
    const machine = new Machine(this.fn, "float64", this.simd);
    if (this.kind === "float64") return { machine, parts: [x] };
    if (!this.simd) return { machine, parts: [machine.keep(`(f64.promote_f32 ${x})`)] };
    return { machine, parts: [x, highHalves(x, x)].map((v) => machine.keep(`(f64x2.promote_low_f32x4 ${v})`)) };
  }

  /** The parts of float64 as this machine's numbers. */
  demoted(parts: readonly string[]): string {
    if (this.kind === "float64") return parts[0] as string;
    if (!this.simd) return `(f32.demote_f64 ${parts[0]})`;
    const [low, high] = parts.map((v) => `(f32x4.demote_f64x2_zero ${v})`) as [string, string];
    return lowHalves(low, high);
  }

  /** The low halves of words of float64's size, as words of this machine. */
  lowWords(parts: readonly string[]): string {
    if (this.kind === "float64") return parts[0] as string;
    if (!this.simd) return `(i32.wrap_i64 ${parts[0]})`;
    return evenWords(...(parts as readonly [string, string]));
  }

  /** Sets a variable's elements where a mask holds to what a function gives of the elements of others. */
  each(mask: string, target: Local, of: readonly string[], value: (elements: readonly string[]) => string): void {
    const lane = (x: string, n: number): string => (this.simd ? `(${this.f}.extract_lane ${n} ${x})` : x);
    for (let n = 0; n < (this.simd ? this.layout.count : 1); n++) {
      this.fn.when(this.simd ? `(i32x4.extract_lane ${(n * 4) / this.layout.count} ${mask})` : mask, () => {
        const made = value(of.map((x) => lane(x, n)));
        this.fn.line(target.set(this.simd ? `(${this.f}.replace_lane ${n} ${target.get} ${made})` : made));
      });
    }
  }

  /**
   * c0 + c1 x + c2 x^2 + … for a variable x, by Estrin's scheme: pairs, pairs of pairs …, so that much of it runs side by side. Where that
   * leaves one coefficient over, c0 is it: a product less, and fewer sums as large as the result.
   */
  polynomial(x: string, coefficients: readonly number[]): string {
    const [first, ...rest] = coefficients as readonly [number, ...number[]];
    if (Number.isInteger(Math.log2(rest.length))) return this.add(this.constant(first), this.mul(x, this.pairs(x, rest)));
    return this.pairs(x, coefficients);
  }

  private pairs(x: string, coefficients: readonly number[]): string {
    let terms = coefficients.map((c) => this.constant(c));
    for (let power = x; terms.length > 1; power = this.keep(this.mul(power, power))) {
      terms = terms.flatMap((term, n) => {
        const next = terms[n + 1];
        return n % 2 === 1 ? [] : next === undefined ? [term] : [this.add(term, this.mul(power, next))];
      });
    }
    return terms[0] as string;
  }
}
