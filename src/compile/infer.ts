/**
 * Binds shapes: a Value for every variable of a graph, in order, through each op's `shape`. Where a shape depends on the values of a
 * call, it asks for them (NeedValue, NeedScalars) and specialise.ts starts again with those values bound.
 */
import type { Caps } from "../codegen/backend.js";
import { constant, type Expr, rewrite } from "../codegen/ir/expr.js";
import { scalarsIn } from "../codegen/ir/plan.js";
import { iadd, int, isub } from "../codegen/ir/index.js";
import { leavesOf } from "../graph/clone.js";
import type { ShapeContext, Params } from "../graph/op.js";
import { nodeFailure as failureIn, type Seen } from "../graph/report.js";
import { TensorType } from "../graph/types.js";
import { type Apply, Constant, Variable } from "../graph/variable.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { type Family, impossible } from "../util/fail.js";
import type { PlanBuilder } from "./builder.js";
import { type Epoch, isUniform, Value } from "./value.js";

/** The value of this variable decides a shape and is not known on the host: it has to be computed and bound. */
export class NeedValue extends Error {
  readonly variable: Variable;
  constructor(variable: Variable) {
    super();
    this.variable = variable;
  }
}

/** A shape depends on the call's scalars in a way that cannot be proven constant: they have to be bound. */
export class NeedScalars extends Error {}

/** What all scopes of one specialisation share. */
export interface Binding {
  readonly builder: PlanBuilder;
  readonly epoch: Epoch;
  readonly caps: Caps;
  /** Inputs of the function and shared variables, what the host can compute values from, with their values where it has them. */
  readonly leaves: ReadonlyMap<Variable, NdArray | null>;
  /** Values bound because shapes or branches depend on them. */
  readonly bound: ReadonlyMap<Variable, NdArray>;
}

export function constantValueOf(binding: Binding, v: Constant): Value {
  return new Value(binding.builder, binding.epoch, v, v.value.shape, v.value.size === 1 && v.ndim === 0 ? { kind: "scalar", expr: constant(v.value.data[0] as number, v.dtype) } : { kind: "constant", array: v.value });
}

/** Values of an apply's outputs. `valueFor` gives its inputs'. */
export function inferApply(binding: Binding, a: Apply, valueFor: (v: Variable) => Value): Value[] {
  const inputs = a.inputs.map(valueFor);
  const { lower } = a.op.fields;
  const shapes = a.op.fields.shape(shapeContext(binding, a, inputs));
  checkTypes(binding, a, inputs, shapes);
  const sources = groupInputs(binding, a, inputs);
  const outputs = a.outputs.map((o, i) => ({ shape: shapes[i] as Shape, dtype: o.dtype }));
  return a.outputs.map((o, output) => {
    const given = binding.bound.get(o);
    return new Value(binding.builder, binding.epoch, o, given?.shape ?? (shapes[output] as Shape), given ? { kind: "constant", array: given } : { kind: "op", lower, params: a.params, inputs: sources, output, outputs });
  });
}

/** Of an associative op with more inputs than a kernel may have: values of groups of them, each of which can be stored. */
function groupInputs(binding: Binding, a: Apply, inputs: readonly Value[]): readonly Value[] {
  const most = binding.caps.maxParams;
  if (a.op.fields.associative !== true || inputs.length <= most || most < 2) return inputs;
  const size = Math.ceil(inputs.length / Math.ceil(inputs.length / most));
  const groups = Array.from({ length: Math.ceil(inputs.length / size) }, (_, g) => inputs.slice(g * size, (g + 1) * size));
  const { dtype, origin } = a.outputs[0] as Variable;
  return groupInputs(binding, a, groups.map((group) => {
    const shape = a.op.fields.shape(shapeContext(binding, a, group))[0] as Shape;
    const part = new Variable(new TensorType(dtype, shape.map(() => false)), { name: `${a.op} part`, origin });
    return new Value(binding.builder, binding.epoch, part, shape, { kind: "op", lower: a.op.fields.lower, params: a.params, inputs: group, output: 0, outputs: [{ shape, dtype }] });
  }));
}

function shapeContext(binding: Binding, a: Apply, inputs: readonly Value[]): ShapeContext<Params> {
  return {
    params: a.params,
    shapes: inputs.map((x) => x.shape),
    inputs: a.inputs.map((v) => v.type),
    ints: (i) => inputs[i]?.ints() ?? need(inputs[i] as Value),
    peek: (i) => inputs[i]?.ints() ?? null,
    known: (i) => knownNumber(binding, inputs[i] as Value),
    fixed: fixedNumber,
    guard: (e) => {
      if (!isUniform(e)) impossible("a guard over device data");
      for (const end of atEnds(binding.builder, e)) {
        if (end.kind === "const" && end.value < 0) throw nodeFailure(binding, "index", "index-range-in-loop", a, inputs, `index out of bounds: in some step of a loop a position leaves its axis by ${-end.value}.`, "keep positions inside the axis in every step");
        binding.builder.guard(end);
      }
    },
    fail: (code, what, fix, family = "value") => {
      throw nodeFailure(binding, family, code, a, inputs, what, fix);
    },
  };
}

/** The number that an expression over plan scalars always has; throws NeedScalars where it varies. */
export function fixedNumber(e: Expr): number {
  const simple = iadd(e, int(0));
  if (simple.kind !== "const") throw new NeedScalars();
  return simple.value;
}

/** Computed from the call's scalars it can be bound; from a loop's index or data of the device it cannot. */
function knownNumber(binding: Binding, v: Value): number | null {
  const [e] = v.ints() ?? [];
  if (e === undefined) return null;
  if (e.kind === "const") return e.value;
  const isOutside = leavesOf([v.variable]).every((leaf) => leaf instanceof Constant || binding.leaves.has(leaf));
  return isOutside ? need(v) : null;
}

/**
 * A condition on loop indices as conditions on call scalars: in the first step and in the last. Positions grow or fall with the index, so all
 * others are between. A loop of no steps asks nothing.
 */
export function atEnds(builder: PlanBuilder, e: Expr): Expr[] {
  const index = scalarsIn(e).find((s) => builder.loops.has(s));
  const count = index === undefined ? undefined : builder.loops.get(index);
  if (count === undefined) return [e];
  if (count.kind === "const" && count.value <= 0) return [];
  const at = (step: Expr): Expr => iadd(rewrite([e], (x) => (x.kind === "scalar" && x.id === index ? step : x))[0] as Expr, int(0));
  return [at(int(0)), at(isub(count, int(1)))].flatMap((end) => atEnds(builder, end));
}

/** By the variable that the value is of: inside a loop it may be one from outside under another name. */
function need(v: Value): never {
  throw new NeedValue(v.variable);
}

/** An error in a node, with what is known of its inputs. */
export function nodeFailure(binding: Binding, family: Family, code: string, a: Apply, inputs: readonly Value[], what: string, fix: string): Error {
  const seen = inputs.map(({ shape, dtype, source, variable }): Seen => {
    const value = source.kind === "constant" ? source.array : (binding.leaves.get(variable) ?? null);
    return { shape, dtype, value, name: variable.name };
  });
  return failureIn(family, code, a, seen, what, fix);
}

/** An axis that the type says stretches must have length 1. */
function checkTypes(binding: Binding, a: Apply, inputs: readonly Value[], shapes: readonly Shape[]): void {
  a.outputs.forEach((o, i) => {
    const shape = shapes[i] as Shape;
    if (shape.length !== o.ndim) impossible(`${a.op} inferred shape (${shape.join(", ")}) for ${o.type}`);
    const bad = o.broadcastable.findIndex((b, axis) => b && shape[axis] !== 1);
    if (bad >= 0) throw nodeFailure(binding, "value", "broadcast-length", a, inputs, `Axis ${bad} of ${o} is declared to have length 1 and has ${shape[bad]}.`, "declare it without broadcasting, or give it length 1");
  });
}

/** The number of a 0-d value that is known on the host, as an expression; asks for the value otherwise. */
export const hostNumber = (v: Value): Expr => v.ints()?.[0] ?? need(v);
