/**
 * Singular values and vectors (theano/tensor/nlinalg.py SVD), and the completion of orthonormal columns to a basis. Must not know how they are
 * computed: src/numpy/decompose does. Next room: autodiff.
 */
import type { Op } from "../graph/op.js";
import { type TensorType, tensorType } from "../graph/types.js";
import { apply, apply1, type Variable } from "../graph/variable.js";
import type { Matrix } from "../numpy/decompose/matrix.js";
import { completeColumns } from "../numpy/decompose/qr.js";
import { singularValues } from "../numpy/decompose/svd.js";
import type { Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { dot } from "./dot.js";
import { add, div, mul, sqr, sub } from "./elementwise.js";
import { inverseDifferences } from "./eigen.js";
import { get } from "./indexing.js";
import { floatMatrix, matrixDot, matrixOp, matrixSamples, OBLONG, turned } from "./matrix_op.js";
import { shapeAt } from "./shape.js";
import { all, slice } from "./slices.js";

const row = (s: Variable): Variable => dimshuffle(s, "x", 0);
const column = (s: Variable): Variable => dimshuffle(s, 0, "x");
const symmetric = (x: Variable): Variable => add(x, turned(x));

/**
 * Townsend 2016, Differentiating the singular value decomposition: with F of the differences of s², J = F ∘ UᵀGu and K = F ∘ VᵀGv, to the matrix flow
 * U ((J + Jᵀ) S + S (K + Kᵀ) + diag(gs)) Vᵀ and, from outside the columns of U and V, (I - U Uᵀ) Gu S⁻¹ Vᵀ + U S⁻¹ Gvᵀ (I - V Vᵀ).
 */
function backwards([u, s, vt]: readonly Variable[], [gu, gs, gvt]: readonly (Variable | null)[]): Variable {
  const [left, values, right] = [u as Variable, s as Variable, vt as Variable];
  const terms: Variable[] = [];
  const inside = (core: Variable): Variable => matrixDot(left, core, right);
  if (gs) terms.push(dot(mul(left, row(gs)), right));
  const differences = inverseDifferences(sqr(values), dot(turned(left), left));
  if (gu) {
    const along = dot(turned(left), gu);
    terms.push(inside(mul(symmetric(mul(differences, along)), row(values))), dot(div(sub(gu, dot(left, along)), row(values)), right));
  }
  if (gvt) {
    const along = dot(right, turned(gvt));
    terms.push(inside(mul(column(values), symmetric(mul(differences, along)))), dot(div(left, row(values)), sub(gvt, dot(turned(along), right))));
  }
  return terms.reduce((x, y) => add(x, y));
}

const svdOp: Op = matrixOp({
  name: "svd",
  doc: "u [m, k], s [k] descending and vt [k, n] of a matrix [m, n], k = min(m, n): u diag(s) vt with orthonormal columns of u and rows of vt. The gradient of vectors is infinite where singular values repeat. Error: `linalg-finite`.",
  infer: ([x]) => [2, 1, 2].map((ndim) => tensorType((x as TensorType).dtype, ndim)),
  shape: ({ shapes }) => {
    const [m, n] = shapes[0] as readonly [number, number];
    const k = Math.min(m, n);
    return [[m, k], [k], [k, n]];
  },
  compute: ([x]) => {
    const { u, s, vt } = singularValues(x as Matrix);
    return [u, s, vt];
  },
  gradient: ({ outputs, cotangents }) => [backwards(outputs, cotangents)],
  samples: matrixSamples([...OBLONG, []], {}),
});

const completeOp: Op = matrixOp({
  name: "completeBasis",
  doc: "k orthonormal columns [m, k], k <= m, and m - k more that make an orthogonal matrix [m, m]. How these turn among themselves is not fixed, and the gradient is that of functions which do not depend on it.",
  infer: ([x]) => [tensorType((x as TensorType).dtype, 2)],
  shape: ({ shapes }) => {
    const m = shapes[0]?.[0] as number;
    return [[m, m]];
  },
  compute: ([x]) => [completeColumns(x as Matrix)],
  // The new columns N stay orthogonal to the given ones U: dN = -U dUᵀ N.
  gradient: ({ inputs: [u], outputs: [q], cotangents: [g] }) => {
    const k = shapeAt(u as Variable, 1);
    const [given, made] = [slice(null, k), slice(k, null)];
    const n = get(q as Variable, all, made);
    return [sub(get(g as Variable, all, given), matrixDot(n, turned(get(g as Variable, all, made)), u as Variable))];
  },
  samples: matrixSamples([[[0.6], [0.8]], [[0.6, 0], [0, 1], [-0.8, 0]], [[0, 1], [1, 0]], [[1]]], {}),
});

/** Orthonormal columns and as many more as make a square orthogonal matrix. */
export const completeBasis = (columns: Variable): Variable => apply1(completeOp, [columns]);

export interface SvdOptions {
  /** Whether u and vt are square (default), or as narrow as there are singular values. */
  readonly fullMatrices?: boolean | undefined;
  /** Whether u and vt are wanted (default). */
  readonly computeUv?: boolean | undefined;
}

/**
 * [u, s, vt] of a matrix [m, n]: s [k] descending, k = min(m, n), u [m, m] and vt [n, n] orthogonal, or [m, k] and [k, n] without `fullMatrices`;
 * s alone without `computeUv`. Which of two opposite vectors is found is not LAPACK's choice. It has a gradient, which Theano's has not. Errors:
 * `linalg-rank`, and in calls LinAlgError `linalg-finite`.
 */
export function svd(a: Operand, options: SvdOptions & { readonly computeUv: false }): Variable;
export function svd(a: Operand, options?: SvdOptions): [Variable, Variable, Variable];
export function svd(a: Operand, { fullMatrices = true, computeUv = true }: SvdOptions = {}): Variable | [Variable, Variable, Variable] {
  const [u, s, vt] = apply(svdOp, [floatMatrix(a, "svd")]) as [Variable, Variable, Variable];
  if (!computeUv) return s;
  return fullMatrices ? [completeBasis(u), s, turned(completeBasis(turned(vt)))] : [u, s, vt];
}
