/** Special functions beside published digits: those of Python's math.lgamma and statistics.NormalDist, and of Abramowitz and Stegun's tables 6.1, 6.3 and 6.4. */
import { afterAll, describe, expect, test } from "vitest";
import { closeDevices, compile, grad, type NdArray, T, type Variable } from "../../src/index.js";

afterAll(closeDevices);
const EULER = 0.577215664901532861;

async function on(device: string, f: (x: Variable) => Variable, values: readonly number[]): Promise<number[]> {
  const x = T.dvector("x");
  return (await compile<NdArray>([x], f(x), { device })(values)).toArray() as number[];
}

describe.each(["reference", "wasm"])("on %s", (device) => {
  const close = async (f: (x: Variable) => Variable, pairs: readonly (readonly [number, number])[], digits = 13): Promise<void> => {
    const found = await on(device, f, pairs.map(([x]) => x));
    for (const [i, [x, y]] of pairs.entries()) expect(Math.abs((found[i] as number) - y), `at ${x}: ${found[i]}, not ${y}`).toBeLessThanOrEqual(10 ** -digits * Math.max(1, Math.abs(y)));
  };
  test("gammaln", async () => {
    await close(T.gammaln, [
      [1e-10, 23.025850929882736], [0.1, 2.2527126517342055], [0.5, 0.5723649429247001], [1, 0], [1.5, -0.12078223763524522], [2, 0], [7.99, 8.505011606088482], [8, 8.525161361065415],
      [30.5, 72.9534711841694], [1e10, 220258509288.81058], [-0.5, 1.2655121234846454], [-2.5, -0.056243716497674054],
    ], 12);
    expect(await on(device, T.gammaln, [0, -3, Number.POSITIVE_INFINITY])).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });
  test("psi and triGamma", async () => {
    await close(T.psi, [[1, -EULER], [0.5, -EULER - 2 * Math.LN2], [2, 1 - EULER], [10, 2.25175258906672111], [-0.5, 0.03648997397857652]]);
    await close(T.triGamma, [[1, Math.PI ** 2 / 6], [0.5, Math.PI ** 2 / 2], [2, Math.PI ** 2 / 6 - 1], [-0.5, Math.PI ** 2 / 2 + 4]]);
  });
  test("erfinv and erfcinv", async () => {
    await close(T.erfinv, [[0, 0], [0.5, 0.4769362762044699], [-0.9, -1.1630871536766743], [0.999, 2.326753765513525], [1 - 2 ** -50, 5.68612844131039]], 11);
    await close(T.erfcinv, [[1, 0], [0.5, 0.4769362762044699], [1e-10, 4.572824967389486], [1e-100, 15.065574702592645], [1.9, -1.1630871536766743]]);
    expect(await on(device, T.erfinv, [-1, 1, 1.5])).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN]);
    expect(await on(device, T.erfcinv, [0, 2])).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    await close((x) => T.erf(T.erfinv(x)), [-0.99, -0.3, 0.1, 0.7].map((x) => [x, x]));
  });
  test("arctan2 in each quadrant and on the axes", async () => {
    const [y, x] = T.dvectors("y x");
    const f = compile<NdArray>([y, x], T.arctan2(y, x), { device });
    const points = [[1, 1], [1, -1], [-1, 1], [-1, -1], [0, 1], [0, -1], [2, 0], [-2, 0], [0, 0]] as const;
    const found = (await f(points.map((p) => p[0]), points.map((p) => p[1]))).toArray() as number[];
    for (const [i, [b, a]] of points.entries()) expect(found[i]).toBeCloseTo(Math.atan2(b, a), 14);
  });
  test("the density of a beta distribution has Python's value and the gradient of its formula", async () => {
    const [x, a, b] = T.dscalars("x a b");
    const logp = T.gammaln(a.add(b)).sub(T.gammaln(a)).sub(T.gammaln(b)).add(a.sub(1).mul(T.log(x))).add(b.sub(1).mul(T.log1p(x.neg())));
    const [value, slope] = await compile<[number, number]>([x, a, b], [logp, grad(logp, a)], { device })(0.3, 2, 3.5);
    expect(value).toBeCloseTo(0.6611802010988757, 13);
    // log x + psi(a + b) - psi(a), where psi(5.5) = psi(1/2) + 2 (1 + 1/3 + 1/5 + 1/7 + 1/9).
    expect(slope).toBeCloseTo(Math.log(0.3) - EULER - 2 * Math.LN2 + 2 * (1 + 1 / 3 + 1 / 5 + 1 / 7 + 1 / 9) - (1 - EULER), 12);
  });
});
