/**
 * Where shared values are: on the host, on a device, or both. Functions take them from here and commit new ones here, so a value that
 * stays on a device is neither read back nor uploaded. Must not know graphs.
 */
import type { Backend, Handle } from "../codegen/backend.js";
import type { DType } from "../codegen/ir/dtype.js";
import type { Cell, RemoteValue, SharedVariable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { impossible } from "../util/fail.js";

/** A shared value on a device. */
export class DeviceValue implements RemoteValue {
  readonly backend: Backend;
  readonly handle: Handle;

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
    return new NdArray(await this.backend.download(this.handle), this.handle.shape, this.handle.dtype);
  }

  release(): void {
    this.backend.free(this.handle);
  }
}

/** The value's handle on a device, uploaded if the device does not have the newest value. */
export async function handleOn(backend: Backend, cell: Cell): Promise<Handle> {
  const { remote } = cell;
  if (remote instanceof DeviceValue && remote.backend === backend) return remote.handle;
  const host = await hostValue(cell);
  const handle = await backend.upload(host.data, { dtype: host.dtype, shape: host.shape });
  cell.remote?.release();
  cell.remote = new DeviceValue(backend, handle);
  return handle;
}

/** The value on the host, read back if only a device has it. Not a copy. */
export async function hostValue(cell: Cell): Promise<NdArray> {
  if (cell.host === null) cell.host = await (cell.remote ?? impossible("a shared variable without a value")).download();
  return cell.host;
}

/** A new value: on a device, or on the host. */
export function commitValue(shared: SharedVariable, value: DeviceValue | NdArray): void {
  const { cell } = shared;
  const before = cell.remote;
  cell.host = value instanceof NdArray ? value : null;
  cell.remote = value instanceof NdArray ? null : value;
  before?.release();
}
