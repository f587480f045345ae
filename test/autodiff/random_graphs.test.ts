/** Random graphs of smooth ops over a matrix, a row, a column, a vector and a scalar: gradients against finite differences. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { verifyGrad } from "../../src/autodiff/verify.js";
import type { Variable } from "../../src/graph/variable.js";
import { NdArray, type Shape } from "../../src/numpy/ndarray.js";
import { add, clip, div, maximum, mul, sqr, sub, switch_ } from "../../src/ops/elementwise.js";
import { exp, log1p, sin, sqrt, tanh } from "../../src/ops/math.js";
import { softmax } from "../../src/ops/softmax.js";
import { sigmoid, softplus } from "../../src/ops/sigmoid.js";
import { drawArray, seededUniform } from "../../src/ops/samples.js";
import { sum } from "../../src/ops/reduce.js";

const LEAVES: readonly { readonly shape: Shape; readonly broadcastable: readonly boolean[] }[] = [
  { shape: [2, 3], broadcastable: [false, false] }, { shape: [1, 3], broadcastable: [true, false] }, { shape: [2, 1], broadcastable: [false, true] },
  { shape: [3], broadcastable: [false] }, { shape: [], broadcastable: [] },
];

type Build = (leaves: readonly Variable[]) => Variable;
const UNARY: readonly ((x: Variable) => Variable)[] = [
  tanh, sigmoid, softplus, sin, (x) => exp(tanh(x)), (x) => log1p(sqr(x)), (x) => sqrt(add(sqr(x), 1)), (x) => sum(x), (x) => (x.ndim === 2 ? softmax(x) : x),
  (x) => (x.ndim === 2 ? sum(x, { axis: 0, keepdims: true }) : x), (x) => (x.ndim === 2 ? x.sum({ axis: 1 }).dimshuffle(0, "x") : x), (x) => clip(x, -10, 10),
];
const BINARY: readonly ((a: Variable, b: Variable) => Variable)[] = [add, sub, mul, (a, b) => div(a, add(sqr(b), 1)), (a, b) => switch_(a.lt(b), mul(a, 2), sub(b, a)), (a, b) => maximum(tanh(a), sub(b, 0.1234))];

const { tree } = fc.letrec<{ tree: Build }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.nat({ max: LEAVES.length - 1 }).map((i): Build => (leaves) => leaves[i]!),
    fc.tuple(fc.constantFrom(...UNARY), tie("tree")).map(([f, x]): Build => (leaves) => f(x(leaves))),
    fc.tuple(fc.constantFrom(...BINARY), tie("tree"), tie("tree")).map(([f, a, b]): Build => (leaves) => f(a(leaves), b(leaves))),
  ),
}));
const values = (seed: number): NdArray[] => {
  const uniform = seededUniform(seed);
  return LEAVES.map((l) => drawArray("float64", l.shape, uniform, { low: -1, high: 1 }));
};

test("gradients of random graphs agree with finite differences", () => {
  fc.assert(
    fc.property(tree, fc.nat({ max: 1000 }), (build, seed) => {
      verifyGrad((...leaves) => build(leaves), values(seed), { broadcastable: LEAVES.map((l) => l.broadcastable), absTol: 1e-5, relTol: 1e-4, eps: 1e-6 });
    }),
    { numRuns: 60, seed: 20 },
  );
}, 60_000);

test("the gradient of a sum is the sum of the gradients", () => {
  fc.assert(
    fc.property(tree, tree, (f, g) => {
      let checked = 0;
      verifyGrad((...leaves) => {
        const [a, b] = [sum(f(leaves)), sum(g(leaves))];
        const env = new Map(leaves.map((v, i) => [v, values(7)[i]!]));
        const options = { disconnectedInputs: "ignore" } as const;
        const results = [add(a, b), a, b].map((cost) => interpret(grad(cost, leaves, options), env));
        results[0]!.forEach((whole, i) => {
          whole.data.forEach((x, n) => expect(x).toBeCloseTo(results[1]![i]!.data[n]! + results[2]![i]!.data[n]!, 9));
          checked++;
        });
        return a;
      }, values(7), { broadcastable: LEAVES.map((l) => l.broadcastable), absTol: 1e-5, relTol: 1e-4 });
      expect(checked).toBe(LEAVES.length);
    }),
    { numRuns: 30, seed: 21 },
  );
}, 60_000);
