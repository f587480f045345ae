/**
 * Updates: what scan() returns beside its outputs and compile() takes, a Map from shared variables to their next values. Theano's
 * OrderedUpdates (theano/updates.py). Must not know scan or compile.
 */
import { fail } from "../util/fail.js";
import { SharedVariable, Variable } from "./variable.js";

/**
 * A Map keyed by shared variables. Errors: `updates-key` (DamoTypeError) for a key that is not shared, `updates-value` for a value that is
 * not a variable, `updates-collision` (ValueError) from `update` when a key has another value already.
 */
export class Updates extends Map<SharedVariable, Variable> {
  constructor(entries: Iterable<readonly [SharedVariable, Variable]> = []) {
    super();
    for (const [shared, value] of entries) this.set(shared, value);
  }

  override set(shared: SharedVariable, value: Variable): this {
    if (!(shared instanceof SharedVariable)) {
      fail("type", "updates-key", { what: `Updates keys must be shared variables, not ${String(shared)}.`, fix: "make it with shared(value)" });
    }
    if (!(value instanceof Variable)) {
      fail("type", "updates-value", { what: `The update of ${shared} is ${String(value)}, not a variable.`, where: String(shared.origin), fix: "give a symbolic expression, such as T.constant(value)" });
    }
    return super.set(shared, value);
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
