/** Rows looked up by their indices: in memory before a product reads each of them many times, looked up where they are read once. */
import { expect, test } from "vitest";
import { compile, grad, NdArray, numpy as np, shared, T } from "../../src/index.js";

const [WORDS, DIM, HIDDEN] = [11, 6, 5];
const rng = new np.random.RandomState(7);
const values = (n: number, m: number): NdArray => np.asarray(rng.normal({ size: [n, m] }), { dtype: "float32" });
const [table, weights] = [values(WORDS, DIM), values(2 * DIM, HIDDEN)];
const windows = [[3, -1], [0, 3], [10, 2]];

const rowsOf = (f: { explain(): { plan: string } }): string[] => f.explain().plan.match(/max\(min\(/g) ?? [];

test("windows of words times weights, and the gradients of both", async () => {
  const [emb, W] = [shared(table, { name: "emb" }), shared(weights, { name: "W" })];
  const idx = T.imatrix("idx");
  const x = emb.get(idx).reshape([-1, 2 * DIM]);
  const y = T.dot(x, W);
  const f = compile([idx], [y, ...grad(y.pow(2).sum(), [emb, W])] as const, { device: "wasm" });
  const [product, dEmb, dW] = (await f(windows)) as readonly NdArray[];
  expect(rowsOf(f)).toHaveLength(1);
  expect(f.explain().toString()).toContain("terms listed by row");

  const row = (w: number): number[] => [...table.data.slice(((w + WORDS) % WORDS) * DIM, (((w + WORDS) % WORDS) + 1) * DIM)];
  const inputs = windows.map((words) => words.flatMap(row));
  const at = (k: number, j: number): number => weights.data[k * HIDDEN + j] as number;
  const out = inputs.map((r) => Array.from({ length: HIDDEN }, (_, j) => r.reduce((s, v, k) => s + v * at(k, j), 0)));
  const wanted = new Float64Array(WORDS * DIM);
  windows.forEach((words, n) => words.forEach((w, place) => {
    for (let d = 0; d < DIM; d++) for (let j = 0; j < HIDDEN; j++) wanted[((w + WORDS) % WORDS) * DIM + d] = (wanted[((w + WORDS) % WORDS) * DIM + d] as number) + 2 * (out[n] as number[])[j]! * at(place * DIM + d, j);
  }));
  const wantedW = Array.from({ length: 2 * DIM * HIDDEN }, (_, e) => inputs.reduce((s, r, n) => s + 2 * (r[Math.floor(e / HIDDEN)] as number) * (out[n] as number[])[e % HIDDEN]!, 0));
  const near = (a: NdArray | undefined, b: ArrayLike<number>): void => Array.from(b).forEach((v, i) => expect(a?.data[i]).toBeCloseTo(v, 3));
  near(product, out.flat());
  near(dEmb, wanted);
  near(dW, wantedW);
});

test("read once, they stay where they are", async () => {
  const emb = shared(table);
  const idx = T.ivector("idx");
  const f = compile([idx], emb.get(idx).pow(2).sum({ axis: 1 }), { device: "reference" });
  const got = (await f([4, 4, 0])) as NdArray;
  expect(f.explain().kernels?.distinct).toBe(1);
  [4, 4, 0].forEach((w, i) => expect(got.data[i]).toBeCloseTo(Array.from(table.data).slice(w * DIM, w * DIM + DIM).reduce((s, v) => s + v * v, 0), 4));
});
