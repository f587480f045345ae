/** images2neibs and neibs2images beside the patches cut by hand; signal.conv2d beside the sums of its definition. */
import { afterAll, describe, expect, test } from "vitest";
import { closeDevices, compile, type NdArray, numpy as np, T, type Variable, verifyGrad } from "../../src/index.js";

afterAll(closeDevices);
const images = np.arange(2 * 1 * 4 * 6).reshape([2, 1, 4, 6]).astype("float64");
const at = (n: number, i: number, j: number): number => n * 24 + i * 6 + j;
const patches = (size: readonly [number, number], step: readonly [number, number]): number[][] => {
  const out: number[][] = [];
  for (let n = 0; n < 2; n++) for (let i = 0; i + size[0] <= 4; i += step[0]) for (let j = 0; j + size[1] <= 6; j += step[1]) {
    out.push(Array.from({ length: size[0] * size[1] }, (_, k) => at(n, i + Math.floor(k / size[1]), j + (k % size[1]))));
  }
  return out;
};

describe.each(["reference", "wasm"])("on %s", (device) => {
  const on = async (f: (x: Variable) => Variable, value: NdArray = images): Promise<unknown> => {
    const x = T.tensor4("x", { dtype: "float64" });
    return (await compile<NdArray>([x], f(x), { device })(value)).toArray();
  };
  test("patches, side by side and overlapping", async () => {
    expect(await on((x) => T.nnet.neighbours.images2neibs(x, [2, 3]))).toEqual(patches([2, 3], [2, 3]));
    expect(await on((x) => T.nnet.images2neibs(x, [2, 2], [1, 2]))).toEqual(patches([2, 2], [1, 2]));
    expect(await on((x) => T.nnet.images2neibs(x, [3, 4], { neibStep: [3, 4], mode: "ignore_borders" }))).toEqual(patches([3, 4], [3, 4]));
    await expect(on((x) => T.nnet.images2neibs(x, [3, 4]))).rejects.toThrow("specify-shape");
  });
  test("and back", async () => {
    expect(await on((x) => T.nnet.neibs2images(T.nnet.images2neibs(x, [2, 3]), [2, 3], x.shape))).toEqual(images.toArray());
    expect(await on((x) => T.nnet.neibs2images(T.nnet.images2neibs(x, [4, 2]), [4, 2], [2, 1, 4, 6]))).toEqual(images.toArray());
  });
  test("signal.conv2d has an axis for each list", async () => {
    const [x, w] = [T.dmatrix("x"), T.dtensor3("w")];
    const image = [[1, 2, 0], [0, 3, 1], [4, 1, 2]];
    const filters = [[[1, 0], [0, 2]], [[0, 1], [1, 0]]];
    const valid = filters.map((f) => [0, 1].map((i) => [0, 1].map((j) => [0, 1].reduce((s, a) => s + [0, 1].reduce((t, b) => t + (image[i + a] as number[])[j + b]! * f[1 - a]![1 - b]!, 0), 0))));
    const f = compile<NdArray[]>([x, w], [T.signal.conv.conv2d(x, w), T.signal.conv.conv2d(x, w.get(0)), T.signal.conv.conv2d(x.dimshuffle("x", 0, 1), w.get(1)), T.signal.conv.conv2d(x.dimshuffle("x", 0, 1), w)] as const, { device });
    expect((await f(image, filters)).map((v) => v.toArray())).toEqual([valid, valid[0], [valid[1]], [valid]]);
  });
});

test("gradients, ranks and modes", () => {
  verifyGrad((x) => T.nnet.images2neibs(x, [2, 2], [1, 2]), [np.multiply(images, 0.01)]);
  verifyGrad((x) => T.nnet.neibs2images(x, [2, 2], [1, 1, 4, 4]), [np.multiply(np.arange(16).reshape([4, 4]), 0.1)]);
  expect(() => T.nnet.images2neibs(T.matrix(), [2, 2])).toThrow("neibs-rank");
  expect(() => T.nnet.images2neibs(T.tensor4(), [2, 2], { mode: "half" as never })).toThrow("neibs-mode");
  expect(() => T.nnet.neibs2images(T.matrix(), [2, 2], [1, 1, 4, 4], { mode: "half" as never })).toThrow("neibs-mode");
  expect(() => T.signal.conv.conv2d(T.vector(), T.matrix())).toThrow("conv-rank");
});
