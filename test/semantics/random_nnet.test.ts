/** What a port of a Theano program relies on: random streams (traps 32 to 36) and neural-network functions (traps 37 to 39). */
import { describe, expect, test } from "vitest";
import { compile, MRGRandomStreams, NdArray, numpy as np, RandomStreams, scan, T, type Variable } from "../../src/index.js";
import { packState } from "../../src/random/mt_state.js";
import { seedState } from "../../src/random/mt19937.js";
import { computed } from "./helpers.js";

const device = "reference";
const float64 = { dtype: "float64" } as const;

describe("random streams", () => {
  test("trap 32: each variable takes a seed, used or not; one draw per call however often it is used; seed() starts them again in order", async () => {
    expect(new np.random.RandomState(123).randint(2 ** 30)).toBe(843828734);
    const srng = new RandomStreams(843828734);
    const draws = Array.from({ length: 6 }, () => srng.uniform({ size: [2], ...float64 }));
    for (const [i, seed] of [979381764, 59363608, 388442110, 608066944, 1018554813, 473946685].entries()) expect([...(await (draws[i] as (typeof draws)[0]).rng.getValue()).data]).toEqual([...packState(seedState(seed)).data]);
    const d = draws[2] as Variable;
    const f = compile([], [d, d.mul(2), d.sub(d)], { device });
    const [one, two, none] = (await f()) as [NdArray, NdArray, NdArray];
    expect([...two.data]).toEqual([...one.data].map((x) => x * 2));
    expect([...none.data]).toEqual([0, 0]);
    expect([...((await f())[0] as NdArray).data]).not.toEqual([...one.data]);
    srng.seed(843828734);
    expect((await f())[0]).toEqual(one);
  });

  test("trap 33: binomial with n = 1 is NumPy's inversion for every p, also one that a graph computes", async () => {
    const srng = new RandomStreams(1);
    const p = T.dvector("p");
    const d = srng.binomial({ size: p.shape, n: 1, p: p.mul(1) });
    d.rng.setValue(packState(seedState(42)));
    expect(await computed(d, [[p, [0.2, 0.4, 0.6, 0.8, 0.2, 0.4, 0.6, 0.8]]])).toEqual([0, 1, 0, 1, 0, 0, 1, 0]);
  });

  test("trap 34: MRG streams: one per element up to 6, a sixth of them above, 15360 for symbolic sizes; binomial is uniform < p", async () => {
    const srng = new MRGRandomStreams(12345);
    const x = T.matrix("x");
    const states = [srng.uniform({ size: [2, 3] }), srng.uniform({ size: [20, 3] }), srng.uniform({ size: x.shape })].map((d) => d.rng.valueShape);
    expect(states).toEqual([[6, 6], [10, 6], [15360, 6]]);
    const [u, b] = [new MRGRandomStreams(7).uniform({ size: [50], ...float64 }), new MRGRandomStreams(7).binomial({ size: [50], p: 0.3 })];
    const us = (await computed(u)) as number[];
    expect(await computed(b)).toEqual(us.map((v) => Number(v < 0.3)));
    const normals = (await computed(new MRGRandomStreams(7).normal({ size: [50], ...float64 }))) as number[];
    const [c, s] = [Math.cos, Math.sin].map((f) => Math.sqrt(-2 * Math.log(us[0] as number)) * f(2 * Math.PI * (us[25] as number))) as [number, number];
    expect(normals[0]).toBeCloseTo(c, 12);
    expect(normals[25]).toBeCloseTo(s, 12);
  });

  test("trap 35: the published samples of MRG31k3p, through a compiled function", async () => {
    const draw = new MRGRandomStreams(12345).uniform({ size: [1], ...float64 });
    const [steps] = scan({ fn: () => draw, nSteps: 5 });
    expect(((await compile([], steps, { device })()) as NdArray).data).toEqual(Float64Array.of(0.7353244530968368, 0.6142074400559068, 0.11007806099951267, 0.6487741703167558, 0.36619443260133266));
  });

  test("trap 36: NumPy's legacy RandomState", () => {
    const r = new np.random.RandomState(42);
    expect(r.binomial(1, [[0.2, 0.4, 0.6, 0.8], [0.2, 0.4, 0.6, 0.8]]).toArray()).toEqual([[0, 1, 0, 1], [0, 0, 1, 0]]);
    expect([...r.uniform({ size: [1] }).data]).toEqual([0.6011150117432088]);
  });
});

describe("neural-network functions", () => {
  test("trap 37: round takes halves to even, or away from zero when asked", async () => {
    const x = T.dvector("x");
    const of = [[x, [0.5, 1.5, 2.5, -0.5, 128 / 256]]] as const;
    expect(await computed(T.round(x), of)).toEqual([0, 2, 2, -0, 0]);
    expect(await computed(T.round(x, { mode: "half_away_from_zero" }), of)).toEqual([1, 2, 3, -1, 1]);
  });

  test("trap 38: sigmoid and softplus saturate where Theano's C code does; hard and ultra-fast sigmoid have their constants", async () => {
    const [d, f] = [T.dvector("d"), T.fvector("f")];
    expect(await computed(T.nnet.sigmoid(d), [[d, [-710, 18.9, 19.1]]])).toEqual([0, 1 / (1 + Math.exp(-18.9)), 1]);
    expect(await computed(T.nnet.sigmoid(f), [[f, [-89, 15.5]]])).toEqual([0, 1]);
    expect(await computed(T.nnet.softplus(d), [[d, [-746, 16.1]]])).toEqual([0, 16.1]);
    expect(await computed(T.nnet.softplus(f), [[f, [-104, 14.5]]])).toEqual([0, 14.5]);
    expect(await computed(T.nnet.hardSigmoid(d), [[d, [-3, 0, 1, 3]]])).toEqual([0, 0.5, 0.7, 1]);
    expect((await computed(T.nnet.ultraFastSigmoid(d), [[d, [0]]])) as number[]).toEqual([0.5]);
  });

  test("trap 39: categoricalCrossentropy gives one value per row, for distributions and for labels; binaryCrossentropy is elementwise", async () => {
    const [p, t, y] = [T.dmatrix("p"), T.dmatrix("t"), T.ivector("y")];
    const of = [[p, [[0.5, 0.5], [0.25, 0.75]]], [t, [[1, 0], [0.5, 0.5]]], [y, [0, 1]]] as const;
    expect(await computed(T.nnet.categoricalCrossentropy(p, t), of)).toEqual([Math.log(2), -0.5 * Math.log(0.25) - 0.5 * Math.log(0.75)]);
    expect(await computed(T.nnet.categoricalCrossentropy(p, y), of)).toEqual([Math.log(2), -Math.log(0.75)]);
    expect(T.nnet.binaryCrossentropy(p, t).ndim).toBe(2);
    expect(await computed(T.nnet.binaryCrossentropy(p, t).get(0), of)).toEqual([Math.log(2), Math.log(2)]);
  });

  test("trap 39: conv2d turns its filters by default, valid unless another border is asked for; pool2d keeps cut windows unless ignoreBorder", async () => {
    const [x, w] = [T.dtensor4("x"), T.dtensor4("w")];
    const of = [[x, [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]], [w, [[[[1, 0], [0, -1]]]]]] as const;
    const { conv2d } = T.nnet;
    const { pool2d } = T.signal.pool;
    expect(await computed(conv2d(x, w), of)).toEqual([[[[4, 4], [4, 4]]]]);
    expect(await computed(conv2d(x, w, { filterFlip: false }), of)).toEqual([[[[-4, -4], [-4, -4]]]]);
    const sides = await Promise.all((["valid", "full", "half", 2, [1, 2]] as const).map(async (borderMode) => ((await compile([x, w], conv2d(x, w, { borderMode }), { device })(of[0][1], of[1][1])) as NdArray).shape.slice(2)));
    expect(sides).toEqual([[2, 2], [4, 4], [4, 4], [6, 6], [4, 6]]);
    expect(await computed(pool2d(x, [2, 2]), of)).toEqual([[[[5, 6], [8, 9]]]]);
    expect(await computed(pool2d(x, { ds: [2, 2], ignoreBorder: true }), of)).toEqual([[[[5]]]]);
    expect(await computed(pool2d(x, { ws: [2, 2], mode: "sum" }), of)).toEqual([[[[12, 9], [15, 9]]]]);
    expect(await computed(pool2d(x, { ws: [2, 2], mode: "average_exc_pad" }), of)).toEqual([[[[3, 4.5], [7.5, 9]]]]);
    expect(await computed(pool2d(x, { ws: [2, 2], mode: "average_inc_pad", pad: [1, 1], ignoreBorder: true }), of)).toEqual([[[[0.25, 1.25], [2.75, 7]]]]);
  });
});
