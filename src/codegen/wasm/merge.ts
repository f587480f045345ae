/**
 * The same kernel over fewer axes: neighbouring axes become one where every index moves along them as along one, so that loops are long.
 * Must not know text. Used by kernels.ts.
 */
import { sizeOf } from "../ir/dtype.js";
import { axis, type Expr, postorder, redAxis, rewrite } from "../ir/expr.js";
import { flatten, idiv, imod } from "../ir/index.js";
import { type Kernel, rootsOf, withRoots } from "../ir/kernel.js";
import { allProven, isDivision } from "./flat.js";

type Kind = "axis" | "red";

const AXIS: Readonly<Record<Kind, (at: number, extent: number) => Expr>> = { axis, red: redAxis };

/** Counts the divisions and remainders, which stay where axes do not merge. */
const divisions = (roots: readonly Expr[]): number => postorder(roots).filter(isDivision).length;

/** Loads by position in a one-dimensional buffer: what indices of merged axes are compared in. */
function flat(k: Kernel): Kernel {
  const change = (e: Expr): Expr => (e.kind === "load" && e.index.length !== 1 ? { ...e, index: [flatten(e.index, k.params[e.buffer]?.shape ?? [])] } : e);
  const roots = rewrite(rootsOf(k), change);
  return withRoots({ ...k, params: k.params.map((p) => ({ ...p, shape: [sizeOf(p.shape)] })) }, roots);
}

/** Axes `at` and `at + 1` as one; null where that leaves a division. */
function mergeAt(k: Kernel, kind: Kind, at: number): Kernel | null {
  const extents = kind === "axis" ? k.domain : (k.reduction?.extents ?? []);
  const [outer, inner] = [extents[at] as number, extents[at + 1] as number];
  const merged = AXIS[kind](at, outer * inner);
  const change = (e: Expr): Expr => {
    if (e.kind !== kind) return e;
    if (e.axis === at) return idiv(merged, inner);
    if (e.axis === at + 1) return imod(merged, inner);
    return e.axis > at + 1 ? AXIS[kind](e.axis - 1, e.extent) : e;
  };
  const before = rootsOf(k);
  const renewed = rewrite(before, change);
  const settled = rewrite(renewed, (e) => (e.kind === "load" ? { ...e, index: e.index.map((i) => flatten([i], [1])) } : e));
  if (divisions(settled) > divisions(before)) return null;
  const shorter = [...extents.slice(0, at), outer * inner, ...extents.slice(at + 2)];
  const next = kind === "axis" ? { ...k, domain: shorter } : { ...k, reduction: k.reduction && { ...k.reduction, extents: shorter } };
  return withRoots(next, settled);
}

/** Removes an axis of extent 1. */
function dropUnit(k: Kernel, kind: Kind, at: number): Kernel {
  const roots = rewrite(rootsOf(k), (e) => (e.kind === kind && e.axis > at ? AXIS[kind](e.axis - 1, e.extent) : e));
  const drop = (list: readonly number[]): number[] => list.filter((_, a) => a !== at);
  const next = kind === "axis" ? { ...k, domain: drop(k.domain) } : { ...k, reduction: k.reduction && { ...k.reduction, extents: drop(k.reduction.extents) } };
  return withRoots(next, roots);
}

/** Writers ask in turn whether a kernel is one of theirs: each sees the same axes. */
const merged = new WeakMap<Kernel, Kernel>();

/** Only kernels all of whose loads are known to be in their buffers: positions in merged buffers could not tell. */
export function mergeAxes(kernel: Kernel): Kernel {
  const made = merged.get(kernel) ?? merge(kernel);
  merged.set(kernel, made);
  return made;
}

function merge(kernel: Kernel): Kernel {
  if (!allProven(rootsOf(kernel), kernel.params)) return kernel;
  let k = flat(kernel);
  for (const kind of ["axis", "red"] as const) {
    const extents = (): readonly number[] => (kind === "axis" ? k.domain : (k.reduction?.extents ?? []));
    for (let a = extents().length - 1; a >= 0; a--) if (extents()[a] === 1) k = dropUnit(k, kind, a);
    for (let a = extents().length - 2; a >= 0; a--) k = mergeAt(k, kind, a) ?? k;
  }
  return k;
}
