/**
 * Kernels that bring integers from one form of storage into another: one buffer, hi and lo, hi and lo of each column (ir/wide.ts).
 * Must not know devices. Used by backend.ts where a plan wants an input in another form than it has.
 */
import { axis, type Expr, load } from "../ir/expr.js";
import { type BoundKernel, type BufferType, closeKernel } from "../ir/kernel.js";
import { int, type SplitExprs, splitExprs } from "../ir/wide_kernel.js";

/** One kernel per new storage; `buffers` of each are positions among the old storages. `from` and `to` count pairs; 0 is one buffer. */
export function conversions(from: number, to: number, length: number): BoundKernel[] {
  const columns = Math.max(from, to, 1);
  const rows = length / columns;
  const typeOf = (): BufferType => ({ dtype: "int32", shape: from > 1 ? [rows] : [rows, columns] });
  const whole = load(0, "int32", [axis(0, rows), axis(1, columns)]);
  const column = (k: number): Expr => load(0, "int32", [axis(0, rows), int(k)]);
  const parts = (e: Expr): SplitExprs => splitExprs([e], () => ({ pairs: from, first: 0 }));
  const make = (domain: readonly number[], e: Expr): BoundKernel => closeKernel(domain, null, [e], typeOf);
  if (to === 0) return [make([rows, columns], parts(whole).value(whole))];
  if (to === 1) return [make([rows, columns], parts(whole).limbs(whole).hi), make([rows, columns], parts(whole).limbs(whole).lo)];
  return Array.from({ length: to }, (_, k) => column(k)).flatMap((e) => [make([rows], parts(e).limbs(e).hi), make([rows], parts(e).limbs(e).lo)]);
}
