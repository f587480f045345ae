/**
 * pydotprint: a graph as DOT text for Graphviz, coloured by role as theano.printing.pydotprint colours it: inputs green, outputs blue,
 * shared variables cyan, constants grey. Bodies of scans are clusters. No renderer is included: `dot -Tsvg` or any viewer draws the text.
 */
import { appliesOf } from "../graph/function_graph.js";
import { type Apply, Constant, SharedVariable, type Variable } from "../graph/variable.js";
import { bodyOf, leafText, paramsText } from "../graph/tree.js";
import { type Printable, shownOf } from "./graph_of.js";

export interface PydotprintOptions {
  /** Title of the drawing. */
  readonly name?: string;
  /** `TB` (default) draws from top to bottom, `LR` from left to right. */
  readonly direction?: "TB" | "LR";
  /** Labels longer than this are cut. Default 70, Theano's. */
  readonly maxLabelSize?: number;
  /** Print types on edges (default true). */
  readonly printType?: boolean;
  /** Draw bodies of scans (default true). */
  readonly scanGraphs?: boolean;
}

const COLOURS = { input: "green", output: "blue", shared: "cyan", constant: "grey" } as const;
const quoted = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

class Drawing {
  readonly lines: string[] = [];
  readonly #options: PydotprintOptions;
  #count = 0;

  constructor(options: PydotprintOptions) {
    this.#options = options;
  }

  #label(text: string): string {
    const { maxLabelSize = 70 } = this.#options;
    return quoted(text.length > maxLabelSize ? `${text.slice(0, maxLabelSize - 3)}...` : text);
  }

  #node(label: string, attributes: string, indent: string): string {
    const id = `n${this.#count++}`;
    this.lines.push(`${indent}${id} [label=${this.#label(label)}, ${attributes}];`);
    return id;
  }

  #edge(from: string, to: string, v: Variable, label: string, indent: string): void {
    const type = this.#options.printType === false ? "" : String(v.type);
    const text = [label, type].filter((t) => t !== "").join(" ");
    this.lines.push(`${indent}${from} -> ${to}${text === "" ? "" : ` [label=${this.#label(text)}]`};`);
  }

  /** Draws what the outputs need; a leaf's role is its colour. */
  draw(outputs: readonly Variable[], names: ReadonlyMap<number, string>, indent: string): void {
    const ids = new Map<Variable | Apply, string>();
    const source = (v: Variable): string => {
      const known = ids.get(v.owner ?? v);
      if (known !== undefined) return known;
      const role = v instanceof Constant ? "constant" : v instanceof SharedVariable ? "shared" : "input";
      const made = this.#node(leafText(v), `shape=box, style=filled, fillcolor=${COLOURS[role]}`, indent);
      ids.set(v, made);
      return made;
    };
    for (const a of appliesOf(outputs)) {
      const params = paramsText(a.params);
      const id = this.#node(`${a.op.name}${params === "" ? "" : `{${params}}`}`, "shape=ellipse", indent);
      a.inputs.forEach((v, i) => this.#edge(source(v), id, v, a.inputs.length > 1 ? String(i) : "", indent));
      ids.set(a, id);
      this.#drawBody(a, id, indent);
    }
    outputs.forEach((v, i) => {
      const id = this.#node(names.get(i) ?? v.name ?? `output ${i}`, `shape=box, style=filled, fillcolor=${COLOURS.output}`, indent);
      this.#edge(source(v), id, v, v.owner !== null && v.owner.outputs.length > 1 ? `.${v.index}` : "", indent);
    });
  }

  #drawBody(a: Apply, id: string, indent: string): void {
    const body = bodyOf(a.params);
    if (body === null || this.#options.scanGraphs === false) return;
    const cluster = `cluster_${id}`;
    this.lines.push(`${indent}subgraph ${cluster} {`, `${indent}  label=${this.#label(`one step of ${a.op.name}`)};`);
    const first = this.#count;
    this.draw(body.outputs, new Map(), `${indent}  `);
    this.lines.push(`${indent}}`, `${indent}${id} -> n${first} [style=dashed, lhead=${cluster}];`);
  }
}

/** DOT text of the graph: boxes are variables (by colour: green input, cyan shared, grey constant, blue output), ellipses are ops. */
export function pydotprint(x: Printable, options: PydotprintOptions = {}): string {
  const { outputs, updates } = shownOf(x);
  const drawing = new Drawing(options);
  drawing.draw(outputs, new Map([...updates].map(([i, shared]) => [i, `update of ${leafText(shared)}`])), "  ");
  return [`digraph ${quoted(options.name ?? "graph")} {`, `  rankdir=${options.direction ?? "TB"};`, "  compound=true;", ...drawing.lines, "}", ""].join("\n");
}
