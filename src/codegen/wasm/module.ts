/**
 * A plan as one WebAssembly module, as text. Every thread runs the exported `run(thread, threads, frame)` from beginning to end: loops, carries
 * and scalars are each thread's own, the units of passes are shared, and a barrier stands between phases. Must not know how kernels are
 * written. Next: executable.ts runs it.
 */
import type { Expr } from "../ir/expr.js";
import type { Plan, RoutineStep } from "../ir/plan.js";
import { BARRIER } from "./barrier.js";
import type { KernelCode } from "./code.js";
import { FRAME, STATUS } from "./frame.js";
import { isSolo, levels, type Phase, share, type Share, type Shareable, shareable, type Thresholds } from "./phases.js";
import { type Places, placeSlots } from "./place_slots.js";
import { Pointers, ROW } from "./pointers.js";
import { type Cell, Scalars } from "./scalars.js";
import { type Block, bytesOf, type Kit, type LoopPart, makeTasks, type PassCall, type Program, type Segment, type Task } from "./tasks.js";
import { call, Func, i32 } from "./wat.js";

/** A routine that the host runs: where the module leaves addresses (reads, writes) and numbers for it in the frame. */
export interface HostRoutine { readonly step: RoutineStep; readonly addresses: number; readonly scalars: number }

export interface PlanModule {
  readonly text: string;
  /** The text in parts: `run`, then each kernel's and the functions they share. */
  readonly sources: readonly string[];
  readonly program: Program;
  readonly places: Places;
  readonly shareable: Shareable;
  /** Places.renewed, of runs that nothing can stop once they have begun. */
  readonly renewed: Places["renewed"];
  /** Bytes that a thread needs for itself. */
  readonly own: number;
  readonly frameBytes: number;
  readonly given: readonly Cell[];
  readonly asked: readonly Cell[];
  readonly routines: readonly HostRoutine[];
  /** Where the frame has the index of a loop, by plan scalar, for numbers that the host computes. */
  readonly indices: ReadonlyMap<number, number>;
  /** By the number with which the module says that one is done; empty unless it was asked to. */
  readonly timed: readonly Task[];
}

export function writeModule(plan: Plan, kit: Kit, options: { readonly threads: number; readonly shared: boolean; readonly thresholds: Thresholds; readonly timed?: boolean }): PlanModule {
  const frame = new FrameSize(plan.inputs.length + plan.constants.length + plan.outputs.length);
  const indices = new Map<number, string>();
  const scalars = new Scalars(plan.scalarInputs, () => frame.take(1), indices);
  const program = makeTasks(plan, kit, scalars);
  const renewals = new Map(plan.outputs.flatMap((slot, at): [number, number][] => (plan.renews?.[at] == null ? [] : [[slot, plan.inputs[plan.renews[at]] as number]])));
  const phases = new Map<Segment, readonly Phase[]>();
  const phasesOf = (s: Segment): readonly Phase[] => {
    const made = phases.get(s) ?? levels(s, renewals).flatMap((tasks) => (options.timed === true ? tasks.map((t) => [t]) : [tasks])).map((tasks) => share(tasks, options.threads, options.thresholds));
    phases.set(s, made);
    return made;
  };
  const places = placeSlots(plan, program, renewals, phasesOf);
  const writer = new RunWriter({ plan, program, places, scalars, indices, phasesOf, frame, threads: options.threads, timed: options.timed === true });
  const run = writer.write();
  const codes = [...program.codes];
  const parts = partsOf(codes);
  const text = [
    `(module`, `(import "damo" "memory" (memory 1${options.shared ? " 65536 shared" : ""}))`,
    ...(writer.routines.length > 0 ? ['(import "damo" "routine" (func $routine (param i32) (result i32)))'] : []),
    ...(scalars.asked.length > 0 ? ['(import "damo" "number" (func $number (param i32) (result i32)))'] : []),
    ...(options.timed === true ? ['(import "damo" "lap" (func $lap (param i32)))'] : []),
    ...(options.threads > 1 ? [BARRIER] : []), ...(run.includes("(call $row ") ? [ROW] : []), ...parts, run, '(export "run" (func $run)))',
  ].join("\n");
  return {
    text, sources: [run, ...parts], program, places, frameBytes: frame.bytes, given: scalars.given, asked: scalars.asked, routines: writer.routines, indices: writer.indexCells, timed: writer.timed,
    own: ownBytes(program), shareable: shareable(program.block, phasesOf), renewed: writer.mayStop ? [] : places.renewed,
  };
}

/** What the kernels want for a thread alone, in whole cache lines. */
const ownBytes = ({ codes }: Program): number => Math.ceil([...codes].reduce((most, c) => Math.max(most, c.own), 0) / 64) * 64;

/** Functions of all kernels, then what they share; equal names are equal functions. */
function partsOf(codes: readonly KernelCode[]): string[] {
  const passes = new Map<string, string>();
  const library = new Map<string, string>();
  for (const c of codes) {
    for (const p of [...c.packings.map((k) => k.pass), ...c.passes]) passes.set(p.name, p.text);
    for (const [name, text] of c.library) library.set(name, text);
  }
  return [...passes.values(), ...library.values()];
}

class FrameSize {
  bytes: number;

  constructor(addresses: number) {
    this.bytes = Math.ceil((FRAME.addresses + 4 * addresses) / 8) * 8;
  }

  /** The offset of so many numbers of 8 bytes. */
  take(numbers: number): number {
    const offset = this.bytes;
    this.bytes += 8 * numbers;
    return offset;
  }
}

interface Parts {
  readonly plan: Plan;
  readonly program: Program;
  readonly places: Places;
  readonly scalars: Scalars;
  /** Texts of the loop indices, filled while loops are written. */
  readonly indices: Map<number, string>;
  readonly phasesOf: (s: Segment) => readonly Phase[];
  readonly frame: FrameSize;
  readonly threads: number;
  readonly timed: boolean;
}

const THREAD = "(local.get $thread)";
const THREADS = "(local.get $threads)";
const FRAME_AT = "(local.get $frame)";
const isCaller = `(i32.eqz ${THREAD})`;

class RunWriter {
  readonly routines: HostRoutine[] = [];
  readonly indexCells = new Map<number, number>();
  /** Whether a run may end early, by what the host throws or a loop's count. */
  mayStop = false;
  readonly timed: Task[] = [];
  private readonly fn = new Func("$run", ["$thread", "$threads", "$frame"].map((name) => ({ name, type: "i32" })), "i32");
  private readonly pointers: Pointers;
  private readonly launches = this.fn.local("i32", "launches");
  private readonly hostCalls = this.fn.local("i32", "routines");
  /** Where this thread's own memory is. */
  private readonly own: string;
  /** What has been written since the last barrier: nothing, work of thread 0, or work of all. */
  private pending: "none" | "solo" | "all" = "none";

  constructor(private readonly parts: Parts) {
    const { plan, program, places, scalars } = parts;
    this.pointers = new Pointers(this.fn, program, places, scalars, plan.inputs.length + plan.constants.length);
    const bytes = ownBytes(program);
    this.own = bytes === 0 ? i32(0) : this.fn.let("i32", `(i32.add (i32.load offset=${FRAME.own} ${FRAME_AT}) (i32.mul ${THREAD} ${i32(bytes)}))`, "own");
  }

  write(): string {
    this.block(this.parts.program.block);
    this.settle();
    this.when(isCaller, () => {
      this.store(FRAME.launches, this.launches.get);
      this.store(FRAME.routines, this.hostCalls.get);
    });
    this.barrier();
    return this.fn.text(i32(STATUS.done));
  }

  private store(offset: number, value: string, type: "i32" | "f64" = "i32"): void {
    this.fn.line(`(${type}.store offset=${offset} ${FRAME_AT} ${value})`);
  }

  private when(condition: string, then: () => void): void {
    if (this.parts.threads === 1) then();
    else this.fn.when(condition, then);
  }

  private barrier(): void {
    if (this.parts.threads > 1) this.fn.line(call("$barrier", THREAD, THREADS));
    this.pending = "none";
  }

  private block(block: Block): void {
    for (const [count, n] of [[this.launches, block.launches], [this.hostCalls, block.routines]] as const) {
      if (n > 0) this.fn.line(count.set(`(i32.add ${count.get} ${i32(n)})`));
    }
    for (const part of block.parts) {
      if (part.kind === "loop") this.loop(part);
      else for (const phase of this.parts.phasesOf(part)) this.phase(phase);
    }
  }

  private phase(phase: Phase): void {
    if (this.pending === "all" || (this.pending === "solo" && !phase.solo)) this.barrier();
    const byThread = new Map<Share["thread"], Task[]>();
    for (const { task, thread } of phase.shares) byThread.set(thread, [...(byThread.get(thread) ?? []), task]);
    for (const [thread, tasks] of byThread) {
      if (thread === "all") for (const t of tasks) this.task(t, this.portion(t.units, 0), this.portion(t.units, 1));
      else this.when(thread === 0 ? isCaller : `(i32.eq ${THREAD} (i32.rem_u ${i32(thread)} ${THREADS}))`, () => {
        for (const t of tasks) this.task(t, i32(0), i32(t.units));
      });
    }
    this.pending = phase.solo ? "solo" : "all";
    if (phase.host) this.checkHost();
    if (this.parts.timed) this.lap(phase);
  }

  /** All threads are done with the task before the clock is read. */
  private lap({ shares }: Phase): void {
    if (this.pending === "all") this.barrier();
    for (const { task } of shares) this.when(isCaller, () => this.fn.line(call("$lap", i32(this.timed.push(task) - 1))));
  }

  /** The first unit of this thread, or of the next. */
  private portion(units: number, next: 0 | 1): string {
    return `(i32.div_u (i32.mul ${i32(units)} ${next === 0 ? THREAD : `(i32.add ${THREAD} (i32.const 1))`}) ${THREADS})`;
  }

  private checkHost(): void {
    this.mayStop = true;
    this.barrier();
    this.fn.line(`(if (i32.load offset=${FRAME.failed} ${FRAME_AT}) (then (return ${i32(STATUS.failed)})))`);
  }

  private task(task: Task, from: string, to: string): void {
    const { work } = task;
    if (task.note !== "") this.fn.line(`;; ${task.note}`);
    const at = (region: number): string => this.pointers.region(region);
    switch (work.kind) {
      case "pass": this.fn.line(call(work.pass.name, from, to, ...this.args(work.call))); break;
      case "pack": this.fn.line(call(work.pass.name, from, to, this.pointers.ref(work.from), at(work.to))); break;
      case "copy": this.fn.line(`(memory.copy ${at(work.to)} ${at(work.from)} ${i32(this.bytes(work.to))})`); break;
      case "clear": this.fn.line(`(memory.fill ${at(work.slot)} (i32.const 0) ${i32(this.bytes(work.slot))})`); break;
      case "routine": this.routine(work.step); break;
      case "cell": this.cell(work.expr); break;
    }
  }

  private args({ reads, writes, scalars, packings, scratch }: PassCall): string[] {
    return [
      ...[...reads, ...writes].map((r) => this.pointers.ref(r)), ...scalars.map((e) => this.parts.scalars.param(e)),
      ...packings.map((p) => this.pointers.region(p)), scratch === null ? i32(0) : this.pointers.region(scratch), this.own,
    ];
  }

  private bytes(region: number): number {
    return this.parts.program.regions[region]?.bytes ?? 0;
  }

  private routine(step: RoutineStep): void {
    const { frame, scalars } = this.parts;
    const refs = [...step.reads, ...step.writes];
    const addresses = frame.take(Math.ceil(refs.length / 2));
    const numbers = frame.take(step.scalars.length);
    const index = this.routines.push({ step, addresses, scalars: numbers }) - 1;
    refs.forEach((r, n) => { this.store(addresses + 4 * n, this.pointers.ref(r)); });
    step.scalars.forEach((e, n) => { this.store(numbers + 8 * n, toF64(e, scalars.text(e)), "f64"); });
    this.store(FRAME.failed, `(i32.or (i32.load offset=${FRAME.failed} ${FRAME_AT}) (call $routine ${i32(index)}))`);
  }

  private cell(expr: Expr): void {
    const { scalars, indices, frame } = this.parts;
    for (const [scalar, text] of indices) {
      const offset = this.indexCells.get(scalar) ?? frame.take(1);
      this.indexCells.set(scalar, offset);
      this.store(offset, text);
    }
    const index = scalars.asked.findIndex((c) => c.expr === expr);
    this.store(FRAME.failed, `(i32.or (i32.load offset=${FRAME.failed} ${FRAME_AT}) (call $number ${i32(index)}))`);
  }

  private loop(part: LoopPart): void {
    const { loop, body } = part;
    const { scalars, indices, phasesOf } = this.parts;
    const solo = isSolo(body, phasesOf);
    if (this.pending === "all" || (this.pending === "solo" && !solo)) this.barrier();
    const count = this.fn.let("i32", scalars.text(loop.count), "count");
    if (loop.count.kind !== "const" || loop.count.value < 0) this.checkCount(count);
    this.pointers.enter(loop, count);
    this.fn.loop(i32(0), count, 1, (i) => {
      indices.set(loop.index, i);
      this.pointers.beginIteration(loop);
      this.block(body);
      this.pointers.endIteration(loop);
      if (!solo && this.pending !== "none") this.barrier();
      indices.delete(loop.index);
    });
    this.pointers.leave(loop);
    this.pending = solo ? "solo" : "none";
  }

  private checkCount(count: string): void {
    this.mayStop = true;
    this.fn.line(`(if (i32.lt_s ${count} (i32.const 0)) (then (i32.store offset=${FRAME.count} ${FRAME_AT} ${count}) (return ${i32(STATUS.loopCount)})))`);
  }

  /** Outputs that are pointers and do not point at their block are copied there. */
  private settle(): void {
    const { program, places, threads } = this.parts;
    const pointing = places.outputs.flatMap((slot, at) => (program.wired.sources.has(slot) || places.rings.has(slot) ? [{ slot, at }] : []));
    if (pointing.length > 0 && this.pending !== "none") this.barrier();
    pointing.forEach(({ slot, at }, n) => {
      const from = this.pointers.region(slot);
      const home = this.pointers.output(at);
      const type = program.wired.slots[slot];
      this.when(`(i32.eq ${THREAD} (i32.rem_u ${i32(n % threads)} ${THREADS}))`, () => {
        this.fn.line(`(if (i32.ne ${from} ${home}) (then (memory.copy ${home} ${from} ${i32(type ? bytesOf(type) : 0)})))`);
      });
    });
  }
}

const toF64 = (e: Expr, text: string): string => (e.dtype === "int32" || e.dtype === "bool" ? `(f64.convert_i32_s ${text})` : text);
