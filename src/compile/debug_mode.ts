/**
 * Mode `debug`: before each call every op of the rewritten graph runs twice on the same values, on the device and by its float64 reference,
 * and the first op that differs or that makes a NaN is named, with the user's line (theano/compile/debugmode.py). Before that, rewrite_check.ts
 * compares the graph before and after rewriting. Must not know plans or devices; Program runs the graph with every value as an output.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import { leavesOf } from "../graph/clone.js";
import { appliesOf } from "../graph/function_graph.js";
import { nodeLines, seenText, seenValue } from "../graph/report.js";
import { type Apply, Constant, SharedVariable, type Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import type { CallArguments } from "./arguments.js";
import { valuesOfLeaves } from "./interpreted.js";
import type { Prepared } from "./prepare.js";
import { Program, type ProgramOptions } from "./program.js";
import type { RewriteCheck } from "./rewrite_check.js";

/** What rounding may make of one op; sums are as long as they are. */
const TOLERANCE = { float32: 1e-4, float64: 1e-9 } as const;

export class DebugMode {
  readonly #nodes: readonly Apply[];
  readonly #inputs: readonly Variable[];
  /** Every value that some op or the caller reads, then every shared variable: one run gives them all. */
  readonly #watched: readonly Variable[];
  readonly #program: Program;
  readonly #device: string;
  readonly #rewrites: RewriteCheck | null;
  readonly #leaves: readonly Variable[];

  /** `outputs`: of the rewritten graph, `rewrites`: how it came about. */
  constructor(prepared: Prepared, outputs: readonly Variable[], rewrites: RewriteCheck | null, options: Pick<ProgramOptions, "device" | "name">) {
    const { inputs } = prepared;
    this.#rewrites = rewrites;
    this.#leaves = prepared.outputs;
    this.#nodes = appliesOf(outputs);
    this.#inputs = inputs.map((i) => i.variable);
    const read = new Set([...this.#nodes.flatMap((n) => n.inputs), ...outputs]);
    const made = this.#nodes.flatMap((n) => n.outputs.filter((o) => read.has(o)));
    this.#watched = [...made, ...leavesOf(outputs).filter((v) => v instanceof SharedVariable)];
    this.#device = options.device.name;
    this.#program = new Program({ inputs, outputs: this.#watched, updated: [] }, { device: options.device, name: `${options.name} (debug)`, rewriting: { mode: "none" } });
  }

  /** Throws `debug-rewrite`, `debug-nan` or `debug-differs` for the first op in trouble, and what an op's reference throws (positions outside an axis). */
  async check(args: CallArguments): Promise<void> {
    this.#rewrites?.check(await valuesOfLeaves(this.#leaves, new Map(this.#inputs.map((v, i) => [v, i])), args.values));
    const results = await this.#program.call(args);
    const values = new Map<Variable, NdArray>(this.#watched.map((v, i) => [v, results[i] as NdArray]));
    this.#inputs.forEach((v, i) => values.set(v, args.at(i)));
    for (const [v, value] of values) if (v.owner === null && hasNaN(value)) reportNaN(v, [seenText(seenValue(v, value))]);
    const known = (v: Variable): NdArray => values.get(v) ?? (v as Constant).value;
    for (const node of this.#nodes) this.#checkNode(node, node.inputs.map(known), values);
  }

  #checkNode(node: Apply, inputs: readonly NdArray[], values: ReadonlyMap<Variable, NdArray>): void {
    const expected = node.op.fields.reference(inputs, node.params, node.outputs.map((o) => o.type));
    const saw = nodeLines(node, inputs.map((x, i) => seenValue(node.inputs[i] as Variable, x)));
    for (const [i, o] of node.outputs.entries()) {
      const got = values.get(o);
      if (got === undefined) continue;
      const want = expected[i] as NdArray;
      const trouble = difference(got, want.dtype === o.dtype ? want : want.astype(o.dtype));
      if (trouble !== null) {
        fail("value", "debug-differs", {
          what: `${this.#device} and the reference of '${node.op.name}' disagree: ${trouble}.`, where: String(o.origin), saw: [`output ${i}: ${o.type}`, ...saw],
          fix: "run on device 'reference' to go on, and report the program: one of the two is wrong",
        });
      }
      if (hasNaN(got) && !inputs.some(hasNaN)) reportNaN(o, saw);
    }
  }

  dispose(): void {
    this.#program.dispose();
  }
}

function reportNaN(v: Variable, saw: readonly string[]): never {
  fail("value", "debug-nan", {
    what: v.owner === null ? `The value of ${v} has a NaN.` : `'${v.owner.op.name}' makes a NaN from values without one.`, where: String(v.origin), saw,
    fix: "look for 0 / 0, the logarithm or root of a negative number, or inf - inf in this line",
  });
}

const hasNaN = (x: NdArray): boolean => isFloat(x.dtype) && x.data.some(Number.isNaN);

/** What is wrong, or null. NaN agrees with NaN, infinities with themselves. */
function difference(got: NdArray, want: NdArray): string | null {
  if (got.shape.join() !== want.shape.join()) return `shape (${got.shape.join(", ")}) and (${want.shape.join(", ")})`;
  const tolerance = got.dtype === "float32" || got.dtype === "float64" ? TOLERANCE[got.dtype] : 0;
  for (let n = 0; n < want.size; n++) {
    const [g, w] = [got.data[n] as number, want.data[n] as number];
    if (g === w || (Number.isNaN(g) && Number.isNaN(w))) continue;
    if (!(Math.abs(g - w) <= tolerance * Math.max(1, Math.abs(w)))) return `element ${n} is ${g} and ${w}`;
  }
  return null;
}
