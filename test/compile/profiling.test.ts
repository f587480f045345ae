/** Theano's page "Profiling Theano function" (doc/tutorial/profiling.txt, profiling_example.py), on every device that is here. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { closeDevices, compile, config, grad, NanGuardMode, type NdArray, numpy as np, ProfileStats, scan, shared, T, type Variable } from "damo";

afterEach(async () => {
  config.profile = false;
  vi.restoreAllMocks();
  await closeDevices();
});

const rng = new np.random.RandomState(2);
const random = (...size: number[]): NdArray => rng.uniform({ size }).astype(config.floatX);

/** Rows of a section, as the table prints them. */
function section(summary: string, title: string): string[] {
  const lines = summary.split("\n");
  const at = lines.indexOf(title);
  return lines.slice(at + 3, lines.indexOf("", at));
}

describe("profiling_example.py", () => {
  const [x, y, z] = T.vectors("x y z");
  const call = (f: (...args: NdArray[]) => Promise<unknown>): Promise<unknown> => f(random(10), random(10), random(10));

  test("on device reference: classes, ops, applies and lines, with calls", async () => {
    const f = compile([x, y, z], [x.add(y).add(z).mul(2)], { profile: true, device: "reference", name: "example" });
    await call(f);
    const text = f.profile?.summary() ?? "";
    expect(text).toMatch(/^Function profiling\n={18}\n {2}Message: example\n {2}Time in 1 calls: \d\.\d+e[+-]\d+s\n/);
    expect(section(text, "Class").map((l) => l.trim().split(/\s+/).slice(4))).toEqual([["3", "3", "elementwise"]]);
    expect(section(text, "Ops").map((l) => l.trim().split(/\s+/).slice(4)).sort()).toEqual([["1", "1", "mul"], ["2", "2", "add"]]);
    expect(section(text, "Apply")).toHaveLength(3);
    expect(section(text, "Apply").join("\n")).toMatch(/ add\(x, y\) at .*profiling\.test\.ts:\d+:\d+/);
    expect(section(text, "Lines").every((l) => l.includes("profiling.test.ts:"))).toBe(true);
    expect(f.profile?.rows().map((r) => [r.calls, r.bytes])).toEqual([[1, 40], [1, 40], [1, 40]]);
    expect(f.explain().reason).toBe("a profile on device reference runs the graph apply by apply");
  });

  test.each(["wasm", "gpu:cpu"])("on %s: fused, there is one kernel", async (device) => {
    const make = (profile: boolean) => compile([x, y, z], x.add(y).add(z).mul(2), { profile, device });
    const [f, plain] = [make(true), make(false)];
    const args = [random(10), random(10), random(10)];
    expect(await f(...args)).toEqual(await plain(...args));
    await f(...args);
    const rows = f.profile?.rows() ?? [];
    expect(rows).toMatchObject([{ class: "elementwise", op: "mul", calls: 2, bytes: 40, line: expect.stringContaining("profiling.test.ts:") }]);
    expect(rows[0]?.ms).toBeGreaterThan(0);
    expect(f.profile?.summary()).toContain(`Measured: ${device}: `);
    expect(f.profile?.summary()).toMatch(/on the device in the last call of function: inputs 120 B, outputs 40 B[\s\S]*results stored in one call: 40 B/);
    expect(plain.profile).toBeNull();
  });

  test("rows beyond those asked for are summed", async () => {
    const f = compile([x, y, z], [x.add(y).add(z).mul(2)], { profile: true, device: "reference" });
    await call(f);
    const text = f.profile?.summary({ nApplyToPrint: 1, nOpsToPrint: 1 }) ?? "";
    expect(section(text, "Apply")).toEqual([expect.stringContaining(" at "), expect.stringMatching(/remaining 2 account for \d/)]);
  });
});

describe("a network's training step", () => {
  const build = (device: string, profile: boolean | ProfileStats, threads?: number) => {
    const local = new np.random.RandomState(7);
    const w = shared(local.uniform({ low: -1, high: 1, size: [20, 10] }).astype("float32"), { name: "w" });
    const x = T.fmatrix("x");
    const labels = T.ivector("labels");
    const cost = T.nnet.categoricalCrossentropy(T.nnet.softmax(x.dot(w)), labels).mean();
    const f = compile<number>([x, labels], cost, { updates: [[w, w.sub(grad(cost, w).mul(0.5))]], device, profile, ...(threads === undefined ? {} : { threads }) });
    return { f, w };
  };
  const data = [random(30, 20).astype("float32"), Array.from({ length: 30 }, (_, i) => i % 10)] as const;

  test.each([["wasm", 1], ["wasm", 2], ["gpu:cpu", undefined]] as const)("measured on %s (%s threads), it computes the same bits", async (device, threads) => {
    const [measured, plain] = [build(device, true, threads), build(device, false, threads)];
    for (let n = 0; n < 3; n++) expect(await measured.f(...data)).toBe(await plain.f(...data));
    expect((await measured.w.getValue()).data).toEqual((await plain.w.getValue()).data);
    const profile = measured.f.profile as ProfileStats;
    expect(profile.calls).toBe(3);
    expect(profile.ms).toBeLessThanOrEqual(profile.callMs);
    expect(profile.rows().filter((r) => r.op === "dot").length).toBeGreaterThanOrEqual(2);
    expect(profile.rows().every((r) => r.calls % 3 === 0)).toBe(true);
    expect(profile.summary()).toMatch(/<#apply>[^\n]*\n[^\n]* reduction\n/);
  });

  test("one profile for several functions, and none that slows a function down where it is off", async () => {
    const profile = new ProfileStats();
    for (const device of ["wasm", "reference"]) await build(device, profile).f(...data);
    expect(profile.calls).toBe(2);
    const text = profile.summary();
    expect(text).toContain("Measured: wasm: ");
    expect(text).toContain("the clock around each apply");
    const clock = vi.spyOn(performance, "now");
    const { f } = build("wasm", false);
    await f(...data);
    expect(f.explain().sources.join("\n")).not.toContain("$lap");
    const timed = build("wasm", true).f;
    await timed(...data);
    expect(timed.explain().sources.join("\n")).toContain("$lap");
    expect(clock).toHaveBeenCalled();
  });
});

test("loops: kernels of the body count their steps on devices, applies of the body on the interpreter, without the scan's own time twice", async () => {
  const x = T.fvector("x");
  const [out] = scan({ fn: (s) => T.tanh((s as Variable).mul(1.5)), outputsInfo: x, nSteps: 7 });
  for (const device of ["wasm", "gpu:cpu", "reference"]) {
    const f = compile([x], out.get(-1), { profile: true, device });
    await f(random(1000));
    const rows = f.profile?.rows() ?? [];
    expect(rows.some((r) => r.op === "tanh" && r.calls === 7)).toBe(true);
    expect(f.profile?.ms).toBeLessThanOrEqual(f.profile?.callMs as number);
    if (device === "reference") expect(rows.find((r) => r.op === "scan")).toMatchObject({ class: "loop", calls: 1 });
  }
});

test("with NanGuardMode the profile is of the applies", async () => {
  const x = T.dvector("x");
  const f = compile([x], T.exp(x).sum(), { profile: true, mode: new NanGuardMode() });
  await f([1, 2]);
  expect(f.profile?.rows().map((r) => r.op).sort()).toEqual(["exp", "sum"]);
});

test("config.profile: every function has one, and those that were called are printed when the process ends", async () => {
  const printed: string[] = [];
  vi.spyOn(console, "error").mockImplementation((text: string) => void printed.push(text));
  const listeners: (() => void)[] = [];
  vi.spyOn(process, "once").mockImplementation(((event: string, run: () => void) => {
    if (event === "exit") listeners.push(run);
    return process;
  }) as typeof process.once);
  config.profile = true;
  const x = T.dscalar("x");
  const f = compile([x], x.mul(2), { name: "called", device: "reference" });
  compile([x], x.mul(3), { name: "not called", device: "reference" });
  await f(1);
  expect(listeners).toHaveLength(1);
  listeners[0]?.();
  expect(printed).toHaveLength(1);
  expect(printed[0]).toMatch(/^Function profiling[\s\S]*Message: called\n/);
});
