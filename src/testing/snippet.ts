/**
 * Graphs and arrays as TypeScript that rebuilds them, for the reports of failing tests. Must not know how graphs are generated or checked.
 * rebuild.ts has the functions that the text calls.
 */
import { appliesOf, FrozenGraph } from "../graph/function_graph.js";
import { leavesOf } from "../graph/clone.js";
import { Constant, SharedVariable, type Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";

/** A graph with values for its inputs: what the checks of this folder take, and snippets print. */
export interface TestGraph {
  readonly inputs: readonly Variable[];
  readonly values: readonly NdArray[];
  readonly outputs: readonly Variable[];
  /** What shared variables become after each call, where it is a function with updates (functions.ts). */
  readonly updates?: readonly Update[];
  readonly calls?: number;
}

export type Update = readonly [SharedVariable, Variable];

const number = (x: number): string => (Object.is(x, -0) ? "-0" : Number.isNaN(x) ? "Number.NaN" : Number.isFinite(x) ? String(x) : x > 0 ? "Number.POSITIVE_INFINITY" : "Number.NEGATIVE_INFINITY");
const list = (xs: readonly string[]): string => `[${xs.join(", ")}]`;

/** The array as a call: `array("float32", [2], [1, 2])`. */
export const arrayText = (x: NdArray): string => `array("${x.dtype}", ${list(x.shape.map(String))}, ${list(Array.from(x.data, number))})`;

/** A value of an op's params. */
function valueText(value: unknown, bodies: ReadonlyMap<FrozenGraph, string>): string {
  if (value instanceof FrozenGraph) return bodies.get(value) ?? "null";
  if (typeof value === "number") return number(value);
  if (Array.isArray(value)) return list(value.map((v) => valueText(v, bodies)));
  if (typeof value === "object" && value !== null) return `{ ${Object.entries(value).map(([k, v]) => `${k}: ${valueText(v, bodies)}`).join(", ")} }`;
  return JSON.stringify(value) ?? "undefined";
}

class Writer {
  readonly lines: string[] = [];
  readonly #names = new Map<Variable, string>();
  readonly #bodies = new Map<FrozenGraph, string>();
  #count = 0;

  name(v: Variable): string {
    return this.#names.get(v) ?? this.#leaf(v);
  }

  #leaf(v: Variable): string {
    const flags = list(v.broadcastable.map(String));
    const label = v.name === null ? "" : `, ${JSON.stringify(v.name)}`;
    if (v instanceof Constant) return this.#define(v, "c", `constantOf(${arrayText(v.value)}, ${flags})`);
    if (v instanceof SharedVariable && v.cell.host !== null) return this.#define(v, "s", `sharedOf(${arrayText(v.cell.host)}, ${flags}${label})`);
    return this.#define(v, "x", `input("${v.dtype}", ${flags}${label})`);
  }

  #define(v: Variable, letter: string, text: string): string {
    const name = `${letter}${this.#count++}`;
    this.#names.set(v, name);
    this.lines.push(`const ${name} = ${text};`);
    return name;
  }

  graph(outputs: readonly Variable[]): void {
    for (const a of appliesOf(outputs)) {
      for (const value of Object.values(a.params)) if (value instanceof FrozenGraph) this.#body(value);
      const inputs = list(a.inputs.map((v) => this.name(v)));
      const params = Object.keys(a.params).length === 0 ? "" : `, ${valueText(a.params, this.#bodies)}`;
      const names = a.outputs.map((o) => {
        const name = `v${this.#count++}`;
        this.#names.set(o, name);
        return name;
      });
      this.lines.push(`const [${names.join(", ")}] = applyOp("${a.op.name}", ${inputs}${params}) as [${names.map(() => "Variable").join(", ")}];`);
    }
  }

  #body(b: FrozenGraph): void {
    if (this.#bodies.has(b)) return;
    for (const v of b.inputs) this.name(v);
    this.graph(b.outputs);
    const name = `body${this.#bodies.size}`;
    this.lines.push(`const ${name} = body(${list(b.inputs.map((v) => this.name(v)))}, ${list(b.outputs.map((v) => this.name(v)))});`);
    this.#bodies.set(b, name);
  }
}

/**
 * TypeScript that rebuilds the graph op by op as `graph` and checks it, with `backendParity`, or with `functionParity` where it has
 * updates: a program as it stands, or the body of a test.
 */
export function snippet({ inputs, values, outputs, updates, calls }: TestGraph): string {
  const writer = new Writer();
  const all = [...outputs, ...(updates ?? []).flat()];
  for (const v of inputs) writer.name(v);
  for (const v of leavesOf(all)) if (!(v instanceof Constant)) writer.name(v);
  writer.graph(all);
  const names = (vs: readonly Variable[]): string => list(vs.map((v) => writer.name(v)));
  const pairs = updates === undefined ? "" : `, updates: ${list(updates.map(names))} as const, calls: ${calls ?? 1}`;
  const graph = `const graph = { inputs: ${names(inputs)}, values: ${list(values.map(arrayText))}, outputs: ${names(outputs)}${pairs} };`;
  const check = updates === undefined ? "backendParity" : "functionParity";
  return [
    'import "damo";',
    'import type { Variable } from "damo";',
    `import { applyOp, array, ${check}, body, constantOf, input, sharedOf } from "damo/testing";`,
    ...writer.lines,
    graph,
    `await ${check}(graph);`,
  ].join("\n");
}
