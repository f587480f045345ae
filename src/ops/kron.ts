/**
 * Kronecker products and norms of vectors and matrices, composed as Theano composes them (theano/tensor/slinalg.py kron, nlinalg.py norm), so that
 * they have no records. Next: reshape.ts, reduce.ts.
 */
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { asTensor, asTensors, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { outer } from "./dot.js";
import { abs, mul, neq, sqr } from "./elementwise.js";
import { pow, sqrt } from "./math.js";
import { max, min, sum } from "./reduce.js";
import { flatten, reshape } from "./reshape.js";
import { lengthsOf } from "./shape.js";
import { floating } from "./statistics.js";
import { svd } from "./svd.js";

/**
 * The Kronecker product: for matrices [m, n] and [p, q] the matrix [m p, n q] of blocks a[i, j] b. Other ranks, which sum to 3 or more, are as in
 * Theano: the first axes of both are merged, then the second. Error: `kron-rank`.
 */
export function kron(a: Operand, b: Operand): Variable {
  const [x, y] = asTensors([a, b]) as [Variable, Variable];
  const ndim = x.ndim + y.ndim;
  if (ndim <= 2) fail("type", "kron-rank", { what: `kron: inputs dimensions must sum to 3 or more. You passed ${x.ndim} and ${y.ndim}.`, where: String(x.origin), fix: "use T.outer for vectors" });
  const lengths = [...lengthsOf(x), ...lengthsOf(y)];
  const products = reshape(outer(x, y), lengths);
  if (ndim === 3) return flatten(dimshuffle(products, 1, 0, 2));
  const order = products.broadcastable.map((_, i) => i).slice(3);
  const [m, n, p, q, ...rest] = lengths as [Variable, Variable, Variable, Variable, ...Variable[]];
  return reshape(dimshuffle(products, 0, 2, 1, ...order), [mul(m, p), mul(n, q), ...rest]);
}

/** Which norm: a number, `inf`, `-inf`, for matrices also `fro` and `nuc`; null is the root of the sum of squares. */
export type NormOrder = number | "inf" | "-inf" | "fro" | "nuc" | null;

const euclidean = (x: Variable): Variable => sqrt(sum(sqr(x)));

function vectorNorm(x: Variable, ord: NormOrder): Variable {
  if (ord === null) return euclidean(x);
  if (ord === Number.POSITIVE_INFINITY || ord === "inf") return max(abs(x));
  if (ord === Number.NEGATIVE_INFINITY || ord === "-inf") return min(abs(x));
  if (ord === 0) return sum(neq(x, 0));
  return typeof ord === "number" && !Number.isNaN(ord) ? pow(sum(pow(abs(x), ord)), 1 / ord) : unknownOrder(x, ord);
}

const singular = (x: Variable): Variable => svd(x, { computeUv: false });
const sums = (x: Variable, axis: number): Variable => sum(abs(x), { axis });

function matrixNorm(x: Variable, ord: NormOrder): Variable {
  switch (ord) {
    case null: case "fro": return euclidean(x);
    case "inf": case Number.POSITIVE_INFINITY: return max(sums(x, 1));
    case "-inf": case Number.NEGATIVE_INFINITY: return min(sums(x, 1));
    case 1: return max(sums(x, 0));
    case -1: return min(sums(x, 0));
    case 2: return max(singular(x));
    case -2: return min(singular(x));
    case "nuc": return sum(singular(x));
    default: return unknownOrder(x, ord);
  }
}

function unknownOrder(x: Variable, ord: NormOrder): never {
  fail("value", "norm-unknown", { what: `There is no norm of order ${ord} for ${x}.`, where: String(x.origin), fix: x.ndim === 1 ? 'use a number, "inf", "-inf" or null' : 'use 1, -1, 2, -2, "inf", "-inf", "fro", "nuc" or null' });
}

/**
 * The norm of a vector or a matrix, 0-d: of the greatest sums along rows or columns, of singular values (which Theano lacks), or the root of the sum
 * of squares, by NumPy's orders. T.norm is the one over axes. Errors: `norm-rank`, `norm-unknown`.
 */
export function norm(x: Operand, given: NormOrder | { readonly ord: NormOrder }): Variable {
  const ord = typeof given === "object" && given !== null ? given.ord : given;
  const v = asTensor(x);
  if (v.ndim !== 1 && v.ndim !== 2) fail("value", "norm-rank", { what: `A norm needs a vector or a matrix, got ${v}.`, where: String(v.origin), fix: "flatten it, or use T.norm over axes" });
  return v.ndim === 1 ? vectorNorm(floating(v), ord) : matrixNorm(floating(v), ord);
}
