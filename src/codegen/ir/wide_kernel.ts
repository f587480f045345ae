/**
 * Kernels without 31-bit integers: loads of wide buffers become loads of 16-bit limbs, MRG primitives become limb arithmetic, and a kernel over
 * columns becomes one kernel per column. Must not know plans. Next: wide.ts binds the new kernels to the new slots of a plan.
 */
import { acc, cast, constant, type Expr, load, postorder, prim, type PrimExpr, rewrite } from "./expr.js";
import { type Kernel, rootsOf, withRoots } from "./kernel.js";
import { type LimbArith, type Limbs, mrgCombineLimbs, mrgStep1Limbs, mrgStep2Limbs } from "./limbs_mrg.js";

export const BASE = 65536;

export const int = (n: number): Expr => constant(n, "int32");

export const isMrg = (e: Expr): e is PrimExpr => e.kind === "prim" && (e.prim === "mrgNext1" || e.prim === "mrgNext2" || e.prim === "mrgOutput");

/** How a kernel's buffer parameter is kept: `pairs` 0 is one buffer as before, 1 is hi and lo, n is hi and lo of each of n columns. */
export interface Kept { readonly pairs: number; readonly first: number }

const arith: LimbArith<Expr> = {
  add: (a, b) => prim("add", a, b),
  sub: (a, b) => prim("sub", a, b),
  mul: (a, b) => prim("mul", a, b),
  floorDiv: (a, k) => prim("floorDiv", a, int(k)),
  mod: (a, k) => prim("mod", a, int(k)),
  lt: (a, b) => prim("lt", a, b),
  select: (c, a, b) => prim("select", c, a, b),
  const: int,
};

/** Expressions whose value may need 31 bits, given which parameters are wide. */
export function wideNodes(roots: readonly Expr[], wideParam: (n: number) => boolean): Set<Expr> {
  const wide = new Set<Expr>();
  for (const e of postorder(roots)) {
    const select = e.kind === "prim" && e.prim === "select" && e.args.slice(1).some((a) => wide.has(a));
    if (isMrg(e) || select || (e.kind === "load" && wideParam(e.buffer)) || (e.kind === "const" && e.dtype === "int32" && Math.abs(e.value) > 2 ** 24)) wide.add(e);
  }
  return wide;
}

/** The kernel at one position of its last axis. */
export function atColumn(k: Kernel, column: number): Pick<Kernel, "domain" | "results" | "reduction"> {
  const last = k.domain.length - 1;
  const roots = rewrite(rootsOf(k), (e) => (e.kind === "axis" && e.axis === last ? int(column) : e));
  return withRoots({ domain: k.domain.slice(0, -1), results: k.results, reduction: k.reduction }, roots);
}

/** Expressions over limb buffers: as one value, and as limbs. */
export interface SplitExprs { value(e: Expr): Expr; limbs(e: Expr): Limbs<Expr> }

export function splitExprs(roots: readonly Expr[], kept: (param: number) => Kept): SplitExprs {
  const whole = new Map<Expr, Expr>();
  const parts = new Map<Expr, Limbs<Expr>>();
  const value = (e: Expr): Expr => {
    const known = whole.get(e);
    if (known) return known;
    const { hi, lo } = parts.get(e) as Limbs<Expr>;
    const made = prim("add", prim("mul", hi, int(BASE)), lo);
    whole.set(e, made);
    return made;
  };
  const limbs = (e: Expr): Limbs<Expr> => {
    const known = parts.get(e);
    if (known) return known;
    const v = value(e);
    const hi = prim("floorDiv", v, int(BASE));
    const made = { hi, lo: prim("sub", v, prim("mul", hi, int(BASE))) };
    parts.set(e, made);
    return made;
  };
  const split = { value, limbs };
  const nodes = wideNodes(roots, (p) => kept(p).pairs > 0);
  for (const e of postorder(roots)) {
    if (nodes.has(e)) parts.set(e, wideValue(e, split, kept));
    else whole.set(e, narrowValue(e, value, kept));
  }
  return split;
}

function wideValue(e: Expr, { value, limbs }: SplitExprs, kept: (param: number) => Kept): Limbs<Expr> {
  if (e.kind === "const") {
    const hi = Math.floor(e.value / BASE);
    return { hi: int(hi), lo: int(e.value - hi * BASE) };
  }
  if (e.kind === "load") return loadLimbs(kept(e.buffer), e.index.map(value));
  const { prim: name, args } = e as PrimExpr;
  const [a, b, c] = args as readonly [Expr, Expr, Expr?];
  if (name === "mrgNext1") return mrgStep1Limbs(arith, limbs(a), limbs(b));
  if (name === "mrgNext2") return mrgStep2Limbs(arith, limbs(a), limbs(b));
  if (name === "mrgOutput") return mrgCombineLimbs(arith, limbs(a), limbs(b));
  const yes = limbs(b);
  const no = limbs(c as Expr);
  return { hi: prim("select", value(a), yes.hi, no.hi), lo: prim("select", value(a), yes.lo, no.lo) };
}

/** A load of limbs; among columns a constant last index picks one, another index chooses between all. */
function loadLimbs({ pairs, first }: Kept, index: readonly Expr[]): Limbs<Expr> {
  if (pairs === 1) return { hi: load(first, "int32", index), lo: load(first + 1, "int32", index) };
  const column = index.at(-1) as Expr;
  const rest = index.slice(0, -1);
  const at = (k: number, limb: number): Expr => load(first + 2 * k + limb, "int32", rest);
  if (column.kind === "const") return { hi: at(column.value, 0), lo: at(column.value, 1) };
  const choose = (limb: number): Expr => {
    let chosen = at(pairs - 1, limb);
    for (let k = pairs - 2; k >= 0; k--) chosen = prim("select", prim("eq", column, int(k)), at(k, limb), chosen);
    return chosen;
  };
  return { hi: choose(0), lo: choose(1) };
}

function narrowValue(e: Expr, value: (e: Expr) => Expr, kept: (param: number) => Kept): Expr {
  switch (e.kind) {
    case "load": return load(kept(e.buffer).first, e.dtype, e.index.map(value));
    case "prim": return prim(e.prim, ...e.args.map(value));
    case "cast": return cast(value(e.arg), e.dtype);
    case "acc": return acc(e.dtype);
    default: return e;
  }
}
