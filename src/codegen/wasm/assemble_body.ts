/**
 * The code of one function: instructions, folded or plain, to bytes in one pass. Must not know modules. Used by assemble.ts.
 */
import { impossible } from "../../util/fail.js";
import { Bytes } from "./bytes.js";
import { type Instruction, INSTRUCTIONS } from "./opcodes.js";
import { CLOSE, declarations, DOLLAR, OPEN, Reader, typeByte } from "./wat_reader.js";

/** A function's params, and where in the text its body is. */
export interface Head { readonly params: readonly string[]; readonly names: readonly string[]; readonly body: number; readonly end: number }

const NONE: ReadonlyMap<string, number> = new Map();

export class Body {
  private readonly out = new Bytes();
  private readonly r: Reader;
  private readonly locals = new Map<string, number>();
  private readonly labels: string[] = [];

  constructor(text: string, private readonly head: Head, private readonly functions: ReadonlyMap<string, number>) {
    this.r = new Reader(text, head.end);
    this.r.at = head.body;
    head.names.forEach((name, n) => { this.locals.set(name, n); });
  }

  write(): Bytes {
    const { r, out } = this;
    const groups: { type: string; count: number }[] = [];
    let next = this.head.params.length;
    declarations(r, ["local"], (_, name, type) => {
      this.locals.set(name, next++);
      const last = groups.at(-1);
      if (last?.type === type) last.count++;
      else groups.push({ type, count: 1 });
    });
    out.unsigned(groups.length);
    for (const g of groups) {
      out.unsigned(g.count);
      out.byte(typeByte(r, g.type));
    }
    this.sequence();
    out.byte(0x0b);
    return out;
  }

  /** Instructions up to a closing parenthesis, or to the end of the function. */
  private sequence(): void {
    const { r } = this;
    for (let c = r.peek(); c !== 0 && c !== CLOSE; c = r.peek()) {
      if (c === OPEN) this.folded();
      else {
        const { bytes, immediate, align } = this.instruction(r.word());
        this.out.list(bytes);
        this.immediate(immediate, align);
      }
    }
  }

  private instruction(name: string): Instruction {
    return INSTRUCTIONS.get(name) ?? this.r.wrong(`no instruction '${name}'`);
  }

  /** `(instruction immediates operands)`: the operands come first. */
  private folded(): void {
    const { r, out } = this;
    r.need(OPEN);
    const name = r.word();
    const { bytes, immediate, align } = this.instruction(name);
    if (immediate === "block") {
      this.block(name, bytes);
      return;
    }
    // Immediates come before operands in the text and behind them in the code.
    const from = r.at;
    if (immediate !== "none") r.skipWords();
    while (r.peek() === OPEN) this.folded();
    r.need(CLOSE);
    const behind = r.at;
    out.list(bytes);
    r.at = from;
    this.immediate(immediate, align);
    r.at = behind;
  }

  private block(name: string, bytes: readonly number[]): void {
    const { r, out } = this;
    const label = r.peek() === DOLLAR ? r.word() : "";
    let type = 0x40;
    declarations(r, ["result"], (_, __, t) => { type = typeByte(r, t); });
    if (name === "if") while (!r.text.startsWith("(then", r.peek() === OPEN ? r.at : r.wrong("no then"))) this.folded();
    out.list(bytes);
    out.byte(type);
    this.labels.push(label);
    if (name === "if") this.branches();
    else this.sequence();
    this.labels.pop();
    r.need(CLOSE);
    out.byte(0x0b);
  }

  private branches(): void {
    const { r } = this;
    this.branch("then");
    if (r.peek() !== OPEN) return;
    this.out.byte(0x05);
    this.branch("else");
  }

  private branch(name: string): void {
    const { r } = this;
    r.need(OPEN);
    if (r.word() !== name) r.wrong(`no ${name}`);
    this.sequence();
    r.need(CLOSE);
  }

  private immediate(kind: Instruction["immediate"], align: number): void {
    const { r, out } = this;
    switch (kind) {
      case "none": break;
      case "local": out.unsigned(this.find(this.locals, r.word())); break;
      case "function": out.unsigned(this.find(this.functions, r.word())); break;
      case "label": out.unsigned(this.label(r.word())); break;
      case "i32": out.signed(Number(r.word())); break;
      case "i64": out.signed(BigInt(r.word())); break;
      case "f32": out.float(floatOf(r.word()), 4); break;
      case "f64": out.float(floatOf(r.word()), 8); break;
      case "v128": this.vector(r.word()); break;
      case "lane": out.byte(Number(r.word())); break;
      case "lanes": for (let n = 0; n < 16; n++) out.byte(Number(r.word())); break;
      case "memory": this.access(align); break;
      case "memoryLane":
        this.access(align);
        out.byte(Number(r.word()));
        break;
      case "zero": case "fence": out.byte(0); break;
      case "zeros": out.list([0, 0]); break;
      case "block": r.wrong("blocks are written in parentheses");
    }
  }

  /** How many blocks are between here and the innermost one of that name. */
  private label(word: string): number {
    const at = this.labels.lastIndexOf(word);
    return at >= 0 ? this.labels.length - 1 - at : this.find(NONE, word);
  }

  private find(names: ReadonlyMap<string, number>, word: string): number {
    return names.get(word) ?? (/^\d+$/.test(word) ? Number(word) : this.r.wrong(`no ${word}`));
  }

  private access(natural: number): void {
    const { r, out } = this;
    let offset = 0;
    let align = natural;
    for (let c = r.peek(); c === 111 || c === 97; c = r.peek()) {
      const [name, value] = r.word().split("=") as [string, string];
      if (name === "offset") offset = Number(value);
      else align = Math.log2(Number(value));
    }
    out.unsigned(align);
    out.unsigned(offset);
  }

  private vector(shape: string): void {
    const { r, out } = this;
    const lanes = Number(shape.split("x")[1]);
    const bytes = (16 / lanes) as 1 | 2 | 4 | 8;
    for (let n = 0; n < lanes; n++) {
      const word = r.word();
      if (shape.startsWith("f")) out.float(floatOf(word), bytes as 4 | 8);
      else out.fixed(word.startsWith("-") ? -BigInt(word.slice(1)) : BigInt(word), bytes);
    }
  }
}

function floatOf(word: string): number {
  const bare = word.replace(/^[-+]/, "");
  const size = bare === "inf" ? Number.POSITIVE_INFINITY : bare === "nan" ? Number.NaN : Number(bare);
  if (bare !== "nan" && Number.isNaN(size)) impossible(`WebAssembly text: '${word}' is no number`);
  return word.startsWith("-") ? -size : size;
}
