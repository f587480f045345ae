/**
 * What tutorials take from theano.scalar: dtypes promoted, and 0-d tensors in the place of scalars, which damo has none of.
 */
import { type DType, promote, toDType } from "../codegen/ir/dtype.js";
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { asTensor, type Operand } from "./define.js";
import { tensorCopy } from "./identities.js";

/** The dtype in which values of these dtypes meet. Error: `dtype-name`. */
export const upcast = (...dtypes: readonly [string, ...string[]]): DType => promote(...dtypes.map(toDType));

/** A 0-d variable. Error: `scalar-rank`. */
export function asScalar(x: Operand): Variable {
  const v = asTensor(x);
  return v.ndim === 0 ? v : fail("type", "scalar-rank", { what: `A scalar was needed, got ${v}.`, where: String(v.origin), fix: "take one element, or reduce it" });
}

/** x under a node of its own. */
export const identity = tensorCopy;
