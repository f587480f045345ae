/**
 * Kernel -> JavaScript: the loops that lower.ts chose, with the statements that place.ts makes. The text is what `explain()` shows.
 * Must not know plans or memory. Next: executable.ts calls the function.
 */
import { formatType, type TypedArray } from "../ir/dtype.js";
import type { Expr } from "../ir/expr.js";
import { type Kernel, type Reduction, REDUCE_IDENTITY } from "../ir/kernel.js";
import { type Lane, type Lowered, lower, type LoopVar } from "./lower.js";
import { bare, type Namer, placeExprs, type Scope, scope, scopeLines } from "./place.js";
import { castJs, LIBRARY, literal } from "./prims.js";

/** Runs one kernel over row-major arrays of its parameters' and results' dtypes. */
export type KernelFunction = (buffers: readonly TypedArray[], scalars: readonly number[], results: readonly TypedArray[]) => void;

export interface Rendered {
  readonly source: string;
  /** Length of the row of accumulators; 0 without one. */
  readonly row: number;
}

const loopHeader = (v: LoopVar): string => `for (let ${v.name} = ${v.from ?? 0}; ${v.name} < ${v.extent}; ${v.name}${v.step ? ` += ${v.step}` : "++"})`;

/** A scope, those around it, and the loop variables known there. */
interface Place { readonly scopes: readonly Scope[]; readonly depthOf: ReadonlyMap<string, number> }

const innermost = (p: Place): Scope => p.scopes.at(-1) as Scope;

/** Nests loops inside a place. */
function nest(place: Place, loops: readonly LoopVar[]): Place {
  return loops.reduce((p, v) => enter(p, scope(loopHeader(v)), v.name), place);
}

/** Adds a scope inside a place, where the named variable is known. */
function enter(place: Place, inner: Scope, name: string): Place {
  innermost(place).inner.push(inner);
  return { scopes: [...place.scopes, inner], depthOf: new Map(place.depthOf).set(name, place.scopes.length) };
}

/** The accumulator after one more term. */
function accumulate(r: Reduction, acc: string, text: string): string {
  const x = r.term.dtype !== r.dtype && (r.dtype === "int32" || r.dtype === "bool") ? castJs(text, r.dtype) : text;
  if (r.op === "max" || r.op === "min") return `${acc} = Math.${r.op}(${acc}, ${bare(x)});`;
  if (r.dtype === "bool") return `${acc} = Math.${r.op === "sum" ? "max" : "min"}(${acc}, ${bare(x)});`;
  if (r.dtype === "int32") return r.op === "sum" ? `${acc} = ${acc} + ${x} | 0;` : `${acc} = Math.imul(${acc}, ${bare(x)});`;
  return `${acc} ${r.op === "sum" ? "+=" : "*="} ${bare(x)};`;
}

/** Writes the loops of one kernel. */
class Writer {
  private readonly namer: Namer = { next: 0 };

  constructor(private readonly low: Lowered, private readonly reduction: Reduction | null) {}

  write(root: Scope): void {
    const { low } = this;
    const top: Place = { scopes: [root], depthOf: new Map() };
    const { reduction } = this;
    const last = low.domain.at(-1);
    if (!reduction) this.store(nest(top, low.domain), low, "");
    else if (!last) this.inner(top, [low], reduction);
    else {
      const around = nest(top, low.domain.slice(0, -1));
      if (low.form === "row") this.row(around, last, reduction);
      else for (const [loop, lanes] of inSteps<Lane>(last, low.lanes, low)) this.inner(nest(around, [loop]), lanes, reduction);
    }
  }

  /** One accumulator for each neighbour; the reduction is the innermost loop. */
  private inner(at: Place, lanes: readonly Lane[], reduction: Reduction): void {
    const names = lanes.length === 1 ? ["acc"] : lanes.map((_, n) => `acc${n}`);
    innermost(enter(at, scope(null), "")).lines.push(`let ${names.map((n) => `${n} = ${bare(literal(REDUCE_IDENTITY[reduction.op]))}`).join(", ")};`);
    const deep = this.low.reduction.length > 0 ? nest(at, this.low.reduction) : at;
    const texts = this.place(lanes.map((l) => l.term as Expr), deep, "");
    const inside = this.low.reduction.length > 0 ? innermost(deep) : innermost(enter(at, scope(null), ""));
    texts.forEach((t, n) => { inside.lines.push(accumulate(reduction, names[n] as string, t)); });
    lanes.forEach((lane, n) => { this.store(enter(at, scope(null), "acc"), lane, names[n] as string); });
  }

  /** A row of accumulators along the last domain axis, which is the innermost loop. */
  private row(at: Place, row: LoopVar, reduction: Reduction): void {
    const { low } = this;
    const accumulator = `acc[${row.name}]`;
    innermost(enter(at, scope(null), "")).lines.push(`acc.fill(${bare(literal(REDUCE_IDENTITY[reduction.op]))});`);
    const last = low.reduction.at(-1);
    const around = nest(at, low.reduction.slice(0, -1));
    for (const [loop, terms] of last ? inSteps(last, low.terms, low.term as Expr) : [[null, [low.term as Expr]] as const]) {
      const place = nest(around, loop ? [loop, row] : [row]);
      const texts = this.place(terms, place, accumulator);
      const { lines } = innermost(place);
      if (texts.length === 1) lines.push(accumulate(reduction, accumulator, texts[0] as string));
      else lines.push(`let total = ${accumulator};`, ...texts.map((t) => accumulate(reduction, "total", t)), `${accumulator} = total;`);
    }
    const after = nest(at, [row]);
    this.store({ ...after, depthOf: new Map(after.depthOf).set("acc", at.scopes.length) }, low, accumulator);
  }

  private place(exprs: readonly Expr[], place: Place, accumulator: string): string[] {
    return placeExprs(exprs, { ...place, accumulator }, this.low.indexNodes, this.namer);
  }

  private store(place: Place, lane: Lane, accumulator: string): void {
    const [position, ...values] = this.place([lane.position, ...lane.results], place, accumulator);
    values.forEach((v, n) => { innermost(place).lines.push(`out${n}[${bare(position as string)}] = ${bare(v)};`); });
  }
}

/** A loop in steps over several copies, then one for what is left over; a plain loop where there are no copies. */
function inSteps<T>(v: LoopVar, copies: readonly T[], single: T): [LoopVar, readonly T[]][] {
  const step = copies.length;
  if (step === 0) return [[v, [single]]];
  const whole = v.extent - (v.extent % step);
  const rest: [LoopVar, readonly T[]][] = whole < v.extent ? [[{ name: v.name, from: whole, extent: v.extent }, [single]]] : [];
  return [[{ name: v.name, extent: whole, step }, copies], ...rest];
}

/** `wanted` forces the order of a reduction's loops (see lower.ts). */
export function renderKernel(kernel: Kernel, wanted?: "inner" | "row"): Rendered {
  const low = lower(kernel, wanted);
  const root = scope("");
  new Writer(low, kernel.reduction).write(root);
  return { source: assemble(kernel, root), row: low.form === "row" ? (low.domain.at(-1) as LoopVar).extent : 0 };
}

function assemble(kernel: Kernel, root: Scope): string {
  const lines = ['"use strict";'];
  kernel.params.forEach((p, n) => lines.push(`const b${n} = buffers[${n}]; // ${formatType(p.dtype, p.shape)}`));
  kernel.scalars.forEach((d, n) => lines.push(`const s${n} = scalars[${n}]; // ${d}`));
  kernel.results.forEach((r, n) => lines.push(`const out${n} = results[${n}]; // ${formatType(r.dtype, kernel.domain)}`));
  const body = [...root.lines, ...root.inner.flatMap((s) => scopeLines(s, ""))];
  return ["function kernel(buffers, scalars, results) {", ...[...lines, ...body].map((l) => `  ${l}`), "}"].join("\n");
}

/** The function of a rendered kernel; its accumulators are its own and are reused by each call. */
export function buildKernel({ source, row }: Rendered): KernelFunction {
  const make = new Function("lib", "acc", `return ${source};`) as (lib: typeof LIBRARY, acc: Float64Array) => KernelFunction;
  return make(LIBRARY, new Float64Array(row));
}
