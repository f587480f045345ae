/**
 * Shared variables: values that live between calls, and on a device while functions use them. Only their host side is here;
 * where a value is newest is storage.ts's business in compile.
 */
import { type DType, isFloat, toDType, upcasts } from "../codegen/ir/dtype.js";
import { SharedVariable, Variable } from "../graph/variable.js";
import { asarray } from "../numpy/convert.js";
import { type ArrayLike, NdArray } from "../numpy/ndarray.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { method } from "./define.js";

export interface SharedOptions {
  readonly name?: string | null | undefined;
  /** dtype of the value; without it literals that are whole numbers are int32, other literals floatX, arrays keep theirs. */
  readonly dtype?: string | undefined;
  /** Axes that have length 1 and stretch; none without it (theano.shared). */
  readonly broadcastable?: readonly boolean[] | undefined;
  /** Whether the caller's array may be kept instead of copied. Accepted for ports; nothing is promised. */
  readonly borrow?: boolean | undefined;
  /** Accepted for ports: values are always checked. */
  readonly strict?: boolean | undefined;
}

const isLiteral = (value: ArrayLike): boolean => !(value instanceof NdArray) && !ArrayBuffer.isView(value);

/** The value as a copy of its own (unless `borrow`), with the dtype that `shared` and `setValue` give it. */
function owned(value: ArrayLike, dtype: DType | null, borrow: boolean): NdArray {
  const read = asarray(value);
  const to = dtype ?? (isLiteral(value) && read.dtype === "float64" ? config.floatX : read.dtype);
  const made = read.dtype === to ? read : asarray(value, { dtype: to });
  return borrow || isLiteral(value) || made !== read ? made : read.copy();
}

/**
 * A variable with a value that functions read and update: `shared(0)` is int32, `shared(0.5)` floatX, an NdArray or typed array keeps its dtype.
 * No axis broadcasts unless `broadcastable` says so. Errors: `shared-symbolic` for a variable, `shared-broadcast` where a flag does not fit the value.
 */
export function shared(value: ArrayLike, options: SharedOptions = {}): SharedVariable {
  if ((value as unknown) instanceof Variable) {
    fail("type", "shared-symbolic", { what: `shared() needs a value and got the symbolic variable ${String(value)}.`, fix: "pass numbers or an array; evaluate the variable first" });
  }
  const { name, broadcastable, borrow = false } = options;
  const array = owned(value, options.dtype === undefined ? null : toDType(options.dtype), borrow);
  if (broadcastable !== undefined && (broadcastable.length !== array.ndim || broadcastable.some((b, a) => b && array.shape[a] !== 1))) {
    fail("value", "shared-broadcast", {
      what: `broadcastable: [${broadcastable.join(", ")}] does not fit a value of shape (${array.shape.join(", ")}).`, fix: "give one flag per axis, true only where the length is 1",
    });
  }
  return new SharedVariable(array, { name, broadcastable });
}

/** Whether a whole literal can be stored without loss: fractions do not go into integers. */
const literalFits = (from: DType, to: DType, read: NdArray): boolean => (isFloat(to) ? true : upcasts(from, to) || (to === "bool" && read.data.every((x) => x === 0 || x === 1)));

/**
 * Replaces the value, at once: calls that are not finished keep it, though they may have read the value before. It must have the variable's rank, length 1 where the type broadcasts, and a dtype that converts without loss; lengths may change.
 * Errors: `set-value-dtype`, `set-value-rank`, `set-value-broadcast`.
 */
function setValue(self: SharedVariable, value: ArrayLike, { borrow = false }: { readonly borrow?: boolean } = {}): void {
  const read = asarray(value);
  const where = String(self.origin);
  const fits = isLiteral(value) ? literalFits(read.dtype, self.dtype, read) : upcasts(read.dtype, self.dtype);
  if (!fits) {
    fail("type", "set-value-dtype", { what: `${self} cannot store a value of dtype ${read.dtype} without loss.`, where, fix: `convert it first: np.asarray(value, { dtype: "${self.dtype}" })` });
  }
  if (read.ndim !== self.ndim) {
    fail("type", "set-value-rank", { what: `Wrong number of dimensions: expected ${self.ndim}, got ${read.ndim} with shape (${read.shape.join(", ")}).`, where, saw: [String(self)], fix: "pass an array of the variable's rank" });
  }
  const bad = self.broadcastable.findIndex((b, a) => b && read.shape[a] !== 1);
  if (bad >= 0) {
    fail("type", "set-value-broadcast", { what: `Axis ${bad} of ${self} has length 1 by its type, the value has ${read.shape[bad]}.`, where, fix: "keep that axis at length 1, or make the variable without the flag" });
  }
  const array = owned(value, self.dtype, borrow);
  self.cell.sets++;
  self.cell.remote?.release();
  self.cell.remote = null;
  self.cell.host = array;
}

declare module "../graph/variable.js" {
  interface SharedVariable {
    /** Replaces the value: same rank, lossless dtype, any lengths. See ops/shared.ts for its errors. */
    setValue(value: ArrayLike, options?: { readonly borrow?: boolean }): void;
  }
}
method({ setValue: (self, value: ArrayLike, options?: { readonly borrow?: boolean }) => setValue(asShared(self), value, options) });

function asShared(self: Variable): SharedVariable {
  if (self instanceof SharedVariable) return self;
  return fail("type", "set-value-owner", { what: `${self} is no shared variable.`, where: String(self.origin), fix: "only variables made by shared() have a value" });
}
