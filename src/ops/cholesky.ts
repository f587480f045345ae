/**
 * The Cholesky factor (theano/tensor/slinalg.py Cholesky). Must not know how it is computed: src/numpy/decompose does. Next room: autodiff.
 */
import type { Op, Params } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { choleskyFactor } from "../numpy/decompose/cholesky.js";
import { Matrix } from "../numpy/decompose/matrix.js";
import { fail } from "../util/fail.js";
import type { Operand } from "./define.js";
import { diag, diagonal, tril, triu } from "./diagonal.js";
import { dot } from "./dot.js";
import { add, mul, sub } from "./elementwise.js";
import { floatMatrix, matrixOp, matrixSamples, sideOf, turned } from "./matrix_op.js";
import { solveUpperTriangular } from "./solve.js";

interface CholeskyParams extends Params { readonly lower: boolean; readonly onError: "raise" | "nan" }

function factor(a: Matrix, { lower, onError }: CholeskyParams): Matrix {
  const found = choleskyFactor(lower ? a : a.T);
  if (found !== null) return lower ? found : found.T;
  if (onError === "nan") return Matrix.from(a.rows, a.cols, () => Number.NaN);
  return fail("linalg", "linalg-positive-definite", { what: `A matrix of ${a.rows} rows is not positive definite.`, fix: "add a small multiple of the identity, or ask for NaN with { onError: \"nan\" }" });
}

/** Murray 2016, Differentiation of the Cholesky decomposition, equations 8 to 10: Φ is the lower triangle with its diagonal halved. */
function backwards(l: Variable, g: Variable): Variable {
  const product = dot(turned(l), g);
  const phi = sub(tril(product), diag(mul(diagonal(product), 0.5)));
  return solveUpperTriangular(turned(l), turned(solveUpperTriangular(turned(l), turned(phi))));
}

const REGULAR_SAMPLES = [[[4, 1, -0.5], [1, 3, 1], [-0.5, 1, 2]], [[2, 0.5], [0.5, 1]], [[9]], []] as const;

const op: Op = matrixOp<CholeskyParams>({
  name: "cholesky",
  doc: "The triangular L with L Lᵀ = x (or the upper one, Lᵀ) of a symmetric positive definite x, of which only that triangle is read. Not square: `linalg-square`; not positive definite: `linalg-positive-definite`, or NaN.",
  infer: ([x]) => [x as TensorType],
  shape: (ctx) => [[sideOf(ctx), sideOf(ctx)]],
  compute: ([x], params) => [factor(x as Matrix, params)],
  gradient: ({ outputs: [y], params: { lower }, cotangents: [g] }) => {
    const [l, gl] = lower ? [y as Variable, g as Variable] : [turned(y as Variable), turned(g as Variable)];
    const s = backwards(l, gl);
    return [sub((lower ? tril : triu)(add(s, turned(s))), diag(diagonal(s)))];
  },
  samples: [...matrixSamples(REGULAR_SAMPLES, { lower: true, onError: "raise" as const }), ...matrixSamples(REGULAR_SAMPLES, { lower: false, onError: "raise" as const })],
});

export interface CholeskyOptions {
  /** Whether the lower factor is given (default) or the upper one. */
  readonly lower?: boolean | undefined;
  /** What a matrix does that is not positive definite: an error (default), or NaN everywhere, in gradients too. */
  readonly onError?: "raise" | "nan" | undefined;
}

/**
 * The triangular factor of a symmetric positive definite matrix, of which only one triangle is read, so that gradients are triangular too. Integers
 * become floatX. Errors: `cholesky-on-error`, `linalg-rank`, and in calls LinAlgError `linalg-square`, `linalg-positive-definite`.
 */
export function cholesky(x: Operand, { lower = true, onError = "raise" }: CholeskyOptions = {}): Variable {
  if (!["raise", "nan"].includes(onError)) fail("value", "cholesky-on-error", { what: `onError must be one of "raise" or "nan", got "${onError}".`, fix: "use one of them" });
  return apply1(op, [floatMatrix(x, "cholesky")], { lower, onError });
}

type Factoriser = (x: Operand) => Variable;
function factoriser(options: CholeskyOptions = {}): Factoriser {
  return (x) => cholesky(x, options);
}
/** `Cholesky({ lower: false })(x)`, with or without `new`. */
export const Cholesky = factoriser as unknown as { (options?: CholeskyOptions): Factoriser; new (options?: CholeskyOptions): Factoriser };
