/** Sums of outer products: which factors are summed before they are multiplied, and that the numbers are those of the sum as it was written. */
import { expect, test } from "vitest";
import { compile, NdArray, numpy as np, T, type Variable } from "../../src/index.js";

const [N, I, J] = [4, 7, 5];
const rng = new np.random.RandomState(3);
const values = (n: number, m: number): NdArray => np.asarray(rng.uniform({ low: 0.5, high: 2, size: [n, m] }), { dtype: "float64" });
const [left, right] = [values(N, J), values(I, J)];
const [s, w] = [T.dmatrix("s"), T.dmatrix("w")];
/** [N, 1, J] and [1, I, J]. */
const [a, b] = [s.dimshuffle(0, "x", 1), w.dimshuffle("x", 0, 1)];
const term = (n: number, i: number, j: number) => ({ a: left.data[n * J + j] as number, b: right.data[i * J + j] as number });
const indices = (...lengths: number[]): number[][] => lengths.reduce<number[][]>((all, n) => all.flatMap((at) => Array.from({ length: n }, (_, k) => [...at, k])), [[]]);

/** The sums over `axes` of what `f` makes of the two numbers. */
function summed(axes: readonly number[], f: (x: { a: number; b: number }) => number): number[] {
  const kept = [0, 1, 2].filter((x) => !axes.includes(x));
  const totals = new Map<string, number>();
  for (const at of indices(N, I, J)) {
    const key = kept.map((x) => at[x]).join();
    totals.set(key, (totals.get(key) ?? 0) + f(term(...(at as [number, number, number]))));
  }
  return [...totals.values()];
}

const cases: [name: string, fires: boolean, axes: number[], graph: Variable, f: (x: { a: number; b: number }) => number][] = [
  ["one factor's axis", true, [0], a.mul(b), (x) => x.a * x.b],
  ["the other's", true, [1], a.mul(b), (x) => x.a * x.b],
  ["an axis of both", false, [2], a.mul(b), (x) => x.a * x.b],
  ["all axes, of a square", true, [0, 1, 2], a.mul(b).pow(2), (x) => (x.a * x.b) ** 2],
  ["a quotient, scaled", true, [0, 2], a.div(b).mul(-3), (x) => (-3 * x.a) / x.b],
  ["below is what is summed", true, [1], a.div(b.mul(b)), (x) => x.a / (x.b * x.b)],
  ["a factor with all axes", false, [0], a.add(b).mul(a), (x) => (x.a + x.b) * x.a],
];

test.each(cases)("%s", async (_, fires, axes, graph, f) => {
  for (const device of ["reference", "wasm"]) {
    const run = compile([s, w], graph.sum({ axis: axes }), { device });
    const got = await run(left, right);
    const all = got instanceof NdArray ? [...got.data] : [Number(got)];
    const wanted = summed(axes, f);
    expect(all).toHaveLength(wanted.length);
    wanted.forEach((v, i) => expect(Math.abs((all[i] as number) / v - 1)).toBeLessThan(1e-12));
    expect("sumOfOuter" in run.explain().rewrites).toBe(fires);
  }
});
