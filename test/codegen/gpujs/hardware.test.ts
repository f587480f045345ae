/** What counts as a GPU, by names that drivers give, and where Vulkan's drivers are looked for. */
import { describe, expect, it, test } from "vitest";
import { adapterRenderer, glRenderer } from "../../../src/codegen/gpujs/hardware.js";
import { hasVulkanDriver, type Listing } from "../../../src/codegen/gpujs/vulkan.js";

describe("a WebGPU adapter", () => {
  test.each([
    ["hardware", { info: { vendor: "nvidia", architecture: "ampere", description: "NVIDIA GeForce RTX 3080" } }],
    ["hardware", { info: { vendor: "apple", architecture: "metal-3", description: "" } }],
    ["hardware", { info: { vendor: "", description: "" } }],
    ["hardware", {}],
    ["software", { info: { vendor: "google", architecture: "swiftshader", description: "SwiftShader Device (Subzero)" } }],
    ["software", { info: { vendor: "mesa", description: "llvmpipe (LLVM 15.0.7, 256 bits)" } }],
    ["software", { info: { vendor: "microsoft", description: "Microsoft Basic Render Driver" } }],
    ["software", { isFallbackAdapter: true }],
    ["software", { info: { isFallbackAdapter: true, description: "something" } }],
  ] as const)("is %s: %j", (kind, adapter) => {
    expect(adapterRenderer(adapter).kind).toBe(kind);
  });

  it("is called by the first name that it has", () => {
    expect(adapterRenderer({ info: { description: "", device: "", vendor: "intel", architecture: "gen-9" } }).name).toBe("intel");
  });
});

describe("a WebGL renderer", () => {
  test.each([
    ["hardware", "ANGLE (NVIDIA, NVIDIA GeForce GTX 1080 Direct3D11 vs_5_0 ps_5_0, D3D11)"],
    ["hardware", "Apple GPU"],
    ["software", "ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)"],
    ["software", "llvmpipe (LLVM 15.0.7, 256 bits)"],
    ["unknown", "ANGLE"],
    ["unknown", "WebKit WebGL"],
    ["unknown", null],
  ] as const)("is %s: %s", (kind, name) => {
    expect(glRenderer(name).kind).toBe(kind);
  });
});

describe("a Vulkan driver", () => {
  const system = (files: Readonly<Record<string, readonly string[]>>): Listing => async (path) => files[path] ?? [];

  test.each(["/usr/share", "/etc", "/usr/local/share", "/users/me/.local/share", "/users/me/.config", "/etc/xdg"])("is found below %s", async (root) => {
    const listing = system({ [`${root}/vulkan/icd.d`]: ["nvidia_icd.json"] });
    expect(await hasVulkanDriver({ HOME: "/users/me" }, listing)).toBe(true);
  });

  it("is what VK_DRIVER_FILES names, else VK_ICD_FILENAMES, and then nothing else", async () => {
    const listing = system({ "/usr/share/vulkan/icd.d": ["intel.json"], "/a.json": ["/a.json"], "/drivers": ["b.json"] });
    expect(await hasVulkanDriver({ VK_ICD_FILENAMES: "/missing.json:/a.json" }, listing)).toBe(true);
    expect(await hasVulkanDriver({ VK_DRIVER_FILES: "/drivers" }, listing)).toBe(true);
    expect(await hasVulkanDriver({ VK_DRIVER_FILES: "/missing.json", VK_ICD_FILENAMES: "/a.json" }, listing)).toBe(false);
    expect(await hasVulkanDriver({ VK_ADD_DRIVER_FILES: "/a.json" }, system({ "/a.json": ["/a.json"] }))).toBe(true);
  });

  it("is not an empty folder, or one of other files", async () => {
    expect(await hasVulkanDriver({}, system({}))).toBe(false);
    expect(await hasVulkanDriver({}, system({ "/usr/share/vulkan/icd.d": ["README"] }))).toBe(false);
  });
});
