/**
 * Accumulators of reductions: variables of one element or of four lanes, how a term joins them, and how lanes become one.
 * Must not know loops. Used by reduce.ts.
 */
import { byteSize, type DType, isFloat } from "../ir/dtype.js";
import { type ReduceOp, REDUCE_IDENTITY } from "../ir/kernel.js";
import type { Prim } from "../ir/prims.js";
import { constantValue, convert, laneOf, settle, widen } from "./convert.js";
import { partCount, partType, type Value } from "./lanes.js";
import { loadOne, storeFour, storeOne } from "./memory_access.js";
import { primValue, type Site } from "./prims.js";
import { add, i32, type Local, times } from "./wat.js";

const primOf = (op: ReduceOp, dtype: DType): Prim => {
  if (op === "sum") return dtype === "bool" ? "or" : "add";
  if (op === "prod") return dtype === "bool" ? "and" : "mul";
  return op;
};

function identity(op: ReduceOp, dtype: DType): number {
  if (isFloat(dtype) || op === "sum" || op === "prod") return REDUCE_IDENTITY[op];
  if (dtype === "bool") return op === "max" ? 0 : 1;
  return op === "max" ? -2147483648 : 2147483647;
}

export class Accumulator {
  private readonly locals: readonly Local[];

  constructor(private readonly site: Site, private readonly op: ReduceOp, readonly dtype: DType, readonly lanes: 1 | 4) {
    this.locals = Array.from({ length: partCount(dtype, lanes) }, () => site.fn.local(partType(dtype, lanes), "acc"));
  }

  get value(): Value {
    return { dtype: this.dtype, lanes: this.lanes, parts: this.locals.map((l) => l.get) };
  }

  private assign(v: Value): void {
    const { fn } = this.site;
    const wide = this.lanes === 4 ? widen(fn, v) : v;
    wide.parts.forEach((p, n) => { fn.line((this.locals[n] as Local).set(p)); });
  }

  reset(): void {
    const none = constantValue(identity(this.op, this.dtype), this.dtype);
    this.assign(this.dtype === "bool" ? { ...none, parts: [i32(identity(this.op, "bool"))] } : none);
  }

  /** NaN stays, once it is there. */
  join(term: Value): void {
    const { fn } = this.site;
    const x = convert(fn, this.lanes === 4 ? widen(fn, term) : term, this.dtype);
    this.assign(primValue(this.site, primOf(this.op, this.dtype), [this.value, x], this.dtype));
  }

  /** Joins the lanes of another accumulator, the first of them first. */
  joinLanes(of: Accumulator): void {
    for (let n = 0; n < 4; n++) this.join(laneOf(settle(this.site.fn, of.value), n));
  }

  /** Keeps the value in memory, at an element of an array of the accumulator's dtype. */
  save(base: string, element: string): void {
    const at = { text: add(base, times(element, byteSize(this.dtype))), offset: 0 };
    const { fn } = this.site;
    if (this.lanes === 1) storeOne(fn, at, this.value);
    else storeFour(fn, { ...at, text: fn.let("i32", at.text) }, 1, this.value);
  }

  joinSaved(base: string, element: string): void {
    this.join(loadOne(this.dtype, { text: add(base, times(element, byteSize(this.dtype))), offset: 0 }));
  }
}

