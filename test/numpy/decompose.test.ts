/**
 * Decompositions: what defines each holds for random matrices of all small shapes (elements repeat and are 0 often, so that ranks fall short), and
 * those that have no decomposition are refused.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { choleskyFactor } from "../../src/numpy/decompose/cholesky.js";
import { realEigen } from "../../src/numpy/decompose/eig.js";
import { symmetricEigen } from "../../src/numpy/decompose/eigh.js";
import { exponential } from "../../src/numpy/decompose/expm.js";
import { determinant, inverse, solve, solveTriangular } from "../../src/numpy/decompose/lu.js";
import { Matrix, product, scaled } from "../../src/numpy/decompose/matrix.js";
import { completeColumns, qrFactors } from "../../src/numpy/decompose/qr.js";
import { pseudoInverse, singularValues } from "../../src/numpy/decompose/svd.js";

const code = (c: string) => expect.objectContaining({ code: c, name: "LinAlgError" });
const RUNS = { numRuns: 200 };

const element = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ min: -3, max: 3, noNaN: true }).map((x) => Math.round(x * 256) / 256));
const matrix = (rows: number, cols: number): fc.Arbitrary<Matrix> =>
  fc.array(element, { minLength: rows * cols, maxLength: rows * cols }).map((data) => new Matrix(rows, cols, Float64Array.from(data)));
const side = fc.integer({ min: 0, max: 6 });
const anyShape = fc.tuple(side, side).chain(([m, n]) => matrix(m, n));
const squares = side.chain((n) => matrix(n, n));
/** Diagonally dominant, so that none is near a singular one. */
const regular = squares.map((a) => Matrix.from(a.rows, a.rows, (i, j) => a.at(i, j) + (i === j ? 20 : 0)));
const symmetric = squares.map((a) => Matrix.from(a.rows, a.rows, (i, j) => a.at(Math.max(i, j), Math.min(i, j))));

/** Equal up to rounding, beside the greatest element. */
function close(a: Matrix, b: Matrix, tolerance = 1e-12): void {
  expect([a.rows, a.cols]).toEqual([b.rows, b.cols]);
  const size = Math.max(1, ...a.data.map(Math.abs), ...b.data.map(Math.abs));
  a.data.forEach((x, i) => expect(Math.abs(x - (b.data[i] as number))).toBeLessThanOrEqual(tolerance * size));
}
const orthonormal = (columns: Matrix): void => close(product(columns.T, columns), Matrix.identity(columns.cols));
const diagonal = (values: Float64Array): Matrix => Matrix.from(values.length, values.length, (i, j) => (i === j ? (values[i] as number) : 0));
const isSorted = (values: Float64Array): boolean => values.every((x, i) => i === 0 || (values[i - 1] as number) <= x);

describe("LU", () => {
  it("an inverse from both sides, and solutions of systems", () => {
    fc.assert(fc.property(regular.chain((a) => fc.tuple(fc.constant(a), matrix(a.rows, 3))), ([a, b]) => {
      close(product(a, inverse(a)), Matrix.identity(a.rows));
      close(product(inverse(a), a), Matrix.identity(a.rows));
      close(product(a, solve(a, b)), b);
    }), RUNS);
  });

  it("determinants multiply, and change sign with rows", () => {
    fc.assert(fc.property(side.chain((n) => fc.tuple(matrix(n, n), matrix(n, n))), ([a, b]) => {
      const [both, apart] = [determinant(product(a, b)), determinant(a) * determinant(b)];
      expect(Math.abs(both - apart)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(both), 20 ** a.rows));
      if (a.rows < 2) return;
      const turned = Matrix.from(a.rows, a.rows, (i, j) => a.at(i === 0 ? 1 : i === 1 ? 0 : i, j));
      expect(determinant(turned)).toBeCloseTo(-determinant(a), 8);
    }), RUNS);
    expect(determinant(new Matrix(0, 0))).toBe(1);
    expect(determinant(Matrix.from(3, 3, (i, j) => i + j))).toBe(0);
  });

  it("systems of triangles read one triangle only", () => {
    fc.assert(fc.property(regular.chain((a) => fc.tuple(fc.constant(a), matrix(a.rows, 2))), ([a, b]) => {
      for (const [name, inside] of [["lower", (i: number, j: number) => i >= j], ["upper", (i: number, j: number) => i <= j]] as const) {
        const t = Matrix.from(a.rows, a.rows, (i, j) => (inside(i, j) ? a.at(i, j) : 0));
        close(product(t, solveTriangular(a, b, name)), b);
      }
    }), RUNS);
  });

  it("refuses what has no inverse", () => {
    expect(() => inverse(Matrix.from(3, 3, () => 1))).toThrow(code("linalg-singular"));
    expect(() => inverse(new Matrix(2, 3))).toThrow(code("linalg-square"));
    expect(() => determinant(new Matrix(3, 2))).toThrow(code("linalg-square"));
    expect(() => solveTriangular(Matrix.from(2, 2, (i) => i), Matrix.identity(2), "lower")).toThrow(code("linalg-singular"));
    expect(() => solve(Matrix.identity(2), Matrix.identity(3))).toThrow(code("solve-shape"));
    expect(() => solveTriangular(Matrix.identity(2), Matrix.identity(3), "upper")).toThrow(code("solve-shape"));
  });
});

it("Cholesky: L Lᵀ is the matrix, from its lower triangle; null where there is no L", () => {
  fc.assert(fc.property(regular, (a) => {
    const spd = product(a, a.T);
    const l = choleskyFactor(Matrix.from(a.rows, a.rows, (i, j) => (i >= j ? spd.at(i, j) : Number.NaN))) as Matrix;
    close(product(l, l.T), spd);
    l.data.forEach((x, i) => expect(i % l.cols <= Math.floor(i / l.cols) || x === 0).toBe(true));
  }), RUNS);
  expect(choleskyFactor(Matrix.from(2, 2, () => 1))).toBe(null);
  expect(choleskyFactor(Matrix.from(2, 2, () => Number.NaN))).toBe(null);
  expect(() => choleskyFactor(new Matrix(2, 3))).toThrow(code("linalg-square"));
});

it("exponentials: of the opposite the inverse, of the transpose the transpose, of the double the square", () => {
  fc.assert(fc.property(squares, (given) => {
    const a = scaled(given, 1 / 4);
    const e = exponential(a);
    close(product(e, exponential(scaled(a, -1))), Matrix.identity(a.rows), 1e-6);
    close(exponential(a.T), e.T, 1e-10);
    close(exponential(scaled(a, 2)), product(e, e), 1e-10);
  }), RUNS);
  expect(exponential(new Matrix(2, 2, Float64Array.of(0, 1e308, 0, 0))).data).toEqual(Float64Array.of(1, 1e308, 0, 1));
  expect(() => exponential(new Matrix(1, 2))).toThrow(code("linalg-square"));
  expect(() => exponential(Matrix.from(1, 1, () => Number.NaN))).toThrow(code("linalg-finite"));
});

it("QR: Q R is the matrix, Q's columns are orthonormal, R is upper triangular; Q is completed to a basis", () => {
  fc.assert(fc.property(anyShape, (a) => {
    const { q, r } = qrFactors(a);
    expect([q.cols, r.rows]).toEqual([Math.min(a.rows, a.cols), q.cols]);
    close(product(q, r), a);
    orthonormal(q);
    r.data.forEach((x, i) => expect(Math.floor(i / r.cols) <= i % r.cols || x === 0).toBe(true));
    const full = completeColumns(q);
    expect([full.rows, full.cols]).toEqual([a.rows, a.rows]);
    orthonormal(full);
    close(Matrix.from(a.rows, q.cols, (i, j) => full.at(i, j)), q, 0);
  }), RUNS);
  for (const factor of [1e-200, 1e200]) {
    const a = Matrix.from(3, 2, (i, j) => factor * (1 + i - 2 * j * j));
    const { q, r } = qrFactors(a);
    orthonormal(q);
    close(scaled(product(q, r), 1 / factor), scaled(a, 1 / factor));
  }
});

describe("singular values", () => {
  it("U S Vᵀ is the matrix, both sides are orthonormal, values descend", () => {
    fc.assert(fc.property(anyShape, (a) => {
      const { u, s, vt } = singularValues(a);
      close(product(product(u, diagonal(s)), vt), a);
      orthonormal(u);
      orthonormal(vt.T);
      expect(isSorted(s.slice().reverse())).toBe(true);
      expect(s.every((x) => x >= 0)).toBe(true);
    }), RUNS);
  });

  it("of products of few columns: the others are 0 up to rounding", () => {
    fc.assert(fc.property(fc.tuple(matrix(6, 2), matrix(5, 2)), ([a, b]) => {
      const { u, s, vt } = singularValues(product(a, b.T));
      orthonormal(u);
      orthonormal(vt.T);
      expect(s.slice(2).every((x) => x <= 1e-14 * Math.max(1, s[0] as number))).toBe(true);
    }), RUNS);
  });

  it("of columns of very different lengths, each as exactly as the greatest: mpmath's", () => {
    const rows = [[2, -1, 0.5], [1, 3, -1], [0.25, 1, 1.5]];
    const { s } = singularValues(Matrix.from(3, 3, (i, j) => (rows[i]?.[j] as number) * ([1, 1e-8, 1e-16][j] as number)));
    [2.25, 3.2697642154582584e-8, 1.7500412400287559e-16].forEach((w, i) => expect(Math.abs((s[i] as number) / w - 1)).toBeLessThan(1e-14));
  });

  it("of a Hilbert matrix, nearly singular, and of many rows", () => {
    const hilbert = singularValues(Matrix.from(12, 12, (i, j) => 1 / (i + j + 1)));
    orthonormal(hilbert.u);
    orthonormal(hilbert.vt.T);
    expect(hilbert.s[0]).toBeCloseTo(1.7953720595619973, 14);
    expect(hilbert.s[9]).toBeCloseTo(3.1113480676915079e-12, 15);
    const low = Matrix.from(90, 4, (i, j) => Math.sin(i * (j + 1)));
    const { u, s, vt } = singularValues(product(low, low.T));
    close(product(product(u, diagonal(s)), vt), product(low, low.T), 1e-13);
    orthonormal(u);
    orthonormal(vt.T);
  });

  it("the pseudo-inverse has Penrose's four properties", () => {
    fc.assert(fc.property(anyShape, (a) => {
      const p = pseudoInverse(a);
      // Ranks that are nearly another have pseudo-inverses of any size.
      fc.pre(p.data.every((x) => Math.abs(x) < 1e4));
      const [ap, pa] = [product(a, p), product(p, a)];
      close(product(ap, a), a, 1e-10);
      close(product(pa, p), p, 1e-10);
      close(ap.T, ap, 1e-10);
      close(pa.T, pa, 1e-10);
    }), RUNS);
  });

  it("of very large and very small matrices", () => {
    const a = Matrix.from(3, 2, (i, j) => 1 + i - 2 * j * j);
    const { s } = singularValues(a);
    for (const factor of [1e300, 1e-250]) singularValues(scaled(a, factor)).s.forEach((x, i) => expect(x / factor).toBeCloseTo(s[i] as number, 12));
    expect(singularValues(new Matrix(1, 1, Float64Array.of(5e-324))).s).toEqual(Float64Array.of(5e-324));
    expect(realEigen(new Matrix(1, 1, Float64Array.of(5e-324))).values).toEqual(Float64Array.of(5e-324));
    expect(() => singularValues(scaled(a, Number.POSITIVE_INFINITY))).toThrow(code("linalg-finite"));
    expect(() => pseudoInverse(new Matrix(1, 1, Float64Array.of(Number.NaN)))).toThrow(code("linalg-finite"));
  });
});

describe("eigenvalues", () => {
  it("of symmetric matrices: A V is V W, V is orthogonal, values ascend and sum to the trace", () => {
    fc.assert(fc.property(symmetric, (a) => {
      const { values, vectors } = symmetricEigen(Matrix.from(a.rows, a.rows, (i, j) => (i >= j ? a.at(i, j) : 77)));
      close(product(a, vectors), product(vectors, diagonal(values)));
      orthonormal(vectors);
      expect(isSorted(values)).toBe(true);
      expect(values.reduce((x, y) => x + y, 0)).toBeCloseTo(a.data.reduce((sum, x, i) => sum + (i % (a.rows + 1) === 0 ? x : 0), 0), 10);
    }), RUNS);
    expect(() => symmetricEigen(new Matrix(2, 3))).toThrow(code("linalg-square"));
    expect(() => symmetricEigen(Matrix.from(2, 2, () => Number.NaN))).toThrow(code("linalg-finite"));
  });

  it("of matrices with given real eigenvalues", () => {
    fc.assert(fc.property(regular.chain((a) => fc.tuple(fc.constant(a), fc.uniqueArray(fc.integer({ min: -9, max: 9 }), { minLength: a.rows, maxLength: a.rows }))), ([basis, wanted]) => {
      const a = product(product(basis, diagonal(Float64Array.from(wanted))), inverse(basis));
      const { values, vectors } = realEigen(a);
      close(product(a, vectors), product(vectors, diagonal(values)), 1e-10);
      [...values].sort((x, y) => x - y).forEach((x, i) => expect(x).toBeCloseTo([...wanted].sort((p, q) => p - q)[i] as number, 8));
      for (let j = 0; j < a.rows; j++) expect(Math.hypot(...vectors.T.row(j))).toBeCloseTo(1, 12);
    }), RUNS);
  });

  it("of symmetric matrices, both ways", () => {
    fc.assert(fc.property(symmetric, (a) => {
      const wanted = symmetricEigen(a).values;
      realEigen(a).values.sort().forEach((x, i) => expect(x).toBeCloseTo(wanted[i] as number, 10));
    }), RUNS);
  });

  it("that repeat without a second vector, and those that are not real", () => {
    const { values, vectors } = realEigen(new Matrix(2, 2, Float64Array.of(1, 1, 0, 1)));
    expect([...values]).toEqual([1, 1]);
    expect(Math.abs(vectors.at(0, 1))).toBeCloseTo(1, 12);
    expect(() => realEigen(new Matrix(2, 2, Float64Array.of(0, -1, 1, 0)))).toThrow(code("linalg-complex"));
    expect(() => realEigen(Matrix.from(3, 3, (i, j) => Number(i === (j + 1) % 3)))).toThrow(code("linalg-complex"));
    expect(() => realEigen(new Matrix(1, 2))).toThrow(code("linalg-square"));
    expect(() => realEigen(Matrix.from(2, 2, () => Number.NaN))).toThrow(code("linalg-finite"));
  });
});
