/**
 * Tasks: what a plan does, cut into passes with the memory each reads and writes. Kernels become their passes, operands that several
 * products read are packed once, before the loops in which they stay the same. Must not know addresses. Next: phases.ts says what may run
 * together, place_slots.ts where everything is.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import type { Expr } from "../ir/expr.js";
import { keyOf } from "../ir/index.js";
import type { BufferType, Kernel } from "../ir/kernel.js";
import { type Launch, type Plan, type Routine, type RoutineStep, scalarsIn, type Slot, type SlotRef } from "../ir/plan.js";
import { type CopyStep, type WiredLoop, type Wired, type WiredStep, wire } from "./carries.js";
import type { KernelCode, Pass } from "./code.js";
import type { Scalars } from "./scalars.js";
import { countUses, staysIn, type Uses } from "./uses.js";

/** Who turns kernels and routines into code; `uses` has one number for each buffer parameter (uses.ts). */
export interface Kit {
  kernel(kernel: Kernel, uses: readonly number[]): KernelCode;
  /** Null where the host runs it. */
  routine(routine: Routine, reads: readonly BufferType[], writes: readonly BufferType[]): KernelCode | null;
}

/** Memory that tasks read and write: slots first, then packings, a kernel's scratch, and numbers that the host computes. */
export interface Region { readonly what: "slot" | "packing" | "scratch" | "cell"; readonly bytes: number }

/** `counters`: loop indices that choose the row; the region then lives through all iterations of those loops. */
export interface Touch { readonly region: number; readonly writes: boolean; readonly counters: readonly number[] }

export interface PassCall {
  readonly reads: readonly SlotRef[];
  readonly writes: readonly SlotRef[];
  readonly scalars: readonly Expr[];
  readonly packings: readonly number[];
  readonly scratch: number | null;
}

export type Work =
  | { readonly kind: "pass"; readonly pass: Pass; readonly call: PassCall }
  | { readonly kind: "pack"; readonly pass: Pass; readonly from: SlotRef; readonly to: number }
  | { readonly kind: "copy"; readonly from: number; readonly to: number }
  | { readonly kind: "clear"; readonly slot: number }
  | { readonly kind: "routine"; readonly step: RoutineStep }
  | { readonly kind: "cell"; readonly expr: Expr };

export interface Task {
  readonly work: Work;
  /** What it belongs to, for profiles; absent where that is no step. */
  readonly step?: Launch | RoutineStep;
  readonly touches: readonly Touch[];
  readonly units: number;
  /** Estimated nanoseconds. */
  readonly cost: number;
  /** For comments in the text. */
  readonly note: string;
  /** For results that may take an operand's place: [result's region, operand's region]. */
  readonly inPlace: readonly (readonly [number, number])[];
}

/** Tasks between loops. */
export interface Segment { readonly kind: "segment"; readonly tasks: Task[] }
export interface LoopPart { readonly kind: "loop"; readonly loop: WiredLoop; readonly body: Block }
export interface Block {
  readonly parts: (Segment | LoopPart)[];
  /** Launches and routines in it, loops apart. */
  launches: number;
  routines: number;
}

export interface Program {
  readonly wired: Wired;
  readonly block: Block;
  readonly regions: readonly Region[];
  /** Every kernel code in use, in order of first use. */
  readonly codes: ReadonlySet<KernelCode>;
  readonly cells: ReadonlyMap<number, Expr>;
}

export const bytesOf = (t: BufferType): number => sizeOf(t.shape) * byteSize(t.dtype);

/** Nanoseconds for a byte that is copied or cleared. */
const COPY_COST = 0.1;
/** Assumed for a routine of the host: it is not shared among threads. */
const ROUTINE_COST = 10_000;
const CELL_COST = 300;

export function makeTasks(plan: Plan, kit: Kit, scalars: Scalars): Program {
  const wired = wire(plan);
  const maker = new TaskMaker(wired, kit, scalars, countUses(wired));
  const block = maker.block(wired.steps, []);
  return { wired, block, regions: maker.regions, codes: maker.codes, cells: maker.cells };
}

interface Level { readonly block: Block; readonly loop: WiredLoop | null; /** Packings made at this level, by slot. */ readonly packed: Map<number, Map<string, number>> }

class TaskMaker {
  readonly regions: Region[];
  readonly codes = new Set<KernelCode>();
  /** Regions of cells, and what they hold. */
  readonly cells = new Map<number, Expr>();
  private readonly cellRegions = new Map<number, number>();

  constructor(private readonly wired: Wired, private readonly kit: Kit, private readonly scalars: Scalars, private readonly uses: Uses) {
    this.regions = wired.slots.map((s) => ({ what: "slot", bytes: bytesOf(s) }));
  }

  block(steps: readonly WiredStep[], outer: readonly Level[], loop: WiredLoop | null = null): Block {
    const level: Level = { block: { parts: [], launches: 0, routines: 0 }, loop, packed: new Map() };
    const levels = [...outer, level];
    for (const slot of this.toClear(steps)) this.push(level, { ...this.plain({ kind: "clear", slot }, [this.touch({ slot, row: null }, true)], slot), note: `%${slot} = 0` });
    for (const s of steps) {
      if (s.kind === "loop") {
        this.askCells(level, [s.count]);
        const body = this.block(s.body, levels, s);
        level.block.parts.push({ kind: "loop", loop: s, body });
        for (const slot of [...s.changes, ...s.carries.map((c) => c.final)]) level.packed.delete(slot);
      } else if (s.kind === "copy") this.copy(level, s);
      else if (s.kind === "launch") this.launch(levels, s);
      else this.routine(levels, s);
    }
    return level.block;
  }

  /** Rows that nothing writes are zeros: their slots are cleared where the block begins that has all their writers. */
  private toClear(steps: readonly WiredStep[]): number[] {
    return [...this.uses.partlyWritten].flatMap(([slot, block]) => (block === steps ? [slot] : []));
  }

  private push(level: Level, task: Task): void {
    const last = level.block.parts.at(-1);
    if (last?.kind === "segment") last.tasks.push(task);
    else level.block.parts.push({ kind: "segment", tasks: [task] });
  }

  private region(what: Region["what"], bytes: number): number {
    return this.regions.push({ what, bytes }) - 1;
  }

  private touch(ref: SlotRef, writes: boolean): Touch {
    return { region: ref.slot, writes, counters: ref.row ? scalarsIn(ref.row) : [] };
  }

  private plain(work: Work, touches: readonly Touch[], slot: number): Omit<Task, "note"> {
    return { work, touches, units: 1, cost: (this.regions[slot] as Region).bytes * COPY_COST, inPlace: [] };
  }

  private copy(level: Level, s: CopyStep): void {
    const touches = [this.touch({ slot: s.from, row: null }, false), this.touch({ slot: s.to, row: null }, true)];
    this.push(level, { ...this.plain({ kind: "copy", from: s.from, to: s.to }, touches, s.to), note: `%${s.to} = %${s.from}` });
    level.packed.delete(s.to);
  }

  /** The regions of the numbers that the host has to compute first. */
  private askCells(level: Level, exprs: readonly Expr[]): Touch[] {
    return exprs.flatMap((expr) => {
      const cell = this.scalars.cellFor(expr);
      if (cell === null) return [];
      const region = this.cellRegions.get(cell.offset) ?? this.region("cell", 0);
      this.cellRegions.set(cell.offset, region);
      this.cells.set(region, cell.expr);
      this.push(level, { work: { kind: "cell", expr: cell.expr }, touches: [{ region, writes: true, counters: [] }], units: 1, cost: CELL_COST, note: "", inPlace: [] });
      return [{ region, writes: false, counters: [] }];
    });
  }

  private typeOf = ({ slot, row }: SlotRef): BufferType => {
    const { dtype, shape } = this.wired.slots[slot] as Slot;
    return { dtype, shape: row ? shape.slice(1) : shape };
  };

  private launch(levels: readonly Level[], s: Launch): void {
    const level = levels.at(-1) as Level;
    level.block.launches++;
    const code = this.kit.kernel(s.kernel, this.uses.of(s));
    this.code(levels, s, code, `${s.writes.map((w) => `%${w.slot}`).join(", ")}: ${code.how}`);
  }

  private routine(levels: readonly Level[], s: RoutineStep): void {
    const level = levels.at(-1) as Level;
    level.block.routines++;
    const note = `${s.writes.map((w) => `%${w.slot}`).join(", ")}: ${s.routine.name}`;
    const code = this.kit.routine(s.routine, s.reads.map(this.typeOf), s.writes.map(this.typeOf));
    if (code) this.code(levels, s, code, note);
    else {
      const cells = this.askCells(level, this.exprsOf(s));
      this.push(level, { work: { kind: "routine", step: s }, step: s, touches: [...this.touches(s), ...cells], units: 1, cost: ROUTINE_COST, note, inPlace: [] });
      this.rewritten(levels, s.writes);
    }
  }

  private exprsOf(s: Launch | RoutineStep): Expr[] {
    return [...s.scalars, ...[...s.reads, ...s.writes].flatMap((r) => (r.row ? [r.row] : []))];
  }

  private touches(s: Launch | RoutineStep): Touch[] {
    return [...s.reads.map((r) => this.touch(r, false)), ...s.writes.map((w) => this.touch(w, true))];
  }

  private code(levels: readonly Level[], s: Launch | RoutineStep, code: KernelCode, note: string): void {
    const level = levels.at(-1) as Level;
    this.codes.add(code);
    const packings = code.packings.map((p) => this.packing(levels, s, p, note));
    const scratch = code.scratch > 0 ? this.region("scratch", code.scratch) : null;
    const touches = [
      ...this.touches(s), ...this.askCells(level, this.exprsOf(s)), ...packings.map((region): Touch => ({ region, writes: false, counters: [] })),
      ...(scratch === null ? [] : [{ region: scratch, writes: true, counters: [] }]),
    ];
    const whole = (r: SlotRef | undefined): number[] => (r && r.row === null ? [r.slot] : []);
    const inPlace = code.inPlace.flatMap((params, n) => params.flatMap((p) => whole(s.writes[n]).flatMap((result) => whole(s.reads[p]).map((operand) => [result, operand] as const))));
    const call: PassCall = { reads: s.reads, writes: s.writes, scalars: s.scalars, packings, scratch };
    for (const pass of code.passes) this.push(level, { work: { kind: "pass", pass, call }, step: s, touches, units: pass.units, cost: pass.cost, note, inPlace: code.passes.length === 1 ? inPlace : [] });
    this.rewritten(levels, s.writes);
  }

  private rewritten(levels: readonly Level[], writes: readonly SlotRef[]): void {
    for (const { slot } of writes) for (const level of levels) level.packed.delete(slot);
  }

  /** The packing of an operand, made in the outermost block in which the operand stays the same, once. */
  private packing(levels: readonly Level[], step: Launch | RoutineStep, { param, key, bytes, pass }: KernelCode["packings"][number], note: string): number {
    const from = step.reads[param] as SlotRef;
    let at = levels.length - 1;
    for (let loop = levels[at]?.loop; loop && staysIn(loop, from); loop = levels[at]?.loop) at--;
    const level = levels[at] as Level;
    const made = level.packed.get(from.slot) ?? new Map<string, number>();
    level.packed.set(from.slot, made);
    const text = `${key} ${from.row ? keyOf(from.row) : ""}`;
    const known = made.get(text);
    if (known !== undefined) return known;
    const region = this.region("packing", bytes);
    made.set(text, region);
    const cells = this.askCells(level, from.row ? [from.row] : []);
    const touches = [this.touch(from, false), { region, writes: true, counters: [] }, ...cells];
    this.push(level, { work: { kind: "pack", pass, from, to: region }, step, touches, units: pass.units, cost: pass.cost, note: `packed for ${note}`, inPlace: [] });
    return region;
  }
}
