/** Random plans: launches, copies and sums in blocks and nested loops, on the reference device and on one, two and three threads. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DType } from "../../../src/codegen/ir/dtype.js";
import { axis, type Expr, load, prim } from "../../../src/codegen/ir/expr.js";
import type { Carry, Plan, Slot, SlotRef, Step } from "../../../src/codegen/ir/plan.js";
import type { WasmBackend } from "../../../src/codegen/wasm/backend.js";
import { checkPlan, eager, float, index, int, planOf, routine, row, vectors, wasm, whole } from "./plan_kit.js";

const N = 6;
const { x, slot, launch } = vectors(N);

/** Choices, one number after the other; when they run out, zeros. */
class Tape {
  private at = 0;

  constructor(private readonly numbers: readonly number[]) {}

  below(n: number): number {
    return (this.numbers[this.at++] ?? 0) % n;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  get isOver(): boolean {
    return this.at >= this.numbers.length;
  }
}

const backwards = (buffer: number): Expr => prim("add", load(buffer, "float64", [prim("sub", int(N - 1), axis(0, N))]), float(0.125));
const half = (e: Expr): Expr => prim("mul", e, float(0.5));

class PlanMaker {
  readonly slots: Slot[] = [slot("x"), slot("c")];
  readonly scalars: DType[] = ["int32", "int32"];

  constructor(private readonly tape: Tape) {}

  private fresh(label: string, shape?: readonly number[]): number {
    return this.slots.push(shape ? slot(label, shape, true) : slot(label)) - 1;
  }

  /** Steps over what can be read; gives them and what they make. `index`: the scalar that counts the loop around. */
  block(readable: readonly number[], depth: number, counter: number | null, rows: readonly number[]): { steps: Step[]; made: number[]; rows: SlotRef[] } {
    const { tape } = this;
    const steps: Step[] = [];
    const made: number[] = [];
    const written: SlotRef[] = [];
    const reads = (): SlotRef => (written.length > 0 && tape.below(4) === 0 ? tape.of(written) : whole(tape.of([...readable, ...made])));
    for (let n = 3 + tape.below(5); n > 0 && !tape.isOver; n--) {
      const kind = tape.below(9);
      if (kind >= 7 && depth < 2) made.push(...this.loop([...readable, ...made], depth + 1, steps));
      else if (kind === 6) {
        const to = this.fresh("r");
        steps.push(routine(([a], [b]) => { b?.data.set((a?.data ?? []).map((v) => v / 2 + 1)); }, [reads()], [whole(to)]));
        made.push(to);
      } else if (kind === 5 && counter !== null && rows.length > written.length) {
        const ref = row(rows[written.length] as number, index(counter));
        steps.push(launch(half(x(0)), [reads()], ref));
        written.push(ref);
      } else {
        const to = this.fresh("t");
        const e = [half(x(0)), backwards(0), half(prim("add", x(0), x(1))), half(prim("sub", x(0), backwards(1))), prim("add", half(x(0)), { kind: "cast", dtype: "float64", arg: index(counter ?? 1) })][tape.below(5)] as Expr;
        steps.push(launch(e, [reads(), reads()], whole(to)));
        made.push(to);
      }
    }
    return { steps, made, rows: written };
  }

  private loop(readable: readonly number[], depth: number, steps: Step[]): number[] {
    const { tape } = this;
    const counter = this.scalars.push("int32") - 1;
    const count = tape.of([int(0), int(1), int(2), int(5), index(0), index(1)]);
    const currents = Array.from({ length: tape.below(4) }, () => this.fresh("current"));
    const stacked = count.kind === "const" ? Array.from({ length: tape.below(2) }, () => this.fresh("rows", [Math.max(count.value, 1), N])) : [];
    const body = this.block([...readable, ...currents], depth, counter, stacked);
    const carries = currents.map((current): Carry => ({ init: tape.of(readable), current, next: tape.of([...readable, ...currents, ...body.made, ...body.made]), final: this.fresh("final") }));
    steps.push({ kind: "loop", count, index: counter, carries, body: body.steps });
    const kept = body.rows.filter((r) => r.row !== null && count.kind === "const" && count.value > 0);
    const after = kept.map((r) => {
      const to = this.fresh("kept");
      steps.push(launch(half(x(0)), [row(r.slot, int(0))], whole(to)));
      return to;
    });
    return [...carries.map((c) => c.final), ...after];
  }

  plan(): Plan {
    const { steps, made } = this.block([0, 1], 0, null, []);
    const outputs = Array.from({ length: 1 + this.tape.below(4) }, () => this.tape.of([...made, ...made, 0, 1]));
    return planOf({ slots: this.slots, constants: [{ slot: 1, data: Float64Array.from({ length: N }, (_, n) => n * n) }], steps, outputs, scalars: this.scalars, scalarInputs: 2 });
  }
}

let backends: readonly WasmBackend[];
beforeAll(async () => { backends = [await wasm(1), await eager(2), await eager(3)]; });
afterAll(async () => { await Promise.all(backends.map((b) => b.dispose())); });

it("random plans give what the reference gives", async () => {
  const input = Array.from({ length: N }, (_, n) => Math.sin(n));
  let loops = 0;
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 60, maxLength: 240, size: "max" }), async (numbers) => {
    const plan = new PlanMaker(new Tape(numbers)).plan();
    if (plan.text.includes("loop ")) loops++;
    await checkPlan(plan, [[2, 3], [0, 1], [4, 0]].map((scalars) => ({ inputs: [input], scalars })), backends);
  }), { numRuns: Number(process.env.DAMO_PARITY ?? 1) * 80 });
  expect(loops).toBeGreaterThan(20);
}, 300_000);
