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
import { hasGraphicsDevice, type Renderer, rendererOf } from "./hardware.js";
import { hasModules, lib, type Mode } from "./library.js";
import { ensureNavigatorGpu } from "./node_webgpu.js";
import { probeResults, probeSpeed } from "./probe.js";

/** Why a mode cannot be had here, in a few words, and what helps. */
interface Obstacle { readonly brief: string; readonly advice: string }

const because = (brief: string, advice = ""): Obstacle => ({ brief, advice });
const IN_BROWSERS = because("no browser", " (in Node use gpu:headlessgl)");

async function obstacle(mode: Mode): Promise<Obstacle | null> {
  switch (mode) {
    case "cpu": return null;
    case "webasm":
      if (!lib.WebAssemblyKernel.isSupported) return because("no WebAssembly");
      return hasModules() ? null : because("this version of gpu.js does not give access to its WebAssembly modules", "; version 2.24 does");
    case "headlessgl":
      return lib.GPU.isHeadlessGLSupported ? null : because("no display or no compiled package gl", ": run `npm run build:gl`, and start the program under `xvfb-run -a`");
    case "webgl": return lib.GPU.isWebGLSupported ? null : IN_BROWSERS;
    case "webgl2": return lib.GPU.isWebGL2Supported ? null : IN_BROWSERS;
    case "webgpu": {
      const missing = await ensureNavigatorGpu();
      if (missing !== null) return because(missing, " (in Node WebGPU takes the package webgpu, and on Linux a Vulkan driver)");
      return (await lib.GPU.isWebGPUAvailable()) ? null : because("no adapter", " (in Node WebGPU takes a driver for a GPU, on Linux a Vulkan driver)");
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

const firstLine = (e: unknown): string => (e instanceof Error ? (e.message.split("\n")[0] as string) : String(e));

type Finding = { readonly trouble: Obstacle } | { readonly trouble: null; readonly milliseconds: number };

/** What is wrong with a mode here, or null; `time` also asks how fast it is. */
async function examine(mode: Mode, what: "results" | "time"): Promise<Finding> {
  try {
    const reason = await obstacle(mode);
    if (reason !== null) return { trouble: reason };
    const backend = await open(mode, `gpu:${mode}`, null);
    try {
      const trouble = await probeResults(backend);
      if (trouble !== null) return { trouble: because(trouble) };
      return { trouble: null, milliseconds: what === "time" ? await probeSpeed(backend) : 0 };
    } finally {
      await backend.dispose();
    }
  } catch (e) {
    return { trouble: because(firstLine(e)) };
  }
}

const unavailable = (name: string, reason: string): Error =>
  failure("unsupported", "gpujs-device", { what: `The device ${name} cannot be had here: ${reason}.`, fix: "use another device ('auto' picks one that works)" });

/** The factory of one mode. */
export function gpujsFactory(mode: Mode): BackendFactory {
  const name = `gpu:${mode}`;
  let examined: Promise<Finding> | null = null;
  return {
    name,
    /** Runs once; `auto` asks before the device is opened, which asks again. */
    async probe(): Promise<Availability> {
      examined ??= examine(mode, "results");
      const { trouble } = await examined;
      return trouble === null ? { available: true } : { available: false, reason: trouble.brief + trouble.advice };
    },
    /** Throws `gpujs-device` with the reason. */
    async create(): Promise<Backend> {
      const reason = await obstacle(mode);
      if (reason !== null) throw unavailable(name, reason.brief + reason.advice);
      return open(mode, name, null);
    },
  };
}

const GPU_MODES: readonly Mode[] = ["webgpu", "webgl2", "webgl", "headlessgl"];
const MODES: readonly Mode[] = [...GPU_MODES, "webasm", "cpu"];

interface Choice { readonly mode: Mode | null; readonly reason: string }

/**
 * The first GPU mode that runs on hardware and computes rightly. Names decide, and only where a driver gives none the clock: a program that
 * imitates a GPU is slower than webasm. The reason has a few words for each mode.
 */
async function hardware(): Promise<Choice> {
  const seen: string[] = [];
  for (const mode of GPU_MODES) {
    const found = await candidate(mode);
    if (typeof found !== "string") {
      const trouble = await faults(mode, found.kind === "unknown");
      if (trouble === null) return { mode, reason: `${mode} on ${found.name}` };
      seen.push(`${mode}: ${trouble}`);
    } else seen.push(`${mode}: ${found}`);
  }
  return { mode: null, reason: seen.join(", ") };
}

/** What a mode runs on, if that may be hardware; else why not. */
async function candidate(mode: Mode): Promise<Renderer | string> {
  if (mode === "headlessgl" && !(await hasGraphicsDevice())) return "no graphics device";
  try {
    const missing = await obstacle(mode);
    if (missing !== null) return missing.brief;
    const renderer = await rendererOf(mode);
    return renderer.kind === "software" ? `software (${renderer.name})` : renderer;
  } catch (e) {
    return firstLine(e);
  }
}

/** What speaks against a mode that can be had: it computes wrongly, or, if it is to be timed, is no faster than webasm. */
async function faults(mode: Mode, timed: boolean): Promise<string | null> {
  const found = await examine(mode, timed ? "time" : "results");
  if (found.trouble !== null) return found.trouble.brief;
  if (!timed) return null;
  const there = await examine("webasm", "time");
  return there.trouble !== null || found.milliseconds < there.milliseconds ? null : `slower than webasm (${found.milliseconds.toFixed(1)} ms, ${there.milliseconds.toFixed(1)} ms)`;
}

/** The mode that does a product fastest among those that compute rightly. The reason names every mode with its time or its trouble. */
async function fastest(): Promise<Choice> {
  const seen: string[] = [];
  let best: { mode: Mode | null; milliseconds: number } = { mode: null, milliseconds: Number.POSITIVE_INFINITY };
  for (const mode of MODES) {
    const found = await examine(mode, "time");
    seen.push(`${mode}: ${found.trouble === null ? `${found.milliseconds.toFixed(1)} ms` : found.trouble.brief}`);
    if (found.trouble === null && found.milliseconds < best.milliseconds) best = { mode, milliseconds: found.milliseconds };
  }
  return { mode: best.mode, reason: `fastest at a 64x512x512 product (${seen.join(", ")})` };
}

/** `gpu`: hardware if there is any, else the fastest mode here. Each is found once; modes are timed only when `gpu` itself is asked for. */
function bestFactory(): BackendFactory {
  let real: Promise<Choice> | null = null;
  let found: Promise<Choice> | null = null;
  const lookForHardware = (): Promise<Choice> => (real ??= hardware());
  const choose = async (): Promise<Choice> => {
    const first = await lookForHardware();
    return first.mode === null ? fastest() : first;
  };
  const look = (): Promise<Choice> => (found ??= choose());
  return {
    name: "gpu",
    async probe(): Promise<Availability> {
      const { mode, reason } = await look();
      return mode === null ? { available: false, reason } : { available: true };
    },
    async realGpu(): Promise<Availability> {
      const { mode, reason } = await lookForHardware();
      return mode === null ? { available: false, reason } : { available: true };
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
