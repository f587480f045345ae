/** MRGRandomStreams against numbers published by Theano or computed from its recurrence, and draws on the kernel interpreter against the host. */
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { interpret } from "../../src/autodiff/interpret.js";
import type { Variable } from "../../src/graph/variable.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { inputMakers as T } from "../../src/ops/inputs.js";
import { mul } from "../../src/ops/elementwise.js";
import { MRGRandomStreams } from "../../src/random/mrg_streams.js";

type Env = ReadonlyMap<Variable, NdArray>;
const values = (v: Variable, env: Env = new Map()): NdArray => interpret([v], env)[0]!;
const numbers = (v: Variable, env?: Env): number[] => [...values(v, env).data];

test("uniform((2, 2)) of seeds 1234 and 234", () => {
  expect(numbers(new MRGRandomStreams(1234).uniform({ size: [2, 2], dtype: "float64" }))).toEqual([0.3725711116567254, 0.6576858377084136, 0.5925067821517587, 0.3193147308193147]);
  expect(numbers(new MRGRandomStreams(234).uniform({ size: [2, 2], dtype: "float64" }))).toEqual([0.44990408420562744, 0.3062468161806464, 0.7898354828357697, 0.8255442692898214]);
});

test("uniform((2, 3)) in float32", () => {
  expect(numbers(new MRGRandomStreams(843828734).uniform({ size: [2, 3], dtype: "float32" }))).toEqual([
    0.4310058653354645, 0.8671776056289673, 0.07456985116004944, 0.8547478914260864, 0.8034172058105469, 0.3805437982082367,
  ]);
});

test("a symbolic size takes 15360 streams", () => {
  const srng = new MRGRandomStreams(843828734);
  const x = T.matrix("x");
  const [a, b] = [srng.uniform({ size: x.shape, dtype: "float64" }), srng.uniform({ size: x.shape, dtype: "float64" })];
  const env = new Map([[x as Variable, NdArray.zeros([2, 2], x.dtype)]]);
  expect(numbers(a, env)).toEqual([0.43100588070228696, 0.8671776535920799, 0.07456986093893647, 0.854747923091054]);
  expect(numbers(b, env)).toEqual([0.7831020029261708, 0.8424513493664563, 0.3410959020256996, 0.14155957428738475]);
  const state = srng.stateUpdates()[0]![0].cell.host!;
  expect(state.shape).toEqual([15360, 6]);
  expect([...state.data.subarray(15359 * 6)]).toEqual([28204967, 1412540554, 1397566107, 1847390990, 298108442, 1819211649]);
});

test("the next random variable starts 2^134 steps on, whatever the sizes", () => {
  const srng = new MRGRandomStreams(1234);
  srng.uniform({ size: [7] });
  const second = srng.uniform({ size: [2], dtype: "float64" });
  const other = new MRGRandomStreams(1234);
  other.incRstate();
  expect(numbers(second)).toEqual(numbers(other.uniform({ size: [2], dtype: "float64" })));
  expect(srng.rstate).toEqual(other.rstate);
});

test("a seed may be six integers", () => {
  expect(numbers(new MRGRandomStreams([12345, 12345, 12345, 12345, 12345, 12345]).uniform({ size: [3] }))).toEqual(numbers(new MRGRandomStreams().uniform({ size: [3] })));
});

test("binomial is uniform < p of the same stream, as int32 or what is asked for", () => {
  const u = numbers(new MRGRandomStreams(7).uniform({ size: [50] }));
  const b = new MRGRandomStreams(7).binomial({ size: [50], p: 0.3 });
  expect(b.dtype).toBe("int32");
  expect(numbers(b)).toEqual(u.map((x) => Number(x < Math.fround(0.3))));
  expect(new MRGRandomStreams(7).binomial({ size: [5], dtype: "float32" }).dtype).toBe("float32");
});

test("normals pair the first half of the uniforms with the second; an odd count drops the last", () => {
  const u = numbers(new MRGRandomStreams(7).uniform({ size: [6], dtype: "float64" }));
  const z = numbers(new MRGRandomStreams(7).normal({ size: [5], avg: 1, std: 2, dtype: "float64" }));
  const expected = [0, 1, 2, 0, 1].map((i, k) => 1 + 2 * Math.sqrt(-2 * Math.log(u[i]!)) * (k < 3 ? Math.cos : Math.sin)(2 * Math.PI * u[i + 3]!));
  z.forEach((x, i) => { expect(x).toBeCloseTo(expected[i]!, 14); });
});

test("multinomial counts the first outcome whose running sum exceeds each uniform", () => {
  const pvals = new NdArray(Float64Array.of(0.25, 0.25, 0.5, 0.5, 0.25, 0.25), [2, 3], "float64");
  const srng = new MRGRandomStreams(7);
  const u = numbers(srng.uniform({ size: [8], nstreams: 15360 }));
  const counts = values(new MRGRandomStreams(7).multinomial({ pvals, n: 4 })).toArray() as number[][];
  const ends = [[0.25, 0.5, 1], [0.5, 0.75, 1]];
  expect(counts).toEqual([0, 1].map((row) => [0, 1, 2].map((m) => [0, 1, 2, 3].filter((c) => ends[row]!.findIndex((e) => e > u[c * 2 + row]!) === m).length)));
});

test("moments over many draws", () => {
  const n = 60000;
  const srng = new MRGRandomStreams(42);
  const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
  const u = numbers(srng.uniform({ size: [n], dtype: "float64" }));
  const z = numbers(srng.normal({ size: [n], dtype: "float64" }));
  const b = numbers(srng.binomial({ size: [n], p: 0.2 }));
  expect(Math.min(...u)).toBeGreaterThan(0);
  expect(Math.max(...u)).toBeLessThanOrEqual(1);
  expect(Math.abs(mean(u) - 0.5)).toBeLessThan(0.006);
  expect(Math.abs(mean(u.map((x) => x * x)) - 1 / 3)).toBeLessThan(0.006);
  expect(Math.abs(mean(z))).toBeLessThan(0.02);
  expect(Math.abs(mean(z.map((x) => x * x)) - 1)).toBeLessThan(0.03);
  expect(Math.abs(mean(z.map((x) => x ** 4)) - 3)).toBeLessThan(0.25);
  expect(Math.abs(mean(b) - 0.2)).toBeLessThan(0.008);
});

test("a draw carries its state, and its gradient is that of a constant", () => {
  const x = T.dmatrix("x");
  const std = T.dscalar("std");
  const z = new MRGRandomStreams(7).normal({ size: x.shape, std, dtype: "float64" });
  expect(z.rng.defaultUpdate).toBe(z.update[1]);
  const g = grad(mul(z, x).sum(), x);
  const env = new Map<Variable, NdArray>([[x, new NdArray(new Float64Array(6).fill(2), [2, 3], "float64")], [std, NdArray.scalar(3, "float64")]]);
  expect(numbers(g, env)).toEqual(numbers(z, env));
  expect(numbers(grad(z.sum(), std), env)[0]).toBeCloseTo(numbers(z, env).reduce((a, b) => a + b, 0) / 3, 12);
});

describe("errors", () => {
  const srng = new MRGRandomStreams(7);
  const fails = (f: () => unknown, code: string): void => expect(f).toThrow(expect.objectContaining({ code }) as Error);
  test("when random variables are made", () => {
    fails(() => new MRGRandomStreams(0), "mrg-seed");
    fails(() => srng.binomial({ size: [2], n: 2 }), "mrg-binomial-n");
    fails(() => srng.uniform({ size: [2], dtype: "int32" }), "random-dtype");
    fails(() => srng.uniform({ size: [2], nstreams: 0 }), "mrg-streams");
    fails(() => srng.multinomial({ pvals: T.vector("p") }), "mrg-multinomial-pvals");
    fails(() => srng.multinomial({ pvals: T.matrix("p"), n: 0 }), "mrg-multinomial-n");
  });
});
