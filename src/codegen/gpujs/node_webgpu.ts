/**
 * Gives Node a `navigator.gpu` from the `webgpu` package (Dawn), which gpu.js looks for and never brings. Browsers have their own.
 * Must not know kernels.
 */
import { hasVulkanDriver, type Listing } from "./vulkan.js";

interface WebGpuPackage { readonly globals: Readonly<Record<string, unknown>>; create(flags: readonly string[]): unknown }

/** Null when there is a navigator.gpu now, else why not. */
export async function ensureNavigatorGpu(): Promise<string | null> {
  const { navigator } = globalThis as { navigator?: { gpu?: unknown } };
  if (navigator?.gpu) return null;
  if (typeof process === "undefined") return "no WebGPU";
  try {
    if (process.platform === "linux" && !(await hasVulkanDriver(process.env, await listing()))) return "no Vulkan driver";
    const dawn = (await import("webgpu")) as unknown as WebGpuPackage;
    Object.assign(globalThis, dawn.globals);
    const gpu = dawn.create([]);
    if (navigator === undefined) Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
    else Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
    return null;
  } catch (e) {
    return `the package webgpu cannot be loaded: ${e instanceof Error ? e.message.split("\n")[0] : String(e)}`;
  }
}

/** Browsers bundle this file too, so Node's modules are loaded where they are used. */
async function listing(): Promise<Listing> {
  const { readdir, stat } = await import("node:fs/promises");
  return async (path) => {
    try {
      return (await stat(path)).isDirectory() ? await readdir(path) : [path];
    } catch {
      return [];
    }
  };
}
