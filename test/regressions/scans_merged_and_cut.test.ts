/** Two scans of one loop of which each keeps something else, recognised as equal only after a state was dropped: merging and dropping undid each other. */
import { expect, test } from "vitest";
import { compile, type NdArray, scan, shared, T } from "../../src/index.js";

test("both are merged into one", async () => {
  const x = T.dvector("x");
  const count = shared(0);
  const [[a, b]] = scan({ fn: (row) => [row, row.mul(2)], sequences: x });
  const [[c, d]] = scan({ fn: (row) => [[row, row.mul(3)], new Map([[count, count.add(1)]])], sequences: x });
  const f = compile([x], [a, b, c, d], { device: "reference" });
  expect((await f([1, 2])).map((r) => (r as NdArray).toArray())).toEqual([[1, 2], [2, 4], [1, 2], [3, 6]]);
  expect(f.explain().toString().match(/loop/g)).toHaveLength(1);
});
