/**
 * docs/COVERAGE.md is what the script writes now, and everything it says is there is: each line of the ports runs (and is type-checked), no name
 * is claimed twice, and no name is both there and out of scope. First, that these checks can fail.
 */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { closeDevices } from "damo";
import { coverageSources } from "../../scripts/coverage/files.js";
import { NOTHING_TO_WRITE, OUT_OF_SCOPE } from "../../scripts/coverage/out_of_scope.js";
import { BEYOND_FUNCTIONS, FUNCTIONS } from "../../scripts/coverage/ports_functions.js";
import { BEYOND_TENSORS, TENSORS } from "../../scripts/coverage/ports_tensors.js";
import { coveragePage, coveredFiles, readCensus, readPorts, stateOf } from "../../scripts/coverage/report.js";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const sources = coverageSources(read);
const names = readCensus(sources.census);
const ports = { ...FUNCTIONS, ...TENSORS, ...BEYOND_FUNCTIONS, ...BEYOND_TENSORS };

afterAll(closeDevices);

describe("the page's parts", () => {
  const census = "1.8\tT.sum\t31\t8\ta.py\n1.8\tT.gone\t2\t1\tb.py\n1.9\tT.fft.rfft\t3\t1\tb.py\n1.2\tconfig.warn\t1\t1\tc.py\n";
  const text = 'x = {\n  "T.sum": () => T.sum(x, { axis: 1 }),\n  "a \\"b\\"": () => x.get("a"),\n};\n';

  test("ports are read line by line", () => {
    expect([...readPorts(text)]).toEqual([["T.sum", "T.sum(x, { axis: 1 })"], ['a "b"', 'x.get("a")']]);
  });
  test("a name is there, out of scope or missing", () => {
    const known = readPorts(text);
    expect(stateOf("T.sum", known, {}, {})).toEqual({ kind: "there", code: "T.sum(x, { axis: 1 })" });
    expect(stateOf("T.fft.rfft", known, {}, { "T.fft.rfft": "complex" })).toEqual({ kind: "out", why: "complex" });
    expect(stateOf("config.warn", known, { "config.warn": "old" }, {})).toEqual({ kind: "nothing", why: "old" });
    expect(stateOf("T.gone", known, {}, {})).toEqual({ kind: "missing" });
  });
  test("bounds of the covered files", () => {
    expect(coveredFiles([])).toEqual({ least: 208, most: 208 });
    expect(coveredFiles(readCensus(census).slice(1, 3))).toEqual({ least: 208 - 1 - 3, most: 205 });
    expect(coveredFiles(readCensus(census).slice(2))).toEqual({ least: 208 - 2 - 2, most: 205 });
  });
  test("the page changes with the ports", () => {
    const page = coveragePage({ census, ports: [text], nothingToWrite: { "config.warn": "old" }, outOfScope: {} });
    expect(page).toContain("| `T.sum` | 31 | `T.sum(x, { axis: 1 })` |");
    expect(page).toContain("| `T.gone` | 2 | **missing** |");
    expect(page).toContain("| `config.warn` | 1 | nothing to write: old |");
    expect(coveragePage({ census, ports: [], nothingToWrite: {}, outOfScope: {} })).not.toBe(page);
  });
});

test("docs/COVERAGE.md is up to date: npm run coverage writes it", () => {
  expect(read("docs/COVERAGE.md")).toBe(coveragePage(sources));
});

test("every port is a line that the page can show, under one name", () => {
  const lines = sources.ports.map(readPorts);
  expect(lines.flatMap((m) => [...m.keys()]).sort()).toEqual(Object.keys(ports).sort());
  expect(lines.reduce((n, m) => n + m.size, 0)).toBe(Object.keys(ports).length);
});

test("ports are of names of the census or listed as beyond it, and each name has one state", () => {
  const counted = new Set(names.map((n) => n.name));
  expect([...Object.keys(FUNCTIONS), ...Object.keys(TENSORS), ...Object.keys(NOTHING_TO_WRITE), ...Object.keys(OUT_OF_SCOPE)].filter((n) => !counted.has(n))).toEqual([]);
  expect([...Object.keys(BEYOND_FUNCTIONS), ...Object.keys(BEYOND_TENSORS)].filter((n) => counted.has(n))).toEqual([]);
  expect(Object.keys(ports).filter((n) => Object.hasOwn(OUT_OF_SCOPE, n) || Object.hasOwn(NOTHING_TO_WRITE, n))).toEqual([]);
  expect(Object.keys(NOTHING_TO_WRITE).filter((n) => Object.hasOwn(OUT_OF_SCOPE, n))).toEqual([]);
});

test.each(Object.entries(ports))("%s", async (_, port) => {
  expect(await port()).not.toBe(false);
});
