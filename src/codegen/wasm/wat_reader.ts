/**
 * WebAssembly text as tokens: parentheses, words, strings, comments. Must not know instructions. Used by assemble.ts and assemble_body.ts.
 */
import { impossible } from "../../util/fail.js";
import { TYPES } from "./opcodes.js";

export const OPEN = 40;
export const CLOSE = 41;
/** `$`, with which names begin. */
export const DOLLAR = 36;
const QUOTE = 34;
const SEMICOLON = 59;

/** Reads tokens: parentheses, strings with their quotes, and words. */
export class Reader {
  at = 0;

  constructor(readonly text: string, readonly end = text.length) {}

  /** Skips blanks and comments; gives the next character's code, 0 at the end. */
  peek(): number {
    const { text } = this;
    for (; this.at < this.end; this.at++) {
      const c = text.charCodeAt(this.at);
      if (c === SEMICOLON) {
        const line = text.indexOf("\n", this.at);
        this.at = line < 0 ? this.end - 1 : line;
      } else if (c > 32) return c;
    }
    return 0;
  }

  /** Whether the next token is this character; takes it then. */
  take(c: number): boolean {
    if (this.peek() !== c) return false;
    this.at++;
    return true;
  }

  need(c: number): void {
    if (!this.take(c)) this.wrong(`expected '${String.fromCharCode(c)}'`);
  }

  word(): string {
    const c = this.peek();
    if (c === 0 || c === OPEN || c === CLOSE) this.wrong("expected a word");
    const { text, at } = this;
    this.at = c === QUOTE ? text.indexOf('"', at + 1) + 1 : this.wordEnd(at);
    return text.slice(at, this.at);
  }

  private wordEnd(from: number): number {
    let end = from;
    for (let c = this.text.charCodeAt(end); c > 32 && c !== OPEN && c !== CLOSE; c = this.text.charCodeAt(end)) end++;
    return end;
  }

  skipWords(): void {
    for (let c = this.peek(); c !== OPEN && c !== CLOSE && c !== 0; c = this.peek()) this.at = this.wordEnd(this.at);
  }

  /** To behind the parenthesis that closes the one just opened. */
  skip(): void {
    for (let depth = 1; depth > 0; this.at++) {
      const c = this.peek();
      if (c === OPEN) depth++;
      else if (c === CLOSE) depth--;
      else if (c === 0) this.wrong("a parenthesis is open");
    }
  }

  wrong(what: string): never {
    return impossible(`WebAssembly text: ${what} at '${this.text.slice(Math.max(0, this.at - 40), this.at + 40)}'`);
  }
}

export const unquoted = (word: string): string => word.slice(1, -1);

export const typeByte = (r: Reader, type: string): number => TYPES[type] ?? r.wrong(`no type ${type}`);

/** `(param $a i32) (param i32 i32) (result f64)`, or locals: calls `declare` for each. */
export function declarations(r: Reader, kinds: readonly string[], declare: (kind: string, name: string, type: string) => void): void {
  while (r.peek() === OPEN) {
    const start = r.at;
    r.at++;
    const kind = r.word();
    if (!kinds.includes(kind)) {
      r.at = start;
      return;
    }
    const named = r.peek() === DOLLAR ? r.word() : null;
    while (!r.take(CLOSE)) declare(kind, named ?? "", r.word());
  }
}
