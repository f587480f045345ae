/**
 * dA: initial weights against NumPy's, costs and weights against an independent NumPy program that draws MRG31k3p itself, corruption, the program's
 * pictures and lines.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, config, type NdArray, numpy as np, T } from "../../src/index.js";
import { dA, testDA } from "../../src/models/da.js";
import { FEW, quiet } from "./data.js";

let folder = "";
const before = { ...config };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-da-"));
});
afterAll(async () => {
  Object.assign(config, before);
  await rm(folder, { recursive: true });
});

describe("dA", () => {
  test("initial weights of the tutorial's dA.py, biases of zero, tied weights", async () => {
    const rng = new np.random.RandomState(123);
    const da = new dA({ numpyRng: rng, input: T.matrix("x"), nVisible: 784, nHidden: 500 });
    const { data, shape } = await da.W.getValue();
    expect(shape).toEqual([784, 500]);
    [0.11645861, -0.03911701, 0.10438896, 0.11984645].forEach((w, i) => { expect(data[i]).toBeCloseTo(w, 7); });
    expect(np.sum(await da.b.getValue()) + np.sum(await da.bPrime.getValue())).toBe(0);
    const transposed = (await compile([], da.WPrime)()) as NdArray;
    expect(transposed.toArray()).toEqual((await da.W.getValue()).T.toArray());
  });

  test("corruption keeps values or puts zero, as often as asked", async () => {
    const x = T.matrix("x");
    const da = new dA({ numpyRng: new np.random.RandomState(1), input: x, nVisible: 50, nHidden: 3 });
    const corrupt = compile([x], [da.getCorruptedInput(x, 0), da.getCorruptedInput(x, 0.3)] as const);
    const values = np.asarray(Array.from({ length: 200 }, (_, i) => Array.from({ length: 50 }, (_, j) => 1 + i + j)), { dtype: config.floatX });
    const [none, some] = (await corrupt(values)) as readonly [NdArray, NdArray];
    expect(none.data).toEqual(values.data);
    const kept = [...some.data].filter((v, i) => v === values.data[i]).length;
    expect([...some.data].filter((v) => v === 0).length).toBe(10000 - kept);
    // Five standard deviations of a binomial of 10000 draws.
    expect(Math.abs(kept / 10000 - 0.7)).toBeLessThan(5 * Math.sqrt(0.21 / 10000));
  });
});

/** Of the NumPy program, for 20 minibatches of the drawn digits: mean cost, sums of W, b and b'. */
const BY_NUMPY = [
  [0, 278.4085888320259, -1986.8264599519673, 17.082402258612962, -229.68402484383262],
  [0.3, 276.312822655473, -2099.121122624929, 23.31483533119237, -222.3114995938712],
] as const;

describe.each(["reference", "wasm"])("testDA on %s in float64", (device) => {
  test("costs and parameters of an independent NumPy program, pictures, the tutorial's lines", async () => {
    Object.assign(config, { device, floatX: "float64" });
    const { lines, log } = quiet();
    const outputFolder = join(folder, device);
    const { trained, interrupted } = await testDA({ data: FEW, nHidden: 30, trainingEpochs: 1, outputFolder, log });
    expect(interrupted).toBe(false);
    for (const [i, [level, cost, ...sums]] of BY_NUMPY.entries()) {
      const { da, corruptionLevel, costs } = trained[i]!;
      expect(corruptionLevel).toBe(level);
      expect(costs[0]).toBeCloseTo(cost, 9);
      for (const [j, param] of da.params.entries()) expect(np.sum(await param.getValue())).toBeCloseTo(sums[j]!, 8);
    }
    expect(lines[0]).toBe("... loading data");
    expect(lines[1]).toMatch(/^Training epoch 0, cost {2}278\.4085888320\d+$/);
    expect(lines[2]).toMatch(/^The no corruption code for file da\.ts ran for \d+\.\d\dm$/);
    expect(lines[3]).toMatch(/^Training epoch 0, cost {2}276\.312822655\d+$/);
    expect(lines[4]).toMatch(/^The 30% corruption code for file da\.ts ran for /);
    expect((await readdir(outputFolder)).sort()).toEqual(["filters_corruption_0.png", "filters_corruption_30.png"]);
  });
});

test("costs fall; stopped in the first training, the second is left out", async () => {
  Object.assign(config, before);
  const options = { data: FEW, nHidden: 30, outputFolder: join(folder, "falls"), log: () => undefined };
  const { trained } = await testDA({ ...options, trainingEpochs: 4 });
  for (const { costs } of trained) expect(costs[3]).toBeLessThan(costs[0]! * 0.6);
  const signal = { aborted: false };
  const stopped = await testDA({ ...options, trainingEpochs: 4, signal, progress: ({ batch }) => (signal.aborted ||= batch === 3) });
  expect([stopped.interrupted, stopped.files]).toEqual([true, [join(folder, "falls", "filters_corruption_0.png")]]);
});
