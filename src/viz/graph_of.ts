/**
 * What the printers print: a variable, several, or a compiled function (its rewritten graph). Must not know how anything is printed.
 * Next: pp.ts, debugprint.ts, pydotprint.ts.
 */
import type { SharedVariable, Variable } from "../graph/variable.js";

/** A compiled function's graph after rewriting. */
export interface Compiled {
  readonly graph: {
    readonly inputs: readonly Variable[];
    readonly outputs: readonly Variable[];
    readonly updates: readonly (readonly [SharedVariable, Variable])[];
  };
}

/** What `pp`, `debugprint` and `pydotprint` take. */
export type Printable = Variable | readonly Variable[] | Compiled;

/** What is printed: its outputs, and the shared variables that take the last of them as new values. */
export interface Shown { readonly outputs: readonly Variable[]; readonly updates: ReadonlyMap<number, SharedVariable> }

const isList = (x: Printable): x is readonly Variable[] => Array.isArray(x);

/** The outputs to print. An update's value is an output like any other, and `updates` says whose it is. */
export function shownOf(x: Printable): Shown {
  if (isList(x)) return { outputs: x, updates: new Map() };
  if (!("graph" in x)) return { outputs: [x], updates: new Map() };
  const { outputs, updates } = x.graph;
  return { outputs: [...outputs, ...updates.map(([, v]) => v)], updates: new Map(updates.map(([s], i) => [outputs.length + i, s])) };
}
