/**
 * A given value in its variable's type, or refused: arguments of calls, defaults and test values. Must not know calls or functions.
 * Theano's rules (tensor/type.py filter): arrays must up-cast without loss, numbers must convert exactly, a JS number may become any float.
 */
import { castScalar, isFloat, upcasts } from "../codegen/ir/dtype.js";
import { asarray } from "../numpy/convert.js";
import { type ArrayLike, NdArray } from "../numpy/ndarray.js";
import { shown } from "../numpy/show.js";
import { fail } from "../util/fail.js";
import type { Variable } from "./variable.js";

/** The value for `variable`; the caller's own array where nothing has to be converted. `what`: how errors call it. Errors: `call-ndim`, `call-broadcast`, `call-dtype`. */
export function valueFor(variable: Variable, value: ArrayLike, what: string, { downcast = false }: { readonly downcast?: boolean } = {}): NdArray {
  const { dtype } = variable;
  if (typeof value === "number" && variable.ndim === 0 && (isFloat(dtype) || castScalar(value, dtype) === value)) return NdArray.scalar(value, dtype);
  const isArray = value instanceof NdArray || ArrayBuffer.isView(value);
  const given = asarray(value);
  if (given.ndim !== variable.ndim) {
    fail("type", "call-ndim", { what: `Wrong number of dimensions: expected ${variable.ndim}, got ${given.ndim} with shape (${given.shape.join(", ")}) for ${what}.`, where: String(variable.origin), fix: "pass an array of that rank" });
  }
  const bad = variable.broadcastable.findIndex((b, a) => b && given.shape[a] !== 1);
  if (bad >= 0) fail("type", "call-broadcast", { what: `Axis ${bad} of ${what} must have length 1, got shape (${given.shape.join(", ")}).`, where: String(variable.origin), fix: "pass length 1 there, or declare the input without broadcasting" });
  if (given.dtype === dtype) return given;
  const fits = upcasts(given.dtype, dtype) || (!isArray && isFloat(given.dtype) && isFloat(dtype)) || (!isArray && given.data.every((x) => castScalar(x, dtype) === x));
  if (!fits && !downcast) {
    fail("type", "call-dtype", {
      what: `${what.charAt(0).toUpperCase()}${what.slice(1)} cannot take ${given.dtype} values without losing information.`, where: String(variable.origin), saw: [`given: ${shown(given)}`],
      fix: `convert it (np.asarray(v, { dtype: "${dtype}" })), or pass allowInputDowncast: true to compile()`,
    });
  }
  return given.astype(dtype);
}
