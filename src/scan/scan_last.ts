/**
 * Rewrites of scans of which only the last step is read, so that a long chain needs memory for one state, and of the lengths of what scans
 * give (theano/scan_module/scan_opt.py, ScanSaveMem). Must not know the user's call. Next: scan_hoist.ts.
 */
import type { Op } from "../graph/op.js";
import type { Rule } from "../graph/rule.js";
import { type Apply, apply1, type Variable } from "../graph/variable.js";
import { dimShuffleOp, padLeft } from "../ops/dimshuffle.js";
import { add } from "../ops/elementwise.js";
import { get } from "../ops/indexing.js";
import { patternBroadcast, rebroadcastOp } from "../ops/rebroadcast.js";
import type { RegionParams } from "../ops/region.js";
import { shapeAt, shapeAxisOp } from "../ops/shape.js";
import { subtensorOp } from "../ops/subtensor.js";
import { type Kept, remade } from "./edit_scan.js";
import { exampleParts } from "./examples.js";
import { paramsOf, partsOf, scanOf, type StackedPart } from "./parts.js";

/** What an indexing node reads beside one position of the first axis; null where it does not take one of `positions`. */
function restAfter(node: Apply, positions: readonly number[]): RegionParams["items"] | null {
  if (node.op !== subtensorOp) return null;
  const [head, ...rest] = (node.params as RegionParams).items;
  return head !== undefined && "at" in head && typeof head.at === "number" && positions.includes(head.at) ? rest : null;
}

/** The rest of an index, applied to a row. */
const indexed = (node: Apply, row: Variable, items: RegionParams["items"]): Variable => (items.length === 0 ? row : apply1(subtensorOp, [row, ...node.inputs.slice(1)], { items }));

/** One row as a stack of length 1. */
export const asStack = (row: Variable): Variable => patternBroadcast(padLeft(row, row.ndim + 1), [false, ...row.broadcastable]);

const oneOutput = (op: Op, k: number): { stacked: Variable; inputs: readonly Variable[] } => {
  const { parts, inputs } = exampleParts();
  return { stacked: scanOf(op, parts).stacked[k] as Variable, inputs };
};

/** y[-1] of a state's steps is the state after the loop. */
function lastIsFinal(op: Op): Rule {
  return {
    name: "scanLastIsFinal", phase: "canonicalise", exactness: "exact", roots: [subtensorOp], source: "the last of a state's values is its final value; ScanSaveMem",
    rewrite(node) {
      const scan = (node.inputs[0] as Variable).owner;
      const rest = restAfter(node, [-1]);
      if (scan?.op !== op || rest === null) return null;
      const { carries, keep, body } = paramsOf(scan);
      const at = (node.inputs[0] as Variable).index;
      const state = body.outputs.indexOf(body.outputs[at] as Variable);
      return at >= carries && keep[at - carries] === "all" && state < carries ? indexed(node, scan.outputs[state] as Variable, rest) : null;
    },
    example() {
      const { stacked, inputs } = oneOutput(op, 0);
      return { inputs, before: get(stacked, -1) };
    },
  };
}

/** An output of which only [-1] is read is kept for one step, or is a final state, and stands as a stack of length 1. */
function keepLast(op: Op): Rule {
  return {
    name: "scanKeepLast", phase: "canonicalise", exactness: "exact", roots: [op], source: "theano/scan_module/scan_opt.py ScanSaveMem",
    rewrite(node, context) {
      const parts = partsOf(node);
      const n = parts.carries.length;
      const stateOf = (k: number): number => parts.carries.findIndex((c) => c.next === parts.stacked[k]?.value);
      const isNarrow = (k: number): boolean => {
        const v = node.outputs[n + k] as Variable;
        const readers = context.consumers(v);
        return parts.stacked[k]?.keep === "all" && !context.isOutput(v) && readers.length > 0 && readers.every((r) => restAfter(r, [-1]) !== null && r.inputs[0] === v);
      };
      const all = parts.stacked.map((_, k) => k);
      const narrow = all.filter(isNarrow);
      const states = all.filter((k) => stateOf(k) >= 0 && (narrow.includes(k) || parts.stacked[k]?.keep === "last"));
      if (narrow.length + states.length === 0) return null;
      const kept: Kept = { carries: parts.carries.map((_, i) => i), stacked: all.filter((k) => !states.includes(k)) };
      const stacked = kept.stacked.map((k) => ({ ...(parts.stacked[k] as StackedPart), ...(narrow.includes(k) ? { keep: "last" as const } : {}) }));
      const outputs = remade(node, { ...parts, stacked }, kept);
      return outputs.map((v, i) => {
        const last = states.includes(i - n) ? (outputs[stateOf(i - n)] as Variable) : v;
        return narrow.includes(i - n) ? asStack(last) : last;
      });
    },
    example() {
      const { stacked, inputs } = oneOutput(op, 1);
      return { inputs, before: get(stacked, -1) };
    },
  };
}

/** The only row of a stack of length 1 is that row: DBN's chains of one step, and what `scanKeepLast` leaves. */
function rowOfOne(): Rule {
  return {
    name: "rowOfOne", phase: "canonicalise", exactness: "exact", roots: [subtensorOp], source: "x.dimshuffle('x', …)[0] = x; theano/tensor/opt.py local_subtensor_lift",
    rewrite(node) {
      const rest = restAfter(node, [0, -1]);
      if (rest === null) return null;
      let at = node.inputs[0] as Variable;
      while (at.owner?.op === rebroadcastOp) at = at.owner.inputs[0] as Variable;
      if (at.owner?.op !== dimShuffleOp) return null;
      const [head, ...order] = at.owner.params.order as readonly (number | null)[];
      if (head !== null) return null;
      const inner = at.owner.inputs[0] as Variable;
      const row = order.length === inner.ndim && order.every((a, i) => a === i) ? inner : apply1(dimShuffleOp, [inner], { order });
      const flags = (node.inputs[0] as Variable).broadcastable.slice(1);
      return indexed(node, patternBroadcast(row, flags), rest);
    },
    example() {
      const { inputs } = exampleParts();
      return { inputs, before: get(asStack(add(inputs[0] as Variable, 1)), -1) };
    },
  };
}

/** Lengths of a scan's outputs, without running it. */
function lengthOfScan(op: Op): Rule {
  return {
    name: "scanLength", phase: "canonicalise", exactness: "exact", roots: [shapeAxisOp], source: "all steps are as many as there are steps; a state keeps its shape; ShapeFeature",
    rewrite(node) {
      const v = node.inputs[0] as Variable;
      if (v.owner?.op !== op) return null;
      const axis = node.params.axis as number;
      const parts = partsOf(v.owner);
      const stacked = parts.stacked[v.index - parts.carries.length];
      if (stacked === undefined) return shapeAt(parts.carries[v.index]?.init as Variable, axis);
      const row = stacked.keep === "all" ? axis - 1 : axis;
      if (row < 0) return parts.steps;
      const state = parts.carries.find((c) => c.next === stacked.value || c.inner === stacked.value);
      return state === undefined ? null : shapeAt(state.init, row);
    },
    example() {
      const { stacked, inputs } = oneOutput(op, 0);
      return { inputs, before: add(shapeAt(stacked, 0), 1) };
    },
  };
}

export const lastStepRules = (op: Op): readonly Rule[] => [lastIsFinal(op), keepLast(op), rowOfOne(), lengthOfScan(op)];
