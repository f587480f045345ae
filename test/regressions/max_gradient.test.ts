/**
 * The gradient of max compared the stored maximum with elements computed anew, in more digits than were stored, and lost them. Found by
 * gradients of generated graphs on gpu:cpu, seed 910.
 */
import { expect, test } from "vitest";
import { compile, grad, type NdArray, T } from "damo";

test.each(["reference", "gpu:cpu", "gpu:webasm"])("the whole gradient of a maximum arrives on %s", async (device) => {
  const x = T.fvector("x");
  const y = T.nnet.sigmoid(x).mul(0.48).add(1.01);
  const f = compile([x], [grad(y.max().add(y.sqr().sum()), y), y.mul(2)], { device, mode: "none" });
  for (let i = 1; i < 20; i++) {
    const [g, twice] = (await f([i / 7])) as unknown as [NdArray, NdArray];
    expect(g.data[0]).toBeCloseTo(1 + (twice.data[0] as number), 5);
  }
});
