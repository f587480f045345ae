/**
 * Plan -> Plan for devices whose only exact integers are float32 below 2^24: int32 slots that carry MRG31k3p states are split into slots of
 * 16 bits, hi and lo, and where asked by columns too, so that a state's columns that only move are not computed. Must not know graphs or
 * devices. Used by gpu.js executables before code is generated.
 */
import { impossible } from "../../util/fail.js";
import type { TypedArray } from "./dtype.js";
import { cast, children, type Expr, postorder, prim } from "./expr.js";
import { type BoundKernel, type BufferType, closeKernel, type Kernel, rootsOf } from "./kernel.js";
import { allSteps, finishPlan, type HostBuffer, type Launch, type Loop, type Plan, type Routine, type RoutineStep, type Slot, type SlotRef, type Step } from "./plan.js";
import { atColumn, BASE, isMrg, type Kept, splitExprs, wideNodes } from "./wide_kernel.js";

/** More columns than this are not split: each is two buffers. */
const MOST_COLUMNS = 8;

/** A plan without wide integers, and how its ends belong to those of the plan it came from. */
export interface WidePlan {
  readonly plan: Plan;
  /** For each input of the old plan: 0 is one input as before; n > 0 are 2n inputs, hi and lo of each of n columns (1: of the whole). */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export interface WideOptions {
  /** Split states by columns. Good where a kernel may have many parameters. */
  readonly columns: boolean;
}

/** The parts of 31-bit integers in the order of slots: hi and lo of each column. Floor division, so that negative values come back too. */
export function splitWide(data: ArrayLike<number>, columns = 1): Int32Array[] {
  const rows = data.length / columns;
  const parts = Array.from({ length: 2 * columns }, () => new Int32Array(rows));
  for (let n = 0; n < data.length; n++) {
    const v = data[n] as number;
    const hi = Math.floor(v / BASE);
    const k = 2 * (n % columns);
    const row = Math.floor(n / columns);
    (parts[k] as Int32Array)[row] = hi;
    (parts[k + 1] as Int32Array)[row] = v - hi * BASE;
  }
  return parts;
}

/** The integers again. */
export function joinWide(parts: readonly ArrayLike<number>[]): Int32Array {
  const columns = parts.length / 2;
  const rows = parts[0]?.length ?? 0;
  const out = new Int32Array(rows * columns);
  for (let n = 0; n < out.length; n++) {
    const k = 2 * (n % columns);
    const row = Math.floor(n / columns);
    out[n] = ((parts[k] as ArrayLike<number>)[row] as number) * BASE + ((parts[k + 1] as ArrayLike<number>)[row] as number);
  }
  return out;
}

/** Splits a plan's wide slots; the plan itself when it has none. */
export function widenPlan(plan: Plan, options: WideOptions): WidePlan {
  const wide = findWide(plan);
  const uses = wide.size > 0 || [...allSteps(plan.steps)].some((s) => s.kind === "launch" && postorder(rootsOf(s.kernel)).some(isMrg));
  if (!uses) return { plan, inputs: plan.inputs.map(() => 0), outputs: plan.outputs.map(() => 0) };
  const pairsOf = (slot: number): number => {
    if (!wide.has(slot)) return 0;
    const { shape, stacked } = plan.slots[slot] as Slot;
    const last = shape.at(-1) ?? 0;
    return options.columns && shape.length >= (stacked ? 3 : 2) && last >= 1 && last <= MOST_COLUMNS ? last : 1;
  };
  return { plan: new Splitter(plan, pairsOf).result(), inputs: plan.inputs.map(pairsOf), outputs: plan.outputs.map(pairsOf) };
}

/** Slots that are written from wide values, read into an MRG primitive, or a routine's (which may use all 32 bits), followed through carries to a fixed point. */
function findWide(plan: Plan): Set<number> {
  const wide = new Set<number>();
  const steps = [...allSteps(plan.steps)];
  for (let before = -1; before !== wide.size; ) {
    before = wide.size;
    for (const s of steps) {
      if (s.kind === "launch") markLaunch(s, wide);
      else if (s.kind === "loop") markLoop(s, wide);
      else for (const r of [...s.reads, ...s.writes]) if (plan.slots[r.slot]?.dtype === "int32") wide.add(r.slot);
    }
  }
  return wide;
}

function markLaunch(s: Launch, wide: Set<number>): void {
  const slotOf = (param: number): number => (s.reads[param] as SlotRef).slot;
  const nodes = wideNodes(rootsOf(s.kernel), (p) => wide.has(slotOf(p)));
  s.kernel.results.forEach((r, n) => { if (nodes.has(r)) wide.add((s.writes[n] as SlotRef).slot); });
  for (const e of postorder(rootsOf(s.kernel))) {
    if (!isMrg(e)) continue;
    for (const a of statesUnder(e.args)) if (a.kind === "load" && a.dtype === "int32") wide.add(slotOf(a.buffer));
  }
}

/** What a primitive's arguments are chosen from. */
function statesUnder(args: readonly Expr[]): Expr[] {
  return args.flatMap((a) => (a.kind === "prim" && a.prim === "select" ? statesUnder(a.args.slice(1)) : [a]));
}

function markLoop(s: Loop, wide: Set<number>): void {
  for (const c of s.carries) {
    const slots = [c.init, c.current, c.next, c.final];
    if (slots.some((x) => wide.has(x))) for (const x of slots) wide.add(x);
  }
}

class Splitter {
  private readonly slots: Slot[] = [];
  /** The first of the new slots of each old one. */
  private readonly at: number[] = [];

  constructor(private readonly old: Plan, private readonly pairsOf: (slot: number) => number) {
    old.slots.forEach((s, n) => {
      this.at.push(this.slots.length);
      const pairs = pairsOf(n);
      const shape = pairs > 1 ? s.shape.slice(0, -1) : s.shape;
      if (pairs === 0) this.slots.push(s);
      for (let k = 0; k < pairs; k++) for (const limb of ["hi", "lo"]) this.slots.push({ ...s, shape, label: `${s.label}${pairs > 1 ? `[${k}]` : ""}.${limb}` });
    });
  }

  result(): Plan {
    const { old } = this;
    const each = (list: readonly number[]): number[] => list.flatMap((s) => this.slotsOf(s));
    const constants = old.constants.flatMap(({ slot, data }): { slot: number; data: TypedArray }[] => {
      const pairs = this.pairsOf(slot);
      if (pairs === 0) return [{ slot: this.at[slot] as number, data }];
      return splitWide(data, pairs).map((part, n) => ({ slot: (this.at[slot] as number) + n, data: part }));
    });
    return finishPlan({ ...old, slots: this.slots, inputs: each(old.inputs), outputs: each(old.outputs), constants, steps: old.steps.flatMap((s) => this.step(s)) });
  }

  private slotsOf(slot: number): number[] {
    const first = this.at[slot] as number;
    return Array.from({ length: Math.max(1, 2 * this.pairsOf(slot)) }, (_, n) => first + n);
  }

  private refs(list: readonly SlotRef[]): SlotRef[] {
    return list.flatMap((r) => this.slotsOf(r.slot).map((slot) => ({ ...r, slot })));
  }

  private step(s: Step): Step[] {
    if (s.kind === "launch") return this.launches(s);
    if (s.kind === "routine") return [this.routine(s)];
    const carries = s.carries.flatMap((c) => this.slotsOf(c.init).map((init, part) => ({
      init, current: this.slotsOf(c.current)[part] as number, next: this.slotsOf(c.next)[part] as number, final: this.slotsOf(c.final)[part] as number,
    })));
    return [{ ...s, carries, body: s.body.flatMap((b) => this.step(b)) }];
  }

  /** The routine sees whole integers: they are joined before it and split after it, on the host, where it runs. */
  private routine(s: RoutineStep): RoutineStep {
    const before = s.reads.map((r) => this.pairsOf(r.slot));
    const after = s.writes.map((r) => this.pairsOf(r.slot));
    return { ...s, reads: this.refs(s.reads), writes: this.refs(s.writes), routine: wholeRoutine(s.routine, before, after) };
  }

  /** One launch, and one for each column of each result that is kept by columns. */
  private launches(s: Launch): Launch[] {
    const pairs = s.writes.map((w) => this.pairsOf(w.slot));
    const out: Launch[] = [];
    const plain = pairs.flatMap((p, n) => (p > 1 ? [] : [n]));
    if (plain.length > 0) out.push(this.launch(s, s.kernel, plain, 0));
    pairs.forEach((p, n) => { for (let k = 0; p > 1 && k < p; k++) out.push(this.launch(s, atColumn(s.kernel, k), [n], k)); });
    return out;
  }

  private launch(s: Launch, kernel: Pick<Kernel, "domain" | "results" | "reduction">, results: readonly number[], column: number): Launch {
    const kept: Kept[] = [];
    const types: BufferType[] = [];
    s.kernel.params.forEach((t, p) => {
      const pairs = this.pairsOf((s.reads[p] as SlotRef).slot);
      kept.push({ pairs, first: types.length });
      for (let n = 0; n < Math.max(1, 2 * pairs); n++) types.push(pairs > 1 ? { ...t, shape: t.shape.slice(0, -1) } : t);
    });
    const { value, limbs } = splitExprs(rootsOf(kernel), (p) => kept[p] as Kept);
    const values: Expr[] = [];
    const writes: SlotRef[] = [];
    for (const n of results) {
      const to = s.writes[n] as SlotRef;
      const r = kernel.results[n] as Expr;
      const first = (this.at[to.slot] as number) + 2 * column;
      if (this.pairsOf(to.slot) === 0) {
        values.push(value(r));
        writes.push({ ...to, slot: first });
      } else {
        values.push(limbs(r).hi, limbs(r).lo);
        writes.push({ ...to, slot: first }, { ...to, slot: first + 1 });
      }
    }
    const reduction = kernel.reduction && { ...kernel.reduction, term: value(kernel.reduction.term) };
    return bindKernel(s, closeKernel(kernel.domain, reduction, values, (b) => types[b] as BufferType), this.refs(s.reads), writes);
  }
}

/** A launch of a kernel that was made from the expressions of another launch's kernel. */
export function bindKernel(s: Launch, bound: BoundKernel, reads: readonly SlotRef[], writes: readonly SlotRef[]): Launch {
  return { ...s, kernel: bound.kernel, reads: bound.buffers.map((b) => reads[b] as SlotRef), scalars: bound.scalars.map((e) => onPlanScalars(e, s.scalars)), writes };
}

/** An expression over a kernel's scalar parameters, over plan scalars instead. */
function onPlanScalars(e: Expr, params: readonly Expr[]): Expr {
  const made = new Map<Expr, Expr>();
  for (const x of postorder([e])) {
    const kids = children(x).map((k) => made.get(k) as Expr);
    if (x.kind === "scalar") made.set(x, params[x.id] as Expr);
    else if (x.kind === "prim") made.set(x, prim(x.prim, ...kids));
    else if (x.kind === "cast") made.set(x, cast(kids[0] as Expr, x.dtype));
    else made.set(x, x);
  }
  return made.get(e) as Expr;
}

/** Consecutive buffers, taken together as the old slots' parts. */
function grouped(buffers: readonly HostBuffer[], pairs: readonly number[], name: string): HostBuffer[][] {
  let at = 0;
  const groups = pairs.map((p) => {
    const from = at;
    at += Math.max(1, 2 * p);
    return buffers.slice(from, at);
  });
  if (at !== buffers.length) impossible(`the routine ${name} was given ${buffers.length} buffers where ${at} belong`);
  return groups;
}

function wholeRoutine(r: Routine, before: readonly number[], after: readonly number[]): Routine {
  if ([...before, ...after].every((p) => p === 0)) return r;
  const shapeOf = (first: HostBuffer, pairs: number): readonly number[] => (pairs > 1 ? [...first.shape, pairs] : first.shape);
  const run: Routine["run"] = (inputs, outputs, scalars) => {
    const given = grouped(inputs, before, r.name).map((parts, n): HostBuffer => {
      const [first] = parts as [HostBuffer];
      const pairs = before[n] as number;
      return pairs === 0 ? first : { dtype: "int32", shape: shapeOf(first, pairs), data: joinWide(parts.map((p) => p.data)) };
    });
    const taken = grouped(outputs, after, r.name);
    const whole = taken.map((parts, n): HostBuffer => {
      const [first] = parts as [HostBuffer];
      const pairs = after[n] as number;
      return pairs === 0 ? first : { dtype: "int32", shape: shapeOf(first, pairs), data: new Int32Array(first.data.length * pairs) };
    });
    r.run(given, whole, scalars);
    taken.forEach((parts, n) => {
      if (after[n] === 0) return;
      splitWide((whole[n] as HostBuffer).data, after[n]).forEach((part, k) => { parts[k]?.data.set(part); });
    });
  };
  return { ...r, config: `${r.config} wide`, run };
}
