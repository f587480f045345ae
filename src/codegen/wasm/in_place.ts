/**
 * Which results of a kernel may take an operand's place. Must not know text. Used by the writers of kernels; place_slots.ts decides.
 */
import { byteSize, sizeOf } from "../ir/dtype.js";
import { axes, type Expr, type Load, postorder } from "../ir/expr.js";
import { flatten, keyOf } from "../ir/index.js";
import type { Kernel } from "../ir/kernel.js";

const loadsIn = (roots: readonly Expr[]): Load[] => postorder(roots).filter((e): e is Load => e.kind === "load");

/** For each result, the buffers that are read at exactly the element that is written, nowhere else, and by no sum. */
export function inPlaceOf({ domain, params, results, reduction }: Kernel): number[][] {
  const here = keyOf(flatten(axes(domain), domain));
  const summed = new Set(loadsIn(reduction ? [reduction.term] : []).map((l) => l.buffer));
  const loads = loadsIn(results);
  const open = params.map((_, p) => p).filter((p) => !summed.has(p) && loads.every((l) => l.buffer !== p || keyOf(flatten(l.index, params[p]?.shape ?? [])) === here));
  return results.map((r) => open.filter((p) => {
    const { dtype, shape } = params[p] as Kernel["params"][number];
    return byteSize(dtype) === byteSize(r.dtype) && sizeOf(shape) === sizeOf(domain);
  }));
}
