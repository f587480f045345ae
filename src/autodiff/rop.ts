/**
 * Lop and Rop: a Jacobian times a vector, from the left and from the right (theano/gradient.py). The first is a gradient with known cotangents. It is
 * linear in them, so the second is the gradient of the first in the cotangents (Townsend 2017), and no op needs a rule of its own for it.
 */
import { substituteVariables } from "../graph/clone.js";
import { Variable } from "../graph/variable.js";
import { add } from "../ops/elementwise.js";
import { gradientDType } from "../ops/elementwise_kit.js";
import { zeroGradient } from "../ops/fill.js";
import { tensorCopy } from "../ops/identities.js";
import { fail } from "../util/fail.js";
import { grad, type PerVariable, type PlainGradOptions } from "./grad.js";

/** Of the options of grad(), those of Jacobians and of products with them. */
export type JacobianOptions = Pick<PlainGradOptions, "considerConstant" | "disconnectedInputs">;
type OneOrMany = Variable | readonly Variable[];
const listed = (x: OneOrMany): readonly Variable[] => (x instanceof Variable ? [x] : x);

function checkPoints(name: string, of: readonly Variable[], points: readonly Variable[]): void {
  if (of.length !== points.length) fail("value", "eval-points-count", { what: `${name}() got ${points.length} evaluation points for ${of.length} variables.`, fix: "give one for each" });
  const bad = of.findIndex((v, i) => v.ndim !== points[i]?.ndim);
  if (bad >= 0) {
    fail("value", "eval-points-rank", {
      what: `Element ${bad} of the variables and of the evaluation points of ${name}() have mismatched dimensionality: ${of[bad]?.ndim} versus ${points[bad]?.ndim}.`,
      where: String(points[bad]?.origin), fix: "give a point of the variable's rank",
    });
  }
}

/**
 * The sum over f of evalPoints . d f / d wrt, one result for each wrt (a list for a list). Errors: `eval-points-count`, `eval-points-rank`, and
 * those of grad().
 */
export function Lop(f: OneOrMany, wrt: Variable, evalPoints: OneOrMany, options?: JacobianOptions): Variable;
export function Lop<const W extends readonly Variable[]>(f: OneOrMany, wrt: W, evalPoints: OneOrMany, options?: JacobianOptions): PerVariable<W, Variable>;
export function Lop(f: OneOrMany, wrt: OneOrMany, evalPoints: OneOrMany, options: JacobianOptions = {}): Variable | Variable[] {
  const [fs, points] = [listed(f), listed(evalPoints)];
  checkPoints("Lop", fs, points);
  const made = grad(null, [...listed(wrt)], { ...options, knownGrads: fs.map((v, i) => [v, points[i] as Variable] as const) });
  return wrt instanceof Variable ? (made[0] as Variable) : made;
}

export interface RopOptions {
  /** What to do where an output depends on no wrt: throw DisconnectedInputError (default), warn, or nothing. */
  readonly disconnectedOutputs?: "raise" | "warn" | "ignore" | undefined;
  /** What stands for such an output: zeros (default), null, or the word. */
  readonly returnDisconnected?: "zero" | "none" | "disconnected" | undefined;
}

/** Of one output; null where it is disconnected. */
function along(f: Variable, wrt: readonly Variable[], points: readonly Variable[]): Variable | null {
  const u = new Variable(f.type.withDType(gradientDType(f)), { name: f.name, origin: f.origin });
  const pulled = grad(null, wrt, { knownGrads: [[f, u]], disconnectedInputs: "ignore", returnDisconnected: "none", addNames: false });
  // A pulled-back cotangent may be another's input: each is walked from a name of its own.
  const known = pulled.flatMap((g, i) => (g instanceof Variable ? [[tensorCopy(g), points[i] as Variable] as const] : []));
  if (known.length === 0) return null;
  const made = grad(null, u, { knownGrads: known, disconnectedInputs: "ignore", addNames: false });
  // Of the cotangent itself only the shape is read, which is that of f.
  return substituteVariables([made], new Map([[u, zeroGradient(f)]]))[0] as Variable;
}

function disconnected(f: Variable, { disconnectedOutputs = "raise", returnDisconnected = "zero" }: RopOptions): Variable | null | "disconnected" {
  const what = `Rop() was asked for the derivative of ${f}, which depends on none of the variables.`;
  if (disconnectedOutputs === "raise") fail("disconnected", "rop-disconnected", { what, where: String(f.origin), fix: 'leave it out of f, or pass disconnectedOutputs: "ignore" for zeros' });
  if (disconnectedOutputs === "warn") console.warn(what);
  return returnDisconnected === "zero" ? zeroGradient(f) : returnDisconnected === "none" ? null : "disconnected";
}

/**
 * The sum over wrt of d f / d wrt . evalPoints, one result for each f (a list for a list). Errors: `eval-points-count`, `eval-points-rank`,
 * DisconnectedInputError `rop-disconnected`, and those of grad().
 */
export function Rop(f: Variable, wrt: OneOrMany, evalPoints: OneOrMany, options?: RopOptions): Variable;
export function Rop<const F extends readonly Variable[]>(f: F, wrt: OneOrMany, evalPoints: OneOrMany, options?: RopOptions): PerVariable<F, Variable>;
export function Rop(f: OneOrMany, wrt: OneOrMany, evalPoints: OneOrMany, options: RopOptions = {}): unknown {
  const [vs, points] = [listed(wrt), listed(evalPoints)];
  checkPoints("Rop", vs, points);
  const made = listed(f).map((y) => along(y, vs, points) ?? disconnected(y, options));
  return f instanceof Variable ? made[0] : made;
}

/** The Hessian of a cost times vectors p, one for each wrt, as the gradient of grad . p: one product for each wrt. Errors: `eval-points-count`, `eval-points-rank`. */
export function hessianVectorProduct(cost: Variable, wrt: Variable, p: Variable, options?: PlainGradOptions): Variable;
export function hessianVectorProduct<const W extends readonly Variable[]>(cost: Variable, wrt: W, p: readonly Variable[], options?: PlainGradOptions): PerVariable<W, Variable>;
export function hessianVectorProduct(cost: Variable, wrt: OneOrMany, p: OneOrMany, options: PlainGradOptions = {}): Variable | Variable[] {
  const [vs, points] = [listed(wrt), listed(p)];
  checkPoints("hessianVectorProduct", vs, points);
  const first = grad(cost, vs, options);
  const dots = first.map((g, i) => g.mul(points[i] as Variable).sum());
  const made = grad(dots.reduce((a, b) => add(a, b)), vs, { ...options, disconnectedInputs: "ignore" });
  return wrt instanceof Variable ? (made[0] as Variable) : [...made];
}
