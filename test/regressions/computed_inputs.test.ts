/**
 * An input that the graph computes cuts the graph there, as in theano.function([z], decode(z)) of a variational auto-encoder: what lies behind it,
 * random states and givens too, has no part in the function.
 */
import { afterAll, expect, test } from "vitest";
import { closeDevices, compile, type NdArray, RandomStreams, T } from "../../src/index.js";

afterAll(closeDevices);
const device = "reference";

test("default updates behind the cut are not looked for", async () => {
  const x = T.dvector("x");
  const z = x.add(new RandomStreams(1).normal({ size: x.shape }));
  const decode = compile<NdArray>([z], z.mul(2), { device });
  expect((await decode([1, 2])).toArray()).toEqual([2, 4]);
  expect(decode.explain().toString()).not.toContain("rng");
});

test("givens do not reach behind the cut, and may be made of what is cut", async () => {
  const [x, w] = T.dscalars("x w");
  const z = x.mul(3);
  const y = z.add(w);
  expect(await compile<number>([z], y, { givens: [[x, 100], [w, 1]], device })(5)).toBe(6);
  expect(await compile<number>([z], y, { givens: [[w, z.mul(10)]], device })(5)).toBe(55);
});
