/** numpy.linalg: values that NumPy 1.24 prints, dtypes, and what is refused. The algorithms' own test is decompose.test.ts. */
import { describe, expect, it } from "vitest";
import { numpy as np } from "../../src/index.js";

const { linalg } = np;
const code = (c: string) => expect.objectContaining({ code: c, name: "LinAlgError" });
const near = (x: readonly (readonly number[])[]): unknown[][] => x.map((row) => row.map((n) => expect.closeTo(n, 12)));
const A = [[2, -1, 0.5], [1, 3, -1], [0.25, 1, 1.5]];
const B = [[1, 2, -1], [0.5, -1, 2]];
const P = [[4, 1, -0.5], [1, 3, 1], [-0.5, 1, 2]];

describe("numpy.linalg", () => {
  it("computes what NumPy prints", () => {
    expect(linalg.det(A)).toBeCloseTo(12.874999999999998, 12);
    expect(np.allclose(np.matmul(linalg.inv(A), A), np.eye(3), { atol: 1e-14 })).toBe(true);
    expect(linalg.pinv(B).toArray()).toEqual(near([[0.36363636363636387, 0.3376623376623377], [0.3636363636363639, 0.05194805194805212], [0.09090909090909094, 0.4415584415584417]]));
    expect([linalg.solve(A, [1, 2, 3]).toArray()]).toEqual(near([[0.6213592233009709, 0.8932038834951458, 1.3009708737864079]]));
    expect(linalg.solve(A, [[1], [2], [3]]).shape).toEqual([3, 1]);
    expect(linalg.cholesky(P).toArray()).toEqual(near([[2, 0, 0], [0.5, 1.6583123951777, 0], [-0.25, 0.6784005252999682, 1.2154310870109943]]));
    expect(linalg.qr(B).map((x) => x.toArray())).toEqual([near([[-0.8944271909999157, -0.4472135954999579], [-0.4472135954999579, 0.8944271909999159]]), near([[-1.118033988749895, -1.3416407864998732, 0], [0, -1.7888543819998315, 2.23606797749979]])]);
    expect([linalg.eigh([[2, 1, 0.5], [1, -3, 1], [0.5, 1, 1]])[0].toArray()]).toEqual(near([[-3.3760183873876253, 0.8502294577157394, 2.525788929671886]]));
    expect([np.sort(linalg.eig([[1, 2], [3, 4]])[0]).toArray()]).toEqual(near([[-0.3722813232690143, 5.372281323269014]]));
    expect([linalg.norm(B), linalg.norm([3, -4])]).toEqual([expect.closeTo(3.3541019662496847, 12), 5]);
  });

  it("gives orthogonal matrices as lstm.py's ortho_weight takes them, in the dtype of the argument", () => {
    const w = new np.random.RandomState(1).randn(16, 16).astype("float32");
    const [u, s, vt] = linalg.svd(w);
    expect([u.dtype, s.dtype, vt.dtype, linalg.inv(w).dtype, linalg.solve(w, [...w.data.slice(0, 16)]).dtype]).toEqual(["float32", "float32", "float32", "float32", "float64"]);
    expect(np.allclose(np.matmul(u, u.T), np.eye(16), { atol: 1e-6 })).toBe(true);
    expect(np.allclose(np.matmul(np.multiply(u, s), vt), w, { atol: 1e-5 })).toBe(true);
    const [, few, rows] = linalg.svd(B);
    expect([few.shape, rows.shape, linalg.svd(B, { fullMatrices: false })[2].shape]).toEqual([[2], [3, 3], [2, 3]]);
    expect([few.toArray()]).toEqual(near([[3.0240753892854886, 1.4508507986412038]]));
  });

  it("refuses what NumPy refuses", () => {
    expect(() => linalg.inv([1, 2])).toThrow(code("np-matrix"));
    expect(() => linalg.inv(B)).toThrow(code("linalg-square"));
    expect(() => linalg.inv([[1, 2], [2, 4]])).toThrow(code("linalg-singular"));
    expect(() => linalg.solve(A, [1, 2])).toThrow(code("solve-shape"));
    expect(() => linalg.cholesky([[1, 2], [2, 1]])).toThrow(code("linalg-positive-definite"));
    expect(() => linalg.svd([[Number.NaN]])).toThrow(code("linalg-finite"));
    expect(() => linalg.eig([[0, -1], [1, 0]])).toThrow(code("linalg-complex"));
  });
});
