/** A join whose parts are all empty along its axis made no element function. Found by a generated graph with empty axes, seed 21. */
import { expect, test } from "vitest";
import { compile, shared, T } from "damo";

test("join of empty parts is empty", async () => {
  const x = shared([[1]], { dtype: "float32", broadcastable: [false, true] }).get([]);
  const f = compile([], T.join(0, x, x), { device: "reference" });
  expect((await f())).toMatchObject({ shape: [0, 1] });
});
