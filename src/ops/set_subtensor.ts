/**
 * `T.setSubtensor(x.get(…), v)` and `T.incSubtensor`: the first argument says, by how it was made, which tensor and which region.
 * Must not know how indices are written. The records are in subtensor.ts and advanced.ts.
 */
import { upcasts } from "../codegen/ir/dtype.js";
import type { Op } from "../graph/op.js";
import { apply1, type Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { advancedIncSubtensorOp, advancedSetSubtensorOp, advancedSubtensorOp } from "./advanced.js";
import { asTensors, type Operand } from "./define.js";
import { dimShuffleOp, dimshuffle, padLeft } from "./dimshuffle.js";
import { cast } from "./elementwise.js";
import { incSubtensorOp, setSubtensorOp, subtensorOp } from "./subtensor.js";

/** Which record writes what a reading record reads. */
interface Writers { readonly basic: Op; readonly advanced: Op }

/** v in x's dtype and the region's rank. */
function fitted(region: Variable, value: Operand): Variable {
  const [, v] = asTensors([region, value]) as [Variable, Variable];
  if (!upcasts(v.dtype, region.dtype)) {
    fail("type", "subtensor-dtype", { what: `A region of dtype ${region.dtype} cannot take a value of dtype ${v.dtype}.`, where: String(v.origin), saw: [`value: ${v}`], fix: `use T.cast(value, "${region.dtype}")` });
  }
  if (v.ndim > region.ndim) {
    fail("type", "subtensor-rank", { what: `Trying to write a value of ${v.ndim} axes into a region of ${region.ndim}.`, where: String(v.origin), saw: [`region: ${region}`, `value: ${v}`], fix: "give the value at most as many axes as the region" });
  }
  return padLeft(cast(v, region.dtype), region.ndim);
}

function write(region: Variable, value: Variable, name: string, writers: Writers): Variable {
  const node = region.owner;
  if (node?.op === dimShuffleOp) {
    const { order } = node.params as { readonly order: readonly (number | null)[] };
    const inner = node.inputs[0] as Variable;
    const back = inner.broadcastable.map((_, a) => (order.includes(a) ? order.indexOf(a) : ("x" as const)));
    return write(inner, dimshuffle(value, ...back), name, writers);
  }
  const op = node?.op === subtensorOp ? writers.basic : node?.op === advancedSubtensorOp ? writers.advanced : null;
  if (node === null || op === null) {
    return fail("type", "subtensor-first", { what: `The first argument of ${name} must be the result of indexing, got ${region}.`, where: String(region.origin), fix: `write ${name}(x.get(…), value)` });
  }
  const [x, ...indices] = node.inputs as [Variable, ...Variable[]];
  const { of, ...params } = node.params;
  const written = apply1(op, [x, value, ...indices], params);
  return of === "region" ? write(x, written, name, { basic: setSubtensorOp, advanced: advancedSetSubtensorOp }) : written;
}

/** Accepted for ports: what is written over is decided when a function is compiled. */
export interface InPlaceOptions { readonly inplace?: boolean | undefined; readonly tolerateInplaceAliasing?: boolean | undefined }

/**
 * The whole tensor with the region replaced by the value, which stretches where it broadcasts. Repeated positions keep the last value.
 * Errors: `subtensor-first`, `subtensor-dtype`, `subtensor-rank`.
 */
export const setSubtensor = (region: Variable, value: Operand, _options: InPlaceOptions = {}): Variable =>
  write(region, fitted(region, value), "setSubtensor", { basic: setSubtensorOp, advanced: advancedSetSubtensorOp });

/** The whole tensor with the value added in the region. Repeated positions accumulate. Errors as `setSubtensor`. */
export const incSubtensor = (region: Variable, value: Operand, _options: InPlaceOptions = {}): Variable =>
  write(region, fitted(region, value), "incSubtensor", { basic: incSubtensorOp, advanced: advancedIncSubtensorOp });
