/**
 * Recognises products of matrices: kernels whose reduction is a sum of products of two affine loads, and which axis is which.
 * Must not know how they are computed. Next: gemm.ts chooses a form and writes it.
 */
import { type FloatDType, isFloat, sizeOf } from "../ir/dtype.js";
import { children, type Const, type Expr, type Load, postorder, redAxis, type RedAxis, rewrite } from "../ir/expr.js";
import { iadd, idiv, imod, imul, int } from "../ir/index.js";
import type { Kernel } from "../ir/kernel.js";
import { flattenLoads, isProven, positionOf, termsOf } from "./flat.js";
import { mergeAxes } from "./merge.js";

/** An element's position: a constant, host scalars, and strides along axes, all counted in elements. */
export interface Operand {
  readonly param: number;
  readonly constant: number;
  readonly scalars: readonly { readonly id: number; readonly stride: number }[];
  /** Stride along each axis of the domain and of the reduction; 0 where it does not move. */
  readonly domain: readonly number[];
  readonly reds: readonly number[];
}

/** What a product's results are, however their sums are made. */
export interface Sums {
  /** With neighbouring axes merged, and an epilogue over an accumulator of `dtype`. */
  readonly kernel: Kernel;
  readonly dtype: FloatDType;
  /** Null where the rows' operand is a vector. */
  readonly rowAxis: number | null;
  /** Lanes lie along it. */
  readonly columnAxis: number;
  /** All other axes of the domain. */
  readonly batchAxes: readonly number[];
}

/** rows[i, k] columns[k, j], summed over k, for each place of the batch axes. */
export interface Product extends Sums {
  readonly rows: Operand;
  readonly columns: Operand;
  /** Extents of the reduction, outer first: one, unless its strides change on the way. */
  readonly extents: readonly number[];
}

const bare = (e: Expr): Expr => (e.kind === "cast" ? e.arg : e);

/** A sum of products of two affine loads, before it is said which is which. */
export interface Factors extends Pick<Product, "kernel" | "dtype" | "extents"> { readonly operands: readonly [Operand, Operand] }

/** Null for kernels that are no such sums. */
export function factorsOf(original: Kernel): Factors | null {
  if (original.reduction?.op !== "sum" || original.domain.includes(0)) return null;
  const kernel = mergeAxes(original);
  const { domain, reduction } = kernel;
  if (reduction === null || domain.length === 0) return null;
  const [term] = flattenLoads([reduction.term], kernel.params) as [Expr];
  const product = bare(term);
  if (product.kind !== "prim" || product.prim !== "mul") return null;
  const [a, b] = product.args.map(bare) as [Expr, Expr];
  if (a.kind !== "load" || b.kind !== "load" || a.dtype !== b.dtype || !isFloat(a.dtype) || !isProven(a) || !isProven(b)) return null;
  const { extents, positions } = splitReduction(reduction.extents, [a, b]);
  const operands = positions.map((p, n) => operandOf(p, (n === 0 ? a : b).buffer, domain.length, extents.length));
  const [left, right] = operands;
  if (!left || !right) return null;
  return { kernel: withAccumulator(kernel, a.dtype), dtype: a.dtype, extents, operands: [left, right] };
}

/** Null for kernels that are no products, and for those without an axis that only one operand moves along. */
export function productOf(original: Kernel): Product | null {
  const made = factorsOf(original);
  return made && chooseAxes(made);
}

/** Reductions whose positions divide by a constant, as merged axes do: one loop outside and one inside. */
function splitReduction(extents: readonly number[], loads: readonly Load[]): { extents: readonly number[]; positions: readonly Expr[] } {
  const positions = loads.map(positionOf);
  for (const e of postorder(positions)) {
    if (e.kind !== "prim" || (e.prim !== "floorDiv" && e.prim !== "mod")) continue;
    const [red, by] = e.args as [Expr, Expr];
    if (red.kind !== "red" || by.kind !== "const" || by.value <= 1 || red.extent % by.value !== 0) continue;
    return splitAt(extents, positions, red, by.value);
  }
  return { extents: extents.length === 0 ? [1] : extents, positions };
}

function splitAt(extents: readonly number[], positions: readonly Expr[], { axis }: RedAxis, by: number): { extents: readonly number[]; positions: readonly Expr[] } {
  const outer = (extents[axis] as number) / by;
  const split = iadd(imul(redAxis(axis, outer), int(by)), redAxis(axis + 1, by));
  const changed = rewrite(positions, (e) => {
    if (e.kind === "red") return e.axis === axis ? split : e.axis > axis ? redAxis(e.axis + 1, e.extent) : e;
    if (e.kind !== "prim" || e.dtype !== "int32") return e;
    const [x, y] = e.args as [Expr, Expr];
    if (e.prim === "floorDiv" && y.kind === "const" && y.value > 0) return idiv(x, (y as Const).value);
    return e.prim === "mod" && y.kind === "const" && y.value > 0 ? imod(x, (y as Const).value) : e;
  });
  return { extents: [...extents.slice(0, axis), outer, by, ...extents.slice(axis + 1)], positions: changed.map((p) => iadd(p, int(0))) };
}

function operandOf(position: Expr, param: number, axes: number, reds: number): Operand | null {
  const made = { param, constant: 0, scalars: [] as { id: number; stride: number }[], domain: new Array<number>(axes).fill(0), reds: new Array<number>(reds).fill(0) };
  for (const { coefficient, factors } of termsOf(position)) {
    const [f] = factors;
    if (factors.length > 1) return null;
    if (f === undefined) made.constant += coefficient;
    else if (f.kind === "axis") made.domain[f.axis] = (made.domain[f.axis] as number) + coefficient;
    else if (f.kind === "red") made.reds[f.axis] = (made.reds[f.axis] as number) + coefficient;
    else if (f.kind === "scalar") made.scalars.push({ id: f.id, stride: coefficient });
    else return null;
  }
  return made;
}

/** The epilogue over an accumulator of the operands' dtype: casts to what the plan says and back fall away. */
function withAccumulator(k: Kernel, dtype: FloatDType): Kernel {
  const results = rewrite(k.results, (e) => {
    if (e.kind === "acc" && e.dtype !== dtype) return { kind: "cast", dtype: e.dtype, arg: { kind: "acc", dtype } };
    const [inner] = children(e);
    return e.kind === "cast" && inner?.kind === "cast" && inner.arg.kind === "acc" && inner.arg.dtype === e.dtype ? inner.arg : e;
  });
  return { ...k, results };
}

function chooseAxes({ operands: [left, right], ...made }: Factors): Product | null {
  const { domain } = made.kernel;
  let best: { readonly product: Product; readonly cost: number } | null = null;
  for (const [rows, columns] of [[left, right], [right, left]] as const) {
    domain.forEach((_, columnAxis) => {
      if (columns.domain[columnAxis] === 0 || rows.domain[columnAxis] !== 0) return;
      const free = domain.map((_, a) => a).filter((a) => rows.domain[a] !== 0 && columns.domain[a] === 0);
      const rowAxis = free.sort((x, y) => (domain[y] as number) - (domain[x] as number))[0] ?? null;
      const batchAxes = domain.map((_, a) => a).filter((a) => a !== columnAxis && a !== rowAxis);
      const product = { ...made, rows, columns, rowAxis, columnAxis, batchAxes };
      const cost = orientationCost(product);
      if (best === null || cost < best.cost) best = { product, cost };
    });
  }
  return (best as { readonly product: Product } | null)?.product ?? null;
}

export const columnCount = (p: Sums): number => p.kernel.domain[p.columnAxis] as number;
export const rowCount = (p: Sums): number => (p.rowAxis === null ? 1 : (p.kernel.domain[p.rowAxis] as number));
export const depthOf = (p: Product): number => sizeOf(p.extents);
/** How long the axes are along which products stand side by side. */
export const batchOf = (p: Sums): number[] => p.batchAxes.map((a) => p.kernel.domain[a] as number);
export const columnStride = (p: Product): number => p.columns.domain[p.columnAxis] as number;
export const rowStride = (p: Product): number => (p.rowAxis === null ? 0 : (p.rows.domain[p.rowAxis] as number));

/** Rows up to which columns are read too few times to be copied. */
export const FEW_ROWS = 4;

/** Terms up to which the order in which rows are read does not matter. */
export const SHORT = 64;

/** Relative time of a product by which axis the lanes lie along: lanes that are not stored, copies into panels and of rows, scattered stores. */
function orientationCost(p: Product): number {
  const [rows, columns] = [rowCount(p), columnCount(p)];
  const waste = (Math.ceil(columns / 4) * 4) / columns + (columns < 16 ? 0.3 : 0);
  const [along, down] = [columnStride(p), p.columns.reds.at(-1)];
  const copied = along === 1 ? 1 : down === 1 ? (rows <= FEW_ROWS ? 1 : 5) : 10;
  const strided = rows > 1 && depthOf(p) > SHORT && p.rows.reds.at(-1) !== 1 ? 10 / columns : 0;
  const scattered = p.columnAxis === p.kernel.domain.length - 1 ? 0 : 1;
  return waste + copied / rows + strided + scattered;
}
