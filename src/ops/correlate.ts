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
  /** Which axis of the result comes first: that of the images, or those of (groups and) filters. */
  readonly first: "images" | "filters";
}

/** The lengths of both inputs; there may be no axis of groups. */
interface Lengths { readonly n: number; readonly group: readonly number[]; readonly c: number; readonly f: number; readonly taken: number; readonly image: readonly number[]; readonly kernel: readonly number[] }

function lengthsIn([x, w]: readonly Shape[]): Lengths {
  const [image, kernel] = [(x as Shape).slice(-2), (w as Shape).slice(-2)];
  const [n, ...middle] = (x as Shape).slice(0, -3) as [number, ...number[]];
  const [f, taken] = (w as Shape).slice(-4, -2) as [number, number];
  return { n, group: middle, c: x?.at(-3) as number, f, taken, image, kernel };
}

/** As conv2d has it, groups one after the other. */
function geometryFrom(shapes: readonly Shape[], { stride, dilation }: CorrelateParams, report: Parameters<typeof geometryOf>[3]): { readonly g: Geometry; readonly p: ConvParams } {
  const { n, group: [groups = 1], c, f, taken, image, kernel } = lengthsIn(shapes);
  const p: ConvParams = { border: [[0, 0], [0, 0]], subsample: stride, dilation, flip: false, groups };
  return { g: geometryOf([n, c * groups, ...image], [f * groups, taken, ...kernel], p, report), p };
}

/** Puts what belongs to images and to (groups and) filters in the result's order. */
const ordered = <E>(n: E, filters: readonly E[], rest: readonly E[], first: CorrelateParams["first"]): E[] => (first === "images" ? [n, ...filters, ...rest] : [...filters, n, ...rest]);

function shapeOf(shapes: readonly Shape[], params: CorrelateParams, report: Parameters<typeof geometryOf>[3]): Shape {
  const { n, group, f } = lengthsIn(shapes);
  return ordered(n, [...group, f], geometryFrom(shapes, params, report).g.out, params.first);
}

const sample = (x: Shape, w: Shape, stride: Pair = [1, 1], dilation: Pair = [1, 1], first: CorrelateParams["first"] = "images", dtype: DType = "float64"): Sample<CorrelateParams> => ({
  inputs: [x, w].map((shape) => ({ dtype, shape })), params: { stride, dilation, first },
});

const correlateOp: Op = defineOp<CorrelateParams>({
  name: "correlate",
  doc: "out[n, f, i, j] (or out[f, n, i, j]: `first`) = sum over c, a, b of x[n, c, stride i + dilation a, stride j + dilation b] w[f, c, a, b]; with groups x[n, g, c, …], w[g, f, c, …], out[n, g, f, …]. Integers stay integers. Lengths that differ: `conv-channels`; filters larger than images: `conv-size`.",
  infer: ([x, w], { first }) => {
    const [a, b] = [(x as TensorType).broadcastable, (w as TensorType).broadcastable];
    const group = a.slice(1, -3).map((flag) => flag || b[0] === true);
    return [new TensorType(productDType((x as TensorType).dtype, (w as TensorType).dtype), ordered(a[0] === true, [...group, b.at(-4) === true], [false, false], first))];
  },
  shape: (ctx) => [shapeOf(ctx.shapes, ctx.params, ctx.fail)],
  lower: {
    kind: "reduce",
    reduce: ({ inputs, outputs, params: { stride, dilation, first } }) => {
      const [x, w] = inputs as [Lazy, Lazy];
      const out = outputs[0]?.dtype as DType;
      const filterAxes = w.shape.length - 3;
      return {
        op: "sum", extents: w.shape.slice(-3), dtype: out === "float32" ? "float64" : out,
        term: (index, red) => {
          const n = (first === "images" ? index[0] : index[filterAxes]) as Expr;
          const filter = first === "images" ? index.slice(1, 1 + filterAxes) : index.slice(0, filterAxes);
          const [c, a, b] = red as [Expr, Expr, Expr];
          const at = (o: Expr, k: Expr, axis: 0 | 1): Expr => iadd(imul(o, int(stride[axis])), imul(k, int(dilation[axis])));
          const [y, z] = [at(index.at(-2) as Expr, a, 0), at(index.at(-1) as Expr, b, 1)];
          return prim("mul", cast(x.at([n, ...filter.slice(0, -1), c, y, z]), out), cast(w.at([...filter, c, a, b]), out));
        },
      };
    },
  },
  reference: ([x, w], params, [type]) => {
    const shapes = [(x as NdArray).shape, (w as NdArray).shape];
    const { g, p } = geometryFrom(shapes, params, refuse);
    const out = NdArray.zeros(shapeOf(shapes, params, refuse), "float64");
    const area = g.out[0] * g.out[1];
    const stacks = g.groups * g.filters;
    // Positions are those of images first.
    const at = (o: number): number => (params.first === "images" ? o : ((Math.floor(o / area) % stacks) * g.batch + Math.floor(o / area / stacks)) * area + (o % area));
    eachProduct(g, p, (o, i, k) => {
      out.data[at(o)] = (out.data[at(o)] as number) + (x?.data[i] as number) * (w?.data[k] as number);
    });
    return [out.astype((type as TensorType).dtype)];
  },
  samples: [
    sample([2, 2, 4, 5], [3, 2, 2, 3]), sample([1, 2, 2, 5, 6], [2, 2, 2, 2, 2], [2, 3], [2, 1]), sample([2, 1, 3, 3], [1, 1, 3, 3]), sample([1, 1, 2, 2], [2, 1, 3, 1]),
    sample([2, 2, 5, 6], [3, 2, 2, 2], [2, 1], [1, 2], "filters"), sample([2, 2, 2, 5, 6], [2, 3, 2, 2, 2], [1, 1], [1, 2], "filters"),
    sample([2, 2, 3, 3], [2, 2, 2, 2], [1, 1], [1, 1], "images", "int32"), sample([2, 0, 3, 3], [2, 0, 2, 2]),
  ],
});

/** Filters `[(groups,) filters, channels, rows, columns]` on images `[n, (groups,) channels, rows, columns]`. */
export const correlate = (x: Variable, w: Variable, params: CorrelateParams): Variable => apply1(correlateOp, [x, w], params);
