/**
 * The wasm backend: a plan becomes one WebAssembly module over the memory that all buffers share. Must not know graphs.
 * Next: index.ts makes it and registers it.
 */
import { compile as assemble } from "watr";
import { fail } from "../../util/fail.js";
import type { Backend, Caps, Counters, Executable, Handle, StepTimer } from "../backend.js";
import { DTYPES, type TypedArray } from "../ir/dtype.js";
import type { BufferType, Kernel } from "../ir/kernel.js";
import type { Plan, Routine } from "../ir/plan.js";
import type { Features, KernelCode } from "./code.js";
import { engine } from "./engine.js";
import { type Device, WasmExecutable } from "./executable.js";
import { CONTROL } from "./frame.js";
import { copyOut, open, show, store, WasmHandle } from "./handle.js";
import { kernelCode } from "./kernels.js";
import { Arena, type Block, openMemory } from "./memory.js";
import { writeModule } from "./module.js";
import { NATIVE_ROUTINES, nativeRoutine } from "./routines.js";
import { MEASURED, type Thresholds } from "./phases.js";
import type { Kit } from "./tasks.js";
import { Pool, type StartWorker } from "./threads.js";

export interface WasmSettings {
  readonly features: Features;
  /** The calling thread included. */
  readonly threads: number;
  /** Null where there is one thread. */
  readonly start: StartWorker | null;
  /** For tests; otherwise as measured. */
  readonly thresholds?: Thresholds;
}

/** Pages that the memory has at first: 16 MiB, of which nothing is touched. */
const FIRST_PAGES = 256;
/** Kernels kept as text, the oldest forgotten. */
const MOST_KERNELS = 2000;

export class WasmBackend implements Backend, Device, Kit {
  readonly name = "wasm";
  readonly timing = "the clock between the passes of kernels, which wait for each other then; an operand that is packed counts apart";
  readonly caps: Caps;
  readonly counters: Counters = { uploads: 0, uploadedBytes: 0, readbacks: 0, readbackBytes: 0, launches: 0, routines: 0 };
  readonly arena: Arena;
  readonly pool: Pool | null;
  readonly thresholds: Thresholds;
  private readonly features: Features;
  private readonly kernels = new Map<string, readonly { readonly answers: ReadonlyMap<number, number>; readonly code: KernelCode }[]>();
  private readonly routines = new Map<string, KernelCode | null>();
  private readonly executables = new Set<WasmExecutable>();
  private scratchBlock: Block | null = null;
  private scratchNeed = 0;
  /** Numbers of kernels and executables. */
  private names = 0;

  constructor({ features, threads, start, thresholds = MEASURED }: WasmSettings) {
    this.thresholds = thresholds;
    this.features = features;
    const many = start !== null && threads > 1 && features.threads;
    this.arena = new Arena(openMemory(many, FIRST_PAGES), CONTROL.end);
    this.pool = many ? new Pool(this.arena.memory, threads, start) : null;
    const how = `WebAssembly${features.simd ? " SIMD" : ""}${features.fma ? " with fused multiply-add" : ""}`;
    this.caps = { dtypes: DTYPES, maxParams: 64, maxResults: 8, accumulator: "float64", routines: NATIVE_ROUTINES, description: `${how}, ${many ? `${threads} threads` : "one thread"}` };
  }

  /** Throws `upload-size` when the data is not what the type says, and `wasm-memory`. */
  async upload(data: TypedArray, type: BufferType): Promise<Handle> {
    return this.uploadNow(data, type);
  }

  uploadNow(data: TypedArray, type: BufferType): Handle {
    const handle = new WasmHandle(type, store(this.arena, data, type), this.arena);
    this.counters.uploads++;
    this.counters.uploadedBytes += handle.bytes;
    return handle;
  }

  /** Throws `handle-freed` or `handle-foreign`. */
  async download(handle: Handle): Promise<TypedArray> {
    return this.downloadNow(handle);
  }

  downloadNow(handle: Handle, into?: TypedArray): TypedArray {
    const data = copyOut(this.arena, open(handle, this.arena), handle, into);
    this.counters.readbacks++;
    this.counters.readbackBytes += data.byteLength;
    return data;
  }

  /** Throws `handle-freed` at the second time. */
  free(handle: Handle): void {
    const block = open(handle, this.arena);
    (handle as WasmHandle).block = null;
    this.arena.release(block);
  }

  /** The code of a kernel; where a writer asks how often operands are read, it is the answers that matter. */
  kernel(kernel: Kernel, uses: readonly number[]): KernelCode {
    const all = this.kernels.get(kernel.text) ?? [];
    const known = all.find(({ answers }) => [...answers].every(([param, n]) => uses[param] === n));
    if (known) return known.code;
    const answers = new Map<number, number>();
    const ask = (param: number): number => {
      answers.set(param, uses[param] as number);
      return uses[param] as number;
    };
    const code = kernelCode(kernel, `k${this.names++}`, this.features, { uses: ask });
    this.kernels.set(kernel.text, [...all, { answers, code }]);
    forgetOldest(this.kernels);
    return code;
  }

  routine(routine: Routine, reads: readonly BufferType[], writes: readonly BufferType[]): KernelCode | null {
    const key = [routine.name, routine.config, ...[...reads, ...writes].map(show)].join("\n");
    const known = this.routines.get(key);
    if (known !== undefined) return known;
    const code = nativeRoutine(routine, reads, writes, `k${this.names++}`, this.features);
    this.routines.set(key, code);
    forgetOldest(this.routines);
    return code;
  }

  async compile(plan: Plan, timer?: StepTimer): Promise<Executable> {
    const module = writeModule(plan, this, { threads: this.pool?.threads ?? 1, shared: this.pool !== null, thresholds: this.thresholds, timed: timer !== undefined });
    if (module.shareable.always >= this.thresholds.long) this.pool?.begin();
    const executable = new WasmExecutable(plan, module, this, this.names++, await engine.compile(assemble(module.text)), timer ?? null);
    this.executables.add(executable);
    try {
      await executable.load();
    } catch (e) {
      executable.dispose();
      throw e;
    }
    this.scratchNeed = Math.max(this.scratchNeed, executable.scratchBytes);
    return executable;
  }

  /** One piece for all executables, since calls are made one after the other: as large as the largest needs. */
  scratch(): number {
    if (this.scratchBlock !== null && this.scratchBlock.bytes >= this.scratchNeed) return this.scratchBlock.address;
    this.dropScratch();
    this.scratchBlock = this.arena.acquire(this.scratchNeed);
    return this.scratchBlock.address;
  }

  /** Bytes of it that are held now. */
  get scratchHeld(): number {
    return this.scratchBlock?.bytes ?? 0;
  }

  private dropScratch(): void {
    if (this.scratchBlock !== null) this.arena.release(this.scratchBlock);
    this.scratchBlock = null;
  }

  forget(executable: WasmExecutable): void {
    this.executables.delete(executable);
    this.scratchNeed = [...this.executables].reduce((most, e) => Math.max(most, e.scratchBytes), 0);
    if (this.scratchBlock !== null && this.scratchBlock.bytes > 2 * this.scratchNeed) this.dropScratch();
  }

  async dispose(): Promise<void> {
    this.pool?.dispose();
    this.kernels.clear();
    this.routines.clear();
    this.dropScratch();
  }
}

/** Maps keep their order. */
function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > MOST_KERNELS && oldest !== undefined) map.delete(oldest);
}

/** A number of threads that can be had; throws `wasm-threads` for others. */
export function checkThreads(threads: number, most: number): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > most) fail("value", "wasm-threads", { what: `The wasm device cannot run on ${threads} threads.`, fix: `ask for 1 to ${most}` });
  return threads;
}
