/** compile() as Theano's documentation uses it: adding, logistic, defaults, accumulators (acceptance cases A1 to A7). */
import { describe, expect, test } from "vitest";
import { compile, grad, In, type NdArray, shared, T } from "../../src/index.js";

const device = "reference";
const nested = (x: unknown): unknown => (x as NdArray).toArray();

function near(got: unknown, expected: unknown, digits = 6): void {
  if (Array.isArray(expected)) {
    expect(Array.isArray(got)).toBe(true);
    expect((got as unknown[]).length).toBe(expected.length);
    expected.forEach((e, i) => {
      near((got as unknown[])[i], e, digits);
    });
  } else expect(got).toBeCloseTo(expected as number, digits);
}

describe("A1 adding", () => {
  test("scalars", async () => {
    const x = T.dscalar("x");
    const y = T.dscalar("y");
    const f = compile([x, y], x.add(y), { device });
    expect(await f(2, 3)).toBe(5);
    near(await f(16.3, 12.1), 28.4, 12);
  });
  test("matrices", async () => {
    const x = T.dmatrix("x");
    const y = T.dmatrix("y");
    const f = compile([x, y], x.add(y), { device });
    expect(nested(await f([[1, 2], [3, 4]], [[10, 20], [30, 40]]))).toEqual([[11, 22], [33, 44]]);
  });
});

describe("A2 logistic", () => {
  const expected = [[0.5, 0.73105858], [0.26894142, 0.11920292]];
  test("by exp", async () => {
    const x = T.dmatrix("x");
    const f = compile([x], T.div(1, T.add(1, T.exp(x.neg()))), { device });
    near(nested(await f([[0, 1], [-1, -2]])), expected, 8);
  });
  test("by tanh", async () => {
    const x = T.dmatrix("x");
    const f = compile([x], T.div(T.add(1, T.tanh(x.div(2))), 2), { device });
    near(nested(await f([[0, 1], [-1, -2]])), expected, 8);
  });
});

test("A3 several outputs: difference, absolute difference, squared difference", async () => {
  const a = T.dmatrix("a");
  const b = T.dmatrix("b");
  const diff = a.sub(b);
  const f = compile([a, b], [diff, diff.abs(), diff.pow(2)], { device });
  const [d, abs, square] = await f([[1, 1], [1, 1]], [[0, 1], [2, 3]]);
  expect(nested(d)).toEqual([[1, 0], [-1, -2]]);
  expect(nested(abs)).toEqual([[1, 0], [1, 2]]);
  expect(nested(square)).toEqual([[1, 0], [1, 4]]);
});

describe("A4 defaults", () => {
  test("one default", async () => {
    const x = T.dscalar("x");
    const y = T.dscalar("y");
    const f = compile([x, In(y, { value: 1 })], x.add(y), { device });
    expect([await f(33), await f(33, 2)]).toEqual([34, 35]);
  });
  test("by position and by name", async () => {
    const x = T.dscalar("x");
    const y = T.dscalar("y");
    const w = T.dscalar("w");
    const f = compile([x, In(y, { value: 1 }), In(w, { value: 2, name: "w_by_name" })], x.add(y).mul(w), { device });
    expect([await f(33), await f(33, 2), await f(33, 0, 1), await f(33, { w_by_name: 1 }), await f(33, { w_by_name: 1, y: 0 })]).toEqual([68, 70, 33, 34, 33]);
  });
});

describe("A5 shared variables", () => {
  test("accumulator, decrementor, givens", async () => {
    const state = shared(0, { name: "state" });
    const inc = T.iscalar("inc");
    const accumulator = compile([inc], state, { updates: [[state, state.add(inc)]], device });
    expect([await accumulator(1), await accumulator(300)]).toEqual([0, 1]);
    expect((await state.getValue()).item()).toBe(301);
    state.setValue(-1);
    expect([await accumulator(3), (await state.getValue()).item()]).toEqual([-1, 2]);
    const decrementor = compile([inc], state, { updates: [[state, state.sub(inc)]], device });
    expect([await decrementor(2), (await state.getValue()).item()]).toEqual([2, 0]);
    const foo = T.scalar("foo", { dtype: state.dtype });
    const skipShared = compile([inc, foo], state.mul(2).add(inc), { givens: [[state, foo]], device });
    expect([await skipShared(1, 3), (await state.getValue()).item()]).toEqual([7, 0]);
  });
});

describe("A6 gradient of a square", () => {
  test("values", async () => {
    const x = T.dscalar("x");
    const f = compile([x], grad(x.pow(2), x), { device });
    near([await f(4), await f(94.2)], [8, 188.4], 10);
  });
});

test("A7 gradient of the logistic function", async () => {
  const x = T.dmatrix("x");
  const s = T.sum(T.div(1, T.add(1, T.exp(x.neg()))));
  const f = compile([x], grad(s, x), { device });
  near(nested(await f([[0, 1], [-1, -2]])), [[0.25, 0.19661193], [0.19661193, 0.10499359]], 8);
});

describe("A21 updates are simultaneous", () => {
  test("all from old values", async () => {
    const [x, y, z] = [shared(4), shared(4), shared(2)] as const;
    const xn = x.mul(5);
    const yn = xn.add(y);
    const f = compile([], undefined, { updates: [[x, xn], [y, yn], [z, yn.pow(z)]], device });
    expect(await f()).toEqual([]);
    expect(await Promise.all([x, y, z].map(async (v) => (await v.getValue()).item()))).toEqual([20, 24, 576]);
  });
  test("swap of matrices", async () => {
    const a = shared([[1, 2]], { dtype: "float64" });
    const b = shared([[3, 4]], { dtype: "float64" });
    await compile([], [], { updates: [[a, b], [b, a]], device })();
    expect([nested(await a.getValue()), nested(await b.getValue())]).toEqual([[[3, 4]], [[1, 2]]]);
  });
  test("a constant, and duplicates", async () => {
    const x = shared(1);
    await compile([], [], { updates: [[x, 3]], device })();
    expect((await x.getValue()).item()).toBe(3);
    expect(() => compile([], [], { updates: [[x, 3], [x, 4]] })).toThrow("update-twice");
  });
});

describe("A22 default updates", () => {
  test("chained", async () => {
    const [x, y, z] = [shared(2), shared(1), shared(-1)] as const;
    x.defaultUpdate = x.sub(y);
    y.defaultUpdate = z;
    z.defaultUpdate = z.sub(1);
    const values = (): Promise<unknown[]> => Promise.all([x, y, z].map(async (v) => (await v.getValue()).item()));
    await compile([], [x], { device })();
    expect(await values()).toEqual([1, -1, -2]);
    await compile([], [x, y], { device })();
    expect(await values()).toEqual([2, -2, -3]);
    await compile([], [y], { device })();
    expect(await values()).toEqual([2, -3, -4]);
    await compile([], [x, y], { noDefaultUpdates: [x], device })();
    expect(await values()).toEqual([2, -4, -5]);
    await compile([], [x, y], { noDefaultUpdates: [z], device })();
    expect(await values()).toEqual([6, -5, -5]);
  });
});

describe("A23 givens", () => {
  test("a value for a shared variable", async () => {
    const x = shared(0);
    const y = T.ivector("y");
    const f = compile([y], y.mul(x), { givens: [[x, 6]], device });
    expect(nested(await f([1, 1, 1]))).toEqual([6, 6, 6]);
    expect((await x.getValue()).item()).toBe(0);
  });
  test("with a default update", async () => {
    const a = shared(1);
    a.defaultUpdate = a.add(3);
    const f = compile([], a.add(10), { givens: [[a, a.add(10)]], device });
    expect([await f(), await f()]).toEqual([21, 34]);
  });
});
