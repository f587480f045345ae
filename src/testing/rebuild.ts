/**
 * The few functions that a printed snippet calls to rebuild a graph exactly as it was: ops by name with their params, inputs by type,
 * arrays by their elements. Must not know how snippets are printed (snippet.ts).
 */
import { allocate, castScalar, type DType } from "../codegen/ir/dtype.js";
import { FrozenGraph } from "../graph/function_graph.js";
import type { Params } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply, Constant, SharedVariable, Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { allOps } from "../ops/define.js";
import { fail } from "../util/fail.js";

/** The outputs of an op applied by its name, with its params as they are in the graph. Throws `op-name`. */
export function applyOp(name: string, inputs: readonly Variable[], params: Params = {}): readonly Variable[] {
  const op = allOps().find((o) => o.name === name);
  if (op === undefined) fail("value", "op-name", { what: `There is no op named '${name}'.`, fix: "import the module that defines it" });
  return apply(op, inputs, params);
}

/** An input of a type: dtype and broadcast flags. */
export const input = (dtype: DType, broadcastable: readonly boolean[], name?: string): Variable => new Variable(new TensorType(dtype, broadcastable), { name: name ?? null });

/** An array from its row-major elements. */
export function array(dtype: DType, shape: Shape, elements: readonly number[]): NdArray {
  const data = allocate(dtype, elements.length);
  elements.forEach((x, i) => {
    data[i] = castScalar(x, dtype);
  });
  return new NdArray(data, shape, dtype);
}

/** A constant with its broadcast flags. */
export const constantOf = (value: NdArray, broadcastable: readonly boolean[]): Constant => new Constant(value, { broadcastable });

/** A shared variable with its broadcast flags. */
export const sharedOf = (value: NdArray, broadcastable: readonly boolean[], name?: string): SharedVariable => new SharedVariable(value, { broadcastable, name });

/** One step of a scan. */
export const body = (inputs: readonly Variable[], outputs: readonly Variable[]): FrozenGraph => new FrozenGraph(inputs, outputs);
