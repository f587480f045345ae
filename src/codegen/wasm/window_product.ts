/**
 * Recognises products whose columns lie along several axes, as windows on images do: a convolution's rows are its filters, its columns all places
 * of the image, its terms what a filter covers. Must not know how they are computed. Next: window_panels.ts writes them.
 */
import { sizeOf } from "../ir/dtype.js";
import { axis, type Expr, rewrite } from "../ir/expr.js";
import { iadd, int, unflatten } from "../ir/index.js";
import { type Kernel, rootsOf, withRoots } from "../ir/kernel.js";
import { type Factors, factorsOf, type Operand, type Product } from "./gemm_product.js";

/** A product whose kernel has the axes of columns as one. Strides of `columns` along it are those in `columnStrides`. */
export interface WindowProduct extends Product {
  readonly rowAxis: number;
  readonly columnExtents: readonly number[];
  readonly columnStrides: readonly number[];
}

/** Fewer columns than a register has lanes, or one row, are not worth a copy of the columns; sums of nothing need none. */
const LEAST = { rows: 2, columns: 4 };

/** Null for kernels that are no such products. */
export function windowsOf(kernel: Kernel): WindowProduct | null {
  const made = factorsOf(kernel);
  if (made === null) return null;
  const [left, right] = made.operands;
  return withColumns(made, left, right) ?? withColumns(made, right, left);
}

/** The last axes of the domain along which only the columns' operand moves are columns. */
function withColumns({ kernel, dtype, extents }: Factors, rows: Operand, columns: Operand): WindowProduct | null {
  const { domain } = kernel;
  const moves = (o: Operand, axis: number): boolean => o.domain[axis] !== 0;
  let first = domain.length;
  while (first > 0 && moves(columns, first - 1) && !moves(rows, first - 1)) first--;
  const columnExtents = domain.slice(first);
  const [rowAxis] = domain.map((_, a) => a).filter((a) => a < first && moves(rows, a) && !moves(columns, a)).sort((x, y) => (domain[y] as number) - (domain[x] as number));
  if (extents.includes(0) || columnExtents.length < 2 || rowAxis === undefined || (domain[rowAxis] as number) < LEAST.rows || sizeOf(columnExtents) < LEAST.columns) return null;
  const batchAxes = domain.map((_, a) => a).filter((a) => a < first && a !== rowAxis);
  return { kernel: joinedFrom(kernel, first), dtype, rows, columns, rowAxis, columnAxis: first, batchAxes, extents, columnExtents, columnStrides: columns.domain.slice(first) };
}

/** The same kernel with the axes of its domain from `first` on as one. */
function joinedFrom(k: Kernel, first: number): Kernel {
  const extents = k.domain.slice(first);
  const extent = sizeOf(extents);
  const places = unflatten(axis(first, extent), extents);
  const moved = rewrite(rootsOf(k), (e) => (e.kind === "axis" && e.axis >= first ? (places[e.axis - first] as Expr) : e));
  const settled = rewrite(moved, (e) => (e.kind === "load" ? { ...e, index: e.index.map((i) => iadd(i, int(0))) } : e));
  return withRoots({ ...k, domain: [...k.domain.slice(0, first), extent] }, settled);
}
