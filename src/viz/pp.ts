/**
 * pp: a graph as one line of mathematics, as theano.printing.pp writes it. Signs come from the op records (`infix`); a few ops that only move
 * elements have a form of their own here. Must not know devices. debugprint.ts prints shared results once; this writes them out each time.
 */
import { appliesOf } from "../graph/function_graph.js";
import type { Params } from "../graph/op.js";
import type { Apply, Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { leafText, paramsText } from "../graph/tree.js";
import { type Printable, shownOf } from "./graph_of.js";

/** Text longer than this helps nobody, and doubles with every shared result. */
const LONGEST = 200_000;

type Printer = (args: readonly string[], node: Apply) => string;

/** A dimshuffle that only pads on the left shows what it pads, a reversal is `.T` (theano.printing's DimShufflePrinter). */
const dimShuffle: Printer = ([x], { inputs, params }) => {
  const order = (params as { readonly order: readonly (number | null)[] }).order;
  const axes = order.slice(order.findIndex((a) => a !== null));
  const kept = order.every((a) => a === null) ? [] : axes;
  const all = (inputs[0] as Variable).ndim;
  if (kept.length === all && kept.every((a, i) => a === i)) return x as string;
  if (kept.length === all && order.length === all && kept.every((a, i) => a === all - 1 - i)) return `${x}.T`;
  return `DimShuffle{${order.map((a) => a ?? "x").join(",")}}(${x})`;
};

/** Python's subscripts, from a region's items and the inputs that give its symbolic numbers in order. */
function subscript([x, ...numbers]: readonly string[], params: Params): string {
  let next = 0;
  const bound = (b: unknown): string => (b === "input" ? (numbers[next++] as string) : b === null || b === undefined ? "" : String(b));
  const items = (params as { readonly items: readonly Readonly<Record<string, unknown>>[] }).items.map((item) => {
    if ("at" in item) return bound(item.at);
    const [start, stop, step] = [bound(item.start), bound(item.stop), bound(item.step)];
    return `${start}:${stop}${step === "" ? "" : `:${step}`}`;
  });
  const used = Math.max(1, items.findLastIndex((i) => i !== ":") + 1);
  return `${x}[${items.slice(0, used).join(", ")}]`;
}

const PRINTERS: Readonly<Record<string, Printer>> = { dimShuffle, subtensor: (args, node) => subscript(args, node.params) };

function printApply(node: Apply, args: readonly string[]): string {
  const { op, params } = node;
  const own = PRINTERS[op.name];
  if (own) return own(args, node);
  const { infix } = op.fields;
  if (infix !== undefined) return args.length === 1 ? `(${infix}${args[0]})` : /\w/.test(infix) ? `(${args[0]} \\${infix} ${args[1]})` : `(${args.join(` ${infix} `)})`;
  const text = paramsText(params);
  return `${op.name}${text === "" ? "" : `{${text}}`}(${args.join(", ")})`;
}

/**
 * One line per output: `(TensorConstant{2.0} * x)`. Of a compiled function the rewritten graph, with `name <- value` for its updates.
 * Leaves print as their names; an unnamed one as its type. Throws `pp-long` where shared results make the text very long.
 */
export function pp(x: Printable): string {
  const { outputs, updates } = shownOf(x);
  const texts = new Map<Variable, string>();
  const textOf = (v: Variable): string => texts.get(v) ?? leafText(v);
  for (const node of appliesOf(outputs)) {
    const text = printApply(node, node.inputs.map(textOf));
    if (text.length > LONGEST) fail("value", "pp-long", { what: `The text of ${node.outputs[0]} has more than ${LONGEST} characters.`, where: String(node.outputs[0]?.origin), fix: "use debugprint, which prints shared results once" });
    for (const o of node.outputs) texts.set(o, node.outputs.length === 1 ? text : `${text}.${o.index}`);
  }
  return outputs.map((v, i) => (updates.has(i) ? `${leafText(updates.get(i) as Variable)} <- ${textOf(v)}` : textOf(v))).join("\n");
}
