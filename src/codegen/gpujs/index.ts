/**
 * The gpu.js devices: a factory for each mode, and `gpu`, the best that works here. The package's entry registers them.
 * Must not know graphs. Everything else in this folder is reached from here.
 */
import { failure } from "../../util/fail.js";
import type { Availability, Backend, BackendFactory } from "../backend.js";
import { GpuBackend } from "./backend.js";
import type { Device } from "./device.js";
import { CpuDevice } from "./device_cpu.js";
import { GlDevice } from "./device_gl.js";
import { WebasmDevice } from "./device_webasm.js";
import { WebGpuDevice } from "./device_webgpu.js";
import { hasModules, lib, type Mode } from "./library.js";
import { ensureNavigatorGpu } from "./node_webgpu.js";
import { probeResults, probeSpeed } from "./probe.js";

/** Why a mode cannot be had here, or null. */
async function obstacle(mode: Mode): Promise<string | null> {
  switch (mode) {
    case "cpu": return null;
    case "webasm":
      if (!lib.WebAssemblyKernel.isSupported) return "this host has no WebAssembly";
      return hasModules() ? null : "this version of gpu.js does not give access to its WebAssembly modules; version 2.24 does";
    case "headlessgl":
      return lib.GPU.isHeadlessGLSupported ? null : "the package gl is not compiled or there is no display: run `npm run build:gl`, and start the program under `xvfb-run -a`";
    case "webgl": return lib.GPU.isWebGLSupported ? null : "there is no WebGL here (it is for browsers; in Node use gpu:headlessgl)";
    case "webgl2": return lib.GPU.isWebGL2Supported ? null : "there is no WebGL 2 here (it is for browsers; in Node use gpu:headlessgl)";
    case "webgpu": {
      const missing = await ensureNavigatorGpu();
      if (missing !== null) return missing;
      return (await lib.GPU.isWebGPUAvailable()) ? null : "WebGPU has no adapter here (in Node a Vulkan driver is needed)";
    }
  }
}

async function open(mode: Mode, name: string, reason: string | null): Promise<Backend> {
  const backend = <S, P>(device: Device<S, P>): Backend => new GpuBackend(name, device, reason);
  switch (mode) {
    case "cpu": return backend(new CpuDevice());
    case "webasm": return backend(new WebasmDevice());
    case "webgpu": return backend(await WebGpuDevice.create());
    default: return backend(new GlDevice(mode));
  }
}

/** What is wrong with a mode here, or null; `time` also asks how fast it is. */
async function examine(mode: Mode, what: "results" | "time"): Promise<{ trouble: string } | { trouble: null; milliseconds: number }> {
  try {
    const reason = await obstacle(mode);
    if (reason !== null) return { trouble: reason };
    const backend = await open(mode, `gpu:${mode}`, null);
    try {
      const trouble = await probeResults(backend);
      if (trouble !== null) return { trouble };
      return { trouble: null, milliseconds: what === "time" ? await probeSpeed(backend) : 0 };
    } finally {
      await backend.dispose();
    }
  } catch (e) {
    return { trouble: e instanceof Error ? (e.message.split("\n")[0] as string) : String(e) };
  }
}

const unavailable = (name: string, reason: string): Error =>
  failure("unsupported", "gpujs-device", { what: `The device ${name} cannot be had here: ${reason}.`, fix: "use another device ('auto' picks one that works)" });

/** The factory of one mode. */
export function gpujsFactory(mode: Mode): BackendFactory {
  const name = `gpu:${mode}`;
  return {
    name,
    async probe(): Promise<Availability> {
      const { trouble } = await examine(mode, "results");
      return trouble === null ? { available: true } : { available: false, reason: trouble };
    },
    /** Throws `gpujs-device` with the reason. */
    async create(): Promise<Backend> {
      const reason = await obstacle(mode);
      if (reason !== null) throw unavailable(name, reason);
      return open(mode, name, null);
    },
  };
}

const MODES: readonly Mode[] = ["webgpu", "webgl2", "webgl", "headlessgl", "webasm", "cpu"];

/**
 * The mode that does a product fastest among those that compute rightly. Drivers do not say reliably whether they are graphics hardware or
 * a program on the CPU, which is slower than webasm; the clock does. The reason names every mode with its time or its trouble.
 */
async function best(): Promise<{ mode: Mode | null; reason: string }> {
  const seen: string[] = [];
  let fastest: { mode: Mode | null; milliseconds: number } = { mode: null, milliseconds: Number.POSITIVE_INFINITY };
  for (const mode of MODES) {
    const found = await examine(mode, "time");
    seen.push(`${mode} ${found.trouble ?? `${found.milliseconds.toFixed(1)} ms`}`);
    if (found.trouble === null && found.milliseconds < fastest.milliseconds) fastest = { mode, milliseconds: found.milliseconds };
  }
  return { mode: fastest.mode, reason: `fastest at a 64x512x512 product (${seen.join("; ")})` };
}

/** `gpu`: the best mode here, found once. */
function bestFactory(): BackendFactory {
  let found: ReturnType<typeof best> | null = null;
  const look = (): ReturnType<typeof best> => (found ??= best());
  return {
    name: "gpu",
    async probe(): Promise<Availability> {
      const { mode, reason } = await look();
      return mode === null ? { available: false, reason } : { available: true };
    },
    /** A GPU that is only a program is slower than webasm, so the best mode tells. */
    async realGpu(): Promise<Availability> {
      const { mode, reason } = await look();
      return mode === null || mode === "webasm" || mode === "cpu" ? { available: false, reason } : { available: true };
    },
    /** Throws `gpujs-device` when no mode works. */
    async create(): Promise<Backend> {
      const { mode, reason } = await look();
      if (mode === null) throw unavailable("gpu", reason);
      return open(mode, "gpu", reason);
    },
  };
}

export const gpuFactory: BackendFactory = bestFactory();

/** All gpu.js devices. */
export const gpujsFactories: readonly BackendFactory[] = [
  gpuFactory, ...MODES.map(gpujsFactory),
];
