/**
 * The Deep Learning Tutorials' hmc/test_hmc.py: chains of hybrid Monte Carlo on a Gaussian whose mean and covariance are known.
 * On the public API only.
 */
import { join } from "node:path";
import { config, numpy as np, NdArray, saveArrays, shared, T, type Variable } from "../index.js";
import { HMCSampler, type SamplerOptions } from "./hmc.js";
import { type Observers, Watcher } from "./observe.js";

export interface GaussianOptions extends Observers {
  /** Moves before the first sample is kept. */
  readonly burnin?: number | undefined;
  /** Moves whose positions are kept. */
  readonly nSamples?: number | undefined;
  readonly dim?: number | undefined;
  readonly sampler?: SamplerOptions | undefined;
  /** Where samples.npz is written; null (default) for nowhere. */
  readonly outputFolder?: string | null | undefined;
}

export interface GaussianResult {
  readonly sampler: HMCSampler;
  readonly mu: NdArray;
  readonly cov: NdArray;
  /** float64 `[dim]`, `[dim, dim]`; the covariance divides by n - 1, as numpy.cov. */
  readonly mean: NdArray;
  readonly covariance: NdArray;
  readonly stepsize: number;
  readonly acceptanceRate: number;
  readonly files: readonly string[];
  readonly interrupted: boolean;
}

const BATCHSIZE = 3;

/** Mean and covariance of rows. */
function moments(samples: readonly (readonly number[])[], dim: number): { mean: NdArray; covariance: NdArray } {
  const axes = Array.from({ length: dim }, (_, j) => j);
  const mean = axes.map((j) => np.mean(samples.map((s) => s[j] as number)));
  const about = (i: number, j: number): number[] => samples.map((s) => ((s[i] as number) - (mean[i] as number)) * ((s[j] as number) - (mean[j] as number)));
  const covariance = axes.map((i) => axes.map((j) => about(i, j).reduce((a, b) => a + b) / (samples.length - 1)));
  return { mean: np.asarray(mean, { dtype: "float64" }), covariance: np.asarray(covariance, { dtype: "float64" }) };
}

const text = (x: NdArray): string => (x.ndim === 2 ? `[${(x.toArray() as number[][]).map((row) => `[${row.map((v) => v.toFixed(4)).join(" ")}]`).join("\n ")}]` : `[${[...x.data].map((v) => v.toFixed(4)).join(" ")}]`);

export interface GaussianSampler {
  readonly sampler: HMCSampler;
  /** Of the target: floatX `[dim]`, and `[dim, dim]` twice. */
  readonly mu: NdArray;
  readonly cov: NdArray;
  readonly covInv: NdArray;
}

/** Three chains on a Gaussian in `dim` dimensions. */
export function buildGaussianSampler(dim = 10, options: SamplerOptions = {}): GaussianSampler {
  const rng = new np.random.RandomState(123);

  // A covariance and a mean for the Gaussian.
  const mu = np.asarray(np.multiply(rng.rand(dim), 10), { dtype: config.floatX });
  const raw = rng.rand(dim, dim).toArray() as number[][];
  const symmetric = raw.map((row, i) => row.map((x, j) => (i === j ? 1.0 : (x + (raw[j]?.[i] as number)) / 2)));
  const cov = np.asarray(symmetric, { dtype: config.floatX });
  const covInv = np.asarray(np.linalg.inv(np.asarray(symmetric, { dtype: "float64" })), { dtype: config.floatX });

  const gaussianEnergy = (x: Variable): Variable => T.mul(0.5, T.dot(x.sub(mu), covInv).mul(x.sub(mu)).sum({ axis: 1 }));

  const position = shared(np.asarray(rng.randn(BATCHSIZE, dim), { dtype: config.floatX }));
  const sampler = HMCSampler.newFromSharedPositions(position, gaussianEnergy, { initialStepsize: 1e-3, stepsizeMax: 0.5, ...options });
  return { sampler, mu, cov, covInv };
}

/** Samples a Gaussian in `dim` dimensions with three chains, and compares mean and covariance with the target's. */
export async function samplerOnNdGaussian({ burnin = 1000, nSamples = 1000, dim = 10, sampler: options = {}, outputFolder = null, ...observers }: GaussianOptions = {}): Promise<GaussianResult> {
  const watcher = new Watcher(observers);
  const { sampler, mu, cov } = buildGaussianSampler(dim, options);

  const samples: number[][] = [];
  const draw = async (phase: string, n: number, keep: (positions: NdArray) => void): Promise<void> => {
    const done = watcher.epoch({ phase, epoch: 0, nEpochs: 1, nBatches: n });
    for (let r = 0; r < n && !watcher.aborted; r++) {
      keep(await sampler.draw());
      await done(r, Number.NaN);
    }
  };
  await draw("burn-in", burnin, () => undefined);
  await draw("sampling", nSamples, (positions) => void samples.push(...(positions.toArray() as number[][])));

  const { mean, covariance } = moments(samples, dim);
  const stepsize = Number((await sampler.stepsize.getValue()).item());
  const acceptanceRate = Number((await sampler.avgAcceptanceRate.getValue()).item());
  watcher.log("****** TARGET VALUES ******");
  watcher.log(`target mean: ${text(mu)}`);
  watcher.log(`target cov:\n ${text(cov)}`);
  watcher.log("****** EMPIRICAL MEAN/COV USING HMC ******");
  watcher.log(`empirical mean:  ${text(mean)}`);
  watcher.log(`empirical_cov:\n ${text(covariance)}`);
  watcher.log("****** HMC INTERNALS ******");
  watcher.log(`final stepsize ${stepsize}`);
  watcher.log(`final acceptance_rate ${acceptanceRate}`);
  const files = outputFolder === null ? [] : [join(outputFolder, "samples.npz")];
  for (const file of files) await saveArrays(file, { samples: new NdArray(Float64Array.from(samples.flat()), [samples.length, dim], "float64"), mean, covariance, mu, cov });
  return { sampler, mu, cov, mean, covariance, stepsize, acceptanceRate, files, interrupted: watcher.aborted };
}
