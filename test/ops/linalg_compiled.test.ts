/** Linear algebra in compiled functions: dtypes, what a failed call leaves, inside scans, beside kernels, on every CPU device. */
import { afterAll, describe, expect, it } from "vitest";
import { closeDevices, compile, grad, LinAlgError, NdArray, scan, shared, T, ValueError } from "../../src/index.js";

const code = (c: string) => expect.objectContaining({ code: c });
const { nlinalg, slinalg } = T;
const nested = (x: unknown): unknown => (x instanceof NdArray ? x.toArray() : x);
const near = (x: readonly number[], digits = 6): unknown[] => x.map((n) => expect.closeTo(n, digits));

afterAll(closeDevices);

describe.each(["reference", "wasm", "gpu:cpu"])("on %s", (device) => {
  it("values and gradients beside kernels: a Gaussian's log density", async () => {
    const [x, mean, cov] = [T.fmatrix("x"), T.fvector("mean"), T.fmatrix("cov")];
    const d = x.sub(mean);
    const distances = T.sum(T.dot(d, nlinalg.matrixInverse(cov)).mul(d), { axis: 1 });
    const density = distances.add(T.log(nlinalg.det(cov))).add(2 * Math.log(2 * Math.PI)).mul(-0.5);
    const f = compile([x, mean, cov], [density, grad(density.sum(), mean), grad(density.sum(), cov)], { device });
    const made = await f([[1, 2], [0, 0]], [0.5, 0], [[2, 0.5], [0.5, 1]]);
    expect(made.map((m) => (m as NdArray).dtype)).toEqual(["float32", "float32", "float32"]);
    // The same formula in PyTorch.
    expect(nested(made[0])).toEqual(near([-4.1891135318, -2.1891135318], 5));
    expect(nested(made[1])).toEqual(near([-0.5714286, 2.2857144], 5));
    expect(nested(made[2])).toEqual([near([-0.4897959184, -0.0408163265], 5), near([-0.0408163265, 1.1632653061], 5)]);
  });

  it("matrices of sides 0 and 1, and of other sides in the next call", async () => {
    const a = T.fmatrix("a");
    const f = compile([a], [nlinalg.det(a), nlinalg.matrixInverse(a), slinalg.cholesky(a), nlinalg.eigh(a)[0], nlinalg.svd(a, { computeUv: false }), ...nlinalg.qr(a, "complete")], { device });
    const empty = new NdArray(new Float32Array(0), [0, 0], "float32");
    expect((await f(empty)).map(nested)).toEqual([1, [], [], [], [], [], []]);
    expect((await f([[4]])).map(nested)).toEqual([4, [[0.25]], [[2]], [4], [4], [[1]], [[4]]]);
    expect((await f([[4, 0], [0, 1]])).map(nested)).toEqual([4, [[0.25, 0], [0, 1]], [[2, 0], [0, 1]], [1, 4], [4, 1], [[1, 0], [0, 1]], [[4, 0], [0, 1]]]);
    const tall = compile([a], nlinalg.qr(a, "complete"), { device });
    expect((await tall(new NdArray(new Float32Array(0), [2, 0], "float32"))).map(nested)).toEqual([[[1, 0], [0, 1]], [[], []]]);
  });

  it("a call that fails names the trouble and changes nothing", async () => {
    const w = shared([[2, 1], [1, 2]], { name: "w", dtype: "float32" });
    const count = shared(0, { name: "count" });
    const a = T.fmatrix("a");
    const step = (made: typeof a) => compile([a], made, { device, updates: [[w, w.add(1)], [count, count.add(1)]] });
    const same = async (): Promise<void> => expect([nested(await w.getValue()), nested(await count.getValue())]).toEqual([[[2, 1], [1, 2]], 0]);
    const singular = [[1, 2], [2, 4]];
    for (const [made, value, wanted] of [
      [nlinalg.matrixInverse(a.add(w.sub(w))), singular, "linalg-singular"],
      [slinalg.solve(a, w), singular, "linalg-singular"],
      [slinalg.cholesky(a), [[1, 2], [2, 1]], "linalg-positive-definite"],
      [nlinalg.svd(a)[1], [[1, Number.NaN]], "linalg-finite"],
      [nlinalg.eig(a)[0], [[0, -1], [1, 0]], "linalg-complex"],
      [nlinalg.det(a), [[1, 2]], "linalg-square"],
      [slinalg.solve(a, w), [[1]], "solve-shape"],
    ] as const) {
      const f = step(made);
      const call = f(value as unknown as number[][]);
      await expect(call).rejects.toThrow(code(wanted));
      await expect(call).rejects.toBeInstanceOf(LinAlgError);
      await expect(call).rejects.toBeInstanceOf(ValueError);
      await same();
    }
    const f = step(nlinalg.det(a));
    await f([[1]]);
    expect(nested(await count.getValue())).toBe(1);
  });

  it("inside a scan: a Kalman filter's covariance, and its gradient", async () => {
    const [q, p0] = [T.fmatrix("q"), T.fmatrix("p0")];
    const [p] = scan({ fn: (before) => before.add(q).sub(T.dot(before, slinalg.solve(before.add(T.eye(2)), before))), outputsInfo: p0, nonSequences: [], nSteps: 3 });
    const last = (Array.isArray(p) ? p[0] : p).get(-1);
    const f = compile([q, p0], [last, grad(last.sum(), p0)], { device });
    const [value, slope] = await f([[0.5, 0.1], [0.1, 0.25]], [[1, 0], [0, 2]]);
    // The same loop in PyTorch.
    expect(nested(value)).toEqual([near([0.9973551351, 0.1367197839], 5), near([0.1367197839, 0.6682439214], 5)]);
    expect(nested(slope)).toEqual([near([0.0120249134, 0.0099761214], 6), near([0.0099761214, 0.0082764004], 6)]);
  });
});

describe.each(["reference", "wasm"])("float64 on %s", (device) => {
  it("keeps its digits; float32 rounds once", async () => {
    const [a, b] = [T.dmatrix("a"), T.fmatrix("b")];
    const f = compile([a, b], [nlinalg.matrixInverse(a), nlinalg.matrixInverse(b)], { device });
    const hilbert = Array.from({ length: 4 }, (_, i) => Array.from({ length: 4 }, (_, j) => 1 / (i + j + 1)));
    const [wide, narrow] = (await f(hilbert, [[3, 0], [0, 7]])) as [NdArray, NdArray];
    expect(nested(wide)).toEqual([[16, -120, 240, -140], [-120, 1200, -2700, 1680], [240, -2700, 6480, -4200], [-140, 1680, -4200, 2800]].map((r) => near(r, 8)));
    expect([...narrow.data]).toEqual([Math.fround(1 / 3), 0, 0, Math.fround(1 / 7)]);
  });
});
