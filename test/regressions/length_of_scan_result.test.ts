/** A length that a scan computes: its value was bound, and asked for again. */
import { expect, test } from "vitest";
import { compile, type NdArray, scan, T } from "../../src/index.js";

test("lengths that are states of a loop", async () => {
  const n = T.iscalar("n");
  const [sums] = scan({ fn: (k, total) => total.add(k), sequences: T.arange(n), outputsInfo: T.constant(0) });
  const f = compile([n], [T.arange(sums.get(-1)), sums, T.zeros([sums.get(1)])], { device: "reference" });
  expect((await f(4)).map((r) => (r as NdArray).toArray())).toEqual([[0, 1, 2, 3, 4, 5], [0, 1, 3, 6], [0]]);
  expect((await f(3)).map((r) => (r as NdArray).toArray())).toEqual([[0, 1, 2], [0, 1, 3], [0]]);
});
