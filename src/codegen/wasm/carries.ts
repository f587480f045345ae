/**
 * How values travel through loops: carries as pointers. A loop's `current` and `final` slots have no memory of their own; they point at what
 * the body wrote, in a ring of places just long enough for the longest chain of taps. Where pointers alone would be wrong, copies are put in.
 * Must not know kernels or addresses. Next: tasks.ts.
 */
import type { Expr } from "../ir/expr.js";
import type { Carry, Launch, Loop, Plan, RoutineStep, Slot, Step } from "../ir/plan.js";
import { impossible } from "../../util/fail.js";

export interface CopyStep { readonly kind: "copy"; readonly from: number; readonly to: number }
export type WorkStep = Launch | RoutineStep | CopyStep;

/** A slot that the body writes and carries hold on to: written at place 0, then 1, …, so that the last `depth` values are still there. */
export interface Ring {
  readonly slot: number;
  readonly depth: number;
  /** For how many iterations back (from 1) the value is a loop's result, and in which slot. */
  readonly finals: readonly { readonly back: number; readonly slot: number }[];
}

export interface WiredLoop {
  readonly kind: "loop";
  readonly count: Expr;
  readonly index: number;
  readonly carries: readonly Carry[];
  readonly rings: readonly Ring[];
  readonly body: readonly WiredStep[];
  /** Slots whose contents may differ from one iteration to the next. */
  readonly changes: ReadonlySet<number>;
}

export type WiredStep = WorkStep | WiredLoop;

export interface Wired {
  readonly slots: readonly Slot[];
  readonly steps: readonly WiredStep[];
  /** For slots that are pointers: the slots whose memory they may point at. */
  readonly sources: ReadonlyMap<number, ReadonlySet<number>>;
}

/** A step's number in the order of the text; a loop's number comes before its body's. */
interface Writer { readonly at: number; readonly block: readonly Step[]; readonly how: "whole" | "row" | "loop" }

interface Span { readonly at: number; readonly end: number }

class Census {
  readonly writers = new Map<number, Writer[]>();
  readonly spans = new Map<Loop, Span>();
  private count = 0;

  walk(block: readonly Step[]): void {
    for (const s of block) {
      const at = this.count++;
      if (s.kind !== "loop") {
        for (const w of s.writes) this.note(w.slot, { at, block, how: w.row ? "row" : "whole" });
        continue;
      }
      for (const c of s.carries) this.note(c.final, { at, block, how: "loop" });
      this.walk(s.body);
      this.spans.set(s, { at, end: this.count });
    }
  }

  private note(slot: number, writer: Writer): void {
    const known = this.writers.get(slot);
    if (known) known.push(writer);
    else this.writers.set(slot, [writer]);
  }

  of(slot: number): readonly Writer[] {
    return this.writers.get(slot) ?? [];
  }

  span(loop: Loop): Span {
    return this.spans.get(loop) ?? impossible("a loop that was not counted");
  }
}

export function wire(plan: Plan): Wired {
  const wiring = new Wiring(plan);
  const steps = wiring.block(plan.steps);
  return { slots: wiring.slots, steps, sources: closure(wiring.pointers) };
}

class Wiring {
  readonly slots: Slot[];
  /** For each pointer slot, the slots it takes its value from. */
  readonly pointers = new Map<number, Set<number>>();
  private readonly census = new Census();

  constructor(plan: Plan) {
    this.slots = [...plan.slots];
    this.census.walk(plan.steps);
  }

  block(steps: readonly Step[]): WiredStep[] {
    return steps.flatMap((s): WiredStep[] => (s.kind === "loop" ? this.loop(s) : [s]));
  }

  private fresh(like: number, label: string): number {
    const slot = this.slots[like] as Slot;
    return this.slots.push({ ...slot, stacked: false, label: `${slot.label} ${label}` }) - 1;
  }

  /** A slot that may be written while carries still point at it is copied. */
  private loop(loop: Loop): WiredStep[] {
    const { at, end } = this.census.span(loop);
    const before: WiredStep[] = [];
    const after: WiredStep[] = [];
    const atEnd: CopyStep[] = [];
    const currents = new Set(loop.carries.map((c) => c.current));
    if (loop.carries.some((c) => this.census.of(c.current).length > 0)) impossible("a step writes what a loop hands it");
    const kept = (slot: number): number => {
      if (!this.census.of(slot).some((w) => w.at > at)) return slot;
      const copy = this.fresh(slot, "before");
      before.push({ kind: "copy", from: slot, to: copy });
      return copy;
    };
    const next = (slot: number): number => {
      if (currents.has(slot)) return slot;
      const writers = this.census.of(slot);
      if (!writers.some((w) => w.at > at && w.at < end)) return kept(slot);
      if (writers.every((w) => w.block === loop.body && w.how === "whole")) return slot;
      const copy = this.fresh(slot, "next");
      atEnd.push({ kind: "copy", from: slot, to: copy });
      return copy;
    };
    const final = (slot: number): number => {
      if (this.census.of(slot).every((w) => w.how === "loop")) return slot;
      const pointer = this.fresh(slot, "final");
      after.push({ kind: "copy", from: pointer, to: slot });
      return pointer;
    };
    const carries = loop.carries.map((c): Carry => ({ init: kept(c.init), current: c.current, next: next(c.next), final: final(c.final) }));
    for (const c of carries) this.point(c);
    const body = [...this.block(loop.body), ...atEnd];
    return [...before, { kind: "loop", count: loop.count, index: loop.index, carries, rings: rings(carries, body), body, changes: changes(carries, body) }, ...after];
  }

  private point(c: Carry): void {
    const from = (pointer: number, slots: readonly number[]): void => {
      const known = this.pointers.get(pointer) ?? new Set();
      this.pointers.set(pointer, known);
      for (const s of slots) known.add(s);
    };
    from(c.current, [c.init, c.next]);
    from(c.final, [c.current]);
  }
}

const directWrites = (body: readonly WiredStep[]): Set<number> =>
  new Set(body.flatMap((s) => (s.kind === "loop" ? [] : s.kind === "copy" ? [s.to] : s.writes.filter((w) => w.row === null).map((w) => w.slot))));

/** The rings of a loop: how many iterations a carry is behind the slot that it comes from. */
function rings(carries: readonly Carry[], body: readonly WiredStep[]): Ring[] {
  const byCurrent = new Map(carries.map((c) => [c.current, c]));
  const written = directWrites(body);
  const ringOf = new Map<number, { depth: number; finals: { back: number; slot: number }[] }>();
  for (const c of carries) {
    let back = 1;
    let source = c.next;
    for (let from = byCurrent.get(source); from !== undefined && back <= carries.length; from = byCurrent.get(source)) {
      back++;
      source = from.next;
    }
    if (!written.has(source)) continue;
    const ring = ringOf.get(source) ?? { depth: 0, finals: [] };
    ringOf.set(source, ring);
    ring.depth = Math.max(ring.depth, back);
    ring.finals.push({ back, slot: c.final });
  }
  return [...ringOf].map(([slot, r]) => ({ slot, ...r }));
}

function changes(carries: readonly Carry[], body: readonly WiredStep[]): Set<number> {
  const changed = new Set(carries.map((c) => c.current));
  for (const s of body) {
    if (s.kind === "copy") changed.add(s.to);
    else if (s.kind === "loop") for (const x of [...s.changes, ...s.carries.map((c) => c.final)]) changed.add(x);
    else for (const w of s.writes) changed.add(w.slot);
  }
  return changed;
}

/** What pointers may point at in the end: slots that are no pointers. */
function closure(pointers: ReadonlyMap<number, ReadonlySet<number>>): Map<number, Set<number>> {
  return new Map([...pointers.keys()].map((pointer) => {
    const seen = new Set<number>([pointer]);
    const ends = new Set<number>();
    const open = [pointer];
    for (let p = open.pop(); p !== undefined; p = open.pop()) {
      for (const s of pointers.get(p) ?? []) {
        if (seen.has(s)) continue;
        seen.add(s);
        if (pointers.has(s)) open.push(s);
        else ends.add(s);
      }
    }
    return [pointer, ends];
  }));
}
