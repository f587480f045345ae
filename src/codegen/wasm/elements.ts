/**
 * Writes a kernel's expressions at a point of its domain: loads, primitives, stores, for one element or four neighbours. Every node is written
 * once, before the outermost loop in which it does not change. Must not know loops or passes. Used by kernels.ts and gemm.ts.
 */
import { impossible } from "../../util/fail.js";
import { sizeOf } from "../ir/dtype.js";
import { axes, type Axis, children, type Expr, type Load, postorder, type PrimExpr, type RedAxis } from "../ir/expr.js";
import { flatten, rangeOf } from "../ir/index.js";
import { type Kernel, rootsOf } from "../ir/kernel.js";
import { Addresses } from "./addresses.js";
import type { PassParams } from "./code.js";
import { constantValue, convert, settle, widen } from "./convert.js";
import { type AxisId, flattenLoads, isAxis, isDivision, isProven, laneStride, type Point, positionOf, rowOfSix, strideOf } from "./flat.js";
import type { Value } from "./lanes.js";
import { gatherFour, loadFour, loadOne, storeFour, storeOne } from "./memory_access.js";
import { gatherRows6 } from "./mrg.js";
import { primValue } from "./prims.js";
import { add, type Func, i32, Known } from "./wat.js";

export type { Point } from "./flat.js";

/** What a node depends on: its value at two points is the same where these are. */
interface Dependence { readonly leaves: readonly Expr[]; readonly uses: number }

export class Elements {
  private readonly flat = new Map<Expr, Expr>();
  private readonly dependences = new Map<Expr, Dependence>();
  private readonly ids = new Map<Expr, number>();
  private readonly known: Known<Value>;
  private readonly sixes: Known<readonly string[]>;
  private readonly addresses: Addresses;
  private readonly positions: Expr;

  /** `inline`: whether exp, log … are written in place. */
  constructor(
    private readonly fn: Func, private readonly kernel: Kernel, private readonly params: PassParams, private readonly library: Map<string, string>,
    private readonly inline: "inline" | "call" = "call",
  ) {
    this.positions = flatten(axes(kernel.domain), kernel.domain);
    this.prepare([...rootsOf(kernel), this.positions]);
    this.known = new Known(fn);
    this.sixes = new Known(fn);
    this.addresses = new Addresses(fn, (e, point) => this.single(e, point));
  }

  private prepare(roots: readonly Expr[]): void {
    const made = flattenLoads(roots, this.kernel.params);
    roots.forEach((r, n) => this.flat.set(r, made[n] as Expr));
    const order = postorder(made);
    const uses = new Map<Expr, number>();
    for (const e of [...order.flatMap((o) => [...children(o)]), ...made]) uses.set(e, (uses.get(e) ?? 0) + 1);
    for (const e of order) {
      if (this.dependences.has(e)) continue;
      const leaves = new Set(children(e).flatMap((k) => [...(this.dependences.get(k) as Dependence).leaves]));
      if (e.kind === "axis" || e.kind === "red" || e.kind === "acc") leaves.add(e);
      this.dependences.set(e, { leaves: [...leaves], uses: uses.get(e) ?? 0 });
      this.ids.set(e, this.ids.size);
    }
  }

  /** The value of a term or result, in variables or constants. Four lanes where `lane` is given and it differs among them, else one. */
  value(e: Expr, point: Point): Value {
    if (!this.flat.has(e)) this.prepare([e]);
    return settle(this.fn, this.node(this.flat.get(e) as Expr, point));
  }

  /** One element as four equal ones, where it is one. */
  widen(v: Value): Value {
    return settle(this.fn, widen(this.fn, v));
  }

  /** Evaluates all results at a point and stores them. */
  storeResults(point: Point): void {
    const { kernel, fn } = this;
    const position = this.flat.get(this.positions) as Expr;
    const values = kernel.results.map((r) => this.value(r, point));
    values.forEach((v, n) => {
      const base = this.params.results[n] as string;
      const stride = point.lane?.kind === "axis" ? strideOf(position, point.lane) : null;
      const address = this.addresses.at({ base, position, dtype: v.dtype, point });
      if (point.lane === null || stride === null) storeOne(fn, address, v);
      else storeFour(fn, address, stride, settle(fn, widen(fn, v)));
    });
  }

  private textOf(leaf: Expr, point: Point): string {
    if (leaf.kind === "acc") return point.acc?.parts.join(" ") ?? impossible("no accumulator at this point");
    const { axis } = leaf as Axis | RedAxis;
    return (leaf.kind === "axis" ? point.axes[axis] : point.reds?.[axis]) ?? impossible(`axis ${axis} is not known here`);
  }

  /** The outermost depth at which a node's value is known, and what tells it from its value at other points. */
  private place(e: Expr, point: Point): { depth: number; key: string } {
    let depth = 0;
    let key = String(this.ids.get(e));
    for (const leaf of (this.dependences.get(e) as Dependence).leaves) {
      const text = this.textOf(leaf, point);
      const lanes = point.lane !== null && isAxis(leaf, point.lane) ? "*" : "";
      depth = leaf.kind === "acc" ? this.fn.depth : Math.max(depth, this.fn.depthOf(text));
      key += `,${leaf.kind}${"axis" in leaf ? leaf.axis : ""}=${text}${lanes}`;
    }
    return { depth, key };
  }

  private node(e: Expr, point: Point): Value {
    if (e.kind === "const") return constantValue(e.value, e.dtype);
    if (e.kind === "scalar") return { dtype: e.dtype, lanes: 1, parts: [this.params.scalars[e.id] as string] };
    if (e.kind === "acc") return convert(this.fn, point.acc ?? impossible("no accumulator at this point"), e.dtype);
    if ((e.kind === "axis" || e.kind === "red") && !(point.lane !== null && isAxis(e, point.lane))) return { dtype: "int32", lanes: 1, parts: [this.textOf(e, point)] };
    const { depth, key } = this.place(e, point);
    const known = this.known.find(key);
    if (known) return known;
    const here = depth >= this.fn.depth;
    return this.fn.outside(depth, () => {
      const made = this.write(e, point);
      const { uses } = this.dependences.get(e) as Dependence;
      return uses <= 1 && here ? made : this.known.keep(key, settle(this.fn, made));
    });
  }

  private write(e: Expr, point: Point): Value {
    switch (e.kind) {
      case "axis":
      case "red": return { dtype: "int32", lanes: 4, parts: [`(i32x4.add (i32x4.splat ${this.textOf(e, point)}) (v128.const i32x4 0 1 2 3))`] };
      case "load": return this.load(e, point);
      case "cast": return convert(this.fn, this.node(e.arg, point), e.dtype);
      case "prim": {
        const stride = isDivision(e) && this.varies(e, point) ? this.neighbourStride(e, point) : null;
        if (stride !== null) return this.neighbours(e, stride, point);
        const args = e.args.map((a) => this.node(a, point));
        const natural = naturalDivision(e, args);
        if (natural) return natural;
        return primValue({ fn: this.fn, library: this.library, inline: this.inline === "inline" }, e.prim, args, e.dtype);
      }
      default: return impossible(`${e.kind} is no node to write`);
    }
  }

  /** An integer of which the first of four neighbours tells the others. */
  private neighbours(e: Expr, stride: number, point: Point): Value {
    const first = this.single(e, point).text;
    if (stride === 0) return { dtype: "int32", lanes: 1, parts: [first] };
    return { dtype: "int32", lanes: 4, parts: [`(i32x4.add (i32x4.splat ${first}) (v128.const i32x4 0 ${stride} ${2 * stride} ${3 * stride}))`] };
  }

  /** How a position moves among the four lanes; null where that is not known. */
  private neighbourStride(position: Expr, { lane }: Point): number | null {
    const byAcc = (this.dependences.get(position) as Dependence).leaves.some((l) => l.kind === "acc");
    return lane === null || byAcc ? null : laneStride(position, lane);
  }

  /** Whether a node may differ among the four lanes. */
  private varies(e: Expr, point: Point): boolean {
    const { lane } = point;
    return (this.dependences.get(e) as Dependence).leaves.some((l) => (lane !== null && isAxis(l, lane)) || (l.kind === "acc" && point.acc?.lanes === 4));
  }

  private load(e: Load, point: Point): Value {
    const base = this.params.buffers[e.buffer] as string;
    const length = sizeOf(this.kernel.params[e.buffer]?.shape ?? []);
    const position = positionOf(e);
    const at = { base, position, dtype: e.dtype, point };
    const last = isProven(e) ? null : Math.max(length - 1, 0);
    const stride = this.varies(position, point) ? this.neighbourStride(position, point) : 0;
    if (stride === 0) return loadOne(e.dtype, last === null ? this.addresses.at(at) : this.addresses.within(at, 0, last));
    const six = stride === 6 && e.dtype === "int32" && last === null ? rowOfSix(position, point.lane as AxisId) : null;
    if (six) return this.columnOfSix(base, six.row, six.column, point);
    if (stride !== null && last === null) return loadFour(this.fn, e.dtype, this.addresses.at(at), stride);
    // Three of the four may lie before or after the buffer, where memory may be read; two registers of float64 would reach too far.
    if (stride === 1 && e.dtype !== "float64") return loadFour(this.fn, e.dtype, this.addresses.within(at, -3, last ?? 0), 1);
    return gatherFour(this.fn, e.dtype, base, settle(this.fn, widen(this.fn, this.node(position, point))), last);
  }

  /** Rows of six are the states of MRG31k3p, of which a draw reads four columns: they are transposed together. */
  private columnOfSix(base: string, row: Expr, column: number, point: Point): Value {
    if (!this.dependences.has(row)) this.prepare([row]);
    const address = this.addresses.at({ base, position: this.flat.get(row) ?? row, dtype: "int32", point });
    const start = add(address.text, i32(address.offset));
    const columns = this.sixes.find(start) ?? this.sixes.keep(start, gatherRows6(this.fn, this.fn.let("i32", start)));
    return { dtype: "int32", lanes: 4, parts: [columns[column] as string] };
  }

  /** An integer that is the same for all lanes. */
  private single(e: Expr, point: Point): { text: string; depth: number } {
    const first = { ...point, lane: null };
    const v = settle(this.fn, this.node(e, first));
    return { text: v.parts[0] as string, depth: this.place(e, first).depth };
  }
}

/** Division by a positive constant of what is never negative, where no correction is needed; of four lanes by a power of two. */
function naturalDivision(e: PrimExpr, [x]: readonly Value[]): Value | null {
  const [dividend, divisor] = e.args;
  if (!isDivision(e) || x?.dtype !== "int32" || divisor?.kind !== "const") return null;
  const d = divisor.value;
  if (d <= 0 || rangeOf(dividend as Expr).min < 0) return null;
  if (x.lanes === 1) return { ...x, parts: [`(i32.${e.prim === "mod" ? "rem_u" : "div_u"} ${x.parts[0]} (i32.const ${d}))`] };
  if (!Number.isInteger(Math.log2(d))) return null;
  return { ...x, parts: [e.prim === "mod" ? `(v128.and ${x.parts[0]} (i32x4.splat (i32.const ${d - 1})))` : `(i32x4.shr_u ${x.parts[0]} (i32.const ${Math.log2(d)}))`] };
}
