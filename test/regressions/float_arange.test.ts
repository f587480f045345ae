/** An arange whose ends are float variables, as Lasagne's spatial transformer and MADE's mask generator write it: its length is found at each call. */
import { afterAll, expect, test } from "vitest";
import { closeDevices, compile, type NdArray, T } from "../../src/index.js";

afterAll(closeDevices);

test.each(["reference", "wasm"])("on %s", async (device) => {
  const [start, stop] = T.dscalars("start", "stop");
  const range = T.arange(start, stop, 0.5);
  const f = compile<[NdArray, NdArray]>([start, stop], [range, T.grad(range.sum(), start)], { device });
  const [values, slope] = await f(0.25, 2);
  expect(values.toArray()).toEqual([0.25, 0.75, 1.25, 1.75]);
  expect(slope).toBe(4);
  expect((await f(-1, -0.5))[0].toArray()).toEqual([-1]);
  expect((await f(1, 0))[0].shape).toEqual([0]);
});
