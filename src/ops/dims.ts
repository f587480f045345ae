/**
 * Lengths that users give as numbers and int variables (reshape, alloc, eye, sizes of draws), split into what is fixed in the graph and what
 * is an input of the op. A literal 1, and only that, makes an axis that broadcasts. Must not know the ops that use it.
 */
import type { Params, ShapeContext } from "../graph/op.js";
import { Constant, Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { type Length, partsOf, type ShapeLike } from "./shape.js";
import { elementAt } from "./subtensor.js";

export interface Dims {
  /** A number, or null for the next length that is an input. */
  readonly lengths: readonly (number | null)[];
  readonly inputs: readonly Variable[];
}

/** The lengths one by one. An int vector whose length the graph does not say needs `ndim`: error `shape-ndim`. */
export function lengthList(size: ShapeLike, ndim?: number): readonly Length[] {
  if (!(size instanceof Variable)) return typeof size === "number" ? [size] : size;
  if (size.ndim === 0) return [size];
  const parts = partsOf(size);
  if (parts !== null) return parts;
  if (size.ndim !== 1 || ndim === undefined) {
    fail("value", "shape-ndim", { what: `The rank that the shape ${size} gives is not known.`, where: String(size.origin), fix: "pass a list of lengths, or the rank as { ndim }" });
  }
  return Array.from({ length: ndim }, (_, k) => elementAt(size, k));
}

/** Splits a shape. `least` is -1 where one length may be inferred. Errors: `length-literal`, `length-dtype`. */
export function splitDims(size: ShapeLike, { ndim, least = 0 }: { readonly ndim?: number | undefined; readonly least?: number } = {}): Dims {
  const inputs: Variable[] = [];
  const lengths = lengthList(size, ndim).map((d) => {
    if (d instanceof Variable && (d.dtype !== "int32" || d.ndim !== 0)) {
      fail("type", "length-dtype", { what: `A length must be a 0-d integer, got ${d}.`, where: String(d.origin), fix: "cast it to int32, or take one element of it" });
    }
    const known = d instanceof Constant ? (d.value.data[0] as number) : d;
    if (known instanceof Variable) {
      inputs.push(known);
      return null;
    }
    if (!Number.isInteger(known) || known < least || known > 2147483647) fail("value", "length-literal", { what: `${known} is no length.`, fix: `use whole numbers from ${least}` });
    return known;
  });
  return { lengths, inputs };
}

export const dimFlags = (lengths: Dims["lengths"]): boolean[] => lengths.map((d) => d === 1);

/** The numbers that the lengths have in a call; inputs of lengths start at input `first`. Fails with `length-value` for negative ones. */
export function boundDims(ctx: ShapeContext<Params>, lengths: Dims["lengths"], first: number, least = 0): number[] {
  let next = first;
  return lengths.map((d) => {
    if (d !== null) return d;
    const [e] = ctx.ints(next++);
    const n = e === undefined ? 0 : ctx.fixed(e);
    return n >= least ? n : ctx.fail("length-value", `An axis would have length ${n}.`, "give lengths that are not negative");
  });
}

/** The same in a reference, where the inputs are values. */
export function givenDims(lengths: Dims["lengths"], values: readonly { readonly data: ArrayLike<number> }[]): number[] {
  let next = 0;
  return lengths.map((d) => d ?? (values[next++]?.data[0] as number));
}
