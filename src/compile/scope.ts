/**
 * Scope: turns one graph level (a function, or a scan body) into steps. Here, and only here, is decided what becomes a buffer and what
 * fuses: reductions are stored, elementwise consumers become their epilogue, and other values are stored where recomputing costs more.
 * Must not know devices beyond their Caps. Next: loop.ts for scans, specialise.ts for whole functions.
 */
import { acc, axes, cast, type Expr, isLong, redAxis } from "../codegen/ir/expr.js";
import { closeKernel, type Reduction } from "../codegen/ir/kernel.js";
import type { Purpose, Routine, SlotRef, Step } from "../codegen/ir/plan.js";
import { appliesOf } from "../graph/function_graph.js";
import type { LowerContext, Params } from "../graph/op.js";
import { placed } from "../graph/perform.js";
import { type Apply, Constant, type Variable } from "../graph/variable.js";
import { NdArray, sizeOf } from "../numpy/ndarray.js";
import { impossible } from "../util/fail.js";
import { costOf, gathers } from "./cost.js";
import { type Binding, constantValueOf, inferApply } from "./infer.js";
import { type BoundLoop, inferLoop, lowerLoop } from "./loop.js";
import { epilogueRoots, type Region } from "./regions.js";
import type { Value } from "./value.js";

/** Storing costs a write, a read and a launch; recomputing dearer than this is stored. */
const STORE_COST = 4;
const NODE_LIMIT = 400;
/** Whole numbers may become positions, which are compared as text: positions of positions of positions must not be written out. */
const INDEX_LIMIT = 200;
/** An operation or two are recomputed rather than stored, but not in the terms of a reduction. */
const LIGHT_WORK = 2;

/** How often each element of a value is evaluated, and how many of these are in terms of reductions. */
interface Evaluations { readonly all: number; readonly terms: number }

export interface ScopeContext extends Binding {
  /** A scope for a loop body. */
  newScope(): Scope;
}

export class Scope {
  readonly steps: Step[] = [];
  readonly context: ScopeContext;
  readonly #values = new Map<Variable, Value>();
  readonly #loops = new Map<Apply, BoundLoop>();
  /** Values of a scope around this one. What a loop body stores may never be written, and not before the loop: theirs are not stored here. */
  readonly #foreign = new Set<Value>();
  /** Where foreign values had to be in memory. */
  readonly #copies = new Map<Value, number>();
  readonly #constants = new Map<Value, number>();
  #targets: ReadonlyMap<Variable, SlotRef> = new Map();
  /** Per element of each value, if nothing that reads it is inlined further. */
  readonly #evaluations = new Map<Variable, Evaluations>();
  #regions = new Map<Variable, Region>();
  #inCone = new Set<Variable>();

  constructor(context: ScopeContext) {
    this.context = context;
  }

  /** Gives a leaf its value before `infer`. A value of another variable is one from outside. */
  define(v: Variable, value: Value): void {
    this.#values.set(v, value);
    if (value.variable !== v) this.#foreign.add(value);
  }

  value(v: Variable): Value {
    const known = this.#values.get(v);
    if (known) return known;
    if (!(v instanceof Constant)) return impossible(`${v} has no value in this scope`);
    const made = constantValueOf(this.context, v);
    this.define(v, made);
    return made;
  }

  /** Binds the shapes of everything the outputs need. */
  infer(outputs: readonly Variable[]): void {
    for (const a of appliesOf(outputs)) this.#inferOne(a).forEach((value, i) => this.define(a.outputs[i] as Variable, value));
  }

  #inferOne(a: Apply): Value[] {
    if (a.op.fields.lower.kind !== "loop") return inferApply(this.context, a, (v) => this.value(v));
    const { loop, outputs } = inferLoop(this.context, a, (v) => this.value(v));
    this.#loops.set(a, loop);
    return outputs;
  }

  /** Emits the steps that store `stored`, each in the place that `targets` gives it or in a slot of its own. */
  emit(stored: readonly Variable[], targets: ReadonlyMap<Variable, SlotRef> = new Map()): void {
    this.#targets = targets;
    const applies = appliesOf(stored);
    const required = new Set([...stored, ...applies.flatMap((a) => (a.op.fields.readsStored === true ? a.inputs : []))]);
    this.#count(applies, required);
    this.#regions = epilogueRoots(applies, required, (v) => this.value(v));
    for (const region of this.#regions.values()) for (const v of region.cone) this.#inCone.add(v);
    for (const a of applies) this.#emitApply(a, required);
    for (const v of stored) this.store(this.value(v));
  }

  #emitApply(a: Apply, required: ReadonlySet<Variable>): void {
    if (a.outputs.every((o) => this.value(o).source.kind === "constant")) return;
    const { kind } = a.op.fields.lower;
    if (kind === "loop") lowerLoop(this, a, this.#loops.get(a) ?? impossible("a loop whose shapes are not bound"));
    else {
      const made = this.#routineOf(a);
      if (made) this.#emitRoutine(a, made);
      else this.#emitValues(a, required);
    }
  }

  /** The routine that computes an apply, and the inputs that it reads; null where kernels do. */
  #routineOf(a: Apply): { readonly routine: Routine; readonly reads: readonly number[] } | null {
    const { lower } = a.op.fields;
    const context = (): LowerContext<Params> => this.value(a.outputs[0] ?? impossible("an op without outputs")).routineContext();
    if (lower.kind === "routine") return { routine: lower.routine(context()), reads: a.inputs.map((_, i) => i) };
    const native = lower.kind === "index" && this.context.caps.routines ? (lower.native?.(context()) ?? null) : null;
    return native && this.context.caps.routines?.has(native.routine.name) ? native : null;
  }

  #emitValues(a: Apply, required: ReadonlySet<Variable>): void {
    for (const o of a.outputs) {
      const value = this.value(o);
      if (value.slot !== null || value.source.kind !== "op" || this.#inCone.has(o)) continue;
      if (this.#regions.has(o) || value.isReduction || required.has(o) || this.#dear(value)) this.store(value);
    }
  }

  /** Whether recomputing a value wherever it is read costs more than storing it. */
  #dear(value: Value): boolean {
    const element = value.at(axes(value.shape));
    const { work, nodes } = costOf(element);
    if (nodes > NODE_LIMIT || (value.dtype === "int32" && isLong(element, INDEX_LIMIT))) return true;
    if (value.size === 1 && work <= LIGHT_WORK) return false;
    const { all, terms } = this.#evaluations.get(value.variable) ?? { all: 1, terms: 0 };
    // A product walks its operands in order, many terms at a time; rows that are looked up anew for each term have none.
    if (terms > 1 && gathers(element)) return true;
    return work * (terms - 1) > STORE_COST || (work > LIGHT_WORK && work * (all - 1) > STORE_COST);
  }

  /** How often elements are evaluated: once per element of an elementwise reader, once per term of a reduction. */
  #count(applies: readonly Apply[], required: ReadonlySet<Variable>): void {
    const total = new Map<Variable, Evaluations>();
    const addTo = (v: Variable, n: Evaluations): void => {
      const before = total.get(v) ?? { all: 0, terms: 0 };
      total.set(v, { all: before.all + n.all, terms: before.terms + n.terms });
    };
    for (const v of required) addTo(v, { all: 0, terms: 0 });
    for (const a of [...applies].reverse()) {
      for (const o of a.outputs) {
        const out = this.value(o);
        if (!total.has(o)) continue;
        const inlined = required.has(o) ? undefined : total.get(o);
        if (a.op.fields.lower.kind === "index") this.#countMoved(a, out, inlined, addTo);
        else for (const v of a.inputs) addTo(v, timesRead(a, out));
      }
    }
    for (const [v, n] of total) {
      const size = Math.max(1, this.value(v).size);
      this.#evaluations.set(v, { all: n.all / size, terms: n.terms / size });
    }
  }

  /** An op that only moves elements is inlined, so it asks of the inputs it reads what its own readers ask. Shapes read nothing. */
  #countMoved(a: Apply, out: Value, inlined: Evaluations | undefined, addTo: (v: Variable, n: Evaluations) => void): void {
    const { work, buffers } = costOf(out.own());
    const times = inlined !== undefined && inlined.all > 0 && work === 0 ? inlined : { all: out.size, terms: 0 };
    const isGrouped = out.source.kind === "op" && out.source.inputs.length < a.inputs.length;
    a.inputs.forEach((v, i) => {
      if (isGrouped || buffers.has(-1 - i)) addTo(v, times);
    });
  }

  /** Makes sure a value has a slot, with the kernel that fills it, and gives the slot. */
  store(value: Value): number {
    const before = value.storedSlot;
    if (before !== null) return before;
    const region = this.#regions.get(value.variable);
    const fixed = region || this.#targets.has(value.variable) ? null : this.#constantSlot(value);
    if (fixed !== null) return fixed;
    if (this.#foreign.has(value)) return this.#copyOf(value);
    const target = this.#targets.get(value.variable) ?? { slot: this.context.builder.newSlot(value.dtype, value.shape, value.label), row: null };
    this.#launch(value, region ?? null, target);
    value.slot = target.slot;
    value.row = target.row;
    this.context.epoch.now++;
    return target.slot;
  }

  #copyOf(value: Value): number {
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    const slot = this.context.builder.newSlot(value.dtype, value.shape, value.label);
    this.copyTo(value, { slot, row: null });
    this.#copies.set(value, slot);
    return slot;
  }

  /** Where all elements are one number known now: a slot filled once, when the plan is compiled. The value stays inlined elsewhere. */
  #constantSlot(value: Value): number | null {
    if (!value.isInlinable) return null;
    const element = cast(value.at(axes(value.shape)), value.dtype);
    if (element.kind !== "const") return null;
    const known = this.#constants.get(value);
    if (known !== undefined) return known;
    const slot = this.context.builder.newConstant(value.dtype, value.shape, NdArray.zeros(value.shape, value.dtype).data.fill(element.value), value.label);
    this.#constants.set(value, slot);
    return slot;
  }

  /** Emits a kernel that writes a value to a place of its own, whether or not it also has a slot. */
  copyTo(value: Value, target: SlotRef): void {
    this.#launch(value, null, target);
  }

  #launch(value: Value, region: Region | null, target: SlotRef): void {
    const { builder, caps } = this.context;
    const index = axes(value.shape);
    const source = region ? region.reduction : value.isReduction && value.slot === null ? value : null;
    const close = (): ReturnType<typeof closeKernel> => {
      const reduction = source ? this.#reductionOf(source, index) : null;
      if (source && reduction) source.accumulator = cast(acc(reduction.dtype), source.dtype);
      const result = cast(value.at(index), value.dtype);
      if (source) source.accumulator = null;
      return closeKernel(value.shape, reduction, [result], (b) => builder.typeOf(b));
    };
    let bound = close();
    while (bound.kernel.params.length > caps.maxParams && this.#split(value, source)) bound = close();
    this.steps.push({ kind: "launch", kernel: bound.kernel, reads: bound.buffers.map((b) => builder.refOf(b)), scalars: bound.scalars, writes: [target], purpose: purposeOf(source ?? value) });
  }

  #reductionOf(value: Value, index: readonly Expr[]): Reduction {
    const { caps } = this.context;
    const form = value.reduction();
    const dtype = form.dtype === "float64" && value.dtype === "float32" ? caps.accumulator : form.dtype;
    return { op: form.op, extents: form.extents, dtype, term: cast(form.term(index, form.extents.map((d, a) => redAxis(a, d))), dtype) };
  }

  /** Stores the inlined input that reads most buffers, so that a kernel needs fewer; false when there is none left. */
  #split(value: Value, source: Value | null): boolean {
    let best: { value: Value; buffers: number } | null = null;
    const seen = new Set<Value>();
    const stack = [value, ...(source ? [source] : [])];
    for (let v = stack.pop(); v !== undefined; v = stack.pop()) {
      if (seen.has(v) || (v !== value && v !== source && v.slot !== null) || v.source.kind !== "op" || this.#foreign.has(v)) continue;
      seen.add(v);
      if (v !== value && v !== source && !this.#inCone.has(v.variable) && v.isInlinable) {
        const buffers = costOf(v.at(axes(v.shape))).buffers.size;
        if (buffers > 1 && (best === null || buffers > best.buffers) && buffers <= this.context.caps.maxParams) best = { value: v, buffers };
      }
      stack.push(...v.source.inputs);
    }
    if (best === null) return false;
    this.store(best.value);
    return true;
  }

  #emitRoutine(a: Apply, { routine, reads: which }: { readonly routine: Routine; readonly reads: readonly number[] }): void {
    const outputs = a.outputs.map((o) => this.value(o));
    const reads = which.map((i) => ({ slot: this.store(this.value(a.inputs[i] as Variable)), row: null }));
    const writes = outputs.map((o) => {
      o.slot = this.context.builder.newSlot(o.dtype, o.shape, o.label);
      return { slot: o.slot, row: null };
    });
    this.context.epoch.now++;
    const placing: Routine = { ...routine, run: (from, to, scalars) => placed(a, () => from.map((b) => new NdArray(b.data, b.shape, b.dtype)), () => routine.run(from, to, scalars)) };
    this.steps.push({ kind: "routine", routine: placing, reads, scalars: [], writes, purpose: purposeOf(outputs[0] as Value) });
  }
}

const purposeOf = ({ variable }: Value): Purpose => ({ op: variable.owner?.op.name ?? "copy", line: variable.origin });

/** What one output asks of each input: elementwise ops once per element, reductions once per term, what is bound to its value nothing. */
function timesRead(a: Apply, out: Value): Evaluations {
  if (out.source.kind === "constant") return { all: 0, terms: 0 };
  if (a.op.fields.lower.kind !== "reduce") return { all: out.size, terms: 0 };
  const terms = out.size * sizeOf(out.reduction().extents);
  return { all: terms, terms };
}
