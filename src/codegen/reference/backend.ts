/**
 * The reference backend: a Plan in plain JavaScript with float64 inside. What it computes is what a Kernel means; other backends are compared
 * with it. Must not know graphs. `referenceFactory` is registered by the package's entry.
 */
import { fail } from "../../util/fail.js";
import type { Availability, Backend, BackendFactory, Caps, Counters, Executable, Handle, StepTimer } from "../backend.js";
import { DTYPES, type DType, formatType, sizeOf, type TypedArray } from "../ir/dtype.js";
import type { BufferType, Kernel } from "../ir/kernel.js";
import { allSteps, type Plan } from "../ir/plan.js";
import { type Host, Walker } from "./executable.js";
import { type Buffer, Pool } from "./memory.js";
import { buildKernel, type KernelFunction, renderKernel } from "./render.js";

class ReferenceHandle implements Handle {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Null once freed. */
  buffer: Buffer | null;

  constructor(type: BufferType, buffer: Buffer, readonly pool: Pool) {
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.bytes = buffer.bucket.bytes;
    this.buffer = buffer;
  }
}

const show = (t: BufferType): string => formatType(t.dtype, t.shape);

interface Compiled { readonly run: KernelFunction; readonly source: string }

export class ReferenceBackend implements Backend, Host {
  readonly name = "reference";
  readonly timing = "the clock around each kernel";
  readonly caps: Caps = { dtypes: DTYPES, maxParams: 1000, maxResults: 8, accumulator: "float64", description: "JavaScript, float64 inside" };
  readonly counters: Counters = { uploads: 0, uploadedBytes: 0, readbacks: 0, readbackBytes: 0, launches: 0, routines: 0 };
  /** Its counters show that memory does not grow. */
  readonly pool = new Pool();
  private readonly kernels = new Map<string, Compiled>();

  /** Throws `upload-size` when the data is not what the type says. */
  async upload(data: TypedArray, type: BufferType): Promise<Handle> {
    return this.uploadNow(data, type);
  }

  uploadNow(data: TypedArray, type: BufferType): Handle {
    const buffer = this.store(data, type);
    this.counters.uploads++;
    this.counters.uploadedBytes += buffer.bucket.bytes;
    return new ReferenceHandle(type, buffer, this.pool);
  }

  private store(data: TypedArray, type: BufferType): Buffer {
    const n = sizeOf(type.shape);
    if (data.length !== n) fail("value", "upload-size", { what: `A buffer ${show(type)} needs ${n} elements, got ${data.length}.`, fix: "pass as many elements as the shape says" });
    const buffer = this.pool.acquire(this.pool.bucket(type.dtype, n));
    buffer.data.set(data);
    return buffer;
  }

  /** Throws `handle-freed` or `handle-foreign`. */
  async download(handle: Handle): Promise<TypedArray> {
    return this.downloadNow(handle);
  }

  downloadNow(handle: Handle, into?: TypedArray): TypedArray {
    const { data } = this.open(handle);
    this.counters.readbacks++;
    this.counters.readbackBytes += data.byteLength;
    if (into === undefined) return data.slice();
    into.set(data);
    return into;
  }

  /** Throws `handle-freed` at the second time. */
  free(handle: Handle): void {
    const buffer = this.open(handle);
    (handle as ReferenceHandle).buffer = null;
    this.pool.release(buffer);
  }

  /** The buffer behind a handle of this backend. */
  open(handle: Handle): Buffer {
    if (!(handle instanceof ReferenceHandle) || handle.pool !== this.pool) {
      fail("type", "handle-foreign", { what: `The buffer ${show(handle)} belongs to another backend.`, fix: "download it there and upload it here" });
    }
    return handle.buffer ?? fail("value", "handle-freed", { what: `The buffer ${show(handle)} was freed before.`, fix: "free a handle once, after its last use" });
  }

  kernel(kernel: Kernel): KernelFunction {
    return this.compiled(kernel).run;
  }

  private compiled(kernel: Kernel): Compiled {
    const found = this.kernels.get(kernel.text);
    if (found) return found;
    const rendered = renderKernel(kernel);
    const made = { run: buildKernel(rendered), source: rendered.source };
    this.kernels.set(kernel.text, made);
    return made;
  }

  async compile(plan: Plan, timer?: StepTimer): Promise<Executable> {
    const sources = new Set<string>();
    for (const s of allSteps(plan.steps)) if (s.kind === "launch") sources.add(this.compiled(s.kernel).source);
    const walker = new Walker(plan, this, timer);
    const constants = new Map(plan.constants.map((c) => [c.slot, this.store(c.data, plan.slots[c.slot] as BufferType)]));
    return new ReferenceExecutable(plan, this, walker, constants, [...sources]);
  }

  async dispose(): Promise<void> {
    this.kernels.clear();
    this.pool.clear();
  }

  adopt(buffer: Buffer, type: BufferType): Handle {
    return new ReferenceHandle(type, buffer, this.pool);
  }
}

class ReferenceExecutable implements Executable {
  private disposed = false;

  constructor(
    private readonly plan: Plan, private readonly backend: ReferenceBackend, private readonly walker: Walker,
    private readonly constants: ReadonlyMap<number, Buffer>, private readonly texts: readonly string[],
  ) {}

  /** Throws `plan-disposed`, `plan-input`, `plan-scalars`, `handle-freed`, `handle-foreign`, and what routines throw. */
  async run(inputs: readonly Handle[], scalars: readonly number[]): Promise<Handle[]> {
    const { plan, backend } = this;
    if (this.disposed) fail("value", "plan-disposed", { what: "This executable was disposed.", fix: "compile the plan again" });
    if (inputs.length !== plan.inputs.length || scalars.length !== plan.scalarInputs) {
      fail("value", "plan-scalars", {
        what: `The plan takes ${plan.inputs.length} buffers and ${plan.scalarInputs} scalars, got ${inputs.length} and ${scalars.length}.`, fix: "pass one of each that the plan lists",
      });
    }
    const given = new Map(this.constants);
    inputs.forEach((h, n) => given.set(plan.inputs[n] as number, this.input(h, n)));
    return this.walker.run(given, scalars).map((b, n) => backend.adopt(b, plan.slots[plan.outputs[n] as number] as BufferType));
  }

  private input(handle: Handle, n: number): Buffer {
    const want = this.plan.slots[this.plan.inputs[n] as number] as BufferType;
    if (show(handle) !== show(want)) fail("type", "plan-input", { what: `Input ${n} of the plan is ${show(want)}, got ${show(handle)}.`, fix: "pass a buffer of the type the plan was made for" });
    return this.backend.open(handle);
  }

  sources(): readonly string[] {
    return this.texts;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const b of this.constants.values()) this.backend.pool.release(b);
  }
}

/** The backend named `reference`; always available. */
export const referenceFactory: BackendFactory = {
  name: "reference",
  probe: async (): Promise<Availability> => ({ available: true }),
  create: async (): Promise<Backend> => new ReferenceBackend(),
};
