/**
 * Kernels that step the states of MRG31k3p, rows of six: element by element each row would be stepped six times. Recognised by structure:
 * what each of the six columns is, for the rows below a bound and for those from it on. Must not know plans.
 * Used by kernels.ts, which writes such a kernel otherwise where this file does not know it.
 */
import { type Expr, type Load, postorder, rewrite } from "../ir/expr.js";
import { int } from "../ir/index.js";
import type { BufferType, Kernel } from "../ir/kernel.js";
import type { Features, KernelCode, PassParams } from "./code.js";
import { passParams } from "./loops.js";
import { mrgNext1, mrgNext2, ROW_BYTES } from "./mrg.js";
import { COLUMNS, eachPart, eachRow, readRows, rowAt, unitsOf, writeRows } from "./mrg_rows.js";
import { Func, times } from "./wat.js";

/** Nanoseconds of copying a row, of taking one apart and putting it together, and of one component's step. */
const COPY_COST = 0.25;
const ROW_COST = 0.5;
const STEP_COST = 0.5;

/** Rows from … to-1, all made alike. */
interface Part { readonly from: number; readonly to: number; readonly columns: readonly Expr[] }

/** `select(lt(i0, n), below, from)` as its two sides; everything is below where nothing is chosen. */
function sidesOf(e: Expr, streams: number): { bound: number; below: Expr; from: Expr } {
  if (e.kind === "prim" && e.prim === "select") {
    const [condition, below, from] = e.args as readonly [Expr, Expr, Expr];
    if (condition.kind === "prim" && condition.prim === "lt" && condition.args[0]?.kind === "axis" && condition.args[1]?.kind === "const") {
      return { bound: Math.max(0, Math.min(streams, condition.args[1].value)), below, from };
    }
  }
  return { bound: streams, below: e, from: e };
}

/** Whether a load is of a component of the row's state. */
function isState(e: Load, params: readonly BufferType[], streams: number): boolean {
  const { dtype, shape } = params[e.buffer] as BufferType;
  const [row, column] = e.index;
  return dtype === "int32" && shape.length === 2 && shape[0] === streams && shape[1] === 6 && row?.kind === "axis" && row.axis === 0 && column?.kind === "const";
}

const columnOf = (e: Load): number => (e.index[1] as { readonly value: number }).value;

/** Whether expressions are components of states and steps of them. */
function areSteps(columns: readonly Expr[], params: readonly BufferType[], streams: number): boolean {
  const isComponent = (e: Expr): boolean => (e.kind === "load" ? isState(e, params, streams) : e.kind === "prim" && (e.prim === "mrgNext1" || e.prim === "mrgNext2"));
  const steps = postorder(columns).filter((e) => e.kind === "prim");
  return steps.length > 0 && [...columns, ...steps.flatMap((e) => e.args)].every(isComponent);
}

/** What the kernel does to which rows; null where it is no step of states. */
function partsOf(kernel: Kernel): Part[] | null {
  const [streams, width] = kernel.domain;
  const [result] = kernel.results;
  if (kernel.domain.length !== 2 || width !== 6 || !streams || kernel.reduction || kernel.results.length !== 1 || result?.dtype !== "int32") return null;
  const columns = COLUMNS.map((c) => sidesOf(rewrite([result], (e) => (e.kind === "axis" && e.axis === 1 ? int(c) : e))[0] as Expr, streams));
  const [first] = columns as [ReturnType<typeof sidesOf>];
  if (columns.some((c) => c.bound !== first.bound)) return null;
  const parts = [
    { from: 0, to: first.bound, columns: columns.map((c) => c.below) },
    { from: first.bound, to: streams, columns: columns.map((c) => c.from) },
  ].filter((p) => p.from < p.to);
  return areSteps(parts.flatMap((p) => p.columns), kernel.params, streams) ? parts : null;
}

const loadsOf = (part: Part): Load[] => postorder(part.columns).filter((e): e is Load => e.kind === "load");
/** The buffers that a part reads. */
const buffersOf = (part: Part): number[] => [...new Set(loadsOf(part).map((e) => e.buffer))];

/** Whether the rows stay as they are. */
const isCopy = (part: Part): boolean => buffersOf(part).length === 1 && part.columns.every((e, c) => e.kind === "load" && columnOf(e) === c);

const rowCost = (part: Part): number => (isCopy(part) ? COPY_COST : ROW_COST + STEP_COST * postorder(part.columns).filter((e) => e.kind === "prim").length);

/** One row or four: everything is read before anything is written, as the result may stand where the states were. */
function stepRows(fn: Func, part: Part, params: PassParams, row: string, lanes: 1 | 4): void {
  const read = new Map(buffersOf(part).map((b) => [b, readRows(fn, params.buffers[b] as string, row, lanes)]));
  const texts = new Map<Expr, string>();
  for (const e of postorder(part.columns)) {
    if (e.kind === "load") texts.set(e, read.get(e.buffer)?.[columnOf(e)] as string);
    if (e.kind === "prim") texts.set(e, (e.prim === "mrgNext1" ? mrgNext1 : mrgNext2)(fn, lanes, e.args.map((a) => texts.get(a) as string)));
  }
  writeRows(fn, params.results[0] as string, row, part.columns.map((e) => texts.get(e) as string), lanes);
}

/** The rows of a part between two variables. */
function writePart(fn: Func, part: Part, params: PassParams, range: readonly [string, string], simd: boolean): void {
  if (!isCopy(part)) {
    eachRow(fn, range, simd, (row, lanes) => stepRows(fn, part, params, row, lanes));
    return;
  }
  const [buffer] = buffersOf(part) as [number];
  const [from, to] = range;
  fn.line(`(memory.copy ${rowAt(params.results[0] as string, from)} ${rowAt(params.buffers[buffer] as string, from)} ${times(`(i32.sub ${to} ${from})`, ROW_BYTES)})`);
}

/** Four rows at a time; null where the kernel is no step of MRG31k3p's states. */
export function mrgAdvance(kernel: Kernel, id: string, features: Features): KernelCode | null {
  const parts = partsOf(kernel);
  if (!parts) return null;
  const streams = kernel.domain[0] as number;
  const params = passParams(kernel);
  const fn = new Func(`$${id}`, params.list);
  eachPart(fn, streams, parts, (p, range) => writePart(fn, p, params, range, features.simd));
  const ns = parts.reduce((sum, p) => sum + (p.to - p.from) * rowCost(p), 0);
  return {
    packings: [], scratch: 0, own: 0, library: new Map(), inPlace: [[...new Set(parts.flatMap(buffersOf))]],
    passes: [{ name: fn.name, text: fn.text(), units: unitsOf(streams), cost: features.simd ? ns : ns * 3 }],
    how: `MRG31k3p states, ${features.simd ? "four rows at a time" : "row by row"}`,
  };
}
