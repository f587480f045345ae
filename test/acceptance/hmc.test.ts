/**
 * A37: the Deep Learning Tutorials' sampler of a Gaussian (doc/hmc.txt, code/hmc/test_hmc.py): acceptance within 0.1 of 0.9, the step size in its
 * bounds, the mean and covariance of what it draws, and the end of the tutorial's own run.
 */
import { expect, test } from "vitest";
import { config, numpy as np, shared, T, type Variable } from "../../src/index.js";
import { describeOn, expectNear, REFERENCE64, type Setting } from "./devices.js";
import { HMCSampler } from "./hmc.js";

const DIM = 5;

/** The inverse by Gauss-Jordan elimination. */
function inverse(m: readonly (readonly number[])[]): number[][] {
  const rows = m.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  rows.forEach((_, i) => {
    const best = rows.reduce((k, row, j) => (j >= i && Math.abs(row[i] as number) > Math.abs(rows[k]?.[i] as number) ? j : k), i);
    [rows[i], rows[best]] = [rows[best] as number[], rows[i] as number[]];
    const pivot = (rows[i] as number[]).map((x) => x / (rows[i]?.[i] as number));
    rows.forEach((row, j) => (rows[j] = j === i ? pivot : row.map((x, k) => x - (row[i] as number) * (pivot[k] as number))));
  });
  return rows.map((row) => row.slice(m.length));
}

function target() {
  const rng = new np.random.RandomState(123);
  const mu = [...rng.rand(DIM).data].map((x) => x * 10);
  const raw = rng.rand(DIM, DIM).toArray() as number[][];
  const cov = raw.map((row, i) => row.map((x, j) => (i === j ? 1 : (x + (raw[j]?.[i] as number)) / 2)));
  return { mu, cov, start: rng.randn(3, DIM) };
}

const RUNS: readonly Setting[] = [REFERENCE64, { device: "gpu:webasm", floatX: "float32" }];

describeOn(RUNS, "A37: hybrid Monte Carlo", ({ floatX }) => {
  test("on a Gaussian of five dimensions", async () => {
    const { mu, cov, start } = target();
    expectNear(mu, [6.96469186, 2.86139335, 2.26851454, 5.51314769, 7.1946897], 1e-8);
    const covInv = T.constant(inverse(cov), { dtype: floatX });
    const energy = (x: Variable): Variable => {
      const away = x.sub(T.constant(mu, { dtype: config.floatX }));
      return T.dot(away, covInv).mul(away).sum({ axis: 1 }).mul(0.5);
    };
    const sampler = new HMCSampler(shared(np.asarray(start, { dtype: floatX })), energy, { initialStepsize: 1e-3, stepsizeMax: 0.5 });
    for (let i = 0; i < 1000; i++) await sampler.draw();
    const samples: number[][] = [];
    for (let i = 0; i < 1000; i++) samples.push(...((await sampler.draw()).toArray() as number[][]));

    const { targetAcceptanceRate, stepsizeMin, stepsizeMax } = sampler.options;
    const [stepsize, rate] = [Number((await sampler.stepsize.getValue()).item()), Number((await sampler.avgAcceptanceRate.getValue()).item())];
    expect(Math.abs(rate - targetAcceptanceRate)).toBeLessThan(0.1);
    expect(stepsize).toBeGreaterThan(stepsizeMin);
    expect(stepsize).toBeLessThan(stepsizeMax);
    const mean = mu.map((_, j) => np.mean(samples.map((s) => s[j] as number)));
    expectNear(mean.map((m, j) => m - (mu[j] as number)), [0, 0, 0, 0, 0], 0.2);
    const covariance = cov.map((row, i) => row.map((_, j) => np.mean(samples.map((s) => ((s[i] as number) - (mean[i] as number)) * ((s[j] as number) - (mean[j] as number))))));
    expectNear(covariance, cov, 0.25);
    // The same streams and the same arithmetic give the tutorial's own run, digit for digit.
    expectNear([stepsize, rate], [0.460446628091, 0.922502043428], floatX === "float64" ? 1e-12 : 1e-6);
  }, 120_000);
});
