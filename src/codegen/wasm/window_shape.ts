/**
 * How a product of windows is cut: which part of the reduction is copied at once, whether rows are packed before, in how many parts a long sum of
 * few results is made. All of it follows from shapes and strides. Must not know text. Used by window_panels.ts.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import { batchOf, columnCount, depthOf, rowCount } from "./gemm_product.js";
import { type PanelShape, panelShape } from "./gemm_shape.js";
import type { Machine } from "./gemm_text.js";
import type { WindowProduct } from "./window_product.js";

export interface WindowShape {
  readonly panel: PanelShape;
  /** Bytes from one term of a panel to the next: what is copied beyond the last column goes into the gap. */
  readonly pitch: number;
  /** Axes of the reduction before `axis` are loops; `steps` of `axis`, with all axes inside, are copied at once. */
  readonly axis: number;
  readonly steps: number;
  /** Terms in one step. */
  readonly inside: number;
  /** Whether rows are packed, terms side by side, before the kernel runs. */
  readonly packed: boolean;
  /** Parts of the outermost axis of the reduction whose sums are added at the end. */
  readonly parts: number;
}

/** A copy stays in the first-level cache while all rows read it. */
const CHUNK_BYTES = 32768;
/** Rows are read in place where so many terms lie at one distance from each other. */
const LONG_RUN = 48;
/** Units that threads share, and products of two elements that are worth one. */
const UNITS = 16;
const UNIT_WORK = 2_000_000;

/** The first axis of the reduction from which on terms of a row lie at one distance from each other. */
function runOf({ rows, extents }: WindowProduct): number {
  let run = extents.length - 1;
  while (run > 0 && rows.reds[run - 1] === (rows.reds[run] as number) * (extents[run] as number)) run--;
  return run;
}

export function windowShape(p: WindowProduct, m: Machine): WindowShape {
  const { extents, rows, batchAxes } = p;
  const panel = panelShape(m, columnCount(p));
  const pitch = panel.bytes + 16;
  const run = runOf(p);
  const fixed = rows.scalars.length === 0 && batchAxes.every((a) => rows.domain[a] === 0);
  const packed = fixed && run > 0 && sizeOf(extents.slice(run)) < LONG_RUN;
  const bytes = (axis: number): number => sizeOf(extents.slice(axis + 1)) * pitch;
  let axis = packed ? 0 : run;
  while (axis < extents.length - 1 && bytes(axis) > CHUNK_BYTES) axis++;
  const length = extents[axis] as number;
  const most = Math.max(1, Math.min(length, Math.floor(CHUNK_BYTES / bytes(axis))));
  return { panel, pitch, axis, steps: Math.ceil(length / Math.ceil(length / most)), inside: sizeOf(extents.slice(axis + 1)), packed, parts: partsOf(p, panel) };
}

function partsOf(p: WindowProduct, panel: PanelShape): number {
  const units = panel.panels * sizeOf(batchOf(p));
  const work = (sizeOf(p.kernel.domain) * depthOf(p)) / units;
  return Math.max(1, Math.min(Math.ceil(UNITS / units), Math.floor(work / UNIT_WORK), p.extents[0] as number));
}

/** Estimated nanoseconds of all sums. */
export function sumCost(p: WindowProduct, { panel }: WindowShape): number {
  const columns = panel.panels * panel.width * sizeOf(batchOf(p));
  return columns * depthOf(p) * (byteSize(p.dtype) / 4) * (0.05 * rowCount(p) + 0.25);
}
