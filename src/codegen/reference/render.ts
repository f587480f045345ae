/**
 * Kernel -> JavaScript: the loops that lower.ts chose, with the statements that place.ts makes. The text is what `explain()` shows.
 * Must not know plans or memory. Next: executable.ts calls the function.
 */
import { formatType, type TypedArray } from "../ir/dtype.js";
import type { Expr } from "../ir/expr.js";
import { type Kernel, type Reduction, REDUCE_IDENTITY } from "../ir/kernel.js";
import { type Lowered, lower, type LoopVar } from "./lower.js";
import { bare, type Chain, type Namer, placeExprs, type Scope, scope, scopeLines } from "./place.js";
import { castJs, LIBRARY, literal } from "./prims.js";

/** Runs one kernel over row-major arrays of its parameters' and results' dtypes. */
export type KernelFunction = (buffers: readonly TypedArray[], scalars: readonly number[], results: readonly TypedArray[]) => void;

export interface Rendered {
  readonly source: string;
  /** Length of the row of accumulators; 0 without one. */
  readonly row: number;
}

const loopHeader = (v: LoopVar): string => `for (let ${v.name} = ${v.from ?? 0}; ${v.name} < ${v.extent}; ${v.name}${v.step ? ` += ${v.step}` : "++"})`;

/** Nests loops below `from`; the scopes from `from` to the innermost. */
function nest(from: readonly Scope[], loops: readonly LoopVar[], depthOf: Map<string, number>): Scope[] {
  const scopes = [...from];
  for (const v of loops) {
    const inner = scope(loopHeader(v));
    (scopes.at(-1) as Scope).inner.push(inner);
    depthOf.set(v.name, scopes.length);
    scopes.push(inner);
  }
  return scopes;
}

/** The accumulator after one more term. */
function accumulate(r: Reduction, acc: string, text: string): string {
  const x = r.term.dtype !== r.dtype && (r.dtype === "int32" || r.dtype === "bool") ? castJs(text, r.dtype) : text;
  if (r.op === "max" || r.op === "min") return `${acc} = Math.${r.op}(${acc}, ${bare(x)});`;
  if (r.dtype === "bool") return `${acc} = Math.${r.op === "sum" ? "max" : "min"}(${acc}, ${bare(x)});`;
  if (r.dtype === "int32") return r.op === "sum" ? `${acc} = ${acc} + ${x} | 0;` : `${acc} = Math.imul(${acc}, ${bare(x)});`;
  return `${acc} ${r.op === "sum" ? "+=" : "*="} ${bare(x)};`;
}

/** Some successive terms and where they are added. */
interface TermPart { readonly chain: Chain; readonly terms: readonly Expr[] }

/** Where terms are computed and where results are: ways that share the outer scopes. */
interface Ways { readonly parts: readonly TermPart[]; readonly results: Chain }

function makeWays(root: Scope, low: Lowered, reduction: Reduction | null): Ways {
  const depthOf = new Map<string, number>();
  const row = low.form === "row" ? (low.domain.at(-1) as LoopVar) : null;
  const outer = nest([root], row ? low.domain.slice(0, -1) : low.domain, depthOf);
  if (!reduction) return { parts: [], results: { scopes: outer, depthOf, accumulator: "" } };
  const at = outer.at(-1) as Scope;
  const identity = literal(REDUCE_IDENTITY[reduction.op]);
  const start = scope(null);
  start.lines.push(row ? `acc.fill(${bare(identity)});` : `let acc = ${bare(identity)};`);
  at.inner.push(start);
  const accumulator = row ? `acc[${row.name}]` : "acc";
  const parts = makeParts(outer, low, row, depthOf, accumulator);
  const after = scope(row ? loopHeader(row) : null);
  at.inner.push(after);
  const resultDepths = new Map(depthOf).set("acc", outer.length);
  if (row) resultDepths.set(row.name, outer.length);
  return { parts, results: { scopes: [...outer, after], depthOf: resultDepths, accumulator } };
}

/** The reduction's loops; an unrolled loop is followed by one for the terms that are left over. */
function makeParts(outer: readonly Scope[], low: Lowered, row: LoopVar | null, depthOf: ReadonlyMap<string, number>, accumulator: string): TermPart[] {
  const depths = new Map(depthOf);
  const inner = row ? [row] : [];
  const part = (from: readonly Scope[], loops: readonly LoopVar[], terms: readonly Expr[]): TermPart => ({ chain: { scopes: nest(from, [...loops, ...inner], depths), depthOf: depths, accumulator }, terms });
  const term = low.term as Expr;
  const last = low.reduction.at(-1);
  const step = low.unrolled.length;
  if (!last || step === 0) return [part(outer, low.reduction, [term])];
  const around = nest(outer, low.reduction.slice(0, -1), depths);
  const whole = last.extent - (last.extent % step);
  const parts = [part(around, [{ name: last.name, extent: whole, step }], low.unrolled)];
  if (whole < last.extent) parts.push(part(around, [{ name: last.name, from: whole, extent: last.extent }], [term]));
  return parts;
}

/** `wanted` forces the order of a reduction's loops (see lower.ts). */
export function renderKernel(kernel: Kernel, wanted?: "inner" | "row"): Rendered {
  const low = lower(kernel, wanted);
  const root = scope("");
  const namer = { next: 0 };
  const ways = makeWays(root, low, kernel.reduction);
  for (const part of ways.parts) addTerms(part, kernel.reduction as Reduction, low, namer);
  const [position, ...values] = placeExprs([low.position, ...low.results], ways.results, low.indexNodes, namer);
  const last = ways.results.scopes.at(-1) as Scope;
  values.forEach((v, n) => last.lines.push(`out${n}[${bare(position as string)}] = ${bare(v)};`));
  return { source: assemble(kernel, root), row: low.form === "row" ? (low.domain.at(-1) as LoopVar).extent : 0 };
}

function addTerms({ chain, terms }: TermPart, reduction: Reduction, low: Lowered, namer: Namer): void {
  const inside = termScope(chain, low);
  const texts = placeExprs(terms, chain, low.indexNodes, namer);
  if (texts.length === 1) {
    inside.lines.push(accumulate(reduction, chain.accumulator, texts[0] as string));
    return;
  }
  inside.lines.push(`let total = ${chain.accumulator};`, ...texts.map((t) => accumulate(reduction, "total", t)), `${chain.accumulator} = total;`);
}

/** Where the term is added; a reduction without loops (extents of 1) adds it in a block of its own, after the accumulator starts. */
function termScope(chain: Chain, low: Lowered): Scope {
  const last = chain.scopes.at(-1) as Scope;
  if (low.form === "row" || low.reduction.length > 0) return last;
  const block = scope(null);
  last.inner.splice(1, 0, block);
  return block;
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
