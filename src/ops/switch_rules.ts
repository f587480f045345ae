/**
 * Rules of `switch`: constant conditions, equal branches, and products moved inside a branch that is not zero, so that the NaN of the branch
 * not taken (grad of switch(x < 7, x, sqrt(x - 7)) at 5) never meets the other. Next: log_rules.ts.
 */
import type { Op } from "../graph/op.js";
import { constantValue, isA, type Rule } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, Variable } from "../graph/variable.js";
import { constantLike, fillLike } from "./algebra.js";
import { cast, div, gt, lt, mul, neg, switch_ } from "./elementwise.js";
import { sqrt } from "./math.js";

const vector = (name: string): Variable => new Variable(tensorType("float64", 1), { name });

/** The product over the branches of input `i`; a branch of zeros stays zero. */
function sinkInto(node: Apply, i: number): Variable | null {
  const [c, a, b] = (isA(node.inputs[i] as Variable, switch_) ? node.inputs[i]?.owner?.inputs : undefined) ?? [];
  if (c === undefined || a === undefined || b === undefined) return null;
  const zeros = [a, b].map((v) => constantValue(v) === 0);
  if (!zeros.includes(true)) return null;
  const like = node.outputs[0] as Variable;
  const over = (v: Variable, zero: boolean | undefined): Variable =>
    zero === true ? constantLike(0, like) : cast(apply1(node.op, node.inputs.map((w, k) => (k === i ? v : w)), node.params), like.dtype);
  return fillLike(switch_(c, over(a, zeros[0]), over(b, zeros[1])), like, node.inputs);
}

const sinkRule = (name: string, roots: readonly Op[], inputs: readonly number[], source: string, before: (x: Variable, y: Variable) => Variable): Rule => ({
  name, phase: "canonicalise", exactness: "stabilises", source, roots,
  rewrite: (node) => inputs.reduce<Variable | null>((found, i) => found ?? (i < node.inputs.length ? sinkInto(node, i) : null), null),
  example: () => {
    const [x, y] = [vector("x"), vector("y")];
    return { inputs: [x, y], before: before(x, y) };
  },
});

export const SWITCH_RULES: readonly Rule[] = [
  sinkRule("mulSwitchSink", [mul.op], [0, 1], "a switch(c, 0, v) = switch(c, 0, a v); theano/tensor/opt.py local_mul_switch_sink", (x, y) => mul(y, switch_(lt(x, 7), 0, sqrt(x)))),
  sinkRule("divSwitchSink", [div.op], [0], "switch(c, 0, v) / a = switch(c, 0, v / a); theano/tensor/opt.py local_div_switch_sink", (x, y) => div(switch_(gt(x, 0), y, 0), x)),
  sinkRule("unarySwitchSink", [neg.op, cast.op], [0], "-switch(c, 0, v) = switch(c, 0, -v), and so for conversions, so that the two rules above are reached", (x, y) => neg(switch_(gt(x, 0), y, 0))),
  {
    name: "uselessSwitch", phase: "canonicalise", exactness: "exact", source: "switch of a constant, or between equals; theano/tensor/opt.py local_useless_switch",
    roots: [switch_.op],
    rewrite: (node) => {
      const [c, a, b] = node.inputs as [Variable, Variable, Variable];
      const known = a === b ? 1 : constantValue(c);
      return known === null ? null : fillLike(known !== 0 ? a : b, node.outputs[0] as Variable, node.inputs);
    },
    example: () => {
      const [x, y] = [vector("x"), vector("y")];
      return { inputs: [x, y], before: switch_(gt(y, 0), x, x) };
    },
  },
];
