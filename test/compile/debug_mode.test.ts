/** Mode debug: ops are compared with their references at each call, and the first in trouble is named. */
import { describe, expect, test, vi } from "vitest";
import { compile, config, grad, IndexError, MRGRandomStreams, type NdArray, numpy as np, RandomStreams, scan, shared, T, type Variable } from "../../src/index.js";
import { tanh } from "../../src/ops/math.js";

const debug = { device: "reference", mode: "debug" } as const;

describe("what is right passes, and means what it means without debugging", () => {
  test("a network's training step on gpu.js", async () => {
    const [x, y] = [T.fmatrix("x"), T.ivector("y")];
    const w = shared(new np.random.RandomState(1).uniform({ low: -1, high: 1, size: [3, 2] }).astype("float32"), { name: "w" });
    const b = shared([0, 0], { name: "b", dtype: "float32" });
    const cost = T.nnet.categoricalCrossentropy(T.nnet.softmax(T.tanh(x.dot(w)).add(b)), y).mean();
    const [gw, gb] = grad(cost, [w, b]);
    const f = compile<number>([x, y], cost, { updates: [[w, w.sub(gw)], [b, b.sub(gb)]], mode: "debug", device: "gpu:cpu" });
    const first = await f([[1, 0, 1], [0, 1, 1]], [0, 1]);
    expect(await f([[1, 0, 1], [0, 1, 1]], [0, 1])).toBeLessThan(first);
    f.dispose();
  });

  test.each([RandomStreams, MRGRandomStreams])("a Gibbs chain in a scan: draws advance once per call (%o)", async (Streams) => {
    const make = (mode: "debug" | "fast_run") => {
      const srng = new Streams(123);
      const w = shared([[0.5, -0.25], [0.125, 1]], { name: "w", dtype: config.floatX });
      const step = (v: Variable): Variable => srng.binomial({ size: v.shape, p: T.nnet.sigmoid(v.dot(w)), dtype: config.floatX });
      const [chain, updates] = scan({ fn: step, outputsInfo: T.ones([2, 2]), nSteps: 3 });
      return compile([], chain.get(-1), { updates, device: "reference", mode });
    };
    const [checked, plain] = [make("debug"), make("fast_run")];
    for (let call = 0; call < 3; call++) expect(await checked()).toEqual(await plain());
  });
});

test("debug-nan names the op that makes the first NaN, its line and its inputs, and changes nothing", async () => {
  const x = T.dvector("x");
  const n = shared(0, { name: "n" });
  const f = compile([x], T.sqr(T.log(x)).sum(), { ...debug, updates: [[n, n.add(1)]] });
  expect(await f([1, 1])).toBe(0);
  await expect(f([1, -1])).rejects.toMatchObject({ code: "debug-nan", message: expect.stringMatching(/'log' makes a NaN[\s\S]*debug_mode\.test\.ts:\d+:\d+[\s\S]*input 0: x float64\[2\] = \[1,-1\]/) });
  await expect(f([1, Number.NaN])).rejects.toMatchObject({ code: "debug-nan", message: expect.stringContaining("The value of x: float64[?] has a NaN.") });
  expect((await n.getValue()).item()).toBe(1);
});

test("debug-differs names the first op whose kernel and reference disagree", async () => {
  const x = T.dvector("x");
  const f = compile([x], T.exp(T.tanh(x)).mul(2), debug);
  expect(((await f([0])) as NdArray).toArray()).toEqual([2]);
  const wrong = vi.spyOn(tanh.op.fields, "reference").mockImplementation(([a]) => [(a as NdArray).copy()]);
  try {
    await expect(f([1])).rejects.toMatchObject({ code: "debug-differs", message: expect.stringMatching(/reference of 'tanh' disagree: element 0 is 0\.76\d+ and 1/) });
  } finally {
    wrong.mockRestore();
  }
});

test("positions outside an axis, which devices keep inside, are an IndexError", async () => {
  const [x, i] = [T.dvector("x"), T.ivector("i")];
  const f = compile([x, i], x.get(i), debug);
  expect(((await f([1, 2], [1, -1])) as NdArray).toArray()).toEqual([2, 2]);
  await expect(f([1, 2], [5])).rejects.toThrow(IndexError);
});

test("compile-mode: other words are refused", () => {
  const x = T.dscalar("x");
  expect(() => compile([x], x, { mode: "FAST" as "fast_run" })).toThrow(expect.objectContaining({ code: "compile-mode" }));
});
