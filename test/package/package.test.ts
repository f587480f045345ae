/** The built package as users get it: loaded by plain Node, used from TypeScript, packed for the registry. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { indexed, oneStep } from "./consumer.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

function node(program: string): unknown {
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: ROOT, encoding: "utf8" }));
}

test.each(["damo", "damo/models", "damo/testing"])("plain Node loads %s from dist", (name) => {
  const seen = node(`import * as m from "${name}"; console.log(JSON.stringify({ names: Object.keys(m), url: import.meta.resolve("${name}") }));`);
  const { names, url } = seen as { names: string[]; url: string };
  expect(url).toMatch(/\/dist\/src\/(\w+\/)?index\.js$/);
  expect(names.length).toBeGreaterThan(0);
});

test("models are built on the same front door that users import", () => {
  const seen = node('import { shared } from "damo"; import * as models from "damo/models"; console.log(JSON.stringify([typeof shared, Object.keys(models)]));');
  expect(seen).toEqual(["function", expect.arrayContaining(["LogisticRegression", "RBM", "DBN"])]);
});

test("one step of logistic regression, by hand", async () => {
  const { costs, weights } = await oneStep();
  // Zero weights give p = 1/2 and cost log 2; the gradient is the mean of (p - y) x; then every example has margin 1/4.
  expect(costs[0]).toBeCloseTo(Math.log(2), 6);
  expect(costs[1]).toBeCloseTo(Math.log(1 + Math.exp(-0.25)), 6);
  expect(weights).toMatchObject({ shape: [2] });
  // The first step moves each weight by 1/4, the second by (1 - sigmoid(1/4)) / 2.
  const second = 0.25 + (1 - 1 / (1 + Math.exp(-0.25))) / 2;
  const [w0, w1] = (weights as { toArray(): number[] }).toArray();
  expect(w0).toBeCloseTo(second, 6);
  expect(w1).toBeCloseTo(-second, 6);
});

/** The declaration files that TypeScript reads for a user who imports `entry`. */
function declarationsFrom(entry: string): Set<string> {
  const reached = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    for (const [, to] of readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) waiting.push(resolve(dirname(file), (to as string).replace(/\.js$/, ".d.ts")));
  }
  return reached;
}

test("whoever imports damo has every method of a variable: declarations leave out imports that only add methods", async () => {
  const dist = `${ROOT}dist/src`;
  const adds = readdirSync(dist, { recursive: true, encoding: "utf8" }).map((f) => resolve(dist, f)).filter((f) => f.endsWith(".d.ts") && readFileSync(f, "utf8").includes('declare module "../graph/variable.js"'));
  const reached = declarationsFrom(resolve(dist, "index.d.ts"));
  expect(adds.length).toBeGreaterThan(10);
  expect(adds.filter((f) => !reached.has(f))).toEqual([]);
  expect(await indexed(1)).toBe(1);
  expect(await indexed(0)).toBe(0);
});

test("the packed archive holds the build and its licence, and no tests", () => {
  const npm = process.env.npm_execpath;
  const [command, first] = npm ? [process.execPath, [npm]] : ["npm", []];
  const listing = execFileSync(command, [...first, "pack", "--dry-run", "--json"], { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const packed = JSON.parse(listing) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
  const paths = Object.values(packed).flatMap((p) => p.files.map((f) => f.path));
  expect(paths).toEqual(expect.arrayContaining(["package.json", "LICENSE", "dist/src/index.js", "dist/src/index.d.ts"]));
  expect(paths.filter((p) => /^(test|examples|dist\/examples|bench)\//.test(p))).toEqual([]);
});
