/**
 * What the tests on the real MNIST share: they need the folder (or pickle) that DAMO_DATA names, and say so when it is missing.
 */
import { afterAll, beforeAll, describe } from "vitest";
import { config } from "../../src/index.js";

/** Long enough for one core without WebAssembly. */
export const MINUTES = 60_000;

/** A group of tests in float64 on the reference device that needs the real MNIST. */
export function describeOnMnist(name: string, body: () => void): void {
  const data = process.env.DAMO_DATA;
  if (!data) console.log(`skipped: ${name}: DAMO_DATA does not name a folder with MNIST's files`);
  describe.skipIf(!data)(name, () => {
    const { floatX, device } = config;
    beforeAll(() => {
      config.floatX = "float64";
      config.device = "reference";
    });
    afterAll(() => {
      config.floatX = floatX;
      config.device = device;
    });
    body();
  });
}

/** Whether the tests that take many minutes run too. */
export const SLOW = process.env.DAMO_SLOW === "1";
