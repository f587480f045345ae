/**
 * checkRewrite: a rewrite rule on its own example: that it fires, keeps the type, and keeps the values. Must not know any rule.
 */
import { interpret } from "../autodiff/interpret.js";
import { appliesOf } from "../graph/function_graph.js";
import { substituteVariables } from "../graph/clone.js";
import type { Rule, RuleContext } from "../graph/rule.js";
import { type Apply, Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import { drawArray, seededUniform } from "../ops/samples.js";
import { fail } from "../util/fail.js";
import { difference } from "./parity.js";
import { snippet } from "./snippet.js";

export interface CheckRewriteOptions {
  /** Values of the example's inputs. Default: drawn from [0.1, 0.9], each axis as long as `length` or 1 where its flag says so. */
  readonly values?: readonly NdArray[];
  readonly length?: number;
  readonly seed?: number;
  /** Default: 0 for exact rules, else 1e-12, relative and absolute. */
  readonly tolerance?: number;
}

/** Throws `rewrite-silent`, `rewrite-retypes` or `rewrite-value` where the rule does not fire on its example, changes its type, or its values. Gives the graph after. */
export function checkRewrite(rule: Rule, options: CheckRewriteOptions = {}): Variable {
  const { inputs, before } = rule.example();
  const after = rewriteOnce(rule, before);
  if (after === null) fail("value", "rewrite-silent", { what: `The rule '${rule.name}' does not fire on its example.`, fix: "correct the rule, its roots or its example" });
  const uniform = seededUniform(options.seed ?? 1);
  const values = options.values ?? inputs.map((v) => drawArray(v.dtype, v.broadcastable.map((b) => (b ? 1 : (options.length ?? 3))), uniform, v.dtype === "int32" ? { low: 0, high: 3 } : { low: 0.1, high: 0.9 }));
  const env = new Map(inputs.map((v, i) => [v, values[i] as NdArray]));
  const [was, is] = interpret([before, after], env) as [NdArray, NdArray];
  const trouble = difference(is, was, options.tolerance ?? (rule.exactness === "exact" ? 0 : 1e-12));
  if (trouble !== null) {
    fail("value", "rewrite-value", { what: `The rule '${rule.name}' changes its example: ${trouble}.`, saw: [`\n${snippet({ inputs, values, outputs: [before, after] })}\n`], fix: "correct the rule" });
  }
  return after;
}

/** The graph after the rule has fired at one node; null where it fires at none. */
function rewriteOnce(rule: Rule, before: Variable): Variable | null {
  const applies = appliesOf([before]);
  const consumers = (v: Variable): Apply[] => applies.filter((a) => a.inputs.includes(v));
  const context: RuleContext = { consumers, readers: (v) => consumers(v).length, isOutput: (v) => v === before };
  for (const node of applies.filter((a) => rule.roots.includes(a.op))) {
    const made = rule.rewrite(node, context);
    if (made !== null) return replaced(rule, before, node, made instanceof Variable ? [made] : made);
  }
  return null;
}

function replaced(rule: Rule, before: Variable, node: Apply, made: readonly Variable[]): Variable {
  node.outputs.forEach((o, i) => {
    if (made[i]?.type.equals(o.type) !== true) fail("type", "rewrite-retypes", { what: `The rule '${rule.name}' puts ${made[i]} in the place of ${o}.`, fix: "give a replacement of the same dtype and broadcast flags" });
  });
  return substituteVariables([before], new Map(node.outputs.map((o, i) => [o, made[i] as Variable])))[0] as Variable;
}
