/**
 * Addresses of a running plan as WAT: where slots, rows, packings and scratch are, and how carries exchange pointers around a loop.
 * Must not know kernels or threads. Used by module.ts.
 */
import type { Slot, SlotRef } from "../ir/plan.js";
import { impossible } from "../../util/fail.js";
import type { WiredLoop } from "./carries.js";
import { FRAME } from "./frame.js";
import type { Place, Places } from "./place_slots.js";
import { bytesOf, type Program } from "./tasks.js";
import type { Scalars } from "./scalars.js";
import { add, type Func, i32, type Local } from "./wat.js";

/** Traps where a row is not in its slot: memory of others would be read or written. */
export const ROW = `(func $row (param $slot i32) (param $row i32) (param $rows i32) (param $bytes i32) (result i32)
  (if (i32.ge_u (local.get $row) (local.get $rows)) (then (unreachable)))
  (i32.add (local.get $slot) (i32.mul (local.get $row) (local.get $bytes)))
)`;

export class Pointers {
  private readonly scratch: string;
  private readonly given = new Map<string, string>();
  /** Of rings: the place that this iteration writes, then those that the next ones write. */
  private readonly rings = new Map<number, Local[]>();
  /** Of slots without memory of their own. */
  private readonly variables = new Map<number, Local>();

  /** `givenCount`: how many addresses of inputs and constants the frame has before those of outputs. */
  constructor(private readonly fn: Func, private readonly program: Program, private readonly places: Places, private readonly scalars: Scalars, private readonly givenCount: number) {
    this.scratch = fn.let("i32", `(i32.load offset=${FRAME.scratch} (local.get $frame))`, "scratch");
    for (const place of places.of.values()) this.place(place);
    places.outputs.forEach((_, at) => this.output(at));
    for (const [slot, list] of places.rings) {
      this.rings.set(slot, list.map(() => fn.local("i32", "ring")));
      this.fill(slot);
    }
    for (const slot of program.wired.sources.keys()) this.variables.set(slot, fn.local("i32", "at"));
  }

  private place(p: Place): string {
    if (p.kind === "scratch") return add(this.scratch, i32(p.offset));
    const offset = FRAME.addresses + 4 * (p.at + (p.kind === "output" ? this.givenCount : 0));
    const key = `${p.kind} ${p.at}`;
    const known = this.given.get(key) ?? this.fn.let("i32", `(i32.load offset=${offset} (local.get $frame))`, p.kind, 0);
    this.given.set(key, known);
    return known;
  }

  /** The address of an output's block. */
  output(at: number): string {
    return this.place({ kind: "output", at });
  }

  region(region: number): string {
    const ring = this.rings.get(region);
    if (ring) return (ring[0] as Local).get;
    const variable = this.variables.get(region);
    if (variable) return variable.get;
    return this.place(this.places.of.get(region) ?? impossible(`region ${region} has no place`));
  }

  ref({ slot, row }: SlotRef): string {
    const start = this.region(slot);
    if (!row) return start;
    const { dtype, shape } = this.program.wired.slots[slot] as Slot;
    const [rows = 0, ...rest] = shape;
    const bytes = bytesOf({ dtype, shape: rest });
    if (row.kind !== "const") return `(call $row ${start} ${this.scalars.text(row)} ${i32(rows)} ${i32(bytes)})`;
    if (row.value < 0 || row.value >= rows) impossible(`row ${row.value} of slot %${slot}, which has ${rows}`);
    return add(start, i32(row.value * bytes));
  }

  private fill(slot: number): void {
    const list = this.places.rings.get(slot) as readonly Place[];
    (this.rings.get(slot) as Local[]).forEach((v, n) => { this.fn.line(v.set(this.place(list[n] as Place))); });
  }

  private turn(slot: number): void {
    const ring = this.rings.get(slot) as Local[];
    this.assign(ring, ring.map((_, n) => (ring[(n + 1) % ring.length] as Local).get));
  }

  /** All at once, so that values may change places. */
  private assign(to: readonly Local[], from: readonly string[]): void {
    if (to.length === 0) return;
    this.fn.line([...from, ...[...to].reverse().map((v) => `local.set ${v.name}`)].join(" "));
  }

  /** Before a loop: currents point at the initial values, and rings begin where the last iteration will meet the outputs' blocks. */
  enter(loop: WiredLoop, count: string): void {
    this.assign(loop.carries.map((c) => this.variable(c.current)), loop.carries.map((c) => this.region(c.init)));
    for (const { slot } of loop.rings) {
      this.fill(slot);
      const ring = this.rings.get(slot) as Local[];
      const m = ring.length;
      if (!this.places.rings.get(slot)?.some((p) => p.kind === "output")) continue;
      // Iteration 0 writes place -n mod m after it has turned the ring once.
      this.fn.loop(i32(0), `(i32.sub ${i32(m - 1)} (i32.rem_u ${count} ${i32(m)}))`, 1, () => this.turn(slot));
    }
  }

  beginIteration(loop: WiredLoop): void {
    for (const { slot } of loop.rings) this.turn(slot);
  }

  endIteration(loop: WiredLoop): void {
    const moved = loop.carries.filter((c) => c.next !== c.current);
    this.assign(moved.map((c) => this.variable(c.current)), moved.map((c) => this.region(c.next)));
  }

  leave(loop: WiredLoop): void {
    this.assign(loop.carries.map((c) => this.variable(c.final)), loop.carries.map((c) => this.region(c.current)));
  }

  private variable(slot: number): Local {
    return this.variables.get(slot) ?? impossible(`%${slot} is no pointer`);
  }
}
