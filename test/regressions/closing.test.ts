/** Disposing of a function broke its running calls; closing devices lost values that only they had, and functions ran the old devices' executables. Found by review. */
import { expect, test, vi } from "vitest";
import { device as open } from "../../src/compile/devices.js";
import { closeDevices, compile, type NdArray, shared } from "damo";

const DEVICES = ["reference", "wasm", "gpu:cpu", "gpu:webasm"];
const list = (x: unknown): unknown => (x as NdArray).toArray();

function counter(device: string) {
  const w = shared([0, 10], { dtype: "float32", name: "w" });
  return { w, step: compile([], w, { updates: [[w, w.add([1, 2])]], device }) };
}

test.each(DEVICES)("a function on %s is disposed of after the calls that were made", async (device) => {
  const { w, step } = counter(device);
  await step();
  const running = [step(), step()];
  step.dispose();
  expect((await Promise.all(running)).map(list)).toEqual([[1, 12], [2, 14]]);
  expect(list(await w.getValue())).toEqual([3, 16]);
  expect(list(await step())).toEqual([3, 16]);
});

test("what was asked for is disposed of when the last call ends", async () => {
  const { backend } = await open("reference");
  const compilePlan = backend.compile.bind(backend);
  const disposed = vi.fn();
  backend.compile = async (plan) => {
    const made = await compilePlan(plan);
    const dispose = made.dispose.bind(made);
    return Object.assign(made, { dispose: () => [disposed(), dispose()] });
  };
  try {
    const { step } = counter("reference");
    const running = step();
    step.dispose();
    expect(disposed).not.toHaveBeenCalled();
    await running;
    expect(disposed).toHaveBeenCalledTimes(1);
    await step();
    expect(disposed).toHaveBeenCalledTimes(1);
  } finally {
    backend.compile = compilePlan;
  }
});

test.each(DEVICES)("values that only %s has outlive it, and functions go on with the next", async (device) => {
  const { w, step } = counter(device);
  const before = (await open(device)).backend;
  await step();
  const running = [step(), step()];
  const closing = closeDevices();
  const late = step();
  expect((await Promise.all(running)).map(list)).toEqual([[1, 12], [2, 14]]);
  await closing;
  expect(list(await late)).toEqual([3, 16]);
  const after = (await open(device)).backend;
  expect(after).not.toBe(before);
  const launches = after.counters.launches;
  expect(list(await step())).toEqual([4, 18]);
  expect(after.counters.launches).toBeGreaterThan(launches);
  await closeDevices();
  expect(list(await w.getValue())).toEqual([5, 20]);
});
