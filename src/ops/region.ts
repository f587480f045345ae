/**
 * The region of a tensor that a basic index names: structure fixed in params, symbolic numbers as extra int inputs. Gives its shape, with
 * proofs that x[i*B:(i+1)*B] has length B for every i, and its index map. Must not know gradients. Next: subtensor.ts, set_subtensor.ts.
 */
import type { Expr } from "../codegen/ir/expr.js";
import { iadd, imul, int, isub } from "../codegen/ir/index.js";
import { uniformNodes } from "../codegen/ir/kernel.js";
import type { LowerContext, Params, ShapeContext } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { fail, impossible } from "../util/fail.js";
import { inside, wrapped } from "./positions.js";
import { sliceRange } from "./slices.js";

/** A number, null where a slice leaves it out, or "input": the next extra input. */
export type Part = number | null | "input";
/** One item per axis of x: an integer drops the axis, a slice keeps it. */
export type Item = { readonly at: Part } | { readonly start: Part; readonly stop: Part; readonly step: Part };
export interface RegionParams extends Params { readonly items: readonly Item[] }

export const isWhole = (i: Item): boolean => !("at" in i) && (i.start === null || i.start === 0) && i.stop === null && (i.step === null || i.step === 1);

/** An axis that broadcasts stays so where the slice certainly takes its one element. */
const staysOne = (i: Exclude<Item, { at: Part }>): boolean => (i.start === null || i.start === 0) && (i.stop === null || (typeof i.stop === "number" && i.stop > 0)) && (i.step === null || (typeof i.step === "number" && i.step > 0));

export function regionType(x: TensorType, items: readonly Item[]): TensorType {
  return new TensorType(x.dtype, items.flatMap((i, a) => ("at" in i ? [] : [x.broadcastable[a] === true && staysOne(i)])));
}

/** How an axis is taken: one position, or `length` positions from `start` by `step`. */
export type Taken = { readonly kind: "one"; readonly at: Expr } | { readonly kind: "range"; readonly start: Expr; readonly length: number; readonly step: number };

/** What resolving needs: the expression of a symbolic part, its fixed number, and where proofs are kept. */
interface Resolver {
  position(input: number): Expr;
  bound(input: number): Expr;
  fixed(e: Expr): number;
  guard(e: Expr): void;
  outOfRange(at: number, axis: number, n: number): never;
}

const simple = (e: Expr): Expr => iadd(e, int(0));

const isHost = (e: Expr): boolean => uniformNodes([e]).has(e);

/** A single position. */
function takeOne(part: Part, next: () => number, n: number, axis: number, r: Resolver): Taken {
  const e = part === "input" ? simple(r.position(next())) : int(part ?? 0);
  if (e.kind !== "const") {
    if (!isHost(e)) return { kind: "one", at: inside(e, n) };
    r.guard(iadd(e, int(n)));
    r.guard(isub(int(n - 1), e));
    return { kind: "one", at: wrapped(e, n) };
  }
  if (e.value < -n || e.value >= n) r.outOfRange(e.value, axis, n);
  return { kind: "one", at: int(e.value < 0 ? e.value + n : e.value) };
}

/** A range. Symbolic bounds with a constant difference are proven and guarded; others are bound to the call's values. */
function takeRange(item: Exclude<Item, { at: Part }>, next: () => number, n: number, r: Resolver): Taken {
  const read = (part: Part): Expr | null => (part === null ? null : part === "input" ? simple(r.bound(next())) : int(part));
  const [start, stop, stepExpr] = [read(item.start), read(item.stop), read(item.step)];
  const step = stepExpr === null ? 1 : r.fixed(stepExpr);
  if (step === 0) fail("value", "slice-step-value", { what: "A slice got step 0 in this call.", fix: "use a positive or negative step" });
  if (start !== null && stop !== null && start.kind !== "const" && step > 0) {
    const length = isub(stop, start);
    if (length.kind === "const" && length.value >= 0) {
      r.guard(start);
      r.guard(isub(int(n), stop));
      return { kind: "range", start, length: Math.ceil(length.value / step), step };
    }
  }
  const numeric = (e: Expr | null): number | null => (e === null ? null : r.fixed(e));
  const range = sliceRange(n, numeric(start), numeric(stop), step);
  return { kind: "range", start: int(range.start), length: range.length, step };
}

function resolve(items: readonly Item[], shape: Shape, first: number, r: Resolver): Taken[] {
  let input = first;
  const next = (): number => input++;
  return items.map((item, a) => ("at" in item ? takeOne(item.at, next, shape[a] as number, a, r) : takeRange(item, next, shape[a] as number, r)));
}

/** Resolves when shapes are bound; `first` is the first extra input. Fails with `index-range` for positions outside their axis. */
export function regionOf(ctx: ShapeContext<Params>, items: readonly Item[], first: number): Taken[] {
  const unknown: Expr = { kind: "axis", dtype: "int32", axis: 0, extent: Number.POSITIVE_INFINITY };
  return resolve(items, ctx.shapes[0] as Shape, first, {
    position: (i) => ctx.peek(i)?.[0] ?? unknown,
    bound: (i) => ctx.ints(i)[0] ?? int(0),
    fixed: ctx.fixed,
    guard: ctx.guard,
    outOfRange: (at, axis, n) => ctx.fail("index-range", `index out of bounds: position ${at} of axis ${axis}, which has length ${n}.`, `use ${-n} … ${n - 1}`, "index"),
  });
}

/** Resolves when lowered: everything has been checked, and what varies is an expression. */
export function regionIn(ctx: LowerContext<Params>, items: readonly Item[], first: number): Taken[] {
  return resolve(items, ctx.inputs[0]?.shape as Shape, first, {
    position: (i) => ctx.inputs[i]?.at([]) ?? int(0),
    bound: (i) => ctx.ints(i)[0] ?? int(0),
    fixed: (e) => (e.kind === "const" ? e.value : impossible("a slice bound is not bound")),
    guard: () => undefined,
    outOfRange: (at) => impossible(`position ${at} was not checked`),
  });
}

export const regionShape = (taken: readonly Taken[]): number[] => taken.flatMap((t) => (t.kind === "one" ? [] : [t.length]));

/** The index in x of an index in the region. */
export function intoTensor(taken: readonly Taken[], index: readonly Expr[]): Expr[] {
  let next = 0;
  return taken.map((t) => (t.kind === "one" ? t.at : iadd(t.start, imul(index[next++] as Expr, int(t.step)))));
}

/** The region by numbers, for references. Throws `index-range` as `regionOf` does. */
export function regionGiven(items: readonly Item[], shape: Shape, inputs: readonly NdArray[]): Taken[] {
  const value = (i: number): Expr => int(inputs[i]?.data[0] as number);
  const number = (e: Expr): number => (e.kind === "const" ? e.value : Number.NaN);
  return resolve(items, shape, 0, {
    position: value, bound: value, fixed: number, guard: () => undefined,
    outOfRange: (at, axis, n) => fail("index", "index-range", { what: `index out of bounds: position ${at} of axis ${axis}, which has length ${n}.`, fix: `use ${-n} … ${n - 1}` }),
  });
}

/** For each position of the region, row-major, the flat position in x. */
export function flatPositions(taken: readonly Taken[], shape: Shape): number[] {
  const number = (e: Expr): number => (e.kind === "const" ? e.value : Number.NaN);
  let flat = [0];
  taken.forEach((t, a) => {
    const n = shape[a] as number;
    const along = t.kind === "one" ? [number(t.at)] : Array.from({ length: t.length }, (_, k) => number(t.start) + k * t.step);
    flat = flat.flatMap((f) => along.map((i) => f * n + i));
  });
  return flat;
}
