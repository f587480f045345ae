/** Bytes under construction, as WebAssembly's binary format writes numbers (LEB128, IEEE 754). Must not know instructions. Used by assemble.ts. */

export class Bytes {
  private data = new Uint8Array(1024);
  private view = new DataView(this.data.buffer);
  length = 0;

  private reserve(more: number): void {
    if (this.length + more <= this.data.length) return;
    const larger = new Uint8Array(2 * (this.length + more));
    larger.set(this.data.subarray(0, this.length));
    this.data = larger;
    this.view = new DataView(larger.buffer);
  }

  byte(b: number): void {
    this.reserve(1);
    this.data[this.length++] = b;
  }

  list(bytes: ArrayLike<number>): void {
    this.reserve(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Below 2^32. */
  unsigned(n: number): void {
    let rest = n >>> 0;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }

  signed(n: bigint | number): void {
    if (typeof n === "number") {
      let rest = n | 0;
      for (; rest < -0x40 || rest >= 0x40; rest >>= 7) this.byte((rest & 0x7f) | 0x80);
      this.byte(rest & 0x7f);
      return;
    }
    let rest = BigInt.asIntN(64, n);
    for (; rest < -0x40n || rest >= 0x40n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest & 0x7fn));
  }

  float(x: number, bytes: 4 | 8): void {
    this.reserve(8);
    if (bytes === 4) this.view.setFloat32(this.length, x, true);
    else this.view.setFloat64(this.length, x, true);
    this.length += bytes;
  }

  /** An integer in little-endian order. */
  fixed(n: bigint | number, bytes: 1 | 2 | 4 | 8): void {
    this.reserve(8);
    this.view.setBigInt64(this.length, BigInt(n), true);
    this.length += bytes;
  }

  text(s: string): void {
    const encoded = new TextEncoder().encode(s);
    this.unsigned(encoded.length);
    this.list(encoded);
  }

  /** Those bytes with their number before them. */
  sized(part: Bytes): void {
    this.unsigned(part.length);
    this.list(part.all());
  }

  /** Until more is written. */
  all(): Uint8Array {
    return this.data.subarray(0, this.length);
  }
}
