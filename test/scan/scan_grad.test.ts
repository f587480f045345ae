/** Gradients through scan against finite differences, hand-made sums and Theano's published numbers; truncation; connection; second derivatives. */
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { verifyGrad } from "../../src/autodiff/verify.js";
import type { Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import { arange } from "../../src/ops/alloc.js";
import { dot } from "../../src/ops/dot.js";
import { add, cast, gt, mul, switch_ } from "../../src/ops/elementwise.js";
import { constant, inputMakers as T } from "../../src/ops/inputs.js";
import { exp, pow, tanh } from "../../src/ops/math.js";
import { MRGRandomStreams } from "../../src/random/mrg_streams.js";
import { RandomStreams } from "../../src/random/streams.js";
import { shared } from "../../src/ops/shared.js";
import { scanOf, type ScanParts } from "../../src/scan/parts.js";
import { scan } from "../../src/scan/scan.js";
import { scanOp } from "../../src/scan/scan_op.js";
import { codeOf, evaluated } from "./helpers.js";

const one = constant(1, { dtype: "float64" });
const zero = constant(0, { dtype: "float64" });

describe("published numbers", () => {
  test("A8: Jacobian and Hessian by scan", () => {
    const x = T.dvector("x");
    const y = pow(x, 2);
    const [J] = scan({ fn: (i: Variable, of: Variable, at: Variable) => grad(of.get(i), at), sequences: arange(y.shape[0]), nonSequences: [y, x] });
    expect(evaluated(J, [[x, [4, 4]]])).toEqual([[8, 0], [0, 8]]);
    const gy = grad(y.sum(), x);
    const [H] = scan({ fn: (i: Variable, g: Variable, at: Variable) => grad(g.get(i), at), sequences: arange(gy.shape[0]), nonSequences: [gy, x] });
    expect(evaluated(H, [[x, [4, 4]]])).toEqual([[2, 0], [0, 2]]);
  });

  test("A10: second derivative of a polynomial through scan is 42 (test_grad_of_grad_of_state)", () => {
    const c = T.dvector("c");
    const x = T.dscalar("x");
    const [terms] = scan({ fn: (coefficient: Variable, power: Variable, at: Variable) => mul(coefficient, pow(at, power)), outputsInfo: null, sequences: [c, arange(10000)], nonSequences: x });
    const polynomial = terms.sum();
    const [first, second] = [grad(polynomial, x), grad(grad(polynomial, x), x)];
    const given = [[c, [1, 2, -3, 4]], [x, 2]] as const;
    expect(evaluated(polynomial, given)).toBe(25);
    expect(evaluated(first, given)).toBe(38);
    expect(evaluated(second, given)).toBe(42);
  });
});

describe("against finite differences", () => {
  const x = [[0.3, -0.2], [0.5, 0.1], [-0.4, 0.7], [0.2, 0.6]];
  const W = [[0.5, -0.3], [0.2, 0.4]];
  const U = [[0.1, 0.6], [-0.5, 0.3]];
  const h0 = [0.1, -0.1];

  test("a recurrent net: sequence, initial state and weights, all steps and the last", () => {
    const net = (pick: (h: Variable) => Variable) => (xs: Variable, w: Variable, u: Variable, h: Variable): Variable =>
      pick(scan({ fn: (xt: Variable, before: Variable, a: Variable, b: Variable) => tanh(add(dot(xt, a), dot(before, b))), sequences: xs, outputsInfo: h, nonSequences: [w, u] })[0]);
    verifyGrad(net((h) => h), [x, W, U, h0]);
    verifyGrad(net((h) => h.get(-1)), [x, W, U, h0]);
  });

  test("weights captured from outside, and expressions of them", () => {
    verifyGrad((w, h) => scan({ fn: (before: Variable) => tanh(dot(before, mul(w, w))), outputsInfo: h, nSteps: 3 })[0], [W, h0]);
  });

  test("taps of sequences and of outputs", () => {
    verifyGrad(
      (xs, y0, k) => scan({
        fn: (a: Variable, b: Variable, near: Variable, far: Variable) => tanh(add(mul(a, b), add(mul(near, k), mul(far, far)))),
        sequences: { input: xs, taps: [-1, 1] }, outputsInfo: { initial: y0, taps: [-1, -3] },
      })[0],
      [[0.3, -0.5, 0.8, 0.2, 0.6], [0.2, 0.5, -0.3], 0.7],
    );
  });

  test("several states that read each other, an output that is none, one that is a state of the step before", () => {
    verifyGrad(
      (a0, b0, s) => {
        const [[a, , c, d]] = scan({ fn: (a: Variable, b: Variable) => [mul(b, s), add(a, tanh(b)), exp(mul(a, b)), a], outputsInfo: [a0, b0, null, null], nSteps: 4 });
        return [a, c, d];
      },
      [0.4, -0.3, 0.8],
    );
  });

  test("fewer steps than the sequence has: the rest gets zero", () => {
    verifyGrad((xs) => scan({ fn: (a: Variable, s: Variable) => mul(add(a, s), a), sequences: xs, outputsInfo: zero, nSteps: 2 })[0], [[0.3, 0.5, 0.7, 0.9]]);
    const v = T.dvector("v");
    const [y] = scan({ fn: (a: Variable) => mul(a, a), sequences: v, nSteps: 2 });
    expect(evaluated(grad(y.sum(), v), [[v, [1, 2, 3]]])).toEqual([2, 4, 0]);
  });

  test("goBackwards", () => {
    verifyGrad((xs) => scan({ fn: (a: Variable, s: Variable) => tanh(add(mul(a, 2), s)), sequences: xs, outputsInfo: zero, goBackwards: true })[0], [[0.3, 0.5, -0.7]]);
  });

  test("a scan inside a step", () => {
    verifyGrad(
      (m, k) => scan({ fn: (row: Variable, total: Variable) => add(total, scan({ fn: (v: Variable, s: Variable) => tanh(add(mul(v, k), s)), sequences: row, outputsInfo: zero })[0].get(-1)), sequences: m, outputsInfo: zero })[0],
      [[[0.1, 0.5], [-0.6, 0.2]], 0.9],
    );
  });

  test("one step, unrolled", () => {
    verifyGrad((xs, h) => scan({ fn: (a: Variable, s: Variable) => tanh(add(a, s)), sequences: xs, outputsInfo: h, nSteps: 1 })[0], [x, h0]);
  });

  test("the gradient of a gradient, with states", () => {
    verifyGrad((s, k) => grad(scan({ fn: (before: Variable) => tanh(mul(mul(before, before), k)), outputsInfo: s, nSteps: 3 })[0].sum(), [s, k]), [0.7, 1.3]);
  });

  test("updates of shared variables", () => {
    verifyGrad((k) => {
      const s = shared(asarray(0.5, { dtype: "float64" }));
      const [, updates] = scan({ fn: () => [[s, tanh(mul(s, k))]], nSteps: 3 });
      return updates.get(s) as Variable;
    }, [1.1]);
  });

  test("broadcast states", () => {
    verifyGrad((row, m) => scan({ fn: (s: Variable) => mul(s, tanh(m)), outputsInfo: row, nSteps: 2 })[0], [[[0.2, 0.4]], [[0.3, 0.5]]], { broadcastable: [[true, false], [false, false]] });
  });
});

test("outputs of which only the last step is kept, as rewriting leaves them", () => {
  verifyGrad(
    (x, s0) => {
      const [row, before] = [T.dscalar(), T.dscalar()];
      const next = tanh(add(mul(before, row), row));
      const parts: ScanParts = {
        steps: x.shape[0], sequences: [{ outer: x, inner: row }], carries: [{ init: s0, inner: before, next }], constants: [],
        stacked: [{ value: mul(next, row), keep: "last" }, { value: exp(next), keep: "all" }], truncate: null, name: "kept",
      };
      const { carries, stacked } = scanOf(scanOp, parts);
      return [...carries, ...stacked];
    },
    [[0.3, -0.5, 0.8], 0.4],
  );
});

describe("truncation", () => {
  const s = T.dscalar("s");
  const k = T.dscalar("k");
  const x = T.dvector("x");

  /** y_t = k y_{t-1} + x_t; the cost is the last y, so d y_n / d x_t = k^(n-1-t) for the last steps and 0 before. */
  test("gradients reach so many last steps back", () => {
    const [y] = scan({ fn: (a: Variable, before: Variable) => add(mul(k, before), a), sequences: x, outputsInfo: s, truncateGradient: 2 });
    const given = [[x, [1, 2, 3, 4]], [s, 5], [k, 2]] as const;
    const [gx, gs, gk] = grad(y.get(-1), [x, s, k]);
    expect(evaluated(gx as Variable, given)).toEqual([0, 0, 2, 1]);
    expect(evaluated(gs as Variable, given)).toBe(0);
    // y: 11, 24, 51, 106; d/dk = y_3 + k y_2
    expect(evaluated(gk as Variable, given)).toBe(51 + 2 * 24);
  });

  test("no more than there are steps is no truncation", () => {
    const make = (truncateGradient: number): Variable => scan({ fn: (a: Variable, before: Variable) => add(mul(k, before), a), sequences: x, outputsInfo: s, truncateGradient })[0].get(-1);
    const given = [[x, [1, 2, 3]], [s, 5], [k, 2]] as const;
    for (const wrt of [x, s, k]) expect(evaluated(grad(make(7), wrt), given)).toEqual(evaluated(grad(make(-1), wrt), given));
  });
});

describe("connection", () => {
  const x = T.dvector("x");

  test("what no output depends on is disconnected, the number of steps too", () => {
    const unused = T.dscalar("unused");
    const n = T.iscalar("n");
    const [[y]] = scan({ fn: (a: Variable, u: Variable) => [mul(a, 2), mul(u, 3)], sequences: x, nonSequences: unused, nSteps: n });
    expect(codeOf(() => grad(y.sum(), unused))).toBe("grad-disconnected");
    expect(codeOf(() => grad(y.sum(), n))).toBe("grad-disconnected");
    expect(grad(y.sum(), [x, unused], { disconnectedInputs: "ignore", returnDisconnected: "none" })[1]).toBeNull();
  });

  test("whole numbers carry no gradient, a comparison a zero one", () => {
    const i = T.ivector("i");
    const start = T.dscalar("start");
    const [[y]] = scan({
      fn: (a: Variable, j: Variable, b: Variable, count: Variable) => [add(mul(a, cast(gt(b, 0), "float64")), mul(j, 0)), mul(b, 2), add(count, 1)],
      sequences: [x, i], outputsInfo: [null, start, constant(0, { dtype: "int32" })],
    });
    const given = [[x, [1, 2]], [i, [3, 4]], [start, 1]] as const;
    expect(evaluated(grad(y.sum(), x), given)).toEqual([1, 1]);
    expect(evaluated(grad(y.sum(), start), given)).toBe(0);
    expect(evaluated(grad(y.sum(), i), given)).toEqual([0, 0]);
  });

  test("states chosen by a condition", () => {
    verifyGrad((s) => scan({ fn: (v: Variable) => switch_(gt(v, 0.5), mul(v, v), mul(v, 3)), outputsInfo: s, nSteps: 4 })[0], [0.3]);
  });

  test("through draws: undefined for NumPy's, in this step and through later ones; zero for a comparison with a uniform draw", () => {
    const [w, start] = [T.dscalar("w"), T.dscalar("start")];
    const numpy = new RandomStreams(3);
    const [y] = scan({ fn: (v: Variable) => add(mul(v, 0.5), numpy.uniform({ size: [], low: w, high: 2 })), outputsInfo: start, nSteps: 3 });
    expect(codeOf(() => grad(y.sum(), w))).toBe("grad-undefined");
    expect(evaluated(grad(y.sum(), start), [[w, 0], [start, 1]])).toBe(0.5 + 0.25 + 0.125);
    const [z] = scan({ fn: (v: Variable) => numpy.normal({ size: [], avg: mul(v, w), dtype: "float64" }), outputsInfo: start, nSteps: 3 });
    for (const wrt of [w, start]) expect(codeOf(() => grad(z.sum(), wrt))).toBe("grad-undefined");
    const mrg = new MRGRandomStreams(3);
    const [b] = scan({ fn: (v: Variable) => mrg.binomial({ size: [1], p: mul(v.sum(), w), dtype: "float64" }).sum(), outputsInfo: start, nSteps: 3 });
    expect(evaluated(grad(b.sum(), w), [[w, 0.5], [start, 1]])).toBe(0);
  });

  test("considerConstant cuts the loop off", () => {
    const w = T.dscalar("w");
    const [chain] = scan({ fn: (v: Variable) => tanh(mul(v, w)), outputsInfo: one, nSteps: 5 });
    const end = chain.get(-1);
    expect(evaluated(grad(mul(end, w), w, { considerConstant: [end] }), [[w, 0.5]])).toBeCloseTo(evaluated(end, [[w, 0.5]]) as number, 14);
  });
});
