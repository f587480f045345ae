/**
 * Arguments of a call: by position, by name, with defaults; converted to their variable's dtype or refused. Must not know graphs or devices.
 */
import { valueFor } from "../graph/argument.js";
import type { Variable } from "../graph/variable.js";
import type { ArrayLike, NdArray } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { isRecord } from "../util/record.js";

export interface InOptions {
  /** Used when a call does not give the input. */
  readonly value?: ArrayLike;
  /** Name for calls by name; default the variable's. */
  readonly name?: string;
  /** Accept values that lose precision or wrap. */
  readonly allowDowncast?: boolean;
  /** Accepted for ports: values are copied, and types checked. */
  readonly borrow?: boolean;
  readonly mutable?: boolean;
  readonly strict?: boolean;
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
    return valueFor(input.variable, value, `input ${i} (${input.variable})`, { downcast: allowInputDowncast || input.options.allowDowncast === true });
  });
  return new CallArguments(values, borrowed);
}

const signature = (ins: readonly In[]): string => `(${ins.map((i) => `${i.name ?? i.variable}${i.options.value === undefined ? "" : " = default"}`).join(", ")})`;
