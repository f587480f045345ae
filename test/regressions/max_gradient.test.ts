/**
 * The gradients of max, and of maximum and minimum of two, compared the stored result with elements computed anew, in more digits than were stored, and lost them on every
 * device with float64 inside. Found by gradients of generated graphs on gpu:cpu, seed 910.
 */
import { expect, test } from "vitest";
import { compile, grad, type NdArray, T } from "damo";
import { interpret } from "../../src/autodiff/interpret.js";
import { asarray } from "../../src/numpy/convert.js";

test.each(["reference", "gpu:cpu", "gpu:webasm"])("the whole gradient of a maximum arrives on %s", async (device) => {
  const x = T.fvector("x");
  const low = T.nnet.sigmoid(x.add(x)).mul(0.48).sub(1.49);
  const y = T.nnet.sigmoid(low).mul(0.48).add(1.01);
  const g = grad(y.max().add(T.clip(x.add(x), low, y).mul(2).sum()), x);
  for (const mode of ["none", "fast_run"] as const) {
    const f = compile([x], g, { device, mode });
    for (let i = 0; i < 6; i++) {
      const at = [0.3 + i / 57];
      const want = interpret([g], new Map([[x, asarray(at)]]), { exactDTypes: false })[0]!.data[0]!;
      expect(want).toBeGreaterThan(4.01);
      expect(((await f(at)) as NdArray).data[0]).toBeCloseTo(want, 4);
    }
  }
});

test.each(["reference", "gpu:cpu"])("the whole gradient of the greater of two arrives where the greater is stored, on %s", async (device) => {
  const [x, z] = [T.fvector("x"), T.fvector("z")];
  const a = x.mul(0.1).add(0.3);
  const [more, less] = [T.maximum(a, z), T.minimum(a, z)];
  const f = compile([x, z], [grad(more.sum(), a), more, grad(less.sum(), a), less], { device });
  const [g, , h] = (await f([0.3, 0.31, 0.32, 0.33], [-5, -5, 5, 5])) as unknown as NdArray[];
  expect(g!.toArray()).toEqual([1, 1, 0, 0]);
  expect(h!.toArray()).toEqual([0, 0, 1, 1]);
});
