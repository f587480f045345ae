/**
 * Elements chosen by their values or positions: nonzero, compress, take, and masks as indices (theano/tensor/basic.py Nonzero, subtensor.py take).
 * How many elements are not zero is an input of nonzero, counted where shapes are bound. Must not know how indices are written.
 */
import type { HostBuffer } from "../codegen/ir/plan.js";
import type { Op } from "../graph/op.js";
import { tensorType } from "../graph/types.js";
import { apply1, Constant, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, stridesOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { gather } from "./advanced.js";
import { asTensor, defineOp, method, type Operand } from "./define.js";
import { clip, mod, neq, sub } from "./elementwise.js";
import { sum } from "./reduce.js";
import { flatten } from "./reshape.js";
import { normaliseAxis, shapeAt } from "./shape.js";
import { elementAt } from "./subtensor.js";

/** One row per axis, one column per element that is not 0, in row-major order. */
function positions({ data, shape }: Pick<HostBuffer, "data" | "shape">, expected: number | null): Int32Array {
  const flat: number[] = [];
  for (let n = 0; n < data.length; n++) if (data[n] !== 0) flat.push(n);
  if (expected !== null && flat.length !== expected) {
    fail("value", "nonzero-count", {
      what: `${flat.length} elements are not 0 on this device, and ${expected} are by the float64 references that shapes come from: some are 0 only up to rounding.`,
      fix: "compare with a margin, as in T.gt(T.abs_(x), 1e-6), instead of with 0",
    });
  }
  const strides = stridesOf(shape);
  return Int32Array.from(shape.flatMap((d, a) => flat.map((n) => Math.floor(n / (strides[a] as number)) % d)));
}

const nonzeroOp: Op = defineOp({
  name: "nonzero",
  doc: "Inputs x and how many of its elements are not 0 -> their positions, int32[x.ndim, count]: a row per axis, in row-major order. Done on the host. Another count: `nonzero-count`.",
  infer: () => [tensorType("int32", 2)],
  shape: (ctx) => [[(ctx.shapes[0] as Shape).length, ctx.fixed(ctx.ints(1)[0] ?? ctx.fail("nonzero-count", "nonzero got no count.", "pass a 0-d integer"))]],
  lower: {
    kind: "routine",
    routine: () => ({ name: "nonzero", config: "", run: ([x, count], [out]) => (out as HostBuffer).data.set(positions(x as HostBuffer, count?.data[0] as number)) }),
  },
  reference: ([x, count]) => [new NdArray(positions(x as NdArray, count?.data[0] as number), [(x as NdArray).ndim, count?.data[0] as number], "int32")],
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 3], exact: [0, 1, 0, -2, 0, 3] }, { dtype: "int32", shape: [], exact: [3] }], params: {} },
    { inputs: [{ dtype: "bool", shape: [4], exact: [1, 0, 0, 1] }, { dtype: "int32", shape: [], exact: [2] }], params: {} },
    { inputs: [{ dtype: "int32", shape: [2], exact: [0, 0] }, { dtype: "int32", shape: [], exact: [0] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [0, 2] }, { dtype: "int32", shape: [], exact: [0] }], params: {} },
  ],
  onnx: "NonZero",
});

/** As nonzero; of a constant, a constant. */
function nonzeroMatrix(v: Variable): Variable {
  if (v.ndim === 0) fail("value", "nonzero-scalar", { what: `nonzero needs a tensor with axes, got ${v}.`, where: String(v.origin), fix: "flatten it, or use T.switch" });
  if (!(v instanceof Constant)) return apply1(nonzeroOp, [v, sum(neq(v, 0))]);
  const found = positions(v.value, null);
  return new Constant(new NdArray(found, [v.ndim, found.length / v.ndim], "int32"), { broadcastable: [false, false] });
}

/** What a bool tensor stands for in an index: an int vector for each of its axes. */
export const maskPositions = (v: Variable): Variable[] => {
  const matrix = nonzeroMatrix(v);
  return v.broadcastable.map((_, a) => elementAt(matrix, a));
};

/**
 * Positions of the elements that are not 0: one int vector per axis, or one matrix with a row per axis (`returnMatrix`). Their number is found on the
 * host at each call, and a plan is made for each number. Errors: `nonzero-scalar`, `nonzero-count`.
 */
export function nonzero(x: Operand, options?: { readonly returnMatrix?: false }): Variable[];
export function nonzero(x: Operand, options: { readonly returnMatrix: true }): Variable;
export function nonzero(x: Operand, { returnMatrix = false }: { readonly returnMatrix?: boolean } = {}): Variable | Variable[] {
  const v = asTensor(x);
  return returnMatrix ? nonzeroMatrix(v) : maskPositions(v);
}

/** Positions in x.flatten() of the elements that are not 0. */
export function flatnonzero(x: Operand): Variable {
  const v = asTensor(x);
  if (v.ndim === 0) return nonzeroMatrix(v);
  return elementAt(nonzeroMatrix(v instanceof Constant ? new Constant(v.value.reshape([v.value.size])) : flatten(v)), 0);
}

/** The elements of x that are not 0, in row-major order. */
export const nonzeroValues = (x: Operand): Variable => gather(flatten(x), [flatnonzero(x)], [0]);

export interface TakeOptions {
  /** The axis that is indexed; all elements in order without one. */
  readonly axis?: number | null | undefined;
  /** Positions outside: an error (`raise`, default), the nearest position (`clip`), or counted around (`wrap`). */
  readonly mode?: "raise" | "clip" | "wrap" | undefined;
}

/** x at integer positions along an axis: the result has the positions' axes in the place of that one. Error: `take-indices`. */
export function take(x: Operand, indices: Operand, { axis = null, mode = "raise" }: TakeOptions = {}): Variable {
  const v = axis === null ? flatten(x) : asTensor(x);
  const at = normaliseAxis(v, axis ?? 0);
  const i = asTensor(indices);
  if (i.dtype !== "int32") fail("type", "take-indices", { what: `take needs integer positions, got ${i}.`, where: String(i.origin), fix: "use T.cast(i, 'int32')" });
  const n = shapeAt(v, at);
  return gather(v, [mode === "clip" ? clip(i, 0, sub(n, 1)) : mode === "wrap" ? mod(i, n) : i], [at]);
}

/** The slices of x along an axis (the elements in order without one) where a vector is not 0. */
export const compress = (condition: Operand, x: Operand, { axis = null }: { readonly axis?: number | null | undefined } = {}): Variable => take(x, flatnonzero(condition), { axis });

declare module "../graph/variable.js" {
  interface Variable {
    /** Positions of the elements that are not 0: a vector per axis, or a matrix. */
    nonzero(options?: { readonly returnMatrix?: false }): Variable[];
    nonzero(options: { readonly returnMatrix: true }): Variable;
    /** The elements that are not 0. */
    nonzeroValues(): Variable;
    /** The elements at integer positions along an axis. */
    take(indices: Operand, options?: TakeOptions): Variable;
    /** The slices along an axis where a vector is not 0. */
    compress(condition: Operand, options?: { readonly axis?: number | null | undefined }): Variable;
  }
}
method({ nonzero, nonzeroValues, take, compress: (x, condition: Operand, options?: { readonly axis?: number | null }) => compress(condition, x, options) });
