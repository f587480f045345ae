/** The written rules of the house: first that the checkers can fail, then that the repository passes them. */
import { describe, expect, test } from "vitest";
import { readJson, readSources } from "./disk.js";
import { anyTypes, forbiddenMarks, type Lock, lockProblems, MAX_LINES, packageMismatches, packageOf, tooLong, withoutOpening } from "./rules.js";

const one = (text: string) => new Map([["a.ts", text]]);

describe("the checkers", () => {
  test("length", () => {
    expect(tooLong(one("x\n".repeat(MAX_LINES - 1)))).toEqual([]);
    expect(tooLong(one("x\n".repeat(MAX_LINES)))).toEqual([`a.ts: ${MAX_LINES} lines`]);
  });

  test("opening comment", () => {
    expect(withoutOpening(one("/**\n * Why.\n */\nconst a = 1;"))).toEqual([]);
    expect(withoutOpening(one("#!/usr/bin/env node\n/** Why. */"))).toEqual([]);
    expect(withoutOpening(one("// Why.\nconst a = 1;"))).toHaveLength(1);
    expect(withoutOpening(one("const a = 1; /** late */"))).toHaveLength(1);
  });

  test.each(["let a: any;", "f(x as any)", "Map<any, string>", "Map<string, number | any>", "const a: any[] = [];", "<T extends any>() => 1"])("any: %s", (code) => {
    expect(anyTypes(one(code))).toHaveLength(1);
  });
  test.each(["any(x, { axis: 1 })", "export { all, any };", "// as any", '"x as any"', "const anything: anyhow = 1;", "T.any"])("no any: %s", (code) => {
    expect(anyTypes(one(code))).toEqual([]);
  });

  test("forbidden marks", () => {
    const bad = ["// TO" + "DO later", "// @ts-" + "ignore", "// biome-" + "ignore lint: no", 'open("/home' + '/me/x")'];
    for (const line of bad) expect(forbiddenMarks(one(`ok\n${line}`))).toEqual([`a.ts:2: ${line}`]);
    expect(forbiddenMarks(one("const method = 1; // as the article does"))).toEqual([]);
  });

  test("packages", () => {
    const used = one('import { x } from "fast-check"; import "node:fs"; import "./b.js"; import "damo/models"; import "@scope/p/sub";');
    expect(packageMismatches({ used, declared: ["fast-check", "@scope/p"] })).toEqual([]);
    expect(packageMismatches({ used, declared: ["@scope/p"] })).toEqual(["a.ts: imports fast-check, which package.json does not declare"]);
    expect(packageMismatches({ used, declared: ["fast-check", "@scope/p", "left"] })).toEqual(["package.json declares left, which nothing imports"]);
    expect(packageMismatches({ used: one('import "fs";'), declared: [] })).toHaveLength(1);
    expect(packageOf("@a/b/c")).toBe("@a/b");
  });

  test("lock", () => {
    const good = { "": {}, "node_modules/a": { resolved: "https://registry.npmjs.org/a/-/a-1.tgz", optionalDependencies: { "@a/linux": "1" } } };
    expect(lockProblems({ packages: { ...good, "node_modules/a/node_modules/@a/linux": {} } })).toEqual([]);
    expect(lockProblems({ packages: good })).toEqual(["node_modules/a: the lock lacks @a/linux"]);
    expect(lockProblems({ packages: { "node_modules/b": { resolved: "https://mirror.example/b.tgz" } } })).toEqual(["node_modules/b: resolved to https://mirror.example/b.tgz"]);
  });
});

describe("the repository", () => {
  const shipped = readSources("src", "examples");
  const all = new Map([...shipped, ...readSources("test", "bench", "docs/code")]);
  const manifest = readJson("package.json") as { dependencies: Record<string, string>; devDependencies: Record<string, string> };

  test("was read", () => {
    expect(all.has("src/util/fail.ts")).toBe(true);
    expect(all.has("test/house/rules.ts")).toBe(true);
  });
  test("files are short", () => {
    expect(tooLong(all)).toEqual([]);
  });
  test("files open with their purpose", () => {
    expect(withoutOpening(shipped)).toEqual([]);
  });
  test("no any", () => {
    expect(anyTypes(shipped)).toEqual([]);
  });
  test("no postponed or hidden problems, no paths of one machine", () => {
    expect(forbiddenMarks(all)).toEqual([]);
  });
  test("dependencies are those that the package imports", () => {
    expect(packageMismatches({ used: shipped, declared: Object.keys(manifest.dependencies) })).toEqual([]);
  });
  test("the lock serves every platform from the public registry", () => {
    expect(lockProblems(readJson("package-lock.json") as Lock)).toEqual([]);
  });
  test("only the gpu.js backend knows gpu.js and WebGPU", () => {
    const others = new Map([...shipped].filter(([path]) => !path.startsWith("src/codegen/gpujs/")));
    const declared = Object.keys(manifest.dependencies);
    const allowed = declared.filter((d) => d !== "gpu.js" && d !== "webgpu");
    expect(packageMismatches({ used: others, declared: allowed }).filter((m) => m.includes("does not declare"))).toEqual([]);
  });
});
