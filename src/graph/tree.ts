/**
 * A graph as an indented tree, one line per node, as theano.printing.debugprint writes it. A node that was printed before is named by its id and
 * not opened again. Must not know devices. Errors print a node with it (report.ts), viz a variable or a function (debugprint.ts).
 */
import type { FrozenGraph } from "./function_graph.js";
import type { Params } from "./op.js";
import type { Apply, Variable } from "./variable.js";

export interface TreeOptions {
  /** Levels to print; all by default. */
  readonly depth?: number;
  /** Print each result's type (default true). */
  readonly printType?: boolean;
  /** How results are numbered: `CHAR` (A, B, …, default), `int`, or `""` for no ids. */
  readonly ids?: "CHAR" | "int" | "";
  /** Do not open results that have a name. */
  readonly stopOnName?: boolean;
}

/** A, B, …, Z, AA, AB, … */
export function letters(n: number): string {
  const last = String.fromCharCode(65 + (n % 26));
  return n < 26 ? last : letters(Math.floor(n / 26) - 1) + last;
}

interface Line { readonly v: Variable; /** Before this line. */ readonly mark: string; /** Before the lines under it. */ readonly under: string; readonly level: number; readonly suffix: string }

class TreePrinter {
  readonly lines: string[] = [];
  /** Scan nodes met, in order; their bodies are printed at the end. */
  readonly inner: { readonly node: Apply; readonly id: string }[] = [];
  readonly #ids = new Map<Variable | Apply, string>();
  readonly #opened = new Set<Apply>();
  readonly #options: TreeOptions;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** One id per node: outputs of one node share it. */
  #idOf(v: Variable): string {
    const of = v.owner ?? v;
    const known = this.#ids.get(of);
    if (known !== undefined) return known;
    const made = this.#options.ids === "int" ? String(this.#ids.size) : letters(this.#ids.size);
    this.#ids.set(of, made);
    return made;
  }

  print(outputs: readonly Variable[], order: ReadonlyMap<Apply, number> | null, suffixes: ReadonlyMap<number, string>): void {
    const stack: Line[] = outputs.map((v, i) => ({ v, mark: "", under: "", level: 1, suffix: suffixes.get(i) ?? "" })).reverse();
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      this.lines.push(`${top.mark}${this.#node(top.v, order)}${top.suffix}`);
      const { owner, name } = top.v;
      if (owner === null || this.#opened.has(owner) || top.level >= (this.#options.depth ?? Number.POSITIVE_INFINITY)) continue;
      if (this.#options.stopOnName === true && name !== null) continue;
      this.#opened.add(owner);
      if (bodyOf(owner.params) !== null) this.inner.push({ node: owner, id: this.#idOf(top.v) });
      const { under, level } = top;
      const last = owner.inputs.length - 1;
      stack.push(...owner.inputs.map((v, i): Line => ({ v, mark: `${under} |`, under: `${under}${i === last ? "  " : " |"}`, level: level + 1, suffix: "" })).reverse());
    }
  }

  #node(v: Variable, order: ReadonlyMap<Apply, number> | null): string {
    const { owner } = v;
    const type = this.#options.printType === false ? "" : ` <${v.type}>`;
    const id = this.#options.ids === "" ? "" : ` [id ${this.#idOf(v)}]`;
    if (owner === null) return `${leafText(v)}${id}${type}`;
    const params = paramsText(owner.params);
    const which = owner.outputs.length > 1 ? `.${v.index}` : "";
    const at = order?.get(owner);
    return `${owner.op.name}${params === "" ? "" : `{${params}}`}${which}${id}${type} '${v.name ?? ""}'${at === undefined ? "" : ` ${at}`}`;
  }
}

/** The tree of some results, then the bodies of the scans in it. `order`: the place of each apply in an evaluation; `suffixes`: by result. */
export function printTree(outputs: readonly Variable[], options: TreeOptions = {}, order: ReadonlyMap<Apply, number> | null = null, suffixes: ReadonlyMap<number, string> = new Map()): string {
  const printer = new TreePrinter(options);
  printer.print(outputs, order, suffixes);
  for (let done = 0; done < printer.inner.length; done++) {
    if (done === 0) printer.lines.push("", "Inner graphs:");
    const { node, id } = printer.inner[done] as { node: Apply; id: string };
    const body = bodyOf(node.params);
    printer.lines.push("", `${node.op.name} [id ${id}]`);
    if (body) printer.print(body.outputs, null, new Map());
  }
  return printer.lines.join("\n");
}

/** The scan body among an op's params, if it has one. */
export const bodyOf = (params: Params): FrozenGraph | null => Object.values(params).find(isBody) ?? null;

/** By its parts: this file is read where variables are made, and may not import what is made of them. */
const isBody = (v: unknown): v is FrozenGraph => typeof v === "object" && v !== null && "outputs" in v && "key" in v;

/** Params as short text, without scan bodies: `axes=[0]`. */
export const paramsText = (params: Params): string =>
  Object.entries(params).flatMap(([k, v]) => (isBody(v) ? [] : [`${k}=${(JSON.stringify(v) ?? "undefined").replaceAll('"', "")}`])).join(", ");

/** How a leaf is called: its name, a constant's value, or its type. */
export const leafText = (v: Variable): string => v.name ?? (String(v).startsWith("TensorConstant") ? String(v) : `<${v.type}>`);
