/**
 * Lowers a scan node to a loop step. The body is a scope of its own: sequences are read by row, carries alternate between two slots,
 * stacked outputs are written by row, and whatever does not change is computed before the loop. Must not know devices.
 */
import { allocate } from "../codegen/ir/dtype.js";
import { axes, scalar, type Expr } from "../codegen/ir/expr.js";
import { int, isub } from "../codegen/ir/index.js";
import type { Carry, SlotRef } from "../codegen/ir/plan.js";
import { leavesOf } from "../graph/clone.js";
import { appliesOf } from "../graph/function_graph.js";
import type { Apply, Variable } from "../graph/variable.js";
import type { Shape } from "../numpy/ndarray.js";
import { impossible } from "../util/fail.js";
import { bodyInputs, scanInputs, scanOutputs, type ScanParams } from "../scan/scan_params.js";
import { costOf } from "./cost.js";
import { atEnds, fixedNumber, hostNumber, NeedValue, nodeFailure } from "./infer.js";
import type { Scope, ScopeContext } from "./scope.js";
import { Value } from "./value.js";

/** A scan whose shapes are bound and whose steps are still to be emitted. */
export interface BoundLoop {
  readonly body: Scope;
  readonly index: number;
  readonly count: Expr;
  readonly currents: readonly Value[];
}

/** Binds the shapes of a scan: gives the values of its outputs and the body to emit. */
export function inferLoop(context: ScopeContext, a: Apply, valueFor: (v: Variable) => Value): { loop: BoundLoop; outputs: Value[] } {
  const p = a.params as unknown as ScanParams;
  const inputs = a.inputs.map(valueFor);
  const { steps, sequences, carries, constants } = scanInputs(inputs, p);
  const inner = bodyInputs(p.body.inputs, p);
  const count = hostNumber(steps);
  checkLengths(context, a, inputs, count, sequences);
  checkCount(context, a, p, count);
  const index = context.builder.newScalar("int32");
  context.builder.loops.set(index, count);
  const body = context.newScope();
  const make = (v: Variable, shape: Shape, source: Value["source"]): Value => new Value(context.builder, context.epoch, v, shape, source);
  inner.rows.forEach((v, i) => {
    const of = sequences[i] as Value;
    body.define(v, make(v, of.shape.slice(1), { kind: "row", of, at: scalar(index, "int32") }));
  });
  const currents = inner.carries.map((v, i) => make(v, (carries[i] as Value).shape, { kind: "input" }));
  inner.carries.forEach((v, i) => body.define(v, currents[i] as Value));
  inner.constants.forEach((v, i) => body.define(v, constants[i] as Value));
  inferBody(context, body, p, a, inputs);
  const after = scanOutputs(p.body.outputs, p);
  after.carries.forEach((v, i) => {
    const now = (carries[i] as Value).shape;
    const next = body.value(v).shape;
    if (now.some((d, axis) => d !== next[axis])) {
      throw nodeFailure(context, "value", "scan-carry-shape", a, inputs, `scan's state ${i} starts with shape (${now.join(", ")}) and becomes (${next.join(", ")}) after a step.`, "return states of the shape of their initial values");
    }
  });
  const length = p.keep.includes("all") ? fixedCount(context, a, count) : 0;
  const outputs = a.outputs.map((o, i) => {
    const stacked = i - p.carries;
    const row = stacked < 0 ? (carries[i] as Value).shape : body.value(after.stacked[stacked] as Variable).shape;
    const given = context.bound.get(o);
    return make(o, stacked >= 0 && p.keep[stacked] === "all" ? [length, ...row] : row, given === undefined ? { kind: "input" } : { kind: "constant", array: given });
  });
  return { loop: { body, index, count, currents }, outputs };
}

/** Values of a step are on the device, and differ from step to step: no shape can depend on them. */
function inferBody(context: ScopeContext, body: Scope, p: ScanParams, a: Apply, inputs: readonly Value[]): void {
  try {
    body.infer(p.body.outputs);
  } catch (e) {
    const changing = new Set(p.body.inputs);
    if (!(e instanceof NeedValue) || !leavesOf([e.variable]).some((v) => changing.has(v))) throw e;
    throw nodeFailure(context, "unsupported", "scan-step-shape", a, inputs, `In a step of scan a shape depends on the value of ${e.variable} (made at ${e.variable.origin}), which is computed in that step.`, "give all steps the same shapes, and mask what is too much with T.switch");
  }
}

/** A last step is there only if there is a step. */
function checkCount(context: ScopeContext, a: Apply, p: ScanParams, count: Expr): void {
  const least = p.keep.includes("last") ? 1 : 0;
  if (count.kind !== "const") for (const end of atEnds(context.builder, isub(count, int(least)))) context.builder.guard(end);
  else if (count.value < 0) negativeSteps(context, a, count.value);
  else if (count.value < least) throw nodeFailure(context, "index", "scan-no-last", a, [], "The last step of a scan was asked for, and it ran no step.", "run at least one step");
}

function negativeSteps(context: ScopeContext, a: Apply, n: number): never {
  throw nodeFailure(context, "value", "scan-negative-steps", a, [], `scan was asked for ${n} steps.`, "pass nSteps >= 0, and goBackwards to go backwards");
}

function fixedCount(context: ScopeContext, a: Apply, count: Expr): number {
  const n = fixedNumber(count);
  if (n < 0) negativeSteps(context, a, n);
  return n;
}

function checkLengths(context: ScopeContext, a: Apply, inputs: readonly Value[], count: Expr, sequences: readonly Value[]): void {
  for (const s of sequences) {
    const room = isub(int(s.shape[0] as number), count);
    for (const end of atEnds(context.builder, room)) {
      if (end.kind !== "const") context.builder.guard(end);
      else if (end.value < 0) throw nodeFailure(context, "value", "scan-sequence-short", a, inputs, `scan was asked for more steps than its sequence ${s.label} of length ${s.shape[0]} has.`, "make nSteps at most the length of the shortest sequence");
    }
  }
}

/** Emits the loop into the scope that holds the scan node. */
export function lowerLoop(outer: Scope, a: Apply, loop: BoundLoop): void {
  const p = a.params as unknown as ScanParams;
  const { builder, epoch } = outer.context;
  const { sequences, carries, constants } = scanInputs(a.inputs.map((v) => outer.value(v)), p);
  for (const v of [...sequences, ...constants]) if (v.slot === null && v.source.kind === "op" && costOf(v.at(axes(v.shape))).work > 0) outer.store(v);
  const inMemory = neededInMemory(p);
  bodyInputs(p.body.inputs, p).constants.forEach((v, i) => {
    if (inMemory.has(v)) outer.store(constants[i] as Value);
  });
  const init = carries.map((v) => outer.store(v));
  if (loop.count.kind === "const" && loop.count.value === 0 && p.keep.every((k) => k === "all")) {
    skipLoop(outer, a, p, init);
    return;
  }
  const current = loop.currents.map((v) => (v.slot = builder.newSlot(v.dtype, v.shape, v.label)));
  const after = scanOutputs(p.body.outputs, p);
  const results = scanOutputs(a.outputs.map((o) => outer.value(o)), p);
  const rows = stackedTargets(outer, loop, after.stacked, results.stacked, after.carries, p);
  loop.body.emit([...after.carries, ...after.stacked].filter((v) => v.owner !== null), rows.targets);
  const next = nextSlots(loop, after.carries, current, rows.targets);
  const final = results.carries.map((v) => (v.slot = builder.newSlot(v.dtype, v.shape, `${v.label} final`)));
  after.stacked.forEach((v, i) => finishStacked(loop, v, results.stacked[i] as Value, p.keep[i] as "all" | "last", rows, { vars: after.carries, final }));
  epoch.now++;
  const all: Carry[] = init.map((from, i) => ({ init: from, current: current[i] as number, next: next[i] as number, final: final[i] as number }));
  outer.steps.push({ kind: "loop", count: loop.count, index: loop.index, carries: all, body: loop.body.steps });
}

/** What a body's routines and loops want in memory: what does not change is stored once, before the loop. */
function neededInMemory(p: ScanParams): Set<Variable> {
  return new Set(appliesOf(p.body.outputs).flatMap((a) => {
    const { kind } = a.op.fields.lower;
    return kind === "routine" ? a.inputs : kind === "loop" ? scanInputs(a.inputs, a.params as unknown as ScanParams).carries : [];
  }));
}

/** No step: the final carries are the initial ones and stacked outputs are empty. */
function skipLoop(outer: Scope, a: Apply, p: ScanParams, init: readonly number[]): void {
  const { carries, stacked } = scanOutputs(a.outputs.map((o) => outer.value(o)), p);
  carries.forEach((v, i) => {
    v.slot = init[i] as number;
  });
  for (const v of stacked) v.slot = outer.context.builder.newConstant(v.dtype, v.shape, allocate(v.dtype, 0), v.label);
  outer.context.epoch.now++;
}

interface Rows {
  /** Where the body writes a value directly: a row of a stacked slot. */
  readonly targets: Map<Variable, SlotRef>;
  readonly slots: readonly (SlotRef | null)[];
}

/** A stacked slot for each output of which all steps are kept; the body writes it directly where nothing else wants the value's slot. */
function stackedTargets(outer: Scope, loop: BoundLoop, stacked: readonly Variable[], results: readonly Value[], carried: readonly Variable[], p: ScanParams): Rows {
  const targets = new Map<Variable, SlotRef>();
  const slots = results.map((result, i): SlotRef | null => {
    const v = stacked[i] as Variable;
    if (p.keep[i] !== "all") return null;
    result.slot = outer.context.builder.newSlot(result.dtype, result.shape, `${loop.body.value(v).label} steps`, "stacked");
    const ref = { slot: result.slot, row: scalar(loop.index, "int32") };
    // Loops and routines write slots of their own, which are copied.
    const kind = v.owner?.op.fields.lower.kind ?? "loop";
    if (kind !== "loop" && kind !== "routine" && !carried.includes(v) && !targets.has(v) && loop.body.value(v).slot === null) targets.set(v, ref);
    return ref;
  });
  return { targets, slots };
}

/** The slot that holds each carry's next value: its own, another carry's current one (a shift), or a copy. */
function nextSlots(loop: BoundLoop, vars: readonly Variable[], current: readonly number[], targets: ReadonlyMap<Variable, SlotRef>): number[] {
  const used = new Set<number>();
  return vars.map((v, i) => {
    const value = loop.body.value(v);
    const shift = loop.currents.indexOf(value);
    const own = v.owner !== null && !targets.has(v) ? value.slot : shift >= 0 && shift !== i ? (current[shift] as number) : null;
    if (own !== null && !used.has(own)) {
      used.add(own);
      return own;
    }
    const slot = loop.body.context.builder.newSlot(value.dtype, value.shape, `${value.label} next`);
    loop.body.copyTo(value, { slot, row: null });
    return slot;
  });
}

function finishStacked(loop: BoundLoop, v: Variable, result: Value, keep: "all" | "last", rows: Rows, carry: { vars: readonly Variable[]; final: readonly number[] }): void {
  const value = loop.body.value(v);
  if (keep === "all") {
    const ref = rows.slots.find((r) => r?.slot === result.slot) ?? impossible("a stacked output without a slot");
    if (rows.targets.get(v)?.slot !== result.slot) loop.body.copyTo(value, ref);
    return;
  }
  const carried = carry.vars.indexOf(v);
  if (carried >= 0) result.slot = carry.final[carried] as number;
  else if (v.owner !== null && !rows.targets.has(v) && value.slot !== null) result.slot = value.slot;
  else {
    result.slot = loop.body.context.builder.newSlot(result.dtype, result.shape, `${value.label} last`);
    loop.body.copyTo(value, { slot: result.slot, row: null });
  }
}
