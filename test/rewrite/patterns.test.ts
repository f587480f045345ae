/** Whole graphs after all phases: Theano's published pattern counts (nnet/tests/test_sigm.py, test_opt.py) and the forms that tutorials rely on. */
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { fillGraph } from "../../src/graph/edit.js";
import { FunctionGraph } from "../../src/graph/function_graph.js";
import { tensorType } from "../../src/graph/types.js";
import { Constant, SharedVariable, Variable } from "../../src/graph/variable.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { arange } from "../../src/ops/alloc.js";
import { dot } from "../../src/ops/dot.js";
import { add, cast, div, gt, lt, mul, neg, sub, switch_ } from "../../src/ops/elementwise.js";
import { exp, log, pow, sqrt } from "../../src/ops/math.js";
import { categoricalCrossentropy, logSoftmax, sigmoid, softmax, softplus } from "../../src/ops/nnet.js";
import { sum } from "../../src/ops/reduce.js";
import { flatten, reshape } from "../../src/ops/reshape.js";
import { slice } from "../../src/ops/slices.js";
import { mean } from "../../src/ops/statistics.js";
import { rewriteGraph, type RewriteOptions } from "../../src/rewrite/engine.js";
import { printGraph } from "../../src/rewrite/print.js";
import "../../src/ops/indexing.js";

const vec = (name: string, dtype: "float32" | "int32" = "float32") => new Variable(tensorType(dtype, 1), { name });
const mat = (name: string) => new Variable(tensorType("float32", 2), { name });
const scalar = (name: string) => new Variable(tensorType("float32", 0), { name });

function optimised(outputs: readonly Variable[], options: RewriteOptions = {}): string {
  const g = new FunctionGraph();
  fillGraph(g, [], outputs);
  rewriteGraph(g, { check: true, ...options });
  return printGraph(g.tables.outputs.map((o) => g.view(o)));
}

const [x, y] = [vec("x"), vec("y")];

describe("sigmoid and softplus (A31)", () => {
  test.each([
    ["log(1 + exp x)", log(add(1, exp(x))), "softplus(x)"],
    ["log(exp x + 1)", log(add(exp(x), 1)), "softplus(x)"],
    ["exp x / (1 + exp x)", div(exp(x), add(1, exp(x))), "sigmoid(x)"],
    ["exp x / (exp x + 1)", div(exp(x), add(exp(x), 1)), "sigmoid(x)"],
    ["exp x / (2 + exp x) stays", div(exp(x), add(2, exp(x))), "div(%0=exp(x), add([2], %0))"],
    ["1 / (1 + exp(-x))", div(1, add(1, exp(neg(x)))), "sigmoid(x)"],
    ["1 / (1 + exp x)", div(1, add(1, exp(x))), "sigmoid(neg(x))"],
    ["-exp x / (1 + exp x)", neg(div(exp(x), add(1, exp(x)))), "neg(sigmoid(x))"],
    ["exp(x - y) / (1 + exp(x - y))", div(exp(sub(x, y)), add(1, exp(sub(x, y)))), "sigmoid(sub(x, y))"],
    ["log(sigmoid x)", log(sigmoid(x)), "neg(softplus(neg(x)))"],
    ["log(1 - sigmoid x)", log(sub(1, sigmoid(x))), "neg(softplus(x))"],
    ["log(1 - sigmoid(-x))", log(sub(1, sigmoid(neg(x)))), "neg(softplus(neg(x)))"],
    ["1 - sigmoid(-x)", sub(1, sigmoid(neg(x))), "sigmoid(x)"],
    ["1 - 1 / (1 + exp(-x))", sub(1, div(1, add(1, exp(neg(x))))), "sigmoid(neg(x))"],
    ["-log of a sigmoid written out", neg(log(div(1, add(1, exp(neg(x)))))), "softplus(neg(x))"],
  ])("%s", (_, before, after) => {
    expect(optimised([before])).toBe(after);
  });

  test("through flatten and reshape (log1msigm_to_softplus)", () => {
    const m = mat("m");
    expect(optimised([log(sub(1, flatten(sigmoid(m))))])).toBe("reshape{lengths=[null]}(neg(softplus(m)), mul(shape_i{axis=0}(m), shape_i{axis=1}(m)))");
    expect(optimised([log(sub(1, reshape(sigmoid(m), [-1])))])).toBe("reshape{lengths=[-1]}(neg(softplus(m)))");
  });

  test("1 - sigmoid(x) stays where sigmoid(x) is wanted too", () => {
    expect(optimised([sub(1, sigmoid(x)), sigmoid(x)])).toBe("sub([1], %0=sigmoid(x)); %0");
  });

  test("binary crossentropy of a sigmoid, and its gradient", () => {
    const p = sigmoid(x);
    const cost = neg(add(mul(y, log(p)), mul(sub(1, y), log(sub(1, p)))));
    expect(optimised([cost])).not.toMatch(/log|sigmoid/);
    expect(optimised([grad(sum(cost), x)])).not.toMatch(/div|log|exp/);
  });

  test("the gradient of log(1 + exp x) is a sigmoid", () => {
    expect(optimised([grad(sum(log(add(1, exp(x)))), x)])).toBe("sigmoid(x)");
    expect(optimised([grad(sum(log(sub(1, sigmoid(x)))), x)])).toBe("neg(sigmoid(x))");
  });
});

describe("canonical forms", () => {
  const z = vec("z");
  test.each([
    ["x y / x", div(mul(x, y), x), "y"],
    ["x / x", div(x, x), "alloc{lengths=[null]}([1], shape_i{axis=0}(x))"],
    ["(a b) / (c a)", div(mul(x, y), mul(z, x)), "div(y, z)"],
    ["(x / y) y", mul(div(x, y), y), "x"],
    ["x / (y / z)", div(x, div(y, z)), "div(x, div(y, z))"],
    ["2 x 3 / 6", div(mul(mul(2, x), 3), 6), "x"],
    ["x (-1)", mul(x, -1), "neg(x)"],
    ["-(-x)", neg(neg(x)), "x"],
    ["(-x) (-y)", mul(neg(x), neg(y)), "mul(x, y)"],
    ["(-x) / y", div(neg(x), y), "div(neg(x), y)"],
    ["x 1 + 0", add(mul(x, 1), 0), "x"],
    ["x - x", sub(x, x), "alloc{lengths=[null]}([0], shape_i{axis=0}(x))"],
    ["x 0", mul(x, 0), "alloc{lengths=[null]}([0], shape_i{axis=0}(x))"],
    ["x + y - x", sub(add(x, y), x), "y"],
    ["x - (x - y)", sub(x, sub(x, y)), "y"],
    ["x + 1 + y + 2", add(add(add(x, 1), y), 2), "add([3], add(x, y))"],
    ["x ** 1", pow(x, 1), "x"],
    ["x ** 2", pow(x, 2), "sqr(x)"],
    ["x ** 0.5", pow(x, 0.5), "sqrt(x)"],
    ["x ** -1", pow(x, -1), "inv(x)"],
    ["x x", mul(x, x), "sqr(x)"],
  ])("%s", (_, before, after) => {
    expect(optimised([before])).toBe(after);
  });

  test("the gradient of x ** 2 is 2 x (A6)", () => {
    const s = scalar("x");
    expect(optimised([grad(pow(s, 2), s)])).toBe("mul(2, x)");
  });

  test("the gradient of x ** 0 is 0, not NaN (Theano issue 2995)", () => {
    const s = scalar("x");
    expect(optimised([grad(pow(s, 0), s)])).toBe("0");
    expect(optimised([grad(pow(s, 0), s)], { mode: "fast_compile" })).toBe("0");
  });
});

describe("softmax", () => {
  const [m, b] = [mat("m"), vec("labels", "int32")];
  test.each([
    ["exp / sum with keepdims", div(exp(m), sum(exp(m), { axis: 1, keepdims: true })), "softmax(m)"],
    ["exp / sum with dimshuffle", div(exp(m), sum(exp(m), { axis: 1 }).dimshuffle(0, "x")), "softmax(m)"],
    ["with the maximum subtracted", div(exp(sub(m, m.max({ axis: 1, keepdims: true }))), sum(exp(sub(m, m.max({ axis: 1, keepdims: true }))), { axis: 1, keepdims: true })), "softmax(m)"],
    ["its logarithm", log(div(exp(m), sum(exp(m), { axis: 1, keepdims: true }))), "logSoftmax(m)"],
    ["log(softmax)", log(softmax(m)), "logSoftmax(m)"],
    ["labels", neg(log(softmax(m)).get(arange(b.shape[0]), b)), "crossentropySoftmax1hot(m, labels)"],
    ["labels, rows of the matrix", neg(log(softmax(m)).get(arange(m.shape[0]), b)), "crossentropySoftmax1hot(m, labels)"],
    ["labels of softmax, then log", neg(log(softmax(m).get(arange(b.shape[0]), b))), "crossentropySoftmax1hot(m, labels)"],
    ["categoricalCrossentropy with labels", categoricalCrossentropy(softmax(m), b), "crossentropySoftmax1hot(m, labels)"],
    ["argmax", softmax(m).argmax({ axis: 1 }), "argmax{axes=[1]}(m)"],
  ])("%s", (_, before, after) => {
    expect(optimised([before])).toBe(after);
  });

  const costs: [string, Variable][] = [
    ["log(softmax)[arange, y]", neg(mean(log(softmax(m)).get(arange(b.shape[0]), b)))],
    ["log(softmax[arange, y])", neg(mean(log(softmax(m).get(arange(b.shape[0]), b))))],
    ["logSoftmax[arange, y]", neg(mean(logSoftmax(m).get(arange(b.shape[0]), b)))],
    ["categoricalCrossentropy", mean(categoricalCrossentropy(softmax(m), b))],
  ];
  test.each(costs)("the gradient of the mean %s is softmax - onehot", (_, cost) => {
    expect(optimised([grad(cost, m)])).toMatch(/^crossentropySoftmax1hotDx\(.*, softmax\(m\), labels\)$/);
    expect(optimised([grad(cost, m)])).not.toMatch(/scatter|log|softmaxGrad/);
  });

  test("logistic regression: one softmax for cost and gradient, no logarithm of it", () => {
    const [W, bias] = [mat("W"), vec("b")];
    const p = softmax(add(dot(m, W), bias));
    const cost = neg(mean(log(p).get(arange(b.shape[0]), b)));
    const text = optimised([cost, grad(cost, W), grad(cost, bias)]);
    expect(text).not.toMatch(/log|scatter|softmaxGrad/);
    expect(text.match(/softmax\(/g)).toHaveLength(1);
  });
});

test("logistic regression on a slice of shared data, labels cast from floats, as the tutorials give it", () => {
  const [data, targets] = [new SharedVariable(NdArray.zeros([20, 4], "float32"), { name: "data" }), new SharedVariable(NdArray.zeros([20], "float32"), { name: "targets" })];
  const [W, i] = [new SharedVariable(NdArray.zeros([4, 3], "float32"), { name: "W" }), new Variable(tensorType("int32", 0), { name: "i" })];
  const batch = slice(mul(i, 5), mul(add(i, 1), 5));
  const y = cast(targets, "int32").get(batch);
  const cost = neg(mean(log(softmax(dot(data.get(batch), W))).get(arange(y.shape[0]), y)));
  const text = optimised([cost, grad(cost, W)]);
  expect(text).toContain("crossentropySoftmax1hotDx(");
  expect(text).not.toMatch(/log|scatter|softmaxGrad|advanced/);
});

describe("switch", () => {
  test("the gradient of switch(x < 7, x, sqrt(x - 7)) keeps the branches apart (PR 2773)", () => {
    const s = scalar("s");
    expect(optimised([grad(switch_(lt(s, 7), s, sqrt(sub(s, 7))), s)])).toBe("add(switch(%0=lt(s, 7), 1, 0), switch(%0, 0, div(0.5, sqrt(sub(s, 7)))))");
  });

  test("constant conditions and equal branches", () => {
    expect(optimised([switch_(new Constant(NdArray.scalar(1, "bool")), exp(x), y)])).toBe("exp(x)");
    expect(optimised([switch_(gt(x, 0), y, y)])).toBe("y");
  });
});

describe("indexing and shapes", () => {
  const m = mat("m");
  test.each([
    ["the last row of a result", exp(add(m, m)).get(-1), "exp(add(%0=subtensor{items=[{at:-1},{start:null,stop:null,step:null}]}(m), %0))"],
    ["reads of reads", m.T.get(1).get(-1), "subtensor{items=[{at:-1},{at:1}]}(m)"],
    ["the shape of a result", softplus(dot(m, m.T)).shape[1] as Variable, "shape_i{axis=0}(m)"],
    ["the shape of what a number broadcasts with", add(mean(m), sigmoid(m)).shape[0] as Variable, "shape_i{axis=0}(m)"],
    ["an element of a shape vector", mul(m, 2).shape.get(0), "shape_i{axis=0}(m)"],
  ])("%s", (_, before, after) => {
    expect(optimised([before])).toBe(after);
  });
});

test("fast_compile stabilises too; only specialisation is left out", () => {
  expect(optimised([log(add(1, exp(x))), pow(x, 2)], { mode: "fast_compile" })).toBe("softplus(x); pow(x, [2])");
});

test("constants are folded after stabilisation only (Theano issue 2781)", () => {
  const c = new Constant(new NdArray(Float32Array.from([0, 1000]), [1, 2], "float32"), { broadcastable: [true, false] });
  expect(optimised([log(softmax(c))])).toBe("[-1000 0]");
  expect(optimised([log(add(1, exp(new Constant(NdArray.scalar(1000, "float32")))))])).toBe("1000");
});

test("a shared variable of an update is left alone", () => {
  const w = new SharedVariable(NdArray.zeros([2, 3], "float32"), { name: "w" });
  expect(optimised([sub(w, mul(0.1, grad(sum(pow(w, 2)), w)))])).toMatch(/^sub\(w, mul\(\[0\.2\d*\], w\)\)$/);
});
