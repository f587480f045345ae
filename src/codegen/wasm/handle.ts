/**
 * Buffers as callers hold them: a type and a block of the arena, shared by counting. Must not know plans. Used by backend.ts and executable.ts.
 */
import { fail } from "../../util/fail.js";
import type { Handle } from "../backend.js";
import { allocate, byteSize, type DType, formatType, sizeOf, type TypedArray } from "../ir/dtype.js";
import type { BufferType } from "../ir/kernel.js";
import type { Arena, Block } from "./memory.js";

export class WasmHandle implements Handle {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;

  /** `block` is null once freed. */
  constructor(type: BufferType, public block: Block | null, readonly arena: Arena) {
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.bytes = sizeOf(type.shape) * byteSize(type.dtype);
  }
}

export const show = (t: BufferType): string => formatType(t.dtype, t.shape);

/** The block behind a handle of this arena. Throws `handle-freed` or `handle-foreign`. */
export function open(handle: Handle, arena: Arena): Block {
  if (!(handle instanceof WasmHandle) || handle.arena !== arena) {
    fail("type", "handle-foreign", { what: `The buffer ${show(handle)} belongs to another backend.`, fix: "download it there and upload it here" });
  }
  return handle.block ?? fail("value", "handle-freed", { what: `The buffer ${show(handle)} was freed before.`, fix: "free a handle once, after its last use" });
}

/** The view of the whole memory in a dtype. */
function viewOf(arena: Arena, dtype: DType): TypedArray {
  switch (dtype) {
    case "bool": return arena.bytes;
    case "int32": return arena.ints;
    case "float32": return arena.floats;
    case "float64": return arena.doubles;
  }
}

/** A block with a copy of the data. Throws `upload-size` when the data is not what the type says, and `wasm-memory`. */
export function store(arena: Arena, data: TypedArray, type: BufferType): Block {
  const n = sizeOf(type.shape);
  if (data.length !== n) fail("value", "upload-size", { what: `A buffer ${show(type)} needs ${n} elements, got ${data.length}.`, fix: "pass as many elements as the shape says" });
  const size = byteSize(type.dtype);
  const block = arena.acquire(n * size);
  viewOf(arena, type.dtype).set(data, block.address / size);
  return block;
}

/** What a block holds, in a host array. */
export function copyOut(arena: Arena, block: Block, type: BufferType, into = allocate(type.dtype, sizeOf(type.shape))): TypedArray {
  into.set(viewAt(arena, block.address, type));
  return into;
}

/** A view of memory, not a copy; until the memory grows. */
export function viewAt(arena: Arena, address: number, { dtype, shape }: BufferType): TypedArray {
  const from = address / byteSize(dtype);
  return viewOf(arena, dtype).subarray(from, from + sizeOf(shape));
}
