/**
 * The device named `wasm`: WebAssembly with SIMD and threads, as far as they can be had here. The package's entry registers it.
 * Must not know graphs. Everything else in this folder is reached from here.
 */
import { failure } from "../../util/fail.js";
import type { Availability, Backend, BackendFactory, DeviceOptions } from "../backend.js";
import { checkThreads, WasmBackend } from "./backend.js";
import { defaultThreads, findFeatures, missing } from "./features.js";
import { MOST_THREADS } from "./frame.js";
import { workerStarter } from "./threads.js";

/** Throws `wasm-device` where there is no WebAssembly, `wasm-threads` for a number of threads that cannot be. */
export async function createWasmBackend({ threads, fma }: DeviceOptions = {}): Promise<Backend> {
  const reason = missing();
  if (reason !== null) throw failure("unsupported", "wasm-device", { what: `The device wasm cannot be had here: ${reason}.`, fix: "use another device ('auto' picks one that works)" });
  const wanted = threads === undefined ? await defaultThreads() : checkThreads(threads, MOST_THREADS);
  const features = await findFeatures(fma);
  return new WasmBackend({ features, threads: wanted, start: wanted > 1 && features.threads ? await workerStarter() : null });
}

export const wasmFactory: BackendFactory = {
  name: "wasm",
  takes: ["threads", "fma"],
  async probe(): Promise<Availability> {
    const reason = missing();
    return reason === null ? { available: true } : { available: false, reason };
  },
  create: createWasmBackend,
};
