/**
 * Op: the one record that says everything about an operation. Its parts are read by different rooms: `infer` when graphs are built,
 * `gradient` by autodiff, `rules` by rewrite, `shape` and `lower` by compile, `reference` by tests and constant folding.
 * ops/define.ts makes records; this file only says what one is. Must not know any particular op.
 */
import type { Expr } from "../codegen/ir/expr.js";
import type { ReduceOp } from "../codegen/ir/kernel.js";
import type { Routine } from "../codegen/ir/plan.js";
import type { DType } from "../codegen/ir/dtype.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import type { Family } from "../util/fail.js";
import type { Rule } from "./rule.js";
import type { TensorType } from "./types.js";
import type { Variable } from "./variable.js";

/** What is fixed when an op is applied (axes, slice structure, a scan body): plain data; keys are compared by `paramsKey`. */
export type Params = Readonly<Record<string, unknown>>;

/** A value of known shape given element by element; `at` is pure, and gives equal expressions the same object. */
export interface Lazy {
  readonly shape: Shape;
  readonly dtype: DType;
  /** The element at an index (one int expression per axis). */
  at(index: readonly Expr[]): Expr;
}

/** What an op may ask when shapes are bound. */
export interface ShapeContext<P> {
  readonly params: P;
  /** Input shapes. */
  readonly shapes: readonly Shape[];
  readonly inputs: readonly TensorType[];
  /** The elements of integer input `i` (0-d: one) as expressions over plan scalars. Asks the caller to bind its value if they depend on device data. */
  ints(i: number): readonly Expr[];
  /** As `ints`, but null where the value is not known on the host: nothing is asked for. */
  peek(i: number): readonly Expr[] | null;
  /**
   * The number that 0-d input `i` has in this call, where it is computed from numbers that the host has (asks the caller to bind it); null where
   * only the device knows it, or it changes from step to step of a loop.
   */
  known(i: number): number | null;
  /** The number that an expression over plan scalars always has; asks the caller to bind the call's values if it varies. */
  fixed(e: Expr): number;
  /** Registers a condition `e >= 0` that each call is checked against; where it fails, the call's values are bound and shapes inferred anew. */
  guard(e: Expr): void;
  /** Reports bad shapes or values: an error with the node's types, shapes and the user's line. */
  fail(code: string, what: string, fix: string, family?: Family): never;
}

/** What an op may ask when it is lowered. */
export interface LowerContext<P> {
  readonly params: P;
  readonly inputs: readonly Lazy[];
  /** Concrete output shapes and dtypes. */
  readonly outputs: readonly { readonly shape: Shape; readonly dtype: DType }[];
  /** As in ShapeContext. */
  ints(i: number): readonly Expr[];
  peek(i: number): readonly Expr[] | null;
}

/** How an op becomes kernels. */
export type Lowering<P> =
  /** Output element = expression of the broadcast input elements. The only kind that fuses as an epilogue. */
  | { readonly kind: "elementwise"; expr(args: readonly Expr[], params: P, out: DType): Expr }
  /**
   * Output element = expression of input elements at other indices: views, joins, gathers, fills. One function per output. `native` is the same
   * as a routine of some of the inputs, for devices that have code of their own for it (Caps.routines); null where the expressions are better.
   */
  | {
      readonly kind: "index";
      at(ctx: LowerContext<P>): readonly ((index: readonly Expr[]) => Expr)[];
      native?(ctx: LowerContext<P>): { readonly routine: Routine; readonly reads: readonly number[] } | null;
    }
  /** Output element = reduction of a term; `red` are the reduction's axes. `dtype` is the accumulator's. */
  | {
      readonly kind: "reduce";
      reduce(ctx: LowerContext<P>): { readonly op: ReduceOp; readonly extents: readonly number[]; readonly dtype: DType; term(index: readonly Expr[], red: readonly Expr[]): Expr };
    }
  /** A composition of other ops; expanded in the graph after rewriting. */
  | { readonly kind: "graph"; expand(inputs: readonly Variable[], params: P): readonly Variable[] }
  /** Host work (or native, by a backend that knows the routine). */
  | { readonly kind: "routine"; routine(ctx: LowerContext<P>): Routine }
  /** scan: lowered by compile itself, from its params. */
  | { readonly kind: "loop" };

/** Gradient of one input: a variable, or the reason there is none. */
export type InputGradient = Variable | "disconnected" | "undefined";

export interface GradientContext<P> {
  readonly inputs: readonly Variable[];
  readonly outputs: readonly Variable[];
  readonly params: P;
  /** d cost / d output; null for an output that the cost does not depend on. */
  readonly cotangents: readonly (Variable | null)[];
}

/** Inputs on which tests, docs and generated checks run an op. */
export interface Sample<P> {
  /** dtype and shape of each input, with an interval to draw from (defaults to [-2, 2]); `exact` lists literal values instead. */
  readonly inputs: readonly { readonly dtype: DType; readonly shape: Shape; readonly low?: number; readonly high?: number; readonly exact?: readonly number[]; readonly broadcastable?: readonly boolean[] }[];
  readonly params: P;
}

export interface OpFields<P> {
  /** Unique; also the name in dumps: `exp`, `dot`. */
  readonly name: string;
  /** What it computes, with shapes, dtypes, errors and the formula's source. */
  readonly doc: string;
  /** Types of the outputs. Throws for inputs that do not fit. */
  infer(inputs: readonly TensorType[], params: P): readonly TensorType[];
  shape(ctx: ShapeContext<P>): readonly Shape[];
  readonly lower: Lowering<P>;
  /** d cost / d inputs by the chain rule; absent where the op has none (an error when asked for). */
  gradient?(ctx: GradientContext<P>): readonly InputGradient[];
  /** The meaning in float64 on whole arrays, written without the kernel language. */
  reference(inputs: readonly NdArray[], params: P, outputs: readonly TensorType[]): readonly NdArray[];
  readonly samples: readonly Sample<P>[];
  /** Absolute and relative tolerance of a float32 device against `reference`; default 1e-5. */
  readonly tolerance?: number;
  /** Rewrites that start at this op. */
  readonly rules?: readonly Rule[];
  /** a op b = b op a, for patterns and merging. */
  readonly commutative?: boolean;
  /** op(a, b, c, …) = op(op(a, b), op(c, …)) in the result's dtype: where a kernel cannot read all inputs, others read groups of them. */
  readonly associative?: boolean;
  /** False for ops that must not be folded or merged away (none so far but debugging ops). Default true. */
  readonly pure?: boolean;
  /** For ops that only repeat, move or convert the elements of one input: which. Constants are seen through them. */
  readonly repeats?: number;
  /** For ops that read only some inputs, by the value of input 0: which others. Interpreting computes no more than these. */
  branches?(condition: NdArray, params: P): readonly number[];
  /** Its inputs are always read from memory, so that all who read them see the same rounded numbers (kernels may compute with more digits). */
  readonly readsStored?: boolean;
  /** How `pp` prints it: an infix sign or a prefix. Default `name(…)`. */
  readonly infix?: string;
  /** Name of the ONNX operator, where there is one. */
  readonly onnx?: string;
}

/** An op's record. A class, so that tables which hold ops treat them as opaque values. */
export class Op {
  readonly fields: OpFields<Params>;
  readonly name: string;

  constructor(fields: OpFields<Params>) {
    this.fields = fields;
    this.name = fields.name;
  }

  toString(): string {
    return this.name;
  }
}

/** Anything in params that has its own notion of equality (a scan body) says its key. */
export interface Keyed { readonly key: string }
const isKeyed = (v: unknown): v is Keyed => typeof v === "object" && v !== null && "key" in v && typeof v.key === "string";

/** Equal params have equal keys. */
export const paramsKey = (params: Params): string => JSON.stringify(params, (_, v: unknown) => (isKeyed(v) ? v.key : Object.is(v, -0) ? "-0" : typeof v === "number" && !Number.isFinite(v) ? String(v) : v));
