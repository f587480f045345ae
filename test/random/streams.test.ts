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
  const [a, b] = [first, second].map((s) => s.uniform({ size: [1], dtype: "float64" })) as [Variable, Variable];
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
