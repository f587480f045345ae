/**
 * What both kinds of streams share: the update that goes with a state, and the dtype of a float draw. Must not know generators.
 * Next: streams.ts and mrg_streams.ts.
 */
import { type FloatDType, isFloat, promote, toDType } from "../codegen/ir/dtype.js";
import type { SharedVariable, Variable } from "../graph/variable.js";
import { asTensor, type Operand } from "../ops/define.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";

/** A shared state and the state after the draw, which is its default update. */
export type StateUpdate = readonly [state: SharedVariable, next: Variable];

/** Theano's random variables say where they come from. */
export type RandomVariable = Variable & {
  /** The shared state it is drawn from: `rng.getValue()`, `rng.setValue(…)`. */
  readonly rng: SharedVariable;
  readonly update: StateUpdate;
};

/** Marks a variable computed from a draw as coming from its state. */
export const drawnFrom = (v: Variable, update: StateUpdate): RandomVariable => Object.assign(v, { rng: update[0], update });

/** The dtype asked for, or the largest of floatX and the operands'. Throws `random-dtype` unless it is a float. */
export function floatOf(asked: string | undefined, ...operands: readonly Operand[]): FloatDType {
  const dtype = asked === undefined ? promote(config.floatX, ...operands.filter((x) => typeof x !== "number").map((x) => asTensor(x).dtype)) : toDType(asked);
  if (!isFloat(dtype)) return fail("type", "random-dtype", { what: `uniform and normal draws are floats, got dtype ${dtype}.`, fix: "use float32 or float64, and cast the result" });
  return dtype;
}
