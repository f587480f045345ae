/**
 * Do all peers do the same work? The draw-free form of each job (a Bernoulli draw replaced by its mean) must leave the same weights and costs in
 * all; the drawn form must have the same mean cost. Must not know peers' insides. Next: run.mjs prints what differs.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { JOBS } from "./jobs.mjs";

/** Relative to the largest value; float32 sums in different orders stay well below. */
export const TOLERANCE = 1e-3;

/** Peers slower than this per step are not run long enough to compare mean costs. */
const SLOW_MS = 300;

/** Costs and weights after a few draw-free steps, and whether a step is slow. */
export async function stateOf(contestant, job, folder, checkSteps) {
  await contestant.ask({ do: "open", job, draw: "mean" });
  const { values, times } = await contestant.ask({ do: "run", n: checkSteps });
  const file = join(folder, "state.bin");
  await contestant.ask({ do: "state", file });
  const bytes = readFileSync(file);
  const state = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return { state, costs: Float32Array.from(values.filter((v) => v !== null)), slow: Math.min(...times) > SLOW_MS };
}

/** The largest difference over the largest value; infinite where the sizes differ or a value is no number. */
export function difference(a, b) {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    if (!Number.isFinite(a[i])) return Infinity;
    largest = Math.max(largest, Math.abs(b[i]));
    most = Math.max(most, Math.abs(a[i] - b[i]));
  }
  return largest === 0 ? most : most / largest;
}

/** How far two are apart, weights or costs. */
export const apart = (a, b) => Math.max(difference(a.state, b.state), difference(a.costs, b.costs));

/** The mean cost of the second half of a run with draws, and its standard error. */
async function statistics(contestant, job) {
  await contestant.ask({ do: "open", job, draw: "random" });
  const { values } = await contestant.ask({ do: "run", n: JOBS[job].statisticsSteps });
  const costs = values.slice(values.length / 2);
  const mean = costs.reduce((s, c) => s + c, 0) / costs.length;
  const variance = costs.reduce((s, c) => s + (c - mean) ** 2, 0) / (costs.length - 1);
  return { mean, error: Math.sqrt(variance / costs.length) };
}

/** Per contestant and form of the job: how far it is from the first, and the mean cost with draws. */
export async function agree(job, contestants, folder) {
  const rows = [];
  let first = null;
  for (const contestant of contestants) {
    for (const form of contestant.hello.jobs.filter((j) => j === job || j.startsWith(`${job} `))) {
      const row = { name: contestant.name, form, difference: null, statistics: null, error: null };
      rows.push(row);
      try {
        const mine = await stateOf(contestant, form, folder, JOBS[job].checkSteps);
        first ??= mine;
        row.difference = apart(mine, first);
        if (JOBS[job].statisticsSteps && !mine.slow) row.statistics = await statistics(contestant, job);
      } catch (error) {
        row.error = error.message;
      }
    }
  }
  return rows;
}
