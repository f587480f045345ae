/** The exponential of a matrix (theano/tensor/slinalg.py Expm). Must not know how it is computed: src/numpy/decompose does. Next room: autodiff. */
import type { Op } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { exponential } from "../numpy/decompose/expm.js";
import type { Matrix } from "../numpy/decompose/matrix.js";
import { zerosLike } from "./alloc.js";
import type { Operand } from "./define.js";
import { get } from "./indexing.js";
import { join } from "./join.js";
import { floatMatrix, matrixOp, matrixSamples, REGULAR, sideOf, turned } from "./matrix_op.js";
import { shapeAt } from "./shape.js";
import { slice } from "./slices.js";

const op: Op = matrixOp({
  name: "expm",
  doc: "The sum of the powers x^k / k! of a square matrix. Its gradient is the upper right block of the exponential of [[xᵀ, G], [0, xᵀ]] (Higham 2008, Functions of Matrices, 3.2). Errors: `linalg-square`, `linalg-finite`.",
  infer: ([x]) => [x as TensorType],
  shape: (ctx) => [[sideOf(ctx), sideOf(ctx)]],
  compute: ([x]) => [exponential(x as Matrix)],
  gradient: ({ inputs: [x], cotangents: [g] }) => {
    const a = turned(x as Variable);
    const n = shapeAt(a, 0);
    return [get(expm(join(0, join(1, a, g as Variable), join(1, zerosLike(a), a))), slice(null, n), slice(n, null))];
  },
  samples: matrixSamples(REGULAR, {}),
});

/** The exponential of a square matrix. Errors: `linalg-rank`, and in calls LinAlgError `linalg-square`, `linalg-finite`. */
export const expm = (x: Operand): Variable => apply1(op, [floatMatrix(x, "expm")]);
