/**
 * Where shared values are: on the host, on a device, or both. Functions take them from here and commit new ones here, so a value that
 * stays on a device is neither read back nor uploaded. Must not know graphs.
 */
import type { Backend, Handle } from "../codegen/backend.js";
import type { DType } from "../codegen/ir/dtype.js";
import { type Cell, readBack, type RemoteValue, type SharedVariable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";

/** A shared value on a device. Its buffer is freed when the variable has let it go and no call or read-back uses it any more. */
export class DeviceValue implements RemoteValue {
  readonly backend: Backend;
  readonly handle: Handle;
  #holders = 1;

  constructor(backend: Backend, handle: Handle) {
    this.backend = backend;
    this.handle = handle;
  }

  get shape(): Shape {
    return this.handle.shape;
  }

  get dtype(): DType {
    return this.handle.dtype;
  }

  async download(): Promise<NdArray> {
    this.retain();
    try {
      return new NdArray(await this.backend.download(this.handle), this.handle.shape, this.handle.dtype);
    } finally {
      this.release();
    }
  }

  /** How many have it: its variable, calls and read-backs. */
  get holders(): number {
    return this.#holders;
  }

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.backend.free(this.handle);
  }
}

/** The value on a device, uploaded if the device does not have the newest one; for the caller to release. A promise only where there is something to wait for. */
export function valueOn(backend: Backend, cell: Cell): DeviceValue | Promise<DeviceValue> {
  const { remote } = cell;
  return remote instanceof DeviceValue && remote.backend === backend ? remote.retain() : uploaded(backend, cell);
}

async function uploaded(backend: Backend, cell: Cell): Promise<DeviceValue> {
  const host = await readBack(cell);
  const made = new DeviceValue(backend, await backend.upload(host.data, { dtype: host.dtype, shape: host.shape }));
  // The variable may have got another value meanwhile; then this one belongs to the caller alone.
  if (cell.host !== host) return made;
  cell.remote?.release();
  cell.remote = made;
  noteAway(cell);
  return made.retain();
}

/** Whether a call may write a variable's new value over this buffer: it has the value, and nobody but the variable and the call holds it. */
export const mayRenew = ({ remote }: Cell, handle: Handle): boolean => remote instanceof DeviceValue && remote.handle === handle && remote.holders === 2;

/** The buffers that one call holds: its own, and those of shared values that it uses. */
export class CallBuffers {
  readonly #backend: Backend;
  readonly #own = new Set<Handle>();
  readonly #used: DeviceValue[] = [];

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  own(handle: Handle): Handle {
    this.#own.add(handle);
    return handle;
  }

  use(value: DeviceValue): Handle {
    this.#used.push(value);
    return value.handle;
  }

  /** A buffer of the call's own as the value of a shared variable. */
  give(handle: Handle): DeviceValue {
    this.#own.delete(handle);
    return new DeviceValue(this.#backend, handle);
  }

  release(): void {
    for (const handle of this.#own) this.#backend.free(handle);
    for (const value of this.#used) value.release();
  }
}

/** A new value: on a device, or on the host. */
export function commitValue(shared: SharedVariable, value: DeviceValue | NdArray): void {
  const { cell } = shared;
  const before = cell.remote;
  cell.host = value instanceof NdArray ? value : null;
  cell.remote = value instanceof NdArray ? null : value;
  if (cell.remote !== null) noteAway(cell);
  before?.release();
}

/** Cells whose value has been on a device, as long as anybody has them. */
const away = new Set<WeakRef<Cell>>();
const noted = new WeakSet<Cell>();

function noteAway(cell: Cell): void {
  if (noted.has(cell)) return;
  noted.add(cell);
  away.add(new WeakRef(cell));
}

/** Reads back what only these devices have, and lets go of their buffers: for devices that are about to close. */
export async function bringHome(backends: ReadonlySet<Backend>): Promise<void> {
  for (const ref of away) {
    const cell = ref.deref();
    if (cell === undefined) away.delete(ref);
    else if (cell.remote instanceof DeviceValue && backends.has(cell.remote.backend)) {
      await readBack(cell);
      cell.remote?.release();
      cell.remote = null;
    }
  }
}
