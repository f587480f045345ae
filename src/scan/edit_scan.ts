/**
 * A scan node remade with some of its parts dropped or changed, and what then stands for each of its old outputs. Must not decide what to drop.
 * Next: scan_rules.ts.
 */
import { leavesOf } from "../graph/clone.js";
import type { Apply, Variable } from "../graph/variable.js";
import { closed } from "./close.js";
import { bodyOutputs, scanOf, type ScanParts } from "./parts.js";

/** Which carries and stacked outputs stay, by their numbers, in order. */
export interface Kept { readonly carries: readonly number[]; readonly stacked: readonly number[] }

export const everything = (parts: ScanParts): Kept => ({ carries: parts.carries.map((_, i) => i), stacked: parts.stacked.map((_, k) => k) });

/** Whether every row and constant of the loop is read in it. */
export function readsAll(parts: ScanParts): boolean {
  const read = new Set(leavesOf(bodyOutputs(parts)));
  return [...parts.sequences, ...parts.constants].every((e) => read.has(e.inner));
}

/** The parts that stay, without inputs that nothing reads any more. */
export function keeping(parts: ScanParts, kept: Kept): ScanParts {
  const some: ScanParts = { ...parts, carries: kept.carries.map((i) => parts.carries[i] as never), stacked: kept.stacked.map((k) => parts.stacked[k] as never) };
  const read = new Set(leavesOf(bodyOutputs(some)));
  return closed({ ...some, sequences: some.sequences.filter((s) => read.has(s.inner)) });
}

/** Applies scan again; gives one variable per output of the old node: what `kept` maps to the new node, the old variable for the rest. */
export function remade(node: Apply, parts: ScanParts, kept: Kept): Variable[] {
  const made = scanOf(node.op, parts);
  const outputs = [...node.outputs];
  const n = node.outputs.length - (node.params.keep as readonly unknown[]).length;
  kept.carries.forEach((i, at) => {
    outputs[i] = made.carries[at] as Variable;
  });
  kept.stacked.forEach((k, at) => {
    outputs[n + k] = made.stacked[at] as Variable;
  });
  return outputs;
}

/** Carries that the results need: those in `wanted`, and whatever the body reads on their behalf. */
export function liveCarries(parts: ScanParts, wanted: readonly number[], stacked: readonly number[]): number[] {
  const live = new Set(wanted);
  for (let grown = live.size < parts.carries.length; grown; ) {
    const results = [...[...live].map((i) => parts.carries[i]?.next as Variable), ...stacked.map((k) => parts.stacked[k]?.value as Variable)];
    const read = new Set(leavesOf(results));
    const more = parts.carries.flatMap((c, i) => (!live.has(i) && read.has(c.inner) ? [i] : []));
    for (const i of more) live.add(i);
    grown = more.length > 0;
  }
  return [...live].sort((a, b) => a - b);
}
