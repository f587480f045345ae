/**
 * Test values: with `config.computeTestValue` on, every apply is computed on the values of its inputs as it is made, so that what does not fit
 * fails at the user's line (theano/gof/op.py, PureOp.__call__). Must not know functions; they are compiled with test values off.
 */
import type { ArrayLike, NdArray } from "../numpy/ndarray.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { toposort } from "../util/order.js";
import { valueFor } from "./argument.js";
import { perform } from "./perform.js";
import type { Apply, Variable } from "./variable.js";

/** Notes on a variable. */
export class Tag {
  readonly #variable: Variable;
  #testValue: NdArray | undefined;

  constructor(variable: Variable) {
    this.#variable = variable;
  }

  /** A value to try the graph on; results of ops have theirs from their inputs'. Constants and shared variables need none. */
  get testValue(): NdArray | undefined {
    return this.#testValue;
  }

  /** Anything that a call would accept as this variable's value; else the errors of a call: `call-ndim`, `call-dtype`, `call-broadcast`. */
  set testValue(value: ArrayLike | undefined) {
    this.#testValue = value === undefined ? undefined : valueFor(this.#variable, value, `the test value of ${this.#variable}`);
  }
}

const knownValue = (v: Variable): NdArray | null => v.ownValue ?? v.tag.testValue ?? null;

/** The value of `v` on test values, or the leaf that has none. What was made while test values were off is computed now. */
function valueOrLacking(v: Variable): NdArray | Variable {
  const makers = (of: Variable): Apply[] => (of.owner === null || knownValue(of) !== null ? [] : [of.owner]);
  for (const node of toposort(makers(v), (a) => a.inputs.flatMap(makers))) {
    const lacking = compute(node);
    if (lacking !== null) return lacking;
  }
  return knownValue(v) ?? v;
}

/** The value of `v` on test values; undefined where something that it needs has none. */
export function testValueOf(v: Variable): NdArray | undefined {
  const found = valueOrLacking(v);
  return "owner" in found ? undefined : found;
}

/** Gives the outputs of a node their values; gives an input that has none. */
function compute(node: Apply): Variable | null {
  const values = node.inputs.map(knownValue);
  const lacking = values.indexOf(null);
  if (lacking >= 0) return node.inputs[lacking] as Variable;
  perform(node, values as NdArray[]).forEach((value, i) => {
    const output = node.outputs[i] as Variable;
    output.tag.testValue = value.dtype === output.dtype ? value : value.astype(output.dtype);
  });
  return null;
}

/**
 * Computes a node that was just made. Throws what the op throws for such values, and with `raise` ValueError `test-value-missing` for an input of
 * functions, or a shared variable whose value is on a device, that has none.
 */
export function computeTestValues(node: Apply): void {
  const lacking = node.inputs.map(valueOrLacking).find((v): v is Variable => "owner" in v);
  if (lacking === undefined) {
    compute(node);
    return;
  }
  if (config.computeTestValue === "ignore" || !lacking.isGiven) return;
  const what = `Cannot compute the test value of '${node.op}': ${lacking} has none.`;
  const where = String(lacking.origin);
  if (config.computeTestValue === "raise") {
    fail("value", "test-value-missing", { what, where, fix: "give it one: x.tag.testValue = …; a shared variable that a function has updated: await getValue() first; or set config.computeTestValue to 'ignore'" });
  }
  console.warn(`${what} (made at ${where})`);
}

/** Runs what builds graphs that are not the user's. */
export function withTestValues<T>(setting: typeof config.computeTestValue, run: () => T): T {
  const before = config.computeTestValue;
  config.computeTestValue = setting;
  try {
    return run();
  } finally {
    config.computeTestValue = before;
  }
}
