/**
 * The user's graph: Variables made by Applies of Ops. Immutable; compile clones it once into a FunctionGraph of flat tables.
 * Methods such as `x.add(y)` are installed by the op records (ops/). Must not know any op, device or function.
 */
import { type DType, castScalar, formatType } from "../codegen/ir/dtype.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { config } from "../util/config.js";
import { impossible } from "../util/fail.js";
import type { Op, Params } from "./op.js";
import { here, Origin } from "./origin.js";
import { computeTestValues, Tag } from "./test_value.js";
import { TensorType } from "./types.js";

/** One application of an op: what made its outputs. */
export class Apply {
  readonly op: Op;
  readonly params: Params;
  readonly inputs: readonly Variable[];
  readonly outputs: readonly Variable[];

  constructor(op: Op, params: Params, inputs: readonly Variable[], outputs: (owner: Apply) => readonly Variable[]) {
    this.op = op;
    this.params = params;
    this.inputs = inputs;
    this.outputs = outputs(this);
  }

  /** `mul(TensorConstant{5.0}, x)`, as Theano prints an apply. */
  toString(): string {
    const operand = (v: Variable): string => v.name ?? (v.owner === null ? String(v) : `${v.owner.op.name}.${v.index}`);
    return `${this.op.name}(${this.inputs.map(operand).join(", ")})`;
  }
}

/** A symbolic tensor. */
export class Variable {
  readonly type: TensorType;
  /** Which output of its owner it is. */
  readonly index: number;
  name: string | null;
  readonly origin: Origin;
  readonly #owner: Apply | null;
  #tag: Tag | null = null;

  constructor(type: TensorType, options: { owner?: Apply | null; index?: number; name?: string | null | undefined; origin?: Origin } = {}) {
    this.type = type;
    this.#owner = options.owner ?? null;
    this.index = options.index ?? 0;
    this.name = options.name ?? null;
    this.origin = options.origin ?? here();
  }

  /** What made it; null for inputs, constants and shared variables. */
  get owner(): Apply | null {
    return this.#owner;
  }

  /** Notes on it: `x.tag.testValue = [1, 2]`. */
  get tag(): Tag {
    this.#tag ??= new Tag(this);
    return this.#tag;
  }

  /** The value that it has of itself, where it has one here. */
  get ownValue(): NdArray | null {
    return null;
  }

  /** Whether a user gives it a value. Variables that stand for something in a loop's body get theirs from there, and may lack one on test values. */
  get isGiven(): boolean {
    return false;
  }

  get dtype(): DType {
    return this.type.dtype;
  }

  get ndim(): number {
    return this.type.ndim;
  }

  get broadcastable(): readonly boolean[] {
    return this.type.broadcastable;
  }

  /** `W: float32[?,?]`, the form used in every message. */
  toString(): string {
    return `${this.name ?? this.owner?.op.name ?? "<anonymous>"}: ${this.type}`;
  }

  /** What `console.log` prints in Node: as in messages, or the test value where `config.printTestValue` asks for it (theano's print_test_value). */
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return (config.printTestValue ? this.tag.testValue : undefined) ?? this.toString();
  }

  /** Variables are compared by identity; `<` and `+` would silently work on text or NaN. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    throw new TypeError(`Variables do not support boolean or arithmetic operators (${this}). What to do: write a.lt(b), a.add(b), …`);
  }
}

/** What a function's caller gives: made by `T.matrix("x")` and the like. */
export class InputVariable extends Variable {
  override get isGiven(): boolean {
    return true;
  }
}

/** A value fixed when the graph is built. */
export class Constant extends Variable {
  readonly value: NdArray;

  constructor(value: NdArray, options: { name?: string | null; origin?: Origin; broadcastable?: readonly boolean[] } = {}) {
    super(new TensorType(value.dtype, options.broadcastable ?? value.shape.map((d) => d === 1)), options);
    this.value = value;
  }

  override get ownValue(): NdArray {
    return this.value;
  }

  override toString(): string {
    return this.value.size === 1 ? `TensorConstant{${formatNumber(this.value.data[0] as number, this.dtype)}}` : `TensorConstant{${formatType(this.dtype, this.value.shape)}}`;
  }
}

/** Python prints 2.0 for floats and 2 for integers. */
export const formatNumber = (x: number, dtype: DType): string => (dtype === "bool" ? (x ? "True" : "False") : dtype !== "int32" && Number.isInteger(x) ? x.toFixed(1) : String(x));

/** A value that lives on some device; storage.ts in compile implements it. */
export interface RemoteValue {
  readonly shape: Shape;
  readonly dtype: DType;
  download(): Promise<NdArray>;
  release(): void;
}

/** Where a shared variable's value is: on the host, on a device, or both (then equal). */
export interface Cell {
  host: NdArray | null;
  remote: RemoteValue | null;
  /** How often the value was set by hand: a call that was made before does not overwrite it. */
  sets: number;
}

/** The value on the host, read back if only a device has it. Not a copy. The cell keeps it unless it got another value meanwhile. */
export async function readBack(cell: Cell): Promise<NdArray> {
  if (cell.host !== null) return cell.host;
  const remote = cell.remote ?? impossible("a shared variable without a value");
  const value = await remote.download();
  if (cell.remote === remote) cell.host ??= value;
  return cell.host ?? value;
}

/** A variable with a value that functions read and update. Made by `shared()`. */
export class SharedVariable extends Variable {
  readonly cell: Cell;
  /** The value it takes after each call that uses it, unless updates say otherwise (Theano's default_update). */
  defaultUpdate: Variable | null = null;

  constructor(value: NdArray, options: { name?: string | null | undefined; broadcastable?: readonly boolean[] | undefined } = {}) {
    super(new TensorType(value.dtype, options.broadcastable ?? value.shape.map(() => false)), { name: options.name });
    this.cell = { host: value, remote: null, sets: 0 };
  }

  override get isGiven(): boolean {
    return true;
  }

  /** Null where only a device has it. */
  override get ownValue(): NdArray | null {
    return this.cell.host;
  }

  /** The current shape, wherever the value is. */
  get valueShape(): Shape {
    return (this.cell.host ?? this.cell.remote ?? impossible("a shared variable without a value")).shape;
  }

  /** A copy of the current value, read back from the device if need be. `borrow` is accepted for ports: it is a copy all the same. */
  async getValue(_options: { readonly borrow?: boolean | undefined } = {}): Promise<NdArray> {
    return (await readBack(this.cell)).copy();
  }
}

/** Applies an op: infers the output types and makes the outputs. Where `config.computeTestValue` is on, also computes them on test values. */
export function apply(op: Op, inputs: readonly Variable[], params: Params = {}, origin: Origin = here()): readonly Variable[] {
  const types = op.fields.infer(inputs.map((v) => v.type), params);
  const node = new Apply(op, params, inputs, (owner) => types.map((type, index) => new Variable(type, { owner, index, origin })));
  if (config.computeTestValue !== "off") computeTestValues(node);
  return node.outputs;
}

/** The only output of an op with one. */
export function apply1(op: Op, inputs: readonly Variable[], params: Params = {}, origin: Origin = here()): Variable {
  return apply(op, inputs, params, origin)[0] as Variable;
}

/** A 0-d constant. */
export const scalarConstant = (x: number | boolean, dtype: DType): Constant => new Constant(NdArray.scalar(castScalar(Number(x), dtype), dtype));
