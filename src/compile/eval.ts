/**
 * `x.eval(…)`: a variable's value, by a function that is compiled at the first call and kept with the variable (theano/gof/graph.py Variable.eval).
 * For looking at things: what is called often is better compiled by name.
 */
import type { Variable } from "../graph/variable.js";
import type { ArrayLike } from "../numpy/ndarray.js";
import { method } from "../ops/define.js";
import { compile, type CompiledFunction, type Result } from "./compile.js";

/** Values of the inputs: a Map, or pairs. */
export type Given = ReadonlyMap<Variable, ArrayLike> | readonly (readonly [Variable, ArrayLike])[];

interface Kept { readonly inputs: readonly Variable[]; readonly f: CompiledFunction<Variable> }
const kept = new WeakMap<Variable, Kept[]>();

function functionOf(v: Variable, inputs: readonly Variable[]): Kept {
  const list = kept.get(v) ?? [];
  const known = list.find((k) => k.inputs.length === inputs.length && inputs.every((x) => k.inputs.includes(x)));
  if (known !== undefined) return known;
  const made: Kept = { inputs, f: compile([...inputs], v, { name: `eval of ${v}` }) };
  kept.set(v, [...list, made]);
  return made;
}

/** The value of `v` where the inputs have the given values; on `config.device` as it is at the first call. Errors as those of compile() and of calls. */
async function evaluate(v: Variable, given: Given = []): Promise<Result> {
  const values = new Map(given);
  const { inputs, f } = functionOf(v, [...values.keys()]);
  return f(...inputs.map((x) => values.get(x) as ArrayLike));
}

declare module "../graph/variable.js" {
  interface Variable {
    /** This variable's value: `await z.eval([[x, 1], [y, 2]])`. */
    eval(given?: Given): Promise<Result>;
  }
}
method({ eval: evaluate });
