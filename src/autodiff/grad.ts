/**
 * grad: reverse-mode differentiation of a graph, with Theano's meaning (theano/gradient.py): connection, zero, undefined gradients, dtype rules.
 * It walks applies from the cost back to `wrt`, iteratively, and asks each op's record for its terms. Must not know any particular op but
 * those that shape a cotangent (fill, sum, cast, add). Next: walk.ts does the walk; this file checks arguments and makes results.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import { onBehalfOf } from "../graph/origin.js";
import { scalarConstant, Variable } from "../graph/variable.js";
import { fill } from "../ops/elementwise.js";
import { gradientDType } from "../ops/elementwise_kit.js";
import { zeroGradient } from "../ops/fill.js";
import { fail } from "../util/fail.js";
import { type Cotangent, isUndefined, type Undefined, walkBack } from "./walk.js";

export interface PlainGradOptions {
  /** Variables through which nothing flows back. By identity: `f(z)` written twice is two variables. Nothing is inserted in the graph. */
  readonly considerConstant?: readonly Variable[];
  /** Gradients that are known already; with them the cost may be null. They replace what the walk would find for these variables. */
  readonly knownGrads?: ReadonlyMap<Variable, Variable> | readonly (readonly [Variable, Variable])[];
  /** What to do when the cost does not depend on a `wrt`: throw DisconnectedInputError (default), warn, or nothing. */
  readonly disconnectedInputs?: "raise" | "warn" | "ignore";
  /** Name results `(dcost/dx)` where cost and x have names. Default true. */
  readonly addNames?: boolean;
  readonly returnDisconnected?: "zero";
  readonly nullGradients?: "raise";
}

export interface GradOptions extends Omit<PlainGradOptions, "returnDisconnected" | "nullGradients"> {
  /** What stands for the gradient of a disconnected `wrt`: zeros (default), null, or the word. Theano's words mean the same. */
  readonly returnDisconnected?: "zero" | "none" | "disconnected" | "None" | "Disconnected";
  /** Whether an undefined gradient throws NullTypeGradError (default) or comes back as the word `undefined`. */
  readonly nullGradients?: "raise" | "return";
}

/** A gradient, or what the options ask for in its absence. */
export type GradResult = Variable | null | "disconnected" | "undefined";

/** One entry for each variable of a list: destructuring a literal list needs no cast. */
export type PerVariable<W extends readonly Variable[], R> = { -readonly [K in keyof W]: R };

type Known = ReadonlyMap<Variable, Variable>;

/**
 * d cost / d wrt, for one variable or a list (a list comes back). The cost is 0-d; gradients have the type of their variable, floatX for
 * integers. Errors: `grad-cost-scalar`, `grad-cost-missing`, `grad-wrt`, `grad-known`, `grad-option`, DisconnectedInputError `grad-disconnected`,
 * NullTypeGradError `grad-undefined`.
 */
export function grad(cost: Variable | null, wrt: Variable, options?: PlainGradOptions): Variable;
export function grad<const W extends readonly Variable[]>(cost: Variable | null, wrt: W, options?: PlainGradOptions): PerVariable<W, Variable>;
export function grad(cost: Variable | null, wrt: Variable, options: GradOptions): GradResult;
export function grad<const W extends readonly Variable[]>(cost: Variable | null, wrt: W, options: GradOptions): PerVariable<W, GradResult>;
export function grad(cost: Variable | null, wrt: Variable | readonly Variable[], options: GradOptions = {}): GradResult | GradResult[] {
  const known: Known = new Map(options.knownGrads ?? []);
  const targets = wrt instanceof Variable ? [wrt] : checkedWrt(wrt);
  checkOptions(options);
  checkCost(cost, known);
  const start = new Map<Variable, Cotangent>();
  if (cost !== null) start.set(cost, onBehalfOf(cost.origin, () => fill(cost, scalarConstant(1, gradientDType(cost)))));
  for (const [v, g] of known) start.set(v, g);
  const found = walkBack(start, targets, new Set(options.considerConstant ?? []));
  const results = targets.map((v) => {
    const result = resultFor(v, found.get(v), cost, options);
    if (result instanceof Variable && options.addNames !== false && result.owner !== null && cost?.name && v.name) result.name ??= `(d${cost.name}/d${v.name})`;
    return result;
  });
  return wrt instanceof Variable ? (results[0] as GradResult) : results;
}

function checkedWrt(wrt: unknown): readonly Variable[] {
  if (!Array.isArray(wrt) || wrt.some((v) => !(v instanceof Variable))) {
    fail("type", "grad-wrt", { what: "grad() takes a variable or a list of variables as its second argument.", fix: "pass a symbolic variable, or an array of them (a Set has no order that results could match)" });
  }
  return wrt as readonly Variable[];
}

const CHOICES = {
  disconnectedInputs: ["raise", "warn", "ignore"],
  returnDisconnected: ["zero", "none", "disconnected"],
  nullGradients: ["raise", "return"],
} as const;

function checkOptions(options: GradOptions): void {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const given = options[name as keyof typeof CHOICES];
    if (given !== undefined && !(choices as readonly string[]).includes(String(given).toLowerCase())) {
      fail("value", "grad-option", { what: `grad() does not know ${name}: "${given}".`, fix: `use one of ${choices.join(", ")}` });
    }
  }
}

function checkCost(cost: Variable | null, known: Known): void {
  if (cost === null) {
    if (known.size === 0) fail("value", "grad-cost-missing", { what: "grad() got neither a cost nor knownGrads.", fix: "pass a 0-d cost, or knownGrads for the variables to start from" });
  } else if (cost.ndim !== 0) {
    fail("type", "grad-cost-scalar", { what: `cost must be a scalar, got ${cost}.`, where: String(cost.origin), fix: "reduce it to a number, with T.sum(cost) or T.mean(cost)" });
  }
  for (const [v, g] of known) {
    if (!(g instanceof Variable) || !isFloat(g.dtype) || g.ndim !== v.ndim) {
      fail("type", "grad-known", { what: `The known gradient of ${v} is ${String(g)}.`, where: String(v.origin), fix: "give a float variable of the same rank; gradients are never integers" });
    }
  }
}

function resultFor(v: Variable, found: Cotangent | undefined, cost: Variable | null, options: GradOptions): GradResult {
  if (found instanceof Variable) return found;
  if (found === undefined) return disconnected(v, cost, options);
  if (isUndefined(found)) return options.nullGradients === "return" ? "undefined" : undefinedGradient(v, found);
  return onBehalfOf(v.origin, () => zeroGradient(v));
}

function disconnected(v: Variable, cost: Variable | null, options: GradOptions): GradResult {
  const what = `grad() was asked for the gradient with respect to ${v}, on which the cost does not depend, or only through ops that use its shape.`;
  const mode = options.disconnectedInputs ?? "raise";
  if (mode === "raise") {
    fail("disconnected", "grad-disconnected", {
      what,
      where: String(v.origin),
      saw: [cost === null ? "no cost, only knownGrads" : `cost: ${cost}, made at ${cost.origin}`],
      fix: "leave it out of wrt, or pass disconnectedInputs: \"ignore\" for a gradient of zeros",
    });
  }
  if (mode === "warn") console.warn(what);
  switch ((options.returnDisconnected ?? "zero").toLowerCase()) {
    case "zero": return onBehalfOf(v.origin, () => zeroGradient(v));
    case "none": return null;
    default: return "disconnected";
  }
}

function undefinedGradient(v: Variable, { node, input }: Undefined): never {
  return fail("nullGrad", "grad-undefined", {
    what: `The gradient with respect to ${v} is undefined: it would pass through input ${input} of '${node.op}', which has no gradient.`,
    where: String(v.origin),
    saw: [`'${node.op}' made at ${node.outputs[0]?.origin}`, ...node.inputs.map((x, i) => `input ${i}: ${x}`)],
    fix: "name the variable on the way in considerConstant, or write the cost without that op",
  });
}
