/**
 * Eigenvalues and eigenvectors (theano/tensor/nlinalg.py Eig, Eigh; slinalg.py Eigvalsh). Must not know how they are computed: src/numpy/decompose
 * does. Next room: autodiff.
 */
import type { InputGradient, Op, Params, ShapeContext } from "../graph/op.js";
import { type TensorType, tensorType } from "../graph/types.js";
import { apply, type Variable } from "../graph/variable.js";
import { realEigen } from "../numpy/decompose/eig.js";
import { symmetricEigen } from "../numpy/decompose/eigh.js";
import type { Matrix } from "../numpy/decompose/matrix.js";
import type { Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { identityLike } from "./alloc.js";
import { cholesky } from "./cholesky.js";
import type { Operand } from "./define.js";
import { tril, triu } from "./diagonal.js";
import { dimshuffle } from "./dimshuffle.js";
import { dot } from "./dot.js";
import { add, div, mul, sub } from "./elementwise.js";
import { floatMatrix, matrixOp, matrixSamples, sideOf, turned } from "./matrix_op.js";
import { solveLowerTriangular } from "./solve.js";

export type Uplo = "L" | "U";
interface EighParams extends Params { readonly UPLO: Uplo }

const typesOf = ([x]: readonly TensorType[]): TensorType[] => [tensorType((x as TensorType).dtype, 1), tensorType((x as TensorType).dtype, 2)];
const shapesOf = (ctx: ShapeContext<Params>): Shape[] => [[sideOf(ctx)], [sideOf(ctx), sideOf(ctx)]];

/** 1 / (d_j - d_i) for a vector d, 0 on the diagonal; infinite where two elements are equal. */
export function inverseDifferences(d: Variable, like: Variable): Variable {
  const eye = identityLike(like);
  return div(sub(1, eye), add(sub(dimshuffle(d, "x", 0), dimshuffle(d, 0, "x")), eye));
}

/** What flows back to a symmetric matrix: V (diag(gw) + F ∘ VᵀGv) Vᵀ with F of the differences of w (Giles 2008, 2.3.2). */
function backwards([w, v]: readonly [Variable, Variable], [gw, gv]: readonly [Variable | null, Variable | null]): Variable {
  const byValues = gw && dot(mul(v, dimshuffle(gw, "x", 0)), turned(v));
  const byVectors = gv && dot(dot(v, mul(inverseDifferences(w, v), dot(turned(v), gv))), turned(v));
  return byValues === null ? (byVectors as Variable) : byVectors === null ? byValues : add(byValues, byVectors);
}

/** A gradient in a symmetric matrix as one in the triangle that is read: each element beside the diagonal stands for two. */
const inTriangle = (g: Variable, uplo: Uplo): Variable => (uplo === "L" ? add(tril(g), turned(triu(g, 1))) : add(triu(g), turned(tril(g, -1))));

const SYMMETRIC = [[[2, 1, 0.5], [1, -3, 1], [0.5, 1, 1]], [[1, 2], [2, -0.5]], [[3]], []] as const;

const eighOp: Op = matrixOp<EighParams>({
  name: "eigh",
  doc: "Eigenvalues, ascending, and orthonormal eigenvectors, as columns, of a symmetric matrix of which only one triangle is read. The gradient of vectors is infinite where eigenvalues repeat. Errors: `linalg-square`, `linalg-finite`.",
  infer: typesOf,
  shape: shapesOf,
  compute: ([x], { UPLO }) => {
    const { values, vectors } = symmetricEigen(UPLO === "L" ? (x as Matrix) : (x as Matrix).T);
    return [values, vectors];
  },
  gradient: ({ outputs, params: { UPLO }, cotangents }): InputGradient[] => [inTriangle(backwards(outputs as [Variable, Variable], cotangents as [Variable | null, Variable | null]), UPLO)],
  samples: [...matrixSamples(SYMMETRIC, { UPLO: "L" as const }), ...matrixSamples(SYMMETRIC, { UPLO: "U" as const })],
});

const eigOp: Op = matrixOp({
  name: "eig",
  doc: "Eigenvalues, in no order, and right eigenvectors of length 1, as columns, of a square matrix whose eigenvalues are real. It has no gradient, as in Theano. Errors: `linalg-square`, `linalg-finite`, `linalg-complex`.",
  infer: typesOf,
  shape: shapesOf,
  compute: ([x]) => {
    const { values, vectors } = realEigen(x as Matrix);
    return [values, vectors];
  },
  samples: matrixSamples([[[2, 1, 0.5], [0, -3, 1], [1, 0, 1]], [[1, 2], [3, 4]], [[-2]], []], {}),
});

/**
 * [w, v]: ascending eigenvalues and, as columns, orthonormal eigenvectors of a symmetric matrix, of which only the triangle `UPLO` ("L" by default, or
 * "U") is read, so that gradients are triangular too. Which of two opposite vectors is found is not LAPACK's choice. Errors: `eigh-uplo`,
 * `linalg-rank`, and in calls LinAlgError `linalg-square`, `linalg-finite`.
 */
export function eigh(a: Operand, given: Uplo | { readonly UPLO?: Uplo | undefined } = {}): [Variable, Variable] {
  const { UPLO = "L" } = typeof given === "object" ? given : { UPLO: given };
  if (UPLO !== "L" && UPLO !== "U") fail("value", "eigh-uplo", { what: `UPLO must be "L" or "U", got ${JSON.stringify(UPLO)}.`, fix: "name the triangle to read" });
  return apply(eighOp, [floatMatrix(a, "eigh")], { UPLO }) as [Variable, Variable];
}

/**
 * [w, v]: eigenvalues and, as columns, right eigenvectors of length 1 of a square matrix. Theano drops imaginary parts; here eigenvalues that are not
 * real are an error. No gradient. Errors: `linalg-rank`, and in calls LinAlgError `linalg-square`, `linalg-finite`, `linalg-complex`.
 */
export const eig = (a: Operand): [Variable, Variable] => apply(eigOp, [floatMatrix(a, "eig")]) as [Variable, Variable];

/**
 * Ascending w with a x = w b x for some x: a is symmetric, b symmetric and positive definite (the identity without one); only their lower triangles
 * (`lower`, default) or upper ones are read. With b = L Lᵀ they are the eigenvalues of L⁻¹ a L⁻ᵀ (Golub and Van Loan, section 8.7.2). Errors as
 * `eigh` and `cholesky`.
 */
export function eigvalsh(a: Operand, b: Operand | null = null, { lower = true }: { readonly lower?: boolean | undefined } = {}): Variable {
  const uplo = lower ? "L" : "U";
  if (b === null) return eigh(a, uplo)[0];
  const [m, factor] = [floatMatrix(a, "eigvalsh"), cholesky(b, { lower })];
  const l = lower ? factor : turned(factor);
  const whole = lower ? add(tril(m), turned(tril(m, -1))) : add(triu(m), turned(triu(m, 1)));
  return eigh(solveLowerTriangular(l, turned(solveLowerTriangular(l, whole))))[0];
}
