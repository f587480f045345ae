/**
 * Reads finished sums from tiles in a thread's own memory, evaluates a product's results at them and stores those.
 * Must not know how the sums were made. Used by gemm_panels.ts and gemm_update.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { Elements } from "./elements.js";
import { columnCount, type Sums } from "./gemm_product.js";
import type { Site } from "./gemm_operands.js";
import { evaluationCost, heavyNodes } from "./loops.js";
import { add, i32, times } from "./wat.js";

/** Functions of at most so many nodes are written in place. */
const MOST_INLINED = 3;

/** A row of sums: columns from … to of the result, the first of them at an address. */
interface RowOfSums { readonly places: readonly string[]; readonly row: string | null; readonly from: string; readonly to: string; readonly sums: string }

export class Epilogue {
  private readonly elements: Elements;

  constructor(private readonly site: Omit<Site, "p"> & { readonly p: Sums }) {
    const { fn, p, params, library } = site;
    this.elements = new Elements(fn, p.kernel, params, library, heavyNodes(p.kernel.results) <= MOST_INLINED ? "inline" : "call");
  }

  /** Estimated nanoseconds of one element. */
  get cost(): number {
    return (0.3 + evaluationCost(this.site.p.kernel.results)) / (this.site.m.simd ? 1 : 3);
  }

  /** `whole`: whether the row is surely a multiple of four columns. */
  row({ places, row, from, to, sums }: RowOfSums, whole: boolean): void {
    const { fn, p, m } = this.site;
    const size = byteSize(p.dtype);
    const axesAt = (j: string): string[] => p.kernel.domain.map((_, a) => (a === p.columnAxis ? j : a === p.rowAxis ? (row ?? i32(0)) : (places[p.batchAxes.indexOf(a)] as string)));
    const at = (j: string): string => fn.let("i32", add(sums, from === i32(0) ? times(j, size) : times(`(i32.sub ${j} ${from})`, size)), "sum");
    const single = (j: string): void => {
      const sum = fn.let(size === 8 ? "f64" : "f32", `(${size === 8 ? "f64" : "f32"}.load ${at(j)})`, "acc");
      this.elements.storeResults({ axes: axesAt(j), lane: null, acc: { dtype: p.dtype, lanes: 1, parts: [sum] } });
    };
    if (!m.simd) {
      fn.loop(from, to, 1, single, "j");
      return;
    }
    const end = whole ? to : fn.let("i32", `(i32.add ${from} (i32.and (i32.sub ${to} ${from}) ${i32(-4)}))`, "end");
    if (columnCount(p) >= 4) fn.loop(from, end, 4, (j) => {
      const address = at(j);
      const parts = (size === 8 ? [0, 16] : [0]).map((o) => fn.let("v128", `(v128.load${o ? ` offset=${o}` : ""} ${address})`, "acc"));
      this.elements.storeResults({ axes: axesAt(j), lane: { kind: "axis", axis: p.columnAxis }, acc: { dtype: p.dtype, lanes: 4, parts } });
    }, "j");
    if (!whole) fn.loop(end, to, 1, single, "j");
  }
}
