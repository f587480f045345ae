/**
 * A Kernel: for every point of a domain, optionally reduce a term, then store one or more results. Closed over its own parameters, so
 * that equal kernels print equal text; the text is the cache key. Must not know graphs or devices. Next: plan.ts launches kernels.
 */
import { formatType, type DType } from "./dtype.js";
import { children, type Const, type Expr, load, postorder, rewrite, scalar } from "./expr.js";

export type ReduceOp = "sum" | "prod" | "max" | "min";

export interface Reduction {
  readonly op: ReduceOp;
  readonly extents: readonly number[];
  /** Evaluated for each point of domain x extents, in row-major order of the extents; NaN wins in max and min. */
  readonly term: Expr;
  /** dtype of the accumulator; sums of float32 accumulate in float64 where the device has it (Theano's acc_dtype). */
  readonly dtype: DType;
}

export interface BufferType { readonly dtype: DType; readonly shape: readonly number[] }

export interface Kernel {
  readonly domain: readonly number[];
  readonly reduction: Reduction | null;
  /** One stored value per result, each over the whole domain, cast to its own dtype. */
  readonly results: readonly Expr[];
  readonly params: readonly BufferType[];
  readonly scalars: readonly DType[];
  /** Printed form, unique to the kernel. */
  readonly text: string;
}

/** All expressions of a kernel: its results, then its term where it reduces. */
export const rootsOf = ({ results, reduction }: Pick<Kernel, "results" | "reduction">): Expr[] => (reduction ? [...results, reduction.term] : [...results]);

/** The same with other expressions, in the order of `rootsOf`. */
export function withRoots<K extends Pick<Kernel, "results" | "reduction">>(k: K, roots: readonly Expr[]): K {
  const count = k.results.length;
  return { ...k, results: roots.slice(0, count), reduction: k.reduction && { ...k.reduction, term: roots[count] as Expr } };
}

/** A kernel with the plan slots and plan scalar expressions that its parameters stand for. */
export interface BoundKernel {
  readonly kernel: Kernel;
  /** For each buffer parameter: what was its `buffer` number before closing. */
  readonly buffers: readonly number[];
  /** For each scalar parameter: an integer or float expression over plan scalars only. */
  readonly scalars: readonly Expr[];
}

export const REDUCE_IDENTITY: Readonly<Record<ReduceOp, number>> = { sum: 0, prod: 1, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };

/** Whether an expression is the same for every element of a launch: made of constants and plan scalars only. */
export function uniformNodes(roots: readonly Expr[]): Set<Expr> {
  const uniform = new Set<Expr>();
  for (const e of postorder(roots)) {
    if (e.kind === "scalar" || e.kind === "const") uniform.add(e);
    else if ((e.kind === "prim" || e.kind === "cast") && children(e).every((k) => uniform.has(k))) uniform.add(e);
  }
  return uniform;
}

/**
 * Closes expressions over plan slots and scalars into a kernel: equal subexpressions become one object, maximal subexpressions made only of
 * plan scalars become scalar parameters (evaluated on the host once per launch), slots become numbered parameters in order of appearance.
 * `typeOf` gives each slot's buffer type.
 */
export function closeKernel(
  domain: readonly number[], reduction: Reduction | null, results: readonly Expr[], typeOf: (buffer: number) => BufferType,
): BoundKernel {
  const roots = shareEqual(reduction ? [...results, reduction.term] : results);
  const uniform = uniformNodes(roots);
  const buffers: number[] = [];
  const hoisted: Expr[] = [];
  const slotOf = (list: number[], x: number): number => (list.includes(x) ? list.indexOf(x) : list.push(x) - 1);
  const parameters = new Map<Expr, Expr>();
  for (const e of topUniform(roots, uniform)) parameters.set(e, scalar(hoisted.push(e) - 1, e.dtype));
  const open = substitute(roots, (e) => parameters.get(e));
  const closed = rewrite(open, (e) => (e.kind === "load" ? load(slotOf(buffers, e.buffer), e.dtype, e.index) : e));
  const made = closed.slice(0, results.length);
  const red = reduction ? { ...reduction, term: closed[results.length] as Expr } : null;
  const params = buffers.map(typeOf);
  const scalars = hoisted.map((e) => e.dtype);
  const kernel = { domain, reduction: red, results: made, params, scalars };
  return { kernel: { ...kernel, text: printKernel(kernel) }, buffers, scalars: hoisted };
}

/** The maximal uniform nodes that involve a plan scalar. */
function topUniform(roots: readonly Expr[], uniform: Set<Expr>): Set<Expr> {
  const scalarful = new Set<Expr>();
  const top = new Set<Expr>();
  for (const e of postorder(roots)) {
    if (e.kind === "scalar" || children(e).some((k) => scalarful.has(k))) scalarful.add(e);
    if (!uniform.has(e)) for (const k of children(e)) if (uniform.has(k) && scalarful.has(k)) top.add(k);
  }
  for (const r of roots) if (uniform.has(r) && scalarful.has(r)) top.add(r);
  return top;
}

/** The same expressions with one object for all structurally equal nodes. */
export function shareEqual(roots: readonly Expr[]): Expr[] {
  const seen = new Map<string, Expr>();
  const ids = new Map<Expr, number>();
  return rewrite(roots, (e) => {
    const key = nodeKey(e, ids);
    const found = seen.get(key);
    if (found) return found;
    seen.set(key, e);
    ids.set(e, ids.size);
    return e;
  });
}

/** Replaces nodes (as they were before) by others, top-down: what `at` returns is not looked into again. */
export function substitute(roots: readonly Expr[], at: (e: Expr) => Expr | undefined): Expr[] {
  const made = new Map<Expr, Expr>();
  for (const e of postorder(roots)) {
    const direct = at(e);
    const kids = children(e);
    const fresh = kids.map((k) => made.get(k) as Expr);
    made.set(e, direct ?? (fresh.some((k, i) => k !== kids[i]) ? rebuild(e, fresh) : e));
  }
  return roots.map((r) => made.get(r) as Expr);
}

function rebuild(e: Expr, kids: readonly Expr[]): Expr {
  if (e.kind === "load") return { ...e, index: kids };
  if (e.kind === "prim") return { ...e, args: kids };
  if (e.kind === "cast") return { ...e, arg: kids[0] as Expr };
  return e;
}

function nodeKey(e: Expr, ids: ReadonlyMap<Expr, number>): string {
  const kids = children(e).map((k) => ids.get(k)).join(",");
  switch (e.kind) {
    case "const": return `c${e.dtype} ${Object.is(e.value, -0) ? "-0" : e.value}`;
    case "axis": return `i${e.axis}:${e.extent}`;
    case "red": return `k${e.axis}:${e.extent}`;
    case "scalar": return `s${e.id}:${e.dtype}`;
    case "acc": return `acc:${e.dtype}`;
    case "load": return `b${e.buffer}[${kids}]`;
    case "cast": return `${e.dtype}(${kids})`;
    case "prim": return `${e.prim}:${e.dtype}(${kids})`;
  }
}

type Unprinted = Omit<Kernel, "text">;

/** `for i0<20, i1<500: acc = sum k0<784 (…) -> float32 …`, shared subexpressions as `t0 = …` lines. */
export function printKernel(k: Unprinted): string {
  const lines: string[] = [];
  k.params.forEach((p, n) => lines.push(`  b${n}: ${formatType(p.dtype, p.shape)}`));
  k.scalars.forEach((d, n) => lines.push(`  s${n}: ${d}`));
  lines.push(`  for ${k.domain.length === 0 ? "one point" : k.domain.map((d, a) => `i${a}<${d}`).join(", ")}`);
  if (k.reduction) {
    const over = k.reduction.extents.map((d, a) => `k${a}<${d}`).join(", ");
    lines.push(`  acc: ${k.reduction.dtype} = ${k.reduction.op} ${over}`, ...printExprs([k.reduction.term], "    ", ["term"]));
  }
  lines.push(...printExprs(k.results, "  ", k.results.map((r, n) => `out${n}: ${r.dtype}`)));
  return lines.join("\n");
}

/** Prints roots under names; nodes used more than once get a `t` line of their own. */
export function printExprs(roots: readonly Expr[], pad: string, names: readonly string[]): string[] {
  const uses = new Map<Expr, number>();
  const order = postorder(roots);
  for (const e of [...order.flatMap((o) => [...children(o)]), ...roots]) uses.set(e, (uses.get(e) ?? 0) + 1);
  const text = new Map<Expr, string>();
  const lines: string[] = [];
  let temps = 0;
  for (const e of order) {
    const body = printNode(e, (k) => text.get(k) as string);
    if ((uses.get(e) ?? 0) > 1 && children(e).length > 0) {
      const name = `t${temps++}`;
      lines.push(`${pad}${name} = ${body}`);
      text.set(e, name);
    } else text.set(e, body);
  }
  roots.forEach((r, n) => lines.push(`${pad}${names[n]} = ${text.get(r)}`));
  return lines;
}

/** The dtype shows, since it decides the dtype of what is made of it: `true`, `1`, `1.` (float32), `1.d` (float64). */
function printConst(e: Const): string {
  if (e.dtype === "bool") return e.value !== 0 ? "true" : "false";
  if (e.dtype === "int32") return String(e.value);
  const digits = Number.isInteger(e.value) ? `${Object.is(e.value, -0) ? "-0" : e.value}.` : String(e.value);
  return e.dtype === "float64" ? `${digits}d` : digits;
}

/** Joined by `+`, which is lazy in V8: `join` would copy the text of deep expressions at every level. */
const list = (texts: readonly string[]): string => (texts.length === 0 ? "" : texts.reduce((a, b) => a + ", " + b));

/** One line for a small expression, without `t` lines. */
export function printInline(e: Expr): string {
  return printNode(e, printInline);
}

function printNode(e: Expr, of: (k: Expr) => string): string {
  switch (e.kind) {
    case "const": return printConst(e);
    case "axis": return `i${e.axis}`;
    case "red": return `k${e.axis}`;
    case "scalar": return `s${e.id}`;
    case "acc": return "acc";
    case "load": return `b${e.buffer}[${list(e.index.map(of))}]`;
    case "cast": return `${e.dtype}(${of(e.arg)})`;
    case "prim": return `${e.prim}(${list(e.args.map(of))})`;
  }
}
