/**
 * Numbers derived from NumPy's and Theano's streams, drawn by compiled functions on every device at hand: the same draws everywhere, and
 * bit-equal where the dtype is the one that they were computed in.
 */
import { expect, test } from "vitest";
import { compile, MRGRandomStreams, type NdArray, numpy as np, RandomStreams, scan, T } from "../../src/index.js";
import { describeOn, expectNear, nested, type Setting, SETTINGS } from "./devices.js";

const EVERYWHERE: readonly Setting[] = [...SETTINGS, { device: "gpu:cpu", floatX: "float32" }];

describeOn(EVERYWHERE, "draws", ({ device, floatX }) => {
  const exact = floatX === "float64" ? 0 : 1e-7;

  test("MRG31k3p: uniform((2, 2)) of seeds 1234 and 234", async () => {
    const draw = (seed: number) => compile([], new MRGRandomStreams(seed).uniform({ size: [2, 2] }))();
    expectNear(await draw(1234), [[0.3725711116567254, 0.6576858377084136], [0.5925067821517587, 0.3193147308193147]], exact);
    expectNear(await draw(234), [[0.44990408420562744, 0.3062468161806464], [0.7898354828357697, 0.8255442692898214]], exact);
  });

  test("MRG31k3p in float32, bit for bit", async () => {
    const f = compile([], new MRGRandomStreams(843828734).uniform({ size: [2, 3], dtype: "float32" }));
    expect(nested(await f())).toEqual([[0.4310058653354645, 0.8671776056289673, 0.07456985116004944], [0.8547478914260864, 0.8034172058105469, 0.3805437982082367]]);
  });

  test("MRG31k3p: two draws of a symbolic size, from 15360 streams each", async () => {
    const srng = new MRGRandomStreams(843828734);
    const x = T.matrix("x");
    const f = compile([x], [srng.uniform({ size: x.shape }), srng.uniform({ size: x.shape })]);
    const [a, b] = await f([[0, 0], [0, 0]]);
    expectNear(a, [[0.43100588070228696, 0.8671776535920799], [0.07456986093893647, 0.854747923091054]], exact);
    expectNear(b, [[0.7831020029261708, 0.8424513493664563], [0.3410959020256996, 0.14155957428738475]], exact);
  });

  test("MRG31k3p: the states after 300 draws in a loop are the reference's, to the bit", async () => {
    const states = async (on: string): Promise<unknown> => {
      const draw = new MRGRandomStreams(12345).uniform({ size: [12] });
      const [sums, updates] = scan({ fn: () => draw.sum(), nSteps: 300 });
      await compile([], sums.get(-1), { updates, device: on })();
      return nested(await draw.rng.getValue());
    };
    expect(await states(device)).toEqual(await states("reference"));
  });

  test("NumPy's streams of seed 234: uniform, then normal", async () => {
    const srng = new RandomStreams(234);
    const [u, n] = await compile([], [srng.uniform({ size: [2, 2] }), srng.normal({ size: [2, 2] })])();
    expectNear(u, [[0.12672381400898758, 0.9709159656786431], [0.13989097862581312, 0.887548254199325]], exact);
    expectNear(n, [[0.3732844727674915, -0.6574667187293483], [-0.3630237287579288, -0.9748462455013606]], floatX === "float64" ? 1e-15 : 1e-7);
  });

  test("binomial draws of one stream are the same on every device", async () => {
    const draws = async (on: string): Promise<number[]> => {
      const p = T.vector("p");
      const f = compile([p], [new RandomStreams(5).binomial({ size: p.shape, n: 1, p }), new MRGRandomStreams(5).binomial({ size: p.shape, n: 1, p })], { device: on });
      const [a, b] = await f(np.asarray(Array.from({ length: 500 }, (_, i) => (i % 97) / 97), { dtype: floatX }));
      return [...(a as NdArray).data, ...(b as NdArray).data];
    };
    expect(await draws(device)).toEqual(await draws("reference"));
  });
});

test("seeds that the tutorials make of seeds", () => {
  expect(new np.random.RandomState(123).randint(2 ** 30)).toBe(843828734);
  expect(new np.random.RandomState(89677).randint(2 ** 30)).toBe(1054665268);
  expect(new np.random.RandomState(0xbeef).randint(2 ** 30)).toBe(564144054);
});
