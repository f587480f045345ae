/**
 * Where a buffer is: on the host, on the device, or on both. It goes to the device when a kernel first reads it and comes to the host when
 * a routine first does, so what only routines touch (the states of NumPy's generators) never moves. Must not know plans.
 * Next: executable.ts reads and writes buffers, backend.ts makes handles of them.
 */
import { allocate, type DType, type TypedArray } from "../ir/dtype.js";
import { impossible } from "../../util/fail.js";
import type { Counters } from "../backend.js";
import type { Device } from "./device.js";

/** A buffer and how many hold it. At least one side is there until the last holder lets go. */
export interface Shared<S> {
  storage: S | null;
  /** Elements in the buffer's dtype; never written to. */
  host: TypedArray | null;
  holders: number;
}

/** A host side longer than this is not kept beside a device side: data sets would be in memory twice. */
const MOST_TWICE = 1 << 16;

export function retain<S>(shared: Shared<S>): Shared<S> {
  shared.holders++;
  return shared;
}

/** Counts every transfer that it makes. */
export class Residency<S> {
  constructor(private readonly device: Pick<Device<S, unknown>, "upload" | "download" | "free">, private readonly counters: Counters) {}

  /** A buffer with one holder; the array is the buffer's from now on. */
  onHost(data: TypedArray): Shared<S> {
    return { storage: null, host: data, holders: 1 };
  }

  onDevice(storage: S): Shared<S> {
    return { storage, host: null, holders: 1 };
  }

  /** A buffer with a copy of the caller's data. What is too long to be kept twice goes to the device at once, without a copy in between. */
  fromCaller(data: TypedArray, dtype: DType): Shared<S> {
    if (data.length > MOST_TWICE) return this.onDevice(this.send(data));
    const copy = allocate(dtype, data.length);
    copy.set(data);
    return this.onHost(copy);
  }

  /** The buffer on the device, brought there if it is not. */
  storage(shared: Shared<S>): S {
    if (shared.storage !== null) return shared.storage;
    const { host } = shared;
    if (host === null) return impossible("a buffer is read after its last holder let it go");
    const made = this.send(host);
    shared.storage = made;
    if (host.length > MOST_TWICE) shared.host = null;
    return made;
  }

  private send(data: TypedArray): S {
    this.counters.uploads++;
    this.counters.uploadedBytes += data.length * 4;
    return this.device.upload(data instanceof Float32Array ? data : Float32Array.from(data));
  }

  /** The elements on the host, read back if they are not there. Not a copy. */
  async data(shared: Shared<S>, dtype: DType, length: number): Promise<TypedArray> {
    if (shared.host !== null) return shared.host;
    const found = await this.fetch(this.storage(shared), dtype, length);
    if (length <= MOST_TWICE && shared.storage !== null) shared.host = found;
    return found;
  }

  /** The elements as an array of the caller's own. */
  async copy(shared: Shared<S>, dtype: DType, length: number): Promise<TypedArray> {
    return shared.host?.slice() ?? this.fetch(this.storage(shared), dtype, length);
  }

  /** What a storage holds, as a new array. */
  async fetch(s: S, dtype: DType, length: number): Promise<TypedArray> {
    this.counters.readbacks++;
    this.counters.readbackBytes += length * 4;
    const floats = length === 0 ? new Float32Array(0) : await this.device.download(s, length);
    if (dtype === "float32") return floats;
    const out = allocate(dtype, length);
    out.set(floats);
    return out;
  }

  /** The storage, to be written over: the host side will not be true any more. */
  overwrite(shared: Shared<S>): S {
    const storage = this.storage(shared);
    shared.host = null;
    return storage;
  }

  release(shared: Shared<S>): void {
    if (--shared.holders > 0) return;
    if (shared.storage !== null) this.device.free(shared.storage);
    shared.storage = null;
    shared.host = null;
  }
}
