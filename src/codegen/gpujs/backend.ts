/**
 * The gpu.js backend: handles, compiled kernels and counters over one device. int32 buffers that need more than 24 bits are held as two
 * storages of 16 bits (ir/wide.ts). Must not know graphs. Next: index.ts makes the factories.
 */
import { fail } from "../../util/fail.js";
import type { Backend, Caps, Counters, Executable, Handle, StepTimer } from "../backend.js";
import { type DType, formatType, sizeOf, type TypedArray } from "../ir/dtype.js";
import type { BufferType } from "../ir/kernel.js";
import { allSteps, type Launch, type Plan } from "../ir/plan.js";
import { joinWide, splitWide, widenPlan, type WidePlan } from "../ir/wide.js";
import { conversions } from "./conversions.js";
import type { Device } from "./device.js";
import { type Compiled, Walker } from "./executable.js";
import { peelPlan } from "./peel.js";
import { renderKernel } from "./render.js";
import { Residency, retain, type Shared } from "./residency.js";
import { stagePlan } from "./stages.js";

/** float32 holds every integer up to here. */
const EXACT = 16777216;

const show = (t: BufferType): string => formatType(t.dtype, t.shape);

class GpuHandle<S> implements Handle {
  readonly dtype: DType;
  readonly shape: readonly number[];

  /** One buffer, or hi and lo of wide integers, or of each of their columns; null once freed. */
  constructor(type: BufferType, public parts: readonly Shared<S>[] | null, readonly owner: object) {
    this.dtype = type.dtype;
    this.shape = type.shape;
  }

  get bytes(): number {
    return this.parts === null ? 0 : sizeOf(this.shape) * (this.parts.length > 1 ? 8 : 4);
  }
}

export class GpuBackend<S, P> implements Backend {
  readonly caps: Caps;
  readonly counters: Counters = { uploads: 0, uploadedBytes: 0, readbacks: 0, readbackBytes: 0, launches: 0, routines: 0 };
  readonly residency: Residency<S>;
  readonly timing = "the host's time for each launch, after which a GPU may still be at work on it";
  private readonly programs = new Map<string, Compiled<P>>();

  constructor(readonly name: string, readonly device: Device<S, P>, reason: string | null = null) {
    this.residency = new Residency(device, this.counters);
    this.caps = {
      dtypes: ["bool", "int32", "float32"], maxParams: device.maxParams - device.target.reserve, maxResults: 1, accumulator: device.target.float64 ? "float64" : "float32",
      description: reason === null ? device.description : `${device.description}: ${reason}`,
    };
  }

  /** Throws `gpujs-float64` and `gpujs-upload-size`. */
  async upload(data: TypedArray, type: BufferType): Promise<Handle> {
    if (type.dtype === "float64") {
      fail("unsupported", "gpujs-float64", { what: `${this.name} has no float64; this buffer is ${show(type)}.`, fix: "use floatX = 'float32', or the device 'reference' or 'wasm'" });
    }
    if (data.length !== sizeOf(type.shape)) {
      fail("value", "gpujs-upload-size", { what: `A buffer ${show(type)} needs ${sizeOf(type.shape)} elements, got ${data.length}.`, fix: "pass as many elements as the shape says" });
    }
    const wide = type.dtype === "int32" && data.some((v) => Math.abs(v) > EXACT);
    if (!wide) return new GpuHandle(type, [this.residency.fromCaller(data, type.dtype)], this);
    return new GpuHandle(type, splitWide(data).map((part) => this.residency.fromCaller(part, type.dtype)), this);
  }

  /** Throws `gpujs-handle-freed` and `gpujs-handle-foreign`. */
  async download(handle: Handle): Promise<TypedArray> {
    const parts = this.open(handle);
    const n = sizeOf(handle.shape);
    if (parts.length === 1) return this.residency.copy(parts[0] as Shared<S>, handle.dtype, n);
    const data: TypedArray[] = [];
    for (const p of parts) data.push(await this.residency.copy(p, handle.dtype, (2 * n) / parts.length));
    return joinWide(data);
  }

  free(handle: Handle): void {
    const parts = this.open(handle);
    (handle as GpuHandle<S>).parts = null;
    for (const p of parts) this.residency.release(p);
  }

  /** The buffers behind a handle of this backend. */
  open(handle: Handle): readonly Shared<S>[] {
    if (!(handle instanceof GpuHandle) || handle.owner !== this) {
      fail("type", "gpujs-handle-foreign", { what: `The buffer ${show(handle)} does not belong to ${this.name}.`, fix: "download it where it belongs and upload it here" });
    }
    return (handle as GpuHandle<S>).parts ?? fail("value", "gpujs-handle-freed", { what: `The buffer ${show(handle)} was freed before.`, fix: "free a handle once, after its last use" });
  }

  adopt(parts: readonly Shared<S>[], type: BufferType): Handle {
    return new GpuHandle(type, parts, this);
  }

  compiled(launch: Launch, result: number): Compiled<P> {
    const key = `${launch.kernel.text}\n#${result}`;
    const found = this.programs.get(key);
    if (found) return found;
    const rendered = renderKernel(launch.kernel, result, this.device.target);
    const { maxParams } = this.device;
    if (rendered.buffers.length > maxParams) {
      fail("unsupported", "gpujs-params", {
        what: `A kernel reads ${rendered.buffers.length} buffers; ${this.name} can bind ${maxParams}.`, saw: [launch.kernel.text],
        fix: "use fewer different random streams and arrays in one expression, or the device 'gpu:webasm'",
      });
    }
    const made = { program: this.device.program(rendered), rendered };
    this.programs.set(key, made);
    return made;
  }

  /** Throws `gpujs-float64-plan` and `gpujs-params`. Kernels are compiled here, not at the first call. */
  async compile(plan: Plan, timer?: StepTimer): Promise<Executable> {
    const double = plan.slots.find((s) => s.dtype === "float64");
    if (double) {
      fail("unsupported", "gpujs-float64-plan", { what: `${this.name} has no float64, and '${double.label}' is ${show(double)}.`, fix: "use floatX = 'float32', or the device 'reference' or 'wasm'" });
    }
    const wide = this.prepared(plan);
    const sources = new Set<string>();
    for (const s of allSteps(wide.plan.steps)) {
      if (s.kind === "launch" && sizeOf(s.kernel.domain) > 0) s.writes.forEach((_, n) => sources.add(this.compiled(s, n).rendered.source));
    }
    return new GpuExecutable(plan, wide, this, [...sources], timer ?? null);
  }

  /** The plan that runs here. States by columns need more buffers in a kernel; where a kernel then has too many, they stay whole. */
  private prepared(plan: Plan): WidePlan {
    const { target, maxParams } = this.device;
    const shape = (columns: boolean): WidePlan => {
      const split = widenPlan(plan, { columns });
      const cut = target.stages ? stagePlan(split.plan) : split.plan;
      return { ...split, plan: Number.isFinite(target.peelFrom) ? peelPlan(cut, target.peelFrom) : cut };
    };
    const best = shape(target.columns);
    const fits = [...allSteps(best.plan.steps)].every((s) => s.kind !== "launch" || s.kernel.params.length <= maxParams);
    return fits || !target.columns ? best : shape(false);
  }

  /** The buffers of an input in the form that a plan wants (WidePlan.inputs), held once for the caller, who releases them. */
  async convert(handle: Handle, pairs: number): Promise<readonly Shared<S>[]> {
    const parts = this.open(handle);
    const from = parts.length === 1 ? 0 : parts.length / 2;
    if (from === pairs) return parts.map(retain);
    if (pairs > 0 && parts.every((p) => p.storage === null)) return this.convertOnHost(handle as GpuHandle<S>, parts, pairs).map(retain);
    const made: Shared<S>[] = [];
    for (const { kernel, buffers } of conversions(from, pairs, sizeOf(handle.shape))) {
      const { program, rendered } = this.compiled({ kind: "launch", kernel, reads: [], scalars: [], writes: [] }, 0);
      const reads = rendered.buffers.map((b) => this.residency.storage(parts[buffers[b] as number] as Shared<S>));
      const cells = sizeOf(kernel.domain);
      this.counters.launches++;
      made.push(this.residency.onDevice(cells === 0 ? this.device.stack(0) : await this.device.launch(program, reads, [], cells)));
    }
    return made;
  }

  /** A handle that is only on the host changes its form for good; two limbs hold every integer, so nothing is lost. */
  private convertOnHost(handle: GpuHandle<S>, parts: readonly Shared<S>[], pairs: number): readonly Shared<S>[] {
    const data = parts.map((p) => p.host as TypedArray);
    const whole = data.length === 1 ? (data[0] as TypedArray) : joinWide(data);
    const made = splitWide(whole, pairs).map((part) => this.residency.onHost(part));
    handle.parts = made;
    for (const p of parts) this.residency.release(p);
    return made;
  }

  async dispose(): Promise<void> {
    this.programs.clear();
    await this.device.dispose();
  }
}

class GpuExecutable<S, P> implements Executable {
  private readonly walker: Walker<S, P>;
  private readonly constants: ReadonlyMap<number, Shared<S>>;
  private disposed = false;

  constructor(private readonly plan: Plan, private readonly wide: WidePlan, private readonly backend: GpuBackend<S, P>, private readonly texts: readonly string[], timer: StepTimer | null) {
    this.walker = new Walker(wide.plan, {
      timer,
      device: backend.device, counters: backend.counters, compiled: (l, n) => backend.compiled(l, n),
      residency: backend.residency,
    });
    this.constants = new Map(wide.plan.constants.map((c) => [c.slot, backend.residency.onHost(c.data)]));
  }

  /** Throws `gpujs-disposed`, `gpujs-plan-arity`, `gpujs-plan-input`, `gpujs-loop-count`, `gpujs-bounds`, and what routines throw. */
  async run(inputs: readonly Handle[], scalars: readonly number[]): Promise<Handle[]> {
    const { plan, wide, backend } = this;
    if (this.disposed) fail("value", "gpujs-disposed", { what: "This executable was disposed.", fix: "compile the plan again" });
    if (inputs.length !== plan.inputs.length || scalars.length !== plan.scalarInputs) {
      fail("value", "gpujs-plan-arity", {
        what: `The plan takes ${plan.inputs.length} buffers and ${plan.scalarInputs} scalars, got ${inputs.length} and ${scalars.length}.`, fix: "pass one of each that the plan lists",
      });
    }
    const given = new Map(this.constants);
    const held: Shared<S>[] = [];
    try {
      for (const [n, handle] of inputs.entries()) held.push(...(await backend.convert(this.checked(handle, n), wide.inputs[n] as number)));
      for (const [at, p] of held.entries()) given.set(wide.plan.inputs[at] as number, p);
      return this.handles(await this.walker.run(given, scalars));
    } finally {
      for (const p of held) backend.residency.release(p);
    }
  }

  private checked(handle: Handle, n: number): Handle {
    const want = this.plan.slots[this.plan.inputs[n] as number] as BufferType;
    if (show(handle) !== show(want)) {
      fail("type", "gpujs-plan-input", { what: `Input ${n} of the plan is ${show(want)}, got ${show(handle)}.`, fix: "pass a buffer of the type the plan was made for" });
    }
    return handle;
  }

  private handles(results: readonly Shared<S>[]): Handle[] {
    let at = 0;
    return this.plan.outputs.map((slot, n) => {
      const count = Math.max(1, 2 * (this.wide.outputs[n] as number));
      const parts = results.slice(at, at + count);
      at += count;
      return this.backend.adopt(parts, this.plan.slots[slot] as BufferType);
    });
  }

  sources(): readonly string[] {
    return this.texts;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const c of this.constants.values()) this.backend.residency.release(c);
  }
}
