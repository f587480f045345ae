/** The import direction of the house: first that the checkers can fail, then that the repository passes them. */
import { describe, expect, test } from "vitest";
import { readSources } from "./disk.js";
import { importsOf } from "./source.js";
import { cycles, wrongImports } from "./walk.js";

const map = (files: Record<string, string>) => new Map(Object.entries(files));

describe("importsOf", () => {
  test("finds every form of import", () => {
    const text = [
      'import a, { b } from "./a.js";',
      "import './side.js';",
      'import type { T } from "../t.js";',
      'export * from "./e.js";',
      'const m = await import("pkg/sub");',
      "import {\n  x,\n} from 'multi';",
      'const r = require("old");',
    ];
    expect(importsOf(text.join("\n"))).toEqual(["./a.js", "./side.js", "../t.js", "./e.js", "pkg/sub", "multi", "old"]);
  });

  test("ignores comments, templates and strings that only look like imports", () => {
    const text = [
      '// import "./line.js"',
      '/* import "./block.js" */',
      'const t = `import "./template.js" ${f({ a: `import "./inner.js"` })} import "./after.js"`;',
      String.raw`const r = /["'/\/]/; const s = 'it\'s // no comment';`,
      'import "./real.js";',
    ];
    expect(importsOf(text.join("\n"))).toEqual(["./real.js"]);
  });

  test("at run time, erased imports are none", () => {
    const text = 'import type { A } from "./a.js"; import { type B } from "./b.js";\nexport type {\n  C,\n} from "./c.js"; import type from "./d.js"; type E = 1; import "./e.js";';
    expect(importsOf(text, { atRunTime: true })).toEqual(["./b.js", "./d.js", "./e.js"]);
  });

  test("code inside a template is code", () => {
    expect(importsOf(`const snippet = 'import { x } from "damo";'; import y from "./y.js";`)).toEqual(["./y.js"]);
    expect(importsOf('const t = `a ${await import("./inside.js")} b`; // import "./no.js"')).toEqual(["./inside.js"]);
  });
});

describe("wrongImports", () => {
  const allowed: [string, string][] = [
    ["src/graph/a.ts", "src/util/b.ts"],
    ["src/compile/a.ts", "src/codegen/backend.ts"],
    ["src/codegen/gpujs/a.ts", "src/codegen/ir/b.ts"],
    ["src/codegen/gpujs/a.ts", "src/codegen/backend.ts"],
    ["src/random/streams.ts", "src/random/mt19937.ts"],
    ["src/index.ts", "src/codegen/gpujs/b.ts"],
    ["src/data/a.ts", "src/numpy/b.ts"],
    ["src/models/a.ts", "src/index.ts"],
    ["examples/a.ts", "src/models/b.ts"],
  ];
  const forbidden: [string, string][] = [
    ["src/util/a.ts", "src/graph/b.ts"],
    ["src/codegen/ir/a.ts", "src/numpy/b.ts"],
    ["src/graph/a.ts", "src/ops/b.ts"],
    ["src/ops/a.ts", "src/autodiff/b.ts"],
    ["src/autodiff/a.ts", "src/compile/b.ts"],
    ["src/compile/a.ts", "src/codegen/gpujs/b.ts"],
    ["src/graph/a.ts", "src/codegen/backend.ts"],
    ["src/codegen/gpujs/a.ts", "src/codegen/reference/b.ts"],
    ["src/codegen/gpujs/a.ts", "src/graph/b.ts"],
    ["src/random/mt19937.ts", "src/graph/b.ts"],
    ["src/random/mrg31k3p.ts", "src/ops/b.ts"],
    ["src/viz/a.ts", "src/testing/b.ts"],
    ["src/data/a.ts", "src/graph/b.ts"],
    ["src/models/a.ts", "src/graph/b.ts"],
    ["examples/a.ts", "src/util/b.ts"],
    ["src/compile/a.ts", "src/index.ts"],
  ];
  const link = (from: string, to: string) => map({ [from]: `import "${"../".repeat(from.split("/").length - 1)}${to.replace(/\.ts$/, ".js")}";`, [to]: "" });

  test.each(allowed)("%s may import %s", (from, to) => {
    expect(wrongImports(link(from, to))).toEqual([]);
  });
  test.each(forbidden)("%s must not import %s", (from, to) => {
    expect(wrongImports(link(from, to))).toHaveLength(1);
  });
  test("the package's own name is its front door", () => {
    expect(wrongImports(map({ "examples/a.ts": 'import "damo"; import "damo/models";', "src/index.ts": "", "src/models/index.ts": "" }))).toEqual([]);
    expect(wrongImports(map({ "src/ops/a.ts": 'import "damo";', "src/index.ts": "" }))).toEqual(["src/ops/a.ts: ops imports index (src/index.ts)"]);
  });
  test("a folder outside the plan is named", () => {
    expect(wrongImports(map({ "src/misc/a.ts": "" }))).toEqual(["src/misc/a.ts: no layer owns this folder"]);
  });
  test("a file that does not exist is named", () => {
    expect(wrongImports(map({ "src/util/a.ts": 'import "./gone.js";' }))).toEqual(["src/util/a.ts: imports src/util/gone.ts, which does not exist"]);
  });
});

describe("cycles", () => {
  test("a chain has none", () => {
    expect(cycles(map({ "src/util/a.ts": 'import "./b.js";', "src/util/b.ts": 'import "./c.js";', "src/util/c.ts": "" }))).toEqual([]);
  });
  test("mutually recursive types are none", () => {
    expect(cycles(map({ "src/util/a.ts": 'import "./b.js";', "src/util/b.ts": 'import type { A } from "./a.js";' }))).toEqual([]);
  });
  test("finds a circle of two, of three behind a tail, and of one", () => {
    const files = {
      "src/util/a.ts": 'import "./b.js";',
      "src/util/b.ts": 'import { type A } from "./a.js";',
      "src/graph/tail.ts": 'import "./x.js";',
      "src/graph/x.ts": 'import "./y.js";',
      "src/graph/y.ts": 'import "./z.js";',
      "src/graph/z.ts": 'import "./x.js"; import "../util/a.js";',
      "src/ops/self.ts": 'import "./self.js";',
    };
    const found = cycles(map(files)).map((c) => c.join(" "));
    expect(found.sort()).toEqual(["src/graph/x.ts src/graph/y.ts src/graph/z.ts", "src/ops/self.ts", "src/util/a.ts src/util/b.ts"]);
  });
});

describe("the repository", () => {
  const files = readSources("src", "examples");

  test("was read", () => {
    expect(files.has("src/util/fail.ts")).toBe(true);
  });
  test("imports only in the planned direction", () => {
    expect(wrongImports(files)).toEqual([]);
  });
  test("has no import cycle", () => {
    expect(cycles(files)).toEqual([]);
  });
});
