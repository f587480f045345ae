/**
 * A37: the Deep Learning Tutorials' sampler of a Gaussian (doc/hmc.txt, code/hmc/test_hmc.py): acceptance within 0.1 of 0.9, the step size in its
 * bounds, the mean and covariance of what it draws, and the end of the tutorial's own run.
 */
import { expect, test } from "vitest";
import { MRGRandomStreams, RandomStreams } from "../../src/index.js";
import type { HmcStreams } from "../../src/models/hmc.js";
import { type GaussianResult, samplerOnNdGaussian } from "../../src/models/hmc_program.js";
import { describeOn, expectNear, REFERENCE64, type Setting } from "./devices.js";

const RUNS: readonly Setting[] = [REFERENCE64, { device: "gpu:webasm", floatX: "float32" }];

async function run(sRng: HmcStreams): Promise<GaussianResult> {
  const lines: string[] = [];
  const r = await samplerOnNdGaussian({ burnin: 1000, nSamples: 1000, dim: 5, sampler: { sRng }, log: (line) => lines.push(line) });
  const { targetAcceptanceRate, stepsizeMin, stepsizeMax } = r.sampler.adaption;
  expect(Math.abs(r.acceptanceRate - targetAcceptanceRate)).toBeLessThan(0.1);
  expect(r.stepsize).toBeGreaterThan(stepsizeMin);
  expect(r.stepsize).toBeLessThan(stepsizeMax);
  expectNear(r.mu, [6.96469186, 2.86139335, 2.26851454, 5.51314769, 7.1946897], 1e-7);
  const mu = [...r.mu.data];
  expectNear([...r.mean.data].map((m, j) => m - (mu[j] as number)), [0, 0, 0, 0, 0], 0.2);
  expectNear(r.covariance, r.cov.toArray(), 0.25);
  expect(lines).toContain(`final stepsize ${r.stepsize}`);
  return r;
}

describeOn(RUNS, "A37: hybrid Monte Carlo", ({ floatX }) => {
  test("on a Gaussian of five dimensions: the same streams and arithmetic give the tutorial's own run, digit for digit", async () => {
    const { stepsize, acceptanceRate } = await run(new RandomStreams(12345));
    expectNear([stepsize, acceptanceRate], [0.460446628091, 0.922502043428], floatX === "float64" ? 1e-12 : 1e-6);
  }, 120_000);
});

describeOn([{ device: "wasm", floatX: "float32" }], "A37: hybrid Monte Carlo with the streams of the tutorial's code", () => {
  test("on a Gaussian of five dimensions", async () => {
    await run(new MRGRandomStreams(12345));
  }, 120_000);
});
