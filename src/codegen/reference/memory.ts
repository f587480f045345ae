/**
 * Counted buffers and the pool that recycles them, so that memory does not grow over many calls. A buffer is written only while it has one
 * holder; sharing one is a matter of counting. Must not know plans or kernels. Used by executable.ts and backend.ts.
 */
import { allocate, byteSize, type DType, type TypedArray } from "../ir/dtype.js";
import { impossible } from "../../util/fail.js";

/** Free buffers of one dtype and length. */
export interface Bucket { readonly dtype: DType; readonly length: number; readonly bytes: number; readonly free: Buffer[] }

export interface Buffer { readonly data: TypedArray; readonly bucket: Bucket; holders: number }

/** Free memory beyond this is left to the garbage collector. */
const MAX_FREE_BYTES = 512 * 1024 * 1024;

export class Pool {
  private readonly buckets = new Map<string, Bucket>();
  /** Bytes in buffers that someone holds. */
  liveBytes = 0;
  /** Bytes kept for reuse. */
  freeBytes = 0;
  /** Arrays made since the start; constant once every length in use has been seen. */
  allocations = 0;

  bucket(dtype: DType, length: number): Bucket {
    const key = `${dtype} ${length}`;
    const made = this.buckets.get(key) ?? { dtype, length, bytes: length * byteSize(dtype), free: [] };
    this.buckets.set(key, made);
    return made;
  }

  /** A buffer with one holder and arbitrary contents. */
  acquire(bucket: Bucket): Buffer {
    this.liveBytes += bucket.bytes;
    const reused = bucket.free.pop();
    if (reused) {
      this.freeBytes -= bucket.bytes;
      reused.holders = 1;
      return reused;
    }
    this.allocations++;
    return { data: allocate(bucket.dtype, bucket.length), bucket, holders: 1 };
  }

  retain(buffer: Buffer): Buffer {
    buffer.holders++;
    return buffer;
  }

  release(buffer: Buffer): void {
    if (buffer.holders <= 0) impossible("a buffer was released twice");
    if (--buffer.holders > 0) return;
    const { bucket } = buffer;
    this.liveBytes -= bucket.bytes;
    if (this.freeBytes + bucket.bytes > MAX_FREE_BYTES) return;
    this.freeBytes += bucket.bytes;
    bucket.free.push(buffer);
  }

  /** Forgets the free buffers. */
  clear(): void {
    this.buckets.clear();
    this.freeBytes = 0;
  }
}
