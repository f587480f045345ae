/**
 * Gives Node a `navigator.gpu` from the `webgpu` package (Dawn), which gpu.js looks for and never brings. Browsers have their own.
 * Must not know kernels.
 */

interface WebGpuPackage { readonly globals: Readonly<Record<string, unknown>>; create(flags: readonly string[]): unknown }

/** Null when there is a navigator.gpu now, else why not. */
export async function ensureNavigatorGpu(): Promise<string | null> {
  const { navigator } = globalThis as { navigator?: { gpu?: unknown } };
  if (navigator?.gpu) return null;
  try {
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
