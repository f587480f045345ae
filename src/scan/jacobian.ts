/**
 * jacobian and hessian: gradients of each element of a vector, row by row in a loop (theano/gradient.py). What does not depend on the row is computed
 * once, before it; random draws too, so that all rows see the same. Must not know how loops run.
 */
import { grad, type PerVariable } from "../autodiff/grad.js";
import type { JacobianOptions } from "../autodiff/rop.js";
import { tensorType } from "../graph/types.js";
import { Variable } from "../graph/variable.js";
import { arange } from "../ops/alloc.js";
import { get } from "../ops/indexing.js";
import { shapeAt } from "../ops/shape.js";
import { fail } from "../util/fail.js";
import { closed } from "./close.js";
import { scanOf } from "./parts.js";
import { scanOp } from "./scan_op.js";

/** For each wrt the gradients of y[0], y[1], …, along a new first axis. */
function rows(y: Variable, wrt: readonly Variable[], options: JacobianOptions, name: string): readonly Variable[] {
  const inner = new Variable(tensorType("int32", 0), { name: "row" });
  const found = grad(get(y, inner), wrt, { ...options, addNames: false });
  const steps = shapeAt(y, 0);
  const parts = { steps, sequences: [{ outer: arange(steps), inner }], carries: [], constants: [], truncate: null, name };
  return scanOf(scanOp, closed({ ...parts, stacked: found.map((value) => ({ value, keep: "all" })) })).stacked;
}

/**
 * d expression[i] / d wrt for each i, along a new first axis: one for each wrt (a list for a list). A scalar gives its gradient. Errors:
 * DamoTypeError `jacobian-rank`, and those of grad().
 */
export function jacobian(expression: Variable, wrt: Variable, options?: JacobianOptions): Variable;
export function jacobian<const W extends readonly Variable[]>(expression: Variable, wrt: W, options?: JacobianOptions): PerVariable<W, Variable>;
export function jacobian(expression: Variable, wrt: Variable | readonly Variable[], options: JacobianOptions = {}): Variable | Variable[] {
  if (expression.ndim > 1) {
    fail("type", "jacobian-rank", { what: `jacobian() differentiates a vector, got ${expression}.`, where: String(expression.origin), fix: "use flatten() to make it a vector" });
  }
  const list = wrt instanceof Variable ? [wrt] : wrt;
  const made = expression.ndim === 0 ? grad(expression, [...list], options) : rows(expression, list, options, "jacobian");
  return wrt instanceof Variable ? (made[0] as Variable) : [...made];
}

/**
 * The matrix of second derivatives of a scalar cost in a vector, for each wrt (a list for a list). Errors: DamoTypeError `hessian-cost`,
 * `hessian-wrt`, and those of grad().
 */
export function hessian(cost: Variable, wrt: Variable, options?: JacobianOptions): Variable;
export function hessian<const W extends readonly Variable[]>(cost: Variable, wrt: W, options?: JacobianOptions): PerVariable<W, Variable>;
export function hessian(cost: Variable, wrt: Variable | readonly Variable[], options: JacobianOptions = {}): Variable | Variable[] {
  if (cost.ndim !== 0) fail("type", "hessian-cost", { what: `hessian() differentiates a scalar, got ${cost}.`, where: String(cost.origin), fix: "reduce it to a number, or use jacobian()" });
  const made = (wrt instanceof Variable ? [wrt] : wrt).map((v) => {
    if (v.ndim !== 1) fail("type", "hessian-wrt", { what: `hessian() differentiates in vectors, got ${v}.`, where: String(v.origin), fix: "write the cost as a function of a vector, and reshape it inside" });
    // A gradient may not depend on the variable any more: then the second is zero.
    return rows(grad(cost, v, options), [v], { ...options, disconnectedInputs: "ignore" }, "hessian")[0] as Variable;
  });
  return wrt instanceof Variable ? (made[0] as Variable) : made;
}
