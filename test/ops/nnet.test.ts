/** Softmax and crossentropies: values from NumPy, extremes, Theano's shapes, gradients through labels, and errors. */
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { verifyGrad } from "../../src/autodiff/verify.js";
import type { DType } from "../../src/codegen/ir/dtype.js";
import type { Params, ShapeContext } from "../../src/graph/op.js";
import { tensorType } from "../../src/graph/types.js";
import { Constant, Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import type { ArrayLike } from "../../src/numpy/ndarray.js";
import { allOps } from "../../src/ops/define.js";
import * as nnet from "../../src/ops/nnet.js";
import { mean } from "../../src/ops/statistics.js";
import { sum } from "../../src/ops/reduce.js";
import { fail } from "../../src/util/fail.js";

const f64 = (x: ArrayLike): Variable => new Constant(asarray(x, { dtype: "float64" }), { broadcastable: asarray(x).shape.map(() => false) });
const labels = (x: ArrayLike): Variable => new Constant(asarray(x, { dtype: "int32" }), { broadcastable: [false] });
const symbol = (dtype: DType, ndim: number): Variable => new Variable(tensorType(dtype, ndim), { name: "x" });
const data = (v: Variable): number[] => [...interpret([v])[0]!.data];
const close = (v: Variable, want: readonly number[], digits = 12): void => {
  const got = data(v);
  expect(got).toHaveLength(want.length);
  want.forEach((w, i) => expect(got[i]).toBeCloseTo(w, digits));
};
const X = [[1, 2, 3], [0.5, -1, 4]];

describe("values (NumPy)", () => {
  test("softmax and logSoftmax by rows", () => {
    close(nnet.softmax(f64(X)), [0.09003057317038046, 0.24472847105479764, 0.6652409557748218, 0.0291217615374784, 0.00649794331566194, 0.9643802951468596]);
    close(nnet.logSoftmax(f64(X)), [-2.4076059644443806, -1.4076059644443804, -0.4076059644443804, -3.5362695651247793, -5.036269565124779, -0.036269565124779156]);
  });
  test("crossentropies with labels and with distributions", () => {
    const p = nnet.softmax(f64(X));
    close(nnet.categoricalCrossentropy(p, labels([2, 0])), [0.4076059644443804, 3.5362695651247793]);
    close(nnet.categoricalCrossentropy(p, f64([[0, 0, 1], [0.5, 0.5, 0]])), [0.4076059644443804, 4.286269565124779]);
    close(nnet.crossentropySoftmax1hot(f64(X), labels([2, 0])), [0.4076059644443804, 3.5362695651247793]);
  });
  test("binaryCrossentropy is elementwise", () => {
    close(nnet.binaryCrossentropy(f64([0.9, 0.2]), f64([1, 0])), [0.10536051565782628, 0.2231435513142097]);
    close(nnet.binaryCrossentropy(f64([0.9, 0.2]), 1), [0.10536051565782628, 1.6094379124341003]);
  });
});

test("a vector is one row, and its softmax a matrix", () => {
  const y = nnet.softmax(symbol("float32", 1));
  expect(y.ndim).toBe(2);
  expect(y.broadcastable).toEqual([true, false]);
  expect(nnet.logSoftmax(symbol("float32", 1)).ndim).toBe(2);
});

describe("extremes", () => {
  test("softmax and logSoftmax of large numbers are finite", () => {
    close(nnet.softmax(f64([[1000, 1001]])), [0.2689414213699951, 0.7310585786300049]);
    close(nnet.logSoftmax(f64([[0, 2000]])), [-2000, 0]);
  });
  test("the joined cost stays finite where softmax underflows, and its gradient is exact (test_asymptotic_32)", () => {
    const x = symbol("float64", 2);
    const cost = mean(nnet.crossentropySoftmax1hot(x, labels([0])));
    const xs = Array.from({ length: 5 }, (_, i) => i * 100000.3);
    const [c, g] = interpret([cost, grad(cost, x)], new Map([[x, asarray([xs], { dtype: "float64" })]]));
    expect(c!.data[0]).toBeCloseTo(400001.2, 6);
    expect([...g!.data]).toEqual([-1, 0, 0, 0, 1]);
  });
});

test("sigmoidBinaryCrossentropy agrees with its two steps and stays finite", () => {
  const x = f64([-1, 0.5, 2]);
  close(nnet.sigmoidBinaryCrossentropy(x, f64([0, 1, 0.3])), data(nnet.binaryCrossentropy(nnet.sigmoid(x), f64([0, 1, 0.3]))), 12);
  close(nnet.sigmoidBinaryCrossentropy(f64([1000, -1000]), f64([0, 1])), [1000, 1000]);
});

describe("gradients", () => {
  test("of the crossentropy of a softmax, both ways, agree with softmax minus one-hot", () => {
    const x = symbol("float64", 2);
    const y = labels([2, 0]);
    const env = new Map([[x, asarray(X, { dtype: "float64" })]]);
    const want = [0.09003057317038046, 0.24472847105479764, -0.3347590442251782, -0.9708782384625216, 0.00649794331566194, 0.9643802951468596];
    for (const cost of [nnet.categoricalCrossentropy(nnet.softmax(x), y), nnet.crossentropySoftmax1hot(x, y), nnet.pickPerRow(nnet.logSoftmax(x), y).neg()]) {
      const got = interpret([grad(sum(cost), x)], env)[0]!.data;
      want.forEach((w, i) => expect(got[i]).toBeCloseTo(w, 10));
    }
  });
  test("second derivatives", () => {
    verifyGrad((x) => grad(sum(nnet.crossentropySoftmax1hot(x, labels([2, 0])).sqr()), x), [asarray(X, { dtype: "float64" })], { relTol: 1e-4 });
    verifyGrad((x) => grad(sum(nnet.softmax(x).sqr()), x), [asarray(X, { dtype: "float64" })], { relTol: 1e-4 });
  });
  test("labels have none", () => {
    const y = symbol("int32", 1);
    expect(() => grad(sum(nnet.crossentropyCategorical1hot(f64(X), y)), y)).toThrow("grad-undefined");
  });
});

describe("errors", () => {
  test("ranks and dtypes", () => {
    expect(() => nnet.softmax(symbol("float32", 3))).toThrow("softmax-input");
    expect(() => nnet.logSoftmax(symbol("int32", 2))).toThrow("softmax-input");
    expect(() => nnet.categoricalCrossentropy(symbol("float32", 2), symbol("int32", 0))).toThrow("crossentropy-rank");
    expect(() => nnet.crossentropyCategorical1hot(symbol("float32", 2), symbol("float32", 1))).toThrow("labels-input");
    expect(() => nnet.crossentropySoftmax1hot(symbol("float32", 1), symbol("int32", 1))).toThrow("labels-input");
  });
  test("rows and labels, gradients and softmaxes of other shapes", () => {
    const shape = (name: string, shapes: number[][]): unknown => {
      const op = allOps().find((o) => o.name === name)!;
      return op.fields.shape({ shapes, params: {}, fail: (code: string, what: string, fix: string) => fail("value", code, { what, fix }) } as unknown as ShapeContext<Params>);
    };
    expect(() => shape("crossentropySoftmax1hot", [[2, 3], [4]])).toThrow("labels-rows");
    expect(() => shape("pickPerRow", [[2, 3], [1]])).toThrow("There are 1 labels for 2 rows");
    expect(() => shape("softmaxGrad", [[2, 3], [2, 4]])).toThrow("softmax-grad-shape");
    expect(shape("crossentropySoftmax1hotDx", [[2], [2, 3], [2]])).toEqual([[2, 3]]);
  });
  test("a label outside its row", () => {
    expect(() => data(nnet.crossentropyCategorical1hot(f64(X), labels([2, 3])))).toThrow("label-range");
    expect(() => data(nnet.crossentropySoftmax1hot(f64(X), labels([-4, 0])))).toThrow("label-range");
  });
});
