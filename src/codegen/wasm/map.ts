/**
 * Kernels without a reduction: loops over the domain, four elements of the last axis at a time.
 * Must not know plans. Used by kernels.ts.
 */
import { type Expr, type Load, postorder } from "../ir/expr.js";
import type { Kernel } from "../ir/kernel.js";
import { byteSize } from "../ir/dtype.js";
import { flatten, keyOf } from "../ir/index.js";
import type { Features, KernelCode } from "./code.js";
import { Elements } from "./elements.js";
import { cut, eachUnit, evaluationCost, heavyNodes, isWhole, laneLoops, passParams } from "./loops.js";
import { mergeAxes } from "./merge.js";
import { Func } from "./wat.js";

/** Functions of at most so many nodes are written in place. */
const MOST_INLINED = 6;

export function mapCode(original: Kernel, id: string, features: Features): KernelCode {
  const kernel = mergeAxes(original);
  const { domain, results } = kernel;
  const params = passParams(kernel);
  const fn = new Func(`$${id}`, params.list);
  const library = new Map<string, string>();
  const elements = new Elements(fn, kernel, params, library, heavyNodes(results) <= MOST_INLINED ? "inline" : "call");
  const lane = domain.length - 1;
  const extent = domain.at(-1) ?? 1;
  const outer = domain.slice(0, -1);
  const c = cut(outer.reduce((n, d) => n * d, 1), extent);
  const vector = features.simd && extent >= 4;
  eachUnit(fn, outer, c, (places, from, to) => {
    if (domain.length === 0) {
      elements.storeResults({ axes: [], lane: null });
      return;
    }
    const at = (i: string, lanes: 1 | 4): void => elements.storeResults({ axes: [...places, i], lane: lanes === 4 ? { kind: "axis", axis: lane } : null });
    if (vector) laneLoops(fn, from, to, isWhole(c), at);
    else fn.loop(from, to, 1, (i) => at(i, 1));
  });
  const elementsCount = domain.reduce((n, d) => n * d, 1);
  return {
    packings: [], scratch: 0, own: 0, library, inPlace: inPlaceOf(original),
    passes: [{ name: fn.name, text: fn.text(), units: elementsCount === 0 ? 0 : c.outer * c.blocks, cost: (elementsCount * evaluationCost(results)) / (vector ? 1 : 3) }],
    how: vector ? "four lanes" : "one by one",
  };
}

/** For each result, the buffers read at exactly the element that is written, and nowhere else. */
export function inPlaceOf(k: Kernel): number[][] {
  const here = keyOf(flatten(k.domain.map((extent, a): Expr => (extent === 1 ? { kind: "const", dtype: "int32", value: 0 } : { kind: "axis", dtype: "int32", axis: a, extent })), k.domain));
  const loads = postorder([...k.results, ...(k.reduction ? [k.reduction.term] : [])]).filter((e): e is Load => e.kind === "load");
  const same = (param: number): boolean => loads.filter((l) => l.buffer === param).every((l) => keyOf(flatten(l.index, k.params[param]?.shape ?? [])) === here);
  const open = k.params.map((_, p) => p).filter((p) => same(p) && k.reduction === null);
  const elements = k.domain.reduce((n, d) => n * d, 1);
  return k.results.map((r) => open.filter((p) => {
    const { dtype, shape } = k.params[p] as Kernel["params"][number];
    return byteSize(dtype) === byteSize(r.dtype) && shape.reduce((n, d) => n * d, 1) === elements;
  }));
}
