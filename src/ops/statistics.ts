/**
 * mean, variance, standard deviation, norms and ranges, composed as Theano composes them (theano/tensor/basic.py mean, var, std, ptp; var.py norm),
 * so that they have no records of their own: gradients and kernels come from their parts.
 */
import { toDType } from "../codegen/ir/dtype.js";
import { scalarConstant, type Variable } from "../graph/variable.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { asTensor, method, type Operand } from "./define.js";
import { abs, cast, div, gt, lt, mul, sqr, sub, switch_ } from "./elementwise.js";
import { stack } from "./join.js";
import { pow, sqrt } from "./math.js";
import { type AxisArgs, axesOf, max, min, readOptions, type ReduceOptions, type SumOptions, sum } from "./reduce.js";
import { shapeAt } from "./shape.js";

export interface VarOptions extends ReduceOptions {
  /** Subtracted from the count in the divisor; 0 by default. */
  readonly ddof?: number | undefined;
}

/** How many elements an axis option reduces, as a scalar of the given dtype. */
function countOf(x: Variable, axis: ReduceOptions["axis"], dtype: string): Variable {
  const lengths = axesOf(x, axis).map((a) => shapeAt(x, a));
  return cast(lengths.length === 0 ? scalarConstant(1, "int32") : lengths.reduce((a, b) => mul(a, b)), dtype);
}

/** Integers and bools as floatX. */
export const floating = (x: Variable): Variable => (x.type.isFloat ? x : cast(x, config.floatX));

/** The sum divided by the count. Integers and bools give floatX; `dtype` (a float) computes in another. NaN over nothing. */
export function mean(x: Operand, ...given: AxisArgs<SumOptions>): Variable {
  const { dtype, ...options } = readOptions<SumOptions>(given);
  const read = asTensor(x);
  const v = dtype === undefined ? floating(read) : cast(read, toDType(dtype));
  const total = sum(floating(v), options);
  return div(total, countOf(v, options.axis, total.dtype));
}

/** The mean of squared deviations from the mean; the divisor is the count less `ddof`. The name `var` is taken by JavaScript. */
export function variance(x: Operand, ...given: AxisArgs<VarOptions>): Variable {
  const { ddof = 0, ...options } = readOptions<VarOptions>(given);
  const v = floating(asTensor(x));
  const deviations = sqr(sub(v, mean(v, { axis: options.axis, keepdims: true })));
  if (ddof === 0) return mean(deviations, options);
  return div(sum(deviations, options), sub(countOf(v, options.axis, v.dtype), ddof));
}

/** The square root of the variance. */
export const std = (x: Operand, ...options: AxisArgs<VarOptions>): Variable => sqrt(variance(x, ...options));

/** The norm of order L, (sum |x|^L)^(1/L). Orders 0 and infinity: NotSupportedError `norm-order`, as in Theano. */
export function norm(x: Operand, L: number, ...options: AxisArgs<ReduceOptions>): Variable {
  const v = asTensor(x);
  if (L === 0 || !Number.isFinite(L)) {
    fail("unsupported", "norm-order", { what: `There is no norm of order ${L}.`, where: String(v.origin), fix: "use max(abs(x)) for infinity, sum(neq(x, 0)) for 0" });
  }
  return pow(sum(pow(abs(v), L), readOptions<ReduceOptions>(options)), 1 / L);
}

/** The greatest element less the least, along axes. */
export const ptp = (x: Operand, ...options: AxisArgs<ReduceOptions>): Variable => sub(max(x, ...options), min(x, ...options));

/** The least of several tensors, elementwise; of two, b where neither is less. */
export const smallest = (a: Operand, b: Operand, ...more: readonly Operand[]): Variable => (more.length === 0 ? switch_(lt(a, b), a, b) : min(stack([a, b, ...more]), { axis: 0 }));
/** The greatest of several tensors, elementwise; of two, b where neither is greater. */
export const largest = (a: Operand, b: Operand, ...more: readonly Operand[]): Variable => (more.length === 0 ? switch_(gt(a, b), a, b) : max(stack([a, b, ...more]), { axis: 0 }));

declare module "../graph/variable.js" {
  interface Variable {
    /** Sum divided by count; floatX for integers and bools. */
    mean(...options: AxisArgs<SumOptions>): Variable;
    var(...options: AxisArgs<VarOptions>): Variable;
    std(...options: AxisArgs<VarOptions>): Variable;
    /** The norm of order L over axes. */
    norm(L: number, ...options: AxisArgs<ReduceOptions>): Variable;
    /** Greatest less least. */
    ptp(...options: AxisArgs<ReduceOptions>): Variable;
  }
}
method({ mean, var: variance, std, norm, ptp });
