/**
 * Specialise: a rewritten graph with bound shapes -> a Plan and how to feed it. Where shapes depend on values of the call, the values are
 * bound and the graph is specialised for them. Must not know devices beyond their Caps. Next: executable.ts runs it.
 */
import type { Caps } from "../codegen/backend.js";
import { isFloat, type DType } from "../codegen/ir/dtype.js";
import { constant, type Expr, scalar } from "../codegen/ir/expr.js";
import { finishPlan, type Plan } from "../codegen/ir/plan.js";
import type { Variable } from "../graph/variable.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { fail, impossible } from "../util/fail.js";
import { PlanBuilder } from "./builder.js";
import { withoutDead } from "./dead.js";
import { NeedScalars, NeedValue } from "./infer.js";
import { Scope, type ScopeContext } from "./scope.js";
import { type Epoch, Value } from "./value.js";

/** A leaf of the graph as this call gives it: its shape, and its value where it travels as a plan scalar. */
export interface Leaf {
  readonly variable: Variable;
  readonly shape: Shape;
  /** 0-d inputs and 0-d integer shared variables are plan scalars: index arithmetic happens on the host. */
  readonly scalar: number | null;
  /** Its value where the host has it; for errors. */
  readonly value: NdArray | null;
}

/** What becomes of one output. */
export type Result =
  | { readonly kind: "device"; /** Position in plan.outputs. */ readonly at: number }
  /** Computed on the host from the call's scalars: no launch. */
  | { readonly kind: "host"; readonly expr: Expr; readonly dtype: DType };

export interface Specialised {
  readonly plan: Plan;
  readonly guards: readonly Expr[];
  /** For each plan input: the leaf that feeds it. */
  readonly feeds: readonly number[];
  /** For each plan scalar of a call: the leaf. */
  readonly scalarFeeds: readonly number[];
  readonly results: readonly Result[];
  readonly shapes: readonly Shape[];
  /** Why values were bound, for explain(). */
  readonly notes: readonly string[];
}

/** What a specialisation may depend on besides shapes. */
export interface Bound {
  /** Which scalars of the call are bound to their values. Shapes come from whole numbers: a learning rate stays free beside them. */
  readonly scalars: "free" | "ints" | "all";
  readonly values: ReadonlyMap<Variable, NdArray>;
}

/** What is bound next where that is not enough; null where nothing is left. */
export const MORE_SCALARS = { free: "ints", ints: "all", all: null } as const;

const isBound = ({ variable, scalar: value }: Leaf, scalars: Bound["scalars"]): boolean => value !== null && (scalars === "all" || (scalars === "ints" && !isFloat(variable.dtype)));

export const shapesOf = (leaves: readonly Leaf[]): string => leaves.map((l) => l.shape.join("x")).join(";");

/** What a plan is kept by: the shapes of the leaves, and all that is bound. */
export function planKey(shapes: string, leaves: readonly Leaf[], { scalars, values }: Bound): string {
  const bound = leaves.filter((l) => isBound(l, scalars)).map((l) => l.scalar);
  return [shapes, scalars, bound.join(","), ...[...values.values()].map((x) => `${x.shape.join("x")}:${x.data.join(",")}`)].join("|");
}

/** Makes the plan; throws NeedValue or NeedScalars where more has to be bound. */
export function specialise(outputs: readonly Variable[], leaves: readonly Leaf[], caps: Caps, bound: Bound): Specialised {
  const builder = new PlanBuilder();
  const epoch: Epoch = { now: 0, depth: 0 };
  const scope = new Scope(contextOf(builder, epoch, caps, bound, new Map(leaves.map((l) => [l.variable, l.value]))));
  const values = leaves.map((leaf) => leafValue(builder, epoch, leaf, bound));
  leaves.forEach((leaf, i) => scope.define(leaf.variable, values[i] as Value));
  const scalarInputs = builder.scalars.length;
  scope.infer(outputs);
  const hosted = outputs.map((o) => hostResult(scope.value(o)));
  const stored = outputs.filter((_, i) => hosted[i] === null);
  scope.emit(stored);
  const slots: number[] = [];
  const results = outputs.map((o, i): Result => {
    const host = hosted[i];
    return host ? { kind: "host", expr: host, dtype: o.dtype } : { kind: "device", at: slots.push(scope.store(scope.value(o))) - 1 };
  });
  const feeds = leaves.flatMap((_, i) => ((values[i] as Value).slot === null || (values[i] as Value).source.kind !== "input" ? [] : [i]));
  const plan = finishPlan(withoutDead({
    slots: builder.slots, scalars: builder.scalars, scalarInputs, constants: builder.constants, steps: scope.steps, outputs: slots,
    inputs: feeds.map((i) => (values[i] as Value).slot as number),
  }));
  checkDTypes(plan, caps, outputs, scope);
  return {
    plan, guards: builder.guards, feeds, results, shapes: outputs.map((o) => scope.value(o).shape),
    scalarFeeds: leaves.flatMap((leaf, i) => (leaf.scalar !== null && !isBound(leaf, bound.scalars) && !bound.values.has(leaf.variable) ? [i] : [])),
    notes: [...(bound.scalars === "free" ? [] : [SCALAR_NOTES[bound.scalars]]), ...[...bound.values.keys()].map((v) => `a shape or a branch depends on the value of ${v}: it is computed on the host at each call`)],
  };
}

const SCALAR_NOTES = {
  ints: "shapes depend on the whole numbers among the scalars of the call: one plan for each of their values",
  all: "shapes depend on the scalars of the call: one plan for each of their values",
} as const;

function contextOf(builder: PlanBuilder, epoch: Epoch, caps: Caps, bound: Bound, leaves: ReadonlyMap<Variable, NdArray | null>): ScopeContext {
  const context: ScopeContext = { builder, epoch, caps, leaves, bound: bound.values, newScope: () => new Scope(context) };
  return context;
}

function leafValue(builder: PlanBuilder, epoch: Epoch, leaf: Leaf, bound: Bound): Value {
  const given = bound.values.get(leaf.variable);
  const { dtype } = leaf.variable;
  if (given) return new Value(builder, epoch, leaf.variable, given.shape, { kind: "constant", array: given });
  if (leaf.scalar === null) return new Value(builder, epoch, leaf.variable, leaf.shape, { kind: "input" });
  const expr = isBound(leaf, bound.scalars) ? constant(leaf.scalar, dtype) : scalar(builder.newScalar(dtype), dtype);
  return new Value(builder, epoch, leaf.variable, [], { kind: "scalar", expr });
}

/** 0-d results that need no device data are computed on the host. */
function hostResult(v: Value): Expr | null {
  return v.shape.length === 0 ? (v.ints()?.[0] ?? null) : null;
}

function checkDTypes(plan: Plan, caps: Caps, outputs: readonly Variable[], scope: Scope): void {
  const bad = plan.slots.find((s) => !caps.dtypes.includes(s.dtype));
  if (!bad) return;
  const culprit = outputs.map((o) => scope.value(o)).find((v) => v.dtype === bad.dtype);
  fail("unsupported", "device-dtype", {
    what: `${caps.description} has no ${bad.dtype} buffers, and this function needs one for '${bad.label}'.`, where: culprit ? String(culprit.variable.origin) : undefined,
    fix: isFloat(bad.dtype) ? "use floatX=float32 and float32 inputs, or a device with float64, such as reference" : "cast it to a dtype that the device has",
  });
}

/** Specialises, binding what has to be bound; `valueFor` computes the value of a variable on the host for this call. */
export async function specialiseFor(
  outputs: readonly Variable[], leaves: readonly Leaf[], caps: Caps, start: Bound, valueFor: (v: Variable) => Promise<NdArray>,
): Promise<{ made: Specialised; bound: Bound }> {
  let bound = start;
  for (;;) {
    try {
      return { made: specialise(outputs, leaves, caps, bound), bound };
    } catch (e) {
      const more = MORE_SCALARS[bound.scalars];
      if (e instanceof NeedValue && bound.values.has(e.variable)) impossible(`${e.variable} is bound and still asked for`);
      if (e instanceof NeedValue) bound = { scalars: bound.scalars, values: new Map([...bound.values, [e.variable, await valueFor(e.variable)]]) };
      else if (e instanceof NeedScalars && more !== null) bound = { scalars: more, values: bound.values };
      else throw e;
    }
  }
}
