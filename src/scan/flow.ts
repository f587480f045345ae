/**
 * One step differentiated: cotangents of a step's rows, states and constants from those of its results, and which of them are connected at
 * all when the cotangents travel from step to step. Must not know how steps are repeated; that is scan_grad.ts.
 */
import { grad, type GradResult } from "../autodiff/grad.js";
import { isFloat } from "../codegen/ir/dtype.js";
import { constantValue } from "../graph/rule.js";
import { apply1, Variable } from "../graph/variable.js";
import { dimShuffleOp } from "../ops/dimshuffle.js";
import { gradientDType } from "../ops/elementwise_kit.js";
import type { ScanParts } from "./parts.js";

/** A cotangent; or connected and zero; or undefined; or null: not connected. */
export type Flow = Variable | "zero" | "undefined" | null;

export interface StepGradient {
  readonly rows: readonly Flow[];
  readonly carries: readonly Flow[];
  readonly constants: readonly Flow[];
  /** Variables that stand for the cotangents of next states, by number of the carry: those that have one. */
  readonly states: ReadonlyMap<number, Variable>;
  /** Likewise for the stacked values. */
  readonly stacked: ReadonlyMap<number, Variable>;
}

type Results = readonly (readonly [Variable, Variable])[];

/** d(results . cotangents) / d wrt. A result may be another's input, or the same variable twice: each is walked from a name of its own. */
function backThrough(results: Results, wrt: readonly Variable[]): Flow[] {
  if (results.length === 0) return wrt.map(() => null);
  const knownGrads = results.map(([v, g]) => [apply1(dimShuffleOp, [v], { order: v.broadcastable.map((_, a) => a) }), g] as const);
  const found: GradResult[] = grad(null, wrt, { knownGrads, disconnectedInputs: "ignore", returnDisconnected: "none", nullGradients: "return", addNames: false });
  return found.map((g, i) => (g === null || g === "undefined" ? g : !(g instanceof Variable) ? null : constantValue(g) === 0 || !isFloat((wrt[i] as Variable).dtype) ? "zero" : g));
}

const cotangentOf = (v: Variable): Variable => new Variable(v.type.withDType(gradientDType(v)), { name: v.name === null ? null : `d${v.name}`, origin: v.origin });

/**
 * Flows through one step where final states and stacked outputs have these cotangents (null: none). A state is connected when a later step
 * connects it, so this is repeated until nothing is added; whole-number states carry no cotangent.
 */
export function flowsThrough(parts: ScanParts, final: readonly (Variable | null)[], outputs: readonly (Variable | null)[]): StepGradient {
  const wrt = [...parts.sequences, ...parts.carries, ...parts.constants].map((p) => p.inner);
  const offset = parts.sequences.length;
  const stacked = new Map<number, Variable>();
  outputs.forEach((g, k) => {
    if (g !== null) stacked.set(k, cotangentOf(parts.stacked[k]?.value as Variable));
  });
  const fromStacked: Results = [...stacked].map(([k, g]) => [parts.stacked[k]?.value as Variable, g]);
  const cotangents = parts.carries.map((c) => cotangentOf(c.inner));
  const marks: Flow[] = final.map((g, i) => (g === null ? null : (cotangents[i] as Variable)));
  const fromStates = (mark: (m: Flow) => boolean): Results => marks.flatMap((m, i) => (mark(m) ? [[parts.carries[i]?.next as Variable, cotangents[i] as Variable]] : []));
  for (;;) {
    const found = backThrough([...fromStates((m) => m instanceof Variable), ...fromStacked], wrt);
    const zero = backThrough(fromStates((m) => m === "zero"), wrt);
    const broken = backThrough(fromStates((m) => m === "undefined"), wrt);
    const flows = wrt.map((_, i): Flow => (broken[i] !== null ? "undefined" : (found[i] ?? (zero[i] === null ? null : "zero"))));
    const changed = marks.map((m, i) => stronger(m, flows[offset + i] as Flow, cotangents[i] as Variable));
    if (changed.every((m, i) => m === marks[i])) {
      const states = new Map(marks.flatMap((m, i) => (m instanceof Variable ? [[i, m] as const] : [])));
      return { rows: flows.slice(0, offset), carries: initial(flows.slice(offset, offset + marks.length), marks), constants: flows.slice(offset + marks.length), states, stacked };
    }
    marks.splice(0, marks.length, ...changed);
  }
}

/** Undefined wins over a cotangent, that over zero, zero over nothing. */
function stronger(mark: Flow, flow: Flow, cotangent: Variable): Flow {
  if (mark === "undefined" || flow === "undefined") return "undefined";
  if (mark instanceof Variable || flow instanceof Variable) return cotangent;
  return mark ?? flow;
}

/** A state with a cotangent after the last step has one before the first: with zero steps they are the same. */
const initial = (flows: readonly Flow[], marks: readonly Flow[]): Flow[] => flows.map((f, i) => (marks[i] instanceof Variable && f === null ? "zero" : f));
