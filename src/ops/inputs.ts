/**
 * Variables that have no owner: function inputs of every rank and dtype (`T.matrix('x')`, `T.lscalars('i j')`, `T.TensorType(…)`) and constants.
 * floatX is read when they are called. Must not know what is computed from them. Next room: compile, which asks for their values.
 */
import { type DType, toDType } from "../codegen/ir/dtype.js";
import { TensorType as Type } from "../graph/types.js";
import { Constant, InputVariable, Variable } from "../graph/variable.js";
import { asarray } from "../numpy/convert.js";
import type { ArrayLike } from "../numpy/ndarray.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { asTensor } from "./define.js";

export interface InputOptions {
  readonly name?: string | null | undefined;
  /** Any dtype name that `toDType` accepts; floatX without it. */
  readonly dtype?: string | undefined;
}

/** `T.matrix()`, `T.matrix("x")`, `T.matrix("x", { dtype: "int32" })`. */
export type InputMaker = (name?: string | null | InputOptions, options?: InputOptions) => Variable;

type Words<S extends string> = S extends `${infer Head} ${infer Tail}` ? [Head, ...Words<Tail>] : S extends "" ? [] : [S];
type Repeated<N extends number, Made extends readonly Variable[] = []> = number extends N ? Variable[] : Made["length"] extends N ? Made : Repeated<N, readonly [...Made, Variable]>;
type PerWord<W extends readonly string[]> = { -readonly [K in keyof W]: Variable };

/** `T.scalars("a b")`, `T.scalars("a", "b")` or `T.scalars(2)`: a tuple with one variable for each name. */
export interface InputsMaker {
  <const N extends number>(count: N): Repeated<N>;
  <const S extends string>(names: S): PerWord<Words<S>>;
  <const W extends readonly [string, string, ...string[]]>(...names: W): PerWord<W>;
}

/** A variable of a dtype with given broadcast flags (true: the axis has length 1 and stretches). */
export function tensor(dtype: string, broadcastable: readonly boolean[], name: string | null | InputOptions = null): Variable {
  const given = typeof name === "object" ? name?.name : name;
  return new InputVariable(new Type(toDType(dtype), broadcastable), { name: given ?? null });
}

/** A type that makes variables when called: `const batch = T.TensorType("float32", [false, true]); const x = batch("x")`. */
export interface TypeMaker {
  (name?: string | null): Variable;
  readonly type: Type;
  readonly dtype: DType;
  readonly broadcastable: readonly boolean[];
}

function typeMaker(dtype: string, broadcastable: readonly boolean[]): TypeMaker {
  const type = new Type(toDType(dtype), broadcastable);
  return Object.assign((name: string | null = null) => new InputVariable(type, { name }), { type, dtype: type.dtype, broadcastable: type.broadcastable });
}

/** With or without `new`. */
export const TensorType = typeMaker as unknown as { (dtype: string, broadcastable: readonly boolean[]): TypeMaker; new (dtype: string, broadcastable: readonly boolean[]): TypeMaker };

const RANKS = {
  scalar: [], vector: [false], matrix: [false, false], row: [true, false], col: [false, true], tensor3: [false, false, false], tensor4: [false, false, false, false], tensor5: [false, false, false, false, false],
} as const satisfies Readonly<Record<string, readonly boolean[]>>;
const PLURALS = { scalar: "scalars", vector: "vectors", matrix: "matrices", row: "rows", col: "cols", tensor3: "tensor3s", tensor4: "tensor4s", tensor5: "tensor5s" } as const;
/** Theano's letters; integers of every width are int32. */
const PREFIXES = { "": null, b: "int8", w: "int16", i: "int32", l: "int64", f: "float32", d: "float64" } as const;

type Rank = keyof typeof RANKS;
type Prefix = keyof typeof PREFIXES;
type InputMakers = Readonly<Record<`${Prefix}${Rank}`, InputMaker>> & Readonly<Record<`${Prefix}${(typeof PLURALS)[Rank]}`, InputsMaker>>;

function singular(dtype: string | null, broadcastable: readonly boolean[]): InputMaker {
  return (name, options = {}) => {
    const { dtype: asked, name: given } = typeof name === "object" && name !== null ? name : { ...options, name: name ?? options.name };
    return tensor(dtype ?? asked ?? config.floatX, broadcastable, given ?? null);
  };
}

function plural(one: InputMaker): InputsMaker {
  const make = (...names: readonly (string | number)[]): Variable[] => {
    const [first] = names;
    if (typeof first === "number") return Array.from({ length: first }, () => one());
    return names.flatMap((n) => String(n).split(/[\s,]+/)).filter((n) => n !== "").map((n) => one(n));
  };
  return make as InputsMaker;
}

function makers(): InputMakers {
  const made: Record<string, InputMaker | InputsMaker> = {};
  for (const [prefix, dtype] of Object.entries(PREFIXES)) {
    for (const [rank, broadcastable] of Object.entries(RANKS)) {
      const one = singular(dtype, broadcastable);
      made[prefix + rank] = one;
      made[prefix + PLURALS[rank as Rank]] = plural(one);
    }
  }
  return made as InputMakers;
}

/** Every maker under its Theano name: `scalar … tensor4`, with prefixes b w i l f d, and their plurals. */
export const inputMakers: InputMakers = makers();

export interface ConstantOptions {
  readonly dtype?: string | undefined;
  readonly name?: string | null | undefined;
}

/**
 * A value fixed in the graph. Without `dtype`: whole numbers are int32, other literals floatX, typed arrays and NdArrays keep theirs.
 * Axes of length 1 broadcast. A variable is returned as it is (`constant-symbolic` when a dtype is asked for that it has not).
 */
export function constant(value: ArrayLike | Variable, { dtype, name = null }: ConstantOptions = {}): Variable {
  if (value instanceof Variable) {
    if (dtype === undefined || toDType(dtype) === value.dtype) return value;
    return fail("type", "constant-symbolic", { what: `constant() got the variable ${value} and dtype ${dtype}.`, where: String(value.origin), fix: "use T.cast for variables" });
  }
  if (dtype === undefined) return asTensor(value, name ?? undefined);
  return new Constant(asarray(value, { dtype }), { name });
}
