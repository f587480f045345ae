/**
 * The pages teach with programs: each block of TypeScript that names a file is that file's text, and each file of docs/code is in a page, is
 * type-checked with the rest, runs, and prints what its comments say.
 */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { closeDevices } from "damo";
import * as kit from "damo/testing";
import { agrees, expectPromised, promised } from "./programs.js";

const read = (path: string): string => readFileSync(new URL(`../../docs/${path}`, import.meta.url), "utf8");
const PAGES = ["PORTING.md", "OPS.md", "TESTING.md"];
const FILES = readdirSync(new URL("../../docs/code", import.meta.url)).filter((f) => f.endsWith(".ts"));

/** The blocks of a page: ```ts code/name.ts … ```. */
const blocks = (page: string): [string, string][] => [...page.matchAll(/^```ts code\/(\S+)\n([\s\S]*?)^```$/gm)].map((m) => [m[1] as string, m[2] as string]);

afterAll(closeDevices);

test("blocks and comments are read", () => {
  expect(blocks("a\n```ts code/x.ts\nconst a = 1;\n```\n```ts\nno\n```\n")).toEqual([["x.ts", "const a = 1;\n"]]);
  expect(promised('console.log(f(1)); // 2\n  console.log("a"); // a b\nf().catch((e) => console.log(e)); // no\nconsole.log(1);\n')).toEqual(["2", "a b", "no"]);
  expect(promised("  console.log(x);\n  // [[1.]\n  //  [2.]]\nf(); // why\nf();\n// prints:\n// a\n//\n// b\n\n// no\n")).toEqual(["[[1.]\n [2.]]", "a\n\nb"]);
  expect([agrees("a (b) 3 s", "a (b) … s"), agrees("a (b) 3", "a (b) … s"), agrees("ab", "a."), agrees("1\n2\n3", "1…3")]).toEqual([true, false, false, true]);
});

test("every program is in a page, as it stands", () => {
  const found = PAGES.flatMap((page) => blocks(read(page)));
  expect(found.map(([name]) => name).sort()).toEqual([...FILES].sort());
  for (const [name, text] of found) expect(text, name).toBe(read(`code/${name}`));
});

describe("programs print what they promise", () => {
  test.each(FILES)("%s", (name) => expectPromised(new URL(`../../docs/code/${name}`, import.meta.url)), 200_000);
});

test("docs/TESTING.md says what every exported name of damo/testing does", () => {
  const page = read("TESTING.md");
  const source = readFileSync(new URL("../../src/testing/index.ts", import.meta.url), "utf8");
  const exported = [...source.matchAll(/^export (?:type )?\{(.*)\}/gm)].flatMap((m) => (m[1] as string).split(",").map((s) => s.replace("type ", "").trim()));
  expect(Object.keys(kit).filter((name) => !exported.includes(name))).toEqual([]);
  expect(exported.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
});

test("docs/OPS.md lists the primitives", async () => {
  const { element } = await import("damo");
  const page = read("OPS.md");
  expect(Object.keys(element).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test("the kinds of steps that TESTING.md names are those there are", async () => {
  const { KINDS } = await import("../../src/testing/steps.js");
  for (const kind of KINDS) expect(read("TESTING.md")).toContain(`\`${kind}\``);
});
