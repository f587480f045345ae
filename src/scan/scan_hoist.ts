/**
 * Rewrites that take work out of the loop: what does not change from step to step, products of rows with a constant as one product of the whole
 * sequence, and the loop itself where it has one step (theano/scan_module/scan_opt.py, PushOutNonSeqScan, PushOutSeqScan). Must not know the
 * user's call.
 */
import { substituteVariables } from "../graph/clone.js";
import { appliesOf } from "../graph/function_graph.js";
import type { Op } from "../graph/op.js";
import { constantValue, type Rule } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { type Apply, scalarConstant, Variable } from "../graph/variable.js";
import { dot } from "../ops/dot.js";
import { add, mul } from "../ops/elementwise.js";
import { tanh } from "../ops/math.js";
import { get } from "../ops/indexing.js";
import { isWhole, type RegionParams } from "../ops/region.js";
import { slice } from "../ops/slices.js";
import { subtensorOp } from "../ops/subtensor.js";
import { capturedBy, closed } from "./close.js";
import { everything, keeping, remade } from "./edit_scan.js";
import { exampleParts } from "./examples.js";
import { bodyOutputs, type Entry, partsOf, scanOf, type ScanParts, substituteInBody } from "./parts.js";
import { asStack } from "./scan_last.js";

/** Expressions of constants alone, which rewriting the body brought out or the step was written with. */
function hoist(op: Op): Rule {
  return {
    name: "scanHoist", phase: "canonicalise", exactness: "exact", roots: [op], source: "theano/scan_module/scan_opt.py PushOutNonSeqScan",
    rewrite(node) {
      const parts = partsOf(node);
      const captured = capturedBy(bodyOutputs(parts), [...parts.sequences, ...parts.carries].map((p) => p.inner));
      return captured.some((v) => v.owner !== null) ? remade(node, closed(parts), everything(parts)) : null;
    },
    example() {
      const { parts, inputs } = exampleParts();
      const k = parts.constants[0]?.inner as Variable;
      const value = mul(parts.stacked[0]?.value as Variable, tanh(k));
      return { inputs, before: scanOf(op, { ...parts, stacked: [{ value, keep: "all" }] }).stacked[0] as Variable };
    },
  };
}

/** dot(x, W); of a sequence read backwards the product is read backwards, so that the backward pass shares the forward one's. */
function dotOf(x: Variable, W: Variable): Variable {
  const items = x.owner?.op === subtensorOp ? (x.owner.params as RegionParams).items : [];
  const [head, ...rest] = items;
  const isReversal = head !== undefined && !("at" in head) && head.start === null && head.stop === null && head.step === -1 && rest.every(isWhole);
  return isReversal ? get(dot(x.owner?.inputs[0] as Variable, W), slice(null, null, -1)) : dot(x, W);
}

/** dot(x[t], W) for all t is dot(x, W): one product of matrices instead of one of vectors in each step. */
function dotOfSequence(op: Op): Rule {
  return {
    name: "scanDotOfSequence", phase: "specialise", exactness: "reassociates", roots: [op], source: "theano/scan_module/scan_opt.py PushOutSeqScan",
    rewrite(node) {
      const parts = partsOf(node);
      const rows = new Map(parts.sequences.map((s) => [s.inner, s.outer]));
      const constants = new Map(parts.constants.map((c) => [c.inner, c.outer]));
      const isBlock = (v: Variable | undefined): boolean => v !== undefined && (v.ndim === 2 || v.ndim === 3);
      const found = appliesOf(bodyOutputs(parts)).filter((a) => a.op === dot.op && isBlock(rows.get(a.inputs[0] as Variable)) && constants.get(a.inputs[1] as Variable)?.ndim === 2);
      if (found.length === 0) return null;
      const entries = found.map((a): Entry => {
        const v = a.outputs[0] as Variable;
        return { outer: dotOf(rows.get(a.inputs[0] as Variable) as Variable, constants.get(a.inputs[1] as Variable) as Variable), inner: new Variable(v.type, { name: v.name, origin: v.origin }) };
      });
      const replace = new Map(found.map((a, i) => [a.outputs[0] as Variable, (entries[i] as Entry).inner]));
      const fewer = substituteInBody({ ...parts, sequences: [...parts.sequences, ...entries] }, replace);
      return remade(node, keeping(fewer, everything(parts)), everything(parts));
    },
    example() {
      const [x, W] = [new Variable(tensorType("float64", 2), { name: "x" }), new Variable(tensorType("float64", 2), { name: "W" })];
      const [row, w] = [new Variable(tensorType("float64", 1), { name: "x[t]" }), new Variable(W.type, { name: "W" })];
      const steps = scalarConstant(3, "int32");
      const parts: ScanParts = { steps, sequences: [{ outer: x, inner: row }], carries: [], constants: [{ outer: W, inner: w }], stacked: [{ value: tanh(dot(row, w)), keep: "all" }], truncate: null, name: "example" };
      return { inputs: [x, W], before: scanOf(op, parts).stacked[0] as Variable };
    },
  };
}

/** A loop of one step is that step. */
function unrollOne(op: Op): Rule {
  return {
    name: "scanUnrollOne", phase: "canonicalise", exactness: "exact", roots: [op], source: "theano/scan_module/scan_opt.py, and scan.py for n_steps = 1",
    rewrite(node: Apply) {
      const parts = partsOf(node);
      if (constantValue(parts.steps) !== 1) return null;
      const outside = new Map([
        ...parts.sequences.map((s) => [s.inner, get(s.outer, 0)] as const),
        ...parts.carries.map((c) => [c.inner, c.init] as const),
        ...parts.constants.map((c) => [c.inner, c.outer] as const),
      ]);
      const made = substituteVariables(bodyOutputs(parts), outside);
      return made.map((v, i) => (parts.stacked[i - parts.carries.length]?.keep === "all" ? asStack(v) : v));
    },
    example() {
      const { parts, inputs } = exampleParts();
      return { inputs, before: add(scanOf(op, { ...parts, steps: scalarConstant(1, "int32") }).stacked[1] as Variable, 1) };
    },
  };
}

export const hoistingRules = (op: Op): readonly Rule[] => [unrollOne(op), hoist(op), dotOfSequence(op)];
