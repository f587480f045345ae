/**
 * When each slot of a plan is needed for the last time: at the end of which step of which block (the plan's steps or a loop's body).
 * Must not know memory or kernels. Used by executable.ts to give buffers back early.
 */
import { allSteps, type Loop, type Plan, scalarsIn, type SlotRef, type Step } from "../ir/plan.js";

/** A block is its steps array. */
type Block = readonly Step[];

export interface Lifetimes {
  /** Slots to release after a step, and, at index `steps.length`, after the block's end (for a loop body: after each iteration's hand-over). */
  readonly after: ReadonlyMap<Block, readonly (readonly number[])[]>;
  /** The innermost block that contains all that touches a slot. */
  readonly owner: ReadonlyMap<number, Block>;
}

interface Position { readonly loop: Loop | null; readonly block: Block; readonly step: number; readonly outer: Position | null }

/** Every place of the plan that touches a slot. */
function collect(steps: Block, loop: Loop | null, outer: Position | null, touch: (slot: number, at: Position) => void): void {
  const at = (step: number): Position => ({ loop, block: steps, step, outer });
  steps.forEach((s, n) => {
    if (s.kind !== "loop") {
      for (const r of [...s.reads, ...s.writes]) touch(r.slot, outside(at(n), r));
      return;
    }
    for (const c of s.carries) {
      touch(c.init, at(n));
      touch(c.final, at(n));
      const inside = (step: number): Position => ({ loop: s, block: s.body, step, outer: at(n) });
      touch(c.current, inside(0));
      touch(c.next, inside(s.body.length));
    }
    collect(s.body, s, at(n), touch);
  });
}

/** Rows live through all iterations of the loops that count them. */
function outside(at: Position, ref: SlotRef): Position {
  if (!ref.row) return at;
  const counters = new Set(scalarsIn(ref.row));
  let lifted = at.outer ?? at;
  for (let p: Position | null = at; p?.outer; p = p.outer) if (p.loop && counters.has(p.loop.index)) lifted = p.outer;
  return lifted;
}

const pathOf = (at: Position): Position[] => (at.outer ? [...pathOf(at.outer), at] : [at]);

function touch(touched: Map<number, Position[][]>, slot: number, path: Position[]): void {
  const paths = touched.get(slot);
  if (paths) paths.push(path);
  else touched.set(slot, [path]);
}

export function findLifetimes(plan: Plan): Lifetimes {
  const touched = new Map<number, Position[][]>();
  collect(plan.steps, null, null, (slot, at) => touch(touched, slot, pathOf(at)));
  const after = new Map<Block, number[][]>();
  const prepare = (block: Block): unknown => after.set(block, Array.from({ length: block.length + 1 }, () => []));
  prepare(plan.steps);
  for (const s of allSteps(plan.steps)) if (s.kind === "loop") prepare(s.body);
  const top = (step: number): Position[] => [{ loop: null, block: plan.steps, step, outer: null }];
  for (const slot of [...plan.inputs, ...plan.constants.map((c) => c.slot)]) touch(touched, slot, top(0));
  for (const slot of plan.outputs) touch(touched, slot, top(plan.steps.length));
  const owner = new Map<number, Block>();
  for (const [slot, paths] of touched) {
    const depth = commonDepth(paths);
    const block = paths[0]?.[depth]?.block as Block;
    owner.set(slot, block);
    after.get(block)?.[paths.reduce((last, p) => Math.max(last, p[depth]?.step ?? 0), 0)]?.push(slot);
  }
  return { after, owner };
}

/** Index of the innermost block that contains every position. */
function commonDepth(paths: readonly Position[][]): number {
  let depth = 0;
  const first = paths[0] as Position[];
  while (paths.every((p) => p[depth + 1] !== undefined && p[depth + 1]?.block === first[depth + 1]?.block)) depth++;
  return depth;
}
