/**
 * A WebAssembly function as text under construction: locals, statements, loops, and places before a loop where what does not change in it
 * goes. Expressions are folded WAT, `(f32.add (local.get $x) (local.get $y))`. Must not know kernels. Next: elements.ts writes with it.
 */

export type WasmType = "i32" | "i64" | "f32" | "f64" | "v128";

/** A block of the text. `before` is printed in front of it, inside the block around it. */
export interface Block {
  readonly open: string;
  readonly close: string;
  readonly before: (string | Block)[];
  readonly items: (string | Block)[];
}

const block = (open: string, close: string): Block => ({ open, close, before: [], items: [] });

/** A variable of a function. */
export interface Local {
  /** With its `$`. */
  readonly name: string;
  readonly get: string;
  /** Text of an assignment. */
  readonly set: (value: string) => string;
}

export const i32 = (n: number): string => `(i32.const ${n | 0})`;
/** Texts that cost nothing to repeat: variables and constants. */
export const isAtom = (text: string): boolean => /^\((local\.get|i32\.const|f32\.const|f64\.const|v128\.const) [^()]*\)$/.test(text);
export const call = (name: string, ...args: readonly string[]): string => `(call ${[name, ...args].join(" ")})`;
export const add = (a: string, b: string): string => (b === i32(0) ? a : a === i32(0) ? b : `(i32.add ${a} ${b})`);
export const times = (a: string, n: number): string => (n === 1 ? a : n > 0 && Number.isInteger(Math.log2(n)) ? `(i32.shl ${a} ${i32(Math.log2(n))})` : `(i32.mul ${a} ${i32(n)})`);

/** Of two signed i32, variables or constants. */
export const lesser = (a: string, b: string): string => `(select ${a} ${b} (i32.lt_s ${a} ${b}))`;
export const greater = (a: string, b: string): string => `(select ${a} ${b} (i32.gt_s ${a} ${b}))`;

/** A function of a module. */
export interface FunctionText { readonly name: string; readonly text: string }

export interface Param { readonly name: string; readonly type: WasmType }

export class Func {
  private readonly locals: string[] = [];
  private readonly body = block("", "");
  /** From the function's body to the block now written. */
  private chain: Block[] = [this.body];
  /** Where statements go that are written for an outer block while an inner one is open; null: to the innermost block. */
  private redirect: (string | Block)[] | null = null;
  private names = 0;
  private labels = 0;
  /** At which depth each variable that never changes inside a block is known. */
  private readonly depths = new Map<string, number>();

  /** `name` and the params' names start with `$`. */
  constructor(readonly name: string, private readonly params: readonly Param[], private readonly result: WasmType | null = null) {}

  /** How many blocks are around what is written now. */
  get depth(): number {
    return this.chain.length - 1;
  }

  /** The block now written, and those around it, from the outside. */
  get blocks(): readonly Block[] {
    return this.chain;
  }

  /** The depth from which on a variable has its value; 0 for parameters and constants. */
  depthOf(get: string): number {
    return this.depths.get(get) ?? 0;
  }

  local(type: WasmType, hint = "t"): Local {
    let name = `$${hint}${this.names++}`;
    while (this.params.some((p) => p.name === name)) name = `$${hint}${this.names++}`;
    this.locals.push(`(local ${name} ${type})`);
    // Unless `let` or `loop` says more, it may change anywhere.
    this.depths.set(`(local.get ${name})`, Number.POSITIVE_INFINITY);
    return { name, get: `(local.get ${name})`, set: (value) => `(local.set ${name} ${value})` };
  }

  private get sink(): (string | Block)[] {
    return this.redirect ?? (this.chain.at(-1) as Block).items;
  }

  line(text: string): void {
    this.sink.push(text);
  }

  /** What `write` writes goes into the block at a depth, before the block inside it that is open now. */
  outside<T>(depth: number, write: () => T): T {
    if (depth >= this.depth) return write();
    const { chain, redirect } = this;
    this.redirect = (chain[depth + 1] as Block).before;
    this.chain = chain.slice(0, depth + 1);
    const made = write();
    this.chain = chain;
    this.redirect = redirect;
    return made;
  }

  /** A variable that is set once, at the depth given. */
  let(type: WasmType, value: string, hint?: string, depth = this.depth): string {
    const v = this.local(type, hint);
    this.depths.set(v.get, Math.min(depth, this.depth));
    this.outside(depth, () => this.line(v.set(value)));
    return v.get;
  }

  private enter(open: string, close: string, write: () => void): void {
    const inner = block(open, close);
    const { redirect } = this;
    this.sink.push(inner);
    this.redirect = null;
    this.chain.push(inner);
    write();
    this.chain.pop();
    this.redirect = redirect;
  }

  /** `for (i = from; i < to; i += step)`, signed; texts of i32, evaluated once where they are not variables or constants. `write` gets `i`. */
  loop(from: string, to: string, step: number, write: (i: string) => void, hint = "i"): void {
    const end = isAtom(to) ? to : this.let("i32", to, "end");
    const i = this.local("i32", hint);
    const label = `$L${this.labels++}`;
    this.line(i.set(from));
    this.depths.set(i.get, this.depth + 1);
    this.enter(`(if (i32.lt_s ${i.get} ${end}) (then (loop ${label}`, ")))", () => {
      write(i.get);
      this.line(i.set(`(i32.add ${i.get} ${i32(step)})`));
      this.line(`(br_if ${label} (i32.lt_s ${i.get} ${end}))`);
    });
  }

  /** `for (k = first; k >= 0; k = next(k))`: what a list of places in memory holds. */
  follow(first: string, next: (k: string) => string, write: (k: string) => void): void {
    const k = this.local("i32", "k");
    const label = `$L${this.labels++}`;
    this.line(k.set(first));
    this.depths.set(k.get, this.depth + 1);
    this.enter(`(if (i32.ge_s ${k.get} (i32.const 0)) (then (loop ${label}`, ")))", () => {
      write(k.get);
      this.line(k.set(next(k.get)));
      this.line(`(br_if ${label} (i32.ge_s ${k.get} (i32.const 0)))`);
    });
  }

  when(condition: string, then: () => void, otherwise?: () => void): void {
    this.enter(`(if ${condition} (then`, otherwise ? ")" : "))", then);
    if (otherwise) this.enter("(else", "))", otherwise);
  }

  /** `result` is the text of the value that the function gives. */
  text(result?: string): string {
    const params = this.params.map((p) => ` (param ${p.name} ${p.type})`).join("");
    const head = `(func ${this.name}${params}${this.result ? ` (result ${this.result})` : ""}`;
    return [head, ...(this.locals.length > 0 ? [`  ${this.locals.join(" ")}`] : []), ...lines(this.body, "  "), ...(result ? [`  ${result}`] : []), ")"].join("\n");
  }
}

/** Values by key, each known in the block in which it was kept and in those inside it. */
export class Known<V> {
  private readonly tables = new WeakMap<Block, Map<string, V>>();

  constructor(private readonly fn: Func) {}

  find(key: string): V | undefined {
    for (const b of this.fn.blocks) {
      const found = this.tables.get(b)?.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** In the block that is written now. */
  keep(key: string, value: V): V {
    const home = this.fn.blocks.at(-1) as Block;
    const table = this.tables.get(home) ?? new Map<string, V>();
    this.tables.set(home, table.set(key, value));
    return value;
  }
}

function lines(b: Block, pad: string): string[] {
  return b.items.flatMap((item) => printed(item, pad));
}

function printed(item: string | Block, pad: string): string[] {
  if (typeof item === "string") return [pad + item];
  return [...item.before.flatMap((x) => printed(x, pad)), pad + item.open, ...lines(item, `${pad}  `), pad + item.close];
}
