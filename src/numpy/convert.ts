/**
 * Conversion of whatever a caller may pass (numbers, booleans, nested arrays, typed arrays, NdArray) to NdArray.
 * Must not know graphs. Literals: all-integral numbers are int32, others float64; booleans are bool.
 */
import { allocate, castScalar, type DType, toDType, type TypedArray } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { type ArrayLike, NdArray, type Nested, nestedLeaves, nestedShape } from "./ndarray.js";

const INT32 = { min: -2147483648, max: 2147483647 };

/** The dtype of a typed array's elements; integers of other widths become int32 where they fit. */
function typedDType(data: ArrayBufferView): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  return "int32";
}

function isTyped(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** dtype of nested literals: bool if all are booleans, int32 if all are whole numbers that fit, else float64. */
function literalDType(leaves: readonly (number | boolean)[]): DType {
  if (leaves.length > 0 && leaves.every((x) => typeof x === "boolean")) return "bool";
  return leaves.length > 0 && leaves.every((x) => typeof x === "boolean" || (Number.isInteger(x) && !Object.is(x, -0) && x >= INT32.min && x <= INT32.max)) ? "int32" : "float64";
}

/** What came in the place of a number, and what its writer may have meant. */
function refuse(x: unknown): never {
  const values = "pass numbers, booleans, nested arrays of them, typed arrays or NdArrays";
  if (x instanceof Promise) return fail("type", "not-an-array", { what: "A promise is not a number.", fix: "await it: getValue(), eval() and calls of functions give promises" });
  if (x === undefined) return fail("type", "not-an-array", { what: "undefined is not a number.", fix: `see whether an argument is missing; ${values}` });
  if (typeof x === "object" && x !== null) return fail("type", "not-an-array", { what: `An object of { ${Object.keys(x).join(", ")} } is not a number.`, fix: `options come last, after what has no default; ${values}` });
  return fail("type", "not-an-array", { what: `${typeof x === "string" ? `The text '${x}'` : String(x)} is not a number.`, fix: values });
}

/**
 * The array that a value means. With `dtype` each element is converted as `castScalar` does; a whole number outside int32 is the error
 * `int32-range`. NdArrays of the right dtype are returned as they are, typed arrays are wrapped without a copy.
 */
export function asarray(value: ArrayLike, options: { readonly dtype?: DType | string | undefined } = {}): NdArray {
  const dtype = options.dtype === undefined ? undefined : toDType(options.dtype);
  if (value instanceof NdArray) return dtype === undefined || dtype === value.dtype ? value : value.astype(dtype);
  if (isTyped(value)) {
    const own = typedDType(value);
    const wrapped = value instanceof Float32Array || value instanceof Float64Array || value instanceof Int32Array ? value : Int32Array.from(value);
    const array = new NdArray(wrapped, [value.length], own);
    return dtype === undefined || dtype === own ? array : array.astype(dtype);
  }
  const shape = nestedShape(value as Nested);
  const leaves = nestedLeaves(value as Nested);
  for (const x of leaves) {
    if (typeof x !== "number" && typeof x !== "boolean") refuse(x);
  }
  const target = dtype ?? literalDType(leaves);
  const data = allocate(target, leaves.length);
  leaves.forEach((x, i) => {
    if (target === "int32" && (Number(x) < INT32.min || Number(x) > INT32.max)) {
      fail("value", "int32-range", { what: `${x} does not fit int32.`, fix: "use a float dtype, or a value between -2147483648 and 2147483647" });
    }
    data[i] = castScalar(Number(x), target);
  });
  return new NdArray(data, shape, target);
}
