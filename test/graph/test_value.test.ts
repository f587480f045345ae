/** computeTestValue: Theano's own tests (theano/gof/tests/test_compute_test_value.py), by their names, and what is damo's alone. */
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { compile, config, grad, IndexError, NdArray, numpy as np, RandomStreams, scan, shared, T, type Variable } from "damo";

const rng = new np.random.RandomState(1);
const random = (...size: number[]): NdArray => rng.uniform({ size }).astype(config.floatX);
const device = "reference";

beforeEach(() => { config.computeTestValue = "raise"; });
afterEach(() => {
  config.computeTestValue = "off";
  config.printTestValue = false;
});

/** Runs in float64 where the test value is float64 too, so both come out of the same reference. */
async function agrees(f: Promise<unknown>, z: Variable): Promise<void> {
  const want = z.tag.testValue as NdArray;
  const got = (await f) as NdArray;
  expect(got.shape).toEqual(want.shape);
  got.data.forEach((g, i) => expect(g).toBeCloseTo(want.data[i] as number, 5));
}

test("test_variable_only", async () => {
  const [x, y] = [T.matrix("x"), T.matrix("y")];
  x.tag.testValue = random(3, 4);
  y.tag.testValue = random(4, 5);
  const z = T.dot(x, y);
  await agrees(compile([x, y], z, { device })(x.tag.testValue as NdArray, y.tag.testValue as NdArray), z);
  y.tag.testValue = random(6, 5);
  expect(() => T.dot(x, y)).toThrow(expect.objectContaining({ code: "dot-shape", name: "ValueError", message: expect.stringMatching(/test_value\.test\.ts:\d+[\s\S]*input 0: x float32\[3,4\]\s+input 1: y float32\[6,5\]/) }));
});

test("test_compute_flag", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const [x, y] = [T.matrix("x"), T.matrix("y")];
  y.tag.testValue = random(4, 5);
  config.computeTestValue = "off";
  expect(T.dot(x, y).tag.testValue).toBeUndefined();
  config.computeTestValue = "raise";
  expect(() => T.dot(x, y)).toThrow(expect.objectContaining({ code: "test-value-missing", name: "ValueError" }));
  config.computeTestValue = "ignore";
  expect(T.dot(x, y).tag.testValue).toBeUndefined();
  expect(warn).not.toHaveBeenCalled();
  config.computeTestValue = "warn";
  T.dot(x, y);
  expect(warn).toHaveBeenCalledWith(expect.stringMatching(/Cannot compute the test value of 'dot': x: float32\[\?,\?\] has none\. \(made at .*test_value\.test\.ts/));
  warn.mockRestore();
});

test("test_string_var", async () => {
  const [x, y] = [T.matrix("x"), T.matrix("y")];
  x.tag.testValue = random(3, 4);
  y.tag.testValue = random(4, 5);
  const z = shared(random(5, 6));
  const out = T.dot(T.dot(x, y), z);
  await agrees(compile([x, y], out, { device })(x.tag.testValue as NdArray, y.tag.testValue as NdArray), out);
  z.setValue(random(7, 6));
  expect(() => T.dot(T.dot(x, y), z)).toThrow(expect.objectContaining({ code: "dot-shape" }));
});

test("test_shared", async () => {
  const x = T.matrix("x");
  x.tag.testValue = random(3, 4);
  const y = shared(random(4, 6), { name: "y" });
  const z = T.dot(x, y);
  await agrees(compile([x], z, { device })(x.tag.testValue as NdArray), z);
  y.setValue(random(5, 6));
  expect(() => T.dot(x, y)).toThrow(expect.objectContaining({ code: "dot-shape" }));
});

test("test_ndarray, test_constant", async () => {
  const y = shared(random(3, 6), { name: "y" });
  for (const of of [(a: NdArray): NdArray | Variable => a, (a: NdArray): Variable => T.constant(a)]) {
    const z = T.dot(of(random(2, 3)), y);
    await agrees(compile([], z, { device })(), z);
    expect(() => T.dot(of(random(2, 4)), y)).toThrow(expect.objectContaining({ code: "dot-shape" }));
  }
});

test("test_empty_elemwise", async () => {
  const x = shared(np.zeros([0, 6]).astype(config.floatX), { name: "x" });
  const z = x.add(2).mul(3);
  expect(z.tag.testValue?.shape).toEqual([0, 6]);
  await agrees(compile([], z, { device })(), z);
});

test("test_incorrect_type: refused where it is given, as a call would", () => {
  const x = T.fmatrix("x");
  expect(() => { x.tag.testValue = np.zeros([3, 4], { dtype: "float64" }); }).toThrow(expect.objectContaining({ code: "call-dtype", name: "DamoTypeError", message: expect.stringContaining("The test value of x: float32[?,?] cannot take float64 values") }));
  expect(() => { x.tag.testValue = [1, 2]; }).toThrow(expect.objectContaining({ code: "call-ndim" }));
  expect(() => { T.row("r").tag.testValue = [[1], [2]]; }).toThrow(expect.objectContaining({ code: "call-broadcast" }));
  x.tag.testValue = [[1, 2]];
  expect(x.tag.testValue?.dtype).toBe("float32");
  x.tag.testValue = undefined;
  expect(x.tag.testValue).toBeUndefined();
});

test("test_overided_function: elementwise lengths", () => {
  const [x, y] = [T.matrix(), T.matrix()];
  x.tag.testValue = [[0, 0, 0], [0, 0, 0]];
  y.tag.testValue = [[0, 0], [0, 0]];
  expect(() => x.mul(y)).toThrow(expect.objectContaining({ name: "ValueError", message: expect.stringContaining("dimension mis-match") }));
});

describe("scans", () => {
  test("test_scan: the loop runs on test values", () => {
    const [k, A] = [T.iscalar("k"), T.vector("A")];
    k.tag.testValue = 3;
    A.tag.testValue = [1, 2, 3, 4, 5];
    const [result] = scan({ fn: (prior, a) => (prior as Variable).mul(a as Variable), outputsInfo: T.onesLike(A), nonSequences: A, nSteps: k });
    expect(result.get(-1).tag.testValue?.toArray()).toEqual([1, 8, 27, 64, 125]);
  });

  test("test_scan_err1: what does not fit fails in the step function", () => {
    const [k, A] = [T.iscalar("k"), T.matrix("A")];
    k.tag.testValue = 3;
    A.tag.testValue = random(5, 3);
    let isInStep = false;
    const fn = (prior: Variable, a: Variable): Variable => {
      isInStep = true;
      const made = T.dot(prior, a);
      isInStep = false;
      return made;
    };
    expect(() => scan({ fn, outputsInfo: T.onesLike(A), nonSequences: A, nSteps: k })).toThrow(expect.objectContaining({ code: "dot-shape" }));
    expect(isInStep).toBe(true);
  });

  test("test_scan_err2: states that change their shape fail when the loop is made", () => {
    const [k, A] = [T.iscalar("k"), T.matrix("A")];
    k.tag.testValue = 3;
    A.tag.testValue = random(5, 3);
    expect(() => scan({ fn: (prior, a) => T.dot(prior as Variable, a as Variable), outputsInfo: T.onesLike(A.T), nonSequences: A, nSteps: k })).toThrow(expect.objectContaining({ code: "scan-carry-shape" }));
  });

  test("gradients through loops, with draws and rows of sequences", async () => {
    const xs = T.dmatrix("xs");
    xs.tag.testValue = [[1, 2], [3, 4], [5, 6]];
    const w = shared([[0.5, 0.25], [-0.125, 1]], { name: "w", dtype: "float64" });
    const srng = new RandomStreams(3);
    const [out] = scan({ fn: (x, h) => T.tanh((x as Variable).add((h as Variable).dot(w)).add(srng.normal({ size: [2], dtype: "float64" }))), sequences: xs, outputsInfo: T.zeros([2], { dtype: "float64" }) });
    const g = grad(out.sum(), w);
    expect(out.tag.testValue?.shape).toEqual([3, 2]);
    await agrees(compile([xs], g, { device })(xs.tag.testValue as NdArray), g);
  });

  test("a sequence without a value is named", () => {
    const xs = T.matrix("xs");
    expect(() => scan({ fn: (x) => (x as Variable).mul(2), sequences: xs })).toThrow(expect.objectContaining({ code: "test-value-missing", message: expect.stringContaining("xs: float32[?,?] has none") }));
  });
});

test("test_no_c_code: ops of users", () => {
  const i = T.iscalar("i");
  i.tag.testValue = 3;
  expect(i.add(1).tag.testValue?.item()).toBe(4);
});

test("test_disabled_during_compilation", async () => {
  const x = T.matrix("x");
  config.computeTestValue = "ignore";
  const y = T.nnet.softmax(x).add(0);
  config.computeTestValue = "raise";
  expect(((await compile([x], y, { device })([[0, 0]])) as NdArray).toArray()).toEqual([[0.5, 0.5]]);
  expect(config.computeTestValue).toBe("raise");
});

test("positions outside an axis are errors of the line that reads them", () => {
  const [x, i] = [T.vector("x"), T.iscalar("i")];
  x.tag.testValue = [1, 2];
  i.tag.testValue = 5;
  expect(() => x.get(i)).toThrow(IndexError);
});

test("what was made while test values were off has them when they are wanted, with errors of its own line", () => {
  const [x, y] = [T.vector("x"), T.vector("y")];
  x.tag.testValue = [1, 2];
  y.tag.testValue = [1, 2];
  config.computeTestValue = "off";
  const before = x.add(y);
  config.computeTestValue = "raise";
  expect(before.mul(2).tag.testValue?.toArray()).toEqual([4, 8]);
});

test("a shared variable whose value is on a device only has to be read first", async () => {
  const w = shared([1, 2], { name: "w", dtype: "float32" });
  const f = compile([], [], { updates: [[w, T.tanh(w)]], device });
  await f();
  expect(() => w.mul(2)).toThrow(expect.objectContaining({ code: "test-value-missing", message: expect.stringContaining("await getValue()") }));
  const value = await w.getValue();
  expect(w.mul(2).tag.testValue?.toArray()).toEqual((value.toArray() as number[]).map((v) => 2 * v));
});

test("print_test_value: printing a variable shows its test value (debug_faq, Using Test Values)", () => {
  const x = T.scalar("x");
  x.tag.testValue = 42;
  expect(inspect(x)).toBe("x: float32[]");
  config.printTestValue = true;
  expect(inspect(x)).toContain("42");
  expect(inspect(T.scalar("y"))).toBe("y: float32[]");
});
