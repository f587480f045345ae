/**
 * Runs a Plan on a gpu.js device: one launch per kernel result, loops as relaunches without reading anything back, carries by handing
 * buffers over. Every write makes a new buffer, so nothing that is still read is overwritten. Routines run on the host, and what they write
 * stays there until a kernel reads it (residency.ts). Must not know how sources are written. Next: backend.ts owns executables.
 */
import { fail, impossible } from "../../util/fail.js";
import type { StepTimer } from "../backend.js";
import { allocate, sizeOf, type TypedArray } from "../ir/dtype.js";
import { evaluate } from "../ir/evaluate.js";
import type { Expr } from "../ir/expr.js";
import { type Carry, type Launch, type Loop, type Plan, type RoutineStep, type Slot, type SlotRef, type Step, type TimedStep, timedStep } from "../ir/plan.js";
import type { Device } from "./device.js";
import type { Rendered } from "./render.js";
import { type Residency, retain, type Shared } from "./residency.js";

/** What a launch needs: the program of one kernel result and what it reads. */
export interface Compiled<P> { readonly program: P; readonly rendered: Rendered }

/** What the walker needs of the backend. */
export interface Host<S, P> {
  readonly device: Device<S, P>;
  readonly counters: { launches: number; routines: number };
  readonly residency: Residency<S>;
  readonly timer: StepTimer | null;
  compiled(launch: Launch, result: number): Compiled<P>;
}

interface Env<S> { readonly slots: (Shared<S> | null)[]; readonly scalars: number[] }

export class Walker<S, P> {
  private readonly dead: readonly (readonly number[])[];
  /** Steps as profiles show them. */
  private readonly shown = new Map<Step, TimedStep>();

  constructor(private readonly plan: Plan, private readonly host: Host<S, P>) {
    this.dead = lastUses(plan);
  }

  /** Runs over buffers that stay their holders'; gives the outputs, one holder each for the caller. */
  async run(given: ReadonlyMap<number, Shared<S>>, scalars: readonly number[]): Promise<Shared<S>[]> {
    const { plan } = this;
    const env: Env<S> = { slots: plan.slots.map(() => null), scalars: [...scalars, ...plan.scalars.slice(scalars.length).map(() => 0)] };
    for (const [slot, shared] of given) this.put(env, slot, retain(shared));
    try {
      for (const [n, step] of plan.steps.entries()) {
        await this.step(step, env);
        for (const slot of this.dead[n] ?? []) this.put(env, slot, null);
      }
      return plan.outputs.map((slot) => retain(this.held(env, slot)));
    } finally {
      env.slots.forEach((_, slot) => this.put(env, slot, null));
    }
  }

  private put(env: Env<S>, slot: number, shared: Shared<S> | null): void {
    const old = env.slots[slot];
    env.slots[slot] = shared;
    if (old) this.host.residency.release(old);
  }

  private held(env: Env<S>, slot: number): Shared<S> {
    const found = env.slots[slot];
    if (found) return found;
    const { stacked, shape } = this.plan.slots[slot] as Slot;
    if (!stacked) return impossible(`slot %${slot} is read before it is written`);
    const made = this.host.residency.onDevice(this.host.device.stack(sizeOf(shape)));
    env.slots[slot] = made;
    return made;
  }

  private async step(s: Step, env: Env<S>): Promise<void> {
    if (s.kind === "loop") return this.loop(s, env);
    const work = (): Promise<void> => (s.kind === "launch" ? this.launch(s, env) : this.routine(s, env));
    return this.host.timer === null ? work() : this.timed(s, this.host.timer, work);
  }

  private async timed(s: Launch | RoutineStep, timer: StepTimer, work: () => Promise<void>): Promise<void> {
    const known = this.shown.get(s) ?? timedStep(s, this.plan.slots, "");
    this.shown.set(s, known);
    const start = performance.now();
    await work();
    timer(known, performance.now() - start);
  }

  /** Where a row lies in its slot. */
  private rowOf(ref: SlotRef, env: Env<S>): { offset: number; length: number } {
    const [rows = 0, ...rest] = (this.plan.slots[ref.slot] as Slot).shape;
    const length = sizeOf(rest);
    const row = evaluate(ref.row as Expr, env.scalars);
    if (!(Number.isInteger(row) && row >= 0 && row < rows)) impossible(`row ${row} of slot %${ref.slot}, which has ${rows}`);
    return { offset: row * length, length };
  }

  /** What a kernel reads, with whether it must be freed after. */
  private async view(ref: SlotRef, env: Env<S>): Promise<{ storage: S; own: boolean }> {
    const storage = this.host.residency.storage(this.held(env, ref.slot));
    if (!ref.row) return { storage, own: false };
    const { offset, length } = this.rowOf(ref, env);
    return { storage: await this.host.device.getRow(storage, offset, length), own: true };
  }

  /** What a routine reads; not to be written to. */
  private async data(ref: SlotRef, env: Env<S>): Promise<TypedArray> {
    const { residency, device } = this.host;
    const { dtype, shape } = this.plan.slots[ref.slot] as Slot;
    const shared = this.held(env, ref.slot);
    if (!ref.row) return residency.data(shared, dtype, sizeOf(shape));
    const { offset, length } = this.rowOf(ref, env);
    if (shared.host !== null) return shared.host.subarray(offset, offset + length);
    const { storage } = await this.view(ref, env);
    try {
      return await residency.fetch(storage, dtype, length);
    } finally {
      device.free(storage);
    }
  }

  /** A new buffer for a slot, or for a row of it. */
  private store(ref: SlotRef, made: Shared<S>, env: Env<S>): void {
    if (!ref.row) {
      this.put(env, ref.slot, made);
      return;
    }
    const { residency, device } = this.host;
    const whole = this.held(env, ref.slot);
    if (whole.holders > 1) impossible(`a row of slot %${ref.slot} is written while another holds the slot`);
    const { offset, length } = this.rowOf(ref, env);
    device.putRow(residency.overwrite(whole), offset, residency.storage(made), length);
  }

  private async launch(s: Launch, env: Env<S>): Promise<void> {
    const { device, counters } = this.host;
    const cells = sizeOf(s.kernel.domain);
    const values = s.scalars.map((e) => evaluate(e, env.scalars));
    const made: S[] = [];
    const copies = s.writes.map((_, n) => this.copied(s, n));
    for (let n = 0; n < s.writes.length; n++) {
      if (copies[n] !== null) continue;
      if (cells === 0) {
        made.push(device.stack(0));
        continue;
      }
      const { program, rendered } = this.host.compiled(s, n);
      const views = await Promise.all(rendered.buffers.map((p) => this.view(s.reads[p] as SlotRef, env)));
      try {
        counters.launches++;
        made.push(await device.launch(program, views.map((v) => v.storage), rendered.scalars.map((id) => values[id] as number), cells));
      } catch (error) {
        for (const storage of made) device.free(storage);
        throw error;
      } finally {
        for (const v of views) if (v.own) device.free(v.storage);
      }
    }
    const shared = copies.map((slot) => (slot === null ? null : retain(this.held(env, slot))));
    let at = 0;
    s.writes.forEach((w, n) => {
      const copy = shared[n];
      if (copy) this.put(env, w.slot, copy);
      else this.store(w, this.host.residency.onDevice(made[at++] as S), env);
    });
  }

  /** The slot that a result is a plain copy of: nothing is launched then, and both hold the one buffer. */
  private copied(s: Launch, n: number): number | null {
    const value = s.kernel.results[n] as Expr;
    const write = s.writes[n] as SlotRef;
    if (value.kind !== "load" || write.row) return null;
    const read = s.reads[value.buffer] as SlotRef;
    const { shape, dtype } = s.kernel.params[value.buffer] as Slot;
    const { domain } = s.kernel;
    const stacked = [read.slot, write.slot].some((slot) => (this.plan.slots[slot] as Slot).stacked);
    if (read.row || stacked || dtype !== value.dtype || shape.length !== domain.length) return null;
    const straight = value.index.every((i, a) => shape[a] === domain[a] && (shape[a] === 1 || (i.kind === "axis" && i.axis === a)));
    return straight ? read.slot : null;
  }

  private async routine(s: RoutineStep, env: Env<S>): Promise<void> {
    const { host } = this;
    const shapeOf = (r: SlotRef): readonly number[] => {
      const { shape } = this.plan.slots[r.slot] as Slot;
      return r.row ? shape.slice(1) : shape;
    };
    const inputs = [];
    for (const r of s.reads) inputs.push({ data: await this.data(r, env), shape: shapeOf(r), dtype: (this.plan.slots[r.slot] as Slot).dtype });
    const outputs = s.writes.map((w) => {
      const { dtype } = this.plan.slots[w.slot] as Slot;
      return { data: allocate(dtype, sizeOf(shapeOf(w))), shape: shapeOf(w), dtype };
    });
    host.counters.routines++;
    s.routine.run(inputs, outputs, s.scalars.map((e) => evaluate(e, env.scalars)));
    s.writes.forEach((w, n) => this.store(w, host.residency.onHost((outputs[n] as { data: TypedArray }).data), env));
  }

  private async loop(s: Loop, env: Env<S>): Promise<void> {
    const count = evaluate(s.count, env.scalars);
    if (!(Number.isInteger(count) && count >= 0)) {
      fail("value", "gpujs-loop-count", { what: `A loop was asked to run ${count} times.`, fix: "give a number of steps that is 0 or more" });
    }
    this.move(env, s.carries, "init", "current");
    for (let i = 0; i < count; i++) {
      env.scalars[s.index] = i;
      for (const step of s.body) await this.step(step, env);
      this.move(env, s.carries, "next", "current");
    }
    this.move(env, s.carries, "current", "final");
    for (const c of s.carries) this.put(env, c.current, null);
  }

  /** All carries at once: what slots `from` hold, slots `to` hold too. */
  private move(env: Env<S>, carries: readonly Carry[], from: "init" | "current" | "next", to: "current" | "final"): void {
    const moved = carries.map((c) => retain(this.held(env, c[from])));
    carries.forEach((c, n) => this.put(env, c[to], moved[n] as Shared<S>));
    if (from === "next") for (const c of carries) if (!carries.some((d) => d.current === c.next)) this.put(env, c.next, null);
  }
}

/** For each top-level step: slots that no later step and no output mentions. */
function lastUses(plan: Plan): number[][] {
  const last = new Map<number, number>();
  const mention = (s: Step, n: number): void => {
    if (s.kind === "loop") {
      for (const c of s.carries) for (const slot of [c.init, c.current, c.next, c.final]) last.set(slot, n);
      for (const b of s.body) mention(b, n);
    } else for (const r of [...s.reads, ...s.writes]) last.set(r.slot, n);
  };
  plan.steps.forEach(mention);
  const dead: number[][] = plan.steps.map(() => []);
  for (const [slot, n] of last) if (!plan.outputs.includes(slot)) dead[n]?.push(slot);
  return dead;
}
