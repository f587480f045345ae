/**
 * The one reduction that convolutions and both their gradients come down to: filters laid on images without borders. Its loads are affine and
 * unguarded, so devices can read them in order. Only compositions that rewriting has expanded hold this op. Next: conv.ts makes them.
 */
import type { DType } from "../codegen/ir/dtype.js";
import { cast, type Expr, prim } from "../codegen/ir/expr.js";
import { iadd, imul, int } from "../codegen/ir/index.js";
import type { Lazy, Op, Params, Sample } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { type ConvParams, eachProduct, type Geometry, geometryOf, type Pair, refuse } from "./conv_geometry.js";
import { defineOp } from "./define.js";
import { productDType } from "./dot.js";

interface CorrelateParams extends Params {
  /** Steps from one output to the next, and between the elements that a filter touches. */
  readonly stride: Pair;
  readonly dilation: Pair;
}

/** The groups' images and filters as conv2d has them: one after the other. */
function geometryFrom([x, w]: readonly Shape[], { stride, dilation }: CorrelateParams, report: Parameters<typeof geometryOf>[3]): { readonly g: Geometry; readonly p: ConvParams } {
  const [[n, groups, c, ...image], [, f, taken, ...kernel]] = [x, w] as readonly [readonly number[], readonly number[]];
  const group = groups as number;
  const p: ConvParams = { border: [[0, 0], [0, 0]], subsample: stride, dilation, flip: false, groups: group };
  return { g: geometryOf([n as number, (c as number) * group, ...image], [(f as number) * group, taken as number, ...kernel], p, report), p };
}

const shapeOf = ({ batch, groups, filters, out }: Geometry): Shape => [batch, groups, filters, ...out];

const sample = (x: Shape, w: Shape, stride: Pair = [1, 1], dilation: Pair = [1, 1], dtype: DType = "float64"): Sample<CorrelateParams> => ({ inputs: [x, w].map((shape) => ({ dtype, shape })), params: { stride, dilation } });

const correlateOp: Op = defineOp<CorrelateParams>({
  name: "correlate",
  doc: "out[n, g, f, i, j] = sum over c, a, b of x[n, g, c, stride i + dilation a, stride j + dilation b] w[g, f, c, a, b]. Integers stay integers. Lengths that differ: `conv-channels`; filters larger than images: `conv-size`.",
  infer: ([x, w]) => {
    const [a, b] = [x as TensorType, w as TensorType];
    return [new TensorType(productDType(a.dtype, b.dtype), [a.broadcastable[0] === true, a.broadcastable[1] === true || b.broadcastable[0] === true, b.broadcastable[1] === true, false, false])];
  },
  shape: (ctx) => [shapeOf(geometryFrom(ctx.shapes, ctx.params, ctx.fail).g)],
  lower: {
    kind: "reduce",
    reduce: ({ inputs, outputs, params: { stride, dilation } }) => {
      const [x, w] = inputs as [Lazy, Lazy];
      const out = outputs[0]?.dtype as DType;
      return {
        op: "sum", extents: w.shape.slice(2), dtype: out === "float32" ? "float64" : out,
        term: (index, red) => {
          const [n, g, f, i, j] = index as [Expr, Expr, Expr, Expr, Expr];
          const [c, a, b] = red as [Expr, Expr, Expr];
          const at = (o: Expr, k: Expr, axis: 0 | 1): Expr => iadd(imul(o, int(stride[axis])), imul(k, int(dilation[axis])));
          return prim("mul", cast(x.at([n, g, c, at(i, a, 0), at(j, b, 1)]), out), cast(w.at([g, f, c, a, b]), out));
        },
      };
    },
  },
  reference: ([x, w], params, [type]) => {
    const { g, p } = geometryFrom([(x as NdArray).shape, (w as NdArray).shape], params, refuse);
    const out = NdArray.zeros(shapeOf(g), "float64");
    eachProduct(g, p, (o, i, k) => {
      out.data[o] = (out.data[o] as number) + (x?.data[i] as number) * (w?.data[k] as number);
    });
    return [out.astype((type as TensorType).dtype)];
  },
  samples: [
    sample([2, 1, 2, 4, 5], [1, 3, 2, 2, 3]), sample([1, 2, 2, 5, 6], [2, 2, 2, 2, 2], [2, 3], [2, 1]), sample([2, 1, 1, 3, 3], [1, 1, 1, 3, 3]), sample([1, 1, 1, 2, 2], [1, 2, 1, 3, 1]),
    sample([2, 1, 2, 3, 3], [1, 2, 2, 2, 2], [1, 1], [1, 1], "int32"), sample([2, 1, 0, 3, 3], [1, 2, 0, 2, 2]),
  ],
});

/** Filters `[groups, filters, channels, rows, columns]` on images `[n, groups, channels, rows, columns]`. */
export const correlate = (x: Variable, w: Variable, params: { readonly stride: Pair; readonly dilation: Pair }): Variable => apply1(correlateOp, [x, w], params);
