/**
 * How a step of a generated graph chooses among what the pool has: entries by dtype and shape, values inside a domain, shapes that broadcast.
 * Must not know which ops exist. Next: steps.ts.
 */
import { type DType, isFloat } from "../codegen/ir/dtype.js";
import type { Variable } from "../graph/variable.js";
import { add, lt, mod, mul, sub } from "../ops/elementwise.js";
import { sigmoid } from "../ops/sigmoid.js";
import { scalarConstant } from "../graph/variable.js";
import type { Entry, Pool } from "./pool.js";
import type { Tape } from "./tape.js";

export class Chooser {
  readonly pool: Pool;
  readonly tape: Tape;

  constructor(pool: Pool, tape: Tape) {
    this.pool = pool;
    this.tape = tape;
  }

  /** One of the entries that satisfy a condition, the newest for an empty tape. */
  entry(condition: (e: Entry) => boolean = () => true): Entry | null {
    return this.tape.oneOf(this.pool.entries.filter(condition).reverse()) ?? null;
  }

  float(condition: (e: Entry) => boolean = () => true): Entry | null {
    return this.entry((e) => isFloat(e.v.dtype) && condition(e));
  }

  /** An entry with the variable, if the pool takes it. */
  admitted(v: Variable): Entry | null {
    return this.pool.admit(v) ? (this.pool.entry(v) ?? null) : null;
  }

  /** An entry of a dtype ("float64" stands for the graph's float dtype); bools are made where there is none. */
  ofDType(dtype: DType, condition: (e: Entry) => boolean = () => true): Entry | null {
    if (isFloat(dtype)) return this.float(condition);
    const found = this.entry((e) => e.v.dtype === dtype && condition(e));
    if (found !== null || dtype !== "bool") return found;
    const x = this.float(condition);
    return x && this.admitted(lt(x.v, scalarConstant(0.125, x.v.dtype)));
  }

  /** The entry, or one made of it whose elements are within [low, high]. [-2, 2] is no domain but a place to draw from. */
  within(e: Entry, low: number, high: number): Entry | null {
    const inside = e.value.data.every((x) => x >= low && x <= high);
    if (inside || e.v.dtype === "bool" || (low === -2 && high === 2)) return e;
    const constant = (x: number): Variable => scalarConstant(x, e.v.dtype);
    if (e.v.dtype === "int32") return this.admitted(add(mod(e.v, constant(Math.max(1, Math.floor(high) - Math.ceil(low)))), constant(Math.ceil(low))));
    const [from, to] = [low + 0.02 * (high - low), high - 0.02 * (high - low)];
    return this.admitted(add(mul(sigmoid(e.v), constant(to - from)), constant(from)));
  }
}

/** Whether two values meet in an elementwise op: per axis (aligned at the end) equal lengths, or a flag that lets one stretch. */
export function broadcasts(a: Entry, b: Entry): boolean {
  const n = Math.max(a.v.ndim, b.v.ndim);
  return Array.from({ length: n }, (_, i) => {
    const [p, q] = [a.v.ndim - 1 - i, b.v.ndim - 1 - i];
    return p < 0 || q < 0 || a.v.broadcastable[p] === true || b.v.broadcastable[q] === true || a.value.shape[p] === b.value.shape[q];
  }).every(Boolean);
}

/** Lengths equal but on one axis. */
export const alikeBut = (a: Entry, b: Entry, axis: number): boolean => a.v.ndim === b.v.ndim && a.v.dtype === b.v.dtype && a.value.shape.every((d, i) => i === axis || d === b.value.shape[i]);

/** Around zero, for steps whose results would grow. */
export const centred = (v: Variable): Variable => sub(sigmoid(v), scalarConstant(0.5, v.dtype));
