/**
 * Inverse, pseudo-inverse, determinant and powers of matrices (theano/tensor/nlinalg.py MatrixInverse, MatrixPinv, Det, matrix_power). Must not know
 * how they are computed: src/numpy/decompose does. Next room: autodiff.
 */
import type { Op } from "../graph/op.js";
import { TensorType, tensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { determinant, inverse } from "../numpy/decompose/lu.js";
import type { Matrix } from "../numpy/decompose/matrix.js";
import { pseudoInverse } from "../numpy/decompose/svd.js";
import type { Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { identityLike } from "./alloc.js";
import type { Operand } from "./define.js";
import { dot } from "./dot.js";
import { add, mul, neg, sub } from "./elementwise.js";
import { floatMatrix, matrixDot, matrixOp, matrixSamples, OBLONG, REGULAR, sideOf, turned } from "./matrix_op.js";

const flipped = (x: TensorType): TensorType => new TensorType(x.dtype, [x.broadcastable[1] === true, x.broadcastable[0] === true]);

const inverseOp: Op = matrixOp({
  name: "matrixInverse",
  doc: "The inverse of a square matrix, by LU with partial pivoting. Its gradient is -(X⁻¹ Gᵀ X⁻¹)ᵀ (Matrix Cookbook 60). Not square: `linalg-square`; singular: `linalg-singular`.",
  infer: ([x]) => [x as TensorType],
  shape: (ctx) => [[sideOf(ctx), sideOf(ctx)]],
  compute: ([x]) => [inverse(x as Matrix)],
  gradient: ({ outputs: [y], cotangents: [g] }) => [neg(turned(matrixDot(y as Variable, turned(g as Variable), y as Variable)))],
  samples: matrixSamples(REGULAR, {}),
});

const pinvOp: Op = matrixOp({
  name: "pinv",
  doc: "The Moore-Penrose pseudo-inverse [n, m] of a matrix [m, n], by its singular values; those up to 1e-15 of the greatest count as 0. The gradient is right where the rank stays the same (Golub and Pereyra 1973).",
  infer: ([x]) => [flipped(x as TensorType)],
  shape: ({ shapes: [x] }) => [[...(x as Shape)].reverse()],
  compute: ([x]) => [pseudoInverse(x as Matrix)],
  gradient: ({ inputs: [x], outputs: [z], cotangents: [g] }) => {
    const [a, p, v] = [x as Variable, z as Variable, g as Variable];
    const [ap, pa] = [dot(a, p), dot(p, a)];
    const rest = (product: Variable): Variable => sub(identityLike(product), product);
    return [turned(add(neg(matrixDot(p, turned(v), p)), matrixDot(p, turned(p), v, rest(ap)), matrixDot(rest(pa), v, turned(p), p)))];
  },
  samples: matrixSamples([...OBLONG, []], {}),
});

const detOp: Op = matrixOp({
  name: "det",
  doc: "The determinant of a square matrix, by LU with partial pivoting; 1 without rows. Its gradient is det(X) X⁻ᵀ, which needs a regular X. Not square: `linalg-square`.",
  infer: ([x]) => [tensorType((x as TensorType).dtype, 0)],
  shape: (ctx) => {
    sideOf(ctx);
    return [[]];
  },
  compute: ([x]) => [determinant(x as Matrix)],
  gradient: ({ inputs: [x], outputs: [d], cotangents: [g] }) => [mul(mul(g as Variable, d as Variable), turned(matrixInverse(x as Variable)))],
  samples: matrixSamples(REGULAR, {}),
});

/** The inverse of a square matrix. Integers become floatX. Errors: `linalg-rank`, and in calls LinAlgError `linalg-square`, `linalg-singular`. */
export const matrixInverse = (x: Operand): Variable => apply1(inverseOp, [floatMatrix(x, "matrixInverse")]);

/** The pseudo-inverse [n, m] of a matrix [m, n]: what solves least squares. Errors: `linalg-rank`, and in calls LinAlgError `linalg-finite`. */
export const pinv = (x: Operand): Variable => apply1(pinvOp, [floatMatrix(x, "pinv")]);

/** The determinant of a square matrix, 0-d. Its gradient needs a regular matrix. Errors: `linalg-rank`, and in calls LinAlgError `linalg-square`. */
export const det = (x: Operand): Variable => apply1(detOp, [floatMatrix(x, "det")]);

/** The product of n copies of a square matrix; of -n copies of its inverse where n < 0, as NumPy has it. Errors: `matrix-power`, `linalg-rank`. */
export function matrixPower(x: Operand, n: number): Variable {
  if (!Number.isInteger(n)) fail("type", "matrix-power", { what: `A matrix has no power ${n}.`, fix: "use a whole number" });
  const base = n < 0 ? matrixInverse(x) : floatMatrix(x, "matrixPower");
  if (n === 0) return identityLike(base);
  let [left, square] = [Math.abs(n), base];
  let product: Variable | null = null;
  for (;;) {
    if (left % 2 === 1) product = product === null ? square : dot(product, square);
    left = Math.floor(left / 2);
    if (left === 0) return product as Variable;
    square = dot(square, square);
  }
}
