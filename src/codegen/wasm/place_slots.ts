/**
 * Where everything is: slots, packings and scratch in one piece of memory by the phases in which they are needed, results in the caller's
 * blocks, and results in the place of operands that die. Must not know WAT. Next: module.ts writes addresses.
 */
import type { Plan } from "../ir/plan.js";
import type { Ring } from "./carries.js";
import { type Span, type Timeline, timeline } from "./lifetimes.js";
import type { Phase } from "./phases.js";
import type { Block, Program, Region, Segment } from "./tasks.js";

/** An address: of a block that the caller gives or takes, or in the scratch memory. */
export type Place = { readonly kind: "given" | "output"; readonly at: number } | { readonly kind: "scratch"; readonly offset: number };

export interface Places {
  /** For all regions that have memory and are no rings. */
  readonly of: ReadonlyMap<number, Place>;
  /** For slots that carries hold on to: the places that they are written to in turn (carries.ts). */
  readonly rings: ReadonlyMap<number, readonly Place[]>;
  /** Slots for which the caller takes a block, in order: outputs that are neither given nor repeated. */
  readonly outputs: readonly number[];
  /** For each of them, the position of the input that it renews and whose block it may have: all is read there that will be, before the first write. */
  readonly renewed: readonly (number | null)[];
  /** Bytes of scratch memory. */
  readonly bytes: number;
  /** What the same would take if nothing shared memory. */
  readonly unshared: number;
  /** How many results took an operand's place. */
  readonly inPlace: number;
}

/** Places are whole cache lines. */
const LINE = 64;

export function placeSlots(plan: Plan, program: Program, renewals: ReadonlyMap<number, number>, phasesOf: (s: Segment) => readonly Phase[]): Places {
  const given = new Map([...plan.inputs, ...plan.constants.map((c) => c.slot)].map((slot, at): [number, Place] => [slot, { kind: "given", at }]));
  const outputs = [...new Set(plan.outputs)].filter((slot) => !given.has(slot));
  const times = timeline(program, phasesOf, outputs);
  const rings = new Map(ringsOf(program.block).map((r) => [r.slot, r]));
  const { sources } = program.wired;
  const own = (region: number): boolean => !given.has(region) && !sources.has(region) && !rings.has(region) && times.spans.has(region);
  const groups = joinDying(program, times, own);
  const homes = new Map(outputs.map((slot, at): [number, Place] => [slot, { kind: "output", at }]));
  const layout = new Layout();
  const of = new Map(given);
  program.regions.forEach(({ what, bytes }, region) => {
    if (what === "cell" || !own(region) || of.has(region)) return;
    const group = groups.get(region) ?? [region];
    const home = group.map((r) => homes.get(r)).find((p) => p !== undefined);
    const place = home ?? layout.later(bytes, hull(group.map((r) => times.spans.get(r) as Span)));
    for (const r of group) of.set(r, place);
  });
  const placed = new Map([...rings].map(([slot, ring]) => [slot, ringPlaces(ring, homes, (program.regions[slot] as Region).bytes, times, layout)]));
  const bytes = layout.settle();
  const renewed = outputs.map((slot) => {
    const input = renewals.get(slot);
    const may = input !== undefined && own(slot) && !plan.outputs.includes(input) && mayRenew(groups.get(slot) ?? [slot], input, program, times);
    return may ? plan.inputs.indexOf(input) : null;
  });
  return { of, rings: placed, outputs, renewed, bytes, unshared: layout.unshared, inPlace: [...groups.entries()].filter(([r, g]) => g[0] !== r).length };
}

const ringsOf = (block: Block): Ring[] => block.parts.flatMap((p) => (p.kind === "loop" ? [...p.loop.rings, ...ringsOf(p.body)] : []));

/**
 * Iteration t of n writes place (t - n) mod m, so that the value of `back` iterations before the end is at m - back: where a final value is
 * an output, that place is the output's block, and nothing is copied.
 */
function ringPlaces(ring: Ring, homes: ReadonlyMap<number, Place>, bytes: number, times: Timeline, layout: Layout): Place[] {
  const m = ring.depth + 1;
  const places = new Map<number, Place>();
  for (const { back, slot } of [{ back: 1, slot: ring.slot }, ...ring.finals]) {
    const home = homes.get(slot);
    if (home && !places.has(m - back)) places.set(m - back, home);
  }
  return Array.from({ length: m }, (_, n) => places.get(n) ?? layout.later(bytes, times.spans.get(ring.slot) as Span));
}

const hull = (spans: readonly Span[]): Span => ({ from: Math.min(...spans.map((s) => s.from)), to: Math.max(...spans.map((s) => s.to)) });

/** Regions that share a place because each takes that of an operand which nobody needs any more; every region of a group knows the group. */
function joinDying(program: Program, times: Timeline, own: (region: number) => boolean): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  const followed = new Set<number>();
  const follows = new Set<number>();
  for (const { task, time } of times.tasks) {
    for (const [result, operand] of task.inPlace) {
      if (!own(result) || !own(operand) || follows.has(result) || followed.has(operand)) continue;
      const dies = times.spans.get(operand)?.to === time && times.touchesAt(operand, time) === 1;
      const sameSize = program.regions[result]?.bytes === program.regions[operand]?.bytes;
      if (!dies || !sameSize || times.spans.get(result)?.from !== time || times.touchesAt(result, time) !== 1) continue;
      follows.add(result);
      followed.add(operand);
      const group = groups.get(operand) ?? [operand];
      group.push(result);
      groups.set(operand, group);
      groups.set(result, group);
    }
  }
  return groups;
}

/** Whether the regions of an output's block can have an input's: it dies before their first, or in the task that makes it, in place. */
function mayRenew(group: readonly number[], input: number, { regions }: Program, times: Timeline): boolean {
  const first = group[0] as number;
  if (regions[first]?.bytes !== regions[input]?.bytes) return false;
  const last = times.spans.get(input)?.to ?? -1;
  const { from } = hull(group.map((r) => times.spans.get(r) as Span));
  if (last < from) return true;
  const isSame = ([result, operand]: readonly [number, number]): boolean => result === first && operand === input;
  return last === from && times.touchesAt(input, last) === 1 && times.touchesAt(first, from) === 1 && times.tasks.some(({ task, time }) => time === from && task.inPlace.some(isSame));
}

interface Item { readonly bytes: number; readonly span: Span; readonly place: { kind: "scratch"; offset: number } }

/** Offsets for items that are needed at known times: the largest first, each as low as those allow that are needed at the same time. */
class Layout {
  private readonly items: Item[] = [];
  unshared = 0;

  /** A place whose offset is known after `settle`. */
  later(bytes: number, span: Span): Place {
    const place = { kind: "scratch" as const, offset: 0 };
    const whole = Math.ceil(Math.max(bytes, 1) / LINE) * LINE;
    this.items.push({ bytes: whole, span, place });
    this.unshared += whole;
    return place;
  }

  settle(): number {
    const placed: Item[] = [];
    let total = 0;
    for (const item of [...this.items].sort((a, b) => b.bytes - a.bytes || a.span.from - b.span.from)) {
      let offset = 0;
      for (const other of placed) {
        if (other.span.to < item.span.from || other.span.from > item.span.to) continue;
        if (other.place.offset >= offset + item.bytes) break;
        offset = Math.max(offset, other.place.offset + other.bytes);
      }
      item.place.offset = offset;
      total = Math.max(total, offset + item.bytes);
      const at = placed.findIndex((o) => o.place.offset > offset);
      placed.splice(at < 0 ? placed.length : at, 0, item);
    }
    return total;
  }
}
