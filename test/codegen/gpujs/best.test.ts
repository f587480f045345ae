import { afterEach, describe, expect, it, vi } from "vitest";
import { gpuFactory, gpujsFactories, gpujsFactory } from "../../../src/codegen/gpujs/index.js";
import { ensureNavigatorGpu } from "../../../src/codegen/gpujs/node_webgpu.js";

describe("gpu", () => {
  it("is hardware, or the fastest mode that computes rightly, and says how the others did", async () => {
    const real = await gpuFactory.realGpu?.();
    expect(await gpuFactory.probe()).toEqual({ available: true });
    const backend = await gpuFactory.create();
    expect(backend.name).toBe("gpu");
    if (real?.available) expect(backend.caps.description).toMatch(/^gpu\.js (webgpu|webgl|headlessgl).* on /);
    else {
      expect(backend.caps.description).toMatch(/^gpu\.js (webasm|webgpu|headlessgl|cpu).*: fastest at a 64x512x512 product \(.*webasm: \d+\.\d ms, cpu: \d+\.\d ms\)$/);
      // A few words for each mode that could be a GPU, and nothing about the others.
      expect(real?.reason).toMatch(/^webgpu: [^,]+, webgl2: no browser, webgl: no browser, headlessgl: .+$/);
    }
    await backend.dispose();
  }, 60_000);

  it("comes with a factory for each mode", () => {
    expect(gpujsFactories.map((f) => f.name)).toEqual(["gpu", "gpu:webgpu", "gpu:webgl2", "gpu:webgl", "gpu:headlessgl", "gpu:webasm", "gpu:cpu"]);
  });

  it("names what helps when a mode is asked for by name", async () => {
    expect(await gpujsFactory("webgl").probe()).toEqual({ available: false, reason: "no browser (in Node use gpu:headlessgl)" });
  });
});

describe.runIf(process.platform === "linux")("WebGPU in Node", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("is not asked for without a Vulkan driver, since Dawn would print warnings", async () => {
    vi.stubEnv("VK_DRIVER_FILES", "/nowhere/driver.json");
    vi.stubGlobal("navigator", {});
    expect(await ensureNavigatorGpu()).toBe("no Vulkan driver");
    expect("gpu" in (globalThis as unknown as { navigator: object }).navigator).toBe(false);
    vi.unstubAllGlobals();
  });
});
