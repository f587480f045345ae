/**
 * Byte addresses of positions: what each loop adds is added outside the loops within it, constants become the instruction's offset.
 * Must not know dtypes' instructions. Used by elements.ts.
 */
import { byteSize, type DType } from "../ir/dtype.js";
import type { Expr } from "../ir/expr.js";
import { type Point, termsOf } from "./flat.js";
import type { Address } from "./memory_access.js";
import { add, type Func, greater, i32, isAtom, Known, lesser, times } from "./wat.js";

/** An element of a buffer. */
export interface Place { readonly base: string; readonly position: Expr; readonly dtype: DType; readonly point: Point }

export class Addresses {
  private readonly known: Known<string>;

  /** `single` writes an integer and says from which depth on it is known. */
  constructor(private readonly fn: Func, private readonly single: (e: Expr, point: Point) => { text: string; depth: number }) {
    this.known = new Known(fn);
  }

  /** Where an element of a position that is in the buffer lies. */
  at({ base, position, dtype, point }: Place): Address {
    const size = byteSize(dtype);
    const { levels, constant } = this.levels(position, point, size);
    // An address below the buffer that an offset brings back could lie below 0, so only what is never subtracted from gets an offset.
    const offset = constant >= 0 && levels.every((l) => l.positive) ? constant : 0;
    let text = this.shared(0, offset === constant ? base : add(base, i32(constant)));
    for (const { depth, sum } of levels) text = this.shared(depth, add(text, sum));
    return { text, offset };
  }

  /** The same for a position that may be outside: the nearest of low … last is taken. */
  within({ base, position, dtype, point }: Place, low: number, last: number): Address {
    const { levels, constant } = this.levels(position, point, 1);
    let text = i32(constant);
    for (const { depth, sum } of levels) text = this.shared(depth, add(text, sum));
    const depth = levels.at(-1)?.depth ?? 0;
    const index = this.shared(depth, text);
    if (low === 0) {
      const inside = this.shared(depth, `(select ${index} ${i32(last)} (i32.lt_u ${index} ${i32(last)}))`);
      return { text: this.shared(depth, add(base, times(inside, byteSize(dtype)))), offset: 0 };
    }
    const above = this.shared(depth, greater(index, i32(low)));
    const inside = this.shared(depth, lesser(above, i32(last)));
    return { text: this.shared(depth, add(base, times(inside, byteSize(dtype)))), offset: 0 };
  }

  /** The terms, times `size`, summed by the depth at which they are known, from the outside. */
  private levels(position: Expr, point: Point, size: number): { levels: { depth: number; sum: string; positive: boolean }[]; constant: number } {
    const groups = new Map<number, { sum: string; positive: boolean }>();
    let constant = 0;
    for (const { coefficient, factors } of termsOf(position)) {
      if (factors.length === 0) {
        constant += coefficient * size;
        continue;
      }
      const parts = factors.map((f) => this.single(f, point));
      const depth = Math.max(...parts.map((p) => p.depth));
      const product = parts.map((p) => p.text).reduce((a, b) => `(i32.mul ${a} ${b})`);
      const term = this.shared(depth, times(product, coefficient * size));
      const before = groups.get(depth);
      groups.set(depth, { sum: before ? add(before.sum, term) : term, positive: coefficient > 0 && (before?.positive ?? true) });
    }
    const levels = [...groups].sort(([a], [b]) => a - b).map(([depth, g]) => ({ depth, ...g }));
    return { levels, constant };
  }

  /** A text in a variable at a depth, once. */
  private shared(depth: number, text: string): string {
    if (isAtom(text)) return text;
    const { fn, known } = this;
    return fn.outside(depth, () => known.find(text) ?? known.keep(text, fn.let("i32", text, "p")));
  }
}
