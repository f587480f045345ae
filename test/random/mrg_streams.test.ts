/** MRGRandomStreams against numbers published by Theano or computed from its recurrence, and draws on the kernel interpreter against the host. */
import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { interpret } from "../../src/autodiff/interpret.js";
import type { SharedVariable, Variable } from "../../src/graph/variable.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { inputMakers as T } from "../../src/ops/inputs.js";
import { mrgSeed, mrgSubstreams, mrgUniform } from "../../src/random/mrg31k3p.js";
import { MRGRandomStreams } from "../../src/random/mrg_streams.js";

const numbers = (v: Variable, env: ReadonlyMap<Variable, NdArray> = new Map()): number[] => [...interpret([v], env)[0]!.data];

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
