/**
 * Value: a variable whose shape is bound, as a function from index to element. Until a scope gives it a slot, its element is an
 * expression over its inputs' elements, so whatever is not stored is fused. Must not decide what is stored (scope.ts does).
 */
import type { DType } from "../codegen/ir/dtype.js";
import { axes, cast, children, constant, type Expr, isLong, load, postorder, prim } from "../codegen/ir/expr.js";
import { iadd, imul, int, keyOf } from "../codegen/ir/index.js";
import { REDUCE_IDENTITY, type ReduceOp } from "../codegen/ir/kernel.js";
import type { Lazy, LowerContext, Lowering, Params } from "../graph/op.js";
import type { Variable } from "../graph/variable.js";
import { type NdArray, type Shape, sizeOf, stridesOf } from "../numpy/ndarray.js";
import { impossible } from "../util/fail.js";
import type { PlanBuilder } from "./builder.js";

/** Values that are small and known on the host are unrolled up to this many elements. */
const HOST_LIMIT = 64;

/** Host expressions are keyed by their text: longer ones are left to the device. So are those reached through more values than this. */
const HOST_LENGTH = 300;
const HOST_DEPTH = 200;

/** What a value that is still to be stored looks like to what is decided before: which index is a range, how many terms a reduction has. */
export const UNSTORED = -1;

/** Thrown by `host` where an element depends on device data. */
export class NotOnHost extends Error {}

/** Where a value's elements come from while it has no slot. */
export type Source =
  | { readonly kind: "input" }
  | { readonly kind: "constant"; readonly array: NdArray }
  | { readonly kind: "scalar"; readonly expr: Expr }
  /** Elements of another value at a fixed leading index: a row of a sequence inside a loop. */
  | { readonly kind: "row"; readonly of: Value; readonly at: Expr }
  | { readonly kind: "op"; readonly lower: Lowering<Params>; readonly params: Params; readonly inputs: readonly Value[]; readonly output: number; readonly outputs: LowerContext<Params>["outputs"] };

export interface ReductionForm { readonly op: ReduceOp; readonly extents: readonly number[]; readonly dtype: DType; term(index: readonly Expr[], red: readonly Expr[]): Expr }

/** Epoch of all inlined expressions of a specialisation; giving a value a slot after others inlined it starts a new one. */
export interface Epoch {
  now: number;
  /** How many values are being asked for their host expressions, each by the next. */
  depth: number;
}

export class Value implements Lazy {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly variable: Variable;
  readonly source: Source;
  /** The buffer that holds it, once it has one. */
  slot: number | null = null;
  /** For a stacked output inside its loop: the row of the slot that holds it. */
  row: Expr | null = null;
  /** While the kernel that holds this reduction is closed: its accumulator, at the domain's own index. */
  accumulator: Expr | null = null;
  readonly #builder: PlanBuilder;
  readonly #epoch: Epoch;
  readonly #memo = new Map<string, Expr>();
  readonly #host = new Map<string, Expr | null>();
  #memoEpoch = 0;
  #form: ReductionForm | null = null;
  #inline: ((index: readonly Expr[]) => Expr) | null = null;

  constructor(builder: PlanBuilder, epoch: Epoch, variable: Variable, shape: Shape, source: Source) {
    this.#builder = builder;
    this.#epoch = epoch;
    this.variable = variable;
    this.shape = shape;
    this.dtype = variable.dtype;
    this.source = source;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get label(): string {
    return this.variable.name ?? this.variable.owner?.op.name ?? "input";
  }

  get isReduction(): boolean {
    return this.source.kind === "op" && this.source.lower.kind === "reduce";
  }

  /** Whether it can be inlined into its consumers at all. */
  get isInlinable(): boolean {
    if (this.source.kind === "op") return this.source.lower.kind === "elementwise" || this.source.lower.kind === "index";
    return this.source.kind !== "input";
  }

  /** The slot, made on first use for inputs and constants. */
  get storedSlot(): number | null {
    if (this.slot === null && this.source.kind === "input") this.slot = this.#builder.newSlot(this.dtype, this.shape, this.label);
    return this.slot;
  }

  at(index: readonly Expr[]): Expr {
    if (this.accumulator !== null) return this.accumulator;
    if (this.source.kind === "scalar") return this.source.expr;
    const direct = this.storedSlot !== null ? null : this.#constantAt(index);
    if (direct) return direct;
    if (this.#memoEpoch !== this.#epoch.now) this.#memo.clear();
    this.#memoEpoch = this.#epoch.now;
    const key = index.map(keyOf).join(",");
    const known = this.#memo.get(key);
    if (known) return known;
    const made = this.slot !== null ? this.#load(this.slot, index) : this.#inlineAt(index);
    this.#memo.set(key, made);
    return made;
  }

  #load(slot: number, index: readonly Expr[]): Expr {
    if (this.row !== null) return load(this.#builder.ref(slot, this.row), this.dtype, index);
    const { stacked, shape } = this.#builder.slots[slot] ?? impossible(`no slot ${slot}`);
    const leading = stacked ? index[0] : undefined;
    // An empty slice may begin where the rows end: nothing is read there, and there is no such row.
    const exists = leading?.kind !== "const" || leading.value < (shape[0] as number);
    const row = leading !== undefined && exists && isUniform(leading) ? leading : null;
    return load(this.#builder.ref(slot, row), this.dtype, row ? index.slice(1) : index);
  }

  /** Elements of constants fold where the index is constant or all elements are equal; other constants get a slot. */
  #constantAt(index: readonly Expr[]): Expr | null {
    if (this.source.kind !== "constant") return null;
    const { array } = this.source;
    if (index.every((i) => i.kind === "const")) {
      const strides = stridesOf(array.shape);
      const flat = index.reduce((n, i, a) => n + (i.kind === "const" ? i.value : 0) * (strides[a] as number), 0);
      return constant(array.data[flat] as number, this.dtype);
    }
    const first = array.data[0];
    if (first !== undefined && array.data.every((x) => Object.is(x, first))) return constant(first, this.dtype);
    this.slot = this.#builder.newConstant(this.dtype, this.shape, array.data, this.label);
    return null;
  }

  #inlineAt(index: readonly Expr[]): Expr {
    const { source } = this;
    if (source.kind === "row") return source.of.at([source.at, ...index]);
    if (source.kind !== "op") return impossible(`${this.label} has neither slot nor source`);
    if (!this.isInlinable) return load(UNSTORED, this.dtype, index);
    this.#inline ??= this.#inlineOver(source.inputs);
    return cast(this.#inline(index), this.dtype);
  }

  /** The op's element function over given inputs. */
  #inlineOver(inputs: readonly Lazy[]): (index: readonly Expr[]) => Expr {
    const { source } = this;
    if (source.kind !== "op") return impossible("only ops have element functions");
    const { lower, params, output } = source;
    if (lower.kind === "elementwise") {
      return (index) => lower.expr(inputs.map((x) => x.at(index.map((i, a) => (x.shape[a] === 1 ? int(0) : i)))), params, this.dtype);
    }
    if (lower.kind === "index") return lower.at(this.#context(inputs))[output] as (index: readonly Expr[]) => Expr;
    return impossible(`${this.label} cannot be inlined`);
  }

  /** Its element over opaque inputs: what this op alone does. */
  own(): Expr {
    const { source } = this;
    const inputs = source.kind === "op" ? source.inputs.map((x, i): Lazy => ({ shape: x.shape, dtype: x.dtype, at: (index) => load(-1 - i, x.dtype, index) })) : [];
    return this.#inlineOver(inputs)(axes(this.shape));
  }

  #context(inputs: readonly Lazy[]): LowerContext<Params> {
    const { source } = this;
    if (source.kind !== "op") return impossible("only ops have a lowering context");
    return { params: source.params, inputs, outputs: source.outputs, peek: (i) => (source.inputs[i] as Value).ints(), ints: (i) => (source.inputs[i] as Value).ints() ?? impossible(`input ${i} of ${this.label} is not known on the host`) };
  }

  /** The reduction that makes it. */
  reduction(inputs?: readonly Lazy[]): ReductionForm {
    const { source } = this;
    if (source.kind !== "op" || source.lower.kind !== "reduce") return impossible(`${this.label} is not a reduction`);
    if (inputs) return source.lower.reduce(this.#context(inputs));
    this.#form ??= source.lower.reduce(this.#context(source.inputs));
    return this.#form;
  }

  /** The routine that makes it, for ops done by one. */
  routineContext(): LowerContext<Params> {
    return this.#context(this.source.kind === "op" ? this.source.inputs : []);
  }

  /** The element as an expression over plan scalars only; throws NotOnHost where it depends on device data. */
  host(index: readonly Expr[]): Expr {
    const key = index.map(keyOf).join(",");
    const known = this.#host.get(key);
    if (known === null) throw new NotOnHost();
    if (known !== undefined) return known;
    this.#host.set(key, null);
    if (this.#epoch.depth >= HOST_DEPTH) throw new NotOnHost();
    this.#epoch.depth++;
    let raw: Expr;
    try {
      raw = this.#hostAt(index);
    } finally {
      this.#epoch.depth--;
    }
    if (isLong(raw, HOST_LENGTH)) throw new NotOnHost();
    const made = this.dtype === "int32" ? iadd(raw, int(0)) : raw;
    this.#host.set(key, made);
    return made;
  }

  #hostAt(index: readonly Expr[]): Expr {
    const { source } = this;
    if (source.kind === "scalar") return source.expr;
    if (source.kind === "constant" && index.every((i) => i.kind === "const")) return this.#constantAt(index) ?? impossible("a constant element");
    if (source.kind === "constant" && index.length === 1) return progression(source.array, index[0] as Expr) ?? notOnHost();
    if (source.kind === "row") return source.of.host([source.at, ...index]);
    if (source.kind !== "op" || !["elementwise", "index", "reduce"].includes(source.lower.kind)) throw new NotOnHost();
    const inputs = source.inputs.map((x): Lazy => ({ shape: x.shape, dtype: x.dtype, at: (i) => x.host(i) }));
    return source.lower.kind === "reduce" ? this.#unrolled(this.reduction(inputs), index) : cast(this.#inlineOver(inputs)(index), this.dtype);
  }

  #unrolled(form: ReductionForm, index: readonly Expr[]): Expr {
    const n = sizeOf(form.extents);
    if (n > HOST_LIMIT) throw new NotOnHost();
    const strides = stridesOf(form.extents);
    const at = (k: number): Expr[] => form.extents.map((d, a) => int(Math.floor(k / (strides[a] as number)) % d));
    const step = { sum: "add", prod: "mul", max: "max", min: "min" } as const;
    let total: Expr = constant(REDUCE_IDENTITY[form.op], form.dtype);
    for (let k = 0; k < n; k++) {
      const term = cast(form.term(index, at(k)), form.dtype);
      total = k === 0 ? term : prim(step[form.op], total, term);
    }
    return cast(total, this.dtype);
  }

  /** All elements, row-major, over plan scalars; null where some depend on device data or there are too many. */
  ints(): readonly Expr[] | null {
    if (this.size > HOST_LIMIT) return null;
    const strides = stridesOf(this.shape);
    try {
      return Array.from({ length: this.size }, (_, n) => this.host(this.shape.map((d, a) => int(Math.floor(n / (strides[a] as number)) % Math.max(d, 1)))));
    } catch (e) {
      if (e instanceof NotOnHost) return null;
      throw e;
    }
  }
}

function notOnHost(): never {
  throw new NotOnHost();
}

/** An element of whole numbers at equal distances (a folded arange), at a position that is not known yet. */
function progression({ data, dtype }: NdArray, at: Expr): Expr | null {
  const [first, second] = data;
  if (dtype !== "int32" || first === undefined || second === undefined || !data.every((x, i) => x === first + i * (second - first))) return null;
  return iadd(imul(at, int(second - first)), int(first));
}

/** Made of constants and plan scalars only. */
export const isUniform = (e: Expr): boolean => postorder([e]).every((x) => x.kind === "const" || x.kind === "scalar" || ((x.kind === "prim" || x.kind === "cast") && children(x).length > 0));
