/**
 * One apply computed on the host: shapes checked as a call would check them, then its op's float64 reference; what fails says in which node.
 * Must not know graphs beyond the node. Used for test values, and by the interpreter.
 */
import { constant } from "../codegen/ir/expr.js";
import type { NdArray } from "../numpy/ndarray.js";
import { DamoError, failure, impossible } from "../util/fail.js";
import type { ShapeContext, Params } from "./op.js";
import { lineOf, nodeLines, seenValue } from "./report.js";
import type { TensorType } from "./types.js";
import type { Apply, Variable } from "./variable.js";

/** The outputs of a node for these inputs, in the types given. Errors: what the op's `shape` and `reference` throw, with the node. */
export function perform(node: Apply, inputs: readonly NdArray[], types: readonly TensorType[] = node.outputs.map((o) => o.type)): readonly NdArray[] {
  const { fields } = node.op;
  return placed(node, () => inputs, () => {
    // A loop checks its steps itself, and what a branch does not read has no value.
    if (fields.lower.kind !== "loop" && fields.branches === undefined) fields.shape(concrete(node, inputs));
    return fields.reference(inputs, node.params, types);
  });
}

/** Runs what computes a node; errors of damo that are not placed in a node yet are placed in this one. */
export function placed<T>(node: Apply, inputs: () => readonly (NdArray | undefined)[], run: () => T): T {
  try {
    return run();
  } catch (e) {
    if (e instanceof DamoError) e.place(lineOf(node), nodeLines(node, inputs().flatMap((x, i) => (x === undefined ? [] : [seenValue(node.inputs[i] as Variable, x)]))));
    throw e;
  }
}

/** Shapes asked for where all values are known. */
function concrete(node: Apply, inputs: readonly NdArray[]): ShapeContext<Params> {
  const ints = (i: number): ReturnType<ShapeContext<Params>["ints"]> => Array.from((inputs[i] as NdArray).data, (x) => constant(x, (inputs[i] as NdArray).dtype));
  return {
    params: node.params, shapes: inputs.map((x) => x.shape), inputs: node.inputs.map((v) => v.type), ints, peek: ints,
    known: (i) => (inputs[i] as NdArray).data[0] as number,
    fixed: (e) => (e.kind === "const" ? e.value : impossible("a number that depends on nothing is not constant")),
    // References check positions.
    guard: () => undefined,
    fail: (code, what, fix, family = "value") => {
      throw failure(family, code, { what, fix });
    },
  };
}
