/**
 * Arguments of a call: by position, by name, with defaults; converted to their variable's dtype or refused. Must not know graphs or devices.
 */
import { castScalar, isFloat, upcasts } from "../codegen/ir/dtype.js";
import type { Variable } from "../graph/variable.js";
import { asarray } from "../numpy/convert.js";
import { type ArrayLike, NdArray } from "../numpy/ndarray.js";
import { shown } from "../numpy/show.js";
import { fail } from "../util/fail.js";
import { isRecord } from "../util/record.js";

export interface InOptions {
  /** Used when a call does not give the input. */
  readonly value?: ArrayLike;
  /** Name for calls by name; default the variable's. */
  readonly name?: string;
  /** Accept values that lose precision or wrap. */
  readonly allowDowncast?: boolean;
}

/** An input with options: `new In(lr, { value: 0.1 })`, or `In(lr, { value: 0.1 })` from the front door. */
export class In {
  readonly variable: Variable;
  readonly options: InOptions;

  constructor(variable: Variable, options: InOptions = {}) {
    this.variable = variable;
    this.options = options;
  }

  get name(): string | null {
    return this.options.name ?? this.variable.name;
  }
}

/** One argument, or (last) a record of arguments by name. */
export type Argument = ArrayLike | Readonly<Record<string, ArrayLike>>;

/** The values of a call's inputs, in order. Arrays that needed no conversion are still the caller's, who may change them once the call has returned. */
export class CallArguments {
  readonly #values: NdArray[];
  #borrowed: boolean;

  constructor(values: NdArray[], borrowed: boolean) {
    this.#values = values;
    this.#borrowed = borrowed;
  }

  get values(): readonly NdArray[] {
    return this.#values;
  }

  at(input: number): NdArray {
    return this.#values[input] as NdArray;
  }

  /** To be called before a wait: from here on the values are copies of their own. */
  keep(): void {
    if (!this.#borrowed) return;
    this.#borrowed = false;
    this.#values.forEach((v, i) => {
      this.#values[i] = v.copy();
    });
  }
}

/** The value of each input in a call. */
export function bindArguments(ins: readonly In[], args: readonly Argument[], allowInputDowncast: boolean): CallArguments {
  const last = args.at(-1);
  const named = isRecord<ArrayLike>(last) ? last : {};
  const positional = (isRecord(last) ? args.slice(0, -1) : args) as readonly ArrayLike[];
  if (positional.length > ins.length) fail("type", "call-too-many", { what: `The function takes ${ins.length} inputs and was called with ${positional.length}.`, fix: `pass ${signature(ins)}` });
  for (const name of Object.keys(named)) {
    const at = ins.findIndex((i) => i.name === name);
    if (at < 0) fail("type", "call-unknown-name", { what: `The function has no input named '${name}'.`, fix: `its inputs are ${signature(ins)}` });
    if (at < positional.length) fail("type", "call-twice", { what: `The input '${name}' is given by position and by name.`, fix: "give it once" });
  }
  let borrowed = false;
  const values = ins.map((input, i) => {
    const value = i < positional.length ? positional[i] : input.name !== null && Object.hasOwn(named, input.name) ? named[input.name] : input.options.value;
    if (value === undefined) fail("type", "call-missing", { what: `The call gives no value for input ${i} (${input.variable}).`, fix: `pass ${signature(ins)}` });
    borrowed ||= typeof value === "object";
    return convertArgument(value, input, i, allowInputDowncast || input.options.allowDowncast === true);
  });
  return new CallArguments(values, borrowed);
}

const signature = (ins: readonly In[]): string => `(${ins.map((i) => `${i.name ?? i.variable}${i.options.value === undefined ? "" : " = default"}`).join(", ")})`;

/**
 * The value of an input; the caller's own array where nothing has to be converted.
 * Theano's rules (tensor/type.py filter): arrays must up-cast without loss, numbers must convert exactly, a JS number may become any float.
 */
function convertArgument(value: ArrayLike, input: In, position: number, downcast: boolean): NdArray {
  const { variable } = input;
  const { dtype } = variable;
  if (typeof value === "number" && variable.ndim === 0 && (isFloat(dtype) || castScalar(value, dtype) === value)) return NdArray.scalar(value, dtype);
  const isArray = value instanceof NdArray || ArrayBuffer.isView(value);
  const given = asarray(value);
  if (given.ndim !== variable.ndim) {
    fail("type", "call-ndim", { what: `Wrong number of dimensions: expected ${variable.ndim}, got ${given.ndim} with shape (${given.shape.join(", ")}) for input ${position} (${variable}).`, where: String(variable.origin), fix: "pass an array of that rank" });
  }
  const bad = variable.broadcastable.findIndex((b, a) => b && given.shape[a] !== 1);
  if (bad >= 0) fail("type", "call-broadcast", { what: `Axis ${bad} of input ${position} (${variable}) must have length 1, got shape (${given.shape.join(", ")}).`, where: String(variable.origin), fix: "pass length 1 there, or declare the input without broadcasting" });
  if (given.dtype === dtype) return given;
  const fits = upcasts(given.dtype, dtype) || (!isArray && isFloat(given.dtype) && isFloat(dtype)) || (!isArray && given.data.every((x) => castScalar(x, dtype) === x));
  if (!fits && !downcast) {
    fail("type", "call-dtype", {
      what: `Input ${position} (${variable}) cannot take ${given.dtype} values without losing information.`, where: String(variable.origin), saw: [`given: ${shown(given)}`],
      fix: `convert it (np.asarray(v, { dtype: "${dtype}" })), or pass allowInputDowncast: true to compile()`,
    });
  }
  return given.astype(dtype);
}
