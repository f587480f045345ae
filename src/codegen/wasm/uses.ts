/**
 * How often a call reads the same contents of a slot, so that kernels know whether packing an operand pays; and which stacked slots are not
 * written in full. Must not know memory. Used by tasks.ts.
 */
import { keyOf } from "../ir/index.js";
import { type Launch, scalarsIn, type SlotRef } from "../ir/plan.js";
import type { Wired, WiredLoop, WiredStep } from "./carries.js";

export interface Uses {
  /** For each buffer parameter of a launch: how many launches with a reduction read what it reads, per call. */
  of(launch: Launch): readonly number[];
  /** Stacked slots of which rows may be missing, and the innermost block around all their writers. */
  readonly partlyWritten: ReadonlyMap<number, readonly WiredStep[]>;
}

/** Assumed where a loop's count is known only at the call. */
const ASSUMED_COUNT = 8;

export const countOf = (loop: WiredLoop): number => (loop.count.kind === "const" ? loop.count.value : ASSUMED_COUNT);

/** Whether a reference reads the same in all iterations of a loop. */
export const staysIn = (loop: WiredLoop, { slot, row }: SlotRef): boolean => !loop.changes.has(slot) && (row === null || !scalarsIn(row).includes(loop.index));

type Path = readonly { readonly block: readonly WiredStep[]; readonly loop: WiredLoop | null }[];

export function countUses(wired: Wired): Uses {
  const totals = new Map<string, number>();
  const keys = new Map<Launch, readonly string[]>();
  const rows = new Map<number, RowWriter[]>();
  const walk = (steps: readonly WiredStep[], outer: Path, loop: WiredLoop | null): void => {
    const path = [...outer, { block: steps, loop }];
    for (const s of steps) {
      if (s.kind === "loop") walk(s.body, path, s);
      else if (s.kind !== "copy") {
        if (s.kind === "launch") keys.set(s, s.reads.map((r) => count(r, path, totals, s.kernel.reduction !== null)));
        for (const w of s.writes) if (w.row) rows.set(w.slot, [...(rows.get(w.slot) ?? []), { ref: w, path }]);
      }
    }
  };
  walk(wired.steps, [], null);
  const partlyWritten = new Map([...rows].filter(([slot, writers]) => !isFull(wired.slots[slot]?.shape[0] ?? 0, writers)).map(([slot, writers]) => [slot, commonBlock(writers)]));
  return { of: (launch) => (keys.get(launch) ?? []).map((k) => totals.get(k) ?? 0), partlyWritten };
}

/** Adds a read to the total of what it reads: the slot, in the outermost block in which it stays the same. */
function count(ref: SlotRef, path: Path, totals: Map<string, number>, reduces: boolean): string {
  let at = path.length - 1;
  let times = 1;
  for (let loop = path[at]?.loop; loop && staysIn(loop, ref); loop = path[at]?.loop) {
    times *= countOf(loop);
    at--;
  }
  const key = `${path[at]?.loop?.index ?? "top"} ${ref.slot} ${ref.row ? keyOf(ref.row) : ""}`;
  if (reduces) totals.set(key, (totals.get(key) ?? 0) + times);
  return key;
}

interface RowWriter { readonly ref: SlotRef; readonly path: Path }

/** Whether one writer runs through all rows: in a loop of that many iterations, at the loop's index. */
function isFull(rows: number, writers: readonly RowWriter[]): boolean {
  return writers.some(({ ref: { row }, path }) => {
    const loop = path.at(-1)?.loop;
    return loop != null && row?.kind === "scalar" && row.id === loop.index && loop.count.kind === "const" && loop.count.value >= rows;
  });
}

/** Loops that count the rows are inside the block in which the slot lives. */
function commonBlock(writers: readonly RowWriter[]): readonly WiredStep[] {
  const lifted = writers.map(({ ref, path }) => {
    const counters = new Set(ref.row ? scalarsIn(ref.row) : []);
    const counting = path.findIndex((p) => p.loop !== null && counters.has(p.loop.index));
    return counting < 0 ? path : path.slice(0, counting);
  });
  const first = lifted[0] as Path;
  let depth = 0;
  while (lifted.every((p) => p[depth + 1] !== undefined && p[depth + 1]?.block === first[depth + 1]?.block)) depth++;
  return (first[depth] as Path[number]).block;
}
