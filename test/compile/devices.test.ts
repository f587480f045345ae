/** Which device a name means, and what is said where none can be had. This file registers its own devices: nothing of the front door is imported. */
import { afterAll, expect, test } from "vitest";
import { registerBackend } from "../../src/codegen/backend.js";
import { referenceFactory } from "../../src/codegen/reference/backend.js";
import { closeDevices, device } from "../../src/compile/devices.js";

const absent = { probe: async () => ({ available: false, reason: "it is on the Moon" }) as const, create: referenceFactory.create };

afterAll(closeDevices);

test("no-device: auto without any device says what was tried; a device registered later is found", async () => {
  registerBackend({ ...absent, name: "wasm" });
  await expect(device("auto")).rejects.toMatchObject({ code: "no-device", message: expect.stringContaining("wasm: it is on the Moon") });
  registerBackend(referenceFactory);
  const found = await device("auto");
  expect([found.backend.name, found.reason]).toEqual(["reference", "auto: no GPU (wasm: it is on the Moon), so reference"]);
});

test("device-unavailable: a device asked for by name is never replaced by another", async () => {
  await expect(device("wasm")).rejects.toMatchObject({ code: "device-unavailable", message: expect.stringContaining("The device 'wasm' cannot be had here: it is on the Moon.") });
});

test("auto takes a real GPU, and closing lets go of every device", async () => {
  await closeDevices();
  registerBackend({ name: "gpu", probe: async () => ({ available: true }), realGpu: async () => ({ available: true }), create: referenceFactory.create });
  const first = await device("auto");
  expect(first.reason).toBe("auto: gpu has a GPU");
  await closeDevices();
  expect((await device("auto")).backend).not.toBe(first.backend);
});
