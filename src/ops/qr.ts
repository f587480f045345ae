/**
 * QR decompositions (theano/tensor/nlinalg.py qr) with NumPy's signs. Must not know how they are computed: src/numpy/decompose does. Next room: autodiff.
 */
import type { Op } from "../graph/op.js";
import { type TensorType, tensorType } from "../graph/types.js";
import { apply, type Variable } from "../graph/variable.js";
import type { Matrix } from "../numpy/decompose/matrix.js";
import { qrFactors, reflections } from "../numpy/decompose/qr.js";
import type { Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { zeros, zerosLike } from "./alloc.js";
import type { Operand } from "./define.js";
import { tril } from "./diagonal.js";
import { dot } from "./dot.js";
import { add, sub } from "./elementwise.js";
import { get } from "./indexing.js";
import { join } from "./join.js";
import { floatMatrix, matrixOp, matrixSamples, OBLONG, turned } from "./matrix_op.js";
import { shapeAt } from "./shape.js";
import { all, slice } from "./slices.js";
import { solveUpperTriangular } from "./solve.js";
import { completeBasis } from "./svd.js";

/** m, n and the number of columns of Q. */
function lengths(shapes: readonly Shape[]): readonly [number, number, number] {
  const [m, n] = shapes[0] as readonly [number, number];
  return [m, n, Math.min(m, n)];
}

/**
 * Walter and Lehmann 2010, Algorithmic differentiation of linear algebra functions: for the first k columns, whose R is square, (G + Q C) R⁻ᵀ, where
 * C is the symmetric matrix with the lower triangle of R Grᵀ - Gᵀ Q. Columns after them are Q times theirs of R.
 */
function backwards(x: Variable, q: Variable, r: Variable, gq: Variable, gr: Variable): Variable {
  const k = shapeAt(q, 1);
  const [first, rest] = [slice(null, k), slice(k, null)];
  const beyond = get(gr, all, rest);
  const g = add(gq, dot(get(x, all, rest), turned(beyond)));
  const square = get(r, all, first);
  const m = sub(dot(square, turned(get(gr, all, first))), dot(turned(g), q));
  const c = add(tril(m), turned(tril(m, -1)));
  return join(1, turned(solveUpperTriangular(square, turned(add(g, dot(q, c))))), dot(q, beyond));
}

const qrOp: Op = matrixOp({
  name: "qr",
  doc: "q [m, k] with orthonormal columns and upper triangular r [k, n] with q r = x for a matrix [m, n], k = min(m, n). The gradient needs independent first k columns.",
  infer: ([x]) => [tensorType((x as TensorType).dtype, 2), tensorType((x as TensorType).dtype, 2)],
  shape: ({ shapes }) => {
    const [m, n, k] = lengths(shapes);
    return [[m, k], [k, n]];
  },
  compute: ([x]) => {
    const { q, r } = qrFactors(x as Matrix);
    return [q, r];
  },
  gradient: ({ inputs: [x], outputs, cotangents }) => {
    const [q, r] = outputs as [Variable, Variable];
    return [backwards(x as Variable, q, r, cotangents[0] ?? zerosLike(q), cotangents[1] ?? zerosLike(r))];
  },
  samples: matrixSamples([...OBLONG, []], {}),
});

const rawOp: Op = matrixOp({
  name: "qrRaw",
  doc: "h [n, m] and tau [k], k = min(m, n): what LAPACK's geqrf leaves of a matrix [m, n], transposed. No gradient.",
  infer: ([x]) => [tensorType((x as TensorType).dtype, 2), tensorType((x as TensorType).dtype, 1)],
  shape: ({ shapes }) => {
    const [m, n, k] = lengths(shapes);
    return [[n, m], [k]];
  },
  compute: ([x]) => {
    const { columns, tau } = reflections(x as Matrix);
    return [columns, tau];
  },
  samples: matrixSamples(OBLONG, {}),
});

export type QrMode = "reduced" | "complete" | "r" | "raw";
/** By position, or as an option. */
type ModeOr<M extends QrMode> = M | { readonly mode: M };

/**
 * [q, r] of a matrix [m, n], k = min(m, n): `reduced` (default) [m, k] and [k, n], `complete` [m, m] and [m, n], `r` only r [k, n], `raw` LAPACK's h
 * [n, m] and tau [k]. All but `raw` have a gradient, which Theano's has not. Errors: `qr-mode`, `linalg-rank`.
 */
export function qr(a: Operand, mode: ModeOr<"r">): Variable;
export function qr(a: Operand, mode?: ModeOr<Exclude<QrMode, "r">>): [Variable, Variable];
export function qr(a: Operand, given: ModeOr<QrMode> = "reduced"): Variable | [Variable, Variable] {
  const mode = typeof given === "object" ? given.mode : given;
  const x = floatMatrix(a, "qr");
  if (mode === "raw") return apply(rawOp, [x]) as [Variable, Variable];
  const [q, r] = apply(qrOp, [x]) as [Variable, Variable];
  if (mode === "reduced") return [q, r];
  if (mode === "r") return r;
  if (mode !== "complete") fail("value", "qr-mode", { what: `qr() does not know the mode ${JSON.stringify(mode)}.`, fix: 'use "reduced", "complete", "r" or "raw"' });
  return [completeBasis(q), join(0, r, zeros([sub(shapeAt(x, 0), shapeAt(r, 0)), shapeAt(x, 1)], { dtype: x.dtype }))];
}
