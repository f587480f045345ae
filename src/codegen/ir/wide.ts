/**
 * Plan -> Plan for devices whose only exact integers are float32 below 2^24: int32 slots that carry MRG31k3p states are split into two slots,
 * hi and lo, of 16 bits each, and the MRG primitives become limb arithmetic (limbs_mrg.ts). Everything else stays as it is.
 * Must not know graphs or devices. Used by gpu.js executables before code is generated.
 */
import { fail } from "../../util/fail.js";
import type { TypedArray } from "./dtype.js";
import { acc, cast, children, constant, type Expr, load, postorder, prim, type PrimExpr } from "./expr.js";
import { type BufferType, closeKernel, type Kernel } from "./kernel.js";
import { type LimbArith, type Limbs, mrgCombineLimbs, mrgStep1Limbs, mrgStep2Limbs } from "./limbs_mrg.js";
import { allSteps, finishPlan, type HostBuffer, type Launch, type Loop, type Plan, type Routine, type RoutineStep, type Slot, type SlotRef, type Step } from "./plan.js";

const BASE = 65536;

/** A plan without wide integers, and how its ends belong to those of the plan it came from. */
export interface WidePlan {
  readonly plan: Plan;
  /** For each input of the old plan: whether it is two inputs, hi and lo, of the new. */
  readonly inputs: readonly boolean[];
  readonly outputs: readonly boolean[];
}

/** The two 16-bit parts of 31-bit integers (floor division, so that negative values come back too). */
export function splitWide(data: ArrayLike<number>): { hi: Int32Array; lo: Int32Array } {
  const hi = new Int32Array(data.length);
  const lo = new Int32Array(data.length);
  for (let n = 0; n < data.length; n++) {
    hi[n] = Math.floor((data[n] as number) / BASE);
    lo[n] = (data[n] as number) - (hi[n] as number) * BASE;
  }
  return { hi, lo };
}

/** The integers again. */
export function joinWide(hi: ArrayLike<number>, lo: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: hi.length }, (_, n) => (hi[n] as number) * BASE + (lo[n] as number));
}

const isMrg = (e: Expr): e is PrimExpr => e.kind === "prim" && (e.prim === "mrgNext1" || e.prim === "mrgNext2" || e.prim === "mrgOutput");

const int = (n: number): Expr => constant(n, "int32");

const arith: LimbArith<Expr> = {
  add: (a, b) => prim("add", a, b),
  sub: (a, b) => prim("sub", a, b),
  mul: (a, b) => prim("mul", a, b),
  floorDiv: (a, k) => prim("floorDiv", a, int(k)),
  mod: (a, k) => prim("mod", a, int(k)),
  lt: (a, b) => prim("lt", a, b),
  select: (c, a, b) => prim("select", c, a, b),
  const: int,
};

/** Splits a plan's wide slots; the plan itself when it has none. */
export function widenPlan(plan: Plan): WidePlan {
  const wide = findWide(plan);
  const isWide = (slot: number): boolean => wide.has(slot);
  const uses = wide.size > 0 || [...allSteps(plan.steps)].some((s) => s.kind === "launch" && hasMrg(s.kernel));
  if (!uses) return { plan, inputs: plan.inputs.map(() => false), outputs: plan.outputs.map(() => false) };
  const split = new Splitter(plan, isWide);
  return { plan: split.result(), inputs: plan.inputs.map(isWide), outputs: plan.outputs.map(isWide) };
}

const hasMrg = (k: Kernel): boolean => postorder(rootsOf(k)).some(isMrg);

const rootsOf = (k: Kernel): Expr[] => (k.reduction ? [...k.results, k.reduction.term] : [...k.results]);

/** Expressions of a kernel whose value may need 31 bits, given which of its parameters are wide. */
function wideNodes(k: Kernel, param: (n: number) => boolean): Set<Expr> {
  const wide = new Set<Expr>();
  for (const e of postorder(rootsOf(k))) {
    const select = e.kind === "prim" && e.prim === "select" && e.args.slice(1).some((a) => wide.has(a));
    if (isMrg(e) || select || (e.kind === "load" && param(e.buffer)) || (e.kind === "const" && e.dtype === "int32" && Math.abs(e.value) > 2 ** 24)) wide.add(e);
  }
  return wide;
}

/** Slots that are written from wide values or read into an MRG primitive, followed through carries to a fixed point. */
function findWide(plan: Plan): Set<number> {
  const wide = new Set<number>();
  const steps = [...allSteps(plan.steps)];
  for (let before = -1; before !== wide.size; ) {
    before = wide.size;
    for (const s of steps) {
      if (s.kind === "launch") markLaunch(s, wide);
      else if (s.kind === "loop") markLoop(s, wide);
    }
  }
  return wide;
}

function markLaunch(s: Launch, wide: Set<number>): void {
  const slotOf = (param: number): number => (s.reads[param] as SlotRef).slot;
  const nodes = wideNodes(s.kernel, (p) => wide.has(slotOf(p)));
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
  /** The new slot, or the new slot of `hi`; `lo` comes right after. */
  private readonly at: number[] = [];

  constructor(private readonly old: Plan, private readonly isWide: (slot: number) => boolean) {
    old.slots.forEach((s, n) => {
      this.at.push(this.slots.length);
      if (isWide(n)) this.slots.push({ ...s, label: `${s.label}.hi` }, { ...s, label: `${s.label}.lo` });
      else this.slots.push(s);
    });
  }

  result(): Plan {
    const { old } = this;
    const each = (list: readonly number[]): number[] => list.flatMap((s) => this.slotsOf(s));
    const constants = old.constants.flatMap(({ slot, data }) => {
      const [first, second] = this.slotsOf(slot) as [number, number?];
      if (second === undefined) return [{ slot: first, data }];
      const { hi, lo } = splitWide(data);
      return [{ slot: first, data: hi as TypedArray }, { slot: second, data: lo as TypedArray }];
    });
    return finishPlan({ ...old, slots: this.slots, inputs: each(old.inputs), outputs: each(old.outputs), constants, steps: old.steps.map((s) => this.step(s)) });
  }

  private slotsOf(slot: number): number[] {
    const first = this.at[slot] as number;
    return this.isWide(slot) ? [first, first + 1] : [first];
  }

  private refs(list: readonly SlotRef[]): SlotRef[] {
    return list.flatMap((r) => this.slotsOf(r.slot).map((slot) => ({ ...r, slot })));
  }

  private step(s: Step): Step {
    if (s.kind === "launch") return this.launch(s);
    if (s.kind === "routine") return this.routine(s);
    const carries = s.carries.flatMap((c) => this.slotsOf(c.init).map((init, part) => ({
      init, current: this.slotsOf(c.current)[part] as number, next: this.slotsOf(c.next)[part] as number, final: this.slotsOf(c.final)[part] as number,
    })));
    return { ...s, carries, body: s.body.map((b) => this.step(b)) };
  }

  /** The routine sees whole integers: they are joined before it and split after it, on the host, where it runs. */
  private routine(s: RoutineStep): RoutineStep {
    const wideIn = s.reads.map((r) => this.isWide(r.slot));
    const wideOut = s.writes.map((r) => this.isWide(r.slot));
    return { ...s, reads: this.refs(s.reads), writes: this.refs(s.writes), routine: wholeRoutine(s.routine, wideIn, wideOut) };
  }

  private launch(s: Launch): Launch {
    const wideParam = s.reads.map((r) => this.isWide(r.slot));
    const wideResult = s.writes.map((r) => this.isWide(r.slot));
    const nodes = wideNodes(s.kernel, (p) => wideParam[p] as boolean);
    if (nodes.size === 0 && !wideResult.includes(true)) return { ...s, reads: this.refs(s.reads), writes: this.refs(s.writes) };
    const first = wideParam.map((_, p) => wideParam.slice(0, p).reduce((n, w) => n + (w ? 2 : 1), 0));
    const types = s.kernel.params.flatMap((t, p) => (wideParam[p] ? [t, t] : [t]));
    const { values, limbs } = splitKernel(s.kernel, (p) => first[p] as number, (p) => wideParam[p] as boolean);
    const results = s.kernel.results.flatMap((r, n) => (wideResult[n] ? [limbs(r).hi, limbs(r).lo] : [values(r)]));
    const reduction = s.kernel.reduction && { ...s.kernel.reduction, term: values(s.kernel.reduction.term) };
    const bound = closeKernel(s.kernel.domain, reduction, results, (b) => types[b] as BufferType);
    const reads = this.refs(s.reads);
    const scalars = bound.scalars.map((e) => onPlanScalars(e, s.scalars));
    return { ...s, kernel: bound.kernel, reads: bound.buffers.map((b) => reads[b] as SlotRef), scalars, writes: this.refs(s.writes) };
  }
}

/** An expression over a kernel's scalar parameters, over plan scalars instead. */
export function onPlanScalars(e: Expr, params: readonly Expr[]): Expr {
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

/** Each expression of a kernel without wide integers: as one value, and as limbs where it needs them. */
function splitKernel(k: Kernel, first: (param: number) => number, wideParam: (param: number) => boolean): { values: (e: Expr) => Expr; limbs: (e: Expr) => Limbs<Expr> } {
  const whole = new Map<Expr, Expr>();
  const parts = new Map<Expr, Limbs<Expr>>();
  const values = (e: Expr): Expr => {
    const known = whole.get(e);
    if (known) return known;
    const { hi, lo } = parts.get(e) as Limbs<Expr>;
    const made = prim("add", prim("mul", hi, int(BASE)), lo);
    whole.set(e, made);
    return made;
  };
  const limbs = (e: Expr): Limbs<Expr> => {
    const known = parts.get(e);
    if (known) return known;
    const v = values(e);
    const hi = prim("floorDiv", v, int(BASE));
    const made = { hi, lo: prim("sub", v, prim("mul", hi, int(BASE))) };
    parts.set(e, made);
    return made;
  };
  const nodes = wideNodes(k, wideParam);
  for (const e of postorder(rootsOf(k))) {
    if (nodes.has(e)) parts.set(e, wideValue(e, values, limbs, first));
    else whole.set(e, narrowValue(e, values, first));
  }
  return { values, limbs };
}

function wideValue(e: Expr, values: (e: Expr) => Expr, limbs: (e: Expr) => Limbs<Expr>, first: (param: number) => number): Limbs<Expr> {
  if (e.kind === "const") {
    const hi = Math.floor(e.value / BASE);
    return { hi: int(hi), lo: int(e.value - hi * BASE) };
  }
  if (e.kind === "load") {
    const index = e.index.map(values);
    return { hi: load(first(e.buffer), "int32", index), lo: load(first(e.buffer) + 1, "int32", index) };
  }
  const { prim: name, args } = e as PrimExpr;
  const [a, b, c] = args as readonly [Expr, Expr, Expr?];
  if (name === "mrgNext1") return mrgStep1Limbs(arith, limbs(a), limbs(b));
  if (name === "mrgNext2") return mrgStep2Limbs(arith, limbs(a), limbs(b));
  if (name === "mrgOutput") return mrgCombineLimbs(arith, limbs(a), limbs(b));
  const yes = limbs(b);
  const no = limbs(c as Expr);
  return { hi: prim("select", values(a), yes.hi, no.hi), lo: prim("select", values(a), yes.lo, no.lo) };
}

function narrowValue(e: Expr, values: (e: Expr) => Expr, first: (param: number) => number): Expr {
  switch (e.kind) {
    case "load": return load(first(e.buffer), e.dtype, e.index.map(values));
    case "prim": return prim(e.prim, ...e.args.map(values));
    case "cast": return cast(values(e.arg), e.dtype);
    case "acc": return acc(e.dtype);
    default: return e;
  }
}

function wholeRoutine(r: Routine, wideIn: readonly boolean[], wideOut: readonly boolean[]): Routine {
  if (!wideIn.includes(true) && !wideOut.includes(true)) return r;
  const take = (buffers: readonly HostBuffer[], wide: readonly boolean[], join: boolean): HostBuffer[] => {
    let at = 0;
    return wide.map((w) => {
      const one = buffers[at++];
      if (!one) return fail("internal", "wide-routine", { what: `The routine ${r.name} was given too few buffers.`, fix: "report it" });
      if (!w) return one;
      const two = buffers[at++] as HostBuffer;
      return { ...one, data: join ? joinWide(one.data, two.data) : new Int32Array(one.data.length) };
    });
  };
  const run: Routine["run"] = (inputs, outputs, scalars) => {
    const whole = take(outputs, wideOut, false);
    r.run(take(inputs, wideIn, true), whole, scalars);
    let at = 0;
    wideOut.forEach((w, n) => {
      const to = outputs[at++] as HostBuffer;
      if (!w) return;
      const { hi, lo } = splitWide((whole[n] as HostBuffer).data);
      to.data.set(hi);
      (outputs[at++] as HostBuffer).data.set(lo);
    });
  };
  return { ...r, config: `${r.config} wide`, run };
}
