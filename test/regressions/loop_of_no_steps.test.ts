/** A loop body stored values from around it, which were then never written where the loop ran no step. Found by review. */
import { expect, test } from "vitest";
import { registerBackend } from "../../src/codegen/backend.js";
import { allSteps } from "../../src/codegen/ir/plan.js";
import { ReferenceBackend } from "../../src/codegen/reference/backend.js";
import { device as open } from "../../src/compile/devices.js";
import { compile, RandomStreams, scan, shared, T, type Variable } from "damo";

class Narrow extends ReferenceBackend {
  override readonly caps = { ...new ReferenceBackend().caps, maxParams: 6 };
}
registerBackend({ name: "narrow", probe: async () => ({ available: true }), create: async () => new Narrow() });

test.each(["reference", "gpu:cpu"])("what a body's routine reads on %s", async (device) => {
  const [m, n] = [T.fmatrix("m"), T.iscalar("n")];
  const mean = m.dimshuffle(1, 0).reshape([4]);
  const srng = new RandomStreams(3);
  const [, updates] = scan({ fn: () => srng.normal({ size: [4], avg: mean, dtype: "float32" }), outputsInfo: null, nSteps: n });
  const after = shared([0, 0, 0, 0], { dtype: "float32" });
  const f = compile([m, n], [], { device, updates: [...updates, [after, mean.mul(2)]] });
  for (const [steps, first] of [[0, 1], [2, 5], [0, 3]] as const) {
    await f([[first, 2], [3, 4]], steps);
    expect((await after.getValue()).toArray()).toEqual([2 * first, 6, 4, 8]);
  }
  expect(f.explain().notes).toEqual([]);
});

test("what a body's kernel with too many inputs reads", async () => {
  const vs = Array.from({ length: 8 }, (_, i) => T.fvector(`v${i}`));
  const [s0, n] = [T.fvector("s0"), T.iscalar("n")];
  const [a, b] = [T.join(0, ...vs.slice(0, 4)), T.join(0, ...vs.slice(4))];
  const srng = new RandomStreams(3);
  const [, updates] = scan({ fn: (s: Variable) => srng.normal({ size: [4], avg: T.switch(s.gt(0), a, b), dtype: "float32" }), outputsInfo: s0, nSteps: n });
  const { backend } = await open("narrow");
  const plans: number[] = [];
  const compilePlan = backend.compile.bind(backend);
  backend.compile = (plan) => {
    plans.push([...allSteps(plan.steps)].filter((s) => s.kind === "loop").length);
    return compilePlan(plan);
  };
  const after = [a, b].map((v) => [shared([0, 0, 0, 0], { dtype: "float32" }), v.mul(2)] as const);
  const f = compile([...vs, s0, n], [], { device: "narrow", updates: [...updates, ...after] });
  for (const steps of [0, 2]) {
    await f(...vs.map((_, i) => [i + steps]), [1, -1, 1, -1], steps);
    const got = await Promise.all(after.map(async ([w]) => (await w.getValue()).toArray()));
    expect(got).toEqual([0, 4].map((first) => [0, 1, 2, 3].map((i) => 2 * (first + i + steps))));
  }
  expect(plans).toEqual([1]);
});
