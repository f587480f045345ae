/** Theano's page "Dealing with NaNs" (doc/tutorial/nan_tutorial.txt): NanGuardMode, DebugMode, MonitorMode; and theano/compile/tests/test_nanguardmode.py. */
import { afterEach, describe, expect, test } from "vitest";
import { all, closeDevices, compile, config, detectNan, grad, MonitorMode, NanGuardMode, type NdArray, newAxis, numpy as np, scan, shared, T, ValueError, type Variable } from "damo";

const rng = new np.random.RandomState(5);
const normal = (...size: number[]): NdArray => rng.normal({ size }).astype(config.floatX);
const filled = (x: number, ...shape: number[]): NdArray => {
  const made = np.zeros(shape).astype(config.floatX);
  made.data.fill(x);
  return made;
};

afterEach(closeDevices);

describe("test_NanGuardMode", () => {
  const guard = { mode: new NanGuardMode({ nanIsError: true, infIsError: true }) };

  test("a product", async () => {
    const x = T.matrix();
    const w = shared(normal(5, 7));
    const fun = compile([x], T.dot(x, w), guard);
    expect(((await fun(normal(3, 5))) as NdArray).shape).toEqual([3, 7]);
    for (const bad of [Number.POSITIVE_INFINITY, Number.NaN, 1e20]) await expect(fun(filled(bad, 3, 5))).rejects.toThrow(ValueError);
    expect(((await fun(normal(3, 5))) as NdArray).shape).toEqual([3, 7]);
  });

  test("slices", async () => {
    const x = T.tensor3();
    const fun = compile([x], x.get(all, T.arange(2), T.arange(2), newAxis), guard);
    expect(((await fun(normal(3, 4, 5))) as NdArray).shape).toEqual([3, 2, 1]);
    for (const bad of [Number.POSITIVE_INFINITY, Number.NaN, 1e20]) await expect(fun(filled(bad, 3, 4, 5))).rejects.toThrow(ValueError);
  });
});

describe("what is an error", () => {
  const x = T.dvector("x");
  const all3 = { nanIsError: false, infIsError: false, bigIsError: false };
  test.each([
    ["nanIsError", Number.NaN, "NaN"],
    ["infIsError", Number.NEGATIVE_INFINITY, "inf"],
    ["bigIsError", -2e10, "the big value -20000000000"],
  ] as const)("%s", async (option, value, text) => {
    const f = compile([x], x.mul(1.5), { mode: new NanGuardMode({ ...all3, [option]: true }) });
    await expect(f([1, value])).rejects.toMatchObject({ code: "nan-guard", message: expect.stringMatching(new RegExp(`${text} in x: float64..., an input of the function`)) });
    for (const other of [Number.NaN, Number.NEGATIVE_INFINITY, 1e10].filter((v) => Number.isNaN(v) !== Number.isNaN(value) && (option !== "bigIsError" || Number.isFinite(v)))) {
      expect(((await f([1, other])) as NdArray).data[1]).toBe(other * 1.5);
    }
  });
  test("big whole numbers too (theano checks all dtypes); nan-guard-nothing", async () => {
    const n = T.dvector("n");
    await expect(compile([n], n.sub(1), { mode: new NanGuardMode() })([1e10 + 1])).rejects.toThrow("the big value");
    expect(() => new NanGuardMode(all3)).toThrow(expect.objectContaining({ code: "nan-guard-nothing" }));
  });
});

test("a learning rate that is too high: the apply, its line, its inputs and outputs are named, and nothing is updated", async () => {
  const [x, y] = [T.dmatrix("x"), T.dvector("y")];
  const w = shared([1, -1], { name: "w", dtype: "float64" });
  const cost = T.sqr(T.dot(x, w).sub(y)).mean();
  const f = compile<number>([x, y], cost, { updates: [[w, w.sub(T.mul(1e6, grad(cost, w)))]], mode: new NanGuardMode() });
  const call = (): Promise<number> => f([[1, 2], [3, 4]], [1, 2]);
  await call();
  const before = (await w.getValue()).toArray();
  await expect(call()).rejects.toMatchObject({
    code: "nan-guard", message: expect.stringMatching(/the big value [\d.e+-]+ in output 0 of '\w+'\.\n {2}made at: .*nan_guard\.test\.ts:\d+:\d+\n {2}in: \w+\([\s\S]*input 0: [\s\S]*output 0: [\s\S]*what to do: /),
  });
  expect((await w.getValue()).toArray()).toEqual(before);
});

test("inside a scan the op of the step is named; a loop of no steps is not looked into", async () => {
  const [x, n] = [T.dscalar("x"), T.iscalar("n")];
  const [out] = scan({ fn: (s) => T.log(s as Variable), outputsInfo: x, nSteps: n });
  const f = compile([x, n], T.sum(out), { mode: new NanGuardMode() });
  await expect(f(2, 4)).rejects.toMatchObject({ code: "nan-guard", message: expect.stringMatching(/^NaN in output 0 of 'log'[\s\S]*nan_guard\.test\.ts:/) });
  expect(await f(-1, 0)).toBe(0);
  const rows = T.dmatrix("rows");
  const [logs] = scan({ fn: (row) => T.log(row as Variable), sequences: rows });
  expect(((await compile([rows], logs.sum(), { mode: new NanGuardMode() })(np.zeros([0, 2]))))).toBe(0);
});

test("the page's other hammers find the same op: mode debug, MonitorMode", async () => {
  const x = T.dvector("x");
  const y = T.sqrt(x).sum();
  await expect(compile([x], y, { mode: "debug", device: "reference" })([-1])).rejects.toMatchObject({ code: "debug-nan", message: expect.stringContaining("'sqrt' makes a NaN") });
  const seen: string[] = [];
  const f = compile([x], y, { mode: new MonitorMode({ postFunc: (i, node, fn) => { if (fn.outputs.some(([o]) => o.data.some(Number.isNaN))) seen.push(`${i} ${node}`); } }) });
  expect(await f([-1])).toBeNaN();
  expect(seen).toEqual(["0 sqrt(x)", "1 sum(sqrt.0)"]);
  expect(detectNan).toBeTypeOf("function");
});

test("Numerical Stability: 1 / log(p + 1) where p is 0", async () => {
  const p = T.dvector("p");
  const f = compile([p], T.inv(T.log(p.add(1))), { mode: new NanGuardMode() });
  await expect(f([0.5, 0])).rejects.toMatchObject({ message: expect.stringMatching(/^inf in output 0 of/) });
});
