/**
 * The error function as its integral: what references of erf and its inverses compute with, and no kernel does. Must not know any op.
 */

/** erf by Simpson's rule on 4000 intervals: slow, and independent of the series that kernels use; error below 1e-13 on [-6, 6]. */
export function erfByQuadrature(x: number): number {
  if (!(Math.abs(x) < 6)) return Math.sign(x);
  const n = 4000;
  const h = x / n;
  let sum = 1 + Math.exp(-x * x);
  for (let i = 1; i < n; i++) sum += (i % 2 === 1 ? 4 : 2) * Math.exp(-((i * h) ** 2));
  return ((2 / Math.sqrt(Math.PI)) * sum * h) / 3;
}
