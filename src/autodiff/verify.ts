/**
 * verifyGrad: symbolic gradients against central finite differences, both in float64 on the graph interpreter, along a random projection of
 * the output (as theano/gradient.py verify_grad). Must not know kernels or devices: src/testing checks those against the interpreter.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import { TensorType } from "../graph/types.js";
import { Constant, Variable } from "../graph/variable.js";
import { asarray } from "../numpy/convert.js";
import { type ArrayLike, NdArray } from "../numpy/ndarray.js";
import { elementsText } from "../numpy/show.js";
import { add, mul } from "../ops/elementwise.js";
import { sum } from "../ops/reduce.js";
import { drawArray, seededUniform } from "../ops/samples.js";
import { fail } from "../util/fail.js";
import { grad } from "./grad.js";
import { interpret } from "./interpret.js";

export interface VerifyGradOptions {
  /** Uniform numbers in [0, 1) for the projection; seeded by default, so that a failure repeats. */
  readonly rng?: () => number;
  /** Half the distance of the finite difference. Default 1e-6. */
  readonly eps?: number;
  /** Gradients agree when they differ by at most `absTol + relTol * |numeric|`. Defaults 1e-6 and 1e-5. */
  readonly absTol?: number;
  readonly relTol?: number;
  /** Broadcast flags of each variable; none broadcasts by default. */
  readonly broadcastable?: readonly (readonly boolean[])[];
}

/**
 * Throws `verify-grad` unless the gradients of `fn` with respect to its float arguments agree with finite differences at `points`. `fn` takes
 * a float64 variable for each float point (int32 and bool points stay what they are and are not differentiated) and returns a variable or several.
 * Other errors: `verify-grad-points` (no point is a float), `verify-grad-float` (no output is), `verify-grad-shape`.
 */
export function verifyGrad(fn: (...inputs: Variable[]) => Variable | readonly Variable[], points: readonly ArrayLike[], options: VerifyGradOptions = {}): void {
  const values = points.map((p) => asFloat64(asarray(p)));
  const variables = values.map((v, i) => new Variable(new TensorType(v.dtype, options.broadcastable?.[i] ?? v.shape.map(() => false)), { name: `x${i}` }));
  const made = fn(...variables);
  if (!values.some((v) => isFloat(v.dtype))) {
    fail("type", "verify-grad-points", { what: "verifyGrad() got no float point, so there is no gradient to check.", saw: values.map(String), fix: "whole numbers are integers: write 1.5, or np.asarray([1], { dtype: \"float64\" })" });
  }
  const cost = projected(made instanceof Variable ? [made] : made, variables, values, options.rng ?? seededUniform(20));
  const wrt = variables.flatMap((v, i) => (isFloat(v.dtype) ? [i] : []));
  const gradients = grad(cost, wrt.map((i) => variables[i] as Variable), { disconnectedInputs: "ignore" });
  const symbolic = interpret(gradients, environment(variables, values), { exactDTypes: false });
  wrt.forEach((i, n) => compare(i, symbolic[n] as NdArray, values, (changed) => Number(interpret([cost], environment(variables, changed), { exactDTypes: false })[0]?.data[0]), options));
}

const asFloat64 = (x: NdArray): NdArray => (x.dtype === "float32" ? x.astype("float64") : x);
const environment = (variables: readonly Variable[], values: readonly NdArray[]): Map<Variable, NdArray> => new Map(variables.map((v, i) => [v, values[i] as NdArray]));

/** Sum of all float outputs times random weights in [0.5, 1.5), so that no gradient cancels by symmetry. */
function projected(outputs: readonly Variable[], variables: readonly Variable[], values: readonly NdArray[], rng: () => number): Variable {
  const shapes = interpret(outputs, environment(variables, values), { exactDTypes: false }).map((y) => y.shape);
  const costs = outputs.flatMap((y, i) => {
    if (!isFloat(y.dtype)) return [];
    const weights = drawArray("float64", shapes[i] ?? [], rng, { low: 0.5, high: 1.5 });
    return [sum(mul(y, new Constant(weights, { broadcastable: y.broadcastable })))];
  });
  if (costs.length === 0) fail("type", "verify-grad-float", { what: "verifyGrad() needs a function with a float output.", saw: outputs.map(String), fix: "return a float variable" });
  return costs.reduce((a, b) => add(a, b));
}

function compare(input: number, symbolic: NdArray, values: readonly NdArray[], costAt: (values: readonly NdArray[]) => number, options: VerifyGradOptions): void {
  const { eps = 1e-6, absTol = 1e-6, relTol = 1e-5 } = options;
  const point = values[input] as NdArray;
  if (symbolic.shape.join() !== point.shape.join()) {
    fail("value", "verify-grad-shape", { what: `The gradient for input ${input} has shape (${symbolic.shape.join(", ")}), the input has (${point.shape.join(", ")}).`, fix: "correct the gradient in the op's record" });
  }
  for (let n = 0; n < point.size; n++) {
    const at = (step: number): number => {
      const moved = new NdArray(Float64Array.from(point.data), point.shape, "float64");
      moved.data[n] = (point.data[n] as number) + step;
      return costAt(values.map((v, i) => (i === input ? moved : v)));
    };
    const numeric = (at(eps) - at(-eps)) / (2 * eps);
    const exact = symbolic.data[n] as number;
    if (!(Math.abs(exact - numeric) <= absTol + relTol * Math.abs(numeric))) {
      fail("value", "verify-grad", {
        what: `The gradient of input ${input} at element ${n} is ${exact}; finite differences give ${numeric}.`,
        saw: values.map((v, i) => `input ${i}: ${v} = ${elementsText(v).slice(0, 200)}`),
        fix: "correct the gradient in the op's record, or move the point away from where the function is not smooth",
      });
    }
  }
}
