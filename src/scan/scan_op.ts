/**
 * The op `scan`: carry and sequences in, carry and stacked outputs out, one body per step. compile lowers it to a loop step and infers its
 * shapes itself (compile/loop.ts). Must not know the user's call. Next: scan_grad.ts, then scan.ts.
 */
import type { Op } from "../graph/op.js";
import type { Rule } from "../graph/rule.js";
import { TensorType } from "../graph/types.js";
import type { Variable } from "../graph/variable.js";
import { defineOp } from "../ops/define.js";
import { impossible } from "../util/fail.js";
import { interpretScan } from "./reference.js";
import { hoistingRules } from "./scan_hoist.js";
import { lastStepRules } from "./scan_last.js";
import { shrinkingRules } from "./scan_rules.js";
import { sumRules } from "./scan_sums.js";
import { scanGradient } from "./scan_grad.js";
import { bodyInputs, scanInputs, scanOutputs, type ScanParams } from "./scan_params.js";

export { bodyInputs, scanInputs, scanOutputs, type ScanParams } from "./scan_params.js";

/** The type of all steps' values: a new first axis that does not stretch. */
const stackedType = (row: TensorType): TensorType => new TensorType(row.dtype, [false, ...row.broadcastable]);

function infer(inputs: readonly TensorType[], p: ScanParams): readonly TensorType[] {
  const outer = scanInputs(inputs, p);
  const inner = bodyInputs(p.body.inputs, p);
  const after = scanOutputs(p.body.outputs, p);
  const same = (t: TensorType | undefined, v: Variable, what: string): void => {
    if (t?.equals(v.type) !== true) impossible(`${p.name}: ${what} is ${t} outside and ${v} in the body`);
  };
  outer.sequences.forEach((t, i) => same(new TensorType(t.dtype, t.broadcastable.slice(1)), inner.rows[i] as Variable, `sequence ${i}`));
  outer.carries.forEach((t, i) => {
    same(t, inner.carries[i] as Variable, `state ${i}`);
    same(t, after.carries[i] as Variable, `next state ${i}`);
  });
  outer.constants.forEach((t, i) => same(t, inner.constants[i] as Variable, `constant ${i}`));
  return [...outer.carries, ...after.stacked.map((v, i) => (p.keep[i] === "all" ? stackedType(v.type) : v.type))];
}

export const scanOp: Op = defineOp<ScanParams>({
  name: "scan",
  doc: "Runs a body `steps` times. Inputs: steps, sequences, initial carries, constants. Outputs: final carries, then for each stacked output all steps (a new first axis) or the last (theano/scan_module/scan_op.py).",
  infer,
  shape: () => impossible("shapes of a loop are inferred by compile"),
  lower: { kind: "loop" },
  gradient: scanGradient,
  reference: interpretScan,
  samples: [],
  get rules() {
    return scanRules;
  },
});

/** Every rewrite of scan; loops are recognised as equal before they are made smaller. */
export const scanRules: readonly Rule[] = [...shrinkingRules(scanOp), ...lastStepRules(scanOp), ...hoistingRules(scanOp), ...sumRules(scanOp)];
