/**
 * checkOp: everything that can be checked of an op from its record alone, on its samples. What damo runs over its own registry, for the ops
 * that users define. Must not know any op.
 */
import { verifyGrad } from "../autodiff/verify.js";
import { isFloat, type DType } from "../codegen/ir/dtype.js";
import type { Op, Params, Sample } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply, Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import { drawSample } from "../ops/samples.js";
import { fail } from "../util/fail.js";
import { backendParity, type ParityOptions } from "./parity.js";
import type { TestGraph } from "./snippet.js";

export interface CheckOpOptions extends ParityOptions {
  /** Seed of the values that samples draw (default 1). */
  readonly seed?: number;
}

const narrow = (d: DType): DType => (d === "float64" ? "float32" : d);

/** A sample as a graph: the op applied to inputs with drawn values, float32 in place of float64 where a device has no float64. */
export function sampleGraph(op: Op, sample: Sample<Params>, seed: number, floats: "float32" | "float64"): TestGraph {
  const { variables, values } = drawSample(sample, seed);
  const dtypeOf = (d: DType): DType => (floats === "float32" ? narrow(d) : d);
  const inputs = variables.map((v, i) => new Variable(new TensorType(dtypeOf(v.dtype), v.broadcastable), { name: `x${i}` }));
  const params = floats === "float32" && sample.params.dtype === "float64" ? { ...sample.params, dtype: "float32" } : sample.params;
  return { inputs, values: values.map((v) => v.astype(dtypeOf(v.dtype))), outputs: apply(op, inputs, params) };
}

/**
 * Throws unless, on each sample of the op: the reference gives the ranks, flags and dtypes that `infer` says (`op-infer`), the gradient agrees
 * with finite differences (`verify-grad`), and the devices agree with the reference, as written and rewritten, fed by inputs and by shared
 * variables (`parity`). An op without samples is the error `op-samples`.
 */
export async function checkOp(op: Op, { seed = 1, ...options }: CheckOpOptions = {}): Promise<void> {
  if (op.fields.samples.length === 0) fail("value", "op-samples", { what: `The op '${op}' has no samples to check it on.`, fix: "list samples in its record" });
  for (const sample of op.fields.samples) {
    checkTypes(op, sample, seed);
    checkGradient(op, sample, seed);
    const graph = sampleGraph(op, sample, seed, "float32");
    const tolerance = options.tolerance ?? op.fields.tolerance ?? 1e-5;
    await backendParity(graph, { ...options, tolerance });
    await backendParity(graph, { ...options, tolerance, feed: "shared" });
  }
}

function checkTypes(op: Op, sample: Sample<Params>, seed: number): void {
  const { variables, values } = drawSample(sample, seed);
  const types = op.fields.infer(variables.map((v) => v.type), sample.params);
  const results = op.fields.reference(values, sample.params, types);
  const bad = types.findIndex((t, i) => !fits(results[i], t));
  if (bad < 0 && results.length === types.length) return;
  fail("type", "op-infer", {
    what: `infer() of '${op}' says its outputs are ${types.join(", ")}; its reference gives ${results.join(", ")}.`, saw: variables.map(String), fix: "make infer and reference agree",
  });
}

const fits = (x: NdArray | undefined, t: TensorType): boolean => x !== undefined && x.dtype === t.dtype && x.ndim === t.ndim && t.broadcastable.every((b, a) => !b || x.shape[a] === 1);

function checkGradient(op: Op, sample: Sample<Params>, seed: number): void {
  const { variables, values } = drawSample(sample, seed);
  const outputs = op.fields.infer(variables.map((v) => v.type), sample.params);
  if (op.fields.gradient === undefined || !outputs.some((t) => isFloat(t.dtype)) || !variables.some((v) => isFloat(v.dtype))) return;
  verifyGrad((...xs) => apply(op, xs, sample.params), values, { broadcastable: variables.map((v) => v.broadcastable) });
}
