/**
 * The seam between compile and devices: a backend receives a whole Plan and returns an executable. `compile` knows this file and never a
 * concrete backend; a backend knows `util` and `codegen/ir` and never a graph.
 */
import { fail } from "../util/fail.js";
import type { DType, TypedArray } from "./ir/dtype.js";
import type { BufferType } from "./ir/kernel.js";
import type { Plan, TimedStep } from "./ir/plan.js";

/** What a device can do; `schedule` shapes kernels by it. */
export interface Caps {
  readonly dtypes: readonly DType[];
  /** Buffer parameters that one kernel may have. */
  readonly maxParams: number;
  /** Results that one kernel may store. */
  readonly maxResults: number;
  /** Accumulator dtype for sums of float32. */
  readonly accumulator: "float32" | "float64";
  /** Names of routines that it has code of its own for: an op that kernels could compute is done by such a one where it offers it (`native` of its lowering). */
  readonly routines?: ReadonlySet<string>;
  /** What runs, for explain(): `gpu.js headlessgl (llvmpipe)`. */
  readonly description: string;
}

/** A buffer on a device. Handles are owned by whoever holds them and given back with `free`. */
export interface Handle extends BufferType {
  /** Bytes held on the device. */
  readonly bytes: number;
}

/** Counters since the backend was made; tests assert that shared values stay on the device. */
export interface Counters { uploads: number; uploadedBytes: number; readbacks: number; readbackBytes: number; launches: number; routines: number }

export interface Executable {
  /**
   * Runs the plan. `inputs` match plan.inputs and stay the caller's; the handles returned match plan.outputs and are the caller's to free
   * (an output that is an input or constant, or that repeats, comes back as a handle of its own). On error nothing is leaked or changed.
   * `renews`: which of plan.outputs may be written over the input that plan.renews names, since nobody wants the old value: that input's
   * buffer is then of no use to the caller but to be freed.
   */
  run(inputs: readonly Handle[], scalars: readonly number[], renews?: readonly boolean[]): Promise<Handle[]>;
  /** Generated source per distinct kernel, for explain() and DAMO_DEBUG. */
  sources(): readonly string[];
  /** Bytes that it needs besides the plan's inputs, outputs and constants, by what they are for: `scratch`, `packings`. */
  bytes?(): Readonly<Record<string, number>>;
  /** What else explain() should say, a line each: threads, SIMD, why something is slower than it could be. */
  report?(): readonly string[];
  dispose(): void;
}

/** Told how many milliseconds a step took, each time that it ran. One object stands for one step, or one part of it (an operand packed for it). */
export type StepTimer = (step: TimedStep, ms: number) => void;

export interface Backend {
  /** `reference`, `gpu:webasm`, … */
  readonly name: string;
  readonly caps: Caps;
  readonly counters: Counters;
  /** Copies row-major host data to the device. */
  upload(data: TypedArray, type: BufferType): Promise<Handle>;
  /** The same without a wait: where the device's memory is the host's. Callers need no copy of data that its owner may change. */
  uploadNow?(data: TypedArray, type: BufferType): Handle;
  /** Copies a buffer back, as a new host array of its dtype. */
  download(handle: Handle): Promise<TypedArray>;
  /** The same without a wait: where the device's memory is the host's. `into`: an array to fill; with it nothing can fail. */
  downloadNow?(handle: Handle, into?: TypedArray): TypedArray;
  free(handle: Handle): void;
  /** With a timer, steps run one after the other and each is timed, as far as the device can: `timing` says how. */
  compile(plan: Plan, timer?: StepTimer): Promise<Executable>;
  /** What the timer's milliseconds are, for profiles. */
  readonly timing: string;
  dispose(): Promise<void>;
}

/** What may be asked of a device. Each makes of it what it can, and says in its description what came of it. */
export interface DeviceOptions {
  /** Threads that work on a call, the caller's included; without it as many as the device finds useful. Results do not depend on it. */
  readonly threads?: number;
  /** Whether products are added without rounding them first. `true`: if the machine can at all; without it: if the engine does so as it is; `false`: no, and results are the same bits everywhere. */
  readonly fma?: boolean;
}

/** Whether a device can be had here. */
export type Availability = { readonly available: true } | { readonly available: false; readonly reason: string };

export interface BackendFactory {
  readonly name: string;
  /** Probes by running something small; never throws. */
  probe(): Promise<Availability>;
  /** For GPU devices: whether what would run is real hardware, which `auto` asks for. Absent on CPU devices. */
  realGpu?(): Promise<Availability>;
  /** The options that make a difference to it; none without the list. */
  readonly takes?: readonly (keyof DeviceOptions)[];
  create(options?: DeviceOptions): Promise<Backend>;
}

const registry = new Map<string, BackendFactory>();

/** Registers a device under its name; a second registration of the name is an error. */
export function registerBackend(factory: BackendFactory): void {
  if (registry.has(factory.name)) fail("value", "backend-twice", { what: `A backend named '${factory.name}' is registered already.`, fix: "register each device once" });
  registry.set(factory.name, factory);
}

export const backendNames = (): string[] => [...registry.keys()];

/** The factory of a device; throws `device-name` for an unknown one. */
export function backendFactory(name: string): BackendFactory {
  const found = registry.get(name);
  if (!found) fail("value", "device-name", { what: `There is no device named '${name}'.`, fix: `use one of ${backendNames().join(", ")}` });
  return found;
}
