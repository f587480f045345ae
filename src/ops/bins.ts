/**
 * Values put into bins: searchsorted, bincount, toOneHot (theano/tensor/extra_ops.py). Compositions: sums of comparisons, and additions at positions.
 */
import { scalarConstant, type Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { alloc, arange, type DTypeOptions, zeros } from "./alloc.js";
import { asTensor, asTensors, method, type Operand } from "./define.js";
import { add, cast, le, lt, maximum } from "./elementwise.js";
import { get } from "./indexing.js";
import { max, sum } from "./reduce.js";
import { shapePadright } from "./reshape.js";
import { incSubtensor, setSubtensor } from "./set_subtensor.js";
import { shapeAt } from "./shape.js";

export interface SearchsortedOptions {
  /** Among equal elements before the first (`left`, default) or after the last (`right`). */
  readonly side?: "left" | "right" | undefined;
  /** Positions that sort x, where it is not sorted itself. */
  readonly sorter?: Operand | undefined;
}

/** Where each element of v would go into an ascending vector x to keep its order, int32. Errors: `searchsorted-vector`, `searchsorted-side`, `searchsorted-sorter`. */
export function searchsorted(x: Operand, v: Operand, { side = "left", sorter }: SearchsortedOptions = {}): Variable {
  const [line, values] = asTensors([x, v]) as [Variable, Variable];
  if (line.ndim !== 1) fail("value", "searchsorted-vector", { what: `searchsorted needs a vector to search in, got ${line}.`, where: String(line.origin), fix: "flatten it" });
  if (side !== "left" && side !== "right") fail("value", "searchsorted-side", { what: `searchsorted has no side '${String(side)}'.`, fix: "use left or right" });
  const order = sorter === undefined ? null : asTensor(sorter);
  if (order !== null && (order.dtype !== "int32" || order.ndim !== 1)) fail("type", "searchsorted-sorter", { what: `The sorter must be an integer vector, got ${order}.`, where: String(order.origin), fix: "pass T.argsort(x)" });
  const below = side === "left" ? lt : le;
  return sum(below(order === null ? line : get(line, order), shapePadright(values)), { axis: values.ndim });
}

export interface BincountOptions {
  /** What each element adds, in the place of 1. */
  readonly weights?: Operand | undefined;
  /** The least number of bins. */
  readonly minlength?: number | Variable | undefined;
}

/**
 * How often each whole number occurs in a vector of whole numbers >= 0: one bin more than the greatest, whose value is found on the host at each call.
 * dtype int32, or that of the weights. Error: `bincount-vector`.
 */
export function bincount(x: Operand, { weights, minlength }: BincountOptions = {}): Variable {
  const v = asTensor(x);
  if (v.ndim !== 1 || v.dtype !== "int32") fail("type", "bincount-vector", { what: `bincount counts in an integer vector, got ${v}.`, where: String(v.origin), fix: "flatten it, and cast it to int32" });
  const bins = add(max(v), 1);
  const added = weights === undefined ? scalarConstant(1, "int32") : asTensor(weights);
  const empty = alloc(scalarConstant(0, added.dtype), minlength === undefined ? bins : maximum(bins, minlength));
  return incSubtensor(get(empty, v), added);
}

/** A row for each element of an int vector, with 1 at its position and 0 elsewhere; floatX by default. */
export function toOneHot(y: Operand, nbClass: number | Variable, { dtype }: DTypeOptions = {}): Variable {
  const v = asTensor(y);
  const empty = zeros([shapeAt(v, 0), nbClass], { dtype });
  return setSubtensor(get(empty, arange(shapeAt(v, 0)), v), cast(scalarConstant(1, "int32"), empty.dtype));
}

declare module "../graph/variable.js" {
  interface Variable {
    /** Where elements would go into this ascending vector. */
    searchsorted(v: Operand, options?: SearchsortedOptions): Variable;
  }
}
method({ searchsorted });
