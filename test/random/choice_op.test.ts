/** Draws without replacement of MRGRandomStreams against Theano's own expectations, and rows shuffled as NumPy orders them. */
import { afterAll, describe, expect, test } from "vitest";
import { closeDevices, compile, type NdArray, numpy as np, MRGRandomStreams, RandomStreams, T, type Variable } from "../../src/index.js";
import { choiceFromUniform } from "../../src/random/choice_op.js";
import { numbersOf } from "../ops/evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const p = T.dmatrix("p");

afterAll(closeDevices);

/** theano/sandbox/tests/test_multinomial_wo_replacement.py, test_select_distinct: uniforms and weights from RandomState(12345), in this order. */
const EXPECTED: readonly (readonly number[])[] = [
  [931, 318, 185, 209, 559],
  [477, 887, 2, 717, 333, 665, 159, 559, 348, 136],
  [
    546, 28, 79, 665, 295, 779, 433, 531, 411, 716, 244, 234, 70, 88, 612, 639, 383, 335, 451, 100, 175, 492, 848, 771, 559, 214, 568, 596, 370, 486, 855, 925, 138, 300, 528,
    507, 730, 199, 882, 357, 58, 195, 705, 900, 66, 468, 513, 410, 816, 672,
  ],
];

describe("MRGRandomStreams.choice", () => {
  test("picks what Theano's op picks", async () => {
    const rng = new np.random.RandomState(12345);
    const [u, n] = [T.dvector("u"), T.iscalar("n")];
    const f = compile([p, u, n], choiceFromUniform(p, u, n), { device });
    for (const expected of EXPECTED) {
      const unis = rng.rand(expected.length);
      const weights = rng.randint(1, 100, { size: [1, 1000] }).astype("float64");
      expect((await f(np.divide(weights, np.sum(weights)), unis, expected.length) as NdArray).toArray()).toEqual([expected]);
    }
  });

  test("takes different outcomes, and others at each call", async () => {
    const draw = new MRGRandomStreams(4).choice({ size: 3, replace: false, p });
    const f = compile([p], draw, { device });
    const ps = [[0.25, 0.25, 0.25, 0.25], [0, 0.5, 0.25, 0.25]];
    const calls = [];
    for (let i = 0; i < 6; i++) calls.push(((await f(ps)) as NdArray).toArray() as number[][]);
    for (const [first, second] of calls as [number[], number[]][]) {
      expect(new Set(first).size).toBe(3);
      expect([...second].sort()).toEqual([1, 2, 3]);
    }
    expect(new Set(calls.map(String)).size).toBeGreaterThan(1);
    expect(draw.dtype).toBe("int32");
    await expect(f([[0.5, 0.5]])).rejects.toThrow(code("choice-more"));
  });

  test("of a number that varies", async () => {
    const n = T.iscalar("n");
    const f = compile([n], new MRGRandomStreams(4).choice({ size: n, replace: false, p: T.constant([[0.5, 0.5]], { dtype: "float32" }), dtype: "float32" }).shape, { device });
    expect(((await f(2)) as NdArray).toArray()).toEqual([1, 2]);
    expect(((await f(1)) as NdArray).toArray()).toEqual([1, 1]);
  });

  test("refuses what Theano does not do", () => {
    const rng = new MRGRandomStreams(1);
    expect(() => rng.choice({ p })).toThrow(code("mrg-choice-replace"));
    expect(() => rng.choice({ p: T.vector(), replace: false })).toThrow(code("mrg-choice-p"));
    expect(() => rng.choice({ p: T.imatrix(), replace: false })).toThrow(code("mrg-choice-p"));
  });
});

describe("RandomStreams.shuffleRowElements", () => {
  test("puts each row in the order of its own permutation", async () => {
    const srng = new RandomStreams(11);
    const shuffled = srng.shuffleRowElements(p);
    const f = compile([p], [shuffled, shuffled.permutation], { device });
    const rows = [[10, 11, 12, 13], [20, 21, 22, 23]];
    const [values, orders] = (await f(rows)).map((r) => (r as NdArray).toArray()) as [number[][], number[][]];
    expect(values).toEqual(orders.map((order, r) => order.map((at) => rows[r]![at] as number)));
    expect(orders.map((o) => [...o].sort())).toEqual([[0, 1, 2, 3], [0, 1, 2, 3]]);
    const seed = new np.random.RandomState(new np.random.RandomState(11).randint(2 ** 30));
    expect(orders).toEqual([seed.permutation(4).toArray(), seed.permutation(4).toArray()]);
  });

  test("of a vector", () => {
    const v = T.dvector("v");
    const shuffled = new RandomStreams(3).shuffleRowElements(v) as Variable;
    expect([...(numbersOf(shuffled, [[v, [3, 1, 2]]]) as number[])].sort()).toEqual([1, 2, 3]);
  });
});
