/**
 * When each region of a program is needed, in phases. Must not know addresses. Used by place_slots.ts.
 */
import type { Phase } from "./phases.js";
import type { Block, LoopPart, Program, Segment, Task } from "./tasks.js";

/** Time counts phases in the order of the text; a loop takes a moment before and one after its body. */
export interface Span { readonly from: number; readonly to: number }

/** A moment or a whole loop in which a region is touched, and the loops around it. */
interface Record { readonly span: Span; readonly path: readonly Span[] }

export interface Timeline {
  readonly spans: ReadonlyMap<number, Span>;
  readonly tasks: readonly { readonly task: Task; readonly time: number }[];
  /** How many tasks touch a region at a time, each operand counted. */
  touchesAt(region: number, time: number): number;
}

export function timeline(program: Program, phasesOf: (s: Segment) => readonly Phase[], outputs: readonly number[]): Timeline {
  const walk = new Walk(program, phasesOf);
  const end = walk.clock;
  for (const slot of outputs) walk.note(slot, { span: { from: end, to: end }, path: [] });
  return {
    spans: new Map([...walk.records].map(([region, records]) => [region, lifetime(records)])),
    tasks: walk.tasks,
    touchesAt: (region, time) => (walk.records.get(region) ?? []).filter((r) => r.span.from <= time && time <= r.span.to).length,
  };
}

class Walk {
  readonly records = new Map<number, Record[]>();
  readonly tasks: { readonly task: Task; readonly time: number }[] = [];
  clock = 0;

  constructor(private readonly program: Program, private readonly phasesOf: (s: Segment) => readonly Phase[]) {
    this.block(program.block, [], []);
  }

  /** What happens to a pointer happens to all that it may point at. */
  note(region: number, record: Record): void {
    for (const r of this.program.wired.sources.get(region) ?? [region]) {
      const list = this.records.get(r);
      if (list) list.push(record);
      else this.records.set(r, [record]);
    }
  }

  private block(block: Block, path: readonly Span[], counters: readonly number[]): void {
    for (const part of block.parts) {
      if (part.kind === "loop") this.loop(part, path, counters);
      else for (const phase of this.phasesOf(part)) {
        const now = { from: this.clock, to: this.clock++ };
        for (const { task } of phase.shares) {
          this.tasks.push({ task, time: now.from });
          for (const t of task.touches) {
            // Rows live through all iterations of the loops that count them.
            const counting = counters.findIndex((c) => t.counters.includes(c));
            this.note(t.region, counting < 0 ? { span: now, path } : { span: path[counting] as Span, path: path.slice(0, counting) });
          }
        }
      }
    }
  }

  private loop({ loop, body }: LoopPart, path: readonly Span[], counters: readonly number[]): void {
    const span = { from: this.clock++, to: this.clock };
    this.block(body, [...path, span], [...counters, loop.index]);
    span.to = this.clock++;
    for (const { slot } of loop.rings) this.note(slot, { span, path });
    for (const { init } of loop.carries) this.note(init, { span, path });
  }
}

/** Within the innermost block around all that touches a region; what is touched in a loop inside that block, is needed all the time of the loop. */
function lifetime(records: readonly Record[]): Span {
  const first = records[0] as Record;
  let depth = 0;
  while (records.every((r) => r.path[depth] !== undefined && r.path[depth] === first.path[depth])) depth++;
  const around = records.map((r) => r.path[depth] ?? r.span);
  return { from: around.reduce((t, s) => Math.min(t, s.from), Number.POSITIVE_INFINITY), to: around.reduce((t, s) => Math.max(t, s.to), 0) };
}
