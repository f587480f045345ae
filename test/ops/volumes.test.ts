/** conv3d and pool3d beside PyTorch 1.13 in float64: shapes, the cost sum(y cos(0, 1, 2 …)), and sums over its gradients. */
import { afterAll, describe, expect, test } from "vitest";
import { closeDevices, compile, grad, type NdArray, numpy as np, T, type Variable, verifyGrad } from "../../src/index.js";

afterAll(closeDevices);
const volumes = np.sin(np.multiply(np.divide(np.arange(720, { dtype: "float64" }), 100), 7.3)).reshape([2, 3, 5, 6, 4]);
const filters = np.cos(np.multiply(np.arange(144, { dtype: "float64" }), 1.7)).reshape([4, 3, 2, 3, 2]);
const [x, w] = [T.dtensor5("x"), T.dtensor5("w")];
/** The cost that PyTorch computed. */
const costOf = (y: Variable): Variable => T.sum(y.flatten().mul(T.cos(T.arange(T.prod(y.shape)).astype("float64"))));

const CONVOLUTIONS = [
  [{}, [2, 4, 4, 4, 3], 1.3994857624165826, 1.3994857624165427, 50.918293801133565],
  [{ filterFlip: false, subsample: [2, 1, 1], borderMode: [1, 2, 1] }, [2, 4, 3, 8, 5], 2.737489445631472, 2.7374894456314713, 1177.7144460553586],
  [{ subsample: [1, 2, 1], borderMode: [1, 1, 0], filterDilation: [2, 1, 2] }, [2, 4, 5, 3, 2], 2.726854612874939, 2.7268546128749462, 357.32505715915227],
  [{ borderMode: "full", inputShape: [2, 3, 5, 6, null], filterShape: [4, 3, 2, 3, 2] }, [2, 4, 6, 8, 5], -0.08259220289533431, -0.08259220289534591, 1016.3665471571849],
  [{ borderMode: "half" }, [2, 4, 6, 6, 5], -51.476179899760844, -51.47617989976087, 2751.0647303565156],
] as const;
const POOLS = [
  [[2, 3, 2], { ignoreBorder: true }, [2, 3, 2, 2, 2], 2.005878715530441, 24.45299621943949],
  [[2, 2, 2], { ignoreBorder: true, stride: [1, 2, 1], pad: [1, 1, 1] }, [2, 3, 6, 4, 5], -0.4589097412477896, 553.0337795997439],
  [[2, 2, 3], { ignoreBorder: true, stride: [1, 2, 1], pad: [1, 1, 1], mode: "average_exc_pad" }, [2, 3, 6, 4, 4], 0.46687985971564516, 13.655160965414186],
  [[2, 3, 2], { ignoreBorder: true, mode: "average_inc_pad" }, [2, 3, 2, 2, 2], 3.6368695356394567, 2.037749684953291],
] as const;

describe.each(["reference", "wasm"])("on %s", (device) => {
  test.each(CONVOLUTIONS)("conv3d %o", async (options, shape, cost, input, weights) => {
    const y = T.nnet.conv3d(x, w, options);
    const c = costOf(y);
    const [gx, gw] = grad(c, [x, w]);
    const [values, found, sx, sw] = await compile<[NdArray, number, number, number]>([x, w], [y, c, gx.mul(x).sum(), gw.sqr().sum()], { device })(volumes, filters);
    expect(values.shape).toEqual(shape);
    for (const [a, b] of [[found, cost], [sx, input], [sw, weights]] as const) expect(Math.abs(a - b)).toBeLessThan(1e-11 * Math.max(1, Math.abs(b)));
  });
  test.each(POOLS)("pool3d %o %o", async (ws, options, shape, cost, slopes) => {
    const y = T.signal.pool.pool3d(x, ws, options);
    const c = costOf(y);
    const [values, found, sum] = await compile<[NdArray, number, number]>([x], [y, c, grad(c, x).sqr().sum()], { device })(volumes);
    expect(values.shape).toEqual(shape);
    expect(found).toBeCloseTo(cost, 12);
    expect(sum).toBeCloseTo(slopes, 9);
  });
});

test("gradients by finite differences, and what is refused", () => {
  verifyGrad((v, f) => T.nnet.conv3d(v, f, { subsample: [1, 1, 2], borderMode: 1 }), [np.multiply(volumes, 0.5), filters].map((a) => np.asarray(a.data.slice(0, 24)).reshape([1, 2, 3, 2, 2])));
  expect(() => T.nnet.conv3d(T.tensor4(), w)).toThrow("volume-rank");
  expect(() => T.nnet.conv3d(x, w, { subsample: [1, 1] as never })).toThrow("volume-triple");
  expect(() => T.signal.pool.pool3d(T.matrix(), [1, 1, 1])).toThrow("volume-rank");
  expect(() => T.signal.pool.pool3d(x, {})).toThrow("volume-triple");
});
