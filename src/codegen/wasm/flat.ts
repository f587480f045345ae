/**
 * Index expressions as WebAssembly sees them: one position per load, as a sum of terms, and how it moves along an axis.
 * Must not know text. Used by elements.ts and by the choice of loops in kernels.ts.
 */
import { type Axis, children, type Expr, type Load, postorder, type PrimExpr, type RedAxis, rewrite } from "../ir/expr.js";
import { flatten, int, isub, rangeOf } from "../ir/index.js";
import { type BufferType, shareEqual } from "../ir/kernel.js";
import type { Value } from "./lanes.js";

/** An axis of a kernel's domain or of its reduction. */
export interface AxisId { readonly kind: "axis" | "red"; readonly axis: number }

/** Where expressions are evaluated. */
export interface Point {
  /** The i32 text of each domain axis (of the lane axis: the first of the four). Variables or constants, not expressions. */
  readonly axes: readonly string[];
  /** Likewise for each axis of the reduction, where it is open. */
  readonly reds?: readonly string[];
  /** The axis along which four neighbours lie, the first of them at a multiple of four; null for one element. */
  readonly lane: AxisId | null;
  /** The finished reduction, in an epilogue; variables. */
  readonly acc?: Value;
}

export const isAxis = (e: Expr, id: AxisId): e is Axis | RedAxis => (e.kind === "axis" || e.kind === "red") && e.kind === id.kind && e.axis === id.axis;

/** A quotient or remainder of positions. */
export const isDivision = (e: Expr): e is PrimExpr => e.kind === "prim" && e.dtype === "int32" && (e.prim === "mod" || e.prim === "floorDiv");

/**
 * Loads with one row-major position instead of an index per axis. Its second entry says whether the position is known to be in the buffer:
 * on a side of a `select` that is not taken, and for indices that are data, it need not be. Positions made of axes and host scalars are as the
 * plan's maker checked them.
 */
export function flattenLoads(roots: readonly Expr[], params: readonly BufferType[]): Expr[] {
  const certain = unconditionalLoads(roots);
  return shareEqual(rewrite(roots, (e, before) => {
    if (e.kind !== "load") return e;
    const shape = params[e.buffer]?.shape ?? [];
    const bounded = e.index.every((i, a) => {
      const { min, max } = rangeOf(i);
      return min >= 0 && max < (shape[a] as number);
    });
    const inside = bounded || (certain.has(before as Load) && !postorder(e.index).some((x) => x.kind === "load"));
    return { ...e, index: [flatten(e.index, shape), int(inside ? 1 : 0)] };
  }));
}

/** Loads that are made whatever the conditions say. */
function unconditionalLoads(roots: readonly Expr[]): Set<Expr> {
  const seen = new Set<Expr>();
  const stack = [...roots];
  for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    stack.push(...(e.kind === "prim" && e.prim === "select" ? e.args.slice(0, 1) : children(e)));
  }
  return seen;
}

/** Whether all loads of a kernel are in their buffers. */
export const allProven = (roots: readonly Expr[], params: readonly BufferType[]): boolean =>
  postorder(flattenLoads(roots, params)).every((e) => e.kind !== "load" || isProven(e));

export const positionOf = (l: Load): Expr => l.index[0] as Expr;
export const isProven = (l: Load): boolean => l.index[1]?.kind === "const" && l.index[1].value === 1;

/** coefficient times product of factors; no factors: a constant. */
export interface Term { readonly coefficient: number; readonly factors: readonly Expr[] }

/** The summands of a position. */
export function termsOf(position: Expr): Term[] {
  const out: Term[] = [];
  const stack = [position];
  for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
    if (e.kind === "prim" && e.prim === "add" && e.dtype === "int32") stack.push(e.args[1] as Expr, e.args[0] as Expr);
    else out.push(product(e));
  }
  return out;
}

function product(e: Expr): Term {
  if (e.kind === "const") return { coefficient: e.value, factors: [] };
  if (e.kind === "prim" && e.prim === "mul" && e.dtype === "int32") {
    const [a, b] = e.args.map(product) as [Term, Term];
    return { coefficient: Math.imul(a.coefficient, b.coefficient), factors: [...a.factors, ...b.factors] };
  }
  return { coefficient: 1, factors: [e] };
}

const contains = (e: Expr, id: AxisId): boolean => postorder([e]).some((x) => isAxis(x, id));

/** Elements that a position moves when the axis moves by one; null where that varies or depends on data. */
export function strideOf(position: Expr, id: AxisId): number | null {
  return strideBy(position, id, () => null);
}

/**
 * The same among four neighbours of which the first is at a multiple of four: they are never on two sides of a multiple of a divisor that is
 * itself one of four, so a remainder moves with them and a quotient stays.
 */
export function laneStride(position: Expr, lane: AxisId): number | null {
  return strideBy(position, lane, (e) => {
    if (!isDivision(e)) return null;
    const [x, d] = e.args as readonly [Expr, Expr];
    if (d.kind !== "const" || d.value <= 0 || d.value % 4 !== 0 || laneStride(x, lane) !== 1) return null;
    const aligned = termsOf(x).every((t) => t.coefficient % 4 === 0 || (t.factors.length === 1 && isAxis(t.factors[0] as Expr, lane)));
    return aligned ? (e.prim === "mod" ? 1 : 0) : null;
  });
}

function strideBy(position: Expr, id: AxisId, other: (factor: Expr) => number | null): number | null {
  let stride = 0;
  for (const t of termsOf(position)) {
    if (!t.factors.some((f) => contains(f, id))) continue;
    const [factor] = t.factors as readonly [Expr];
    const own = t.factors.length !== 1 ? null : isAxis(factor, id) ? 1 : other(factor);
    if (own === null) return null;
    stride += own * t.coefficient;
  }
  return stride;
}

/** A position in a row of six and where its row begins; null where rows are not read one after the other. */
export function rowOfSix(position: Expr, lane: AxisId): { readonly column: number; readonly row: Expr } | null {
  if (laneStride(position, lane) !== 6) return null;
  const terms = termsOf(position);
  const column = terms.reduce((n, t) => n + (t.factors.length === 0 ? t.coefficient : 0), 0) % 6;
  if (column < 0 || terms.some((t) => t.factors.length > 0 && t.coefficient % 6 !== 0)) return null;
  return { column, row: isub(position, int(column)) };
}
