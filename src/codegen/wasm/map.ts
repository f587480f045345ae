/**
 * Kernels without a reduction: loops over the domain, four elements of the last axis at a time.
 * Must not know plans. Used by kernels.ts.
 */
import { sizeOf } from "../ir/dtype.js";
import type { Kernel } from "../ir/kernel.js";
import type { Features, KernelCode } from "./code.js";
import { Elements } from "./elements.js";
import { inPlaceOf } from "./in_place.js";
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
  const c = cut(sizeOf(outer), extent);
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
  const elementsCount = sizeOf(domain);
  return {
    packings: [], scratch: 0, own: 0, library, inPlace: inPlaceOf(original),
    passes: [{ name: fn.name, text: fn.text(), units: elementsCount === 0 ? 0 : c.outer * c.blocks, cost: (elementsCount * evaluationCost(results)) / (vector ? 1 : 3) }],
    how: vector ? "four lanes" : "one by one",
  };
}
