/**
 * Decides how a kernel runs as loops: their order, the flat index of every load, and which part of an index each loop owns.
 * Must not know JavaScript text or plans. Next: render.ts writes the loops down.
 */
import { axes, type Expr, type Load, type RedAxis, type Axis, children, postorder, rewrite } from "../ir/expr.js";
import { flatten, iadd, int } from "../ir/index.js";
import { type Kernel, rootsOf, shareEqual } from "../ir/kernel.js";

export interface LoopVar {
  readonly name: string;
  /** The first value, when not 0. */
  readonly from?: number;
  readonly extent: number;
  readonly step?: number;
}

/**
 * `row` form takes this many terms at a time, one after the other, so that accumulators are read and written once for all of them; `inner`
 * form computes this many neighbours at a time, whose additions do not wait for each other. Neither changes the order of any one sum.
 */
const UNROLL = 4;
/** Larger terms and results are dominated by their own work. */
const MAX_UNROLLED_NODES = 24;

/** What one element of the results needs. */
export interface Lane { readonly term: Expr | null; readonly position: Expr; readonly results: readonly Expr[] }

/**
 * `map`: no reduction. `inner`: the reduction is the innermost loop, one accumulator. `row`: the last domain axis is innermost, a row of
 * accumulators; better when memory is contiguous along that axis. Both add in the same order, so they give the same bits.
 */
export type Form = "map" | "inner" | "row";

export interface Lowered extends Lane {
  readonly form: Form;
  /** Domain loops from the outside; in `row` form the last one is the row. Axes of extent 1 have no loop. */
  readonly domain: readonly LoopVar[];
  readonly reduction: readonly LoopVar[];
  /** `row`: the term at successive places of the innermost reduction axis. Empty where that is not unrolled. */
  readonly terms: readonly Expr[];
  /** `inner`: neighbours along the innermost domain axis. Empty where that is not unrolled. */
  readonly lanes: readonly Lane[];
  /** The nodes of index arithmetic, exact by definition, so that they need no wrapping to int32. */
  readonly indexNodes: ReadonlySet<Expr>;
}

const variables = (letter: string, extents: readonly number[]): LoopVar[] =>
  extents.map((extent, a) => ({ name: `${letter}${a}`, extent })).filter((v) => v.extent !== 1);

export const varName = (e: Axis | RedAxis): string => `${e.kind === "axis" ? "i" : "k"}${e.axis}`;

/** `wanted` forces the order of a reduction's loops; without it the memory layout decides. Loads get one flat index each. */
export function lower(kernel: Kernel, wanted?: "inner" | "row"): Lowered {
  const { domain, reduction, results, params } = kernel;
  const position = flatten(axes(domain), domain);
  const flatLoad = (e: Expr): Expr => (e.kind === "load" ? { ...e, index: [flatten(e.index, params[e.buffer]?.shape ?? [])] } : e);
  const roots = [position, ...rootsOf(kernel)];
  const flat = rewrite(roots, flatLoad);
  const domainVars = variables("i", domain);
  const reductionVars = variables("k", reduction?.extents ?? []);
  const form = reduction === null ? "map" : domainVars.length === 0 ? "inner" : (wanted ?? chooseForm(flat.at(-1) as Expr, domainVars, reductionVars));
  const along = form === "row" ? reductionVars.at(-1) : form === "inner" && reductionVars.length > 0 ? domainVars.at(-1) : undefined;
  const copies = along ? unroll(form === "row" ? roots.slice(-1) : roots, along, flatLoad) : [];
  const order = loopOrder(form, domainVars, reductionVars);
  const positions = [0, ...(form === "inner" ? copies.map((_, n) => (n + 1) * roots.length) : [])];
  const all = rewrite([...flat, ...copies.flat()], (e) => (e.kind === "load" ? { ...e, index: [byLevel(e.index[0] as Expr, order)] } : e));
  for (const n of positions) all[n] = byLevel(all[n] as Expr, order);
  const shared = shareEqual(all);
  const lane = (at: number): Lane => ({ position: shared[at] as Expr, results: shared.slice(at + 1, at + 1 + results.length), term: reduction ? (shared[at + roots.length - 1] as Expr) : null });
  return {
    ...lane(0), form, domain: domainVars, reduction: reductionVars,
    terms: form === "row" ? shared.slice(roots.length) : [],
    lanes: positions.slice(1).map(lane),
    indexNodes: findIndexNodes(shared, positions),
  };
}

/** The roots where a loop variable is 0, 1, … further on; none where that is not worth it. */
function unroll(roots: readonly Expr[], along: LoopVar, flatLoad: (e: Expr) => Expr): Expr[][] {
  if (along.extent < UNROLL || postorder(roots).length > MAX_UNROLLED_NODES) return [];
  return Array.from({ length: UNROLL }, (_, by) => rewrite(roots, (e) => (isVar(e, along.name) ? iadd(e, int(by)) : flatLoad(e))));
}

/** Loop variables from the outermost to the innermost, with the level of each. */
function loopOrder(form: Form, domain: readonly LoopVar[], reduction: readonly LoopVar[]): ReadonlyMap<string, number> {
  const vars = form === "row" ? [...domain.slice(0, -1), ...reduction, ...domain.slice(-1)] : [...domain, ...reduction];
  return new Map(vars.map((v, level) => [v.name, level + 1]));
}

/** Weighs the loads: one that does not move along the innermost loop costs nothing, a contiguous one little, a jumping one much. */
function chooseForm(term: Expr, domain: readonly LoopVar[], reduction: readonly LoopVar[]): Form {
  const across = domain.at(-1);
  const along = reduction.at(-1);
  if (!across || !along || across.extent < 4) return "inner";
  const loads = postorder([term]).filter((e): e is Load => e.kind === "load");
  const strides = (name: string): number[] => loads.map((l) => strideAlong(l.index[0] as Expr, name));
  const cost = (s: readonly number[]): number => s.reduce((sum, x) => sum + (x === 0 ? 0 : Math.abs(x) === 1 ? 1 : 4), 0);
  const row = strides(across.name);
  return row.includes(1) && cost(row) + 1 <= cost(strides(along.name)) ? "row" : "inner";
}

/** Elements that an index moves when the variable moves by one; infinite where that is not constant. */
function strideAlong(index: Expr, name: string): number {
  let stride = 0;
  for (const t of terms(index)) {
    if (!uses(t, name)) continue;
    if (isVar(t, name)) stride += 1;
    else if (t.kind === "prim" && t.prim === "mul" && isVar(t.args[0] as Expr, name) && t.args[1]?.kind === "const") stride += t.args[1].value;
    else return Number.POSITIVE_INFINITY;
  }
  return stride;
}

const isVar = (e: Expr, name: string): boolean => (e.kind === "axis" || e.kind === "red") && varName(e) === name;
const uses = (e: Expr, name: string): boolean => postorder([e]).some((x) => isVar(x, name));

/** The summands of an index. */
function terms(e: Expr): Expr[] {
  const out: Expr[] = [];
  const stack = [e];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.kind === "prim" && top.prim === "add") stack.push(top.args[1] as Expr, top.args[0] as Expr);
    else out.push(top);
  }
  return out;
}

const sum = (a: Expr, b: Expr): Expr => ({ kind: "prim", dtype: "int32", prim: "add", args: [a, b] });

/** Reassociates a sum so that what each loop adds is one step: ((what outer loops give) + inner part) + innermost part. */
function byLevel(index: Expr, order: ReadonlyMap<string, number>): Expr {
  const groups = new Map<number, Expr[]>();
  let offset = 0;
  for (const t of terms(index)) {
    if (t.kind === "const") {
      offset += t.value;
      continue;
    }
    const level = postorder([t]).reduce((l, e) => Math.max(l, e.kind === "axis" || e.kind === "red" ? (order.get(varName(e)) ?? 0) : 0), 0);
    groups.set(level, [...(groups.get(level) ?? []), t]);
  }
  const sorted = [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
  if (sorted.length === 0) return int(offset);
  if (offset !== 0) sorted[0] = [...(sorted[0] as Expr[]), int(offset)];
  return sorted.map((group) => group.reduce(sum)).reduce(sum);
}

/** Sums and products directly below a load's index or a position, down to what they are made of. */
function findIndexNodes(roots: readonly Expr[], positions: readonly number[]): Set<Expr> {
  const found = new Set<Expr>();
  const stack = [...positions.map((n) => roots[n] as Expr), ...postorder(roots).flatMap((e) => (e.kind === "load" ? [...e.index] : []))];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (found.has(top) || top.kind !== "prim" || top.dtype !== "int32" || (top.prim !== "add" && top.prim !== "mul")) continue;
    found.add(top);
    stack.push(...children(top));
  }
  return found;
}
