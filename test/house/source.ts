/**
 * Reads TypeScript text without a parser: blanks comments and literals so that the house's rules look at code only.
 * Must not know any rule; walk.ts and rules.ts ask it for stripped text and for the modules that a file imports.
 */

/** A place where a slash opens a regular expression and not a division: after these characters or words. */
const BEFORE_REGEX = /(^|[(,=:[!&|?{};<>+\-*%~]|\b(return|typeof|case|in|of|do|else|void|yield|await))$/;

interface Scan {
  readonly text: string;
  readonly keepStrings: boolean;
  at: number;
  out: string;
  /** For every open `${` of a template, the number of braces open inside it. */
  readonly braces: number[];
}

/** Keeps line breaks, so that line numbers of the stripped text are those of the file. */
function blank(s: string): string {
  return s.replace(/[^\n]/g, " ");
}

function take(scan: Scan, end: number, as: "code" | "blank"): void {
  const piece = scan.text.slice(scan.at, end);
  scan.out += as === "code" ? piece : blank(piece);
  scan.at = end;
}

/** The index just after the literal that `close` ends; a line break ends it too, so that a stray quote costs one line at most. */
function endOfLiteral(text: string, from: number, close: string): number {
  let inClass = false;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === "\n") return i;
    if (c === "\\") i++;
    else if (close === "/" && c === "[") inClass = true;
    else if (close === "/" && c === "]") inClass = false;
    else if (c === close && !inClass) return i + 1;
  }
  return text.length;
}

/** Blanks template text up to its closing backtick or to the next `${`, which is code again. */
function template(scan: Scan): void {
  for (let i = scan.at; i < scan.text.length; i++) {
    const c = scan.text[i];
    if (c === "\\") i++;
    else if (c === "`") {
      take(scan, i + 1, "blank");
      return;
    } else if (c === "$" && scan.text[i + 1] === "{") {
      take(scan, i + 2, "blank");
      scan.braces.push(0);
      return;
    }
  }
  take(scan, scan.text.length, "blank");
}

function brace(scan: Scan, c: string): void {
  const open = scan.braces.length - 1;
  const depth = scan.braces[open];
  take(scan, scan.at + 1, "code");
  if (depth === undefined) return;
  if (c === "{") scan.braces[open] = depth + 1;
  else if (depth > 0) scan.braces[open] = depth - 1;
  else {
    scan.braces.pop();
    template(scan);
  }
}

function slash(scan: Scan): void {
  const next = scan.text[scan.at + 1];
  if (next === "/") {
    const end = scan.text.indexOf("\n", scan.at);
    take(scan, end < 0 ? scan.text.length : end, "blank");
  } else if (next === "*") {
    const end = scan.text.indexOf("*/", scan.at + 2);
    take(scan, end < 0 ? scan.text.length : end + 2, "blank");
  } else if (BEFORE_REGEX.test(scan.out.slice(-80).trimEnd())) {
    take(scan, endOfLiteral(scan.text, scan.at + 1, "/"), "blank");
  } else take(scan, scan.at + 1, "code");
}

/** The text with comments, templates and regular expressions blanked, and quoted strings too unless they are to be kept. */
export function strip(text: string, options: { readonly keepStrings: boolean }): string {
  const scan: Scan = { text, keepStrings: options.keepStrings, at: 0, out: "", braces: [] };
  while (scan.at < text.length) {
    const c = text[scan.at] as string;
    if (c === "/") slash(scan);
    else if (c === '"' || c === "'") take(scan, endOfLiteral(text, scan.at + 1, c), options.keepStrings ? "code" : "blank");
    else if (c === "`") {
      take(scan, scan.at + 1, "blank");
      template(scan);
    } else if (c === "{" || c === "}") brace(scan, c);
    else take(scan, scan.at + 1, "code");
  }
  return scan.out;
}

export interface Imports {
  /** Leave out `import type … from` and `export type … from`, which the compiler erases. */
  readonly atRunTime: boolean;
}

/** Every module named by `from "m"`, `import "m"`, `import("m")` and `require("m")`, in order, without repeats. */
export function importsOf(text: string, { atRunTime }: Imports = { atRunTime: false }): string[] {
  let code = strip(text, { keepStrings: true });
  // What stands inside a string is text about code, such as a snippet to print: there, stripping leaves blanks.
  const bare = strip(text, { keepStrings: false });
  if (atRunTime) code = code.replace(/\b(import|export)\s+type\b(?!\s+from\b)[^"';]*["'][^"'\n]+["']/g, blank);
  const found = [...code.matchAll(/\b(?:from|import|require)\s*\(?\s*(["'])([^"'\n]+)\1/g)].filter((m) => bare[m.index] !== " ");
  return [...new Set(found.map((m) => m[2] as string))];
}
