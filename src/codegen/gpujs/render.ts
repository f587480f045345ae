/**
 * Kernel -> gpu.js kernel source. Pure: the same kernel and target give the same text. Must not know devices.
 * Next: device.ts builds and launches what comes out of here.
 */
import { children, type Expr, rewrite } from "../ir/expr.js";
import { type Kernel, REDUCE_IDENTITY, type ReduceOp } from "../ir/kernel.js";
import { Emitter, type Names } from "./emit.js";
import { extremum } from "./prims.js";
import { type Shaped, shapeKernel } from "./shape.js";
import type { Target } from "./target.js";

/** Source of one result of a kernel with what a launch must pass, in this order: buffers, scalars, specials, origin. */
export interface Rendered {
  readonly source: string;
  /** `[x, y]`, or `[cells]` for one-dimensional launches. */
  readonly output: readonly number[];
  /** Buffer parameters that the source reads. */
  readonly buffers: readonly number[];
  /** Scalar parameters that the source reads. */
  readonly scalars: readonly number[];
  /** Float constants that literals cannot carry. */
  readonly specials: readonly number[];
  /** gpu.js argument types, in argument order. */
  readonly types: readonly ("Input" | "Integer" | "Float")[];
  /** Rows per cell: cell (x, y) returns rows y*tile … y*tile+tile-1 of column x. */
  readonly tile: number;
  /** In an arena the last argument is the row (or, in one dimension, the cell) where the result begins. */
  readonly columns: number;
}

/** Renders one result. The domain must not be empty. */
export function renderKernel(kernel: Kernel, result: number, target: Target): Rendered {
  const shaped = unify(shapeKernel(kernel, result, target));
  const buffers: number[] = [];
  const scalars: number[] = [];
  const specials: number[] = [];
  const slot = (list: number[], x: number): number => {
    const at = list.findIndex((y) => Object.is(y, x));
    return at >= 0 ? at : list.push(x) - 1;
  };
  const { domain } = shaped;
  const columns = domain.at(-1) ?? 1;
  const cells = domain.reduce((a, b) => a * b, 1);
  const names: Names = {
    axis: (n) => axisName(n, emitter, domain, target),
    buffer: (p) => (target.arena ? { array: "m", base: `b${slot(buffers, p)}` } : { array: `b${slot(buffers, p)}`, base: null }),
    scalar: (id) => `s${slot(scalars, id)}`,
    special: (v) => `c${slot(specials, v)}`,
  };
  const emitter = new Emitter(target, names, shaped.reduction?.extents ?? []);
  const body = writeBody(shaped, emitter, target, names);
  const types = [
    ...(target.arena ? ["Input" as const] : []), ...buffers.map(() => (target.arena ? ("Integer" as const) : ("Input" as const))),
    ...scalars.map((id) => (kernel.scalars[id] === "int32" ? ("Integer" as const) : ("Float" as const))), ...specials.map(() => "Float" as const),
    ...(target.arena ? ["Integer" as const] : []),
  ];
  const args = [...(target.arena ? ["m"] : []), ...buffers.map((_, n) => `b${n}`), ...scalars.map((_, n) => `s${n}`), ...specials.map((_, n) => `c${n}`), ...(target.arena ? ["o"] : [])];
  const output = target.flat || domain.length < 2 ? [cells] : [columns, cells / columns];
  return { source: `function(${args.join(", ")}) {\n${body}}`, output, buffers, scalars, specials, types, tile: shaped.tile, columns };
}

/** Equal subexpressions become one object, so that tiles share what they can. */
function unify(s: Shaped): Shaped {
  const ids = new Map<Expr, number>();
  const seen = new Map<string, Expr>();
  const one = (e: Expr): Expr => {
    const kids = children(e).map((k) => ids.get(k)).join(",");
    const own = e.kind === "const" ? (Object.is(e.value, -0) ? "-0" : e.value) : e.kind === "axis" || e.kind === "red" ? e.axis : e.kind === "scalar" ? e.id
      : e.kind === "load" ? e.buffer : e.kind === "prim" ? e.prim : "";
    const key = `${e.kind} ${e.dtype} ${own} ${kids}`;
    const found = seen.get(key) ?? e;
    seen.set(key, found);
    if (!ids.has(found)) ids.set(found, ids.size);
    return found;
  };
  const roots = rewrite([...s.values, ...(s.reduction?.terms.map((t) => t.term) ?? [])], one);
  const values = roots.slice(0, s.values.length);
  const reduction = s.reduction && { ...s.reduction, terms: s.reduction.terms.map((t, n) => ({ row: t.row, term: roots[s.values.length + n] as Expr })) };
  return { ...s, values, reduction };
}

/** Integer code of a merged axis: x is the fast one; the others are taken out of y from the last to the first. */
function axisName(n: number, emitter: Emitter, domain: readonly number[], target: Target): string {
  const last = domain.length - 1;
  const columns = domain[last] as number;
  const origin = target.arena ? " - o" : "";
  if (last === 0) return target.arena ? emitter.integer(`this.thread.x${origin}`, 0) : "this.thread.x";
  const y = target.flat ? emitter.divide("this.thread.x", columns, 0) : target.arena ? emitter.integer(`this.thread.y${origin}`, 0) : "this.thread.y";
  if (n === last) return target.flat ? emitter.integer(`this.thread.x - ${y} * ${columns}`, 0) : "this.thread.x";
  let rest = y;
  for (let a = last - 1; a > n; a--) rest = emitter.divide(rest, domain[a] as number, 0);
  if (n === 0) return rest;
  const above = emitter.divide(rest, domain[n] as number, 0);
  return emitter.integer(`${rest} - ${above} * ${domain[n] as number}`, 0);
}

function writeBody(s: Shaped, emitter: Emitter, target: Target, names: Names): string {
  const terms = s.reduction?.terms ?? [];
  const accs = terms.map((t, n) => (terms.length === s.values.length ? `acc${t.row}` : `sum${n}`));
  emitter.emit([...terms.map((t) => t.term), ...s.values]);
  const lines: string[] = [];
  const push = (depth: number, list: readonly string[]): void => { for (const l of list) lines.push(`${"  ".repeat(depth + 1)}${l}`); };
  const values = s.values.map((v) => emitter.float(v));
  if (s.reduction) {
    const { op, extents } = s.reduction;
    const identity = identityOf(op, names);
    const updates = terms.map((t, n) => update(op, accs[n] as string, t.term, emitter, extents.length, target));
    for (const a of terms.length === 0 ? ["acc0"] : accs) push(0, [`let ${a} = ${identity};`]);
    push(0, emitter.statements[0] as string[]);
    if (terms.length > 0) loops(0, extents, emitter, updates, push);
    if (terms.length > s.values.length) push(0, [`const acc0 = ${accs.join(" + ")};`]);
    push(0, emitter.statements[emitter.after] as string[]);
  } else {
    push(0, emitter.statements[0] as string[]);
    push(0, emitter.statements[emitter.after] as string[]);
  }
  push(0, [`return ${values.length === 1 ? values[0] : `[${values.join(", ")}]`};`]);
  return `${lines.join("\n")}\n`;
}

function identityOf(op: ReduceOp, names: Names): string {
  const v = REDUCE_IDENTITY[op];
  return Number.isFinite(v) ? String(v) : names.special(v);
}

function update(op: ReduceOp, acc: string, term: Expr, emitter: Emitter, level: number, target: Target): string {
  const code = emitter.float(term);
  if (op === "sum") return `${acc} += ${code};`;
  if (op === "prod") return `${acc} = ${acc} * (${code});`;
  const t = /^\w+$/.test(code) ? code : emitter.name(code, level);
  return `${acc} = ${extremum(acc, t, op === "max" ? ">=" : "<=", { target })};`;
}

/** The loop nest from level `n`. */
function loops(n: number, extents: readonly number[], emitter: Emitter, updates: readonly string[], push: (depth: number, list: readonly string[]) => void): void {
  const extent = extents[n];
  if (extent === undefined) {
    push(n, updates);
    return;
  }
  push(n, [`for (let k${n} = 0; k${n} < ${extent}; k${n}++) {`]);
  push(n + 1, emitter.statements[n + 1] as string[]);
  loops(n + 1, extents, emitter, updates, push);
  push(n + 1, emitter.steps[n + 1] as string[]);
  push(n, ["}"]);
}
