/**
 * A function run node by node on the host, by the graph interpreter: for modes that watch it, and for profiles of the reference device. Updates
 * are committed together, after everything that can fail. Must not know who watches. Next: compile.ts chooses between this and Program.
 */
import { interpret, type Observer } from "../autodiff/interpret.js";
import { leavesOf } from "../graph/clone.js";
import { readBack, SharedVariable, type Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import type { CallArguments } from "./arguments.js";
import { turn } from "./devices.js";
import type { Watch } from "./modes.js";
import type { Prepared } from "./prepare.js";
import { commitValue } from "./storage.js";

/** The values that a call gives to the leaves of these variables. */
export async function valuesOfLeaves(variables: readonly Variable[], inputs: ReadonlyMap<Variable, number>, args: readonly NdArray[]): Promise<Map<Variable, NdArray>> {
  const values = new Map<Variable, NdArray>();
  for (const leaf of leavesOf(variables)) {
    const at = inputs.get(leaf);
    if (at !== undefined) values.set(leaf, args[at] as NdArray);
    else if (leaf instanceof SharedVariable) values.set(leaf, await readBack(leaf.cell));
  }
  return values;
}

/** The same without a wait; null where a shared variable among them is on a device only. */
export function valuesOnHost(variables: readonly Variable[], inputs: ReadonlyMap<Variable, number>, args: readonly NdArray[]): Map<Variable, NdArray> | null {
  const values = new Map<Variable, NdArray>();
  for (const leaf of leavesOf(variables)) {
    const at = inputs.get(leaf);
    const value = at !== undefined ? (args[at] as NdArray) : leaf.ownValue;
    if (value === null) return null;
    values.set(leaf, value);
  }
  return values;
}

export class Interpreted {
  readonly #prepared: Prepared;
  readonly #outputs: readonly Variable[];
  readonly #inputs: ReadonlyMap<Variable, number>;
  readonly #watches: () => readonly Watch[];

  /** `outputs`: of the rewritten graph. `watches`: who watches one call, the innermost last. */
  constructor(prepared: Prepared, outputs: readonly Variable[], watches: () => readonly Watch[]) {
    this.#prepared = prepared;
    this.#outputs = outputs;
    this.#inputs = new Map(prepared.inputs.map((i, n) => [i.variable, n]));
    this.#watches = watches;
  }

  /** Values of the user's outputs. Errors: those of the ops, and of who watches. */
  call(args: CallArguments): Promise<NdArray[]> {
    const { updated, outputs } = this.#prepared;
    const sets = updated.map((s) => s.cell.sets);
    args.keep();
    return turn.run(async () => {
      const watches = this.#watches();
      const env = await valuesOfLeaves(this.#outputs, this.#inputs, args.values);
      for (const [v, value] of env) for (const w of watches) w.leaf?.(v, value);
      const observer = watches.map((w) => w.observer).reduce((outer, inner): Observer => (node, inputs, run) => outer(node, inputs, () => inner(node, inputs, run)));
      const values = interpret(this.#outputs, env, { observer });
      const wanted = outputs.length - updated.length;
      updated.forEach((shared, i) => {
        if (shared.cell.sets === sets[i]) commitValue(shared, values[wanted + i] as NdArray);
      });
      // A result may be the very array that a shared variable now has.
      return values.slice(0, wanted).map((v) => v.copy());
    });
  }
}
