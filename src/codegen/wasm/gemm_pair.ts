/**
 * Two updates as one pass: the second reads the first's result at the element that it writes, so that result never reaches memory.
 * Each keeps its own sum and its own roundings: the bits are those of two launches. Must not know plans. Used by module.ts.
 */
import { impossible } from "../../util/fail.js";
import { byteSize } from "../ir/dtype.js";
import { type Expr, type Load, postorder } from "../ir/expr.js";
import { keyOf } from "../ir/index.js";
import type { Kernel } from "../ir/kernel.js";
import type { Features, KernelCode, PassParams } from "./code.js";
import { inPlaceOf, positionHere } from "./gemm_epilogue.js";
import { flattenLoads, positionOf } from "./flat.js";
import { columnCount, type Product, productOf, rowCount } from "./gemm_product.js";
import { isUpdate, UpdateWriter } from "./gemm_update.js";
import { passParams } from "./loops.js";

const loadsOf = (roots: readonly Expr[], param: number): Load[] => postorder(roots).filter((e): e is Load => e.kind === "load" && e.buffer === param);

/** Whether the second reads buffer `param`, which the first writes, only at the element that it writes itself, and both are updates over the same domain. */
export function joinable(first: Kernel, second: Kernel, param: number, features: Features): boolean {
  return pairOf(first, second, param, features) !== null;
}

function pairOf(first: Kernel, second: Kernel, param: number, features: Features): readonly [Product, Product] | null {
  const [a, b] = [productOf(first), productOf(second)];
  if (a === null || b === null || !isUpdate(a, features) || !isUpdate(b, features) || a.kernel.results.length !== 1) return null;
  if (a.dtype !== b.dtype || rowCount(a) !== rowCount(b) || columnCount(a) !== columnCount(b) || a.kernel.results[0]?.dtype !== b.kernel.params[param]?.dtype) return null;
  if (b.kernel.reduction && loadsOf([b.kernel.reduction.term], param).length > 0) return null;
  const loads = loadsOf(flattenLoads(b.kernel.results, b.kernel.params), param);
  return loads.every((l) => keyOf(positionOf(l)) === keyOf(positionHere(b))) ? [a, b] : null;
}

/**
 * Parameters: the first's buffers, the second's without `param`; the second's results; the first's scalars, the second's. One slot may stand for
 * several of these buffers: a result may take its place only if all of them allow it.
 */
export function productPair(first: Kernel, second: Kernel, param: number, id: string, features: Features): KernelCode {
  const pair = pairOf(first, second, param, features) ?? impossible("these kernels are no pair of updates");
  const kept = second.params.map((_, q) => q).filter((q) => q !== param);
  const all: Kernel = { ...second, params: [...first.params, ...kept.map((q) => second.params[q] as Kernel["params"][number])], scalars: [...first.scalars, ...second.scalars] };
  const joined = passParams(all);
  const count = first.params.length;
  const bind = (between: string): readonly PassParams[] => [
    { ...joined, buffers: joined.buffers.slice(0, count), results: [between], scalars: joined.scalars.slice(0, first.scalars.length) },
    { ...joined, buffers: second.params.map((_, q) => (q === param ? between : (joined.buffers[count + kept.indexOf(q)] as string))), scalars: joined.scalars.slice(first.scalars.length) },
  ];
  const code = new UpdateWriter(pair, id, features, { list: joined.list, bind, between: byteSize(second.params[param]?.dtype ?? "float32") }).code();
  return { ...code, inPlace: inPlaceOfPair(pair, param, kept) };
}

/** Buffers of both that are read at exactly the element that is written, and by no operand. */
function inPlaceOfPair([first, second]: readonly [Product, Product], param: number, kept: readonly number[]): number[][] {
  const count = first.kernel.params.length;
  const own = inPlaceOf(first);
  return inPlaceOf(second).map((list, n) => {
    const before = byteSize((second.kernel.results[n] as Expr).dtype) === byteSize((first.kernel.results[0] as Expr).dtype) ? (own[0] as number[]) : [];
    return [...before, ...list.filter((q) => q !== param).map((q) => count + kept.indexOf(q))];
  });
}
