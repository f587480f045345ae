import { describe, expect, it } from "vitest";
import { gpuFactory, gpujsFactories } from "../../../src/codegen/gpujs/index.js";

describe("gpu", () => {
  it("is the fastest mode that computes rightly, and says how the others did", async () => {
    expect(await gpuFactory.probe()).toEqual({ available: true });
    const backend = await gpuFactory.create();
    expect(backend.name).toBe("gpu");
    expect(backend.caps.description).toMatch(/^gpu\.js (webasm|webgpu|headlessgl|cpu).*: fastest at a 64x512x512 product \(.*webasm \d+\.\d ms; cpu \d+\.\d ms\)$/);
    const real = await gpuFactory.realGpu?.();
    expect(real?.available).toBe(/^gpu\.js (webgpu|headlessgl)/.test(backend.caps.description));
    await backend.dispose();
  }, 60_000);

  it("comes with a factory for each mode", () => {
    expect(gpujsFactories.map((f) => f.name)).toEqual(["gpu", "gpu:webgpu", "gpu:webgl2", "gpu:webgl", "gpu:headlessgl", "gpu:webasm", "gpu:cpu"]);
  });
});
