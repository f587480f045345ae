/**
 * The gradient of scan: back-propagation through time as another scan, whose sequences run backwards and whose carries are the cotangents of
 * the states and the sums of the constants' gradients (theano/scan_module/scan_op.py, Scan.grad). Must not know the user's call.
 * Next: flow.ts says what depends on what; scan_rules.ts merges the forward scan made here with the original.
 */
import { leavesOf } from "../graph/clone.js";
import type { GradientContext, InputGradient, Op } from "../graph/op.js";
import { constantValue } from "../graph/rule.js";
import { type Apply, Variable } from "../graph/variable.js";
import { add, le, minimum, sub, switch_ } from "../ops/elementwise.js";
import { zeroGradient } from "../ops/fill.js";
import { shapeAt } from "../ops/shape.js";
import { get } from "../ops/indexing.js";
import { setSubtensor } from "../ops/set_subtensor.js";
import { slice } from "../ops/slices.js";
import { closed } from "./close.js";
import { type Flow, flowsThrough, type StepGradient } from "./flow.js";
import { type CarryPart, type Entry, partsOf, scanOf, type ScanParts, type StackedPart, withBodyOutputs } from "./parts.js";
import type { ScanParams } from "./scan_params.js";
import { type Saved, savedFor } from "./scan_saved.js";

/** The first `n` rows, last first. */
const backwards = (x: Variable, n: Variable | null): Variable => get(n === null ? x : get(x, slice(0, n)), slice(null, null, -1));

/** Whether a step count is written as the length of this sequence. */
function isLengthOf(steps: Variable, sequence: Variable): boolean {
  const length = shapeAt(sequence, 0);
  const [a, b] = [steps.owner, length.owner];
  if (a === null || b === null) return constantValue(length) !== null && constantValue(length) === constantValue(steps);
  return a.op === b.op && a.inputs[0] === sequence && a.params.axis === 0;
}

export function scanGradient(ctx: GradientContext<ScanParams>): InputGradient[] {
  const node = (ctx.outputs[0] as Variable).owner as Apply;
  const parts = partsOf(node);
  const n = parts.carries.length;
  const step = flowsThrough(parts, ctx.cotangents.slice(0, n), ctx.cotangents.slice(n));
  const walk = backwardScan(node.op, parts, step, ctx);
  const plain = (flow: Flow, outer: Variable, made: () => Variable): InputGradient =>
    flow === null ? "disconnected" : flow === "undefined" ? flow : flow === "zero" ? zeroGradient(outer) : made();
  return [
    "disconnected",
    ...parts.sequences.map(({ outer }, i) => plain(step.rows[i] as Flow, outer, () => sequenceGradient(parts, outer, walk.rows.get(i) as Variable))),
    ...parts.carries.map(({ init }, i) => plain(step.carries[i] as Flow, init, () => initialGradient(parts, walk.carries.get(i) as Variable))),
    ...parts.constants.map(({ outer }, i) => plain(step.constants[i] as Flow, outer, () => walk.constants.get(i) as Variable)),
  ];
}

/** Results of the backward scan, by the number of the sequence, carry or constant; rows are in backward order. */
interface Walk {
  readonly rows: ReadonlyMap<number, Variable>;
  readonly carries: ReadonlyMap<number, Variable>;
  readonly constants: ReadonlyMap<number, Variable>;
}

const isFlowing = (flow: Flow): flow is Variable => flow instanceof Variable;
const numbersOf = (flows: readonly Flow[]): number[] => flows.flatMap((f, i) => (isFlowing(f) ? [i] : []));

function backwardScan(op: Op, parts: ScanParts, step: StepGradient, ctx: GradientContext<ScanParams>): Walk {
  const [rows, constants] = [numbersOf(step.rows), numbersOf(step.constants)];
  const states = [...step.states.keys()];
  const lasts = parts.stacked.flatMap((s, k) => (s.keep === "last" && step.stacked.has(k) ? [k] : []));
  const carries: CarryPart[] = [
    ...states.map((i) => stateCotangent(i, parts.carries[i] as CarryPart, step, ctx)),
    ...lasts.map((k) => lastCotangent(k, parts, step, ctx)),
    ...constants.map((j) => sumPart(parts.constants[j]?.outer as Variable, step.constants[j] as Variable)),
  ];
  const saved = savedFor(op, parts, ctx.outputs.slice(parts.carries.length), [...carries.map((c) => c.next), ...rows.map((i) => step.rows[i] as Variable)]);
  const sequences = backwardSequences(parts, step, ctx, saved);
  const steps = parts.truncate === null ? parts.steps : minimum(parts.steps, parts.truncate);
  const stacked = rows.map((i): StackedPart => ({ value: step.rows[i] as Variable, keep: "all" }));
  const plain: ScanParts = { steps, sequences, carries, constants: parts.constants, stacked, truncate: null, name: `grad of ${parts.name}` };
  const made = scanOf(op, closed(withBodyOutputs(plain, saved.results)));
  const after = states.length + lasts.length;
  return {
    rows: new Map(rows.map((i, at) => [i, made.stacked[at] as Variable])),
    carries: new Map(states.map((i, at) => [i, made.carries[at] as Variable])),
    constants: new Map(constants.map((j, at) => [j, made.carries[after + at] as Variable])),
  };
}

/** The cotangent of state i before a step, from that after it. */
function stateCotangent(i: number, { init }: CarryPart, step: StepGradient, ctx: GradientContext<ScanParams>): CarryPart {
  const inner = step.states.get(i) as Variable;
  const next = step.carries[i] as Flow;
  return { init: ctx.cotangents[i] ?? zeroGradient(init), inner, next: isFlowing(next) ? next : zeroGradient(inner) };
}

/** An output of which only the last step is kept: its cotangent counts in the first backward step and is zero after it. */
function lastCotangent(k: number, parts: ScanParts, step: StepGradient, ctx: GradientContext<ScanParams>): CarryPart {
  const inner = step.stacked.get(k) as Variable;
  return { init: ctx.cotangents[parts.carries.length + k] as Variable, inner, next: zeroGradient(inner) };
}

/** A constant's gradient: the sum of what each step adds. */
function sumPart(outer: Variable, term: Variable): CarryPart {
  const inner = new Variable(term.type, { name: outer.name === null ? null : `d${outer.name}` });
  return { init: zeroGradient(outer), inner, next: add(inner, term) };
}

/** What the backward steps read: rows, values saved by the forward pass, cotangents of rows; all from the last step to the first. */
function backwardSequences(parts: ScanParts, step: StepGradient, ctx: GradientContext<ScanParams>, saved: Saved): Entry[] {
  const read = new Set(leavesOf(saved.results));
  const rows = parts.sequences.filter((s) => read.has(s.inner));
  const n = parts.carries.length;
  const cotangents = [...step.stacked].filter(([k, inner]) => parts.stacked[k]?.keep === "all" && read.has(inner));
  return [
    ...rows.map(({ outer, inner }) => ({ outer: backwards(outer, isLengthOf(parts.steps, outer) ? null : parts.steps), inner })),
    ...saved.stacks.map(({ outer, inner }) => ({ outer: backwards(outer, null), inner })),
    ...cotangents.map(([k, inner]) => ({ outer: backwards(ctx.cotangents[n + k] as Variable, null), inner })),
  ];
}

/** Rows of gradients in backward order -> the gradient of the whole sequence: zero where no step read it, or where truncated. */
function sequenceGradient(parts: ScanParts, sequence: Variable, rows: Variable): Variable {
  const forwards = backwards(rows, null);
  if (parts.truncate === null && isLengthOf(parts.steps, sequence)) return forwards;
  const first = parts.truncate === null ? 0 : sub(parts.steps, minimum(parts.steps, parts.truncate));
  return setSubtensor(get(zeroGradient(sequence), slice(first, parts.steps)), forwards);
}

/** The cotangent of an initial state: none where truncation stopped before it. */
const initialGradient = (parts: ScanParts, found: Variable): Variable => (parts.truncate === null ? found : switch_(le(parts.steps, parts.truncate), found, 0));
