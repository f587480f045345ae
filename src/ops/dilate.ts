/**
 * Images on a larger grid of zeros, which is how the borders, the strides and the gradients of convolutions become one plain correlation. Only
 * compositions that rewriting has expanded hold this op. Next: correlate.ts reads what it makes.
 */
import { constant, type Expr } from "../codegen/ir/expr.js";
import { int, isub } from "../codegen/ir/index.js";
import type { Lazy, Op, Params, Sample } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import type { Pair } from "./conv_geometry.js";
import { defineOp } from "./define.js";
import { boundDims, type Dims, givenDims, splitDims } from "./dims.js";
import { allHold, inSteps } from "./positions.js";
import { choose, type Length } from "./shape.js";

interface DilateParams extends Params {
  /** Rows and columns of the result, then those of the first element. */
  readonly lengths: Dims["lengths"];
  /** From one row or column to the next. */
  readonly spacing: Pair;
}

/** Positions may be negative. */
const LEAST = -2147483648;

const sample = (shape: Shape, lengths: Dims["lengths"], spacing: Pair, ...inputs: readonly number[]): Sample<DilateParams> => ({
  inputs: [{ dtype: "float64", shape }, ...inputs.map((n) => ({ dtype: "int32" as const, shape: [], exact: [n] }))], params: { lengths, spacing },
});

const dilateOp: Op = defineOp<DilateParams>({
  name: "dilate",
  doc: "Zeros of given rows and columns with x[…, i, j] at (low + spacing i, low + spacing j); elements that would lie outside are left out. Lengths and lows are numbers in params or inputs.",
  infer: ([x]) => [new TensorType((x as TensorType).dtype, [...(x as TensorType).broadcastable.slice(0, -2), false, false])],
  shape: (ctx) => [[...(ctx.shapes[0] as Shape).slice(0, -2), ...boundDims(ctx, ctx.params.lengths, 1, LEAST).slice(0, 2)]],
  lower: {
    kind: "index",
    at: (ctx) => {
      const { params: { lengths, spacing }, outputs: [out] } = ctx;
      const x = ctx.inputs[0] as Lazy;
      const zero = constant(0, x.dtype);
      const [height, width] = x.shape.slice(-2) as unknown as Pair;
      if (height === 0 || width === 0 || out?.shape.includes(0)) return [() => zero];
      let next = 1;
      const [, , top, left] = lengths.map((d) => (d === null ? (ctx.ints(next++)[0] as Expr) : int(d))) as [Expr, Expr, Expr, Expr];
      return [(index) => {
        const rows = inSteps(isub(index.at(-2) as Expr, top), spacing[0], height);
        const columns = inSteps(isub(index.at(-1) as Expr, left), spacing[1], width);
        return choose(allHold([...rows.conditions, ...columns.conditions]), () => x.at([...index.slice(0, -2), rows.at, columns.at]), () => zero);
      }];
    },
  },
  reference: ([x, ...rest], { lengths, spacing }) => {
    const { shape, data, dtype } = x as NdArray;
    const [height, width, top, left] = givenDims(lengths, rest) as [number, number, number, number];
    const out = NdArray.zeros([...shape.slice(0, -2), height, width], dtype);
    const [rows, columns] = shape.slice(-2) as unknown as Pair;
    data.forEach((e, n) => {
      const [i, j] = [top + spacing[0] * (Math.floor(n / columns) % rows), left + spacing[1] * (n % columns)];
      if (i >= 0 && i < height && j >= 0 && j < width) out.data[(Math.floor(n / columns / rows) * height + i) * width + j] = e;
    });
    return [out];
  },
  samples: [
    sample([2, 2, 3], [4, 6, 1, 2], [1, 1]), sample([1, 2, 2, 2], [5, null, null, 1], [2, 3], 5, 1), sample([3, 3], [2, 2, -1, 0], [1, 1]), sample([3, 2], [4, 3, -2, -1], [2, 1]),
    sample([2, 2], [2, 2, 0, 0], [1, 1]), sample([0, 2], [2, 2, 1, 0], [1, 1]),
  ],
});

/** Where an image of `size` gets its elements: the first at `low`, others `spacing` apart. */
export interface Grid {
  readonly size: readonly [Length, Length];
  readonly low: readonly [Length, Length];
  readonly spacing: Pair;
}

/** x on a grid of zeros; along its last two axes. */
export function dilate(x: Variable, { size, low, spacing }: Grid): Variable {
  const { lengths, inputs } = splitDims([...size, ...low], { least: LEAST });
  return apply1(dilateOp, [x, ...inputs], { lengths, spacing });
}
