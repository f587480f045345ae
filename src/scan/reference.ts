/**
 * The meaning of scan: the body interpreted step by step in float64. Must not know kernels. It is what the loop step of a plan must agree with.
 */
import { interpret, type InterpretOptions } from "../autodiff/interpret.js";
import type { TensorType } from "../graph/types.js";
import type { Variable } from "../graph/variable.js";
import { NdArray, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { bodyInputs, scanInputs, scanOutputs, type ScanParams } from "./scan_params.js";

function rowOf(x: NdArray, t: number): NdArray {
  const shape = x.shape.slice(1);
  const size = sizeOf(shape);
  return new NdArray(x.data.slice(t * size, (t + 1) * size) as NdArray["data"], shape, x.dtype);
}

function stack(rows: readonly NdArray[], like: NdArray): NdArray {
  const out = NdArray.zeros([rows.length, ...like.shape], like.dtype);
  rows.forEach((r, t) => out.data.set(r.data as never, t * like.size));
  return out;
}

function checkLengths(n: number, sequences: readonly NdArray[], p: ScanParams): void {
  if (n < 0) fail("value", "scan-negative-steps", { what: `${p.name} was asked for ${n} steps.`, fix: "pass nSteps >= 0, and goBackwards to go backwards" });
  const short = sequences.findIndex((s) => (s.shape[0] as number) < n);
  if (short >= 0) {
    fail("value", "scan-sequence-short", {
      what: `${p.name} was asked for more steps than its sequence ${short} of length ${sequences[short]?.shape[0]} has.`, saw: [`steps: ${n}`],
      fix: "make nSteps at most the length of the shortest sequence",
    });
  }
}

/** One step: rows and states -> next states, values to stack. */
function stepper(p: ScanParams, constants: readonly NdArray[], options: InterpretOptions): (rows: readonly NdArray[], state: readonly NdArray[]) => NdArray[] {
  const inner = bodyInputs(p.body.inputs, p);
  return (rows, state) => {
    const env = new Map<Variable, NdArray>();
    inner.rows.forEach((v, i) => env.set(v, rows[i] as NdArray));
    inner.carries.forEach((v, i) => env.set(v, state[i] as NdArray));
    inner.constants.forEach((v, i) => env.set(v, constants[i] as NdArray));
    return interpret(p.body.outputs, env, options);
  };
}

/** How many steps a loop runs whose only stacked value is the condition on which it stops. */
export function countSteps(inputs: readonly NdArray[], p: ScanParams): number {
  const { steps, sequences, carries, constants } = scanInputs(inputs, p);
  const n = steps.data[0] as number;
  checkLengths(n, sequences, p);
  const step = stepper(p, constants, {});
  let state = carries;
  for (let t = 0; t < n; t++) {
    const after = scanOutputs(step(sequences.map((s) => rowOf(s, t)), state), p);
    if (after.stacked[0]?.data[0] !== 0) return t + 1;
    state = after.carries;
  }
  return n;
}

/** Final carries and stacked outputs. With zero steps the body is run once on zeros, for the shapes of its rows. */
export function interpretScan(inputs: readonly NdArray[], p: ScanParams, types: readonly TensorType[]): NdArray[] {
  const { steps, sequences, carries, constants } = scanInputs(inputs, p);
  const n = steps.data[0] as number;
  checkLengths(n, sequences, p);
  const exactDTypes = types.every((t, i) => t.dtype === (p.body.outputs[i] as Variable).dtype);
  const step = stepper(p, constants, { exactDTypes });
  let state = [...carries];
  const kept: NdArray[][] = p.keep.map(() => []);
  for (let t = 0; t < n; t++) {
    const after = scanOutputs(step(sequences.map((s) => rowOf(s, t)), state), p);
    after.carries.forEach((c, i) => checkCarry(c, state[i] as NdArray, i, p));
    state = [...after.carries];
    after.stacked.forEach((y, k) => {
      if (p.keep[k] === "last") kept[k]?.splice(0);
      kept[k]?.push(y);
    });
  }
  const blank = n > 0 ? null : scanOutputs(stepper(p, constants, { exactDTypes, observer: null })(sequences.map((s) => NdArray.zeros(s.shape.slice(1), s.dtype)), state), p).stacked;
  return [...state, ...kept.map((rows, k) => keptValue(rows, p.keep[k] === "all", (blank?.[k] ?? rows[0]) as NdArray))];
}

function keptValue(rows: readonly NdArray[], all: boolean, like: NdArray): NdArray {
  return all ? stack(rows, like) : (rows[0] ?? NdArray.zeros(like.shape, like.dtype));
}

function checkCarry(next: NdArray, now: NdArray, i: number, p: ScanParams): void {
  if (next.shape.some((d, axis) => d !== now.shape[axis])) {
    fail("value", "scan-carry-shape", { what: `${p.name}'s state ${i} starts with shape (${now.shape.join(", ")}) and becomes (${next.shape.join(", ")}) after a step.`, fix: "return states of the shape of their initial values" });
  }
}
