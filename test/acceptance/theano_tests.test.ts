/**
 * Numbers of Theano's own tests: default updates and givens (compile/tests/test_pfunc.py), maxima (tensor/tests/test_basic.py), and graphs
 * that would overflow as written (tensor/nnet/tests/test_nnet.py, test_sigm.py, tensor/tests/test_opt.py).
 */
import { describe, expect, test } from "vitest";
import { compile, grad, type NdArray, numpy as np, shared, type SharedVariable, T, type Variable } from "../../src/index.js";
import { describeOn, expectNear, nested, type Setting, SETTINGS } from "./devices.js";

const items = async (...vs: SharedVariable[]): Promise<unknown[]> => Promise.all(vs.map(async (v) => (await v.getValue()).item()));

describeOn(SETTINGS, "A22: default updates", () => {
  test("of several variables, overridden and turned off", async () => {
    const [x, y] = [shared(0), shared(1)];
    x.defaultUpdate = x.sub(1);
    y.defaultUpdate = y.add(1);
    await compile([], [x, y])();
    expect(await items(x, y)).toEqual([-1, 2]);
    await compile([], [x, y], { updates: [[x, x.sub(2)]], noDefaultUpdates: [y] })();
    expect(await items(x, y)).toEqual([-3, 2]);
    await compile([], [x, y], { updates: [[x, x.sub(2)]], noDefaultUpdates: true })();
    expect(await items(x, y)).toEqual([-5, 2]);
    await compile([], [x, y], { updates: [[y, y.sub(2)]] })();
    expect(await items(x, y)).toEqual([-6, 0]);
  });

  test("of a variable inside an expression", async () => {
    const a = shared(0);
    a.defaultUpdate = a.add(1);
    const f = compile([], a.mul(2));
    expect(await items(a)).toEqual([0]);
    expect(await f()).toBe(0);
    expect(await items(a)).toEqual([1]);
  });
});

describeOn(SETTINGS, "A23: givens", () => {
  test("an array for an input of an inner expression", async () => {
    const [x, y, z] = [shared(0), T.ivector("y"), T.ivector("z")];
    expect(await compile([], x, { givens: [[x, 3]] })()).toBe(3);
    const f = compile([y], z.mul(y).add(7), { givens: [[z, np.asarray([4, 4, 4], { dtype: "int32" })]] });
    expect(nested(await f([1, 1, 1]))).toEqual([11, 11, 11]);
    expect(await items(x)).toEqual([0]);
  });

  test("of another type are refused: every givens is as strict as rebuild_strict", () => {
    const [x, y] = [T.ivector("x"), T.dvector("y")];
    expect(() => compile([y], x.mul(2), { givens: [[x, y]] })).toThrow("givens-type");
  });
});

describeOn(SETTINGS, "A28: max and argmax", ({ floatX }) => {
  test("of a vector, and over several axes", async () => {
    const [v, x] = [T.vector("v"), T.tensor3("x")];
    expect(await compile([v], [...T.maxAndArgmax(v)])([1, 2, 3, 2, -6])).toEqual([3, 2]);
    const [m, i] = await compile([x], [...T.maxAndArgmax(x, { axis: [1, -1] })])(np.asarray(np.arange(24), { dtype: floatX }).reshape([3, 2, 4]));
    expect([nested(m), nested(i)]).toEqual([[7, 15, 23], [7, 7, 7]]);
  });

  test("no gradient flows through the position", async () => {
    const v = T.vector("v");
    const [m, i] = T.maxAndArgmax(v);
    expect(nested(await compile([v], grad(m.add(T.cast(i, v.dtype)), v))([1, 2, 3, 2, -6]))).toEqual([0, 0, 1, 0, 0]);
    expect(nested(await compile([v], grad(T.cast(i, v.dtype), v, { disconnectedInputs: "ignore" }), { onUnusedInput: "ignore" })([1, 2]))).toEqual([0, 0]);
  });
});

const CROSSENTROPY: readonly Setting[] = [...SETTINGS, { device: "gpu:cpu", floatX: "float32" }];

describeOn(CROSSENTROPY, "A30: finite where the expression as written is not", () => {
  /** A hundred steps along the gradient of softmax's crossentropy from zero. */
  async function walk(rate: number): Promise<{ cost: number; gradient: number[][] }> {
    const [x, b, y] = [T.matrix("x"), T.vector("b"), T.ivector("y")];
    const c = T.nnet.categoricalCrossentropy(T.nnet.softmax(x.add(b)), y).sum();
    const f = compile([x, y, b], [c, grad(c, x)]);
    let at = np.zeros([5, 5], { dtype: x.dtype });
    let last: readonly [unknown, unknown] = [0, 0];
    for (let i = 0; i < 100; i++) {
      last = await f(at, [0, 1, 2, 3, 4], [0, 0, 0, 0, 0]);
      at = np.asarray(np.add(at, np.multiply(last[1] as NdArray, rate)), { dtype: x.dtype });
    }
    return { cost: last[0] as number, gradient: nested(last[1]) as number[][] };
  }

  test("crossentropy of softmax, descending to nothing", async () => {
    expect((await walk(-100.3)).cost).toBe(0);
  });

  test("crossentropy of softmax, ascending far beyond what exp can hold", async () => {
    const { cost, gradient } = await walk(100000.3);
    expect(cost).toBeGreaterThan(61750000);
    expect([gradient[0]?.[0], gradient[0]?.[1]]).toEqual([-1, 0.25]);
  });

  test("the gradient of log(1 - sigmoid(x)) where sigmoid is 1", async () => {
    const [x, lr] = [T.matrix("x"), T.scalar("lr")];
    const cost = T.mean(T.log(T.sub(1, T.nnet.sigmoid(x))));
    const step = compile([x, lr], x.sub(lr.mul(grad(cost, x))));
    expectNear(await step([[50]], 0.1), [[50.1]], 1e-6);
  });

  test("log(exp(x) + exp(y)) at 10000 and -10000", async () => {
    const [x, y] = [T.vector("x"), T.vector("y")];
    const f = compile([x, y], T.log(T.exp(x).add(T.exp(y))));
    expectNear(await f([10000], [10000]), [10000 + Math.log(2)], 1e-6);
    expectNear(await f([-10000], [-10000]), [-10000 + Math.log(2)], 1e-6);
  });

  test("the gradient of a switch whose other branch is not a number", async () => {
    const x = T.scalar("x");
    const f = compile([x], grad(T.switch(x.lt(7), x, T.sqrt(x.sub(7))), x));
    expect(await f(5)).toBe(1);
    expect(await f(11)).toBe(0.25);
  });
});

describe("A31: what patterns become", () => {
  /** Ops of the compiled graph, in order. */
  function opsOf(build: (x: Variable) => Variable): string[] {
    const x = T.vector("x");
    const found: string[] = [];
    const visit = (v: Variable): void => {
      if (v.owner === null) return;
      v.owner.inputs.forEach(visit);
      if (v.owner.op.name !== "dimShuffle") found.push(v.owner.op.name);
    };
    compile([x], build(x), { device: "reference" }).graph.outputs.forEach(visit);
    return found;
  }

  test.each<[string, (x: Variable) => Variable, string[]]>([
    ["log(1 + exp(x))", (x) => T.log(T.add(1, T.exp(x))), ["softplus"]],
    ["exp(x) / (1 + exp(x))", (x) => T.exp(x).div(T.add(1, T.exp(x))), ["sigmoid"]],
    ["1 / (1 + exp(-x))", (x) => T.div(1, T.add(1, T.exp(x.neg()))), ["sigmoid"]],
    ["1 - 1 / (1 + exp(-x))", (x) => T.sub(1, T.div(1, T.add(1, T.exp(x.neg())))), ["neg", "sigmoid"]],
    ["log(sigmoid(x))", (x) => T.log(T.nnet.sigmoid(x)), ["neg", "softplus", "neg"]],
    ["log(1 - sigmoid(x))", (x) => T.log(T.sub(1, T.nnet.sigmoid(x))), ["softplus", "neg"]],
    ["log(2 + exp(x)) stays", (x) => T.log(T.add(2, T.exp(x))), ["exp", "add", "log"]],
    ["exp(x) / (2 + exp(x)) stays", (x) => T.exp(x).div(T.add(2, T.exp(x))), ["exp", "exp", "add", "div"]],
    ["2 + exp(-x) stays", (x) => T.add(2, T.exp(x.neg())), ["neg", "exp", "add"]],
  ])("%s", (_, build, expected) => {
    expect(opsOf(build)).toEqual(expected);
  });
});
