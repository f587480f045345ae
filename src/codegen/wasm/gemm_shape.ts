/**
 * How a product is cut: registers of a panel, rows of a tile, chunks of the reduction, blocks of rows. All of it follows from the product's
 * shape, and none of it changes a result's bits. Must not know text. Used by gemm_panels.ts and gemm_update.ts.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import { batchOf, columnCount, depthOf, type Product, rowCount } from "./gemm_product.js";
import { type Machine, registerOf } from "./gemm_text.js";

export interface PanelShape {
  /** Registers of a panel's row: `halves` tiles side by side, `across` registers each. */
  readonly vectors: number;
  readonly halves: number;
  readonly across: number;
  /** Rows of a tile. */
  readonly down: number;
  /** Columns of a panel, and how many panels. */
  readonly width: number;
  readonly panels: number;
  /** Columns of the last panel. */
  readonly last: number;
  /** Bytes from one row of a panel to the next. */
  readonly bytes: number;
}

/** Most registers of a panel: as many accumulators as V8 keeps in registers. */
const MOST = 8;
/** Rows of a tile for 1 … 4 registers across: what was fastest of all with at most nine accumulators (Zen 5, Node 20). */
const DOWN = [8, 5, 3, 2] as const;

export function panelShape(m: Machine, columns: number): PanelShape {
  const { lanes, bytes } = registerOf(m);
  const registers = Math.ceil(columns / lanes);
  const wanted = Math.ceil(registers / Math.ceil(registers / MOST));
  const halves = wanted <= 4 ? 1 : 2;
  const across = Math.ceil(wanted / halves);
  const vectors = halves * across;
  const panels = Math.ceil(registers / vectors);
  const width = vectors * lanes;
  return { vectors, halves, across, down: DOWN[across - 1] as number, width, panels, last: columns - (panels - 1) * width, bytes: vectors * bytes };
}

export interface Blocks {
  /** Terms of a chunk, and how many chunks. */
  readonly chunk: number;
  readonly chunks: number;
  /** Rows of a block, and how many blocks. */
  readonly rows: number;
  readonly blocks: number;
}

/** A chunk of a panel stays in the first-level cache while all rows of a block read it. */
const CHUNK_BYTES = 32768;
const ROWS = 32;
/** Elements of a block of rows, which are copied once and may be kept as lists. Few rows are dear where the reduction is long: every block reads all columns. */
const BLOCK_ELEMENTS = 524288;
/** Units below which rows are cut further, so that threads have something to share. */
const FEW_UNITS = 4;

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

export function blocksOf(p: Product, s: PanelShape): Blocks {
  const [rows, depth] = [rowCount(p), depthOf(p)];
  const chunks = p.extents.length > 1 ? 1 : Math.max(1, Math.ceil((depth * s.bytes) / CHUNK_BYTES));
  const chunk = roundUp(Math.max(1, Math.ceil(depth / chunks)), 4);
  const batch = sizeOf(batchOf(p));
  let block = rows <= 1.5 * ROWS ? rows : roundUp(Math.ceil(rows / Math.ceil(rows / ROWS)), s.down);
  if (block * depth > BLOCK_ELEMENTS) block = Math.min(block, roundUp(Math.max(4, Math.floor(BLOCK_ELEMENTS / depth)), s.down));
  while (batch * s.panels * Math.ceil(rows / block) < FEW_UNITS && block >= Math.max(8, 2 * s.down)) block = roundUp(Math.ceil(block / 2), s.down);
  return { chunk, chunks: Math.max(1, Math.ceil(depth / chunk)), rows: block, blocks: Math.ceil(rows / block) };
}

/** Density of nonzeros below which adding up listed rows is faster than tiles, by registers of a panel (measured as DOWN was). */
export const worthListing = (s: PanelShape): number => (s.vectors >= 7 ? 0.7 : s.vectors >= 5 ? 0.6 : 0.45);

/** Estimated nanoseconds of one product of two elements. */
export function termCost(p: Product, m: Machine, s: PanelShape): number {
  const padding = (s.panels * s.width) / Math.max(1, columnCount(p));
  return (m.simd ? (byteSize(p.dtype) / 4) * 0.05 : 0.5) * padding;
}
