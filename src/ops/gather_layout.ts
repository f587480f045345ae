/**
 * Where the axes of integer tensors go in a gather: NumPy's rule, as index maps for kernels and loops for references. The tensors are padded to one
 * rank before. Must not know ops. Next: advanced.ts.
 */
import type { Params, ShapeContext } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import { type NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";

export interface GatherParams extends Params {
  /** The axes of x that are indexed, ascending. */
  readonly axes: readonly number[];
  /** Says that x is itself a region made by the same index (`x.get(slice(1, 3), idx)`), so that writes go through it to the whole. */
  readonly of?: "x" | "region";
}

/** Where the index tensors' own axes are in the result: at the first indexed axis if these are neighbours, else in front. */
export const startOf = (axes: readonly number[]): number => (axes.every((a, i) => i === 0 || a === (axes[i - 1] as number) + 1) ? (axes[0] as number) : 0);

/** Puts the index tensors' axes among the axes of x that are not indexed. */
export function laidOut<E>(x: readonly E[], own: readonly E[], axes: readonly number[]): E[] {
  const rest = x.filter((_, a) => !axes.includes(a));
  const at = startOf(axes);
  return [...rest.slice(0, at), ...own, ...rest.slice(at)];
}

/** The two parts of an index (or shape) of the result. */
export function takenApart<E>(index: readonly E[], own: number, axes: readonly number[]): { readonly own: E[]; readonly rest: E[] } {
  const at = startOf(axes);
  return { own: index.slice(at, at + own), rest: [...index.slice(0, at), ...index.slice(at + own)] };
}

/** Flags of the index tensors broadcast together. */
export const ownFlags = (indices: readonly TensorType[]): boolean[] => (indices[0]?.broadcastable ?? []).map((_, a) => indices.every((t) => t.broadcastable[a]));

/** The shape of the index tensors broadcast together; null where they do not fit. */
export function ownShape(shapes: readonly Shape[], types: readonly TensorType[]): number[] | null {
  const made = (shapes[0] ?? []).map((_, a) => shapes.find((__, i) => !types[i]?.broadcastable[a])?.[a] ?? 1);
  return shapes.every((s, i) => s.every((d, a) => types[i]?.broadcastable[a] || d === made[a])) ? made : null;
}

/** As `ownShape` where lengths of 1 stretch, for references. Throws `index-shapes` for other lengths that differ. */
export const ownLengths = (shapes: readonly Shape[]): number[] =>
  (shapes[0] ?? []).map((_, a) => shapes.map((s) => s[a] as number).reduce((n, d) => (d === 1 || d === n ? n : n === 1 ? d : mismatch(shapes)), 1));

const mismatch = (shapes: readonly Shape[]): never =>
  fail("index", "index-shapes", { what: `shape mismatch: indexing arrays of shapes ${shapes.map((s) => `(${s.join(", ")})`).join(", ")} cannot be broadcast together.`, fix: "give the index tensors equal lengths" });

/** Checks that the tensors fit each other, and the positions that are known; gives their common shape. */
export function checkIndices(ctx: ShapeContext<GatherParams>, first: number): number[] {
  const indices = ctx.shapes.slice(first);
  const own = ownShape(indices, ctx.inputs.slice(first));
  if (own === null) return ctx.fail("index-shapes", `shape mismatch: indexing arrays of shapes ${indices.map((s) => `(${s.join(", ")})`).join(", ")} cannot be broadcast together.`, "give the index tensors equal lengths", "index");
  ctx.params.axes.forEach((axis, k) => {
    const n = ctx.shapes[0]?.[axis] as number;
    const bad = sizeOf(own) === 0 ? undefined : ctx.peek(first + k)?.find((e) => e.kind === "const" && (e.value < -n || e.value >= n));
    if (bad?.kind === "const") ctx.fail("index-range", `index out of bounds: position ${bad.value} of axis ${axis}, which has length ${n}.`, `use ${-n} … ${n - 1}`, "index");
  });
  return own;
}

/** Calls back for each element of the result, row-major, with the flat position in x. Throws `index-range`. */
export function eachGathered(x: Shape, indices: readonly NdArray[], axes: readonly number[], visit: (flatX: number, ownFlat: number) => void): void {
  const own = ownLengths(indices.map((i) => i.shape));
  const shape = laidOut(x, own, axes);
  const index = new Array<number>(shape.length).fill(0);
  for (let n = 0; n < sizeOf(shape); n++) {
    const parts = takenApart(index, own.length, axes);
    let next = 0;
    const flat = x.reduce((sum, d, a) => sum * d + (axes.includes(a) ? positionOf(indices[axes.indexOf(a)] as NdArray, parts.own, d, a) : (parts.rest[next++] as number)), 0);
    visit(flat, parts.own.reduce((sum, i, a) => sum * (own[a] as number) + i, 0));
    for (let a = shape.length - 1; a >= 0; a--) {
      index[a] = (index[a] as number) + 1;
      if ((index[a] as number) < (shape[a] as number)) break;
      index[a] = 0;
    }
  }
}

function positionOf(index: NdArray, own: readonly number[], n: number, axis: number): number {
  const flat = own.reduce((sum, i, a) => sum * (index.shape[a] as number) + (index.shape[a] === 1 ? 0 : i), 0);
  const at = index.data[flat] as number;
  if (at < -n || at >= n) fail("index", "index-range", { what: `index out of bounds: position ${at} of axis ${axis}, which has length ${n}.`, fix: `use ${-n} … ${n - 1}` });
  return at < 0 ? at + n : at;
}
