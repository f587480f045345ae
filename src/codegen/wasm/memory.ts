/**
 * The engine's memory: one WebAssembly.Memory and who holds which bytes of it. Free blocks are kept by size class and merged with free
 * neighbours at once (two-level segregated fit, Masmano et al. 2004), so that nothing grows over many calls. Must not know plans.
 */
import { fail, impossible } from "../../util/fail.js";
import { engine, PAGE, type WasmMemory } from "./engine.js";

/** Blocks start at multiples of this, a cache line, and are whole cache lines. */
const UNIT = 64;
const MOST_PAGES = 65536;
/** log2 of the size classes between two powers of two. */
const FINENESS = 3;
const CLASSES = 32 << FINENESS;

/** A piece of memory. Shared by counting holders; whoever wants to write must be the only one. */
export class Block {
  holders = 0;
  /** Neighbours in memory. */
  left: Block | null = null;
  right: Block | null = null;
  /** Neighbours in the list of free blocks of this size. */
  previous: Block | null = null;
  next: Block | null = null;

  constructor(readonly address: number, public bytes: number) {}
}

const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

function classOf(bytes: number): number {
  const n = bytes / UNIT;
  if (n < 1 << FINENESS) return n;
  const power = 31 - Math.clz32(n);
  return (power << FINENESS) + ((n >>> (power - FINENESS)) & ((1 << FINENESS) - 1));
}

/** The first class in which every block has at least so many bytes. */
function fittingClass(bytes: number): number {
  const n = bytes / UNIT;
  if (n < 1 << FINENESS) return n;
  return classOf(bytes + ((1 << (31 - Math.clz32(n) - FINENESS)) - 1) * UNIT);
}

/** Whether a memory may be had, and with which maximum: engines reserve addresses for all of it. */
export function openMemory(shared: boolean, pages: number): WasmMemory {
  for (let maximum = MOST_PAGES; maximum > pages; maximum /= 2) {
    try {
      return new engine.Memory({ initial: pages, maximum, shared });
    } catch (e) {
      if (!(e instanceof RangeError)) throw e;
    }
  }
  return fail("unsupported", "wasm-memory", { what: `WebAssembly memory of ${pages * PAGE} bytes cannot be had.`, fix: "free memory of this process, or use another device" });
}

export class Arena {
  /** Views of the whole memory; anew after growth. */
  bytes!: Uint8Array;
  ints!: Int32Array;
  floats!: Float32Array;
  doubles!: Float64Array;
  /** Bytes in blocks that someone holds. */
  liveBytes = 0;
  private readonly lists: (Block | null)[] = new Array<Block | null>(CLASSES).fill(null);
  /** One bit for each class that has blocks. */
  private readonly some = new Uint32Array(CLASSES / 32);
  private last: Block;
  private pages: number;

  /** The bytes below `start` are never given out, and neither is the last cache line: kernels may read 16 bytes before and after a buffer. */
  constructor(readonly memory: WasmMemory, start: number) {
    this.look();
    this.pages = this.bytes.length / PAGE;
    this.last = new Block(roundUp(start, UNIT) + UNIT, 0);
    this.last.bytes = this.pages * PAGE - UNIT - this.last.address;
    this.insert(this.last);
  }

  get totalBytes(): number {
    return this.pages * PAGE;
  }

  private look(): void {
    const { buffer } = this.memory;
    this.bytes = new Uint8Array(buffer);
    this.ints = new Int32Array(buffer);
    this.floats = new Float32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  /** A block with one holder and arbitrary contents. Throws `wasm-memory` at the limit and changes nothing then. */
  acquire(bytes: number): Block {
    const size = Math.max(UNIT, roundUp(bytes, UNIT));
    let block = this.find(size);
    if (block === null) {
      this.grow(size);
      block = this.find(size) ?? impossible("memory grew and is still too small");
    }
    this.remove(block);
    if (block.bytes > size) this.split(block, size);
    block.holders = 1;
    this.liveBytes += size;
    return block;
  }

  retain(block: Block): Block {
    block.holders++;
    return block;
  }

  release(block: Block): void {
    if (block.holders <= 0) impossible("a block was released twice");
    if (--block.holders > 0) return;
    this.liveBytes -= block.bytes;
    let whole = block;
    const { left, right } = block;
    if (left !== null && left.holders === 0) {
      this.remove(left);
      whole = this.join(left, block);
    }
    if (right !== null && right.holders === 0) {
      this.remove(right);
      whole = this.join(whole, right);
    }
    this.insert(whole);
  }

  /** A block of the size itself first: buffers of one size come and go together. */
  private find(size: number): Block | null {
    const same = this.lists[classOf(size)] as Block | null;
    if (same !== null && same.bytes >= size) return same;
    let at = fittingClass(size);
    for (let word = at >>> 5; word < this.some.length; word++, at = word << 5) {
      const bits = (this.some[word] as number) & (-1 << (at & 31));
      if (bits !== 0) return this.lists[(word << 5) + 31 - Math.clz32(bits & -bits)] as Block;
    }
    return null;
  }

  private insert(block: Block): void {
    const at = classOf(block.bytes);
    const first = this.lists[at] as Block | null;
    block.next = first;
    block.previous = null;
    if (first !== null) first.previous = block;
    this.lists[at] = block;
    this.some[at >>> 5] = (this.some[at >>> 5] as number) | (1 << (at & 31));
  }

  private remove(block: Block): void {
    const at = classOf(block.bytes);
    const { next, previous } = block;
    if (next !== null) next.previous = previous;
    if (previous !== null) previous.next = next;
    else {
      this.lists[at] = next;
      if (next === null) this.some[at >>> 5] = (this.some[at >>> 5] as number) & ~(1 << (at & 31));
    }
  }

  /** Cuts a block that is in no list; what is behind `size` is free. */
  private split(block: Block, size: number): void {
    const rest = new Block(block.address + size, block.bytes - size);
    block.bytes = size;
    rest.left = block;
    rest.right = block.right;
    if (rest.right !== null) rest.right.left = rest;
    else this.last = rest;
    block.right = rest;
    this.insert(rest);
  }

  private join(left: Block, right: Block): Block {
    left.bytes += right.bytes;
    left.right = right.right;
    if (left.right !== null) left.right.left = left;
    else this.last = left;
    return left;
  }

  /** Half as much again where it can be had, else what is needed. */
  private grow(size: number): void {
    const room = this.last.holders === 0 ? this.last.bytes : 0;
    // The fitting class rounds up by at most an eighth.
    const least = Math.ceil((size + (size >>> FINENESS) + UNIT - room) / PAGE);
    const more = [Math.max(least, this.pages >>> 1), least].find((pages) => this.tryGrow(pages));
    if (more === undefined) this.full(size);
    this.look();
    this.pages += more;
    if (this.last.holders === 0) {
      this.remove(this.last);
      this.last.bytes += more * PAGE;
      this.insert(this.last);
      return;
    }
    const fresh = new Block(this.last.address + this.last.bytes, more * PAGE);
    fresh.left = this.last;
    this.last.right = fresh;
    this.last = fresh;
    this.insert(fresh);
  }

  private tryGrow(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch (e) {
      if (e instanceof RangeError) return false;
      throw e;
    }
  }

  private full(size: number): never {
    fail("unsupported", "wasm-memory", {
      what: `WebAssembly memory is full: ${size} bytes more were asked for.`, saw: [`${this.liveBytes} bytes in use of ${this.totalBytes}`],
      fix: "free what is not needed (old functions: dispose()), use smaller batches or float32, or another device",
    });
  }
}
