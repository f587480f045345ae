/**
 * The arguments of scan() read: sequences with taps become one cut sequence per tap, outputsInfo becomes initial rows, nSteps a count
 * (theano/scan_module/scan.py, steps 1 and 2). Must not know the step function. Next: scan.ts calls it on what is made here.
 */
import { constantValue } from "../graph/rule.js";
import { TensorType } from "../graph/types.js";
import { scalarConstant, Variable } from "../graph/variable.js";

import { asTensor, type Operand } from "../ops/define.js";
import { minimum } from "../ops/elementwise.js";
import { get } from "../ops/indexing.js";
import { shapeAt } from "../ops/shape.js";
import { slice } from "../ops/slices.js";
import { fail } from "../util/fail.js";

/** A sequence, or several of its elements at once: taps [-1, 0, 2] pass x[t-1], x[t], x[t+2]. */
export type SequenceArgument = Operand | { readonly input: Operand; readonly taps?: number | readonly number[] | undefined };
/**
 * null: an output that is not fed back. A value: the state before the first step. With taps other than [-1], `initial` has a new first axis
 * with as many values as the farthest tap reaches back, oldest first.
 */
export type StateArgument = Operand | { readonly initial: Operand; readonly taps?: number | readonly number[] | undefined } | null;

const isPlain = (x: unknown): x is Operand => x instanceof Variable || typeof x !== "object" || x === null || Array.isArray(x) || ArrayBuffer.isView(x) || "dtype" in x;
const tapsOf = (taps: number | readonly number[] | undefined, otherwise: number): readonly number[] => (taps === undefined ? [otherwise] : typeof taps === "number" ? [taps] : taps);
const tapName = (name: string | null, tap: number): string | null => (name === null ? null : `${name}[t${tap === 0 ? "" : tap > 0 ? `+${tap}` : tap}]`);

/** A sequence cut so that its row t is what step t reads. */
export interface TapSequence { readonly outer: Variable; readonly name: string | null }

/** One entry per tap, in the order that the step function takes them. Errors: `scan-sequence-scalar`, `scan-sequence-taps`. */
export function readSequences(sequences: readonly SequenceArgument[], goBackwards: boolean): TapSequence[] {
  return sequences.flatMap((given) => {
    const { input, taps } = isPlain(given) ? { input: given, taps: undefined } : given;
    const x = asTensor(input);
    if (x.ndim === 0) fail("value", "scan-sequence-scalar", { what: `The sequence ${x} has no axis to run along.`, where: String(x.origin), fix: "pass it in nonSequences, or give it an axis" });
    const list = tapsOf(taps, 0);
    if (list.length === 0 || list.some((k) => !Number.isInteger(k))) {
      fail("value", "scan-sequence-taps", { what: `The taps [${list.join(", ")}] of the sequence ${x} are not whole numbers.`, where: String(x.origin), fix: "list offsets such as [-1, 0]" });
    }
    const [first, last] = [Math.min(0, ...list), Math.max(0, ...list)];
    return list.map((k) => {
      const cut = first === last ? x : get(x, slice(k - first, k === last ? null : k - last));
      return { outer: goBackwards ? get(cut, slice(null, null, -1)) : cut, name: tapName(x.name, k) };
    });
  });
}

/** Stands for a row or a state in a step. Outside, it has no value: a function that needs one was not given the updates that scan returned. */
export class StepVariable extends Variable {}

export const rowType = (x: Variable): TensorType => new TensorType(x.dtype, x.broadcastable.slice(1));

/** An output that is fed back. */
export interface State {
  /** Values before the first step, oldest first, as many as the farthest tap reaches back. */
  readonly initial: readonly Variable[];
  readonly taps: readonly number[];
  readonly name: string | null;
}

/** null for an output that is not fed back. Errors: `scan-output-taps`, `scan-initial-missing`, `scan-initial-rank`. */
export function readState(given: StateArgument): State | null {
  if (given === null) return null;
  const { initial, taps } = isPlain(given) ? { initial: given, taps: undefined } : given;
  if (initial === undefined || initial === null) {
    if (taps === undefined) return null;
    fail("value", "scan-initial-missing", { what: `An output has taps [${tapsOf(taps, -1).join(", ")}] and no initial value.`, fix: "give { initial, taps }" });
  }
  const x = asTensor(initial);
  const list = tapsOf(taps, -1);
  if (list.length === 0 || list.some((k) => !Number.isInteger(k) || k >= 0)) {
    fail("value", "scan-output-taps", { what: `Can not use future taps of outputs: [${list.join(", ")}].`, where: String(x.origin), fix: "taps of outputs are negative whole numbers, such as [-2, -1]" });
  }
  if (list.length === 1 && list[0] === -1) return { initial: [x], taps: list, name: x.name };
  if (x.ndim === 0) {
    fail("value", "scan-initial-rank", { what: `The initial value ${x} of an output with taps [${list.join(", ")}] has no axis of steps.`, where: String(x.origin), fix: "give it a first axis, oldest value first" });
  }
  return { initial: Array.from({ length: -Math.min(...list) }, (_, k) => get(x, k)), taps: list, name: x.name };
}

export const stateName = tapName;

/** The number of steps, 0-d int32: as asked, or as long as the shortest sequence. Errors: `scan-steps-type`, `scan-steps-missing`. */
export function readSteps(nSteps: number | Variable | null | undefined, sequences: readonly TapSequence[]): Variable {
  if (nSteps !== undefined && nSteps !== null) {
    const n = typeof nSteps === "number" && Number.isInteger(nSteps) ? scalarConstant(nSteps, "int32") : nSteps;
    if (n instanceof Variable && n.dtype === "int32" && n.ndim === 0) return n;
    fail("value", "scan-steps-type", { what: `nSteps must be a whole number, got ${String(n)}.`, where: n instanceof Variable ? String(n.origin) : undefined, fix: "pass an integer, or a 0-d integer variable (T.iscalar, T.cast(n, 'int32'))" });
  }
  if (sequences.length === 0) {
    fail("value", "scan-steps-missing", { what: "No information about the number of steps was given to scan.", fix: "pass nSteps or a sequence" });
  }
  return sequences.map((s) => shapeAt(s.outer, 0)).reduce((a, b) => minimum(a, b));
}

/** Theano builds no loop for one step known when the graph is built. */
export const isOneStep = (nSteps: number | Variable | null | undefined): boolean => nSteps === 1 || (nSteps instanceof Variable && constantValue(nSteps) === 1);
