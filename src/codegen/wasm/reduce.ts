/**
 * Kernels with a reduction that are no products of matrices. Lanes lie along the reduction (sums of rows) or along the domain (sums of
 * columns), whichever reads memory in order; long reductions of few elements are cut into blocks that threads share. The order of additions is
 * a matter of shapes alone. Must not know plans. Used by kernels.ts.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import { type Expr, type Load, postorder } from "../ir/expr.js";
import type { Kernel, Reduction } from "../ir/kernel.js";
import { Accumulator } from "./accumulate.js";
import type { Features, KernelCode, Pass } from "./code.js";
import { Elements } from "./elements.js";
import { type AxisId, flattenLoads, positionOf, strideOf } from "./flat.js";
import { type Cut, cut, eachUnit, evaluationCost, heavyNodes, laneLoops, passParams } from "./loops.js";
import { mergeAxes } from "./merge.js";
import type { Site } from "./prims.js";
import { add, Func, i32, times } from "./wat.js";

type Form = "along" | "across" | "single";

/** Larger reductions of fewer elements are cut into blocks of about so many terms. */
const LONG = 65536;
const BLOCK_TERMS = 16384;
const MOST_BLOCKS = 64;
/** Neighbouring registers that one loop over the reduction serves. */
const TILE = 4;
const SMALL_TERM = 14;


export function reduceCode(original: Kernel, id: string, features: Features): KernelCode {
  return new ReduceWriter(mergeAxes(original), id, features).code();
}

/** Weighs the loads along the last axis of the domain and of the reduction: one that stays costs nothing, the next element little, a jump much. */
function chooseForm(k: Kernel, r: Reduction, features: Features): Form {
  if (!features.simd) return "single";
  const [term] = flattenLoads([r.term], k.params) as [Expr];
  const loads = postorder([term]).filter((e): e is Load => e.kind === "load");
  const cost = (id: AxisId): number => loads.reduce((sum, l) => {
    const stride = strideOf(positionOf(l), id);
    return sum + (stride === 0 ? 0 : stride === 1 ? 1 : 4);
  }, 0);
  const across = (k.domain.at(-1) ?? 0) >= 4 ? cost({ kind: "axis", axis: k.domain.length - 1 }) : Number.POSITIVE_INFINITY;
  const along = (r.extents.at(-1) ?? 0) >= 4 ? cost({ kind: "red", axis: r.extents.length - 1 }) : Number.POSITIVE_INFINITY;
  if (!Number.isFinite(across) && !Number.isFinite(along)) return "single";
  return across <= along ? "across" : "along";
}

class ReduceWriter {
  private readonly reduction: Reduction;
  private readonly form: Form;
  private readonly library = new Map<string, string>();
  /** How many blocks the outermost axis of the reduction is cut into; 1 is not at all. */
  private readonly blocks: number;
  private readonly inline: "inline" | "call";

  constructor(private readonly kernel: Kernel, private readonly id: string, features: Features) {
    this.reduction = kernel.reduction as Reduction;
    this.form = chooseForm(kernel, this.reduction, features);
    const terms = sizeOf(this.reduction.extents);
    const long = terms >= LONG && sizeOf(kernel.domain) * 16 <= terms;
    this.blocks = long ? Math.min(MOST_BLOCKS, Math.ceil(terms / BLOCK_TERMS), this.reduction.extents[0] ?? 1) : 1;
    this.inline = heavyNodes([this.reduction.term]) <= 2 ? "inline" : "call";
  }

  code(): KernelCode {
    const { kernel, reduction, blocks, form } = this;
    const points = sizeOf(kernel.domain);
    const cost = points * (sizeOf(reduction.extents) * evaluationCost([reduction.term]) + evaluationCost(kernel.results));
    const passes = blocks === 1 ? [this.whole(cost)] : [this.partial(cost), this.combine(points * blocks * 2)];
    return {
      packings: [], passes, library: this.library, own: 0, scratch: blocks === 1 ? 0 : blocks * points * byteSize(reduction.dtype), inPlace: kernel.results.map(() => []),
      how: `${form === "single" ? "one by one" : `four lanes ${form} the reduction`}${blocks > 1 ? `, in ${blocks} blocks` : ""}`,
    };
  }

  private begin(suffix: string): { fn: Func; site: Site; elements: Elements } {
    const params = passParams(this.kernel);
    const fn = new Func(`$${this.id}${suffix}`, params.list);
    return { fn, site: { fn, library: this.library, inline: this.inline === "inline" }, elements: new Elements(fn, this.kernel, params, this.library, this.inline) };
  }

  private passOf(fn: Func, units: number, cost: number): Pass {
    return { name: fn.name, text: fn.text(), units: sizeOf(this.kernel.domain) === 0 ? 0 : units, cost };
  }

  /** Domain places in one go, results at once. */
  private whole(cost: number): Pass {
    const { fn, site, elements } = this.begin("");
    const { domain, reduction } = this;
    const all = { from: i32(0), to: i32(reduction.extents[0] ?? 1) };
    const store = (axes: readonly string[], acc: Accumulator, lanes: 1 | 4): void => elements.storeResults({ axes, acc: acc.value, lane: lanes === 4 ? { kind: "axis", axis: domain.length - 1 } : null });
    if (this.form !== "across") {
      eachUnit(fn, domain.slice(0, -1), this.everyPoint(), (outer, from, to) => {
        this.points(fn, from, to, (i) => this.along(site, elements, [...outer, ...i], all, (acc) => store([...outer, ...i], acc, 1)));
      });
      const c = this.everyPoint();
      return this.passOf(fn, c.outer * c.blocks, cost);
    }
    const c = cut(sizeOf(domain.slice(0, -1)), domain.at(-1) as number, 64);
    eachUnit(fn, domain.slice(0, -1), c, (outer, from, to) => {
      this.across(site, elements, outer, from, to, all, (axes, acc, lanes) => store(axes, acc, lanes));
    });
    return this.passOf(fn, c.outer * c.blocks, cost);
  }

  private get domain(): readonly number[] {
    return this.kernel.domain;
  }

  /** Units of a few points each. */
  private everyPoint(): Cut {
    return cut(sizeOf(this.domain.slice(0, -1)), this.domain.at(-1) ?? 1, 4);
  }

  private points(fn: Func, from: string, to: string, write: (i: readonly string[]) => void): void {
    if (this.domain.length === 0) write([]);
    else fn.loop(from, to, 1, (i) => write([i]));
  }

  /** The accumulator of one element, lanes along the reduction. */
  private along(site: Site, elements: Elements, axes: readonly string[], first: Bounds, done: (acc: Accumulator) => void): void {
    const { reduction, form } = this;
    const acc = new Accumulator(site, reduction.op, reduction.dtype, 1);
    acc.reset();
    const lane: AxisId = { kind: "red", axis: reduction.extents.length - 1 };
    const wide = form === "along" ? new Accumulator(site, reduction.op, reduction.dtype, 4) : null;
    wide?.reset();
    this.reductionLoops(site.fn, first, wide !== null, (reds, lanes) => {
      (lanes === 4 && wide ? wide : acc).join(elements.value(reduction.term, { axes, reds, lane: lanes === 4 ? lane : null }));
    });
    if (wide) acc.joinLanes(wide);
    done(acc);
  }

  /** Accumulators of neighbours from … to of the last axis. */
  private across(site: Site, elements: Elements, outer: readonly string[], from: string, to: string, first: Bounds, done: (axes: readonly string[], acc: Accumulator, lanes: 1 | 4) => void): void {
    const { fn } = site;
    const { reduction } = this;
    const lane: AxisId = { kind: "axis", axis: this.domain.length - 1 };
    const tile = (i: string, registers: number, lanes: 1 | 4): void => {
      const places = Array.from({ length: registers }, (_, n) => (n === 0 ? i : fn.let("i32", add(i, i32(4 * n)))));
      const accs = places.map(() => new Accumulator(site, reduction.op, reduction.dtype, lanes));
      for (const a of accs) a.reset();
      this.reductionLoops(fn, first, false, (reds) => {
        accs.forEach((a, n) => { a.join(elements.value(reduction.term, { axes: [...outer, places[n] as string], reds, lane: lanes === 4 ? lane : null })); });
      });
      accs.forEach((a, n) => { done([...outer, places[n] as string], a, lanes); });
    };
    const wide = postorder([reduction.term]).length <= SMALL_TERM && (this.domain.at(-1) as number) >= 4 * TILE;
    let start = from;
    if (wide) {
      const end = fn.let("i32", add(from, `(i32.and (i32.sub ${to} ${from}) ${i32(-4 * TILE)})`), "tiles");
      fn.loop(from, end, 4 * TILE, (i) => tile(i, TILE, 4));
      start = end;
    }
    laneLoops(fn, start, to, false, (i, lanes) => tile(i, 1, lanes));
  }

  private reductionLoops(fn: Func, first: Bounds, lanes: boolean, write: (reds: readonly string[], lanes: 1 | 4) => void): void {
    const { extents } = this.reduction;
    const nest = (reds: readonly string[]): void => {
      const n = reds.length;
      if (n === extents.length) {
        write(reds, 1);
        return;
      }
      const { from, to } = n === 0 ? first : { from: i32(0), to: i32(extents[n] as number) };
      if (n === extents.length - 1 && lanes) laneLoops(fn, from, to, false, (k, width) => write([...reds, k], width));
      else fn.loop(from, to, 1, (k) => nest([...reds, k]), "k");
    };
    nest([]);
  }

  /** One block of the reduction at a time; accumulators go to `scratch`, block by block over the whole domain. */
  private partial(cost: number): Pass {
    const { fn, site, elements } = this.begin(".blocks");
    const { domain, reduction, blocks } = this;
    const length = reduction.extents[0] as number;
    const outer = domain.slice(0, -1);
    fn.loop("(local.get $from)", "(local.get $to)", 1, (unit) => {
      const bound = (n: string): string => fn.let("i32", `(i32.div_u (i32.mul ${n} ${i32(Math.ceil(length / blocks / 4) * 4 * blocks)}) ${i32(blocks)})`);
      const least = (x: string): string => fn.let("i32", `(select ${x} ${i32(length)} (i32.lt_u ${x} ${i32(length)}))`);
      const part = { from: least(bound(unit)), to: least(bound(`(i32.add ${unit} ${i32(1)})`)) };
      const saved = fn.let("i32", add("(local.get $scratch)", times(`(i32.mul ${unit} ${i32(sizeOf(domain))})`, byteSize(reduction.dtype))));
      eachPlace(fn, outer, (places, flat) => {
        const extent = domain.at(-1) ?? 1;
        const at = (i: string): string => (domain.length === 0 ? i32(0) : `(i32.add (i32.mul ${flat} ${i32(extent)}) ${i})`);
        if (this.form === "across") this.across(site, elements, places, i32(0), i32(extent), part, (axes, acc) => acc.save(saved, at(axes.at(-1) as string)));
        else this.points(fn, i32(0), i32(extent), (i) => this.along(site, elements, [...places, ...i], part, (acc) => acc.save(saved, at(i[0] ?? i32(0)))));
      });
    }, "u");
    return this.passOf(fn, blocks, cost);
  }

  private combine(cost: number): Pass {
    const { fn, site, elements } = this.begin("");
    const { domain, reduction, blocks } = this;
    const c = this.everyPoint();
    eachUnit(fn, domain.slice(0, -1), c, (outer, from, to) => {
      this.points(fn, from, to, (i) => {
        const axes = [...outer, ...i];
        const flat = axes.reduce((text, x, a) => (a === 0 ? x : `(i32.add (i32.mul ${text} ${i32(domain[a] as number)}) ${x})`), i32(0));
        const acc = new Accumulator(site, reduction.op, reduction.dtype, 1);
        acc.reset();
        const place = fn.let("i32", flat);
        fn.loop(i32(0), i32(blocks), 1, (b) => acc.joinSaved("(local.get $scratch)", `(i32.add (i32.mul ${b} ${i32(sizeOf(domain))}) ${place})`));
        elements.storeResults({ axes, acc: acc.value, lane: null });
      });
    });
    return this.passOf(fn, c.outer * c.blocks, cost);
  }
}

/** A part of the outermost axis of a reduction. */
interface Bounds { readonly from: string; readonly to: string }

/** Loops over all places of some axes, with the row-major place. */
function eachPlace(fn: Func, extents: readonly number[], write: (places: readonly string[], flat: string) => void): void {
  const nest = (places: readonly string[], flat: string): void => {
    if (places.length === extents.length) {
      write(places, flat);
      return;
    }
    const extent = extents[places.length] as number;
    fn.loop(i32(0), i32(extent), 1, (i) => nest([...places, i], fn.let("i32", places.length === 0 ? i : `(i32.add (i32.mul ${flat} ${i32(extent)}) ${i})`)));
  };
  nest([], i32(0));
}
