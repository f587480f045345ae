/** What the benchmarks say of their times. Knows nothing of what was timed. */

/** The q-th quantile, linear between neighbours. */
export function quantile(xs, q) {
  const sorted = [...xs].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at - Math.floor(at));
}

export const median = (xs) => quantile(xs, 0.5);
