/**
 * Linear systems (theano/tensor/slinalg.py Solve), and those of tensors (theano/tensor/nlinalg.py tensorinv, tensorsolve), which are systems of
 * matrices under other shapes. Must not know how they are computed: src/numpy/decompose does. Next room: autodiff.
 */
import { promote } from "../codegen/ir/dtype.js";
import type { Op, Params } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { solve as solveMatrix, solveTriangular as solveByTriangle } from "../numpy/decompose/lu.js";
import type { Matrix } from "../numpy/decompose/matrix.js";
import { fail } from "../util/fail.js";
import { asTensor, type Operand } from "./define.js";
import { tril, triu } from "./diagonal.js";
import { dimshuffle } from "./dimshuffle.js";
import { dot } from "./dot.js";
import { mul, neg } from "./elementwise.js";
import { matrixInverse } from "./inverse.js";
import { floatMatrix, matrixOp, REGULAR, sideOf, turned } from "./matrix_op.js";
import { patternBroadcast } from "./rebroadcast.js";
import { reshape } from "./reshape.js";
import { lengthsOf, normaliseAxis } from "./shape.js";
import { floating } from "./statistics.js";

type Read = "all" | "lower" | "upper";
interface SolveParams extends Params { readonly read: Read }

const OTHER = { all: "all", lower: "upper", upper: "lower" } as const satisfies Record<Read, Read>;

const solveOp: Op = matrixOp<SolveParams>({
  name: "solve",
  doc: "x [n, k] with a x = b, for a [n, n] and b [n, k]; of a only a triangle is read where one is named. The gradients are B = a⁻ᵀ G and -B xᵀ (Giles 2008, 2.3.1). Errors: `linalg-square`, `solve-shape`, `linalg-singular`.",
  infer: ([a, b]) => [new TensorType(promote((a as TensorType).dtype, (b as TensorType).dtype), (b as TensorType).broadcastable)],
  shape: (ctx) => {
    const n = sideOf(ctx);
    const [rows, count] = ctx.shapes[1] as readonly [number, number];
    return [rows === n ? [n, count] : ctx.fail("solve-shape", `${n} equations cannot be solved for right hand sides of ${rows} elements.`, "give as many elements as the matrix has rows", "linalg")];
  },
  compute: ([a, b], { read }) => [read === "all" ? solveMatrix(a as Matrix, b as Matrix) : solveByTriangle(a as Matrix, b as Matrix, read)],
  gradient: ({ inputs: [a], outputs: [x], params: { read }, cotangents: [g] }) => {
    const back = apply1(solveOp, [turned(a as Variable), g as Variable], { read: OTHER[read] });
    const all = neg(dot(back, turned(x as Variable)));
    return [read === "all" ? all : read === "lower" ? tril(all) : triu(all), back];
  },
  samples: (["all", "lower", "upper"] as const).flatMap((read) => REGULAR.map((rows, i) => ({
    inputs: [{ dtype: "float64" as const, shape: [rows.length, rows.length], exact: rows.flat() }, { dtype: "float64" as const, shape: [rows.length, i + 1] }], params: { read },
  }))),
});

function solved(a: Operand, b: Operand, read: Read): Variable {
  const [matrix, right] = [floatMatrix(a, "solve"), floating(asTensor(b))];
  if (right.ndim === 2) return apply1(solveOp, [matrix, right], { read });
  if (right.ndim !== 1) fail("type", "solve-rank", { what: `solve() needs a vector or a matrix on the right hand side, got ${right}.`, where: String(right.origin), fix: "reshape it" });
  return dimshuffle(apply1(solveOp, [matrix, dimshuffle(right, 0, "x")], { read }), 0);
}

/** What is known of a matrix, by Theano's names; those that are neither triangle are solved as `general`. */
const STRUCTURES = {
  general: "all", symmetric: "all", lower_triangular: "lower", upper_triangular: "upper", hermitian: "all", banded: "all", diagonal: "all", toeplitz: "all",
} as const satisfies Readonly<Record<string, Read>>;

export interface SolveOptions {
  /** `general` by default. Of a triangle the other half is not read. */
  readonly AStructure?: keyof typeof STRUCTURES | undefined;
  /** Accepted for ports: the structure says which triangle. */
  readonly lower?: boolean | undefined;
}

/**
 * x with a x = b, for a [n, n] and b [n] or [n, k]; x has b's shape. Integers become floatX. Errors: `solve-structure`, `solve-rank`, `linalg-rank`,
 * and in calls LinAlgError `linalg-square`, `solve-shape`, `linalg-singular`.
 */
export function solve(a: Operand, b: Operand, { AStructure = "general" }: SolveOptions = {}): Variable {
  if (!Object.hasOwn(STRUCTURES, AStructure)) fail("value", "solve-structure", { what: `solve() does not know the structure '${AStructure}'.`, fix: `use ${Object.keys(STRUCTURES).join(", ")}` });
  return solved(a, b, STRUCTURES[AStructure]);
}

/** As `solve`, reading only the lower triangle of a. */
export const solveLowerTriangular = (a: Operand, b: Operand): Variable => solved(a, b, "lower");
/** As `solve`, reading only the upper triangle of a. */
export const solveUpperTriangular = (a: Operand, b: Operand): Variable => solved(a, b, "upper");
/** As `solve`, reading only one triangle of a: the upper one by default, as SciPy's solve_triangular. */
export const solveTriangular = (a: Operand, b: Operand, { lower = false }: { readonly lower?: boolean | undefined } = {}): Variable => solved(a, b, lower ? "lower" : "upper");
/** `solve`, under Theano's name for symmetric matrices. */
export const solveSymmetric = (a: Operand, b: Operand): Variable => solved(a, b, "all");

type Solver = (a: Operand, b: Operand) => Variable;
function solver(options: SolveOptions = {}): Solver {
  return (a, b) => solve(a, b, options);
}
/** `Solve({ AStructure: "lower_triangular" })(a, b)`, with or without `new`. */
export const Solve = solver as unknown as { (options?: SolveOptions): Solver; new (options?: SolveOptions): Solver };

const sizeOf = (lengths: readonly Variable[]): Variable | 1 => (lengths.length === 0 ? 1 : lengths.reduce((x, y) => mul(x, y)));

/** x under lengths of which those of literal 1 do not make axes broadcast. */
const shaped = (x: Variable, lengths: readonly (Variable | 1)[]): Variable => patternBroadcast(reshape(x, lengths), lengths.map(() => false));

/**
 * The inverse of a as a map from its last axes to its first `ind` (2 by default): its shape is a.shape[ind:] + a.shape[:ind]. The products of both
 * groups of lengths must agree. Errors: `tensorinv-ind`, and those of `matrixInverse`.
 */
export function tensorinv(a: Operand, given: number | { readonly ind?: number | undefined } = {}): Variable {
  const { ind = 2 } = typeof given === "number" ? { ind: given } : given;
  const v = asTensor(a);
  if (!Number.isInteger(ind) || ind < 1 || ind > v.ndim) fail("value", "tensorinv-ind", { what: `tensorinv() cannot take ${ind} first axes of ${v}.`, where: String(v.origin), fix: `use a whole number from 1 to ${v.ndim}` });
  const lengths = lengthsOf(v);
  const [first, last] = [lengths.slice(0, ind), lengths.slice(ind)];
  return shaped(matrixInverse(shaped(v, [sizeOf(first), sizeOf(last)])), [...last, ...first]);
}

export interface TensorsolveOptions {
  /** Axes of a that go to its right end first; none by default. */
  readonly axes?: readonly number[] | null | undefined;
}

/**
 * x with tensordot(a, x, x.ndim) = b: a has b's axes and then those of x, whose lengths' products agree. Errors: `tensorsolve-rank`, `axis-range`, and
 * those of `solve`.
 */
export function tensorsolve(a: Operand, b: Operand, options: TensorsolveOptions | readonly number[] = {}): Variable {
  const [coefficients, right] = [asTensor(a), asTensor(b)];
  const axes = "map" in options ? options : (options.axes ?? []);
  const moved = axes.map((axis) => normaliseAxis(coefficients, axis));
  const v = dimshuffle(coefficients, ...coefficients.broadcastable.map((_, i) => i).filter((i) => !moved.includes(i)), ...moved);
  if (v.ndim < right.ndim) fail("type", "tensorsolve-rank", { what: `tensorsolve() got coefficients ${v} for a right hand side ${right}.`, where: String(v.origin), fix: "give coefficients with the axes of the right hand side and those of the unknowns" });
  const lengths = lengthsOf(v).slice(right.ndim);
  const size = sizeOf(lengthsOf(right));
  return shaped(solve(shaped(v, [size, sizeOf(lengths)]), shaped(right, [size])), lengths);
}

