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

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.backend.free(this.handle);
  }
}

/** The value on a device, uploaded if the device does not have the newest one; for the caller to release. */
export async function valueOn(backend: Backend, cell: Cell): Promise<DeviceValue> {
  const { remote } = cell;
  if (remote instanceof DeviceValue && remote.backend === backend) return remote.retain();
  const host = await hostValue(cell);
  const made = new DeviceValue(backend, await backend.upload(host.data, { dtype: host.dtype, shape: host.shape }));
  // The variable may have got another value meanwhile; then this one belongs to the caller alone.
  if (cell.host !== host) return made;
  cell.remote?.release();
  cell.remote = made;
  noteAway(cell);
  return made.retain();
}

/** The value on the host, read back if only a device has it. Not a copy. */
export const hostValue = readBack;

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
      await hostValue(cell);
      cell.remote?.release();
      cell.remote = null;
    }
  }
}
