/**
 * What a copy of a compiled function computes: the same with other shared variables in the place of its own, or without updates
 * (theano/compile/function_module.py, Function.copy). Must not know rewriting or devices. compile.ts builds it as it builds any function.
 */
import { leavesOf, substituteVariables } from "../graph/clone.js";
import { SharedVariable, type Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import type { Prepared } from "./prepare.js";

export interface CopyOptions {
  /** Shared variables of the function and what the copy has in their place: a Map, or pairs. */
  readonly swap?: ReadonlyMap<SharedVariable, SharedVariable> | readonly (readonly [SharedVariable, SharedVariable])[];
  /** Leaves the updates out. */
  readonly deleteUpdates?: boolean;
  readonly name?: string;
}

/** Errors: DamoTypeError `copy-swap-type`, ValueError `copy-swap-unused`. */
export function copied(prepared: Prepared, { swap = [], deleteUpdates = false }: CopyOptions): Prepared {
  const pairs = new Map<Variable, Variable>(swap);
  const used = new Set<Variable>([...leavesOf(prepared.outputs), ...prepared.updated]);
  for (const [old, by] of pairs) {
    if (!(by instanceof SharedVariable) || !by.type.equals(old.type)) {
      fail("type", "copy-swap-type", { what: `A copy cannot have ${by} in the place of ${old}.`, where: String(by.origin), fix: "swap shared variables for shared variables of the same dtype and broadcast flags" });
    }
    if (!used.has(old)) fail("value", "copy-swap-unused", { what: `The function has no shared variable ${old} to swap.`, where: String(old.origin), fix: "name shared variables that the function reads or updates" });
  }
  const wanted = prepared.outputs.length - prepared.updated.length;
  const outputs = substituteVariables(deleteUpdates ? prepared.outputs.slice(0, wanted) : prepared.outputs, pairs);
  return { inputs: prepared.inputs, outputs, updated: deleteUpdates ? [] : prepared.updated.map((s) => (pairs.get(s) ?? s) as SharedVariable) };
}
