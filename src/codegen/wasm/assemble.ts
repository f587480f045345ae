/**
 * WebAssembly text -> binary, in one pass over the text: what modules of this folder are written in (functions, imports of functions and
 * memory, exports, a memory; folded or plain instructions). Twenty times as fast as assemblers that build a tree. Must not know plans.
 * Used by backend.ts and features.ts.
 */
import { Body, type Head } from "./assemble_body.js";
import { Bytes } from "./bytes.js";
import { CLOSE, declarations, DOLLAR, OPEN, Reader, typeByte, unquoted } from "./wat_reader.js";

interface Signature { readonly params: readonly string[]; readonly results: readonly string[] }

interface Func extends Head { readonly type: number }

class Assembler {
  private readonly types: Signature[] = [];
  private readonly imports = new Bytes();
  private importCount = 0;
  private readonly heads: Func[] = [];
  private readonly functions = new Map<string, number>();
  private readonly exports: { readonly name: string; readonly what: string; readonly of: string }[] = [];
  private memory: Bytes | null = null;

  constructor(private readonly r: Reader) {}

  module(): Uint8Array {
    const { r } = this;
    r.need(OPEN);
    if (r.word() !== "module") r.wrong("no module");
    while (r.take(OPEN)) this.field(r.word());
    r.need(CLOSE);
    const code = new Bytes();
    code.unsigned(this.heads.length);
    for (const head of this.heads) code.sized(new Body(r.text, head, this.functions).write());
    return this.binary(code);
  }

  private field(kind: string): void {
    const { r } = this;
    if (kind === "func") this.heads.push(this.head());
    else if (kind === "import") this.import();
    else if (kind === "export") {
      const name = unquoted(r.word());
      r.need(OPEN);
      this.exports.push({ name, what: r.word(), of: r.word() });
      r.need(CLOSE);
      r.need(CLOSE);
    } else if (kind === "memory") this.memory = this.limits();
    else r.wrong(`no field '${kind}'`);
  }

  private head(): Func {
    const { r } = this;
    const name = this.name();
    this.functions.set(name, this.functions.size);
    if (r.peek() === OPEN && r.text.startsWith("(export", r.at)) {
      r.need(OPEN);
      r.word();
      this.exports.push({ name: unquoted(r.word()), what: "func", of: name });
      r.need(CLOSE);
    }
    const signature = this.signature();
    const body = r.at;
    r.skip();
    return { ...signature, type: this.type(signature), body, end: r.at - 1 };
  }

  private name(): string {
    return this.r.peek() === DOLLAR ? this.r.word() : `$${this.functions.size} nameless`;
  }

  private import(): void {
    const { r, imports } = this;
    imports.text(unquoted(r.word()));
    imports.text(unquoted(r.word()));
    r.need(OPEN);
    if (r.word() === "memory") {
      imports.byte(2);
      imports.list(this.limits().all());
    } else {
      const name = this.name();
      this.functions.set(name, this.functions.size);
      imports.byte(0);
      imports.unsigned(this.type(this.signature()));
      r.need(CLOSE);
    }
    r.need(CLOSE);
    this.importCount++;
  }

  /** `1`, `1 10`, `1 10 shared`, and the parenthesis that closes them. */
  private limits(): Bytes {
    const { r } = this;
    const made = new Bytes();
    const words: string[] = [];
    while (!r.take(CLOSE)) words.push(r.word());
    const [least = "0", most] = words;
    made.byte((words.includes("shared") ? 2 : 0) + (most === undefined ? 0 : 1));
    made.unsigned(Number(least));
    if (most !== undefined) made.unsigned(Number(most));
    return made;
  }

  private signature(): Signature & { readonly names: readonly string[] } {
    const params: string[] = [];
    const results: string[] = [];
    const names: string[] = [];
    declarations(this.r, ["param", "result"], (kind, name, type) => {
      if (kind === "param") names.push(name);
      (kind === "param" ? params : results).push(type);
    });
    return { params, results, names };
  }

  private type({ params, results }: Signature): number {
    const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((x, n) => x === b[n]);
    const known = this.types.findIndex((t) => same(t.params, params) && same(t.results, results));
    return known >= 0 ? known : this.types.push({ params, results }) - 1;
  }

  private binary(code: Bytes): Uint8Array {
    const made = new Bytes();
    made.list([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const section = (id: number, count: number, write: (b: Bytes) => void): void => {
      if (count === 0) return;
      const part = new Bytes();
      part.unsigned(count);
      write(part);
      made.byte(id);
      made.sized(part);
    };
    section(1, this.types.length, (b) => {
      for (const { params, results } of this.types) {
        b.byte(0x60);
        for (const list of [params, results]) {
          b.unsigned(list.length);
          b.list(list.map((t) => typeByte(this.r, t)));
        }
      }
    });
    section(2, this.importCount, (b) => b.list(this.imports.all()));
    section(3, this.heads.length, (b) => { for (const h of this.heads) b.unsigned(h.type); });
    section(5, this.memory ? 1 : 0, (b) => b.list((this.memory as Bytes).all()));
    section(7, this.exports.length, (b) => {
      for (const { name, what, of } of this.exports) {
        b.text(name);
        b.byte(what === "func" ? 0 : 2);
        b.unsigned(what === "func" ? (this.functions.get(of) ?? this.r.wrong(`no function ${of}`)) : 0);
      }
    });
    made.byte(10);
    made.sized(code);
    return made.all().slice();
  }
}

/** Throws `internal` where the text is not what this folder writes. */
export function assemble(text: string): Uint8Array {
  return new Assembler(new Reader(text)).module();
}
