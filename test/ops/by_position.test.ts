/** What Python takes by position or by keyword comes both ways: T.sum(x, 1) means T.sum(x, { axis: 1 }). */
import { expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { clone, compile, config, grad, In, MRGRandomStreams, RandomStreams, scan, T, type Variable } from "../../src/index.js";

const x = T.constant([[[1, 5], [2, 0]], [[4, 3], [9, 7]]], { dtype: "float64" });
const value = (v: Variable): unknown => interpret([v])[0]?.toArray();

const reductions = ["sum", "prod", "max", "min", "any", "all", "mean", "var", "std", "argmax", "argmin"] as const;

test.each(reductions)("%s", (name) => {
  for (const axis of [0, -1, [0, 2]] as const) {
    const named = value(T[name](x, { axis }));
    expect(value(T[name](x, axis))).toEqual(named);
    expect(value(x[name](axis))).toEqual(named);
    expect(value(T[name](x, null))).toEqual(value(T[name](x)));
    expect(named).not.toEqual(value(T[name](x)));
    expect(value(T[name](x, axis, { keepdims: true }))).toEqual(value(x[name]({ axis, keepdims: true })));
  }
});

test("maxAndArgmax, concatenate, stack", () => {
  expect(T.maxAndArgmax(x, 1).map(value)).toEqual([[[2, 5], [9, 7]], [[1, 0], [1, 1]]]);
  const m = T.constant([[1, 2]]);
  expect(value(T.concatenate([m, m], 1))).toEqual([[1, 2, 1, 2]]);
  expect(value(T.stack([m, m], -1))).toEqual([[[1, 1], [2, 2]]]);
});

test("axes, ranks, dtypes and slopes", () => {
  const same = (...forms: readonly Variable[]): void => {
    for (const f of forms) expect([f.dtype, value(f)]).toEqual([forms[0]?.dtype, value(forms[0] as Variable)]);
  };
  same(T.tensordot(x, x, [2, 1]), T.tensordot(x, x, { axes: [2, 1] }), T.tensordot(x, x, [[2], [1]]));
  same(T.tensordot(x, x), T.tensordot(x, x, {}), T.tensordot(x, x, 2));
  same(T.batchedTensordot(x, x, [2, 1]), T.batchedTensordot(x, x, { axes: [2, 1] }));
  same(T.repeat(x, 2, 1), T.repeat(x, 2, { axis: 1 }), x.repeat(2, 1));
  same(T.repeat(x, 2), T.repeat(x, 2, { axis: null }), T.repeat(x, 2, null), T.repeat(x.flatten(), 2, 0));
  same(T.roll(x, 1, 2), T.roll(x, 1, { axis: 2 }));
  same(x.reshape([-1, 2], 2), x.reshape([-1, 2], { ndim: 2 }));
  same(x.flatten(2), x.flatten({ ndim: 2 }), T.flatten(x, { outdim: 2 }), T.flatten(x, 2));
  same(T.transpose(x, [0, 2, 1]), T.transpose(x, { axes: [0, 2, 1] }), x.transpose(0, 2, 1), x.transpose([0, 2, 1]));
  same(T.zeros([2], "int32"), T.zeros([2], { dtype: "int32" }));
  same(T.ones(2, "float64"), T.ones([2], { dtype: "float64" }));
  same(T.zerosLike(x, "int32"), x.zerosLike({ dtype: "int32" }), x.zerosLike("int32"));
  same(T.nnet.relu(x.neg(), 0.5), T.nnet.relu(x.neg(), { alpha: 0.5 }));
  same(T.nnet.elu(x.neg(), 0.5), T.nnet.elu(x.neg(), { alpha: 0.5 }));
  expect(value(T.nnet.elu(x.neg(), 0.5))).not.toEqual(value(T.nnet.elu(x.neg())));
});

test("options that Theano has and nothing follows from are accepted", () => {
  expect(value(T.setSubtensor(x.get(0), 1, { inplace: true, tolerateInplaceAliasing: false }))).toEqual(value(T.setSubtensor(x.get(0), 1)));
  expect(value(T.incSubtensor(x.get(0), 1, { inplace: true }))).toEqual(value(T.incSubtensor(x.get(0), 1)));
  expect(value(T.sum(x, 0, { accDtype: "float64" }))).toEqual(value(T.sum(x, 0)));
  expect(value(T.mean(x, { accDtype: "float64" }))).toEqual(value(T.mean(x)));
  expect(value(clone(x, { replace: [], shareInputs: true }))).toEqual(value(x));
  const [steps] = scan((s) => s.add(1), { sequences: null, outputsInfo: T.zeros([], "float64"), nonSequences: null, nSteps: 2 });
  expect(value(steps)).toEqual([1, 2]);
  const f = compile([In(T.dscalar("a"), { borrow: true, mutable: true, strict: false })], [], { onUnusedInput: "ignore", mode: "FAST_COMPILE" });
  expect(f.explain().rewrites).toEqual({});
  expect(() => compile([], x, { mode: "SLOW" as never })).toThrow("compile-mode");
});

test("Theano's words: floatX as a dtype, None for a gradient that is not there and for a rank", () => {
  expect([T.cast(x, "floatX").dtype, T.matrix({ dtype: "floatX" }).dtype]).toEqual([config.floatX, config.floatX]);
  const [a, b] = T.dscalars("a b");
  expect(grad(a.mul(2), [b, a], { disconnectedInputs: "ignore", returnDisconnected: "None" }).map(String)).toEqual(["null", expect.any(String)]);
  expect(grad(a.mul(2), b, { disconnectedInputs: "ignore", returnDisconnected: "Disconnected" })).toBe("disconnected");
  expect(() => grad(a, b, { returnDisconnected: "nothing" as never })).toThrow("grad-option");
  for (const Streams of [RandomStreams, MRGRandomStreams]) expect(value(new Streams(7).uniform({ size: [3], ndim: null }))).toEqual(value(new Streams(7).uniform([3])));
});

test("seeds of streams, and the step of a scan", () => {
  for (const Streams of [RandomStreams, MRGRandomStreams]) {
    expect(value(new Streams({ seed: 7 }).uniform([3]))).toEqual(value(new Streams(7).uniform([3])));
    expect(value(new Streams(8).uniform([3]))).not.toEqual(value(new Streams(7).uniform([3])));
  }
  const add = (row: Variable, sum: Variable): Variable => row.add(sum);
  const [named] = scan({ fn: add, sequences: x, outputsInfo: T.zerosLike(x.get(0)), goBackwards: true });
  const [first] = scan(add, { sequences: x, outputsInfo: T.zerosLike(x.get(0)), goBackwards: true });
  expect(value(first)).toEqual(value(named));
});

test("lists of variables are stacked", () => {
  const [a, b] = [x.get(0, 0), x.get(1, 1)];
  expect(value(T.sum([T.sum(a), T.sum(b), 1]))).toBe(6 + 16 + 1);
  expect(value(T.max([a, b], 0))).toEqual([9, 7]);
  expect(value(T.mean([[a, b], [b, a]], 1))).toEqual([[5, 6], [5, 6]]);
  expect(value(T.concatenate([[a.get(0), 0], b]))).toEqual([1, 0, 9, 7]);
  expect(value(T.stack(a, b))).toEqual([[1, 5], [9, 7]]);
  expect(value(T.stack(a))).toEqual([[1, 5]]);
  expect(value(T.asTensorVariable([1, 2]))).toEqual([1, 2]);
  expect(() => T.concatenate(x as never)).toThrow("join-list");
  expect(() => x.get([T.constant(0), T.constant(1)] as never)).toThrow("index-list");
});
