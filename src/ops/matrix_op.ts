/**
 * What the ops of linear algebra share: they are done on the host in float64, by src/numpy/decompose, and rounded to the result's dtype. Their
 * gradients are graphs of the same ops. Must not know any one of them. Next: inverse.ts, solve.ts, cholesky.ts, eigen.ts, svd.ts, qr.ts.
 */
import type { HostBuffer } from "../codegen/ir/plan.js";
import { type Op, type OpFields, type Params, paramsKey, type Sample, type ShapeContext } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import type { Variable } from "../graph/variable.js";
import { Matrix } from "../numpy/decompose/matrix.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, type Operand } from "./define.js";
import { transpose } from "./dimshuffle.js";
import { dot } from "./dot.js";
import { floating } from "./statistics.js";

/** The value of a matrix, a vector or a 0-d output. */
type Computed = Matrix | Float64Array | number;

export interface MatrixOpFields<P> extends Pick<OpFields<P>, "name" | "doc" | "infer" | "shape" | "gradient" | "samples" | "onnx"> {
  /** The outputs' values from the inputs', all of them matrices. */
  compute(inputs: readonly Matrix[], params: P): readonly Computed[];
}

const elementsOf = (value: Computed): Float64Array => (value instanceof Matrix ? value.data : typeof value === "number" ? Float64Array.of(value) : value);
const shapeOf = (value: Computed): Shape => (value instanceof Matrix ? [value.rows, value.cols] : typeof value === "number" ? [] : [value.length]);

/** An op whose record says how matrices are computed from matrices. */
export function matrixOp<P extends Params = Params>({ compute, ...fields }: MatrixOpFields<P>): Op {
  return defineOp<P>({
    ...fields,
    lower: {
      kind: "routine",
      routine: ({ params }) => ({
        name: fields.name, config: paramsKey(params),
        run: (inputs, outputs) => compute(inputs.map(Matrix.of), params).forEach((value, i) => (outputs[i] as HostBuffer).data.set(elementsOf(value))),
      }),
    },
    reference: (inputs, params, types) => compute(inputs.map(Matrix.of), params).map((value, i) => new NdArray(elementsOf(value), shapeOf(value), "float64").astype((types[i] as TensorType).dtype)),
  });
}

/** The side of square input `i`. Fails with `linalg-square`. */
export function sideOf(ctx: ShapeContext<Params>, i = 0): number {
  const [rows, cols] = ctx.shapes[i] as readonly [number, number];
  return rows === cols ? rows : ctx.fail("linalg-square", `A square matrix is needed, got one of ${rows} rows and ${cols} columns.`, "pass as many rows as columns", "linalg");
}

/** An operand as a float matrix; integers become floatX. Error: `linalg-rank`. */
export function floatMatrix(x: Operand, what: string): Variable {
  const v = asTensor(x);
  if (v.ndim !== 2) fail("type", "linalg-rank", { what: `${what} needs a matrix, got ${v}.`, where: String(v.origin), fix: "reshape it to two axes; stacks of matrices go through scan" });
  return floating(v);
}

/** The product of matrices in their order. */
export const matrixDot = (first: Operand, ...more: readonly Operand[]): Variable => more.reduce<Variable>((a, b) => dot(a, b), asTensor(first));

/** The transpose of a matrix. */
export const turned = (x: Variable): Variable => transpose(x);

/** Samples of float64 matrices with given rows, for ops that not all matrices suit. */
export const matrixSamples = <P extends Params>(matrices: readonly (readonly (readonly number[])[])[], params: P): Sample<P>[] =>
  matrices.map((rows) => ({ inputs: [{ dtype: "float64", shape: [rows.length, rows[0]?.length ?? 0], exact: rows.flat() }], params }));

/** Regular ones of sides 0 to 3. */
export const REGULAR = [[[2, -1, 0.5], [1, 3, -1], [0.25, 1, 1.5]], [[0.5, 2], [-1, 1]], [[-2]], []] as const;
/** Two wide, two tall, a square, a single number, and none. */
export const OBLONG = [[[1, 2, -1], [0.5, -1, 2]], [[1, 2], [-3, 1], [0.5, 2]], [[2, 1], [0.5, -1]], [[3]], [[1, -2, 2]]] as const;
