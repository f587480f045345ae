/**
 * The graph interpreter: evaluates a graph of Variables op by op through each op's float64 `reference`. It is the first of damo's two
 * truths (the other runs kernels), and what constant folding, rule tests and verifyGrad use. Must not know kernels or devices.
 */
import { perform, placed } from "../graph/perform.js";
import type { TensorType } from "../graph/types.js";
import { type Apply, Constant, SharedVariable, type Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import { fail, impossible } from "../util/fail.js";

/**
 * Stands around every apply that is computed, those of loops' bodies included: calls `run` and gives its outputs, and may look at all of it. What
 * watches functions run (MonitorMode, NanGuardMode, profiles) is one of these.
 */
export type Observer = (node: Apply, inputs: readonly NdArray[], run: () => readonly NdArray[]) => readonly NdArray[];

/** Who watches now: bodies are interpreted by references of ops, which know nothing of it. Always restored by `interpret`. */
let watching: Observer | null = null;

export interface InterpretOptions {
  /** Checks shapes as a call would, and has somebody watch; null: nobody. Without it, whoever watches the op whose reference asks. */
  readonly observer?: Observer | null;
  /** Round each variable to its dtype (default). False: float32 variables keep float64 values, for finite differences and error estimates. */
  readonly exactDTypes?: boolean;
}

/** Values of variables: inputs, and any others that are to be taken as known (they then stop the evaluation there). */
export type Environment = ReadonlyMap<Variable, NdArray>;

/**
 * The values of `outputs` where `env` gives the inputs; constants and shared variables (their host value) give themselves unless `env` does.
 * Errors: `interpret-missing` for an input without a value, `interpret-rank` for a value of another rank than its variable.
 */
export function interpret(outputs: readonly Variable[], env: Environment = new Map(), options: InterpretOptions = {}): NdArray[] {
  const outer = watching;
  watching = options.observer === undefined ? outer : options.observer;
  try {
    return walk(outputs, env, options.exactDTypes ?? true);
  } finally {
    watching = outer;
  }
}

function walk(outputs: readonly Variable[], env: Environment, exact: boolean): NdArray[] {
  const known = new Map<Variable, NdArray>();
  for (const [v, value] of env) known.set(v, given(v, value, exact));
  const isDone = (a: Apply): boolean => a.outputs.every((o) => known.has(o));
  const pending = outputs.flatMap((v) => v.owner ?? []).reverse();
  for (let node = pending.at(-1); node !== undefined; node = pending.at(-1)) {
    const missing = isDone(node) ? [] : wanted(node, known).filter((v) => v.owner !== null && !known.has(v));
    if (missing.length > 0) {
      pending.push(...missing.flatMap((v) => v.owner ?? []).reverse());
      continue;
    }
    pending.pop();
    if (!isDone(node)) evaluate(node, known, exact);
  }
  return outputs.map((v) => known.get(v) ?? leafValue(v));
}

/** Inputs that have to be known: all, or of an op with branches its condition, and once that is known the branch that is taken too. */
function wanted(node: Apply, known: Environment): readonly Variable[] {
  const { branches } = node.op.fields;
  if (branches === undefined) return node.inputs;
  const condition = node.inputs[0] as Variable;
  if (condition.owner !== null && !known.has(condition)) return [condition];
  return [condition, ...branches(known.get(condition) ?? leafValue(condition), node.params).map((i) => node.inputs[i] as Variable)];
}

/** Adds the values of a node's outputs; inputs that a branch does not read have none. */
function evaluate(node: Apply, known: Map<Variable, NdArray>, exact: boolean): void {
  const read = new Set(wanted(node, known));
  const inputs = node.inputs.map((v) => (read.has(v) ? (known.get(v) ?? leafValue(v)) : undefined));
  const types = node.outputs.map((o) => (exact ? o.type : widened(o.type)));
  const args = inputs as NdArray[];
  const finish = (values: readonly NdArray[]): NdArray[] => values.map((value, i) => checked(node.outputs[i] as Variable, value, exact));
  const values = watching === null
    ? finish(placed(node, () => args, () => node.op.fields.reference(args, node.params, types)))
    : watching(node, args, () => finish(perform(node, args, types)));
  node.outputs.forEach((o, i) => {
    if (!known.has(o)) known.set(o, values[i] ?? impossible(`the reference of ${node.op} gave no value for output ${i}`));
  });
}

const widened = (type: TensorType): TensorType => (type.dtype === "float32" ? type.withDType("float64") : type);

function given(v: Variable, value: NdArray, exact: boolean): NdArray {
  if (value.ndim !== v.ndim) {
    fail("type", "interpret-rank", { what: `A value of shape (${value.shape.join(", ")}) was given for ${v}.`, where: String(v.origin), fix: `give a value of ${v.ndim} axes` });
  }
  return value.dtype === v.dtype || !exact ? value : value.astype(v.dtype);
}

function leafValue(v: Variable): NdArray {
  if (v instanceof Constant) return v.value;
  if (v instanceof SharedVariable) {
    return v.cell.host ?? fail("value", "interpret-remote", { what: `The value of ${v} is on a device.`, where: String(v.origin), fix: "await getValue() first" });
  }
  return fail("missing", "interpret-missing", { what: `${v} has no value.`, where: String(v.origin), fix: "give a value for every input of the graph" });
}

function checked(v: Variable, value: NdArray, exact: boolean): NdArray {
  if (value.ndim !== v.ndim || v.broadcastable.some((b, a) => b && value.shape[a] !== 1)) return impossible(`the reference of ${v.owner?.op} gave ${value} for ${v}`);
  return exact && value.dtype !== v.dtype ? value.astype(v.dtype) : value;
}
