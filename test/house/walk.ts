/**
 * The import rules of the house as functions of a map from path to text: direction between layers, files outside every layer, cycles.
 * Must not read the disk, so that the tests can show each rule failing; imports.test.ts feeds it the repository.
 */
import { posix } from "node:path";
import { type Imports, importsOf } from "./source.js";

/** Repository-relative path, with forward slashes, to the text of the file. */
export type FileMap = ReadonlyMap<string, string>;

interface Layer {
  readonly name: string;
  readonly files: RegExp;
  /** The layers it may import; its own is always allowed. */
  readonly may: readonly string[];
}

const IR = ["util", "codegen/ir"];
const HOST = [...IR, "numpy"];
const BACKEND = [...IR, "backend seam"];
const TOWER = ["util", "codegen/ir", "numpy", "random host", "backend seam", "graph", "ops", "autodiff", "rewrite", "scan", "random", "compile"];
const DOOR = [...TOWER, "viz", "testing", "data", "backend reference", "backend gpujs", "backend wasm", "backend webgpu"];

/** A file may import what stands before it in the tower. */
function below(name: string): readonly string[] {
  return TOWER.slice(0, TOWER.indexOf(name)).filter((l) => l !== "backend seam" || name === "compile");
}

/** The first layer whose pattern matches owns the file. */
export const LAYERS: readonly Layer[] = [
  { name: "util", files: /^src\/util\//, may: [] },
  { name: "codegen/ir", files: /^src\/codegen\/ir\//, may: ["util"] },
  { name: "backend seam", files: /^src\/codegen\/[^/]+\.ts$/, may: IR },
  { name: "backend reference", files: /^src\/codegen\/reference\//, may: BACKEND },
  { name: "backend gpujs", files: /^src\/codegen\/gpujs\//, may: BACKEND },
  { name: "backend wasm", files: /^src\/codegen\/wasm\//, may: BACKEND },
  { name: "backend webgpu", files: /^src\/codegen\/webgpu\//, may: BACKEND },
  { name: "numpy", files: /^src\/numpy\//, may: IR },
  { name: "random host", files: /^src\/random\/(mt19937|mt_state|legacy|binomial|choice|log|random_state|mrg31k3p)\.ts$/, may: HOST },
  { name: "graph", files: /^src\/graph\//, may: below("graph") },
  { name: "ops", files: /^src\/ops\//, may: below("ops") },
  { name: "autodiff", files: /^src\/autodiff\//, may: below("autodiff") },
  { name: "rewrite", files: /^src\/rewrite\//, may: below("rewrite") },
  { name: "scan", files: /^src\/scan\//, may: below("scan") },
  { name: "random", files: /^src\/random\//, may: below("random") },
  { name: "compile", files: /^src\/compile\//, may: below("compile") },
  { name: "viz", files: /^src\/viz\//, may: TOWER },
  { name: "testing", files: /^src\/testing\//, may: TOWER },
  { name: "data", files: /^src\/data\//, may: [...HOST, "random host"] },
  { name: "index", files: /^src\/index\.ts$/, may: DOOR },
  { name: "models", files: /^src\/models\//, may: ["index", "data"] },
  { name: "examples", files: /^examples\//, may: ["index", "models", "testing"] },
];

/** What the package's own name stands for inside the repository. */
const SELF: Readonly<Record<string, string>> = { damo: "src/index.ts", "damo/models": "src/models/index.ts", "damo/testing": "src/testing/index.ts" };

export function layerOf(path: string): Layer | undefined {
  return LAYERS.find((l) => l.files.test(path));
}

/** The repository's file that a specifier names, or undefined for a package or a Node module. */
export function resolve(from: string, specifier: string): string | undefined {
  if (SELF[specifier]) return SELF[specifier];
  if (!specifier.startsWith(".")) return undefined;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}

/** For each file, the files of the repository that it imports. */
export function edges(files: FileMap, which: Imports): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const [path, text] of files) {
    const targets = importsOf(text, which).map((s) => resolve(path, s));
    out.set(
      path,
      targets.filter((t) => t !== undefined),
    );
  }
  return out;
}

/** One line for each file outside every layer, each import in a wrong direction, and each import of a file that does not exist. */
export function wrongImports(files: FileMap): string[] {
  const out: string[] = [];
  for (const [path, targets] of edges(files, { atRunTime: false })) {
    const layer = layerOf(path);
    if (!layer) {
      out.push(`${path}: no layer owns this folder`);
      continue;
    }
    for (const target of targets) {
      const other = layerOf(target);
      if (!files.has(target)) out.push(`${path}: imports ${target}, which does not exist`);
      else if (other && other !== layer && !layer.may.includes(other.name)) out.push(`${path}: ${layer.name} imports ${other.name} (${target})`);
    }
  }
  return out;
}

interface Visit {
  readonly index: Map<string, number>;
  readonly low: Map<string, number>;
  readonly stack: string[];
  readonly onStack: Set<string>;
  readonly found: string[][];
}

function visit(v: Visit, graph: ReadonlyMap<string, readonly string[]>, node: string): void {
  v.index.set(node, v.index.size);
  v.low.set(node, v.index.size - 1);
  v.stack.push(node);
  v.onStack.add(node);
  for (const next of graph.get(node) ?? []) {
    if (!v.index.has(next)) visit(v, graph, next);
    if (v.onStack.has(next)) v.low.set(node, Math.min(v.low.get(node) as number, v.low.get(next) as number));
  }
  if (v.low.get(node) !== v.index.get(node)) return;
  const component = v.stack.splice(v.stack.indexOf(node));
  for (const member of component) v.onStack.delete(member);
  if (component.length > 1 || graph.get(node)?.includes(node)) v.found.push(component.sort());
}

/**
 * The groups of files that import each other in a circle: Tarjan's strongly connected components (SIAM J. Comput. 1, 1972).
 * Types may be mutually recursive (a variable has an op, an op makes variables); what runs when a module is loaded may not.
 */
export function cycles(files: FileMap): string[][] {
  const graph = edges(files, { atRunTime: true });
  const v: Visit = { index: new Map(), low: new Map(), stack: [], onStack: new Set(), found: [] };
  for (const node of graph.keys()) if (!v.index.has(node)) visit(v, graph, node);
  return v.found;
}
