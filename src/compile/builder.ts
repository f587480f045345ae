/**
 * The plan under construction: slots, references to them, scalars, constants and guards, shared by all scopes of one specialisation.
 * Must not know graphs. Next: value.ts gives elements of values, scope.ts decides what becomes a buffer.
 */
import type { DType, TypedArray } from "../codegen/ir/dtype.js";
import type { Expr } from "../codegen/ir/expr.js";
import { keyOf } from "../codegen/ir/index.js";
import type { BufferType } from "../codegen/ir/kernel.js";
import type { Slot, SlotRef } from "../codegen/ir/plan.js";
import { impossible } from "../util/fail.js";

export class PlanBuilder {
  readonly slots: Slot[] = [];
  readonly scalars: DType[] = [];
  readonly constants: { slot: number; data: TypedArray }[] = [];
  /** Conditions `e >= 0` over call scalars under which the plan is right. */
  readonly guards: Expr[] = [];
  /** Scalars that count a loop's steps from 0, with the number of steps. */
  readonly loops = new Map<number, Expr>();
  readonly #refs: SlotRef[] = [];
  readonly #refIds = new Map<string, number>();

  newSlot(dtype: DType, shape: readonly number[], label: string, stacked: "stacked" | "plain" = "plain"): number {
    return this.slots.push({ dtype, shape: [...shape], label, stacked: stacked === "stacked" }) - 1;
  }

  newScalar(dtype: DType): number {
    return this.scalars.push(dtype) - 1;
  }

  newConstant(dtype: DType, shape: readonly number[], data: TypedArray, label: string): number {
    const slot = this.newSlot(dtype, shape, label);
    this.constants.push({ slot, data });
    return slot;
  }

  guard(e: Expr): void {
    if (e.kind === "const" && e.value >= 0) return;
    if (!this.guards.some((g) => keyOf(g) === keyOf(e))) this.guards.push(e);
  }

  /** The number by which expressions load a slot, or one row of a stacked slot. */
  ref(slot: number, row: Expr | null): number {
    const key = `${slot}:${row ? keyOf(row) : ""}`;
    const known = this.#refIds.get(key);
    if (known !== undefined) return known;
    this.#refIds.set(key, this.#refs.length);
    return this.#refs.push({ slot, row }) - 1;
  }

  refOf(id: number): SlotRef {
    return this.#refs[id] ?? impossible("a kernel reads a value before it is stored");
  }

  typeOf(id: number): BufferType {
    const { slot, row } = this.refOf(id);
    const { dtype, shape } = this.slots[slot] as Slot;
    return { dtype, shape: row ? shape.slice(1) : shape };
  }
}
