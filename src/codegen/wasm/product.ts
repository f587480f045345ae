/**
 * Products of matrices with whatever epilogue, in tiles of accumulators that stay in registers. The lanes lie along the axis whose operand is
 * contiguous there (or is packed into panels), or along the reduction where both operands are. Every element adds its terms in the same order
 * whatever the tile. Products of float32 accumulate in float32, as BLAS does and Theano's dot with it. Must not know plans. Used by kernels.ts.
 */
import { byteSize, type FloatDType } from "../ir/dtype.js";
import type { Expr, Load } from "../ir/expr.js";
import type { Kernel } from "../ir/kernel.js";
import type { Features, KernelCode, Packing, PassParams } from "./code.js";
import { laneOf, settle, widen } from "./convert.js";
import { Elements } from "./elements.js";
import { type AxisId, flattenLoads, isProven, positionOf, strideOf, termsOf } from "./flat.js";
import { partCount, partType, shapeOf, type Value } from "./lanes.js";
import { cut, eachUnit, evaluationCost, passParams } from "./loops.js";
import { mergeAxes } from "./merge.js";
import { packPanels } from "./product_pack.js";
import { add, Func, i32, type Local } from "./wat.js";

export interface Product {
  readonly kernel: Kernel;
  /** The operand that moves along the lane axis, and the other; loads of `dtype`. */
  readonly lane: Load;
  readonly other: Load;
  /** Where the lane operand's elements are. */
  readonly position: Expr;
  readonly dtype: FloatDType;
  /** Axis of the domain along which lanes lie, and the one along which rows of a tile do (null: there is none). */
  readonly laneAxis: number;
  readonly rowAxis: number | null;
  /** Lanes lie along the reduction instead. */
  readonly dot: boolean;
}

const bare = (e: Expr): Expr => (e.kind === "cast" && e.arg.kind !== "cast" ? e.arg : e);

/** A kernel that is a sum of products of two loads, one of which does not move along some axis of the domain; null for any other. */
export function productOf(original: Kernel): Product | null {
  const kernel = mergeAxes(original);
  const { reduction, domain, params } = kernel;
  if (reduction?.op !== "sum" || reduction.extents.length === 0 || domain.length === 0 || domain.includes(0)) return null;
  const product = bare(reduction.term);
  if (product.kind !== "prim" || product.prim !== "mul") return null;
  const [a, b] = product.args.map(bare) as [Expr, Expr];
  if (a.kind !== "load" || b.kind !== "load" || a.dtype !== b.dtype || (a.dtype !== "float32" && a.dtype !== "float64")) return null;
  const flat = flattenLoads([a, b], params) as [Load, Load];
  if (!flat.every(isProven)) return null;
  const positions = new Map([[a, positionOf(flat[0])], [b, positionOf(flat[1])]]);
  return chooseAxes({ kernel, dtype: a.dtype }, a, b, positions);
}

function chooseAxes(made: Pick<Product, "kernel" | "dtype">, a: Load, b: Load, positions: ReadonlyMap<Load, Expr>): Product | null {
  const { domain, reduction } = made.kernel;
  const inner: AxisId = { kind: "red", axis: (reduction?.extents.length ?? 0) - 1 };
  const along = (l: Load, id: AxisId): number | null => strideOf(positions.get(l) as Expr, id);
  const stride = (l: Load, axis: number): number | null => along(l, { kind: "axis", axis });
  const candidates = domain.flatMap((extent, axis) => [[a, b], [b, a]].flatMap(([lane, other]) => {
    const [mine, its] = [stride(lane as Load, axis), stride(other as Load, axis)];
    if (mine === null || mine === 0 || its !== 0) return [];
    const rows = domain.map((_, r) => r).filter((r) => r !== axis && stride(lane as Load, r) === 0 && (stride(other as Load, r) ?? 0) !== 0);
    const rowAxis = rows.sort((x, y) => (domain[y] as number) - (domain[x] as number))[0] ?? null;
    // Long contiguous axes are best; the last axis, along which results are stored, is better than others.
    const score = (mine === 1 ? 100 : 0) + Math.min(extent, 32) + (axis === domain.length - 1 ? 8 : 0);
    return [{ ...made, lane: lane as Load, other: other as Load, position: positions.get(lane as Load) as Expr, laneAxis: axis, rowAxis, dot: false, score, contiguous: mine === 1 }];
  }));
  const best = candidates.sort((x, y) => y.score - x.score)[0];
  if (!best) return null;
  const { score: _, contiguous, ...chosen } = best;
  const both = [a, b].every((l) => along(l, inner) === 1);
  return { ...chosen, dot: !contiguous && both };
}

export interface ProductOptions { readonly uses: (param: number) => number }

/** Reading an operand less often than this is not worth packing it. */
const PACK_USES = 3;
const PACK_ROWS = 48;

export function productCode(p: Product, id: string, features: Features, options: ProductOptions): KernelCode {
  return new ProductWriter(p, id, features, options).code();
}

/** Registers of lanes and rows of the main tile: eight accumulators, as many as V8 keeps in registers beside the operands. */
const tileOf = (dtype: FloatDType, vectors: number): number => (dtype === "float64" ? (vectors > 1 ? 2 : 4) : vectors > 2 ? 2 : 4);
/** Elements of a panel: a cache line of float32. */
export const panelOf = (dtype: FloatDType): number => (dtype === "float64" ? 8 : 16);

class ProductWriter {
  private readonly library = new Map<string, string>();
  private readonly packing: Packing | null;
  private readonly params: PassParams;
  private readonly fn: Func;
  private readonly elements: Elements;
  private readonly extent: number;
  private readonly rows: number;

  constructor(private readonly p: Product, private readonly id: string, private readonly features: Features, options: ProductOptions) {
    const { kernel, laneAxis, rowAxis, lane } = p;
    this.extent = kernel.domain[laneAxis] as number;
    this.rows = rowAxis === null ? 1 : (kernel.domain[rowAxis] as number);
    const worth = options.uses(lane.buffer) >= PACK_USES || this.rows >= PACK_ROWS;
    this.packing = worth && features.simd ? this.makePacking() : null;
    this.params = passParams(kernel, this.packing ? 1 : 0);
    this.fn = new Func(`$${id}`, this.params.list);
    this.elements = new Elements(this.fn, kernel, this.params, this.library);
  }

  private makePacking(): Packing | null {
    const { kernel, lane, laneAxis, dtype, position } = this.p;
    const extents = kernel.reduction?.extents as readonly number[];
    const simple = termsOf(position).every((t) => t.factors.length === 0 || (t.factors.length === 1 && (t.factors[0]?.kind === "red" || (t.factors[0]?.kind === "axis" && t.factors[0].axis === laneAxis))));
    if (extents.length !== 1 || !simple || this.extent < panelOf(dtype)) return null;
    const along = strideOf(position, { kind: "axis", axis: laneAxis }) as number;
    const down = strideOf(position, { kind: "red", axis: 0 }) as number;
    const offset = termsOf(position).reduce((n, t) => n + (t.factors.length === 0 ? t.coefficient : 0), 0);
    return packPanels({ dtype, width: panelOf(dtype), columns: this.extent, depth: extents[0] as number, along, down, offset }, lane.buffer);
  }

  code(): KernelCode {
    const { kernel, dot, rowAxis, laneAxis } = this.p;
    const panel = panelOf(this.p.dtype);
    const others = kernel.domain.map((d, a) => (a === laneAxis || a === rowAxis ? 1 : d));
    const block = this.extent >= 8 * panel ? 4 * panel : Math.ceil(this.extent / panel) * panel;
    const rowBlock = this.rows <= 64 ? this.rows : 32;
    const [rowBlocks, blocks] = [Math.ceil(this.rows / rowBlock), Math.ceil(this.extent / block)];
    const c = cut(others.reduce((n, d) => n * d, 1) * rowBlocks, blocks, 1);
    eachUnit(this.fn, [...others, rowBlocks], { ...c, blocks, block: 1, extent: blocks }, (places, b) => {
      const bound = (n: string, step: number, end: number): [string, string] => {
        const from = this.fn.let("i32", `(i32.mul ${n} ${i32(step)})`, "from");
        const to = this.fn.let("i32", add(from, i32(step)), "to");
        return [from, end % step === 0 ? to : this.fn.let("i32", `(select ${to} ${i32(end)} (i32.lt_u ${to} ${i32(end)}))`, "to")];
      };
      const axes = places.slice(0, -1);
      const rows = bound(places.at(-1) as string, rowBlock, this.rows);
      const columns = bound(b, block, this.extent);
      if (this.features.simd && dot && !this.packing) this.dotTiles(axes, rows, columns);
      else if (this.features.simd) this.laneTiles(axes, rows, columns);
      else this.steps(columns, [1], (j) => this.steps(rows, [1], (i) => this.tile(axes, [i], [j], 1, 4)));
    });
    const terms = (kernel.reduction?.extents as readonly number[]).reduce((n, d) => n * d, 1);
    const points = kernel.domain.reduce((n, d) => n * d, 1);
    const rate = this.features.simd ? (this.p.dtype === "float64" ? 0.1 : 0.05) : 1;
    return {
      packings: this.packing ? [this.packing] : [], scratch: 0, own: 0, library: this.library, inPlace: kernel.results.map(() => []),
      passes: [{ name: this.fn.name, text: this.fn.text(), units: c.outer * blocks, cost: points * (terms * rate + evaluationCost(kernel.results)) }],
      how: `product, ${dot && !this.packing ? "lanes along the reduction" : "lanes along the domain"}${this.packing ? ", packed" : ""}`,
    };
  }

  /** Loops from … to in steps, each step taking what the one before left over. */
  private steps([from, to]: readonly [string, string], sizes: readonly number[], write: (i: string, size: number) => void): void {
    let start = from;
    for (const size of sizes) {
      const end = size === 1 ? to : this.fn.let("i32", add(start, `(i32.and (i32.sub ${to} ${start}) ${i32(-size)})`), "end");
      this.fn.loop(start, end, size, (i) => write(i, size));
      start = end;
    }
  }

  private offsets(i: string, count: number, step = 1): string[] {
    return Array.from({ length: count }, (_, n) => (n === 0 ? i : this.fn.let("i32", add(i, i32(n * step)))));
  }

  /** Panels of columns, and in each all rows; the columns that fill no panel in a last one, of which only some lanes are stored. */
  private laneTiles(axes: readonly string[], rows: readonly [string, string], [from, to]: readonly [string, string]): void {
    const panel = panelOf(this.p.dtype);
    const rest = this.extent % panel;
    const end = rest === 0 ? to : this.fn.let("i32", add(from, `(i32.and (i32.sub ${to} ${from}) ${i32(-panel)})`), "end");
    const registers = (n: number, at: readonly [string, string], valid: number): void => {
      const most = tileOf(this.p.dtype, n);
      this.fn.loop(at[0], at[1], panel, (j) => {
        this.steps(rows, most === 4 ? [4, 1] : [2, 1], (i, size) => this.tile(axes, this.offsets(i, size), this.offsets(j, n, 4), 4, valid));
      });
    };
    if (this.extent >= panel) registers(panel / 4, [from, end], 4);
    if (rest > 0) registers(Math.ceil(rest / 4), [end, to], rest % 4 === 0 ? 4 : rest % 4);
  }

  private dotTiles(axes: readonly string[], rows: readonly [string, string], columns: readonly [string, string]): void {
    this.steps(columns, this.p.dtype === "float64" ? [1] : [2, 1], (j, across) => {
      this.steps(rows, [4, 1], (i, size) => this.dotTile(axes, this.offsets(i, size), this.offsets(j, across)));
    });
  }

  private point(axes: readonly string[], row: string, column: string): string[] {
    const { laneAxis, rowAxis } = this.p;
    return axes.map((x, a) => (a === laneAxis ? column : a === rowAxis ? row : x));
  }

  private reductionLoops(lanes: "lanes" | "single", write: (reds: readonly string[], lanes: 1 | 4) => void): void {
    const extents = this.p.kernel.reduction?.extents as readonly number[];
    const nest = (reds: readonly string[]): void => {
      const length = extents[reds.length] as number;
      if (reds.length < extents.length - 1) this.fn.loop(i32(0), i32(length), 1, (k) => nest([...reds, k]), "k");
      else if (lanes === "single") this.fn.loop(i32(0), i32(length), 1, (k) => write([...reds, k], 1), "k");
      else {
        this.fn.loop(i32(0), i32(length & -4), 4, (k) => write([...reds, k], 4), "k");
        if (length % 4 !== 0) this.fn.loop(i32(length & -4), i32(length), 1, (k) => write([...reds, k], 1), "k");
      }
    };
    nest([]);
  }

  /** `acc + a b`, in one rounding where the engine has it and the user allows it. */
  private multiplyAdd(acc: readonly Local[], a: Value, b: Value): void {
    const { dtype } = this.p;
    const lanes = b.lanes;
    const shape = shapeOf(dtype, lanes);
    acc.forEach((l, n) => {
      const [x, y] = [a.parts[n] as string, b.parts[n] as string];
      this.fn.line(l.set(this.features.fma && lanes === 4 ? `(${shape}.relaxed_madd ${x} ${y} ${l.get})` : `(${shape}.add ${l.get} (${shape}.mul ${x} ${y}))`));
    });
  }

  private accumulators(count: number, lanes: 1 | 4): Local[][] {
    const { dtype } = this.p;
    const zero = lanes === 4 ? "(v128.const i32x4 0 0 0 0)" : `(${shapeOf(dtype, 1)}.const 0)`;
    return Array.from({ length: count }, () => Array.from({ length: partCount(dtype, lanes) }, () => {
      const l = this.fn.local(partType(dtype, lanes), "acc");
      this.fn.line(l.set(zero));
      return l;
    }));
  }

  private valueOf(acc: readonly Local[], lanes: 1 | 4): Value {
    return { dtype: this.p.dtype, lanes, parts: acc.map((l) => l.get) };
  }

  /** Rows by registers of columns, one element of the reduction after the other. Of the last register, `valid` lanes are stored. */
  private tile(axes: readonly string[], rows: readonly string[], columns: readonly string[], lanes: 1 | 4, valid: number): void {
    const { lane, other, laneAxis } = this.p;
    const accs = rows.map(() => this.accumulators(columns.length, lanes));
    const along: AxisId | null = lanes === 4 ? { kind: "axis", axis: laneAxis } : null;
    const panel = this.packing ? this.panelAddress(columns[0] as string) : null;
    this.reductionLoops("single", (reds) => {
      const bs = columns.map((j, v) => (panel ? this.packed(panel, reds[0] as string, v) : this.elements.value(lane, { axes: this.point(axes, rows[0] as string, j), reds, lane: along })));
      rows.forEach((i, r) => {
        const a = this.elements.value(other, { axes: this.point(axes, i, columns[0] as string), reds, lane: along });
        const wide = lanes === 4 ? this.splat(a) : a;
        bs.forEach((b, v) => { this.multiplyAdd(accs[r]?.[v] as Local[], wide, b); });
      });
    });
    rows.forEach((i, r) => {
      columns.forEach((j, v) => {
        const acc = this.valueOf(accs[r]?.[v] as Local[], lanes);
        if (lanes === 1 || v < columns.length - 1 || valid === 4) this.elements.storeResults({ axes: this.point(axes, i, j), lane: along, acc });
        else for (let n = 0; n < valid; n++) {
          this.elements.storeResults({ axes: this.point(axes, i, n === 0 ? j : this.fn.let("i32", add(j, i32(n)))), lane: null, acc: settle(this.fn, laneOf(acc, n)) });
        }
      });
    });
  }

  private splat(a: Value): Value {
    return settle(this.fn, widen(this.fn, a));
  }

  private panelAddress(column: string): string {
    const depth = (this.p.kernel.reduction?.extents as readonly number[])[0] as number;
    const panel = panelOf(this.p.dtype);
    return this.fn.let("i32", `(i32.add ${this.params.packings[0]} (i32.mul (i32.div_u ${column} ${i32(panel)}) ${i32(panel * depth * byteSize(this.p.dtype))}))`, "panel");
  }

  /** Register v of a row of a panel. */
  private packed(panel: string, k: string, v: number): Value {
    const { dtype } = this.p;
    const row = panelOf(dtype) * byteSize(dtype);
    const at = this.rowAddress(panel, k, row);
    const parts = partCount(dtype, 4);
    return { dtype, lanes: 4, parts: Array.from({ length: parts }, (_, n) => this.fn.let("v128", `(v128.load offset=${16 * (v * parts + n)} ${at})`)) };
  }

  private last: { readonly key: string; readonly text: string } | null = null;

  private rowAddress(panel: string, k: string, row: number): string {
    const key = `${panel} ${k}`;
    if (this.last?.key !== key) this.last = { key, text: this.fn.let("i32", add(panel, `(i32.mul ${k} ${i32(row)})`), "row") };
    return this.last.text;
  }

  /** Rows by columns, four elements of the reduction at a time. */
  private dotTile(axes: readonly string[], rows: readonly string[], columns: readonly string[]): void {
    const { lane, other } = this.p;
    const inner: AxisId = { kind: "red", axis: (this.p.kernel.reduction?.extents as readonly number[]).length - 1 };
    const wide = rows.map(() => this.accumulators(columns.length, 4));
    const single = rows.map(() => this.accumulators(columns.length, 1));
    this.reductionLoops("lanes", (reds, lanes) => {
      const at = lanes === 4 ? inner : null;
      const bs = columns.map((j) => this.elements.value(lane, { axes: this.point(axes, rows[0] as string, j), reds, lane: at }));
      rows.forEach((i, r) => {
        const a = this.elements.value(other, { axes: this.point(axes, i, columns[0] as string), reds, lane: at });
        bs.forEach((b, v) => { this.multiplyAdd((lanes === 4 ? wide : single)[r]?.[v] as Local[], a, b); });
      });
    });
    rows.forEach((i, r) => {
      columns.forEach((j, v) => {
        const [total] = single[r]?.[v] as [Local];
        const acc = this.valueOf(wide[r]?.[v] as Local[], 4);
        for (let n = 0; n < 4; n++) this.fn.line(total.set(`(${shapeOf(this.p.dtype, 1)}.add ${total.get} ${laneOf(acc, n).parts[0]})`));
        this.elements.storeResults({ axes: this.point(axes, i, j), lane: null, acc: this.valueOf([total], 1) });
      });
    });
  }
}
