/** The slow meaning of a kernel: expressions evaluated recursively by `evalPrim`, point by point. And kernels made from a tape of choices. */
import { allocate, castScalar, type DType, isInt, promote, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import { acc, axis, cast, constant, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { type BufferType, closeKernel, type BoundKernel, type Kernel, REDUCE_IDENTITY, type ReduceOp } from "../../../src/codegen/ir/kernel.js";
import { evalPrim, type Prim } from "../../../src/codegen/ir/prims.js";

export const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Every index of a shape, in row-major order. */
export function* points(shape: readonly number[]): Generator<number[]> {
  for (let n = 0; n < size(shape); n++) {
    const at: number[] = [];
    let rest = n;
    for (let a = shape.length - 1; a >= 0; a--) {
      at.unshift(rest % (shape[a] as number));
      rest = Math.floor(rest / (shape[a] as number));
    }
    yield at;
  }
}

/** How a device may differ from the meaning: in the rounding of each step and of operands in their common dtype, and in floats that no int32 holds. */
export interface Meaning { readonly round: (x: number, dtype: DType) => number; readonly cast: (x: number, dtype: DType) => number }
const EXACT: Meaning = { round: (x) => x, cast: castScalar };

export interface Point { readonly i: readonly number[]; readonly k: readonly number[]; readonly acc: number; readonly buffers: readonly TypedArray[]; readonly scalars: readonly number[] }

export function evalExpr(e: Expr, at: Point, params: readonly BufferType[], meaning = EXACT): number {
  const of = (x: Expr): number => evalExpr(x, at, params, meaning);
  switch (e.kind) {
    case "const": return e.value;
    case "axis": return at.i[e.axis] as number;
    case "red": return at.k[e.axis] as number;
    case "scalar": return at.scalars[e.id] as number;
    case "acc": return isInt(e.dtype) ? castScalar(at.acc, e.dtype) : at.acc;
    case "load": {
      const flat = e.index.reduce((f, x, a) => f * (params[e.buffer]?.shape[a] as number) + of(x), 0);
      const value = at.buffers[e.buffer]?.[flat];
      if (value === undefined) throw new Error(`out of bounds: ${flat}`);
      return value;
    }
    case "cast": return meaning.cast(of(e.arg), e.dtype);
    case "prim": {
      if (e.prim === "select") return meaning.round(of(e.args[of(e.args[0] as Expr) !== 0 ? 1 : 2] as Expr), e.dtype);
      const common = promote(...e.args.map((a) => a.dtype));
      return meaning.round(evalPrim(e.prim, e.args.map((a) => meaning.round(of(a), common)), e.dtype), e.dtype);
    }
  }
}

const COMBINE: Readonly<Record<ReduceOp, Prim>> = { sum: "add", prod: "mul", max: "max", min: "min" };

export function runNaive(kernel: Kernel, buffers: readonly TypedArray[], scalars: readonly number[], meaning = EXACT): TypedArray[] {
  const outs = kernel.results.map((r) => allocate(r.dtype, size(kernel.domain)));
  let n = 0;
  for (const i of points(kernel.domain)) {
    const red = kernel.reduction;
    let total = red ? REDUCE_IDENTITY[red.op] : 0;
    if (red) {
      for (const k of points(red.extents)) {
        const term = evalExpr(red.term, { i, k, acc: 0, buffers, scalars }, kernel.params, meaning);
        total = meaning.round(evalPrim(COMBINE[red.op], [total, isInt(red.dtype) ? meaning.cast(term, red.dtype) : term], red.dtype), red.dtype);
      }
    }
    kernel.results.forEach((r, o) => { (outs[o] as TypedArray)[n] = meaning.cast(evalExpr(r, { i, k: [], acc: total, buffers, scalars }, kernel.params, meaning), r.dtype); });
    n++;
  }
  return outs;
}

/** Exact in every IEEE arithmetic. */
const EXACT_UNARY: readonly Prim[] = ["neg", "abs", "sgn", "floor", "ceil", "roundHalfEven", "sqrt"];
const FLOAT_UNARY: readonly Prim[] = ["neg", "abs", "sgn", "floor", "ceil", "roundHalfEven", "sqrt", "exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "sigmoid", "softplus", "erf"];
const EXACT_BINARY: readonly Prim[] = ["add", "sub", "mul", "div", "min", "max"];
const FLOAT_BINARY: readonly Prim[] = ["add", "sub", "mul", "div", "floorDiv", "mod", "pow", "min", "max"];
const INT_BINARY: readonly Prim[] = ["add", "sub", "mul", "floorDiv", "mod", "min", "max"];
const TESTS: readonly Prim[] = ["lt", "le", "eq", "ne"];

/** A kernel from a tape: each number picks one of the choices at hand; an empty tape picks the simplest. */
export class KernelMaker {
  private at = 0;
  private readonly pool: Expr[] = [];
  private domain: number[] = [];
  private extents: number[] = [];
  private inTerm = false;

  /** `exact`: only primitives that have one right result in every dtype. */
  constructor(private readonly tape: readonly number[], private readonly types: readonly BufferType[], private readonly exact: "exact" | "any" = "any") {}

  private pick(n: number): number {
    return this.at < this.tape.length ? (this.tape[this.at++] as number) % n : 0;
  }

  private oneOf<T>(xs: readonly T[]): T {
    return xs[this.pick(xs.length)] as T;
  }

  /** An index in [0, extent): a plain axis where one fits, else something folded into range. */
  private index(extent: number, depth: number): Expr {
    const axes = [...this.domain.map((d, a) => [d, axis(a, d)] as const), ...(this.inTerm ? this.extents.map((d, a) => [d, redAxis(a, d)] as const) : [])];
    const fitting = axes.filter(([d]) => d === extent).map(([, e]) => e);
    if (fitting.length > 0 && this.pick(4) < 3) {
      const chosen = this.oneOf(fitting);
      return this.pick(4) === 1 ? prim("sub", constant(extent - 1, "int32"), chosen) : chosen;
    }
    return depth <= 0 ? constant(0, "int32") : prim("mod", this.int(depth - 1), constant(extent, "int32"));
  }

  private loadOf(wanted: (d: DType) => boolean, depth: number): Expr | null {
    const numbers = this.types.map((_, n) => n).filter((n) => wanted((this.types[n] as BufferType).dtype));
    if (numbers.length === 0) return null;
    const n = this.oneOf(numbers);
    const t = this.types[n] as BufferType;
    return this.keep(load(n, t.dtype, t.shape.map((d) => this.index(d, depth - 1))));
  }

  private keep(e: Expr): Expr {
    this.pool.push(e);
    return e;
  }

  private reuse(wanted: (d: DType) => boolean): Expr | null {
    const fit = this.pool.filter((e) => wanted(e.dtype));
    return fit.length > 0 && this.pick(5) === 1 ? this.oneOf(fit) : null;
  }

  int(depth: number): Expr {
    const wanted = (d: DType): boolean => d === "int32";
    const again = this.reuse(wanted);
    if (again) return again;
    if (depth <= 0) {
      const leaf = this.pick(4);
      if (leaf === 1 && this.domain.length > 0) return axis(0, this.domain[0] as number);
      if (leaf === 2 && this.inTerm && this.extents.length > 0) return redAxis(0, this.extents[0] as number);
      if (leaf === 3) return scalar(0, "int32");
      return constant(this.pick(7) - 3, "int32");
    }
    switch (this.pick(6)) {
      case 0: return this.loadOf(wanted, depth) ?? this.int(depth - 1);
      case 1: return this.keep(cast(this.float(depth - 1), "int32"));
      case 2: return this.keep(cast(this.test(depth - 1), "int32"));
      case 3: return this.keep(prim("select", this.test(depth - 1), this.int(depth - 1), this.int(depth - 1)));
      case 4: return this.keep(prim(this.oneOf(["neg", "abs", "sgn"] as const), this.int(depth - 1)));
      default: return this.keep(prim(this.oneOf(INT_BINARY), this.int(depth - 1), this.int(depth - 1)));
    }
  }

  test(depth: number): Expr {
    if (depth <= 0) return this.loadOf((d) => d === "bool", 0) ?? constant(this.pick(2), "bool");
    switch (this.pick(6)) {
      case 0: return this.keep(prim(this.oneOf(TESTS), this.float(depth - 1), this.float(depth - 1)));
      case 1: return this.keep(prim(this.oneOf(TESTS), this.int(depth - 1), this.int(depth - 1)));
      case 2: return this.keep(prim(this.oneOf(["and", "or"] as const), this.test(depth - 1), this.test(depth - 1)));
      case 3: return this.keep(prim(this.oneOf(["not", "isNan"] as const), this.pick(2) ? this.test(depth - 1) : this.float(depth - 1)));
      case 4: return this.keep(cast(this.float(depth - 1), "bool"));
      default: return this.keep(prim(this.oneOf(["add", "mul", "max"] as const), this.test(depth - 1), this.test(depth - 1)));
    }
  }

  float(depth: number): Expr {
    const wanted = (d: DType): boolean => d === "float32" || d === "float64";
    const again = this.reuse(wanted);
    if (again) return again;
    if (depth <= 0) return this.pick(3) === 1 ? scalar(1, "float32") : constant([0, -0, 1.5, -2, 0.1, Number.NaN, Number.POSITIVE_INFINITY][this.pick(7)] as number, this.pick(2) ? "float32" : "float64");
    switch (this.pick(7)) {
      case 0:
      case 1: return this.loadOf(wanted, depth) ?? this.float(depth - 1);
      case 2: return this.keep(prim(this.oneOf(this.exact === "exact" ? EXACT_UNARY : FLOAT_UNARY), this.float(depth - 1)));
      case 3: return this.keep(prim("select", this.test(depth - 1), this.float(depth - 1), this.float(depth - 1)));
      case 4: return this.keep(cast(this.pick(2) ? this.int(depth - 1) : this.float(depth - 1), this.pick(2) ? "float32" : "float64"));
      default: return this.keep(prim(this.oneOf(this.exact === "exact" ? EXACT_BINARY : FLOAT_BINARY), this.float(depth - 1), this.pick(3) ? this.float(depth - 1) : this.int(depth - 1)));
    }
  }

  private any(depth: number): Expr {
    const which = this.pick(5);
    return which < 3 ? this.float(depth) : which === 3 ? this.int(depth) : this.test(depth);
  }

  kernel(domain: number[], extents: number[] | null): BoundKernel {
    this.domain = domain;
    this.extents = extents ?? [];
    this.inTerm = true;
    const red = extents && this.reductionOf(extents);
    this.inTerm = false;
    this.pool.length = 0;
    const results: Expr[] = [];
    for (let n = 1 + this.pick(3); n > 0; n--) {
      if (red) this.pool.push(acc(red.dtype));
      results.push(red && this.pick(2) ? acc(red.dtype) : this.any(3));
    }
    return closeKernel(domain, red, results, (b) => this.types[b] as BufferType);
  }

  private reductionOf(extents: number[]) {
    const term = this.any(3);
    const op = this.oneOf(["sum", "prod", "max", "min"] as const);
    return { op, extents, term, dtype: this.pick(4) === 1 ? this.oneOf(["int32", "bool", "float64"] as const) : term.dtype };
  }
}
