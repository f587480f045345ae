/**
 * Shared values while calls are under way. Found by review: a read-back that ended after an update brought the old value back; buffers were freed under
 * running calls; a value set during a call was overwritten; two devices updated one value at once.
 */
import { expect, test } from "vitest";
import { device as open } from "../../src/compile/devices.js";
import { compile, NdArray, shared } from "damo";

const list = (x: unknown): unknown => (x as NdArray).toArray();
/** Its value is on the device only. */
async function counter(device: string) {
  const w = shared([0, 10], { dtype: "float32", name: "w" });
  const step = compile([], w, { updates: [[w, w.add(1)]], device });
  await step();
  return { w, step };
}

test.each(["reference", "wasm", "gpu:webasm"])("read-backs beside calls on %s leave the newest value", async (device) => {
  const { w, step } = await counter(device);
  const { backend } = await open(device);
  const download = backend.download.bind(backend);
  const read: Promise<NdArray>[] = [];
  backend.download = async (handle) => {
    await new Promise((done) => setTimeout(done, 5));
    return download(handle);
  };
  try {
    read.push(w.getValue());
    await step();
    expect([[1, 11], [2, 12]]).toContainEqual(list(await (read[0] as Promise<NdArray>)));
    expect(list(await w.getValue())).toEqual([2, 12]);
  } finally {
    backend.download = download;
  }
});

test.each(["reference", "wasm", "gpu:webasm"])("a value set while a call runs on %s stays, and the call is not disturbed", async (device) => {
  const { w, step } = await counter(device);
  const { backend } = await open(device);
  const a = compile([], w.mul(2), { device });
  await a();
  for (let ticks = 0; ticks < 6; ticks++) {
    const running = step();
    for (let i = 0; i < ticks; i++) await Promise.resolve();
    w.setValue([5, 6]);
    await running;
    expect(list(await w.getValue())).toEqual([5, 6]);
    await step();
  }
  expect(list(await a())).toEqual([12, 14]);
  expect(backend.name).toBe(device);
});

test("two devices that update one value take turns", async () => {
  const w = shared([0, 10], { dtype: "float32" });
  const [f, g] = ["reference", "gpu:webasm"].map((device) => compile([], w, { updates: [[w, w.add(1)]], device }));
  await Promise.all([f?.(), g?.(), f?.(), g?.(), g?.(), f?.()]);
  expect(list(await w.getValue())).toEqual([6, 16]);
});
