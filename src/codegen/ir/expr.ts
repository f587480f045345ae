/**
 * Scalar expressions: what one element of a kernel's result is. Immutable DAGs; sharing is by object, and kernel.ts numbers equal
 * subexpressions once (`let` in the printed text), so a shared subexpression is computed once.
 * Must not know graphs or devices. Next: index.ts does exact integer index algebra, kernel.ts closes expressions into kernels.
 */
import { impossible } from "../../util/fail.js";
import { castScalar, type DType } from "./dtype.js";
import { evalPrim, type Prim, PRIMS, primDType } from "./prims.js";

export interface Const { readonly kind: "const"; readonly dtype: DType; readonly value: number }
/** Position along axis `axis` of the kernel's domain, 0 … extent-1. */
export interface Axis { readonly kind: "axis"; readonly dtype: "int32"; readonly axis: number; readonly extent: number }
/** Position along axis `axis` of the kernel's reduction. */
export interface RedAxis { readonly kind: "red"; readonly dtype: "int32"; readonly axis: number; readonly extent: number }
/** A scalar known on the host at launch: plan scalar `id` while lowering, the kernel's scalar parameter `id` inside a Kernel. */
export interface Scalar { readonly kind: "scalar"; readonly dtype: DType; readonly id: number }
/** An element of a buffer: a plan slot while lowering, the kernel's buffer parameter inside a Kernel. One index per axis of the buffer. */
export interface Load { readonly kind: "load"; readonly dtype: DType; readonly buffer: number; readonly index: readonly Expr[] }
/** The finished reduction of this kernel, in an epilogue. */
export interface Acc { readonly kind: "acc"; readonly dtype: DType }
export interface PrimExpr { readonly kind: "prim"; readonly dtype: DType; readonly prim: Prim; readonly args: readonly Expr[] }
/** Conversion by `castScalar`. */
export interface Cast { readonly kind: "cast"; readonly dtype: DType; readonly arg: Expr }

export type Expr = Const | Axis | RedAxis | Scalar | Load | Acc | PrimExpr | Cast;

export const constant = (value: number, dtype: DType): Const => ({ kind: "const", dtype, value: castScalar(value, dtype) });
export const axis = (a: number, extent: number): Axis | Const => (extent === 1 ? (constant(0, "int32") as Const) : { kind: "axis", dtype: "int32", axis: a, extent });
export const redAxis = (a: number, extent: number): RedAxis | Const => (extent === 1 ? constant(0, "int32") : { kind: "red", dtype: "int32", axis: a, extent });
/** The domain's own index. */
export const axes = (extents: readonly number[]): Expr[] => extents.map((extent, a) => axis(a, extent));
export const scalar = (id: number, dtype: DType): Scalar => ({ kind: "scalar", dtype, id });
export const load = (buffer: number, dtype: DType, index: readonly Expr[]): Load => ({ kind: "load", dtype, buffer, index });
export const acc = (dtype: DType): Acc => ({ kind: "acc", dtype });

export const isConst = (e: Expr, value?: number): e is Const => e.kind === "const" && (value === undefined || Object.is(e.value, value));

export function cast(arg: Expr, dtype: DType): Expr {
  if (arg.dtype === dtype) return arg;
  return arg.kind === "const" ? constant(arg.value, dtype) : { kind: "cast", dtype, arg };
}

/** A primitive applied; constants fold, `select` on a constant picks its side. Integer index algebra is in index.ts, not here. */
export function prim(name: Prim, ...args: readonly Expr[]): Expr {
  if (args.length !== PRIMS[name].arity) impossible(`${name} takes ${PRIMS[name].arity} arguments, got ${args.length}`);
  const dtype = primDType(name, args.map((a) => a.dtype));
  if (args.every((a) => a.kind === "const")) {
    const value = evalPrim(name, args.map((a) => (a as Const).value), dtype);
    return constant(value, dtype);
  }
  if (name === "select" && args[0]?.kind === "const") return cast((args[0].value !== 0 ? args[1] : args[2]) as Expr, dtype);
  if (name === "and" && args.some((a) => isConst(a, 0))) return constant(0, "bool");
  if (name === "and" && isConst(args[0] as Expr, 1) && args[1]?.dtype === "bool") return args[1];
  if (name === "and" && isConst(args[1] as Expr, 1) && args[0]?.dtype === "bool") return args[0];
  return { kind: "prim", dtype, prim: name, args };
}

/** The direct subexpressions. */
export function children(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "prim": return e.args;
    case "cast": return [e.arg];
    case "load": return e.index;
    default: return [];
  }
}

/** The same node over other children. */
export function withChildren(e: Expr, kids: readonly Expr[]): Expr {
  switch (e.kind) {
    case "prim": return prim(e.prim, ...kids);
    case "cast": return cast(kids[0] as Expr, e.dtype);
    case "load": return load(e.buffer, e.dtype, kids);
    default: return e;
  }
}

/** Every distinct node under the roots, children first; iterative, so depth is no limit. */
export function postorder(roots: readonly Expr[]): Expr[] {
  const out: Expr[] = [];
  const done = new Set<Expr>();
  const stack: { node: Expr; expanded: boolean }[] = roots.map((node) => ({ node, expanded: false })).reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (done.has(top.node)) continue;
    if (top.expanded) {
      done.add(top.node);
      out.push(top.node);
      continue;
    }
    stack.push({ node: top.node, expanded: true });
    for (const kid of [...children(top.node)].reverse()) if (!done.has(kid)) stack.push({ node: kid, expanded: false });
  }
  return out;
}

/** Whether an expression written out as text, shared parts repeated, has more than `limit` nodes. Keys are such texts. */
export function isLong(e: Expr, limit: number): boolean {
  const stack = [e];
  for (let n = 0, x = stack.pop(); x !== undefined; n++, x = stack.pop()) {
    if (n > limit) return true;
    stack.push(...children(x));
  }
  return false;
}

/** Rebuilds the DAG bottom-up; `replace` sees each node with its children already rebuilt, and as it was, and may return another. Sharing is kept. */
export function rewrite(roots: readonly Expr[], replace: (e: Expr, before: Expr) => Expr): Expr[] {
  const made = new Map<Expr, Expr>();
  for (const e of postorder(roots)) {
    const kids = children(e);
    const fresh = kids.map((k) => made.get(k) as Expr);
    made.set(e, replace(fresh.some((k, i) => k !== kids[i]) ? withChildren(e, fresh) : e, e));
  }
  return roots.map((r) => made.get(r) as Expr);
}
