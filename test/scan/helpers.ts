/** Evaluation by the float64 interpreter, and by compile() on the reference device. */
import { interpret } from "../../src/autodiff/interpret.js";
import { Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import { type ArrayLike, NdArray } from "../../src/numpy/ndarray.js";

export type Given = readonly (readonly [Variable, ArrayLike])[];

export const env = (given: Given): Map<Variable, NdArray> => new Map(given.map(([v, x]) => [v, x instanceof NdArray ? x : asarray(x, { dtype: v.dtype })]));

/** Nested numbers of a variable's value. */
export function evaluated(v: Variable | null, given: Given = []): unknown {
  if (!(v instanceof Variable)) throw new Error("no variable to evaluate");
  return interpret([v], env(given))[0]?.toArray();
}

export function codeOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return "no error";
}
