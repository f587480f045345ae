/**
 * Numbers printed in Theano's documentation (doc/tutorial/gradients.txt, examples.txt, loop.txt, doc/library/scan.txt) and in its tests
 * of scan: derivatives of vectors, loops, random streams. The first cases of the documentation (A1 to A7) are in test/compile/function.test.ts.
 */
import { expect, test } from "vitest";
import { compile, grad, type NdArray, numpy as np, RandomStreams, scan, shared, type SharedVariable, T, type Variable } from "../../src/index.js";
import { describeOn, expectNear, nested, SETTINGS } from "./devices.js";

const RANGE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const item = async (v: SharedVariable): Promise<unknown> => (await v.getValue()).item();

describeOn(SETTINGS, "A8: derivatives of vectors", () => {
  const rows = (y: Variable, x: Variable): Variable =>
    scan({ fn: (i: Variable, of: Variable, at: Variable) => grad(of.get(i), at), sequences: T.arange(y.shape[0] as Variable), nonSequences: [y, x] })[0];

  test("Jacobian by scan", async () => {
    const x = T.vector("x");
    expect(nested(await compile([x], rows(x.pow(2), x))([4, 4]))).toEqual([[8, 0], [0, 8]]);
  });

  test("Hessian by scan", async () => {
    const x = T.vector("x");
    expect(nested(await compile([x], rows(grad(x.pow(2).sum(), x), x))([4, 4]))).toEqual([[2, 0], [0, 2]]);
  });

  test("L-operator, and R-operator as the gradient of the L-operator in its vector", async () => {
    const [W, V, x, v] = [T.matrix("W"), T.matrix("V"), T.vector("x"), T.vector("v")];
    const y = T.dot(x, W);
    const lop = grad(null, W, { knownGrads: [[y, v]] });
    const rop = grad(T.sum(lop.mul(V)), v);
    const [ones, twos] = [[[1, 1], [1, 1]], [[2, 2], [2, 2]]];
    expect(nested(await compile([v, x], lop)([2, 2], [0, 1]))).toEqual([[0, 0], [2, 2]]);
    expect(nested(await compile([W, V, x, v], rop, { onUnusedInput: "ignore" })(ones, twos, [0, 1], [0, 0]))).toEqual([2, 2]);
  });

  test("Hessian times a vector, as a gradient and as an R-operator", async () => {
    const [x, v, u] = [T.vector("x"), T.vector("v"), T.vector("u")];
    const gradient = grad(T.sum(x.pow(2)), x);
    expect(nested(await compile([x, v], grad(T.sum(gradient.mul(v)), x))([4, 4], [2, 2]))).toEqual([4, 4]);
    const back = grad(null, x, { knownGrads: [[gradient, u]] });
    expect(nested(await compile([x, v, u], grad(T.sum(back.mul(v)), u), { onUnusedInput: "ignore" })([4, 4], [2, 2], [0, 0]))).toEqual([4, 4]);
  });
});

describeOn(SETTINGS, "scan's documentation", ({ floatX }) => {
  test("A9: A ** k", async () => {
    const [k, A] = [T.iscalar("k"), T.vector("A")];
    const [result, updates] = scan({ fn: (prior: Variable, a: Variable) => prior.mul(a), outputsInfo: T.onesLike(A), nonSequences: A, nSteps: k });
    const power = compile({ inputs: [A, k], outputs: result.get(-1), updates });
    expect(nested(await power(RANGE, 2))).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
    expect(nested(await power(RANGE, 4))).toEqual([0, 1, 16, 81, 256, 625, 1296, 2401, 4096, 6561]);
  });

  const polynomial = (coefficients: Variable, x: Variable, most: number): Variable => {
    const [components] = scan({
      fn: (coefficient: Variable, power: Variable, free: Variable) => coefficient.mul(free.pow(power)),
      outputsInfo: null, sequences: [coefficients, T.arange(most)], nonSequences: x,
    });
    return components.sum();
  };

  test("A10: a polynomial", async () => {
    const [coefficients, x] = [T.vector("coefficients"), T.scalar("x")];
    expect(await compile([coefficients, x], polynomial(coefficients, x, 10000))([1, 0, 2], 3)).toBe(19);
  });

  test("A10: its second derivative, a gradient of a gradient of a loop", async () => {
    const [coefficients, x] = [T.vector("coefficients"), T.scalar("x")];
    const second = grad(grad(polynomial(coefficients, x, 1000), x), x);
    expectNear(await compile([coefficients, x], second)([1, 2, -3, 4], 2), 42);
  });

  test("A11: triangular numbers", async () => {
    const upTo = T.iscalar("up_to");
    const [sums] = scan({ fn: (i: Variable, before: Variable) => i.add(before), sequences: T.arange(upTo), outputsInfo: T.constant(0) });
    expect(nested(await compile([upTo], sums)(15))).toEqual([0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 66, 78, 91, 105]);
  });

  test("A11: setSubtensor in a step", async () => {
    const [location, values, model] = [T.imatrix("location"), T.vector("values"), T.matrix("output_model")];
    const setValueAtPosition = (at: Variable, v: Variable, like: Variable): Variable => T.setSubtensor(T.zerosLike(like).get(at.get(0), at.get(1)), v);
    const [result] = scan({ fn: setValueAtPosition, outputsInfo: null, sequences: [location, values], nonSequences: model });
    const zeros = np.zeros([5, 5], { dtype: floatX });
    const got = (await compile([location, values, model], result)([[1, 1], [2, 3]], [42, 50], zeros)) as NdArray;
    expect(got.shape).toEqual([2, 5, 5]);
    expect([...got.data].flatMap((x, i) => (x === 0 ? [] : [[i, x]]))).toEqual([[6, 42], [25 + 13, 50]]);
  });

  test("A12: what a loop changes is in its updates, and only there", async () => {
    const a = shared(1);
    const [values, updates] = scan({ fn: () => [[a, a.add(1)]] as const, nSteps: 10 });
    expect(values).toBeNull();
    const [b, c] = [a.add(1), (updates.get(a) as Variable).add(1)];
    const f = compile([], [b, c], { updates });
    expect([await f(), await item(a)]).toEqual([[2, 12], 11]);
    expect([await f(), await item(a)]).toEqual([[12, 22], 21]);
    a.setValue(1);
    const without = compile([], [b, c]);
    expect([await without(), await without(), await item(a)]).toEqual([[2, 12], [2, 12], 1]);
  });

  test("A12: an accumulator", async () => {
    const k = shared(0);
    const n = T.iscalar("n_sym");
    const [, updates] = scan({ fn: () => [[k, k.add(1)]] as const, nSteps: n });
    await compile([n], [], { updates, allowInputDowncast: true })(5);
    expect(await item(k)).toBe(5);
  });
});

describeOn(SETTINGS, "random streams", () => {
  test("A16: uniform draws of two seeds, and of a copied state", async () => {
    const [y1, y2] = [123, 987].map((seed) => new RandomStreams(seed).uniform({ size: [1] })) as [ReturnType<RandomStreams["uniform"]>, ReturnType<RandomStreams["uniform"]>];
    const [f1, f2] = [compile([], y1), compile([], y2)];
    expectNear(await f1(), [0.72803009], 1e-7);
    expectNear(await f2(), [0.55056769], 1e-7);
    y2.rng.setValue(await y1.rng.getValue());
    expectNear(await f1(), [0.59044123], 1e-7);
    expectNear(await f2(), [0.59044123], 1e-7);
  });

  test("A17: a new draw in each step", async () => {
    const [X, W, b] = [T.matrix("X"), T.matrix("W"), T.vector("b_sym")];
    const trng = new RandomStreams(1234);
    const d = trng.binomial({ size: (W.get(1)).shape });
    const [results, updates] = scan({ fn: (v: Variable) => T.tanh(T.dot(v, W).add(b)).mul(d), sequences: X });
    const computeWithNoise = compile([X, W, b], [results], { updates });
    const [got] = await computeWithNoise(np.eye(10, 2).toArray() as number[][], [[1, 1], [1, 1]], [1, 1]);
    const pattern = ["10", "01", "00", "11", "10", "01", "01", "01", "00", "11"];
    expectNear(got, pattern.map((row, t) => [...row].map((bit) => Number(bit) * (t < 2 ? 0.96402758 : 0.76159416))), 1e-6);
  });
});
