/**
 * Whether a mode runs on graphics hardware or on a program that imitates it, by the name that the driver gives. Must not know kernels.
 * Next: index.ts asks before it times anything.
 */
import { lib, type Mode } from "./library.js";

/** `unknown`: the driver does not say; then only the clock does. */
export interface Renderer { readonly kind: "hardware" | "software" | "unknown"; readonly name: string }

export interface AdapterLike {
  readonly isFallbackAdapter?: boolean;
  readonly info?: { readonly isFallbackAdapter?: boolean; readonly vendor?: string; readonly architecture?: string; readonly device?: string; readonly description?: string };
}

/** Mesa's, Google's, Microsoft's and Apple's programs that draw on the CPU. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|swrast|software|basic render|\bwarp\b/i;

/** A WebGPU adapter. One that names nothing is hardware: browsers hide names, and mark what is not. */
export function adapterRenderer({ isFallbackAdapter, info }: AdapterLike): Renderer {
  const words = [info?.description, info?.device, info?.vendor, info?.architecture].filter((w) => w !== undefined && w !== "");
  const name = words[0] ?? "unnamed adapter";
  return { kind: isFallbackAdapter || info?.isFallbackAdapter || SOFTWARE.test(words.join(" ")) ? "software" : "hardware", name };
}

/** What WebGL calls its renderer. `ANGLE` alone is what headless gl says of everything. */
export function glRenderer(name: string | null): Renderer {
  if (name === null || name === "" || name === "ANGLE" || /^webkit webgl$/i.test(name)) return { kind: "unknown", name: "unnamed renderer" };
  return { kind: SOFTWARE.test(name) ? "software" : "hardware", name };
}

/** Linux's nodes of graphics devices: the kernel's, NVIDIA's, and those of Windows' subsystem for Linux. */
const NODES = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"];

/** Whether this system can have a GPU behind GL at all; asked before a context is made, which takes a third of a second where Mesa draws. */
export async function hasGraphicsDevice(): Promise<boolean> {
  if (typeof process === "undefined" || process.platform !== "linux") return true;
  const { existsSync } = await import("node:fs");
  return NODES.some((path) => existsSync(path));
}

/** What a mode that can be had here runs on. */
export async function rendererOf(mode: Mode): Promise<Renderer> {
  if (mode === "webgpu") {
    const { navigator } = globalThis as unknown as { readonly navigator: { readonly gpu: { requestAdapter(): Promise<AdapterLike | null> } } };
    const adapter = await navigator.gpu.requestAdapter();
    return adapter ? adapterRenderer(adapter) : { kind: "software", name: "no adapter" };
  }
  const context = mode === "webgl2" ? lib.WebGL2Kernel.testContext : mode === "webgl" ? lib.WebGLKernel.testContext : lib.HeadlessGLKernel.testContext;
  const debug = context?.getExtension("WEBGL_debug_renderer_info");
  const name = context?.getParameter(debug?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER);
  return glRenderer(typeof name === "string" ? name : null);
}
