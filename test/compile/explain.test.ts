/** f.explain(): device and why, kernels, bytes, notes, rewrites, times, plan; before and after the first call. */
import { expect, test, vi } from "vitest";
import { device as open } from "../../src/compile/devices.js";
import { compile, scan, T, type Variable } from "../../src/index.js";

test("before the first call it knows the rewrites", () => {
  const x = T.fvector("x");
  const e = compile([x], T.log(T.exp(x).add(1)), { device: "reference" }).explain();
  expect([e.device, e.reason, e.kernels, e.plan, e.bytes, e.report]).toEqual(["reference", "not called yet", null, "", {}, []]);
  expect(Object.keys(e.rewrites).length).toBeGreaterThan(0);
  expect(e.toString()).toContain("kernels: no call yet");
});

test.each(["reference", "gpu:cpu", "gpu:webasm"])("after a call on %s", async (device) => {
  const [x, w] = [T.fmatrix("x"), T.fmatrix("w")];
  const f = compile([x, w], T.nnet.sigmoid(T.dot(x, w)).sum(), { device });
  await f([[1, 2]], [[3], [4]]);
  const e = f.explain();
  expect(e).toMatchObject({ device, reason: `device '${device}' was asked for`, kernels: { distinct: 2, launches: 2, exact: true }, notes: [] });
  expect(e.description).not.toBe("");
  expect(e.sources).toHaveLength(2);
  for (const ms of Object.values(e.times)) expect(ms).toBeGreaterThanOrEqual(0);
  expect(Object.keys(e.times)).toEqual(["prepare", "rewrite", "expand", "open", "specialise", "compile", "run"]);
  for (const phase of ["prepare", "rewrite", "specialise", "compile", "run"] as const) expect(e.times[phase], phase).toBeGreaterThan(0);
  expect(e.bytes).toEqual({ inputs: 16, outputs: 4, constants: 0 });
  expect(e.toString()).toMatch(
    /^device: .+\nkernels: 2 in the plan, 2 launches per call\nbytes: inputs 16 B, outputs 4 B, constants 0 B\nrewrites: .+\ntimes \(ms\): prepare .+, rewrite .+, expand .+, open .+, specialise .+, compile .+, run .+\n%0: float32\[/,
  );
  expect(e.toString().endsWith(e.plan)).toBe(true);
});

test("what the device says of itself, and the bytes that it needs", async () => {
  const { backend } = await open("reference");
  const build = backend.compile.bind(backend);
  const spy = vi.spyOn(backend, "compile").mockImplementation(async (plan) => Object.assign(await build(plan), { bytes: () => ({ scratch: 1536, packings: 2_500_000_000 }), report: () => ["2 threads"] }));
  try {
    const x = T.fvector("x");
    const f = compile([x], x.add(T.constant(new Float32Array([1, 2, 3]))), { device: "reference" });
    await f([1, 2, 3]);
    const e = f.explain();
    expect([e.bytes, e.report]).toEqual([{ inputs: 12, outputs: 12, constants: 12, scratch: 1536, packings: 2_500_000_000 }, ["2 threads"]]);
    expect(e.toString()).toContain("\nreference: 2 threads\nbytes: inputs 12 B, outputs 12 B, constants 12 B, scratch 1.54 KB, packings 2.5 GB\n");
  } finally {
    spy.mockRestore();
  }
});

test("auto says which device it is and why", async () => {
  const x = T.fscalar("x");
  const f = compile([x], T.exp(x).sum(), { device: "auto" });
  await f(1);
  expect(f.explain().reason).toMatch(/^auto: /);
  expect(f.explain().device).not.toBe("auto");
});

test("a loop whose count only the call knows is at least so many launches", async () => {
  const [x, n] = [T.dvector("x"), T.iscalar("n")];
  const [steps] = scan({ fn: (s: Variable) => T.tanh(s), outputsInfo: x, nSteps: n });
  const f = compile([x, n], steps.get(-1), { device: "reference" });
  await f([1, 2], 3);
  expect(f.explain().kernels?.exact).toBe(false);
  expect(f.explain().toString()).toMatch(/at least \d+ launches per call/);
});

test("a shape that depends on values is noted", async () => {
  const [x, n] = [T.dvector("x"), T.ivector("n")];
  const f = compile([x, n], T.alloc(x.sum(), n.get(0)), { device: "reference" });
  await f([1, 2], [3]);
  expect(f.explain().notes.join()).toMatch(/depends on the value of/);
  expect(f.explain().toString()).toContain("note: ");
});
