/** OpFromGraph: the examples of Theano's documentation, gradients and their overrides, shared variables, loops, printing, and every message. */
import { afterAll, describe, expect, expectTypeOf, test } from "vitest";
import { closeDevices, compile, debugprint, grad, gradient, OpFromGraph, RandomStreams, scan, shared, T, type Variable, verifyGrad } from "../../src/index.js";
import { nested, numbersOf } from "../ops/evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const [x, y, z] = T.dscalars("x y z");
const e = x.add(y.mul(z));
const given = [[x, 2], [y, 3], [z, 4]] as const;
const of = (v: Variable): unknown => numbersOf(v, given);

afterAll(closeDevices);

describe("an op made from a graph", () => {
  test("behaves as any other, with or without new", async () => {
    const op = OpFromGraph([x, y, z], [e]);
    const both = op(x, y, z).add(new OpFromGraph([x, y, z], [e])(z, y, x));
    expect(of(both)).toBe(2 + 12 + 4 + 6);
    expect(await compile([x, y, z], both, { device })(2, 3, 4)).toBe(24);
    expect(of(op(1, y, 2))).toBe(7);
    expectTypeOf(op(x, y, z)).toEqualTypeOf<Variable>();
  });

  test("gives a list of several outputs", () => {
    const [a, b] = OpFromGraph([x, y], [x.mul(y), x])(y, z);
    expect([of(a), of(b)]).toEqual([12, 3]);
  });

  test("takes shared variables along, and nests", async () => {
    const s = shared([[1, 2], [3, 4]], { dtype: "float64" });
    const inner = OpFromGraph([x, y], [x.mul(y).add(s)]);
    const outer = OpFromGraph([x, y], [T.sqr(inner(y, x))]);
    const f = compile([x, y], [outer(x, y), grad(outer(x, y).sum(), s)], { device, updates: [[s, s.add(1)]] });
    expect((await f(1, 1)).map(nested)).toEqual([[[4, 9], [16, 25]], [[4, 6], [8, 10]]]);
    expect((await f(1, 1)).map(nested)).toEqual([[[9, 16], [25, 36]], [[6, 8], [10, 12]]]);
  });

  test("draws random numbers as outside", async () => {
    const u = new RandomStreams(2).uniform({ dtype: "float64" });
    const f = compile([x], [OpFromGraph([x], [u.mul(x)])(x), u], { device });
    for (let i = 0; i < 2; i++) {
      const [drawn, plain] = await f(1);
      expect(drawn).toBe(plain);
    }
    expect((await f(1))[1]).not.toBe((await f(1))[1]);
  });

  test("is one node until it is expanded, unless inlined; broadcast flags are those of its inputs", async () => {
    const r = T.drow("r");
    const m = T.dmatrix("m");
    const op = OpFromGraph([m], [m.exp()]);
    expect(op(r).broadcastable).toEqual([false, false]);
    expect(debugprint(op(r))).toContain("opFromGraph");
    const rewrites = async (inline: boolean): Promise<string> => {
      const f = compile([x], T.log(OpFromGraph([x], [x.exp()], { inline })(x)), { device });
      expect(await f(2)).toBeCloseTo(2, 12);
      return f.explain().toString();
    };
    expect(await rewrites(true)).toContain("inlineOpFromGraph");
    expect(await rewrites(false)).not.toContain("inlineOpFromGraph");
  });

  test("in a loop", () => {
    const op = OpFromGraph([x, y], [x.mul(y)]);
    const [powers] = scan({ fn: (p) => op(p, x), outputsInfo: T.constant(1, { dtype: "float64" }), nSteps: 3 });
    expect(of(powers)).toEqual([2, 4, 8]);
    expect(of(grad(powers.get(-1), x))).toBe(12);
  });
});

describe("gradients", () => {
  test("are those of the graph", () => {
    const op = OpFromGraph([x, y, z], [e, x]);
    verifyGrad((a, b, c) => op(a, b, c), [0.5, 1.5, 2.5]);
    expect(of(grad(op(x, y, z)[1], x))).toBe(1);
    expect(() => grad(op(x, y, z)[1], y)).toThrow(code("grad-disconnected"));
    expect(of(grad(grad(OpFromGraph([x], [x.pow(3)])(x), x), x))).toBe(12);
    expect(of(gradient.Rop(OpFromGraph([x, y], [x.mul(y)])(x, y), [x, y], [y, z]))).toBe(9 + 8);
  });

  test("example 3: one of them is replaced", () => {
    const op = OpFromGraph([x, y, z], [e], { gradOverrides: ["default", ([, , c], [g]) => (c as Variable).mul(2).mul(g as Variable), "default"] });
    expect(grad(op(x, y, z), [x, y, z]).map(of)).toEqual([1, 8, 3]);
  });

  test("all of them, knowing the outputs, by another op, or none", () => {
    const sigmoid = OpFromGraph([x], [T.nnet.sigmoid(x)], { lopOverrides: (_, [s], [g]) => [(g as Variable).mul(s as Variable).mul(10)] });
    expect(of(grad(sigmoid(x), x))).toBeCloseTo(10 / (1 + Math.exp(-2)), 12);
    const back = OpFromGraph([x, y, z], [z.mul(7), z.mul(x)]);
    expect(grad(OpFromGraph([x, y], [x.mul(y)], { gradOverrides: back })(x, y), [x, y]).map(of)).toEqual([7, 2]);
    const one = OpFromGraph([x, y, z], [y.mul(100)]);
    expect(of(grad(OpFromGraph([x, y], [x.mul(y)], { lopOverrides: ["default", "disconnected"] })(x, y), x))).toBe(3);
    expect(of(grad(OpFromGraph([x], [x.mul(2)], { lopOverrides: [one] })(x), x))).toBe(400);
    expect(() => grad(OpFromGraph([x], [x], { gradOverrides: "disconnected" })(x), x)).toThrow(code("grad-disconnected"));
    expect(() => grad(OpFromGraph([x], [x], { gradOverrides: "undefined" })(x), x)).toThrow(code("grad-undefined"));
    const s = shared(3, { dtype: "float64" });
    expect(of(grad(OpFromGraph([x], [x.mul(s)], { gradOverrides: () => x })(x), s))).toBe(2);
  });

  test("ops with other gradients are not merged", async () => {
    const make = (k: number): Variable => OpFromGraph([x], [x.mul(2)], { gradOverrides: (_, [g]) => (g as Variable).mul(k) })(x);
    expect(await compile([x], [grad(make(1), x), grad(make(2), x)], { device, onUnusedInput: "ignore" })(1)).toEqual([1, 2]);
  });
});

test("messages", () => {
  const op = OpFromGraph([x, y], [x.mul(y)]);
  expect(() => OpFromGraph([x, x], [x])).toThrow(code("op-from-graph-inputs"));
  expect(() => OpFromGraph([e], [e])).toThrow(code("op-from-graph-inputs"));
  expect(() => OpFromGraph([x], [e])).toThrow(code("op-from-graph-missing"));
  expect(() => OpFromGraph([x], [x], { gradOverrides: "default", lopOverrides: "default" })).toThrow(code("op-from-graph-overrides"));
  expect(() => OpFromGraph([x], [x], { gradOverrides: ["default", "default"] })).toThrow(code("op-from-graph-overrides"));
  expect(() => op(x)).toThrow(code("op-from-graph-count"));
  expect(() => op(x, T.dvector())).toThrow(code("op-from-graph-type"));
  expect(() => op(x, T.fscalar())).toThrow(code("op-from-graph-type"));
  expect(() => grad(OpFromGraph([x, y], [x.mul(y)], { gradOverrides: () => [x] })(x, y), x)).toThrow(code("op-from-graph-gradients"));
});
