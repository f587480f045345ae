/**
 * Walks a Plan: launches, routines and loops over counted buffers. Every whole write takes a fresh buffer and every hand-over is a change of
 * holder, so nothing that someone else still reads is overwritten. Must not know how kernels are written. Next: backend.ts owns it.
 */
import { fail, impossible } from "../../util/fail.js";
import type { StepTimer } from "../backend.js";
import { sizeOf, type TypedArray } from "../ir/dtype.js";
import type { Kernel } from "../ir/kernel.js";
import { type Carry, type Launch, type Loop, type Plan, type RoutineStep, type Slot, type SlotRef, type Step, timedStep } from "../ir/plan.js";
import { findLifetimes, type Lifetimes } from "./lifetimes.js";
import type { Bucket, Buffer, Pool } from "./memory.js";
import type { KernelFunction } from "./render.js";
import { type HostScalar, hostScalar } from "../ir/evaluate.js";

/** What a running plan holds. */
interface Env { readonly slots: (Buffer | null)[]; readonly scalars: number[] }

type Action = (env: Env) => void;

/** What the walker needs of the backend. */
export interface Host {
  readonly pool: Pool;
  readonly counters: { launches: number; routines: number };
  kernel(kernel: Kernel): KernelFunction;
}

/** One slot as a launch sees it. */
interface Port { readonly slot: number; readonly row: HostScalar | null; readonly rows: number; readonly rowSize: number; readonly bucket: Bucket; readonly shape: readonly number[] }

export class Walker {
  private readonly actions: readonly Action[];
  private readonly lifetimes: Lifetimes;

  constructor(private readonly plan: Plan, private readonly host: Host, private readonly timer: StepTimer | null = null) {
    this.lifetimes = findLifetimes(plan);
    this.actions = this.block(plan.steps);
  }

  /** Runs over buffers that stay their holders'; gives buffers of the outputs, one holder each for the caller. */
  run(given: ReadonlyMap<number, Buffer>, scalars: readonly number[]): Buffer[] {
    const { pool } = this.host;
    const env: Env = { slots: this.plan.slots.map(() => null), scalars: [...scalars, ...this.plan.scalars.slice(scalars.length).map(() => 0)] };
    for (const [slot, buffer] of given) env.slots[slot] = pool.retain(buffer);
    try {
      for (const action of this.actions) action(env);
      return this.plan.outputs.map((slot) => held(env, slot)).map((b) => pool.retain(b));
    } finally {
      env.slots.forEach((_, slot) => this.drop(env, slot));
    }
  }

  private drop(env: Env, slot: number): void {
    const buffer = env.slots[slot];
    if (buffer) this.host.pool.release(buffer);
    env.slots[slot] = null;
  }

  /** Makes a slot hold a buffer whose count already includes it. */
  private put(env: Env, slot: number, buffer: Buffer): void {
    const old = env.slots[slot];
    env.slots[slot] = buffer;
    if (old) this.host.pool.release(old);
  }

  private block(steps: readonly Step[]): Action[] {
    const after = this.lifetimes.after.get(steps) ?? impossible("a block without lifetimes");
    return steps.flatMap((s, n) => {
      const dead = after[n] ?? [];
      const action = s.kind === "loop" ? this.loop(s) : this.timer === null ? this.work(s) : this.timed(s, this.timer);
      return dead.length === 0 ? [action] : [action, (env: Env): void => { for (const slot of dead) this.drop(env, slot); }];
    });
  }

  private timed(s: Launch | RoutineStep, timer: StepTimer): Action {
    const work = this.work(s);
    const step = timedStep(s, this.plan.slots, "");
    return (env) => {
      const start = performance.now();
      work(env);
      timer(step, performance.now() - start);
    };
  }

  private port(ref: SlotRef): Port {
    const slot = this.plan.slots[ref.slot] as Slot;
    const shape = ref.row ? slot.shape.slice(1) : slot.shape;
    const bucket = this.host.pool.bucket(slot.dtype, sizeOf(slot.shape));
    return { slot: ref.slot, row: ref.row && hostScalar(ref.row), rows: slot.shape[0] ?? 0, rowSize: sizeOf(shape), bucket, shape };
  }

  /** A launch or a routine: views of what it reads, fresh buffers or rows for what it writes. */
  private work(step: Launch | RoutineStep): Action {
    const reads = step.reads.map((r) => this.port(r));
    const writes = step.writes.map((w) => this.port(w));
    const scalars = step.scalars.map(hostScalar);
    const body = step.kind === "launch" ? this.launch(step) : this.routine(step, reads, writes);
    const { pool } = this.host;
    return (env) => {
      const values = scalars.map((s) => s(env.scalars));
      const inputs = reads.map((p) => view(held(env, p.slot), p, env));
      const fresh = writes.map((p) => (p.row ? this.stacked(env, p) : pool.acquire(p.bucket)));
      const outputs = writes.map((p, n) => view(fresh[n] as Buffer, p, env));
      try {
        body(inputs, values, outputs);
      } catch (error) {
        writes.forEach((p, n) => { if (!p.row) pool.release(fresh[n] as Buffer); });
        throw error;
      }
      for (let n = 0; n < writes.length; n++) if (!writes[n]?.row) this.put(env, (writes[n] as Port).slot, fresh[n] as Buffer);
    };
  }

  /** The buffer that a row is written into: zero before its first row, and a copy when someone else holds it too. */
  private stacked(env: Env, port: Port): Buffer {
    const { pool } = this.host;
    const old = env.slots[port.slot];
    if (old && old.holders === 1) return old;
    const fresh = pool.acquire(port.bucket);
    if (old) fresh.data.set(old.data);
    else fresh.data.fill(0);
    this.put(env, port.slot, fresh);
    return fresh;
  }

  private launch(step: Launch): KernelFunction {
    const kernel = this.host.kernel(step.kernel);
    const { counters } = this.host;
    return (inputs, values, outputs) => {
      counters.launches++;
      kernel(inputs, values, outputs);
    };
  }

  private routine(step: RoutineStep, reads: readonly Port[], writes: readonly Port[]): KernelFunction {
    const host = (ports: readonly Port[], data: readonly TypedArray[]) => ports.map((p, n) => ({ data: data[n] as TypedArray, shape: p.shape, dtype: p.bucket.dtype }));
    const { counters } = this.host;
    return (inputs, values, outputs) => {
      counters.routines++;
      step.routine.run(host(reads, inputs), host(writes, outputs), values);
    };
  }

  private loop(loop: Loop): Action {
    const count = hostScalar(loop.count);
    const body = this.block(loop.body);
    const { carries } = loop;
    const currents = new Set(carries.map((c) => c.current));
    const handedOver = (this.lifetimes.after.get(loop.body)?.[loop.body.length] ?? []).filter((slot) => !currents.has(slot));
    const atEnd = [...currents].filter((slot) => this.lifetimes.owner.get(slot) === loop.body);
    return (env) => {
      const n = count(env.scalars);
      if (!(Number.isInteger(n) && n >= 0)) {
        fail("value", "loop-count", { what: `A loop was asked to run ${n} times.`, fix: "give a number of steps that is 0 or more" });
      }
      this.move(env, carries, "init", "current");
      for (let i = 0; i < n; i++) {
        env.scalars[loop.index] = i;
        for (const action of body) action(env);
        this.move(env, carries, "next", "current");
        for (const slot of handedOver) this.drop(env, slot);
      }
      this.move(env, carries, "current", "final");
      for (const slot of atEnd) this.drop(env, slot);
    };
  }

  /** All carries at once: what slots `from` hold, slots `to` hold too. */
  private move(env: Env, carries: readonly Carry[], from: "init" | "current" | "next", to: "current" | "final"): void {
    const moved = carries.map((c) => this.host.pool.retain(held(env, c[from])));
    carries.forEach((c, n) => this.put(env, c[to], moved[n] as Buffer));
  }
}

function held(env: Env, slot: number): Buffer {
  return env.slots[slot] ?? impossible(`slot %${slot} is read before it is written`);
}

function view(buffer: Buffer, port: Port, env: Env): TypedArray {
  if (!port.row) return buffer.data;
  const row = port.row(env.scalars);
  if (!(Number.isInteger(row) && row >= 0 && row < port.rows)) impossible(`row ${row} of slot %${port.slot}, which has ${port.rows}`);
  return buffer.data.subarray(row * port.rowSize, (row + 1) * port.rowSize);
}
