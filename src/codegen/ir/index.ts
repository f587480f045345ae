/**
 * Exact integer algebra for index expressions and host scalars: sums of products in a canonical form, so that (i+1)*B - i*B is B and
 * views fold away, with value ranges to drop floorDiv and mod. Index values never overflow int32, so the ring laws hold;
 * coefficients wrap, so sums of products that users compute with int32 keep their values too.
 * Must not know graphs or devices. Used by views in ops, by shape proofs in compile, and by kernel.ts.
 */
import { cast, type Const, constant, type Expr, prim } from "./expr.js";

/** Inclusive bounds of an integer expression; infinite where unknown. */
export interface Range { readonly min: number; readonly max: number }

/** Sum of coefficient times product of atoms. The map's key is the product's canonical text; "" is the constant term. */
type Sum = Map<string, { coefficient: number; factors: readonly Expr[] }>;

/** Products of longer sums stay products: multiplied out, ten factors of two terms would be a thousand. */
const MOST_TERMS = 64;

const UNKNOWN: Range = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

export const int = (value: number): Const => constant(value, "int32");

/** Canonical text of an integer expression; index expressions are small, so text is a cheap exact key. */
export function keyOf(e: Expr): string {
  switch (e.kind) {
    case "const": return e.dtype === "int32" ? String(e.value) : `${Object.is(e.value, -0) ? "-0" : e.value}:${e.dtype}`;
    // With its extent: what a value is at an axis of 3 is not what it is at one of 8, since views fold by ranges.
    case "axis": return `i${e.axis}<${e.extent}`;
    case "red": return `k${e.axis}<${e.extent}`;
    case "scalar": return `s${e.id}`;
    case "acc": return "acc";
    case "cast": return `${e.dtype}(${keyOf(e.arg)})`;
    case "load": return `b${e.buffer}[${e.index.map(keyOf).join(",")}]`;
    case "prim": return `${e.prim}(${e.args.map(keyOf).join(",")})`;
  }
}

function addTerm(sum: Sum, coefficient: number, factors: readonly Expr[]): void {
  const sorted = [...factors].map((f) => ({ f, k: keyOf(f) })).sort((a, b) => (a.k < b.k ? -1 : a.k > b.k ? 1 : 0));
  const key = sorted.map((s) => s.k).join("*");
  const total = ((sum.get(key)?.coefficient ?? 0) + coefficient) | 0;
  if (total === 0) sum.delete(key);
  else sum.set(key, { coefficient: total, factors: sorted.map((s) => s.f) });
}

function expand(e: Expr): Sum {
  const sum: Sum = new Map();
  if (e.dtype !== "int32") addTerm(sum, 1, [cast(e, "int32")]);
  else if (e.kind === "const") addTerm(sum, e.value, []);
  else if (e.kind === "prim" && (e.prim === "add" || e.prim === "sub")) {
    for (const t of expand(e.args[0] as Expr).values()) addTerm(sum, t.coefficient, t.factors);
    const sign = e.prim === "add" ? 1 : -1;
    for (const t of expand(e.args[1] as Expr).values()) addTerm(sum, sign * t.coefficient, t.factors);
  } else if (e.kind === "prim" && e.prim === "neg") {
    for (const t of expand(e.args[0] as Expr).values()) addTerm(sum, -t.coefficient, t.factors);
  } else if (e.kind === "prim" && e.prim === "mul") {
    const left = [...expand(e.args[0] as Expr).values()];
    const right = [...expand(e.args[1] as Expr).values()];
    if (left.length * right.length > MOST_TERMS) addTerm(sum, 1, [e]);
    else for (const a of left) for (const b of right) addTerm(sum, Math.imul(a.coefficient, b.coefficient), [...a.factors, ...b.factors]);
  } else addTerm(sum, 1, [e]);
  return sum;
}

/** c d floorDiv(x, d) + c mod(x, d) is c x: what a reshape and its way back leave. */
function recombine(sum: Sum): void {
  for (const [key, { coefficient, factors }] of sum) {
    const [m] = factors;
    if (factors.length !== 1 || m?.kind !== "prim" || m.prim !== "mod" || m.args[1]?.kind !== "const") continue;
    const [x, d] = m.args as [Expr, Const];
    const quotient = keyOf(prim("floorDiv", x, d));
    if (d.value <= 0 || sum.get(quotient)?.coefficient !== coefficient * d.value) continue;
    sum.delete(key);
    sum.delete(quotient);
    for (const t of expand(x).values()) addTerm(sum, coefficient * t.coefficient, t.factors);
    recombine(sum);
    return;
  }
}

function collapse(sum: Sum): Expr {
  recombine(sum);
  let total: Expr | null = null;
  let offset = 0;
  for (const [key, { coefficient, factors }] of [...sum].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (key === "") {
      offset = coefficient;
      continue;
    }
    const product = factors.reduce((a, b) => prim("mul", a, b));
    const term = coefficient === 1 ? product : prim("mul", product, int(coefficient));
    total = total === null ? term : prim("add", total, term);
  }
  if (total === null) return int(offset);
  return offset === 0 ? total : prim("add", total, int(offset));
}

export const iadd = (a: Expr, b: Expr): Expr => collapse(expand(prim("add", cast(a, "int32"), cast(b, "int32"))));
export const isub = (a: Expr, b: Expr): Expr => collapse(expand(prim("sub", cast(a, "int32"), cast(b, "int32"))));
export const imul = (a: Expr, b: Expr): Expr => collapse(expand(prim("mul", cast(a, "int32"), cast(b, "int32"))));

/** Bounds from axis extents and constants; scalars and loads are unknown. */
export function rangeOf(e: Expr): Range {
  switch (e.kind) {
    case "const": return { min: e.value, max: e.value };
    case "axis":
    case "red": return { min: 0, max: Math.max(0, e.extent - 1) };
    case "prim": return primRange(e.prim, e.args);
    default: return e.dtype === "bool" ? { min: 0, max: 1 } : UNKNOWN;
  }
}

function primRange(name: string, args: readonly Expr[]): Range {
  const [a, b, c] = args.map(rangeOf);
  if (!a) return UNKNOWN;
  if (name === "neg") return { min: -a.max, max: -a.min };
  if (!b) return UNKNOWN;
  if (name === "add") return { min: a.min + b.min, max: a.max + b.max };
  if (name === "sub") return { min: a.min - b.max, max: a.max - b.min };
  if (name === "mul") {
    const corners = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max].map((x) => (Number.isNaN(x) ? 0 : x));
    return { min: Math.min(...corners), max: Math.max(...corners) };
  }
  if (name === "floorDiv" && b.min === b.max && b.min > 0) return { min: Math.floor(a.min / b.min), max: Math.floor(a.max / b.min) };
  if (name === "mod" && b.min === b.max && b.min > 0) return { min: 0, max: b.min - 1 };
  if (name === "min") return { min: Math.min(a.min, b.min), max: Math.min(a.max, b.max) };
  if (name === "max") return { min: Math.max(a.min, b.min), max: Math.max(a.max, b.max) };
  if (name === "select" && c) return { min: Math.min(b.min, c.min), max: Math.max(b.max, c.max) };
  return UNKNOWN;
}

/** Splits e = d*q + r with every coefficient of q whole; exact for any r. */
function divide(e: Expr, d: number): { q: Expr; r: Expr } {
  const quotient: Sum = new Map();
  const rest: Sum = new Map();
  for (const t of expand(e).values()) {
    const whole = t.factors.length === 0 ? Math.floor(t.coefficient / d) : t.coefficient % d === 0 ? t.coefficient / d : 0;
    if (whole !== 0) addTerm(quotient, whole, t.factors);
    if (t.coefficient - whole * d !== 0) addTerm(rest, t.coefficient - whole * d, t.factors);
  }
  return { q: collapse(quotient), r: collapse(rest) };
}

/** floor(a / d), d a positive whole number. */
export function idiv(a: Expr, d: number): Expr {
  if (d === 1) return a;
  const { q, r } = divide(a, d);
  const { min, max } = rangeOf(r);
  if (Math.floor(min / d) === Math.floor(max / d)) return iadd(q, int(Math.floor(min / d)));
  return iadd(q, prim("floorDiv", r, int(d)));
}

/** a mod d in [0, d), d a positive whole number. */
export function imod(a: Expr, d: number): Expr {
  if (d === 1) return int(0);
  const { r } = divide(a, d);
  const { min, max } = rangeOf(r);
  if (Math.floor(min / d) === Math.floor(max / d)) return isub(r, int(Math.floor(min / d) * d));
  return prim("mod", r, int(d));
}

/** Row-major position of an index in a shape. */
export function flatten(index: readonly Expr[], shape: readonly number[]): Expr {
  return index.reduce<Expr>((flat, i, a) => iadd(imul(flat, int(shape[a] as number)), i), int(0));
}

/** The index in `shape` of a row-major position. */
export function unflatten(flat: Expr, shape: readonly number[]): Expr[] {
  const out: Expr[] = [];
  let rest = flat;
  for (let a = shape.length - 1; a >= 0; a--) {
    const d = shape[a] as number;
    out.unshift(a === 0 ? rest : imod(rest, Math.max(d, 1)));
    rest = a === 0 ? rest : idiv(rest, Math.max(d, 1));
  }
  return out.map((e, a) => (shape[a] === 1 ? int(0) : e));
}
