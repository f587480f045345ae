/** What TypeScript knows: options that do not exist do not compile, and results have the form of the outputs. Checked by tsc; run for the values. */
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  clone, compile, type CompiledFunction, grad, In, MRGRandomStreams, type NdArray, numpy as np, RandomStreams, type Result, scan, shared, type SharedVariable, slice, T, type Updates, type Variable,
} from "../../src/index.js";

const device = "reference";
const x = T.dscalar("x");
const v = T.dvector("v");
const w = shared(1.5, { name: "w", dtype: "float64" });

type Results<F extends (...args: never) => unknown> = Awaited<ReturnType<F>>;

describe("outputs of compile()", () => {
  test("one", async () => {
    const r = await compile([x], x.mul(2), { device })(3);
    expectTypeOf(r).toEqualTypeOf<Result>();
    expectTypeOf(r).toEqualTypeOf<number | boolean | NdArray>();
    expect(r).toBe(6);
  });

  test("a list is a tuple of its length", async () => {
    const r = await compile([x], [x, x.mul(2)], { device })(3);
    expectTypeOf(r).toExtend<readonly [Result, Result]>();
    const [a, b] = r;
    expectTypeOf(a).toEqualTypeOf<Result>();
    // @ts-expect-error there is no third output
    expect(r[2]).toBeUndefined();
    expect([a, b]).toEqual([3, 6]);
    const list: Variable[] = [x, x];
    const listed = compile([x], list, { device });
    expectTypeOf<Results<typeof listed>>().toExtend<readonly Result[]>();
    expect(await listed(3)).toEqual([3, 3]);
  });

  test("a record has its names", async () => {
    const r = await compile([x], { cost: x, twice: x.mul(2) }, { device })(3);
    expectTypeOf(r.cost).toEqualTypeOf<Result>();
    // @ts-expect-error no output of that name
    expect(r.costs).toBeUndefined();
    expect(r).toEqual({ cost: 3, twice: 6 });
  });

  test("none is an empty list, positional and by keyword", async () => {
    compile([], [], { updates: [], mode: "FAST_RUN", device });
    const mapped = [w].map((p) => [p, p.add(1)]);
    compile([], [], { updates: mapped, givens: mapped.slice(1), device });
    const updates = [[w, w.add(1)]] as const;
    const none = [compile([], [], { updates, device }), compile({ inputs: [], updates, device }), compile([], null, { updates, device })] as const;
    expectTypeOf<Results<(typeof none)[0]>>().toExtend<readonly []>();
    expectTypeOf<Results<(typeof none)[1]>>().toEqualTypeOf<[]>();
    expectTypeOf<Results<(typeof none)[2]>>().toEqualTypeOf<[]>();
    for (const f of none) expect(await f()).toEqual([]);
  });

  test("by keyword as by position", async () => {
    const f = compile({ inputs: [x, In(v, { value: [1, 2] })], outputs: { sum: v.sum().add(x) }, device });
    expectTypeOf<Results<typeof f>>().toExtend<{ readonly sum: Result }>();
    expect((await f(1)).sum).toBe(4);
  });

  test("the caller may say which results are numbers and which arrays", async () => {
    const cost = compile<number>([x], x.mul(2), { device });
    expectTypeOf(cost).toExtend<CompiledFunction<Variable, number>>();
    expect((await cost(3)) + 1).toBe(7);
    const [total, doubled] = await compile<[number, NdArray]>([v], [v.sum(), v.mul(2)], { device })([1, 2]);
    expect([total.toFixed(1), doubled.toArray()]).toEqual(["3.0", [2, 4]]);
    const { flag } = await compile<{ flag: boolean }>({ inputs: [x], outputs: { flag: x.gt(0) }, device })(1);
    expectTypeOf(flag).toEqualTypeOf<boolean>();
    // @ts-expect-error a result is never text
    compile<string>([x], x);
  });
});

describe("gradients, clones and scans", () => {
  test("grad gives one variable, or one for each of a list", () => {
    expectTypeOf(grad(x.mul(w), w)).toEqualTypeOf<Variable>();
    expectTypeOf(grad(x.mul(w), [x, w])).toEqualTypeOf<[Variable, Variable]>();
    const params: SharedVariable[] = [w];
    expectTypeOf(grad(x.mul(w), params)).toEqualTypeOf<Variable[]>();
    expectTypeOf(T.grad(x.mul(w), [x, w], { considerConstant: [v] })).toEqualTypeOf<[Variable, Variable]>();
    expectTypeOf(clone([x, v])).toEqualTypeOf<[Variable, Variable]>();
    expect(grad(x.mul(w), [x, w])).toHaveLength(2);
  });

  test("scan gives what its step returns", () => {
    const one = scan({ fn: (a: Variable) => a.mul(2), sequences: v });
    expectTypeOf(one[0]).toEqualTypeOf<Variable>();
    expectTypeOf(one[1]).toEqualTypeOf<Updates>();
    const two = scan({ fn: (a: Variable) => [a, a.mul(2)] as const, sequences: v });
    expectTypeOf(two[0]).toEqualTypeOf<[Variable, Variable]>();
    const more = scan({ fn: (a: Variable): Variable[] => [a, a], sequences: v });
    expectTypeOf(more[0]).toEqualTypeOf<Variable[]>();
    const listed = scan({ fn: (a: Variable) => a, sequences: v, returnList: true });
    expectTypeOf(listed[0]).toEqualTypeOf<Variable[]>();
    const state = scan({ fn: (a: Variable) => [a, new Map([[w, w.add(a)]])] as const, sequences: v });
    expectTypeOf(state[0]).toEqualTypeOf<Variable>();
    const only = scan({ fn: () => new Map([[w, w.add(1)]]), nSteps: 3 });
    expectTypeOf(only[0]).toEqualTypeOf<null>();
    expect([two[0].length, more[0].length, listed[0].length, state[1].size, only[0]]).toEqual([2, 2, 1, 1, null]);
  });
});

/** Never called: each line must not compile. */
function wrong(): void {
  const m = T.matrix("m");
  const rng = new RandomStreams(1);
  // @ts-expect-error axis
  T.sum(m, { axes: 1 });
  // @ts-expect-error keepdims is a flag
  m.mean({ axis: 0, keepdims: 1 });
  // @ts-expect-error no positional axis
  T.argmax(m, 1, true);
  // @ts-expect-error axis
  T.concatenate([m, m], { axes: 1 });
  // @ts-expect-error a dtype is a name
  T.cast(m, 32);
  // @ts-expect-error name
  shared(1, { nme: "w" });
  // @ts-expect-error value
  In(x, { val: 1 });
  // @ts-expect-error updates
  compile([x], x, { update: [] });
  // @ts-expect-error onUnusedInput takes three words
  compile([x], x, { onUnusedInput: "error" });
  // @ts-expect-error mode takes words it knows
  compile([x], x, { mode: "FAST" });
  // @ts-expect-error outputs
  compile({ inputs: [x], output: x });
  // @ts-expect-error considerConstant
  grad(x, x, { consider_constant: [x] });
  // @ts-expect-error three words
  grad(x, x, { disconnectedInputs: "zero" });
  // @ts-expect-error sequences
  scan({ fn: (a: Variable) => a, sequence: [v] });
  // @ts-expect-error fn is needed
  scan({ sequences: [v] });
  // @ts-expect-error nSteps is a number or a variable
  scan({ fn: (a: Variable) => a, sequences: v, nSteps: "3" });
  // @ts-expect-error size
  rng.uniform({ sise: [2] });
  // @ts-expect-error high, also after a size by position
  rng.uniform([2], { hi: 1 });
  // @ts-expect-error avg: no method of a variable passes for an option
  rng.normal({ mean: 0 });
  // @ts-expect-error p
  new MRGRandomStreams(1).binomial({ size: [2], prob: 0.5 });
  // @ts-expect-error high
  new np.random.RandomState(1).uniform({ low: 0, hi: 1 });
  // @ts-expect-error dtype
  np.asarray([1], { type: "int32" });
  // @ts-expect-error replace
  clone(x, { replaces: [] });
  // @ts-expect-error text is no index
  m.get("0");
  // @ts-expect-error bounds are numbers, variables or null
  slice("0", 1);
  // @ts-expect-error variables do not add
  x + x;
}

test("options that do not exist do not compile", () => {
  expect(wrong).toBeTypeOf("function");
});
