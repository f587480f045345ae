/**
 * Sums that pick their terms by an index, `sum over k of select(eq(index(k), i), x(k, …), 0)`: what a gradient adds into the rows that were
 * read. Instead of asking every row about every term, the terms of each row are listed first. The same additions in the same order.
 * Must not know plans. Used by kernels.ts.
 */
import { sizeOf } from "../ir/dtype.js";
import { type Expr, postorder } from "../ir/expr.js";
import type { Kernel } from "../ir/kernel.js";
import { Accumulator } from "./accumulate.js";
import type { Features, KernelCode, Pass } from "./code.js";
import { convert, settle } from "./convert.js";
import { Elements } from "./elements.js";
import { cut, decode, eachUnit, evaluationCost, laneLoops, passParams } from "./loops.js";
import { mergeAxes } from "./merge.js";
import { add, Func, i32, times } from "./wat.js";

interface Scatter {
  readonly kernel: Kernel;
  /** The axis of the domain that chooses. */
  readonly axis: number;
  /** int32 over the reduction's axes. */
  readonly index: Expr;
  readonly value: Expr;
}

/** Fewer rows are asked one by one. */
const FEWEST_ROWS = 8;

export function scatterOf(original: Kernel): Scatter | null {
  const kernel = mergeAxes(original);
  const { reduction } = kernel;
  if (reduction?.op !== "sum" || reduction.extents.length === 0) return null;
  const select = reduction.term.kind === "cast" ? reduction.term.arg : reduction.term;
  if (select.kind !== "prim" || select.prim !== "select") return null;
  const [test, value, zero] = select.args as readonly [Expr, Expr, Expr];
  if (test.kind !== "prim" || test.prim !== "eq" || zero.kind !== "const" || zero.value !== 0) return null;
  const sides = test.args as readonly [Expr, Expr];
  for (const [index, row] of [sides, [sides[1], sides[0]] as const]) {
    if (row.kind !== "axis" || index.dtype !== "int32" || row.extent < FEWEST_ROWS) continue;
    if (postorder([index]).some((e) => e.kind === "axis" || e.kind === "acc")) continue;
    return { kernel, axis: row.axis, index, value };
  }
  return null;
}

const head = "(local.get $scratch)";
const word = (base: string, n: string): string => add(base, times(n, 4));

export function scatterCode(s: Scatter, id: string, features: Features): KernelCode {
  return new ScatterWriter(s, id, features).code();
}

/** In `scratch`: for each row its first term or -1, then for each term the next of its row or -1. */
class ScatterWriter {
  private readonly library = new Map<string, string>();
  private readonly extents: readonly number[];
  private readonly terms: number;
  private readonly rows: number;
  private readonly points: number;

  constructor(private readonly scatter: Scatter, private readonly id: string, private readonly features: Features) {
    const { kernel, axis } = scatter;
    this.extents = (kernel.reduction as NonNullable<Kernel["reduction"]>).extents;
    this.terms = sizeOf(this.extents);
    this.rows = kernel.domain[axis] as number;
    this.points = sizeOf(kernel.domain);
  }

  code(): KernelCode {
    const { rows, terms, library } = this;
    const { results } = this.scatter.kernel;
    return { packings: [], own: 0, scratch: 4 * (rows + terms), library, inPlace: results.map(() => []), how: "terms listed by row", passes: [this.lists(), this.sums()] };
  }

  private begin(name: string): { fn: Func; elements: Elements; links: () => string } {
    const { kernel } = this.scatter;
    const params = passParams(kernel);
    const fn = new Func(name, params.list);
    return { fn, elements: new Elements(fn, kernel, params, this.library), links: () => fn.let("i32", add(head, i32(4 * this.rows)), "next") };
  }

  private pass(fn: Func, units: number, cost: number): Pass {
    return { name: fn.name, text: fn.text(), units: this.points === 0 ? 0 : units, cost };
  }

  private lists(): Pass {
    const { rows, terms, scatter } = this;
    const { fn, elements, links } = this.begin(`$${this.id}.lists`);
    fn.loop("(local.get $from)", "(local.get $to)", 1, () => {
      const next = links();
      fn.line(`(memory.fill ${head} (i32.const 255) ${i32(4 * rows)})`);
      // From the last to the first, so that each list begins with its first term.
      fn.loop(i32(0), i32(terms), 1, (n) => {
        const k = fn.let("i32", `(i32.sub ${i32(terms - 1)} ${n})`, "k");
        const row = convert(fn, elements.value(scatter.index, { axes: [], reds: decode(fn, k, this.extents), lane: null }), "int32").parts[0] as string;
        fn.when(`(i32.lt_u ${row} ${i32(rows)})`, () => {
          const place = fn.let("i32", word(head, row));
          fn.line(`(i32.store ${word(next, k)} (i32.load ${place}))`);
          fn.line(`(i32.store ${place} ${k})`);
        });
      });
    });
    return this.pass(fn, 1, rows + 3 * terms);
  }

  private sums(): Pass {
    const { rows, terms, points, features } = this;
    const { kernel: { domain, results, reduction }, axis, value } = this.scatter;
    const { fn, elements, links } = this.begin(`$${this.id}`);
    const last = domain.length - 1;
    const outer = domain.slice(0, -1);
    const c = cut(sizeOf(outer), domain.at(-1) as number);
    eachUnit(fn, outer, c, (places, from, to) => {
      const next = links();
      const element = (i: string, lanes: 1 | 4): void => {
        const axes = [...places, i];
        const lane = lanes === 4 ? ({ kind: "axis", axis: last } as const) : null;
        const acc = new Accumulator({ fn, library: this.library, inline: false }, "sum", (reduction as NonNullable<typeof reduction>).dtype, lanes);
        acc.reset();
        fn.follow(`(i32.load ${word(head, axes[axis] as string)})`, (k) => `(i32.load ${word(next, k)})`, (k) => {
          acc.join(settle(fn, elements.value(value, { axes, reds: decode(fn, k, this.extents), lane })));
        });
        elements.storeResults({ axes, acc: acc.value, lane });
      };
      if (features.simd && axis !== last) laneLoops(fn, from, to, false, element);
      else fn.loop(from, to, 1, (i) => element(i, 1));
    });
    return this.pass(fn, c.outer * c.blocks, points * evaluationCost(results) + (points / rows) * terms * evaluationCost([value]));
  }
}
