/**
 * The shape of a launch: loads become flat positions, axes that every load walks as one are merged, and rows are dealt to cells in tiles.
 * Works on kernels only: expressions in, expressions out. Must not know gpu.js' source. Next: render.ts emits what comes out of here.
 */
import { axis, children, type Expr, type Load, load, postorder, prim, redAxis, scalar } from "../ir/expr.js";
import { flatten, iadd, imul, int, rangeOf } from "../ir/index.js";
import { type Kernel, type ReduceOp, substitute } from "../ir/kernel.js";
import { type Affine, affine } from "./affine.js";
import type { Target } from "./target.js";

/** A kernel ready to be written down. Every load has one index, the flat position. */
export interface Shaped {
  /** Merged axes; the last is x. */
  readonly domain: readonly number[];
  readonly reduction: {
    readonly op: ReduceOp;
    readonly extents: readonly number[];
    /** Per accumulator; those of one row are added together after the loop. */
    readonly terms: readonly { readonly row: number; readonly term: Expr }[];
  } | null;
  /** One value per row of the tile. Accumulators are `accOf(row)`. */
  readonly values: readonly Expr[];
  /** Rows per cell; the row axis of `domain` is divided by it already. */
  readonly tile: number;
}

/** How the finished reduction of a row is written inside `Shaped.values`: a scalar with a negative number. */
export const accOf = (row: number): Expr => scalar(-1 - row, "float32");

/** Devices put tiles in order with float32 arithmetic on cell numbers. */
const MOST_TILED = 8388608;
/** Loops shorter than this gain nothing from more than one accumulator. */
const WAYS_MIN = 8;

/** Shapes one result of a kernel. */
export function shapeKernel(k: Kernel, result: number, target: Target): Shaped {
  const out = k.results[result] as Expr;
  const reads = k.reduction !== null && postorder([out]).some((e) => e.kind === "acc");
  const live = reads && k.reduction?.extents.every((e) => e > 0) ? k.reduction : null;
  const roots = live ? [out, live.term] : [out];
  const flat = flattenLoads(roots, k, target);
  const merged = mergeAxes(flat, k.domain, live?.extents ?? []);
  const [value, term] = merged.roots as [Expr, Expr?];
  if (!reads || k.reduction === null) return { domain: merged.domain, reduction: null, values: [value], tile: 1 };
  if (!live || !term) {
    return { domain: merged.domain, reduction: { op: k.reduction.op, extents: [0], terms: [] }, values: [nameAcc(value, 0)], tile: 1 };
  }
  const long = merged.reds.reduce((a, b) => a * b, 1) >= target.tileFrom;
  const tile = long ? tileOf(term, merged.domain) : 1;
  if (tile > 1) return tiled(merged.domain, merged.reds, live.op, value, term, tile);
  const ways = live.op === "sum" ? waysOf(merged.reds, target.accumulators) : 1;
  const last = merged.reds.length - 1;
  const extents = merged.reds.map((e, r) => (r === last ? e / ways : e));
  const terms = range(ways).map((u) => ({ row: 0, term: ways === 1 ? term : shift(term, "red", last, ways, u, extents[last] as number) }));
  return { domain: merged.domain, reduction: { op: live.op, extents, terms }, values: [nameAcc(value, 0)], tile: 1 };
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const nameAcc = (value: Expr, row: number): Expr => substitute([value], (e) => (e.kind === "acc" ? accOf(row) : undefined))[0] as Expr;

/** Replaces axis `n` by `by * axis + offset`. */
function shift(e: Expr, kind: "axis" | "red", n: number, by: number, offset: number, extent: number): Expr {
  const inner = kind === "axis" ? axis(n, extent) : redAxis(n, extent);
  const moved = iadd(imul(inner, int(by)), int(offset));
  return substitute([e], (x) => (x.kind === kind && x.axis === n ? moved : undefined))[0] as Expr;
}

function tiled(domain: readonly number[], reds: readonly number[], op: ReduceOp, value: Expr, term: Expr, tile: number): Shaped {
  const rows = (domain[0] as number) / tile;
  const at = (e: Expr, c: number): Expr => shift(e, "axis", 0, tile, c, rows);
  return {
    domain: [rows, domain[1] as number],
    reduction: { op, extents: reds, terms: range(tile).map((row) => ({ row, term: at(term, row) })) },
    values: range(tile).map((row) => at(nameAcc(value, row), row)),
    tile,
  };
}

/** Rows that one cell does: as many as divide the row axis, up to gpu.js' Array(4), when rows share a load. */
function tileOf(term: Expr, domain: readonly number[]): number {
  if (domain.length !== 2 || (domain[0] as number) * (domain[1] as number) > MOST_TILED) return 1;
  const loads = postorder([term]).filter((e) => e.kind === "load");
  const dependsOnRow = (e: Expr): boolean => postorder([e]).some((x) => x.kind === "axis" && x.axis === 0);
  if (!loads.some((l) => !dependsOnRow(l))) return 1;
  return [4, 3, 2].find((n) => (domain[0] as number) % n === 0) ?? 1;
}

function waysOf(reds: readonly number[], wanted: number): number {
  const last = reds.at(-1) ?? 1;
  if (last < WAYS_MIN) return 1;
  return [4, 3, 2].find((n) => n <= wanted && last % n === 0) ?? 1;
}

/** Loads reachable from a chosen side of a `select`: they may be out of bounds where the other side is chosen. */
function guardedLoads(roots: readonly Expr[]): Set<Expr> {
  const guarded = new Set<Expr>();
  for (const e of [...postorder(roots)].reverse()) {
    if (e.kind === "prim" && e.prim === "select") for (const a of e.args.slice(1)) guarded.add(a);
    if (guarded.has(e)) for (const k of children(e)) guarded.add(k);
  }
  return guarded;
}

/** A position held inside 0 … n-1, unless it is so already: WebAssembly traps where a GPU reads anything. */
function clamp(e: Expr, n: number): Expr {
  const { min, max } = rangeOf(e);
  return min >= 0 && max < n ? e : prim("min", prim("max", e, int(0)), int(n - 1));
}

function flattenLoads(roots: readonly Expr[], k: Kernel, target: Target): Expr[] {
  const guarded = target.arena ? guardedLoads(roots) : new Set<Expr>();
  const made = new Map<Expr, Expr>();
  const flat = (e: Load, kids: readonly Expr[]): Expr => {
    const shape = k.params[e.buffer]?.shape ?? [];
    const index = guarded.has(e) ? kids.map((i, a) => clamp(i, shape[a] as number)) : kids;
    return load(e.buffer, e.dtype, [flatten(index, shape)]);
  };
  for (const e of postorder(roots)) {
    const kids = children(e).map((c) => made.get(c) as Expr);
    if (e.kind === "load") made.set(e, flat(e, kids));
    else if (e.kind === "prim") made.set(e, { ...e, args: kids });
    else if (e.kind === "cast") made.set(e, { ...e, arg: kids[0] as Expr });
    else made.set(e, e);
  }
  return roots.map((r) => made.get(r) as Expr);
}

/** Axes that are used otherwise than as coefficient x axis in a load. */
function pinnedAxes(roots: readonly Expr[], parts: ReadonlyMap<Expr, Affine>): { axes: Set<number>; reds: Set<number> } {
  const axes = new Set<number>();
  const reds = new Set<number>();
  const seen = new Set<Expr>();
  const stack: Expr[] = [...roots];
  for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    if (e.kind === "axis") axes.add(e.axis);
    else if (e.kind === "red") reds.add(e.axis);
    else if (e.kind === "load") for (const o of (parts.get(e) as Affine).opaque) stack.push(o.factor);
    else stack.push(...children(e));
  }
  return { axes, reds };
}

/** Groups of consecutive axes that every load walks as one axis. Axes of extent 1 vanish. */
function groupAxes(extents: readonly number[], pinned: ReadonlySet<number>, coefficients: readonly ReadonlyMap<number, number>[]): number[][] {
  const groups: number[][] = [];
  extents.forEach((e, a) => {
    if (e === 1) return;
    const group = groups.at(-1);
    const before = group?.at(-1);
    const joins = group !== undefined && before !== undefined && !pinned.has(a) && !pinned.has(before)
      && coefficients.every((c) => (c.get(before) ?? 0) === (c.get(a) ?? 0) * e);
    if (joins) group.push(a);
    else groups.push([a]);
  });
  return groups;
}

const product = (group: readonly number[], extents: readonly number[]): number => group.reduce((n, a) => n * (extents[a] as number), 1);

function mergeAxes(roots: readonly Expr[], domain: readonly number[], reds: readonly number[]): { roots: Expr[]; domain: number[]; reds: number[] } {
  const parts = new Map<Expr, Affine>();
  for (const e of postorder(roots)) if (e.kind === "load") parts.set(e, affine(e.index[0] as Expr));
  const pinned = pinnedAxes(roots, parts);
  const all = [...parts.values()];
  const axisGroups = groupAxes(domain, pinned.axes, all.map((p) => p.axes));
  const redGroups = groupAxes(reds, pinned.reds, all.map((p) => p.reds));
  const newDomain = axisGroups.map((g) => product(g, domain));
  const newReds = redGroups.map((g) => product(g, reds));
  const axisAt = (g: number): Expr => axis(g, newDomain[g] as number);
  const redAt = (g: number): Expr => redAxis(g, newReds[g] as number);
  const renumber = (e: Expr): Expr | undefined => {
    if (e.kind === "axis") return axisAt(axisGroups.findIndex((g) => g.includes(e.axis)));
    if (e.kind === "red") return redAt(redGroups.findIndex((g) => g.includes(e.axis)));
    return undefined;
  };
  const position = (p: Affine, opaque: readonly Expr[]): Expr => {
    let sum: Expr = int(p.constant);
    axisGroups.forEach((g, n) => { sum = iadd(sum, imul(axisAt(n), int(p.axes.get(g.at(-1) as number) ?? 0))); });
    redGroups.forEach((g, n) => { sum = iadd(sum, imul(redAt(n), int(p.reds.get(g.at(-1) as number) ?? 0))); });
    p.opaque.forEach((o, n) => { sum = iadd(sum, imul(opaque[n] as Expr, int(o.coefficient))); });
    return sum;
  };
  const made = new Map<Expr, Expr>();
  for (const e of postorder(roots)) {
    const kids = children(e).map((c) => made.get(c) as Expr);
    const p = parts.get(e);
    if (e.kind === "load" && p) made.set(e, load(e.buffer, e.dtype, [position(p, p.opaque.map((o) => made.get(o.factor) as Expr))]));
    else if (e.kind === "prim") made.set(e, { ...e, args: kids });
    else if (e.kind === "cast") made.set(e, { ...e, arg: kids[0] as Expr });
    else made.set(e, renumber(e) ?? e);
  }
  return { roots: roots.map((r) => made.get(r) as Expr), domain: newDomain, reds: newReds };
}
