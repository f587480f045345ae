/**
 * What an error says of the node in which it happened: op, types, shapes, small values, the user's line, and where the user asks for it
 * (`config.exceptionVerbosity`) its graph (theano/gof/link.py, raise_with_op). Must not know who evaluates nodes. perform.ts and compile use it.
 */
import type { DType } from "../codegen/ir/dtype.js";
import { formatType } from "../codegen/ir/dtype.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { shown } from "../numpy/show.js";
import { config } from "../util/config.js";
import { type DamoError, type Family, failure } from "../util/fail.js";
import { printTree } from "./tree.js";
import type { Apply, Variable } from "./variable.js";

/** What is known of an input or output: its shape, and perhaps its value. */
export interface Seen { readonly shape: Shape; readonly dtype: DType; readonly value: NdArray | null; /** By its variable, or by the one outside a loop that it comes from. */ readonly name: string | null }

export const seenValue = (v: Variable, value: NdArray): Seen => ({ shape: value.shape, dtype: value.dtype, value, name: v.name ?? v.owner?.op.name ?? (v.ownValue !== null && !v.isGiven ? "constant" : null) });

/** `x float32[2] = [1,2]`; without the value where it is large or unknown. */
export const seenText = ({ shape, dtype, value, name }: Seen): string => `${name === null ? "" : `${name} `}${value === null ? formatType(dtype, shape) : shown(value)}`;

/** The lines on a node with these inputs, and these outputs where it has come to them. */
export function nodeLines(node: Apply, inputs: readonly Seen[], outputs: readonly Seen[] = []): string[] {
  return [
    `in: ${node.op}(${node.inputs.map((v) => v.toString()).join(", ")})`,
    ...inputs.map((x, i) => `input ${i}: ${seenText(x)}`), ...outputs.map((x, i) => `output ${i}: ${seenText(x)}`),
    ...(config.exceptionVerbosity === "high" ? ["graph of this apply:", ...printTree(node.outputs.slice(0, 1), { stopOnName: true }).split("\n")] : ["to see the graph of this apply: config.exceptionVerbosity = \"high\""]),
  ];
}

export const lineOf = (node: Apply): string => String(node.outputs[0]?.origin ?? "");

/** An error in a node. */
export function nodeFailure(family: Family, code: string, node: Apply, inputs: readonly Seen[], what: string, fix: string): DamoError {
  const made = failure(family, code, { what, fix });
  made.place(lineOf(node), nodeLines(node, inputs));
  return made;
}
