/** What a call does on its way to the device: it starts at once where nothing runs, in order where something does, and finds the plan of the call before. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { device as open } from "../../src/compile/devices.js";
import { compile, type NdArray, numpy as np, shared, slice, T } from "../../src/index.js";

const list = (x: unknown): unknown => (x as NdArray).toArray();
afterEach(() => vi.restoreAllMocks());

describe.each(["reference", "wasm"])("a call on %s of a function that has run, while nothing runs", (device) => {
  test("has read its arguments when it returns, and copies none that the device holds itself", async () => {
    const { backend } = await open(device);
    const x = T.fvector("x");
    const f = compile([x], x.mul(2), { device });
    const given = np.asarray([1, 2, 3], { dtype: "float32" });
    await f(given);
    const [copy, upload] = [vi.spyOn(given, "copy"), vi.spyOn(backend, "uploadNow")];
    const before = backend.counters.launches;
    const running = f(given);
    expect(backend.counters.launches).toBe(before + 1);
    given.data.fill(100);
    expect(list(await running)).toEqual([2, 4, 6]);
    expect([copy.mock.calls.length, upload.mock.calls.length, upload.mock.calls[0]?.[0] === given.data]).toEqual([0, 1, true]);
  });

  test("reads shared values as they are when it returns", async () => {
    const w = shared([1, 2], { dtype: "float32" });
    const f = compile([], w.mul(10), { device });
    await f();
    const running = f();
    w.setValue([5, 5]);
    expect(list(await running)).toEqual([10, 20]);
    expect(list(await f())).toEqual([50, 50]);
  });
});

test("arguments are taken as they are by a device that has them later", async () => {
  const x = T.fvector("x");
  const f = compile([x], x.mul(2), { device: "gpu:webasm" });
  const given = Float32Array.of(1, 2, 3);
  await f(given);
  const running = f(given);
  given.fill(100);
  expect(list(await running)).toEqual([2, 4, 6]);
});

test("a call made while another runs has its own copy, and comes after it", async () => {
  const s = shared(0, { dtype: "float32" });
  const x = T.fvector("x");
  const f = compile([x], x.add(s), { updates: [[s, s.add(1)]], device: "reference" });
  const given = Float32Array.of(1);
  await f(given);
  const running = [f(given), f(given)];
  given.fill(7);
  running.push(f(given));
  expect((await Promise.all(running)).map(list)).toEqual([[2], [3], [10]]);
});

test("a call that fails before it waits gives the next its turn", async () => {
  const [x, y] = [T.fvector("x"), T.fvector("y")];
  const f = compile([x, y], x.add(y), { device: "reference" });
  await f([1], [1]);
  const bad = f([1, 2], [1, 2, 3]);
  const good = f([1], [2]);
  await expect(bad).rejects.toMatchObject({ code: "dimension-mismatch" });
  expect(list(await good)).toEqual([3]);
  expect(list(await f([2], [2]))).toEqual([4]);
});

test("plans are told apart by shapes, by guards, and by bound numbers, whatever was called before", async () => {
  const { backend } = await open("reference");
  const made = vi.spyOn(backend, "compile");
  const [x, i, n] = [T.fvector("x"), T.iscalar("i"), T.iscalar("n")];
  const rows = compile([x, i], x.get(slice(i.mul(2), i.add(1).mul(2))).sum(), { device: "reference" });
  const [four, six] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 2, 3, 4, 5, 6)];
  const call = async (): Promise<unknown[]> => [await rows(four, 0), await rows(four, 1), await rows(six, 2), await rows(four, 2), await rows(six, 1), await rows(six, 3), await rows(four, -1)];
  expect(await call()).toEqual([3, 7, 11, 0, 7, 0, 0]);
  const plans = made.mock.calls.length;
  expect(await call()).toEqual([3, 7, 11, 0, 7, 0, 0]);
  expect(made).toHaveBeenCalledTimes(plans);
  const lengths = compile([x, n], x.get(slice(0, n)).sum(), { device: "reference" });
  for (const [length, sum] of [[1, 1], [3, 6], [1, 1], [2, 3]] as const) expect(await lengths(four, length)).toBe(sum);
});

test("a whole number that a device computed is read back before it decides a position", async () => {
  const v = shared([3, 1, 2], { dtype: "int32" });
  const at = shared(0, { name: "at" });
  const step = compile([], undefined, { updates: [[at, T.cast(v.get(at).sub(1), "int32")]], device: "reference" });
  const read = compile([], v.get(at), { device: "reference" });
  expect(await read()).toBe(3);
  await step();
  expect(await read()).toBe(2);
  await step();
  expect(await read()).toBe(1);
});

test("numbers become what arrays of one number would", async () => {
  for (const [make, given, want] of [[T.fscalar, 0.1, Math.fround(0.1)], [T.dscalar, 0.1, 0.1], [T.iscalar, -0, 0], [T.bscalar, 3, 3], [T.fscalar, 16777217, 16777216], [T.dscalar, Number.NaN, Number.NaN]] as const) {
    const x = make("x");
    expect(await compile([x], x, { device: "reference" })(given)).toBe(want);
  }
  const i = T.iscalar("i");
  await expect(compile([i], i, { device: "reference" })(0.5)).rejects.toMatchObject({ code: "call-dtype" });
  await expect(compile([i], i, { device: "reference" })(3e9)).rejects.toMatchObject({ code: "call-dtype" });
  const m = T.fmatrix("m");
  await expect(compile([m], m, { device: "reference" })(1)).rejects.toMatchObject({ code: "call-ndim" });
});
