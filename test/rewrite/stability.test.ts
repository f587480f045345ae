/** Numbers at the edges: what overflows as written is finite and right after rewriting, forwards and in gradients (test_nnet.py, test_opt.py). */
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { fillGraph } from "../../src/graph/edit.js";
import { FunctionGraph } from "../../src/graph/function_graph.js";
import { tensorType } from "../../src/graph/types.js";
import { Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import type { Nested } from "../../src/numpy/ndarray.js";
import { arange } from "../../src/ops/alloc.js";
import { dot } from "../../src/ops/dot.js";
import { add, div, lt, mul, neg, sub, switch_ } from "../../src/ops/elementwise.js";
import { exp, log, sqrt } from "../../src/ops/math.js";
import { categoricalCrossentropy, sigmoid, softmax } from "../../src/ops/nnet.js";
import { sum } from "../../src/ops/reduce.js";
import { mean } from "../../src/ops/statistics.js";
import { type Report, rewriteGraph } from "../../src/rewrite/engine.js";
import "../../src/ops/indexing.js";

const input = (ndim: number, dtype: "float32" | "float64" | "int32" = "float32", name = "x") => new Variable(tensorType(dtype, ndim), { name });

function rewritten(outputs: readonly Variable[]): { outputs: Variable[]; report: Report } {
  const g = new FunctionGraph();
  fillGraph(g, [], outputs);
  const report = rewriteGraph(g, { check: true });
  return { outputs: g.tables.outputs.map((o) => g.view(o)), report };
}

/** Values of the rewritten graph, in the dtypes of its variables. */
function values(outputs: readonly Variable[], given: readonly (readonly [Variable, Nested])[]): number[][] {
  const env = new Map(given.map(([v, x]) => [v, asarray(x, { dtype: v.dtype })] as const));
  return interpret(rewritten(outputs).outputs, env).map((a) => [...a.data]);
}

const DTYPES = ["float32", "float64"] as const;
const EDGES = [-1000, -100, -1, 0, 1, 100, 1000];
const sig = (x: number) => 1 / (1 + Math.exp(-x));

describe.each(DTYPES)("%s", (dtype) => {
  const close = (got: readonly number[] | undefined, wanted: readonly number[]) => {
    const tolerance = dtype === "float32" ? 1e-6 : 1e-14;
    expect(got).toHaveLength(wanted.length);
    got?.forEach((x, i) => expect(Math.abs(x - (wanted[i] as number)), `[${i}] ${x} for ${wanted[i]}`).toBeLessThanOrEqual(tolerance * (1 + Math.abs(wanted[i] as number))));
  };
  const x = input(1, dtype);

  test("log(1 + exp x) and its gradient", () => {
    const [y, g] = values([log(add(1, exp(x))), grad(sum(log(add(1, exp(x)))), x)], [[x, EDGES]]);
    close(y, EDGES.map((v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)))));
    close(g, EDGES.map(sig));
  });

  test("log(sigmoid), log(1 - sigmoid) and their gradients", () => {
    const [p, q] = [log(sigmoid(x)), log(sub(1, sigmoid(x)))];
    const [a, b, c, d] = values([p, q, grad(sum(p), x), grad(sum(q), x)], [[x, EDGES]]);
    close(a, EDGES.map((v) => Math.min(v, 0) - Math.log1p(Math.exp(-Math.abs(v)))));
    close(b, EDGES.map((v) => -Math.max(v, 0) - Math.log1p(Math.exp(-Math.abs(v)))));
    close(c, EDGES.map((v) => sig(-v)));
    close(d, EDGES.map((v) => -sig(v)));
  });

  test("doc logistic regression: -y log p - (1 - y) log(1 - p), p = 1 / (1 + exp(-x))", () => {
    const y = input(1, dtype, "y");
    const p = div(1, add(1, exp(neg(x))));
    const cost = sub(mul(neg(y), log(p)), mul(sub(1, y), log(sub(1, p))));
    const targets = EDGES.map((_, i) => i % 2);
    const [c, g] = values([cost, grad(sum(cost), x)], [[x, EDGES], [y, targets]]);
    close(c, EDGES.map((v, i) => Math.max(v, 0) - v * (targets[i] as number) + Math.log1p(Math.exp(-Math.abs(v)))));
    close(g, EDGES.map((v, i) => sig(v) - (targets[i] as number)));
  });

  test("the gradient of a crossentropy through sigmoid(x) (dA, SdA)", () => {
    const y = input(1, dtype, "y");
    const z = sigmoid(x);
    const cost = neg(sum(add(mul(y, log(z)), mul(sub(1, y), log(sub(1, z))))));
    const targets = EDGES.map((_, i) => (i % 3) / 2);
    const [g] = values([grad(cost, x)], [[x, EDGES], [y, targets]]);
    close(g, EDGES.map((v, i) => sig(v) - (targets[i] as number)));
  });

  test("log(exp a + exp b) and the log of a sum of exponentials, with gradients", () => {
    const y = input(1, dtype, "y");
    const [a, b] = [[10000, -10000, 0, 1000], [10000, -10000, 1, -1000]];
    const two = log(add(exp(x), exp(y)));
    const [v, g] = values([two, grad(sum(two), x)], [[x, a], [y, b]]);
    close(v, [10000 + Math.LN2, -10000 + Math.LN2, Math.log(1 + Math.E), 1000]);
    close(g, [0.5, 0.5, sig(-1), 1]);
    const all = log(sum(exp(x)));
    const [s, h] = values([all, grad(all, x)], [[x, [1000, 1000, -1000]]]);
    close(s, [1000 + Math.LN2]);
    close(h, [0.5, 0.5, 0]);
    const infinite = log(sum(exp(x)));
    expect(values([infinite], [[x, [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]]])).toEqual([[Number.NEGATIVE_INFINITY]]);
    expect(values([two], [[x, [Number.POSITIVE_INFINITY]], [y, [Number.POSITIVE_INFINITY]]])).toEqual([[Number.POSITIVE_INFINITY]]);
  });

  const m = input(2, dtype, "m");
  const labels = input(1, "int32", "labels");
  const costs: [string, Variable][] = [
    ["categoricalCrossentropy(softmax)", mean(categoricalCrossentropy(softmax(m), labels))],
    ["-mean(log(softmax)[arange, y])", neg(mean(log(softmax(m)).get(arange(labels.shape[0]), labels)))],
    ["-mean(log(softmax[arange, y]))", neg(mean(log(softmax(m).get(arange(labels.shape[0]), labels))))],
  ];
  test.each(costs)("%s and its gradient at ±1000", (_, cost) => {
    const rows = [[1000, -1000, 0], [-1000, 1000, 1000]];
    const [c, g] = values([cost, grad(cost, m)], [[m, rows], [labels, [1, 2]]]);
    close(c, [(2000 + Math.LN2) / 2]);
    close(g, [0.5, -0.5, 0, 0, 0.25, -0.25]);
  });

  test("the same of a softmax written out, forwards", () => {
    const p = div(exp(m), sum(exp(m), { axis: 1, keepdims: true }));
    const [c] = values([neg(mean(log(p).get(arange(labels.shape[0]), labels)))], [[m, [[1000, -1000, 0], [-1000, 1000, 1000]]], [labels, [1, 2]]]);
    close(c, [(2000 + Math.LN2) / 2]);
  });

  test("crossentropy of a softmax with a matrix of targets", () => {
    const t = input(2, dtype, "t");
    const cost = sum(categoricalCrossentropy(softmax(m), t));
    const [c, g] = values([cost, grad(cost, m)], [[m, [[1000, -1000]]], [t, [[0.25, 0.75]]]]);
    close(c, [1500]);
    close(g, [0.75, -0.75]);
  });

  test("Theano's test_asymptotic_32 (A30)", () => {
    const cost = sum(categoricalCrossentropy(softmax(m), labels));
    const base = Array.from({ length: 5 }, (_, i) => Array.from({ length: 4 }, (_, j) => (i === 0 ? 100 : 0) + j));
    const descending = base.map((row) => row.map((_, j) => 100.3 - 100.3 * j));
    expect(values([cost], [[m, descending], [labels, [0, 0, 0, 0, 0]]])[0]?.[0]).toBeLessThan(1e-30);
    const [c, g] = values([cost, grad(cost, m)], [[m, base.map((row, i) => row.map((_, j) => 100000.3 * 100 * (j > 0 ? 1 : 0) + i))], [labels, [0, 0, 0, 0, 0]]]);
    expect(c?.[0]).toBeGreaterThan(30875000);
    expect(g?.[0]).toBe(-1);
    close(g?.slice(1, 4), [1 / 3, 1 / 3, 1 / 3]);
  });

  test("the gradient of switch(x < 7, x, sqrt(x - 7)) (PR 2773)", () => {
    const s = input(0, dtype, "s");
    const g = grad(switch_(lt(s, 7), s, sqrt(sub(s, 7))), s);
    expect(values([g], [[s, 5]])).toEqual([[1]]);
    expect(values([g], [[s, 11]])).toEqual([[0.25]]);
    expect(values([grad(switch_(lt(s, 7), s, sqrt(sub(s, 7))).mul(3), s)], [[s, 5]])).toEqual([[3]]);
  });

  test("the gradient of the free energy of an RBM, and its pseudo-likelihood", () => {
    const [v, W] = [input(2, dtype, "v"), input(2, dtype, "W")];
    const [hbias, vbias] = [input(1, dtype, "hbias"), input(1, dtype, "vbias")];
    const wx = add(dot(v, W), hbias);
    const energy = sub(neg(sum(log(add(1, exp(wx))), { axis: 1 })), dot(v, vbias));
    const cost = mean(energy);
    const given = [[v, [[1, 1], [1, 0]]], [W, [[1000, -500], [-10, 900]]], [hbias, [0, 1]], [vbias, [0.5, -0.5]]] as const;
    const [e, gW, gh, gv] = values([energy, ...grad(cost, [W, hbias, vbias])], given as never);
    close(e, [-(990 + 401) - 0, -1000 - 0.5]);
    close(gW, [-1, -0.5, -0.5, -0.5]);
    close(gh, [-1, -0.5]);
    close(gv, [-1, -0.5]);
    const pl = mean(log(sigmoid(sub(energy, mul(energy, 2)))));
    expect(values([pl], given as never)[0]?.[0]).toBeCloseTo(0, 5);
  });
});
