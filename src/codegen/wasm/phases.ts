/**
 * Which tasks may run together: tasks between loops are put into phases, each as early as what it reads and writes allows, and the tasks of a
 * phase are shared among threads. Must not know addresses. Next: place_slots.ts, module.ts.
 */
import type { Expr } from "../ir/expr.js";
import type { Block, Segment, Task } from "./tasks.js";
import { countOf } from "./uses.js";

/** Who runs a task: every thread a part of its units, or one thread all of them. */
export interface Share { readonly task: Task; readonly thread: "all" | number }

export interface Phase {
  readonly shares: readonly Share[];
  /** All of it on thread 0: waiting for others would take longer than the work. */
  readonly solo: boolean;
  /** The host is called: its answer is looked at by all threads, after all are done. */
  readonly host: boolean;
}

/** From which cost on, in estimated nanoseconds on one thread, threads are used. Tests set all to 0. */
export interface Thresholds {
  /** Work of a call below which nobody is woken; above it the clock decides (chooser.ts). */
  readonly wake: number;
  /** Work of a call that waits for workers to start, and begins with all threads. */
  readonly long: number;
  /** Work of a call for which one thread is not even tried. */
  readonly sure: number;
  /** Work of a phase for which threads meet before and after. */
  readonly meet: number;
  /** Work of a task that is cut. */
  readonly cut: number;
}

/** Two threads meet in 0.3 microseconds while both are awake; a call on both takes 5 more than on one when the worker is awake, and 60 when it sleeps. */
export const MEASURED: Thresholds = { wake: 20_000, long: 5_000_000, sure: 100_000_000, meet: 2000, cut: 2000 };

const isHost = (t: Task): boolean => t.work.kind === "routine" || t.work.kind === "cell";

/**
 * The tasks of a segment as lists, one after the other; tasks of one list touch nothing that another of them writes. `renewals`: outputs
 * that may take the place of inputs; they are written after what reads those.
 */
export function levels({ tasks }: Segment, renewals: ReadonlyMap<number, number>): Task[][] {
  const read = new Map<number, number>();
  const written = new Map<number, number>();
  const made: Task[][] = [];
  for (const task of tasks) {
    let level = 0;
    for (const { region, writes } of task.touches) {
      level = Math.max(level, (written.get(region) ?? -1) + 1);
      if (writes) level = Math.max(level, (read.get(region) ?? -1) + 1, (read.get(renewals.get(region) ?? -1) ?? -1) + 1);
    }
    for (const { region, writes } of task.touches) {
      const last = writes ? written : read;
      last.set(region, Math.max(last.get(region) ?? -1, level));
    }
    const list = made[level];
    if (list) list.push(task);
    else made[level] = [task];
  }
  return made;
}

/** Shares the tasks of a phase among threads: large ones are cut, the others go, longest first, to whoever has least to do. */
export function share(tasks: readonly Task[], threads: number, { meet, cut: least }: Thresholds): Phase {
  const host = tasks.some(isHost);
  const cost = tasks.reduce((ns, t) => ns + t.cost, 0);
  if (threads === 1 || (cost < meet && !host)) return { shares: tasks.map((task) => ({ task, thread: 0 })), solo: true, host };
  const load = new Array<number>(threads).fill(0);
  const cut = (t: Task): boolean => t.units > 1 && t.cost >= least && !isHost(t);
  const whole = tasks.filter((t) => !cut(t)).sort((a, b) => b.cost - a.cost);
  const owner = new Map<Task, number>();
  for (const t of whole) {
    const thread = isHost(t) ? 0 : load.indexOf(Math.min(...load));
    owner.set(t, thread);
    load[thread] = (load[thread] as number) + t.cost;
  }
  return { shares: tasks.map((task) => ({ task, thread: owner.get(task) ?? "all" })), solo: false, host };
}

/** Whether all of a block runs on thread 0. */
export const isSolo = (block: Block, phasesOf: (s: Segment) => readonly Phase[]): boolean =>
  block.parts.every((p) => (p.kind === "segment" ? phasesOf(p).every((f) => f.solo && !f.host) : isSolo(p.body, phasesOf)));

/** What threads could share, in estimated nanoseconds on one: of a call, and of each iteration of outer loops whose count the call gives. */
export interface Shareable { readonly always: number; readonly loops: readonly { readonly count: Expr; readonly cost: number }[] }

export function shareable(block: Block, phasesOf: (s: Segment) => readonly Phase[]): Shareable {
  const ofPhase = ({ shares, solo }: Phase): number => (solo ? 0 : shares.reduce((ns, { task }) => ns + task.cost, 0));
  const ofSegment = (s: Segment): number => phasesOf(s).reduce((ns, f) => ns + ofPhase(f), 0);
  const ofBlock = (b: Block): number => b.parts.reduce((ns, p) => ns + (p.kind === "segment" ? ofSegment(p) : countOf(p.loop) * ofBlock(p.body)), 0);
  const open = block.parts.flatMap((p) => (p.kind === "loop" && p.loop.count.kind !== "const" ? [{ count: p.loop.count, cost: ofBlock(p.body) }] : []));
  return { always: ofBlock({ ...block, parts: block.parts.filter((p) => p.kind !== "loop" || p.loop.count.kind === "const") }), loops: open.filter((l) => l.cost > 0) };
}
