/**
 * A plan's module at work: per call it fills the frame, takes blocks for the outputs, runs, and hands the blocks over. Must not know how
 * modules are written. Next: threads.ts runs it on many threads; backend.ts owns it.
 */
import { fail, impossible } from "../../util/fail.js";
import type { Counters, Executable, Handle, StepTimer } from "../backend.js";
import { type HostScalar, hostScalar } from "../ir/evaluate.js";
import { isInt } from "../ir/dtype.js";
import type { BufferType } from "../ir/kernel.js";
import { type HostBuffer, type Plan, type SlotRef, timedStep } from "../ir/plan.js";
import { Chooser } from "./chooser.js";
import { engine, type WasmImports, type WasmModule } from "./engine.js";
import { FRAME, STATUS } from "./frame.js";
import { open, show, store, viewAt, WasmHandle } from "./handle.js";
import type { Arena, Block } from "./memory.js";
import type { PlanModule } from "./module.js";
import type { Shareable, Thresholds } from "./phases.js";
import { bytesOf } from "./tasks.js";
import type { Pool } from "./threads.js";

/** What executables of a backend share. */
export interface Device {
  readonly arena: Arena;
  readonly counters: Counters;
  readonly pool: Pool | null;
  readonly thresholds: Thresholds;
  /** The address of memory for one run: nobody's data between runs. */
  scratch(): number;
  /** Called when an executable is done with. */
  forget(executable: WasmExecutable): void;
}

type Run = (thread: number, threads: number, frame: number) => number;

/** A number that goes into the frame before each run. */
interface Given { readonly value: HostScalar; readonly at: number; readonly isInt: boolean }

/** Milliseconds that long work waits for workers: they start in some 40, on a busy machine in several 100. */
const PATIENCE = 1000;

/** Where an output comes from: a given block, or one taken for this call. */
interface Source { readonly given: boolean; readonly at: number; readonly type: BufferType }

export class WasmExecutable implements Executable {
  /** Bytes of scratch memory for a run. */
  readonly scratchBytes: number;
  private run_: Run | null = null;
  private readonly frame: Block;
  private readonly constants: readonly Block[];
  private readonly given: readonly Given[];
  private readonly outputs: readonly Source[];
  private readonly inputTypes: readonly BufferType[];
  /** Blocks that calls take: their bytes, the plan's outputs that they become, and the input whose block may be taken instead. */
  private readonly taken: readonly { readonly bytes: number; readonly outputs: readonly number[]; readonly renewed: number | null }[];
  private readonly routines: readonly { readonly reads: readonly BufferType[]; readonly writes: readonly BufferType[] }[];
  private readonly asked: readonly HostScalar[];
  /** Estimated nanoseconds on one thread of what all can share. */
  private readonly cost: (scalars: readonly number[]) => number;
  private readonly chooser: Chooser;
  private scalars: readonly number[] = [];
  private error: unknown = null;
  private message = 0;
  /** Calls, and those that ran on all threads. */
  private calls = 0;
  private sharedCalls = 0;
  private disposed = false;
  /** When the last task ended. */
  private lapped = 0;

  constructor(private readonly plan: Plan, private readonly module: PlanModule, private readonly device: Device, readonly id: number, private readonly code: WasmModule, private readonly timer: StepTimer | null = null) {
    const { arena } = device;
    const threads = device.pool?.threads ?? 1;
    this.scratchBytes = module.places.bytes + threads * module.own;
    this.inputTypes = plan.inputs.map((slot) => plan.slots[slot] as BufferType);
    this.taken = module.places.outputs.map((slot, n) => ({
      bytes: bytesOf(module.program.wired.slots[slot] as BufferType), outputs: plan.outputs.flatMap((o, at) => (o === slot ? [at] : [])), renewed: module.renewed[n] ?? null,
    }));
    this.outputs = plan.outputs.map((slot): Source => {
      const at = module.places.outputs.indexOf(slot);
      const type = plan.slots[slot] as BufferType;
      return at >= 0 ? { given: false, at, type } : { given: true, at: [...plan.inputs, ...plan.constants.map((c) => c.slot)].indexOf(slot), type };
    });
    this.given = module.given.map(({ expr, offset }) => ({ value: hostScalar(expr), at: offset, isInt: isInt(expr.dtype) }));
    this.asked = module.asked.map(({ expr }) => hostScalar(expr));
    this.routines = module.routines.map(({ step }) => ({ reads: step.reads.map((r) => this.typeOf(r)), writes: step.writes.map((r) => this.typeOf(r)) }));
    this.cost = costFunction(module.shareable);
    this.chooser = new Chooser(device.thresholds);
    const blocks: Block[] = [];
    try {
      this.frame = arena.acquire(module.frameBytes);
      blocks.push(this.frame);
      for (const c of plan.constants) blocks.push(store(arena, c.data, plan.slots[c.slot] as BufferType));
    } catch (e) {
      for (const b of blocks) arena.release(b);
      throw e;
    }
    this.constants = blocks.slice(1);
  }

  private typeOf({ slot, row }: SlotRef): BufferType {
    const { dtype, shape } = this.module.program.wired.slots[slot] as BufferType;
    return { dtype, shape: row ? shape.slice(1) : shape };
  }

  /** Makes the calling thread's instance; workers make theirs meanwhile where they will be wanted at once. */
  async load(): Promise<void> {
    if (this.chooser.isLong(this.module.shareable.always)) this.install();
    const imports: WasmImports = { damo: { memory: this.device.arena.memory, routine: (n: number) => this.guard(() => this.routine(n)), number: (n: number) => this.guard(() => this.number(n)), lap: this.stopwatch() } };
    const { exports } = await engine.instantiate(this.code, imports);
    this.run_ = exports.run as Run;
  }

  /** What a module that was asked to calls when a task is done: the time since the one before, or since the call began. */
  private stopwatch(): (task: number) => void {
    const { timer, module: { timed, program } } = this;
    const steps = timed.map((t) => timedStep(t.step ?? null, program.wired.slots, t.note));
    return (task) => {
      const now = performance.now();
      timer?.(steps[task] ?? impossible("a task that the module does not have"), now - this.lapped);
      this.lapped = performance.now();
    };
  }

  /** Throws `plan-disposed`, `plan-input`, `plan-scalars`, `handle-freed`, `handle-foreign`, `loop-count`, `wasm-memory`, and what routines throw. */
  async run(inputs: readonly Handle[], scalars: readonly number[], renews: readonly boolean[] = []): Promise<Handle[]> {
    const { plan, device: { arena } } = this;
    if (this.disposed) fail("value", "plan-disposed", { what: "This executable was disposed.", fix: "compile the plan again" });
    if (inputs.length !== plan.inputs.length || scalars.length !== plan.scalarInputs) {
      fail("value", "plan-scalars", {
        what: `The plan takes ${plan.inputs.length} buffers and ${plan.scalarInputs} scalars, got ${inputs.length} and ${scalars.length}.`, fix: "pass one of each that the plan lists",
      });
    }
    const given: Block[] = [];
    for (let n = 0; n < inputs.length; n++) given.push(this.input(inputs[n] as Handle, n));
    for (const c of this.constants) given.push(c);
    const fresh: Block[] = [];
    try {
      for (let n = 0; n < this.taken.length; n++) fresh.push(this.renewed(n, given, renews) ?? arena.acquire((this.taken[n] as WasmExecutable["taken"][number]).bytes));
      const scratch = this.device.scratch();
      this.fill(given, fresh, scalars, scratch);
      if (this.timer !== null) this.lapped = performance.now();
      this.check(this.start(scalars));
    } catch (e) {
      for (const b of fresh) arena.release(b);
      throw e instanceof engine.RuntimeError ? impossible(`a plan's module trapped: ${e.message}`) : e;
    }
    return this.handOver(given, fresh);
  }

  /** The block of an input, where the caller allows it, the module can do it, and nobody else has the block. */
  private renewed(n: number, given: readonly Block[], renews: readonly boolean[]): Block | null {
    const { outputs, renewed } = this.taken[n] as WasmExecutable["taken"][number];
    if (renewed === null) return null;
    const block = given[renewed] as Block;
    return block.holders === 1 && outputs.some((at) => renews[at]) ? this.device.arena.retain(block) : null;
  }

  private input(handle: Handle, n: number): Block {
    const want = this.inputTypes[n] as BufferType;
    if (!sameType(handle, want)) fail("type", "plan-input", { what: `Input ${n} of the plan is ${show(want)}, got ${show(handle)}.`, fix: "pass a buffer of the type the plan was made for" });
    return open(handle, this.device.arena);
  }

  private fill(given: readonly Block[], fresh: readonly Block[], scalars: readonly number[], scratch: number): void {
    const { ints, doubles } = this.device.arena;
    const base = this.frame.address;
    const word = base / 4;
    ints[word + FRAME.scratch / 4] = scratch;
    ints[word + FRAME.own / 4] = scratch + this.module.places.bytes;
    ints[word + FRAME.failed / 4] = 0;
    let at = word + FRAME.addresses / 4;
    for (let n = 0; n < given.length; n++) ints[at++] = (given[n] as Block).address;
    for (let n = 0; n < fresh.length; n++) ints[at++] = (fresh[n] as Block).address;
    for (const g of this.given) {
      if (g.isInt) ints[(base + g.at) / 4] = g.value(scalars);
      else doubles[(base + g.at) / 8] = g.value(scalars);
    }
    this.scalars = scalars;
  }

  /** On all threads where the work is worth it. */
  private start(scalars: readonly number[]): number {
    const { pool, thresholds } = this.device;
    this.calls++;
    if (pool === null || pool.broken !== null) return (this.run_ as Run)(0, 1, this.frame.address);
    const cost = this.cost(scalars);
    const { chooser } = this;
    if (cost >= thresholds.wake) this.install();
    if (chooser.choose(cost) === "one") return this.timed("one", cost);
    // At the first calls workers may still be starting: only long work waits for them.
    return this.timed(pool.ready(this.message, chooser.isLong(cost) ? PATIENCE : 0) ? "all" : "one", cost);
  }

  private install(): void {
    const { pool } = this.device;
    if (this.message === 0 && pool !== null) this.message = pool.install(this.id, this.code);
  }

  private timed(kind: "one" | "all", cost: number): number {
    const { chooser, device: { pool, thresholds } } = this;
    const run = this.run_ as Run;
    const frame = this.frame.address;
    const start = cost < thresholds.wake || cost >= thresholds.sure ? 0 : performance.now();
    if (kind === "all") this.sharedCalls++;
    const status = kind === "one" || pool === null ? run(0, 1, frame) : pool.run(this.id, frame, () => run(0, pool.threads, frame));
    if (start > 0) chooser.note(kind, cost, performance.now() - start);
    return status;
  }

  private check(status: number): void {
    const { ints } = this.device.arena;
    const word = this.frame.address / 4;
    if (status === STATUS.failed) {
      const { error } = this;
      this.error = null;
      throw error;
    }
    if (status === STATUS.loopCount) fail("value", "loop-count", { what: `A loop was asked to run ${ints[word + FRAME.count / 4]} times.`, fix: "give a number of steps that is 0 or more" });
    this.device.counters.launches += ints[word + FRAME.launches / 4] as number;
    this.device.counters.routines += ints[word + FRAME.routines / 4] as number;
  }

  private handOver(given: readonly Block[], fresh: readonly Block[]): Handle[] {
    const { arena } = this.device;
    const taken = new Set<Block>();
    return this.outputs.map((o) => {
      const block = (o.given ? given : fresh)[o.at] as Block;
      if (o.given || taken.has(block)) arena.retain(block);
      taken.add(block);
      return new WasmHandle(o.type, block, arena);
    });
  }

  /** What the host throws waits until all threads have stopped. */
  private guard(work: () => void): number {
    try {
      work();
      return 0;
    } catch (e) {
      this.error = e;
      return 1;
    }
  }

  private routine(n: number): void {
    const { arena } = this.device;
    const { step, addresses, scalars } = this.module.routines[n] as PlanModule["routines"][number];
    const { reads, writes } = this.routines[n] as { reads: readonly BufferType[]; writes: readonly BufferType[] };
    let at = (this.frame.address + addresses) / 4;
    const buffer = (type: BufferType): HostBuffer => ({ data: viewAt(arena, (arena.ints[at++] as number) >>> 0, type), shape: type.shape, dtype: type.dtype });
    const from = (this.frame.address + scalars) / 8;
    step.routine.run(reads.map(buffer), writes.map(buffer), [...arena.doubles.slice(from, from + step.scalars.length)]);
  }

  private number(n: number): void {
    const { ints, doubles } = this.device.arena;
    const base = this.frame.address;
    const all = [...this.scalars];
    for (const [scalar, offset] of this.module.indices) all[scalar] = ints[(base + offset) / 4] as number;
    const { expr, offset } = this.module.asked[n] as PlanModule["asked"][number];
    const value = (this.asked[n] as HostScalar)(all);
    if (isInt(expr.dtype)) ints[(base + offset) / 4] = value;
    else doubles[(base + offset) / 8] = value;
  }

  sources(): readonly string[] {
    return this.module.sources;
  }

  bytes(): Readonly<Record<string, number>> {
    return { scratch: this.scratchBytes };
  }

  report(): readonly string[] {
    const { places, program } = this.module;
    const { pool } = this.device;
    const packings = program.regions.filter((r) => r.what === "packing");
    const hows = new Map<string, number>();
    for (const { how } of program.codes) hows.set(how, (hows.get(how) ?? 0) + 1);
    return [
      pool === null ? "one thread" : `${this.sharedCalls} of ${this.calls} calls on ${pool.threads} threads${pool.broken === null ? "" : `, now on one: ${pool.broken}`}`,
      `scratch memory ${this.scratchBytes} bytes for ${places.unshared} bytes of values, ${places.inPlace} results in an operand's place`,
      `${packings.length} operands packed, ${packings.reduce((sum, r) => sum + r.bytes, 0)} bytes`,
      `kernels: ${[...hows].map(([how, n]) => `${n} ${how}`).join(", ") || "none"}`,
    ];
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    const { arena, pool } = this.device;
    arena.release(this.frame);
    for (const c of this.constants) arena.release(c);
    if (this.message > 0) pool?.forget(this.id);
    this.device.forget(this);
  }
}

function sameType(a: BufferType, b: BufferType): boolean {
  if (a.dtype !== b.dtype || a.shape.length !== b.shape.length) return false;
  for (let n = 0; n < a.shape.length; n++) if (a.shape[n] !== b.shape[n]) return false;
  return true;
}

/** What threads can share of a call. */
function costFunction({ always, loops }: Shareable): (scalars: readonly number[]) => number {
  if (loops.length === 0) return () => always;
  const open = loops.map((l) => ({ count: hostScalar(l.count), cost: l.cost }));
  return (scalars) => open.reduce((ns, l) => ns + Math.max(0, l.count(scalars)) * l.cost, always);
}
