/**
 * Positions along an axis as expressions: counted from the end, kept inside, and the conditions under which they are there. Must not know ops.
 */
import { constant, type Expr, prim } from "../codegen/ir/expr.js";
import { iadd, idiv, imod, int, rangeOf } from "../codegen/ir/index.js";
import { choose } from "./shape.js";

/** Whether all conditions hold. */
export const allHold = (conditions: readonly Expr[]): Expr => conditions.reduce<Expr>((a, b) => prim("and", a, b), constant(1, "bool"));

/** Conditions under which a position is on an axis of n elements, but for those that its range fulfils. */
export function onAxis(at: Expr, n: number): Expr[] {
  const { min, max } = rangeOf(at);
  return [...(min < 0 ? [prim("le", int(0), at)] : []), ...(max >= n ? [prim("lt", at, int(n))] : [])];
}

/** Which of n elements that are `step` apart lies so far from the first, and the conditions under which one does. */
export function inSteps(distance: Expr, step: number, n: number): { readonly conditions: readonly Expr[]; readonly at: Expr } {
  const conditions = rangeOf(distance).min < 0 ? [prim("le", int(0), distance)] : [];
  if (step > 1) conditions.push(prim("eq", imod(distance, step), int(0)));
  const at = idiv(distance, step);
  if (rangeOf(at).max >= n) conditions.push(prim("lt", at, int(n)));
  return { conditions, at };
}

/** Negative positions count from the end; where the sign is not known the choice is made per call (hoisted by the kernel). */
export function wrapped(e: Expr, n: number): Expr {
  const { min, max } = rangeOf(e);
  if (min >= 0) return e;
  if (max < 0) return iadd(e, int(n));
  return choose(prim("lt", e, int(0)), () => iadd(e, int(n)), () => e);
}

/** A position of device data, wrapped and kept inside the axis: no kernel may read out of bounds. */
export function inside(e: Expr, n: number): Expr {
  const { min, max } = rangeOf(e);
  if (min >= 0 && max < n) return e;
  return prim("max", prim("min", wrapped(e, n), int(Math.max(n - 1, 0))), int(0));
}
