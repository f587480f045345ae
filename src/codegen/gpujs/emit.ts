/**
 * Writes the body of one gpu.js kernel: values as float constants at the loop level where they first can be computed, positions as integer
 * variables, loads inside loops as pointers that step. Must not know devices. Next: render.ts puts the body in a function.
 */
import { impossible } from "../../util/fail.js";
import { children, type Expr, type Load, postorder, type PrimExpr } from "../ir/expr.js";
import { type Affine, affine } from "./affine.js";
import { INLINE, ROWS, type Row, wantsCondition, wholeDiv } from "./prims.js";
import type { Target } from "./target.js";

/** Names of things that come from outside of the body. */
export interface Names {
  /** Integer code of a merged axis. */
  axis(n: number): string;
  /** A buffer's array and, in an arena, where it begins. */
  buffer(param: number): { readonly array: string; readonly base: string | null };
  scalar(id: number): string;
  special(value: number): string;
}

/** Code with its strength: atoms may be repeated, compound code not. */
interface Code { readonly text: string; readonly gives: "float" | "bool"; readonly atom: boolean }

interface Pointer { readonly name: string; readonly base: number }

/** The largest magnitude below which every whole number is a float32, and a literal is taken as it stands. */
const EXACT = 16777216;

export class Emitter {
  /** Statements in front of the loops, in each loop, and after them. */
  readonly statements: string[][];
  /** Statements that close each loop's iteration. */
  readonly steps: string[][];
  private readonly codes = new Map<Expr, Code>();
  private readonly levels = new Map<Expr, number>();
  private readonly ints = new Map<string, string>();
  private readonly pointers = new Map<string, Pointer>();
  private readonly parts = new Map<Expr, Affine>();
  private readonly uses = new Map<Expr, number>();
  private temps = 0;

  constructor(private readonly target: Target, private readonly names: Names, private readonly extents: readonly number[]) {
    this.statements = Array.from({ length: extents.length + 2 }, () => []);
    this.steps = Array.from({ length: extents.length + 1 }, () => []);
  }

  /** The level after the loops. */
  get after(): number {
    return this.extents.length + 1;
  }

  /** Generates code for the roots and everything they need. */
  emit(roots: readonly Expr[]): void {
    const order = postorder(roots);
    for (const e of order) this.levels.set(e, this.levelOf(e));
    for (const r of roots) this.uses.set(r, (this.uses.get(r) ?? 0) + 1);
    for (const e of [...order].reverse()) if (this.uses.has(e)) this.markChildren(e);
    this.makePointers(order.filter((e): e is Load => e.kind === "load" && this.uses.has(e)));
    for (const e of order) if (this.uses.has(e)) this.codes.set(e, this.settle(e, this.codeOf(e)));
  }

  /** Code of an emitted root as a float. */
  float(e: Expr): string {
    return this.asFloat(this.codes.get(e) as Code);
  }

  /** Names a float at a level. */
  name(code: string, level: number): string {
    const t = `t${this.temps++}`;
    this.list(level).push(`const ${t} = ${code};`);
    return t;
  }

  private list(level: number): string[] {
    return this.statements[level] as string[];
  }

  private levelOf(e: Expr): number {
    if (e.kind === "red") return e.axis + 1;
    if (e.kind === "scalar") return e.id < 0 ? this.after : 0;
    return children(e).reduce((l, k) => Math.max(l, this.levels.get(k) as number), 0);
  }

  private markChildren(e: Expr): void {
    const use = (x: Expr): void => { this.uses.set(x, (this.uses.get(x) ?? 0) + 1); };
    if (e.kind === "prim" || e.kind === "cast") children(e).forEach(use);
    if (e.kind === "load") {
      const p = affine(e.index[0] as Expr);
      this.parts.set(e, p);
      for (const o of p.opaque) this.markInt(o.factor, use);
    }
  }

  private markInt(e: Expr, use: (x: Expr) => void): void {
    if (isNativeInt(e)) for (const k of children(e)) this.markInt(k, use);
    else if (isWholeDivision(e)) this.markInt(children(e)[0] as Expr, use);
    else if (!isIntLeaf(e)) use(e);
  }

  private makePointers(loads: readonly Load[]): void {
    const groups = new Map<string, { part: Affine; buffer: number; base: number }>();
    const keys = new Map<Load, string>();
    for (const l of loads) {
      const part = this.parts.get(l) as Affine;
      if (part.reds.size === 0 || part.opaque.some((o) => (this.levels.get(o.factor) as number) > 0)) continue;
      const key = `${l.buffer} ${sorted(part.axes)} ${sorted(part.reds)} ${part.opaque.map((o) => `${o.coefficient}*${this.idOf(o.factor)}`).join(" ")}`;
      keys.set(l, key);
      const base = Math.min(part.constant, groups.get(key)?.base ?? part.constant);
      groups.set(key, { part, buffer: l.buffer, base });
    }
    this.pointerKeys = keys;
    this.pointerGroups = groups;
  }

  private pointerKeys = new Map<Load, string>();
  private pointerGroups = new Map<string, { part: Affine; buffer: number; base: number }>();
  private readonly ids = new Map<Expr, number>();

  private idOf(e: Expr): number {
    const id = this.ids.get(e) ?? this.ids.size;
    this.ids.set(e, id);
    return id;
  }

  /** Keeps compound code inline only where it is used once and at the level where it is computed. */
  private settle(e: Expr, c: Code): Code {
    if (c.atom || (this.uses.get(e) as number) < 2) return c;
    return { text: this.name(this.asFloat(c), this.levels.get(e) as number), gives: "float", atom: true };
  }

  private asFloat(c: Code): string {
    return c.gives === "bool" ? `(${c.text} ? 1 : 0)` : c.text;
  }

  private asCondition(c: Code): string {
    // WebGPU's `!==` is false for NaN.
    return c.gives === "bool" ? c.text : `!(${c.atom ? c.text : `(${c.text})`} === 0)`;
  }

  private codeOf(e: Expr): Code {
    switch (e.kind) {
      case "const": return { text: this.literal(e.value), gives: "float", atom: true };
      case "axis":
      case "red": return this.floatOfInt(e);
      case "scalar":
        if (e.id < 0) return { text: `acc${-1 - e.id}`, gives: "float", atom: true };
        return e.dtype === "int32" ? this.floatOfInt(e) : { text: this.names.scalar(e.id), gives: "float", atom: true };
      case "load": return { text: this.load(e), gives: "float", atom: false };
      case "cast": return this.castCode(e.dtype, e.arg);
      case "prim": return this.primCode(e);
      default: return impossible("an accumulator without a row");
    }
  }

  /** An integer as a float variable: mixing the two in one expression would make the whole expression integer in some modes. */
  private floatOfInt(e: Expr): Code {
    const level = this.levels.get(e) as number;
    const t = `t${this.temps++}`;
    this.list(level).push(`let ${t} = 0.5; ${t} = ${this.int(e)};`);
    return { text: t, gives: "float", atom: true };
  }

  private literal(v: number): string {
    const plain = Number.isFinite(v) && Math.abs(v) < EXACT && !Object.is(v, -0) && (v === 0 || Math.abs(v) > 1e-37);
    if (!plain) return this.names.special(v);
    return v < 0 ? `(${v})` : String(v);
  }

  private castCode(dtype: string, arg: Expr): Code {
    const c = this.argument(arg, this.levels.get(arg) as number);
    if (dtype === "bool") return c.gives === "bool" ? c : { text: `!(${c.text} === 0)`, gives: "bool", atom: false };
    if (dtype === "float32" && arg.dtype === "int32" && this.target.float64) return { text: `Math.fround(${this.asFloat(c)})`, gives: "float", atom: false };
    if (dtype !== "int32" || arg.dtype === "bool") return c.gives === "bool" ? { text: this.asFloat(c), gives: "float", atom: false } : c;
    const x = this.atom(c, this.levels.get(arg) as number);
    return { text: `(${x} < 0 ? Math.ceil(${x}) : Math.floor(${x}))`, gives: "float", atom: false };
  }

  private atom(c: Code, level: number): string {
    return c.atom ? c.text : this.name(this.asFloat(c), level);
  }

  /** A child's code for use at `level`: what can be computed further out is. */
  private argument(e: Expr, level: number): Code {
    const c = this.codes.get(e) as Code;
    const own = this.levels.get(e) as number;
    if (c.atom || own >= level) return c;
    const named: Code = { text: this.name(this.asFloat(c), own), gives: "float", atom: true };
    this.codes.set(e, named);
    return named;
  }

  private primCode(e: PrimExpr): Code {
    const row: Row = ROWS[e.prim];
    const level = this.levels.get(e) as number;
    const args = e.args.map((a, n) => {
      const c = this.argument(a, level);
      if (wantsCondition(e.prim, n)) return this.asCondition(c);
      if (!INLINE.has(e.prim)) return this.atom(c, level);
      return c.atom || c.gives === "bool" ? this.asFloat(c) : `(${c.text})`;
    });
    const scope = { target: this.target, dtype: e.dtype, name: (code: string) => this.name(code, level), special: (v: number) => this.names.special(v) };
    return { text: row.code(args, scope), gives: row.gives, atom: false };
  }

  private load(l: Load): string {
    const { array } = this.names.buffer(l.buffer);
    const key = this.pointerKeys.get(l);
    if (key === undefined) return `${array}[${this.position(this.parts.get(l) as Affine, l.buffer, 0)}]`;
    const p = this.pointer(key);
    const offset = (this.parts.get(l) as Affine).constant - p.base;
    return `${array}[${p.name}${offset === 0 ? "" : ` + ${offset}`}]`;
  }

  /** A variable that holds a load's position and moves on with each loop. */
  private pointer(key: string): Pointer {
    const found = this.pointers.get(key);
    if (found) return found;
    const { part, buffer, base } = this.pointerGroups.get(key) as { part: Affine; buffer: number; base: number };
    const start = this.position({ ...part, reds: new Map(), constant: base }, buffer, 0);
    const name = this.intVariable(start, 0, true);
    const at = (r: number): number => part.reds.get(r) ?? 0;
    this.extents.forEach((_, r) => {
      const inner = r + 1 < this.extents.length ? at(r + 1) * (this.extents[r + 1] as number) : 0;
      if (at(r) !== inner) this.steps[r + 1]?.push(`${name} += ${at(r) - inner};`.replace("+= -", "-= "));
    });
    const made = { name, base };
    this.pointers.set(key, made);
    return made;
  }

  /**
   * An integer variable. `this.output.x` is the one initial value after which gpu.js keeps a variable integer in every mode, and `++`
   * is what makes it integer; declared otherwise it becomes float32 in webasm and loses positions above 2^24.
   */
  private intVariable(code: string, level: number, moves = false): string {
    const known = moves ? undefined : this.ints.get(`${level} ${code}`);
    if (known) return known;
    const p = `p${this.temps++}`;
    this.list(level).push(`let ${p} = this.output.x; ${p}++; ${p} = ${code};`);
    if (!moves) this.ints.set(`${level} ${code}`, p);
    return p;
  }

  /** An integer variable from float code. */
  private intFromFloat(code: string, level: number): string {
    return this.intVariable(this.target.toInt ? `toInt(${code})` : code, level);
  }

  /** A loop's counter as an integer: a `for` leaves its own a float32 in webasm, whose positions in the one memory go beyond 2^24. */
  private counter(r: number): string {
    return this.target.arena ? this.intVariable(`k${r}`, r + 1) : `k${r}`;
  }

  private position(p: Affine, buffer: number, constant: number): string {
    const { base } = this.names.buffer(buffer);
    const terms: string[] = base === null ? [] : [base];
    const times = (code: string, c: number): string => (c === 1 ? code : c < 0 ? `${code} * (${c})` : `${code} * ${c}`);
    for (const [a, c] of p.axes) terms.push(times(this.names.axis(a), c));
    for (const [r, c] of p.reds) terms.push(times(this.counter(r), c));
    for (const o of p.opaque) terms.push(times(this.int(o.factor), o.coefficient));
    const offset = p.constant + constant;
    if (offset !== 0 || terms.length === 0) terms.push(String(offset));
    return terms.join(" + ").replaceAll("+ -", "- ");
  }

  /** Integer code of an index expression. */
  int(e: Expr): string {
    if (e.kind === "const") return e.value < 0 ? `(${e.value})` : String(e.value);
    if (e.kind === "axis") return this.names.axis(e.axis);
    if (e.kind === "red") return this.counter(e.axis);
    if (e.kind === "scalar" && e.dtype === "int32" && e.id >= 0) return this.names.scalar(e.id);
    const level = this.levels.get(e) as number;
    if (isNativeInt(e)) {
      const [a, b] = e.args.map((x) => this.int(x));
      const code = e.prim === "neg" ? `0 - ${a}` : `${a} ${e.prim === "add" ? "+" : e.prim === "sub" ? "-" : "*"} ${b}`;
      return this.intVariable(code, level);
    }
    if (isWholeDivision(e)) return this.wholeDivision(e, level);
    const c = this.codes.get(e) as Code;
    return this.intFromFloat(this.asFloat(c), level);
  }

  private wholeDivision(e: PrimExpr, level: number): string {
    const a = this.int(e.args[0] as Expr);
    const d = (e.args[1] as { value: number }).value;
    const q = this.divide(a, d, level);
    return e.prim === "floorDiv" ? q : this.intVariable(`${a} - ${q} * ${d}`, level);
  }

  /** Integer variable floor(a / d). */
  divide(a: string, d: number, level: number): string {
    const key = `${level} ${a} / ${d}`;
    const known = this.ints.get(key);
    if (known) return known;
    const f = `t${this.temps++}`;
    this.list(level).push(`let ${f} = 0.5; ${f} = ${a};`);
    const q = this.intFromFloat(wholeDiv(f, String(d), { target: this.target, name: (c) => this.name(c, level) }), level);
    this.ints.set(key, q);
    return q;
  }

  /** Integer variable for code that is an integer already. */
  integer(code: string, level: number): string {
    return this.intVariable(code, level);
  }
}

const sorted = (m: ReadonlyMap<number, number>): string => [...m].sort(([a], [b]) => a - b).map(([k, c]) => `${k}:${c}`).join(",");

const isIntLeaf = (e: Expr): boolean => e.kind === "const" || e.kind === "axis" || e.kind === "red" || (e.kind === "scalar" && e.dtype === "int32" && e.id >= 0);

const isNativeInt = (e: Expr): e is PrimExpr => e.kind === "prim" && e.dtype === "int32" && ["add", "sub", "mul", "neg"].includes(e.prim);

/** floorDiv and mod by a positive constant: exact in float32, done once per position. */
const isWholeDivision = (e: Expr): e is PrimExpr => {
  const d = e.kind === "prim" && e.dtype === "int32" && (e.prim === "floorDiv" || e.prim === "mod") ? e.args[1] : undefined;
  return d?.kind === "const" && d.value > 0;
};
