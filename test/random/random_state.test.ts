import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { max, min, sum } from "../../src/numpy/reduce.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { fillBinomial, fillMultinomial } from "../../src/random/legacy.js";
import { nextDouble, seedState } from "../../src/random/mt19937.js";
import { RandomState } from "../../src/random/random_state.js";

interface Recorded {
  readonly seed: number | number[];
  readonly calls: readonly (readonly [method: string, args: readonly unknown[], result: unknown])[];
}
/** Made by NumPy 2.4.6: for each seed, one RandomState and its calls in order. */
const RECORDED = JSON.parse(readFileSync(new URL("fixtures/numpy_legacy.json", import.meta.url), "utf8")) as Recorded[];

describe("the streams of NumPy's RandomState", () => {
  for (const { seed, calls } of RECORDED) {
    test(`seed ${JSON.stringify(seed).slice(0, 20)}`, () => {
      const state = new RandomState(seed) as unknown as Record<string, (...args: unknown[]) => number | NdArray>;
      calls.forEach(([method, args, want], i) => {
        const got = (state[method] as (...args: unknown[]) => number | NdArray).call(state, ...args.map((a) => a ?? undefined));
        expect(got instanceof NdArray ? got.toArray() : got, `call ${i}: ${method}(${JSON.stringify(args)})`).toEqual(want);
      });
    });
  }

  test("normals and exponentials, with the kept second Gaussian", () => {
    const r = new RandomState(7);
    expect(r.randn(5).toArray()).toEqual([1.690525703800356, -0.4659373705408328, 0.0328201636785844, 0.40751628299650783, -0.7889230286257386]);
    expect(r.standardNormal([1, 2]).toArray()).toEqual([[0.00206557290594813, -0.0008903858579313628]]);
    expect(r.normal(1, 3, { size: 3 }).toArray()).toEqual([-4.2641729190362625, 4.052974016990479, 2.8014955477586483]);
    expect(r.exponential({ scale: 2, size: 3 }).toArray()).toEqual([0.959109821795332, 0.13642138402226256, 0.6797637637837858]);
    expect(r.random()).toBe(0.9095935277196137);
    const mixed = new RandomState(5);
    expect([mixed.randint(100), mixed.randn(), mixed.randint(100), mixed.standardNormal(), mixed.rand()]).toEqual(
      [99, 0.10779443675126725, 62, -0.03063626579213903, 0.7659078564803156]);
  });

  test("shuffle works in place along the first axis of any container", () => {
    const flat = Array.from({ length: 10 }, (_, i) => i);
    new RandomState(3).shuffle(flat);
    expect(flat).toEqual([5, 4, 1, 2, 9, 6, 7, 0, 3, 8]);
    const typed = Int32Array.from({ length: 10 }, (_, i) => i);
    new RandomState(3).shuffle(typed);
    expect([...typed]).toEqual(flat);
    const matrix = new NdArray(Float64Array.from({ length: 12 }, (_, i) => i), [4, 3], "float64");
    new RandomState(3).shuffle(matrix);
    expect(matrix.toArray()).toEqual([[9, 10, 11], [3, 4, 5], [0, 1, 2], [6, 7, 8]]);
    const before = new RandomState(3).getState();
    const r = new RandomState(3);
    r.shuffle(NdArray.zeros([3, 0], "int32"));
    expect(r.getState()).toEqual(before);
  });
});

describe("the tutorials' initial values", () => {
  test("mlp: RandomState(1234), 784 by 500", () => {
    const bound = Math.sqrt(6 / (784 + 500));
    const w = new RandomState(1234).uniform({ low: -bound, high: bound, size: [784, 500] });
    expect([...w.data.slice(0, 4)].map((x) => x.toFixed(8))).toEqual(["-0.04217459", "0.01669437", "-0.00851369", "0.03901342"]);
    expect(sum(w)).toBe(-24.910271079292343);
  });

  test("rbm: RandomState(123) after its first randint", () => {
    const r = new RandomState(123);
    expect(r.randint(2 ** 30)).toBe(843828734);
    const bound = 4 * Math.sqrt(6 / (784 + 500));
    const w = r.uniform({ low: -bound, high: bound, size: [784, 500] });
    expect([...w.data.slice(0, 4)].map((x) => x.toFixed(8))).toEqual(["0.11645861", "-0.03911701", "0.10438896", "0.11984645"]);
    expect(w.data.at(-1)).toBe(0.23165458854559234);
    expect(sum(w)).toBe(256.235555889702);
  });

  test("dbn: one RandomState(123) for the stream seed and all layers", () => {
    const r = new RandomState(123);
    r.randint(2 ** 30);
    const layers = [784, 1000].map((nIn) => {
      const bound = 4 * Math.sqrt(6 / (nIn + 1000));
      return r.uniform({ low: -bound, high: bound, size: [nIn, 1000] });
    });
    expect(layers.map((w) => [...w.data.slice(0, 4)].map((x) => x.toFixed(8)))).toEqual([
      ["0.09879994", "-0.03318569", "0.08856042", "0.10167409"],
      ["0.04713785", "-0.21761232", "0.19200364", "-0.17917712"],
    ]);
    expect(layers.map((w) => sum(w))).toEqual([186.54338183175534, -179.26141888694144]);
  });

  test("lenet: RandomState(23455), convolutional bound 0.2", () => {
    const w = new RandomState(23455).uniform({ low: -0.2, high: 0.2, size: [20, 1, 5, 5] });
    expect([...w.data.slice(0, 4)].map((x) => x.toFixed(8))).toEqual(["0.13397727", "-0.15406819", "0.06759900", "-0.01362005"]);
    expect(sum(w)).toBe(-1.0160958593711338);
  });

  test("hmc: RandomState(123).rand(5) * 10", () => {
    const mu = new RandomState(123).rand(5);
    expect([...mu.data].map((x) => (x * 10).toFixed(8))).toEqual(["6.96469186", "2.86139335", "2.26851454", "5.51314769", "7.19468970"]);
  });

  test("SdA and RBM seeds", () => {
    expect(new RandomState(89677).randint(2 ** 30)).toBe(1054665268);
    const seeds = new RandomState(843828734);
    expect(Array.from({ length: 6 }, () => seeds.randint(2 ** 30))).toEqual([979381764, 59363608, 388442110, 608066944, 1018554813, 473946685]);
  });

  test("binomial over an array of probabilities", () => {
    const r = new RandomState(42);
    expect(r.binomial(1, [[0.2, 0.4, 0.6, 0.8], [0.2, 0.4, 0.6, 0.8]]).toArray()).toEqual([[0, 1, 0, 1], [0, 0, 1, 0]]);
    expect(r.uniform()).toBe(0.6011150117432088);
  });

  test("each op of RandomStreams draws its seed from one generator", () => {
    for (const [seed, ops, first] of [[123, 843828734, "0.72803009"], [987, 669882291, "0.55056769"]] as const) {
      const generator = new RandomState(seed);
      const op = generator.randint(2 ** 30);
      expect(op).toBe(ops);
      expect(new RandomState(op).uniform({ size: [1] }).data[0]?.toFixed(8)).toBe(first);
    }
    const generator = new RandomState(234);
    expect(new RandomState(generator.randint(2 ** 30)).uniform({ size: [2, 2] }).toArray()).toEqual(
      [[0.12672381400898758, 0.9709159656786431], [0.13989097862581312, 0.887548254199325]]);
    expect(new RandomState(generator.randint(2 ** 30)).normal({ size: [2, 2] }).toArray()).toEqual(
      [[0.3732844727674915, -0.6574667187293483], [-0.3630237287579288, -0.9748462455013606]]);
  });

  test("the scan example's Bernoulli rows", () => {
    const r = new RandomState(new RandomState(1234).randint(2 ** 30));
    const rows = Array.from({ length: 10 }, () => r.binomial({ p: 0.5, size: [2] }).data.join(""));
    expect(rows).toEqual(["10", "01", "00", "11", "10", "01", "01", "01", "00", "11"]);
  });
});

describe("states", () => {
  test("a restored state repeats, a reseeded one starts again", () => {
    const r = new RandomState(11);
    r.randn();
    const kept = r.getState();
    expect([kept.hasGauss, kept.pos > 0]).toEqual([true, true]);
    const first = [r.randn(), r.rand(), r.randint(5)];
    r.setState(kept);
    expect([r.randn(), r.rand(), r.randint(5)]).toEqual(first);
    r.seed(11);
    expect(r.getState()).toEqual(new RandomState(11).getState());
    expect(new RandomState().rand()).not.toBe(new RandomState().rand());
  });

  test("one Bernoulli draw takes one double, certain ones included", () => {
    for (const p of [0, 1, 0.5]) {
      const a = seedState(8);
      const b = seedState(8);
      const out = fillBinomial(a, 1, p, new Int32Array(5000));
      for (let i = 0; i < 5000; i++) nextDouble(b);
      expect(nextDouble(a)).toBe(nextDouble(b));
      if (p !== 0.5) expect([...new Set(out)]).toEqual([p]);
    }
  });

  test("multinomial rows sum to n, whatever was in the buffer", () => {
    const out = new Int32Array(12).fill(9);
    fillMultinomial(seedState(2), 3, [0.5, 0, 0.25, 0.25], out);
    for (let row = 0; row < 12; row += 4) expect(out.slice(row, row + 4).reduce((a, b) => a + b)).toBe(3);
  });

  test("uniforms stay in their bounds, without size a number comes", () => {
    const x = new RandomState(0).uniform({ low: 2, high: 3, size: 1000 });
    expect([min(x) >= 2, max(x) < 3, typeof new RandomState(0).uniform({ low: 2, high: 3 }), x.dtype]).toEqual([true, true, "number", "float64"]);
    expect(new RandomState(0).randint(3, undefined, { size: [2, 2] }).dtype).toBe("int32");
    expect(new RandomState(0).uniform({ size: [] }).shape).toEqual([]);
  });
});

test("every refusal says why", () => {
  const r = new RandomState(1);
  const refusals: readonly (readonly [string, () => unknown])[] = [
    ["random-state-words", () => RandomState.unpack(NdArray.zeros([3], "int32"))],
    ["uniform-range", () => r.uniform({ low: 0, high: Number.POSITIVE_INFINITY })],
    ["normal-scale", () => r.normal({ scale: -1 })],
    ["exponential-scale", () => r.exponential({ scale: -1 })],
    ["randint-range", () => r.randint(0)],
    ["randint-range", () => r.randint(0, 1.5)],
    ["randint-int32", () => r.randint(0, 2 ** 33, { size: 2 })],
    ["binomial-p", () => r.binomial(1, Number.NaN)],
    ["binomial-p", () => r.binomial(5, 1.5)],
    ["binomial-n", () => r.binomial(-1, 0.5)],
    ["multinomial-pvals", () => r.multinomial(1, [0.7, 0.7, 0])],
    ["multinomial-n", () => r.multinomial(-1, [0.5, 0.5])],
    ["choice-empty", () => r.choice(0)],
    ["choice-too-many", () => r.choice(2, { size: 3, replace: false })],
    ["choice-p-size", () => r.choice(2, { p: [1] })],
    ["choice-p", () => r.choice(2, { p: [0.5, 0.6] })],
    ["choice-p-zeros", () => r.choice(2, { size: 2, replace: false, p: [1, 0] })],
    ["choice-ndim", () => r.choice([[1], [2]])],
    ["shuffle-scalar", () => r.shuffle(NdArray.scalar(1, "int32"))],
    ["permutation-scalar", () => r.permutation(NdArray.scalar(1, "int32"))],
    ["np-broadcast", () => r.uniform({ low: [0, 1], size: 3 })],
    ["np-broadcast-to", () => r.uniform({ low: [[0], [1]], size: 2 })],
    ["size", () => r.uniform({ size: -1 })],
  ];
  for (const [code, call] of refusals) expect(call, code).toThrow(expect.objectContaining({ code }));
});

test("parameters come by position, by name, or by position and then by name, as in Python (numbers from NumPy)", () => {
  const r = new RandomState(5);
  expect(r.randint(10, { size: 4 }).toArray()).toEqual([3, 6, 6, 0]);
  expect(r.randint({ low: 3, high: 6, size: [2, 2] }).toArray()).toEqual([[4, 3], [3, 5]]);
  expect(r.randomIntegers(3, { size: 2 }).toArray()).toEqual([1, 3]);
  const q = new RandomState(5);
  expect(q.uniform(-1, 1, 2).toArray()).toEqual([-0.556013657820521, 0.7414646123547528]);
  expect(q.normal(0.5, 1, { size: 1 }).toArray()).toEqual([2.93077118700778]);
  expect(q.binomial(3, 0.5, 4).toArray()).toEqual([2, 2, 1, 1]);
  expect(q.normal({ scale: 2 })).toBe(-0.5041842592061538);
});
