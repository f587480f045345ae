/** Every numbered trap of Theano's semantics is named by the title of a test, so that none is lost. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const TRAPS = 39;

/** The numbers of `test("trap 17: …` in a text. */
const named = (text: string): number[] => [...text.matchAll(/^\s*test\("trap (\d+): /gm)].map((m) => Number(m[1]));

test("titles are read", () => {
  expect(named('  test("trap 17: a", f);\n// trap 3\ntest("trap 4", f);\ntest("trap 5: b", f);')).toEqual([17, 5]);
});

test("each of the traps has a test", () => {
  const folder = new URL("./", import.meta.url);
  const texts = readdirSync(folder).filter((f) => f.endsWith(".test.ts") && f !== "every_trap.test.ts").map((f) => readFileSync(new URL(f, folder), "utf8"));
  const found = new Set(texts.flatMap(named));
  expect(Array.from({ length: TRAPS }, (_, i) => i + 1).filter((n) => !found.has(n))).toEqual([]);
  expect([...found].filter((n) => n < 1 || n > TRAPS)).toEqual([]);
});
