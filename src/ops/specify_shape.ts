/**
 * specifyShape: x, whose lengths are checked against others when a function runs (theano/compile/ops.py SpecifyShape). What indexes one tensor by
 * another of the same length is built on it.
 */
import type { Lazy, Op, Params } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, type Operand } from "./define.js";
import { boundDims, type Dims, givenDims, splitDims } from "./dims.js";
import type { ShapeLike } from "./shape.js";

interface SpecifyParams extends Params { readonly lengths: Dims["lengths"] }

const differs = (a: Shape, b: readonly number[]): boolean => a.some((n, axis) => n !== b[axis]);
const words = (got: Shape, expected: readonly number[]): string => `A tensor has shape (${got.join(", ")}) where (${expected.join(", ")}) was specified.`;

const op: Op = defineOp<SpecifyParams>({
  name: "specifyShape",
  doc: "x, whose lengths must be those given: numbers in params, others as inputs. Others: `specify-shape`.",
  infer: ([x]) => [x as TensorType],
  shape: (ctx) => {
    const shape = ctx.shapes[0] as Shape;
    const expected = boundDims(ctx, ctx.params.lengths, 1);
    return differs(shape, expected) ? ctx.fail("specify-shape", words(shape, expected), "make the lengths agree") : [shape];
  },
  lower: { kind: "index", at: ({ inputs: [x] }) => [(index) => (x as Lazy).at(index)] },
  gradient: ({ inputs: [, ...lengths], cotangents: [g] }) => [g as Variable, ...lengths.map(() => "disconnected" as const)],
  reference: ([x, ...rest], { lengths }) => {
    const { shape } = x as NdArray;
    const expected = givenDims(lengths, rest);
    return differs(shape, expected) ? fail("value", "specify-shape", { what: words(shape, expected), fix: "make the lengths agree" }) : [x as NdArray];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 3] }, { dtype: "int32", shape: [], exact: [3] }], params: { lengths: [2, null] } },
    { inputs: [{ dtype: "float64", shape: [] }], params: { lengths: [] } },
    { inputs: [{ dtype: "float64", shape: [0] }], params: { lengths: [0] } },
  ],
});

/** x, with its lengths checked: `T.specifyShape(x, [2, n])`. Errors: `specify-shape-rank`, and when run `specify-shape`. */
export function specifyShape(x: Operand, lengths: ShapeLike): Variable {
  const v = asTensor(x);
  const dims = splitDims(lengths, { ndim: v.ndim });
  if (dims.lengths.length !== v.ndim) {
    fail("value", "specify-shape-rank", { what: `${dims.lengths.length} lengths were specified for ${v}.`, where: String(v.origin), fix: `give ${v.ndim} lengths` });
  }
  return apply1(op, [v, ...dims.inputs], { lengths: dims.lengths });
}
