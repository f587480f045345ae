/**
 * The written rules of the house that a reader can check in a file's text: length, opening comment, types, forbidden marks, packages.
 * Must not read the disk, so that the tests can show each rule failing; rules.test.ts feeds it the repository.
 */
import { importsOf, strip } from "./source.js";
import type { FileMap } from "./walk.js";

export const MAX_LINES = 400;

/** `any` in a type position; an op called `any` is no type. */
const ANY = /(:|\bas|<|\||\bextends)\s*any\b(?!\s*\()|\bany\s*\[\]/;
/** Marks that hide or postpone a problem; spelled in two parts so that this file passes its own rule. */
const MARKS = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "@ts-" + "ignore", "@ts-" + "nocheck", "biome-" + "ignore", "eslint-" + "disable"];
/** Paths that exist on one machine only. */
const MACHINE = /(["'`(\s])\/(work|home|root|Users|tmp)\//;

export function tooLong(files: FileMap): string[] {
  const count = (text: string) => text.replace(/\n$/, "").split("\n").length;
  return [...files].filter(([, text]) => count(text) >= MAX_LINES).map(([path, text]) => `${path}: ${count(text)} lines`);
}

export function withoutOpening(files: FileMap): string[] {
  return [...files].filter(([, text]) => !/^(#!.*\n)?\/\*\*[\s\S]*?\*\//.test(text)).map(([path]) => `${path}: opens with no doc comment`);
}

function eachLine(files: FileMap, read: (text: string) => string, test: (line: string) => boolean): string[] {
  const out: string[] = [];
  for (const [path, text] of files) {
    for (const [i, line] of read(text).split("\n").entries()) if (test(line)) out.push(`${path}:${i + 1}: ${line.trim()}`);
  }
  return out;
}

export function anyTypes(files: FileMap): string[] {
  return eachLine(
    files,
    (text) => strip(text, { keepStrings: false }),
    (line) => ANY.test(line),
  );
}

export function forbiddenMarks(files: FileMap): string[] {
  return eachLine(
    files,
    (text) => text,
    (line) => MARKS.some((m) => line.includes(m)) || MACHINE.test(line),
  );
}

/** `@types/x` and sub-paths name the package itself. */
export function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

export interface Packages {
  readonly used: FileMap;
  readonly declared: readonly string[];
}

/** Packages imported and not declared, and declared and not imported. Node's own modules carry the `node:` prefix. */
export function packageMismatches({ used, declared }: Packages): string[] {
  const out: string[] = [];
  const seen = new Set<string>();
  for (const [path, text] of used) {
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith(".") || specifier.startsWith("node:") || packageOf(specifier) === "damo") continue;
      seen.add(packageOf(specifier));
      if (!declared.includes(packageOf(specifier))) out.push(`${path}: imports ${specifier}, which package.json does not declare`);
    }
  }
  return [...out, ...declared.filter((d) => !seen.has(d)).map((d) => `package.json declares ${d}, which nothing imports`)];
}

export interface Lock {
  readonly packages: Readonly<Record<string, { readonly resolved?: string; readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

/**
 * Addresses other than the public registry's, and optional packages (other platforms' binaries) that the lock lacks: npm drops those when it updates
 * a lock beside an installed node_modules, and `npm ci` then refuses the lock.
 */
export function lockProblems({ packages }: Lock): string[] {
  const out: string[] = [];
  const known = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
  for (const [path, entry] of Object.entries(packages)) {
    if (entry.resolved && !entry.resolved.startsWith("https://registry.npmjs.org/")) out.push(`${path}: resolved to ${entry.resolved}`);
    for (const name of Object.keys(entry.optionalDependencies ?? {})) if (!known.has(name)) out.push(`${path}: the lock lacks ${name}`);
  }
  return out;
}
