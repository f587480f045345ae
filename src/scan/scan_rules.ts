/**
 * Rewrites that make a scan smaller: drop what is not read, keep only last steps, merge equal scans, turn states that never change into
 * constants (theano/scan_module/scan_opt.py). Each is made for the scan op by a function, since the op's record lists them. Must not know the
 * user's call. Next: scan_hoist.ts moves work out of the loop.
 */
import { graphKey } from "../graph/function_graph.js";
import type { Op } from "../graph/op.js";
import type { Rule, RuleContext } from "../graph/rule.js";
import { type Apply, Constant, type Variable } from "../graph/variable.js";
import { add, mul } from "../ops/elementwise.js";
import { exampleParts, scalar } from "./examples.js";
import { everything, keeping, type Kept, liveCarries, readsAll, remade } from "./edit_scan.js";
import { type Entry, partsOf, scanOf, type ScanParts, type StackedPart, substituteInBody } from "./parts.js";

const isRead = (v: Variable, context: RuleContext): boolean => context.isOutput(v) || context.consumers(v).length > 0;
const SOURCE = "theano/scan_module/scan_opt.py";

/** Another scan of a node's loop, its values in terms of the node's body. */
interface Kindred { readonly node: Apply; readonly stacked: readonly StackedPart[] }

const innerOf = (p: ScanParts): Variable[] => [...p.sequences, ...p.carries, ...p.constants].map((e) => e.inner);
const keyOf = (inner: readonly Variable[]) => (s: StackedPart): string => `${s.keep} ${graphKey(inner, [s.value])}`;

/** Scans with the same inputs and next states, which may keep other values. */
function kindredOf(op: Op, node: Apply, parts: ScanParts, context: RuleContext): Kindred[] {
  const same = (a: Apply): boolean => a !== node && a.op === op && a.inputs.length === node.inputs.length && a.inputs.every((v, i) => v === node.inputs[i]) && a.params.truncate === parts.truncate && a.params.sequences === parts.sequences.length && a.params.carries === parts.carries.length;
  const others = [...new Set(context.consumers(node.inputs[0] as Variable).filter(same))];
  if (others.length === 0) return [];
  const own = innerOf(parts);
  const stateKey = graphKey(own, parts.carries.map((c) => c.next));
  return others.flatMap((other) => {
    const its = partsOf(other);
    const inner = innerOf(its);
    if (graphKey(inner, its.carries.map((c) => c.next)) !== stateKey) return [];
    return [{ node: other, stacked: substituteInBody(its, new Map(inner.map((v, i) => [v, own[i] as Variable]))).stacked }];
  });
}

/** Outputs that nobody reads, states that only feed themselves, inputs that no step reads. */
function dropUnused(op: Op): Rule {
  return {
    name: "scanDropUnused", phase: "canonicalise", exactness: "exact", roots: [op], source: `${SOURCE} remove_constants_and_unused_inputs_scan: a step computes only what is read`,
    rewrite(node, context) {
      const parts = partsOf(node);
      const n = parts.carries.length;
      const stacked = parts.stacked.flatMap((_, k) => (isRead(node.outputs[n + k] as Variable, context) ? [k] : []));
      const wanted = parts.carries.flatMap((_, i) => (isRead(node.outputs[i] as Variable, context) ? [i] : []));
      if (wanted.length + stacked.length === 0) return null;
      const kept: Kept = { carries: liveCarries(parts, wanted, stacked), stacked };
      const whole = kept.carries.length === n && stacked.length === parts.stacked.length;
      if (whole && readsAll(parts)) return null;
      const small = keeping(parts, kept);
      const same = whole && small.sequences.length === parts.sequences.length && small.constants.length === parts.constants.length;
      if (same) return null;
      // What another scan of this loop keeps is left for it to be merged with this one: dropped here, it would be added again.
      const key = keyOf(innerOf(parts));
      const unread = new Set(parts.stacked.flatMap((s, k) => (stacked.includes(k) ? [] : [key(s)])));
      if (unread.size > 0 && kindredOf(op, node, parts, context).some((o) => o.stacked.some((s) => unread.has(key(s))))) return null;
      return remade(node, small, kept);
    },
    example() {
      const { parts, inputs } = exampleParts();
      return { inputs, before: scanOf(op, parts).stacked[0] as Variable };
    },
  };
}

/** Inputs given twice are read once; constants of one element move into the body, where rewriting sees them; equal stacked values are kept once. */
function mergeInputs(op: Op): Rule {
  const first = (entries: readonly Entry[], replace: Map<Variable, Variable>): Entry[] => {
    const seen = new Map<Variable, Variable>();
    return entries.filter(({ outer, inner }) => {
      const known = seen.get(outer);
      if (known === undefined) seen.set(outer, inner);
      else replace.set(inner, known);
      return known === undefined;
    });
  };
  return {
    name: "scanMergeInputs", phase: "canonicalise", exactness: "exact", roots: [op], source: `${SOURCE} scan_merge_inouts, remove_constants_and_unused_inputs_scan`,
    rewrite(node) {
      const parts = partsOf(node);
      const replace = new Map<Variable, Variable>();
      const literal = (e: Entry): boolean => e.outer instanceof Constant && e.outer.value.size === 1;
      for (const { outer, inner } of parts.constants.filter(literal)) replace.set(inner, outer);
      const constants = first(parts.constants.filter((e) => !literal(e)), replace);
      const sequences = first(parts.sequences, replace);
      const values = parts.stacked.map((s) => parts.stacked.findIndex((t) => t.value === s.value && t.keep === s.keep));
      const stacked = [...new Set(values)];
      if (replace.size === 0 && stacked.length === values.length) return null;
      const merged = { ...substituteInBody(parts, replace), constants, sequences };
      const made = remade(node, { ...merged, stacked: stacked.map((k) => merged.stacked[k] as never) }, { carries: everything(parts).carries, stacked });
      const n = parts.carries.length;
      return made.map((v, i) => (i < n ? v : (made[n + (values[i - n] as number)] as Variable)));
    },
    example() {
      const { parts, inputs } = exampleParts();
      const again = scalar("k again");
      const [s0] = parts.stacked;
      const both = { ...parts, constants: [...parts.constants, { outer: inputs[2] as Variable, inner: again }], stacked: [{ value: mul(s0?.value as Variable, again), keep: "all" as const }] };
      return { inputs, before: scanOf(op, both).stacked[0] as Variable };
    },
  };
}

/** A state whose next value is itself is a constant. */
function constantStates(op: Op): Rule {
  return {
    name: "scanConstantState", phase: "canonicalise", exactness: "exact", roots: [op], source: "a state s with s' = s has its initial value in every step",
    rewrite(node) {
      const parts = partsOf(node);
      const changing = parts.carries.flatMap((c, i) => (c.next === c.inner ? [] : [i]));
      if (changing.length === parts.carries.length) return null;
      const fixed = parts.carries.filter((c) => c.next === c.inner).map((c): Entry => ({ outer: c.init, inner: c.inner }));
      const kept: Kept = { carries: changing, stacked: everything(parts).stacked };
      const outputs = remade(node, keeping({ ...parts, constants: [...parts.constants, ...fixed] }, kept), kept);
      return outputs.map((v, i) => (i < parts.carries.length && !changing.includes(i) ? (parts.carries[i]?.init as Variable) : v));
    },
    example() {
      const { parts, inputs } = exampleParts();
      const [k, ...rest] = parts.constants;
      const fixed = { ...parts, constants: rest, carries: [...parts.carries, { init: k?.outer as Variable, inner: k?.inner as Variable, next: k?.inner as Variable }] };
      return { inputs, before: scanOf(op, fixed).stacked[0] as Variable };
    },
  };
}

/** Two scans of the same loop that keep different outputs are one: the gradient's forward pass, which also keeps states, and the user's. */
function mergeScans(op: Op): Rule {
  return {
    name: "scanMerge", phase: "canonicalise", exactness: "exact", roots: [op], source: `${SOURCE} ScanMerge`,
    rewrite(node, context) {
      const parts = partsOf(node);
      const [other] = kindredOf(op, node, parts, context);
      if (other === undefined) return null;
      const key = keyOf(innerOf(parts));
      const theirs = other.stacked.map(key);
      const more = parts.stacked.filter((s) => !theirs.includes(key(s)));
      const n = parts.carries.length;
      const made = more.length === 0 ? other.node.outputs : Object.values(scanOf(op, { ...parts, stacked: [...other.stacked, ...more] })).flat();
      const all = [...theirs, ...more.map(key)];
      return node.outputs.map((_, i) => made[i < n ? i : n + all.indexOf(key(parts.stacked[i - n] as StackedPart))] as Variable);
    },
    example() {
      const { parts, inputs } = exampleParts();
      const [first, second] = parts.stacked;
      return { inputs, before: add(scanOf(op, { ...parts, stacked: [first as never] }).stacked[0] as Variable, scanOf(op, { ...parts, stacked: [second as never] }).stacked[0] as Variable) };
    },
  };
}

/** Rules of this file, in the order in which they are tried: equal loops are recognised before they are made smaller, each in its own way. */
export const shrinkingRules = (op: Op): readonly Rule[] => [mergeScans(op), constantStates(op), mergeInputs(op), dropUnused(op)];
