/**
 * The loop that the examples of scan's rules start from. Must not know the rules.
 */
import { tensorType } from "../graph/types.js";
import { scalarConstant, Variable } from "../graph/variable.js";
import { add, mul } from "../ops/elementwise.js";
import type { ScanParts } from "./parts.js";

export const vector = (name: string): Variable => new Variable(tensorType("float64", 1), { name });
export const scalar = (name: string): Variable => new Variable(tensorType("float64", 0), { name });

/** A scan over x with state s that also reads k and an unused u: what the examples run. */
export function exampleParts(): { parts: ScanParts; inputs: readonly Variable[] } {
  const [x, s, k, u] = [vector("x"), scalar("s"), scalar("k"), scalar("u")];
  const [row, state, other, unused] = [scalar("x[t]"), scalar("s[t-1]"), scalar("k"), scalar("u")];
  const next = add(mul(state, other), row);
  const parts: ScanParts = {
    steps: scalarConstant(3, "int32"), sequences: [{ outer: x, inner: row }], carries: [{ init: s, inner: state, next }],
    constants: [{ outer: k, inner: other }, { outer: u, inner: unused }], stacked: [{ value: next, keep: "all" }, { value: mul(next, 2), keep: "all" }], truncate: null, name: "example",
  };
  return { parts, inputs: [x, s, k, u] };
}
