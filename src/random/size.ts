/**
 * The `size` of a random variable: fixed lengths, lengths known at the call, or an int vector variable. Fixed lengths are params of the
 * random op and the others its last inputs, so that an op's shape needs no graph of its own. Must not know generators or distributions.
 * Next: mrg_op.ts and mt_op.ts.
 */
import type { Expr } from "../codegen/ir/expr.js";
import type { ShapeContext } from "../graph/op.js";
import { Constant, Variable } from "../graph/variable.js";
import { partsOf, type ShapeLike } from "../ops/shape.js";
import type { NdArray } from "../numpy/ndarray.js";
import { isInt } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";

/** The lengths as params of an op: a null is the next input (0-d int32), or, where `vector`, the next entry of the only input. */
export interface SizeSpec {
  readonly lengths: readonly (number | null)[];
  readonly vector: boolean;
}

export interface SizeOf {
  readonly spec: SizeSpec;
  readonly inputs: readonly Variable[];
  /** Lengths of 1 by their type. */
  readonly broadcastable: readonly boolean[];
  /** All lengths, where every one was written as a number. */
  readonly literal: readonly number[] | null;
}

/** Options of a draw whose size may come first, by position, as in `srng.uniform((2, 2))`. */
export function sizeFirst<O extends { readonly size?: ShapeLike | undefined }>(first: ShapeLike | O, more: Omit<O, "size">): O {
  const isSize = typeof first === "number" || first instanceof Variable || Array.isArray(first);
  return isSize ? ({ ...more, size: first } as unknown as O) : (first as O);
}

/**
 * Reads `size`: numbers and 0-d int variables, or an int vector variable (`x.shape`; others need `ndim`, as their length is no part of a type).
 * Errors: `random-size-kind`, `random-size-length`, `random-size-ndim`, `random-size-rank`.
 */
export function readSize(size: ShapeLike, given?: number | null): SizeOf {
  const ndim = given ?? undefined;
  const isVector = size instanceof Variable && size.ndim === 1;
  const parts = isVector ? partsOf(size) : size instanceof Variable || typeof size === "number" ? [size] : size;
  if (isVector && !isInt(size.dtype)) badKind(size);
  const rank = parts?.length ?? ndim;
  if (rank === undefined) {
    fail("value", "random-size-ndim", { what: `The number of axes of a random variable is not known from its size ${String(size)}.`, fix: "pass ndim, or a list of lengths" });
  }
  if (ndim !== undefined && ndim !== rank) {
    fail("value", "random-size-rank", { what: `A random variable got ndim ${ndim} and a size of ${rank} lengths.`, fix: "leave ndim out, or make them agree" });
  }
  if (parts === null) return { spec: { lengths: new Array<null>(rank).fill(null), vector: true }, inputs: [size as Variable], broadcastable: new Array<boolean>(rank).fill(false), literal: null };
  const inputs: Variable[] = [];
  const lengths = parts.map((part) => {
    const n = fixedLength(part);
    if (n === null) inputs.push(part as Variable);
    return n;
  });
  const literal = !isVector && parts.every((part) => typeof part === "number") ? (lengths as number[]) : null;
  return { spec: { lengths, vector: false }, inputs, broadcastable: lengths.map((n) => n === 1), literal };
}

/** A length that needs no call; null for a variable. */
function fixedLength(part: number | Variable): number | null {
  if (part instanceof Variable && (part.ndim !== 0 || !isInt(part.dtype))) badKind(part);
  const n = part instanceof Constant ? (part.value.data[0] as number) : part;
  if (n instanceof Variable) return null;
  if (!Number.isInteger(n) || n < 0) fail("value", "random-size-length", { what: `A random variable cannot have an axis of length ${n}.`, fix: "give integers >= 0" });
  return n;
}

function badKind(v: Variable): never {
  return fail("type", "random-size-kind", { what: `The size of a random variable is made of whole numbers, got ${v}.`, where: String(v.origin), fix: "pass x.shape, or a list of integers and 0-d int variables" });
}

const unknown = (spec: SizeSpec): number => spec.lengths.filter((n) => n === null).length;

/** A size with one more axis, in front or at the end. */
export function withAxis(size: SizeOf, length: number | Variable, where: "first" | "last"): SizeOf {
  const n = fixedLength(length);
  const put = <X>(list: readonly X[], x: X): X[] => (where === "first" ? [x, ...list] : [...list, x]);
  if (n === null && size.spec.vector) badKind(size.inputs[0] as Variable);
  return {
    spec: { lengths: put(size.spec.lengths, n), vector: size.spec.vector },
    inputs: n === null ? put(size.inputs, length as Variable) : size.inputs,
    broadcastable: put(size.broadcastable, n === 1),
    literal: size.literal === null || n === null ? null : put(size.literal, n),
  };
}

/** The lengths when shapes are bound; the size's inputs start at `first`. Reports `random-size-negative`, `random-size-entries`. */
export function boundSize(ctx: Pick<ShapeContext<unknown>, "ints" | "fixed" | "fail" | "shapes">, spec: SizeSpec, first: number): number[] {
  let next = 0;
  if (spec.vector && ctx.shapes[first]?.[0] !== unknown(spec)) {
    ctx.fail("random-size-entries", `The size of a random variable has ${ctx.shapes[first]?.[0]} lengths where ${unknown(spec)} were declared.`, "pass ndim that agrees with the size");
  }
  return spec.lengths.map((n, a) => {
    const found = n ?? ctx.fixed((spec.vector ? ctx.ints(first)[next++] : ctx.ints(first + next++)[0]) as Expr);
    if (found < 0) ctx.fail("random-size-negative", `Axis ${a} of a random variable has length ${found}.`, "give lengths >= 0");
    return found;
  });
}

/** The lengths from the values of the size's inputs. */
export function valueSize(inputs: readonly NdArray[], spec: SizeSpec): number[] {
  let next = 0;
  return spec.lengths.map((n) => n ?? Number(spec.vector ? inputs[0]?.data[next++] : inputs[next++]?.data[0]));
}
