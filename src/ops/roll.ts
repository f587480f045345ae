/**
 * roll: elements moved along an axis, those that leave one end entering at the other (theano/tensor/basic.py roll). The distance may vary from call
 * to call within one plan.
 */
import type { Expr } from "../codegen/ir/expr.js";
import { imod, int, isub } from "../codegen/ir/index.js";
import type { Lazy, Op, Params } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, asTensors, defineOp, type Operand } from "./define.js";
import { neg } from "./elementwise.js";
import { type Named, optionOf } from "./options.js";
import { flatten, reshape } from "./reshape.js";
import { lengthsOf, normaliseAxis } from "./shape.js";

interface AxisParam extends Params { readonly axis: number }

const op: Op = defineOp<AxisParam>({
  name: "roll",
  doc: "x with its elements moved along an axis by a whole number of places, around its end; inputs x and the number.",
  infer: ([x]) => [x as TensorType],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: {
    kind: "index",
    at: ({ inputs: [x, shift], params: { axis } }) => [(index) => {
      const n = Math.max(1, (x as Lazy).shape[axis] as number);
      const from = isub(index[axis] as Expr, (shift as Lazy).at([]));
      return (x as Lazy).at(index.map((i, a) => (a === axis ? (n === 1 ? int(0) : imod(from, n)) : i)));
    }],
  },
  gradient: ({ inputs: [, shift], params, cotangents: [g] }) => [apply1(op, [g as Variable, neg(shift as Variable)], params), "disconnected"],
  reference: ([x, shift], { axis }) => {
    const { shape, data, dtype } = x as NdArray;
    const [n, inner] = [shape[axis] as number, sizeOf(shape.slice(axis + 1))];
    const out = NdArray.zeros(shape, dtype);
    for (let k = 0; k < data.length; k++) {
      const i = Math.floor(k / inner) % n;
      const from = (((i - (shift?.data[0] as number)) % n) + n) % n;
      out.data[k] = data[k + (from - i) * inner] as number;
    }
    return [out];
  },
  samples: ([[[5], 0, 2], [[2, 3], 1, -1], [[3, 2], 0, 7], [[1], 0, 3], [[0, 2], 0, 1]] as const).map(([shape, axis, shift]) => ({
    inputs: [{ dtype: "float64", shape }, { dtype: "int32", shape: [], exact: [shift] }], params: { axis },
  })),
});

/** x moved `shift` places along an axis, around its end; all elements in order without one. Error: `roll-shift`. */
export function roll(x: Operand, shift: number | Variable, given: Named<"axis", number | null> = {}): Variable {
  const axis = optionOf(given, "axis") ?? null;
  const v = asTensor(x);
  const [by] = asTensors([shift]) as [Variable];
  if (by.dtype !== "int32" || by.ndim !== 0) fail("type", "roll-shift", { what: `roll moves by a 0-d whole number, got ${by}.`, where: String(by.origin), fix: "pass an integer or a 0-d int variable" });
  if (axis === null && v.ndim !== 1) return reshape(roll(flatten(v), by), lengthsOf(v));
  return apply1(op, [v, by], { axis: normaliseAxis(v, axis ?? 0) });
}
