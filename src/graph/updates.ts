/**
 * Updates: what scan() returns beside its outputs and compile() takes, a Map from shared variables to their next values. Theano's
 * OrderedUpdates (theano/updates.py). Must not know scan or compile.
 */
import type { ArrayLike } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { valueFor } from "./argument.js";
import { Constant, SharedVariable, Variable } from "./variable.js";

/**
 * A Map keyed by shared variables. A plain value, as in `updates.set(counter, 0)`, becomes a constant of the variable's type. Errors: `updates-key`
 * (DamoTypeError) for a key that is not shared, those of arguments of calls for a value that does not fit, `updates-collision` (ValueError) from
 * `update` when a key has another value already.
 */
export class Updates extends Map<SharedVariable, Variable> {
  constructor(entries: Iterable<readonly [SharedVariable, Variable | ArrayLike]> = []) {
    super();
    for (const [shared, value] of entries) this.set(shared, value);
  }

  override set(shared: SharedVariable, value: Variable | ArrayLike): this {
    if (!(shared instanceof SharedVariable)) {
      fail("type", "updates-key", { what: `Updates keys must be shared variables, not ${String(shared)}.`, fix: "make it with shared(value)" });
    }
    return super.set(shared, value instanceof Variable ? value : new Constant(valueFor(shared, value, `the update of ${shared}`), { broadcastable: shared.broadcastable }));
  }

  /** Adds all pairs of another; the same value for the same key is no collision. */
  update(other: ReadonlyMap<SharedVariable, Variable> | Iterable<readonly [SharedVariable, Variable]>): void {
    for (const [shared, value] of other) {
      const before = this.get(shared);
      if (before !== undefined && before !== value) {
        fail("value", "updates-collision", {
          what: `Collision: ${shared} has two different updates.`, where: String(value.origin), saw: [`first: made at ${before.origin}`, `second: made at ${value.origin}`],
          fix: "give one update for each shared variable",
        });
      }
      this.set(shared, value);
    }
  }
}
