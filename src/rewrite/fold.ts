/**
 * Constant folding: applies of constants are computed by their op's reference. Before stabilisation only what cannot overflow a pattern away is
 * folded (integers, moves, arithmetic of single numbers): log(softmax(c)) computed first would be -inf (Theano issue 2781). Next: engine.ts.
 */
import { isInt } from "../codegen/ir/dtype.js";
import { type Change, replaceAll } from "../graph/edit.js";
import type { ApplyNode, FunctionGraph, VarId } from "../graph/function_graph.js";
import { Constant } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import { DamoError } from "../util/fail.js";

/** `exact`: integers, moves and arithmetic of single numbers. `all`: every pure op. */
export type FoldLevel = "exact" | "all";

/** Results longer than this are left to the device: a constant is stored, a fill is not. */
const LARGEST = 16384;
const ARITHMETIC: ReadonlySet<string> = new Set(["add", "sub", "mul", "div", "trueDiv", "neg", "abs", "cast", "pow", "sqr", "maximum", "minimum"]);

/** Folds everything it may, in one change; null when there is nothing to fold. An op that refuses its values is left to fail at the call. */
export function foldConstants(g: FunctionGraph, level: FoldLevel, options: { readonly record: boolean }): Change | null {
  const made = new Map<VarId, Constant>();
  const given = new Set(g.tables.inputs);
  const constantOf = (v: VarId): Constant | null => {
    const { leaf } = g.var(v);
    return made.get(v) ?? (leaf instanceof Constant && !given.has(v) ? leaf : null);
  };
  for (const a of g.order()) {
    const inputs = a.inputs.map(constantOf);
    const { fields } = a.op;
    if (inputs.some((c) => c === null) || fields.pure === false || fields.lower.kind === "loop" || fields.lower.kind === "routine") continue;
    const values = (inputs as Constant[]).map((c) => c.value);
    if (level === "exact" && !isExact(g, a, values)) continue;
    const results = evaluate(g, a, values);
    results?.forEach((value, i) => {
      const id = a.outputs[i] as VarId;
      const { type, origin, name } = g.var(id);
      made.set(id, new Constant(value, { broadcastable: type.broadcastable, origin, name }));
    });
  }
  const outputs = new Set(g.tables.outputs);
  const read = ([v]: readonly [VarId, Constant]): boolean => outputs.has(v) || g.consumersOf(v).some((a) => g.apply(a).outputs.some((o) => !made.has(o)));
  const pairs = [...made].filter(read);
  return pairs.length === 0 ? null : replaceAll(g, pairs, options);
}

const isExact = (g: FunctionGraph, a: ApplyNode, values: readonly NdArray[]): boolean =>
  a.outputs.every((o) => isInt(g.var(o).type.dtype)) || a.op.fields.lower.kind === "index" || (ARITHMETIC.has(a.op.name) && values.every((v) => v.size === 1));

/** The op's values, or null where they are too large, would store a repetition, or do not exist. */
function evaluate(g: FunctionGraph, a: ApplyNode, values: readonly NdArray[]): NdArray[] | null {
  if (values.reduce((n, v) => n + v.size, 0) > LARGEST) return null;
  const types = a.outputs.map((o) => g.var(o).type);
  let results: readonly NdArray[];
  try {
    results = a.op.fields.reference(values, a.params, types);
  } catch (error) {
    if (error instanceof DamoError && error.code !== "internal") return null;
    throw error;
  }
  const source = a.op.fields.repeats;
  const stored = source === undefined ? LARGEST : Math.max(1, values[source]?.size ?? 0);
  if (results.some((r) => r.size > stored)) return null;
  return results.map((r, i) => (r.dtype === types[i]?.dtype ? r : r.astype(types[i]?.dtype ?? r.dtype)));
}
