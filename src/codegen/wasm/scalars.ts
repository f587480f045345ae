/**
 * Plan scalars as WAT: launch parameters, rows, loop counts. What does not depend on a loop's index is computed in JavaScript once per call
 * and read from the frame; what does is written as arithmetic of i32 and f64; the rest is asked of the host. Meanings are those of
 * codegen/ir/evaluate.ts. Used by tasks.ts and module.ts.
 */
import { type DType, isInt } from "../ir/dtype.js";
import { type Expr, isLong, postorder } from "../ir/expr.js";
import { keyOf } from "../ir/index.js";
import type { Prim } from "../ir/prims.js";
import { scalarsIn } from "../ir/plan.js";
import { literal } from "./convert.js";
import { impossible } from "../../util/fail.js";

/** A number in the frame: before the run, or by the host during it. */
export interface Cell { readonly expr: Expr; readonly offset: number }

/** Longer expressions are not written out: text repeats what they share. */
const MOST_NODES = 100;

const args = (list: readonly string[]): string => list.join(" ");

/** On i32: all arguments are int32 or bool. */
const INT: Partial<Record<Prim, (list: readonly string[]) => string>> = {
  add: (x) => `(i32.add ${args(x)})`,
  sub: (x) => `(i32.sub ${args(x)})`,
  mul: (x) => `(i32.mul ${args(x)})`,
  neg: (x) => `(i32.sub (i32.const 0) ${args(x)})`,
  lt: (x) => `(i32.lt_s ${args(x)})`,
  le: (x) => `(i32.le_s ${args(x)})`,
  eq: (x) => `(i32.eq ${args(x)})`,
  ne: (x) => `(i32.ne ${args(x)})`,
  not: (x) => `(i32.eqz ${args(x)})`,
  and: ([a, b]) => `(i32.and (i32.ne ${a} (i32.const 0)) (i32.ne ${b} (i32.const 0)))`,
  or: ([a, b]) => `(i32.ne (i32.or ${a} ${b}) (i32.const 0))`,
  select: ([c, a, b]) => `(select ${a} ${b} ${c})`,
};

/** On f64: some argument is a float, and integers are converted. Results of float32 are rounded afterwards. */
const FLOAT: Partial<Record<Prim, (list: readonly string[]) => string>> = {
  add: (x) => `(f64.add ${args(x)})`,
  sub: (x) => `(f64.sub ${args(x)})`,
  mul: (x) => `(f64.mul ${args(x)})`,
  div: (x) => `(f64.div ${args(x)})`,
  neg: (x) => `(f64.neg ${args(x)})`,
  abs: (x) => `(f64.abs ${args(x)})`,
  sqrt: (x) => `(f64.sqrt ${args(x)})`,
  floor: (x) => `(f64.floor ${args(x)})`,
  ceil: (x) => `(f64.ceil ${args(x)})`,
  lt: (x) => `(f64.lt ${args(x)})`,
  le: (x) => `(f64.le ${args(x)})`,
  eq: (x) => `(f64.eq ${args(x)})`,
  ne: (x) => `(f64.ne ${args(x)})`,
};

const instructionOf = (e: Extract<Expr, { kind: "prim" }>): ((list: readonly string[]) => string) | undefined =>
  (e.args.every((a) => isInt(a.dtype)) ? INT : FLOAT)[e.prim];

const writable = (e: Expr): boolean => e.kind !== "prim" || instructionOf(e) !== undefined;

/** How a host function gives and wasm keeps it: i32 for int32 and bool, f64 for both floats. */
const typeOf = (d: DType): "i32" | "f64" => (isInt(d) ? "i32" : "f64");

export class Scalars {
  /** Numbers that JavaScript puts into the frame before each run. */
  readonly given: Cell[] = [];
  /** Numbers that the host computes during the run, after it is told the loops' indices. */
  readonly asked: Cell[] = [];
  private readonly known = new Map<Expr | string, Cell>();

  /** Cells are 8 bytes, from `place()` on. `indices`: the texts of the loop indices by scalar, filled while loops are written. */
  constructor(private readonly scalarInputs: number, private readonly place: () => number, private readonly indices: ReadonlyMap<number, string>) {}

  private isGiven(e: Expr): boolean {
    return scalarsIn(e).every((s) => s < this.scalarInputs);
  }

  /** The cell that the host has to fill before the expression can be read, or null: most can be written as arithmetic. */
  cellFor(e: Expr): Cell | null {
    if (this.isGiven(e) || (!isLong(e, MOST_NODES) && postorder([e]).every((x) => writable(x) || this.isGiven(x)))) return null;
    return this.cell(e, this.asked);
  }

  private cell(expr: Expr, list: Cell[]): Cell {
    const key = isLong(expr, MOST_NODES) ? expr : `${expr.dtype} ${keyOf(expr)}`;
    const found = this.known.get(key) ?? { expr, offset: this.place() };
    if (!this.known.has(key)) list.push(found);
    this.known.set(key, found);
    return found;
  }

  /** The value as a kernel's parameter: i32, f32 or f64. */
  param(e: Expr): string {
    const text = this.text(e);
    return e.dtype === "float32" ? `(f32.demote_f64 ${text})` : text;
  }

  /** The value as i32 (int32, bool) or f64 (floats). */
  text(e: Expr): string {
    if (e.kind === "const") return `(${typeOf(e.dtype)}.const ${literal(e.value)})`;
    if (this.isGiven(e)) return read(this.cell(e, this.given));
    const asked = this.cellFor(e);
    if (asked) return read(asked);
    switch (e.kind) {
      case "scalar": return this.indices.get(e.id) ?? impossible(`loop index s${e.id} is read outside its loop`);
      case "cast": return convert(this.text(e.arg), e.arg.dtype, e.dtype);
      case "prim": return this.primitive(e);
      default: return impossible(`a host scalar cannot read ${e.kind}`);
    }
  }

  private primitive(e: Extract<Expr, { kind: "prim" }>): string {
    const write = instructionOf(e) ?? impossible(`${e.prim} is not written`);
    const ints = e.args.every((a) => isInt(a.dtype));
    const result = write(e.args.map((a) => (ints ? this.text(a) : convert(this.text(a), a.dtype, "float64"))));
    return e.dtype === "float32" ? rounded(result) : e.dtype === "bool" ? convert(result, "int32", "bool") : result;
  }
}

const read = ({ expr, offset }: Cell): string => `(${typeOf(expr.dtype)}.load offset=${offset} (local.get $frame))`;

const rounded = (x: string): string => `(f64.promote_f32 (f32.demote_f64 ${x}))`;

function convert(x: string, from: DType, to: DType): string {
  if (to === "bool") return isInt(from) ? `(i32.ne ${x} (i32.const 0))` : `(f64.ne ${x} (f64.const 0))`;
  // Modulo 2^32, as JavaScript has it, for all that fits 64 bits.
  if (to === "int32") return isInt(from) ? x : `(i32.wrap_i64 (i64.trunc_sat_f64_s ${x}))`;
  const wide = isInt(from) ? `(f64.convert_i32_s ${x})` : x;
  return to === "float32" ? rounded(wide) : wide;
}
