/**
 * What the writers of loops share: a pass's parameters, units decoded into places of the domain, and loops over four lanes with a scalar rest.
 * Must not know how expressions are written. Used by all writers of passes.
 */
import type { DType } from "../ir/dtype.js";
import { type Expr, postorder } from "../ir/expr.js";
import type { PassParams } from "./code.js";
import { LANES, partType } from "./lanes.js";
import { type Func, i32, lesser, type Param, type WasmType } from "./wat.js";

/** What a pass is called with: buffers, results, scalars. */
interface Called { readonly params: readonly unknown[]; readonly results: readonly unknown[]; readonly scalars: readonly DType[] }

/** The parameters that every pass has, in the order that code.ts gives. */
export function passParams(of: Called, packings = 0): PassParams {
  const list: Param[] = [{ name: "$from", type: "i32" }, { name: "$to", type: "i32" }];
  const many = (letter: string, types: readonly WasmType[]): string[] => types.map((type, n) => {
    list.push({ name: `$${letter}${n}`, type });
    return `(local.get $${letter}${n})`;
  });
  const addresses = (count: number): WasmType[] => Array.from({ length: count }, () => "i32");
  const buffers = many("b", addresses(of.params.length));
  const results = many("out", addresses(of.results.length));
  const scalars = many("s", of.scalars.map((d) => partType(d, 1)));
  const packed = many("packed", addresses(packings));
  list.push({ name: "$scratch", type: "i32" }, { name: "$own", type: "i32" });
  return { list, buffers, results, scalars, packings: packed };
}

/** How work is cut: `outer` places times `blocks` of the last axis, each of `block` elements but for the last. */
export interface Cut { readonly outer: number; readonly blocks: number; readonly block: number; readonly extent: number }

/** Blocks are whole lanes. Long axes are cut where there are few places outside. */
export function cut(outer: number, extent: number, wanted = 256): Cut {
  const block = outer >= 32 || extent <= wanted ? Math.max(extent, 1) : wanted;
  return { outer, blocks: Math.max(1, Math.ceil(extent / block)), block, extent };
}

/** For each unit of the pass: the places of the outer axes, and where its block begins and ends. */
export function eachUnit(fn: Func, extents: readonly number[], c: Cut, write: (outer: readonly string[], from: string, to: string) => void): void {
  fn.loop("(local.get $from)", "(local.get $to)", 1, (unit) => {
    const place = c.blocks === 1 ? unit : fn.let("i32", `(i32.div_u ${unit} ${i32(c.blocks)})`, "u");
    const outer = decode(fn, place, extents);
    if (c.blocks === 1) {
      write(outer, i32(0), i32(c.extent));
      return;
    }
    const from = fn.let("i32", `(i32.mul (i32.sub ${unit} (i32.mul ${place} ${i32(c.blocks)})) ${i32(c.block)})`, "from");
    const next = fn.let("i32", `(i32.add ${from} ${i32(c.block)})`, "to");
    write(outer, from, c.extent % c.block === 0 ? next : fn.let("i32", lesser(next, i32(c.extent)), "to"));
  }, "u");
}

/** A row-major place as one index per axis. */
export function decode(fn: Func, place: string, extents: readonly number[]): string[] {
  const out: string[] = [];
  let rest = place;
  for (let a = extents.length - 1; a > 0; a--) {
    const extent = extents[a] as number;
    const next = fn.let("i32", `(i32.div_u ${rest} ${i32(Math.max(extent, 1))})`, "i");
    out.unshift(fn.let("i32", `(i32.sub ${rest} (i32.mul ${next} ${i32(extent)}))`, "i"));
    rest = next;
  }
  if (extents.length > 0) out.unshift(rest);
  return out;
}

/** Whether all blocks of a cut are whole lanes, so that nothing is left over. */
export const isWhole = (c: Cut): boolean => c.block % LANES === 0 && c.extent % c.block === 0;

/** Four at a time, then the rest one by one. The bounds are variables or constants. */
export function laneLoops(fn: Func, from: string, to: string, whole: boolean, write: (i: string, lanes: 1 | 4) => void): void {
  if (whole) {
    fn.loop(from, to, LANES, (i) => write(i, 4));
    return;
  }
  const known = from === i32(0) ? /^\(i32\.const (\d+)\)$/.exec(to) : null;
  if (known) {
    const end = Number(known[1]) & -LANES;
    if (end > 0) fn.loop(from, i32(end), LANES, (i) => write(i, 4));
    if (end < Number(known[1])) fn.loop(i32(end), to, 1, (i) => write(i, 1));
    return;
  }
  const end = fn.let("i32", `(i32.add ${from} (i32.and (i32.sub ${to} ${from}) ${i32(-LANES)}))`, "whole");
  fn.loop(from, end, LANES, (i) => write(i, 4));
  fn.loop(end, to, 1, (i) => write(i, 1));
}

const HEAVY: ReadonlySet<string> = new Set(["exp", "log", "log1p", "expm1", "sin", "cos", "tan", "asin", "acos", "atan", "tanh", "sigmoid", "softplus", "erf", "pow", "mod", "floorDiv"]);

/** How many functions that take long an expression has. */
export const heavyNodes = (roots: readonly Expr[]): number => postorder(roots).filter((e) => e.kind === "prim" && e.dtype !== "int32" && HEAVY.has(e.prim)).length;

/** Estimated nanoseconds of evaluating the roots once. */
export const evaluationCost = (roots: readonly Expr[]): number => postorder(roots).reduce((ns, e) => ns + (e.kind === "load" ? 0.2 : e.kind === "prim" ? (HEAVY.has(e.prim) ? 2 : 0.1) : 0), 0.2);
