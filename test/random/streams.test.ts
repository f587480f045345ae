/** RandomStreams against numbers of Theano's documentation and of NumPy, and the Bernoulli split against NumPy's sampler. */
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import type { Variable } from "../../src/graph/variable.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { inputMakers as T } from "../../src/ops/inputs.js";
import { fillBinomial } from "../../src/random/legacy.js";
import { seedState } from "../../src/random/mt19937.js";
import { packState } from "../../src/random/mt_state.js";
import { RandomState } from "../../src/random/random_state.js";
import { RandomStreams } from "../../src/random/streams.js";

type Env = ReadonlyMap<Variable, NdArray>;
const values = (v: Variable, env: Env = new Map()): NdArray => interpret([v], env)[0]!;
const numbers = (v: Variable, env?: Env): number[] => [...values(v, env).data];

/** Applies the default update of every state, as a call does. */
function step(srng: RandomStreams): void {
  const updates = srng.stateUpdates();
  interpret(updates.map(([, next]) => next)).forEach((value, i) => updates[i]![0].setValue(value));
}

test("seeds 123 and 987 of Theano's tutorial, and a copied state", () => {
  const [first, second] = [new RandomStreams(123), new RandomStreams(987)];
  const [a, b] = [first, second].map((s) => s.uniform({ size: [1], dtype: "float64" })) as unknown as [Variable, Variable];
  expect(numbers(a)[0]).toBeCloseTo(0.72803009, 8);
  expect(numbers(b)[0]).toBeCloseTo(0.55056769, 8);
  step(first);
  step(second);
  first.stateUpdates().forEach(([state], i) => second.stateUpdates()[i]![0].setValue(state.cell.host!));
  expect(numbers(a)[0]).toBeCloseTo(0.59044123, 8);
  expect(numbers(b)[0]).toBeCloseTo(0.59044123, 8);
});

test("seed 234: uniform, then normal, each from its own seed", () => {
  const srng = new RandomStreams(234);
  const [u, n] = [srng.uniform({ size: [2, 2], dtype: "float64" }), srng.normal({ size: [2, 2], dtype: "float64" })];
  expect(numbers(u)).toEqual([0.12672381400898758, 0.9709159656786431, 0.13989097862581312, 0.887548254199325]);
  const normals = [0.3732844727674915, -0.6574667187293483, -0.3630237287579288, -0.9748462455013606];
  numbers(n).forEach((x, i) => expect(x).toBeCloseTo(normals[i]!, 15));
});

test("the size may come first, as in Theano's tutorial: srng.uniform((2, 2))", () => {
  const [named, placed] = [new RandomStreams(234), new RandomStreams(234)];
  const [a, b] = [named.uniform({ size: [2, 2], low: -1 }), placed.uniform([2, 2], { low: -1 })];
  expect(numbers(b)).toEqual(numbers(a));
  expect(b.type.equals(a.type)).toBe(true);
  expect(numbers(placed.normal([3]))).toEqual(numbers(named.normal({ size: [3] })));
  const p = T.dvector("p");
  const env: Env = new Map([[p, new NdArray(Float64Array.of(0.1, 0.5, 0.9), [3], "float64")]]);
  expect(numbers(placed.binomial(p.shape, { p }), env)).toEqual(numbers(named.binomial({ size: p.shape, p }), env));
});

test("seed 1234: binomial((2,)) over ten steps, the pattern of Theano's loop tutorial", () => {
  const srng = new RandomStreams(1234);
  const d = srng.binomial({ size: [2] });
  const rows = Array.from({ length: 10 }, () => {
    const row = numbers(d).join("");
    step(srng);
    return row;
  });
  expect(rows.join(" ")).toBe("10 01 00 11 10 01 01 01 00 11");
});

test("binomial of RandomState(42) and the uniform after it", () => {
  const p = T.dmatrix("p");
  const env = new Map([[p as Variable, new NdArray(Float64Array.of(0.2, 0.4, 0.6, 0.8, 0.2, 0.4, 0.6, 0.8), [2, 4], "float64")]]);
  const srng = new RandomStreams(1);
  const d = srng.binomial({ size: p.shape, n: 1, p });
  d.rng.setValue(packState(seedState(42)));
  expect(numbers(d, env)).toEqual([0, 1, 0, 1, 0, 0, 1, 0]);
  const u = srng.uniform({ size: [1], dtype: "float64" });
  u.rng.setValue(interpret([d.update[1]], env)[0]!);
  expect(numbers(u)).toEqual([0.6011150117432088]);
});

describe("binomial with n = 1 decides as NumPy's sampler", () => {
  const count = 20000;
  const cases: [string, (i: number) => number][] = [
    ["spread", (i) => (i * 0.61803398875) % 1], ["half", () => 0.5], ["zero", () => 0], ["one", () => 1], ["tenths", (i) => (i % 11) / 10], ["small", (i) => 2 ** -(i % 30)], ["near one", (i) => 1 - 2 ** -(i % 24)],
  ];
  test.each(cases.flatMap(([name, p]) => (["float32", "float64"] as const).map((dtype) => [name, dtype, p] as const)))("%s, %s", (_, dtype, p) => {
    const ps = new NdArray(Float64Array.from({ length: count }, (_, i) => p(i)), [count], "float64").astype(dtype);
    const v = dtype === "float32" ? T.fvector("p") : T.dvector("p");
    const d = new RandomStreams(3).binomial({ p: v });
    d.rng.setValue(packState(seedState(99)));
    const state = seedState(99);
    const expected = fillBinomial(state, 1, ps.astype("float64").data as Float64Array, new Int32Array(count));
    const [got, next] = interpret([d, d.update[1]], new Map([[v as Variable, ps]]));
    expect(got!.data).toEqual(expected);
    expect(next!.data).toEqual(packState(state).data);
  });
});

describe("other distributions are RandomState's", () => {
  /** What RandomState gives from the seed that the first random variable of RandomStreams(5) gets. */
  const twin = (): RandomState => new RandomState(new RandomState(5).randint(2 ** 30));
  const drawn = (make: (s: RandomStreams) => Variable, env?: Env): NdArray => values(make(new RandomStreams(5)), env);
  test("uniform and normal with vector parameters, without a size", () => {
    const [a, b] = [T.dvector("a"), T.dscalar("b")];
    const env: Env = new Map([[a as Variable, new NdArray(Float64Array.of(1, 2, 3), [3], "float64")], [b as Variable, NdArray.scalar(4, "float64")]]);
    expect(drawn((s) => s.uniform({ low: a, high: b }), env).data).toEqual(twin().uniform([1, 2, 3], 4).data);
    expect(drawn((s) => s.normal({ avg: a, std: b }), env).data).toEqual(twin().normal([1, 2, 3], 4).data);
  });
  test("a parameter that stretches over the size", () => {
    const a = T.drow("a");
    const env: Env = new Map([[a as Variable, new NdArray(Float64Array.of(1, 2, 3), [1, 3], "float64")]]);
    expect(drawn((s) => s.uniform({ size: [2, 3], low: a, high: 5 }), env).data).toEqual(twin().uniform([1, 2, 3], 5, { size: [2, 3] }).data);
  });
  test("binomial with many trials", () => {
    expect(drawn((s) => s.binomial({ size: [50], n: 100, p: 0.25, dtype: "float64" })).toArray()).toEqual(twin().binomial(100, 0.25, { size: [50] }).toArray());
  });
  test("randomIntegers includes both bounds", () => {
    const got = drawn((s) => s.randomIntegers({ size: [200], low: 2, high: 4 }));
    expect(got.data).toEqual(twin().randomIntegers(2, 4, { size: [200] }).data);
    expect(new Set(got.data)).toEqual(new Set([2, 3, 4]));
  });
  test("multinomial", () => {
    const pvals = new NdArray(Float64Array.of(0.2, 0.3, 0.5), [3], "float64");
    expect(drawn((s) => s.multinomial({ size: [4], n: 10, pvals })).data).toEqual(twin().multinomial(10, pvals, { size: [4] }).data);
  });
  test("permutation", () => {
    const r = twin();
    expect(drawn((s) => s.permutation({ n: 6, size: [2] })).toArray()).toEqual([r.permutation(6).toArray(), r.permutation(6).toArray()]);
    expect(drawn((s) => s.permutation({ n: 6 })).shape).toEqual([6]);
  });
  test("choice, with and without replacement, and with probabilities", () => {
    expect(drawn((s) => s.choice({ a: 10, size: [7] })).data).toEqual(twin().choice(10, { size: [7] }).data);
    expect(drawn((s) => s.choice({ a: 10, size: [7], replace: false })).data).toEqual(twin().choice(10, { size: [7], replace: false }).data);
    const p = new NdArray(Float64Array.of(0.1, 0.6, 0.3), [3], "float64");
    expect(drawn((s) => s.choice({ a: 3, size: [7], p })).data).toEqual(twin().choice(3, { size: [7], p }).data);
  });
  test("float32 draws are the float64 ones rounded", () => {
    expect(drawn((s) => s.uniform({ size: [5], dtype: "float32" })).data).toEqual(Float32Array.from(twin().uniform({ size: [5] }).data));
  });
});

test("seed() starts all variables again, in the order they were made", () => {
  const srng = new RandomStreams(7);
  const [a, b] = [srng.uniform({ size: [3] }), srng.normal({ size: [2] })];
  const start = [numbers(a), numbers(b)];
  step(srng);
  expect([numbers(a), numbers(b)]).not.toEqual(start);
  srng.seed();
  expect([numbers(a), numbers(b)]).toEqual(start);
  srng.seed(11);
  const other = new RandomStreams(11);
  expect([numbers(a), numbers(b)]).toEqual([numbers(other.uniform({ size: [3] })), numbers(other.normal({ size: [2] }))]);
});

test("an unused variable takes its seed", () => {
  const one = new RandomStreams(7);
  one.uniform({ size: [3] });
  const [state] = one.uniform({ size: [3] }).update;
  expect(state.cell.host!.data).toEqual(packState(seedState([0, 0].map(((r) => () => r.randint(2 ** 30))(new RandomState(7)))[1]!)).data);
});

test("a size with lengths of 1 broadcasts; the state is its default update", () => {
  const d = new RandomStreams(7).uniform({ size: [1, 3] });
  expect(d.broadcastable).toEqual([true, false]);
  expect(d.rng.defaultUpdate).toBe(d.update[1]);
});

describe("errors", () => {
  const srng = new RandomStreams(7);
  const fails = (f: () => unknown, code: string): void => expect(f).toThrow(expect.objectContaining({ code }) as Error);
  test("sizes", () => {
    fails(() => srng.uniform({ size: [T.fscalar("n")] }), "random-size-kind");
    fails(() => srng.uniform({ size: T.fvector("n") }), "random-size-kind");
    fails(() => srng.uniform({ size: [-1] }), "random-size-length");
    fails(() => srng.uniform({ size: [1.5] }), "random-size-length");
    fails(() => srng.uniform({ size: T.ivector("n") }), "random-size-ndim");
    fails(() => srng.uniform({ size: [2, 3], ndim: 1 }), "random-size-rank");
    fails(() => srng.uniform({ size: [2], low: T.matrix("low") }), "random-rank");
    fails(() => srng.uniform({ size: [2], dtype: "int32" }), "random-dtype");
  });
  test("integers", () => {
    fails(() => values(srng.randomIntegers({ size: [2], low: 3, high: 1 })), "random-integers-range");
  });
});
