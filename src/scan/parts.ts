/**
 * A scan node taken apart, with what enters each part of its body beside it, and put together again. The user call, the gradient and the
 * rules all edit parts; nothing else knows the order of inputs. Must not know gradients or rules.
 */
import { substituteVariables } from "../graph/clone.js";
import { FrozenGraph } from "../graph/function_graph.js";
import type { Op } from "../graph/op.js";
import { apply, type Apply, type Variable } from "../graph/variable.js";
import { impossible } from "../util/fail.js";
import { bodyInputs, scanInputs, scanOutputs, type ScanParams } from "./scan_params.js";

/** A value from outside and the variable that stands for it in the body. For a sequence, `inner` is its row. */
export interface Entry { readonly outer: Variable; readonly inner: Variable }
/** A state: its initial value, what stands for it in the body, and its next value there. */
export interface CarryPart { readonly init: Variable; readonly inner: Variable; readonly next: Variable }
/** A value of each step that is kept. */
export interface StackedPart { readonly value: Variable; readonly keep: "all" | "last" }

export interface ScanParts {
  readonly steps: Variable;
  readonly sequences: readonly Entry[];
  readonly carries: readonly CarryPart[];
  readonly constants: readonly Entry[];
  readonly stacked: readonly StackedPart[];
  readonly truncate: number | null;
  readonly name: string;
}

export const paramsOf = (node: Apply): ScanParams => node.params as ScanParams;

export function partsOf(node: Apply): ScanParts {
  const p = paramsOf(node);
  const outer = scanInputs(node.inputs, p);
  const inner = bodyInputs(p.body.inputs, p);
  const after = scanOutputs(p.body.outputs, p);
  const entry = (of: readonly Variable[]) => (v: Variable, i: number): Entry => ({ outer: v, inner: of[i] as Variable });
  return {
    steps: outer.steps,
    sequences: outer.sequences.map(entry(inner.rows)),
    carries: outer.carries.map((init, i) => ({ init, inner: inner.carries[i] as Variable, next: after.carries[i] as Variable })),
    constants: outer.constants.map(entry(inner.constants)),
    stacked: after.stacked.map((value, i) => ({ value, keep: p.keep[i] as "all" | "last" })),
    truncate: p.truncate,
    name: p.name,
  };
}

/** The outputs of a scan node made from parts. */
export interface ScanResult { readonly carries: readonly Variable[]; readonly stacked: readonly Variable[] }

/** Applies scan. Every leaf of the body but constants must be some part's `inner`. */
export function scanOf(op: Op, parts: ScanParts): ScanResult {
  const { steps, sequences, carries, constants, stacked } = parts;
  const inner = [...sequences.map((s) => s.inner), ...carries.map((c) => c.inner), ...constants.map((c) => c.inner)];
  if (new Set(inner).size !== inner.length) impossible("two parts of a scan share a variable of the body");
  const params: ScanParams = {
    body: new FrozenGraph(inner, [...carries.map((c) => c.next), ...stacked.map((s) => s.value)]),
    sequences: sequences.length,
    carries: carries.length,
    keep: stacked.map((s) => s.keep),
    truncate: parts.truncate,
    name: parts.name,
  };
  const outputs = apply(op, [steps, ...sequences.map((s) => s.outer), ...carries.map((c) => c.init), ...constants.map((c) => c.outer)], params);
  return scanOutputs(outputs, params);
}

/** All results of the body: next carries, then stacked values. */
export const bodyOutputs = (parts: ScanParts): Variable[] => [...parts.carries.map((c) => c.next), ...parts.stacked.map((s) => s.value)];

/** The parts with other results, in the order of `bodyOutputs`. */
export function withBodyOutputs(parts: ScanParts, outputs: readonly Variable[]): ScanParts {
  const n = parts.carries.length;
  return {
    ...parts,
    carries: parts.carries.map((c, i) => ({ ...c, next: outputs[i] as Variable })),
    stacked: parts.stacked.map((s, i) => ({ ...s, value: outputs[n + i] as Variable })),
  };
}

/** The parts with variables of the body replaced. */
export const substituteInBody = (parts: ScanParts, replace: ReadonlyMap<Variable, Variable>): ScanParts =>
  replace.size === 0 ? parts : withBodyOutputs(parts, substituteVariables(bodyOutputs(parts), replace));
