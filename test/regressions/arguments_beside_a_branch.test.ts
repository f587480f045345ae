/**
 * A function with a branch or a length that values decide copied all its arguments at each call, so that ifelse took sixty times as long as
 * computing both sides. Found by Theano's page on conditions, examples/theano/conditions.ts.
 */
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { closeDevices, compile, ifelse, NdArray, numpy as np, shared, T } from "damo";

const DEVICES = ["wasm", "reference"];
afterEach(() => void vi.restoreAllMocks());
afterAll(closeDevices);

test.each(DEVICES)("no argument is copied for a branch that was taken before, on %s", async (device) => {
  const [a, b, x, y] = [T.dscalar("a"), T.dscalar("b"), T.dvector("x"), T.dvector("y")];
  const f = compile([a, b, x, y], ifelse(T.lt(a, b), T.mean(x), T.mean(y)), { device });
  const [ones, twos] = [np.ones(1000), np.full(1000, 2)];
  expect([await f(0, 1, ones, twos), await f(1, 0, ones, twos)]).toEqual([1, 2]);
  const copy = vi.spyOn(NdArray.prototype, "copy");
  expect([await f(2, 3, ones, twos), await f(3, 2, ones, twos)]).toEqual([1, 2]);
  expect(copy.mock.contexts.filter((of) => (of as NdArray).size > 1)).toEqual([]);
});

test.each(DEVICES)("arguments that decide a shape count as they are when the call is made, on %s", async (device) => {
  const [x, shape] = [T.dvector("x"), T.ivector("shape")];
  const f = compile([x, shape], [x.reshape(shape, { ndim: 2 }), T.sqrt(T.cast(T.sqr(shape), "float64")).mul(10)], { device });
  for (const rows of [2, 3, 2, 3, 6]) {
    const lengths = Int32Array.of(rows, 6 / rows);
    const called = f([0, 1, 2, 3, 4, 5], lengths);
    lengths.fill(1);
    const [reshaped, tens] = (await called) as [NdArray, NdArray];
    expect([reshaped.shape, tens.toArray()]).toEqual([[rows, 6 / rows], [10 * rows, 60 / rows]]);
  }
});

test.each(DEVICES)("a condition that only the device has is read back, on %s", async (device) => {
  const n = shared(0, { dtype: "float64" });
  const x = T.dvector("x");
  const f = compile([x], ifelse(T.gt(n, 1), T.sum(x), T.mean(x)), { updates: [[n, n.add(T.max(x))]], device });
  expect([await f([1, 0]), await f([1, 0]), await f([1, 1]), await f([1, 1])]).toEqual([0.5, 0.5, 2, 2]);
});
