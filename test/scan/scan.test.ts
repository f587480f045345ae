/** scan's call: argument order, taps, states, updates, captures, step counts; cases of Theano's documentation (doc/library/scan.txt, doc/tutorial/loop.txt). */
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { SharedVariable, Variable } from "../../src/graph/variable.js";
import { Updates } from "../../src/graph/updates.js";
import { tensorType } from "../../src/graph/types.js";
import { asarray } from "../../src/numpy/convert.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { arange } from "../../src/ops/alloc.js";
import { add, cast, lt, mul } from "../../src/ops/elementwise.js";
import { pow, tanh } from "../../src/ops/math.js";
import { inputMakers as T, constant } from "../../src/ops/inputs.js";
import { setSubtensor } from "../../src/ops/set_subtensor.js";
import { shared } from "../../src/ops/shared.js";
import { scan } from "../../src/scan/scan.js";
import { until } from "../../src/scan/step.js";
import { scanOp } from "../../src/scan/scan_op.js";
import { codeOf, env, evaluated } from "./helpers.js";

const ones = (n: number): NdArray => asarray(new Array<number>(n).fill(1), { dtype: "float64" });

describe("published cases", () => {
  test("A9: A ** k elementwise", () => {
    const k = T.iscalar("k");
    const A = T.dvector("A");
    const [result, updates] = scan({ fn: (prior, a) => mul(prior as Variable, a as Variable), outputsInfo: A.fill(1), nonSequences: A, nSteps: k });
    expect(updates.size).toBe(0);
    const final = result.get(-1);
    const range = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(evaluated(final, [[A, range], [k, 2]])).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
    expect(evaluated(final, [[A, range], [k, 4]])).toEqual([0, 1, 16, 81, 256, 625, 1296, 2401, 4096, 6561]);
  });

  test("A10: a polynomial as a map over coefficients and powers", () => {
    const coefficients = T.dvector("coefficients");
    const x = T.dscalar("x");
    const [terms] = scan({ fn: (c: Variable, power: Variable, at: Variable) => mul(c, pow(at, power)), outputsInfo: null, sequences: [coefficients, arange(10000)], nonSequences: x });
    expect(evaluated(terms.sum(), [[coefficients, [1, 0, 2]], [x, 3]])).toBe(19);
  });

  test("A11: triangular numbers; the initial state has the output's dtype", () => {
    const n = T.iscalar("n");
    const [sums] = scan({ fn: (i: Variable, before: Variable) => add(i, before), sequences: arange(n), outputsInfo: constant(0, { dtype: "int32" }) });
    expect(evaluated(sums, [[n, 15]])).toEqual([0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 66, 78, 91, 105]);
  });

  test("A11: setSubtensor in a step", () => {
    const location = T.imatrix("location");
    const values = T.vector("values");
    const model = T.matrix("model");
    const setValue = (at: Variable, v: Variable, out: Variable): Variable => setSubtensor(out.fill(0).get(at.get(0), at.get(1)), v);
    const [result] = scan({ fn: setValue, outputsInfo: null, sequences: [location, values], nonSequences: model });
    const zeros = Array.from({ length: 5 }, () => [0, 0, 0, 0, 0]);
    const [first, second] = evaluated(result, [[location, [[1, 1], [2, 3]]], [values, [42, 50]], [model, zeros]]) as number[][][];
    expect(first).toEqual(zeros.map((row, i) => row.map((_, j) => (i === 1 && j === 1 ? 42 : 0))));
    expect(second).toEqual(zeros.map((row, i) => row.map((_, j) => (i === 2 && j === 3 ? 50 : 0))));
  });

  test("A12: updates of a shared variable inside a scan without outputs", () => {
    const a = shared(1);
    const [values, updates] = scan({ fn: () => new Map([[a, a.add(1)]]), nSteps: 10 });
    expect(values).toBeNull();
    const [b, c] = [a.add(1), (updates.get(a) as Variable).add(1)];
    const first = interpret([b, c, updates.get(a) as Variable]).map((v) => v.item());
    expect(first).toEqual([2, 12, 11]);
    a.cell.host = NdArray.scalar(11, "int32");
    expect(interpret([b, c, updates.get(a) as Variable]).map((v) => v.item())).toEqual([12, 22, 21]);
  });

  test("A12: an accumulator that calls its step 5 times", () => {
    const k = shared(0);
    const n = T.iscalar("n");
    const [, updates] = scan({ fn: () => [[k, k.add(1)]] as const, nSteps: n });
    expect(evaluated(updates.get(k) as Variable, [[n, 5]])).toBe(5);
  });
});

describe("arguments of the step", () => {
  test("sequence taps, then previous outputs, then nonSequences, each in the order given", () => {
    const names: (string | null)[] = [];
    const u = T.dvector("u");
    const x0 = T.dvector("x0");
    const y0 = T.dscalar("y0");
    const w = T.dscalar("w");
    scan({
      fn: (...args) => {
        names.push(...args.map((v) => v.name));
        return [add(args[0] as Variable, args[2] as Variable), args[4] as Variable];
      },
      sequences: { input: u, taps: [-4, 0] }, outputsInfo: [{ initial: x0, taps: [-1, -3] }, y0], nonSequences: w,
    });
    expect(names).toEqual(["u[t-4]", "u[t]", "x0[t-1]", "x0[t-3]", "y0[t-1]", "w"]);
  });

  test("taps of sequences align, and the steps are as many as all taps allow", () => {
    const x = T.dvector("x");
    const [y] = scan({ fn: (past: Variable, now: Variable, next: Variable) => add(mul(past, 100), add(mul(now, 10), next)), sequences: { input: x, taps: [-1, 0, 2] } });
    expect(evaluated(y, [[x, [1, 2, 3, 4, 5, 6]]])).toEqual([124, 235, 346]);
    const [z] = scan({ fn: (v: Variable) => v, sequences: { input: x, taps: 2 } });
    expect(evaluated(z, [[x, [1, 2, 3, 4]]])).toEqual([3, 4]);
  });

  test("taps of outputs read an initial value that lists the oldest first", () => {
    const x0 = T.dvector("x0");
    const [fib] = scan({ fn: (a: Variable, b: Variable) => add(a, b), outputsInfo: { initial: x0, taps: [-2, -1] }, nSteps: 6 });
    expect(evaluated(fib, [[x0, [0, 1]]])).toEqual([1, 2, 3, 5, 8, 13]);
    const [far] = scan({ fn: (a: Variable, c: Variable) => add(mul(a, 10), c), outputsInfo: { initial: x0, taps: [-1, -3] }, nSteps: 4 });
    expect(evaluated(far, [[x0, [1, 2, 3]]])).toEqual([31, 312, 3123, 31261]);
  });

  test("{ initial } alone is a state; { } is none", () => {
    const [y] = scan({ fn: (s: Variable) => [mul(s, 2)], outputsInfo: [{ initial: constant(1, { dtype: "float64" }) }], nSteps: 3 });
    expect(evaluated(y)).toEqual([2, 4, 8]);
  });

  test("several sequences stop at the shortest; nSteps may be fewer", () => {
    const [x, y] = [T.dvector("x"), T.dvector("y")];
    const given = [[x, [1, 2, 3, 4]], [y, [10, 20, 30]]] as const;
    expect(evaluated(scan({ fn: (a: Variable, b: Variable) => add(a, b), sequences: [x, y] })[0], given)).toEqual([11, 22, 33]);
    expect(evaluated(scan({ fn: (a: Variable, b: Variable) => add(a, b), sequences: [x, y], nSteps: 2 })[0], given)).toEqual([11, 22]);
  });

  test("goBackwards reverses sequences, taps included", () => {
    const x = T.dvector("x");
    const given = [[x, [1, 2, 3, 4]]] as const;
    expect(evaluated(scan({ fn: (a: Variable) => a, sequences: x, goBackwards: true })[0], given)).toEqual([4, 3, 2, 1]);
    const [pairs] = scan({ fn: (a: Variable, b: Variable) => add(mul(a, 10), b), sequences: { input: x, taps: [-1, 0] }, goBackwards: true });
    expect(evaluated(pairs, given)).toEqual([34, 23, 12]);
    const [one] = scan({ fn: (a: Variable) => a, sequences: x, goBackwards: true, nSteps: 1 });
    expect(evaluated(one, given)).toEqual([4]);
  });
});

describe("what the step returns", () => {
  const x = T.dvector("x");
  const s = shared(asarray(0, { dtype: "float64" }), { name: "s" });
  const given = [[x, [1, 2, 3]]] as const;

  test("one output is bare, unless returnList; several come as a list", () => {
    expect(scan({ fn: (a) => a as Variable, sequences: x })[0]).toBeInstanceOf(Variable);
    expect(scan({ fn: (a) => [a as Variable], sequences: x })[0]).toBeInstanceOf(Variable);
    expect(scan({ fn: (a) => a as Variable, sequences: x, returnList: true })[0]).toHaveLength(1);
    const [[p, q]] = scan({ fn: (a: Variable) => [a, mul(a, 2)], sequences: x });
    expect([evaluated(p, given), evaluated(q, given)]).toEqual([[1, 2, 3], [2, 4, 6]]);
  });

  test("outputs with updates, updates first, pairs, Updates", () => {
    const forms = [
      scan({ fn: (a: Variable) => [a, new Map([[s, s.add(a)]])], sequences: x }),
      scan({ fn: (a: Variable) => [[a], [[s, s.add(a)]]], sequences: x }),
      scan({ fn: (a: Variable) => [new Updates([[s, s.add(a)]]), [a]], sequences: x }),
    ] as const;
    for (const [out, updates] of forms) {
      expect(updates).toBeInstanceOf(Updates);
      expect(evaluated(out as Variable, given)).toEqual([1, 2, 3]);
      expect(evaluated(updates.get(s) as Variable, given)).toBe(6);
    }
  });

  test("a number is a constant output", () => {
    const [out] = scan({ fn: () => 7, nSteps: 3 });
    expect(evaluated(out)).toEqual([7, 7, 7]);
  });

  test("updates depend on each other's old values", () => {
    const [a, b] = [shared(asarray(1, { dtype: "float64" })), shared(asarray(2, { dtype: "float64" }))];
    const [, updates] = scan({ fn: () => [[a, b.add(0)], [b, a.add(b)]], nSteps: 5 });
    expect([evaluated(updates.get(a) as Variable), evaluated(updates.get(b) as Variable)]).toEqual([13, 21]);
  });
});

describe("what the step captures", () => {
  const x = T.dvector("x");
  const given = [[x, [1, 2, 3]]] as const;

  test("shared and outer variables, and expressions of them once", () => {
    const w = shared(asarray(2, { dtype: "float64" }), { name: "w" });
    const b = T.dscalar("b");
    const [y] = scan({ fn: (a: Variable) => add(mul(a, tanh(w)), tanh(b)), sequences: x });
    const node = y.owner;
    expect(node?.op).toBe(scanOp);
    expect(node?.inputs.slice(2).map((v) => v.owner?.op.name)).toEqual(["tanh", "tanh"]);
    const expected = [1, 2, 3].map((a) => a * Math.tanh(2) + Math.tanh(0.5));
    expect(evaluated(y, [...given, [b, 0.5]])).toEqual(expected);
  });

  test("a shared variable with a default update is a carry: each step sees the next state", () => {
    const state = shared(asarray(1, { dtype: "float64" }), { name: "state" });
    const draw = mul(state, 10);
    state.defaultUpdate = add(state, 1);
    const [y, updates] = scan({ fn: (a: Variable) => add(a, draw), sequences: x });
    expect(evaluated(y, given)).toEqual([11, 22, 33]);
    expect(evaluated(updates.get(state) as Variable, given)).toBe(4);
    const [fixed, none] = scan({ fn: (a: Variable, d: Variable) => add(a, d), sequences: x, nonSequences: draw });
    expect(none.size).toBe(0);
    expect(evaluated(fixed, given)).toEqual([11, 12, 13]);
  });

  test("default updates reached only through other updates count; the step's own updates override", () => {
    const [p, q] = [shared(asarray(1, { dtype: "float64" }), { name: "p" }), shared(asarray(10, { dtype: "float64" }), { name: "q" })];
    p.defaultUpdate = add(p, q);
    q.defaultUpdate = add(q, 1);
    const [y, updates] = scan({ fn: (a: Variable) => add(a, p), sequences: x });
    expect([...updates.keys()]).toEqual([p, q]);
    expect(evaluated(y, given)).toEqual([2, 13, 25]);
    const [, own] = scan({ fn: (a: Variable) => [add(a, p), [[q, q.add(100)]]], sequences: x });
    expect(evaluated(own.get(q) as Variable, given)).toBe(310);
  });

  test("strict steps read their arguments only", () => {
    const w = shared(asarray(2, { dtype: "float64" }), { name: "w" });
    expect(codeOf(() => scan({ fn: (a: Variable) => mul(a, w), sequences: x, strict: true }))).toBe("scan-strict");
    const [y] = scan({ fn: (a: Variable, v: Variable) => mul(a, v), sequences: x, nonSequences: w, strict: true });
    expect(evaluated(y, given)).toEqual([2, 4, 6]);
  });

  test("a scan inside a step", () => {
    const m = T.dmatrix("m");
    const [sums] = scan({ fn: (row: Variable) => scan({ fn: (v: Variable, s: Variable) => add(v, s), sequences: row, outputsInfo: constant(0, { dtype: "float64" }) })[0].get(-1), sequences: m });
    expect(evaluated(sums, [[m, [[1, 2, 3], [4, 5, 6]]]])).toEqual([6, 15]);
  });
});

describe("the number of steps", () => {
  const x = T.dvector("x");

  test("one step known in the graph makes no loop, and its outputs have a first axis", () => {
    for (const nSteps of [1, constant(1)] as const) {
      const [y, updates] = scan({ fn: (a: Variable, s: Variable) => add(a, s), sequences: x, outputsInfo: constant(5, { dtype: "float64" }), nSteps });
      expect(y.owner?.op).not.toBe(scanOp);
      expect(y.broadcastable).toEqual([false]);
      expect(updates.size).toBe(0);
      expect(evaluated(y, [[x, [1, 2]]])).toEqual([6]);
    }
  });

  test("no steps give no rows and leave states and shared variables alone", () => {
    const s = shared(asarray(3, { dtype: "float64" }));
    const n = T.iscalar("n");
    const [[y, z], updates] = scan({ fn: (a: Variable, v: Variable) => [[add(a, v), a.mul(2)], [[s, s.add(1)]]], sequences: x, outputsInfo: [constant(5, { dtype: "float64" }), null], nSteps: n });
    const values = interpret([y, z, updates.get(s) as Variable], env([[x, [1, 2]], [n, 0]]));
    expect(values.map((v) => v.shape)).toEqual([[0], [0], []]);
    expect(values[2]?.item()).toBe(3);
  });

  test("more steps than a sequence has, and negative steps, are errors when run", () => {
    const n = T.iscalar("n");
    const [y] = scan({ fn: (a: Variable) => a, sequences: x, nSteps: n });
    expect(codeOf(() => evaluated(y, [[x, [1, 2]], [n, 3]]))).toBe("scan-sequence-short");
    expect(codeOf(() => evaluated(y, [[x, [1, 2]], [n, -1]]))).toBe("scan-negative-steps");
  });
});

describe("states of other types", () => {
  test("dtype and rank must be the output's", () => {
    const init = constant(0, { dtype: "int32", name: "start" });
    const half = (s: Variable): Variable => mul(s, 0.5);
    expect(codeOf(() => scan({ fn: half, outputsInfo: init, nSteps: 3 }))).toBe("scan-state-type");
    expect(() => scan({ fn: half, outputsInfo: init, nSteps: 3 })).toThrow(/start.*int32\[\].*float32\[\]/s);
    expect(codeOf(() => scan({ fn: (s: Variable) => s.dimshuffle("x"), outputsInfo: T.dscalar(), nSteps: 3 }))).toBe("scan-state-type");
  });

  test("broadcast flags follow the initial state", () => {
    const row = T.drow("row");
    const m = T.dmatrix("m");
    const [y] = scan({ fn: (s: Variable) => mul(s, m), outputsInfo: row, nSteps: 2 });
    expect(y.broadcastable).toEqual([false, false, false]);
    expect(evaluated(y, [[row, [[1, 2]]], [m, [[3, 3]]]])).toEqual([[[3, 6]], [[9, 18]]]);
    const [z] = scan({ fn: (s: Variable) => mul(s.sum({ axis: 0, keepdims: true }), row), outputsInfo: m, nSteps: 2 });
    expect(evaluated(z, [[row, [[1, 2]]], [m, [[3, 3]]]])).toEqual([[[3, 6]], [[3, 12]]]);
  });

  test("a state that changes its shape is an error when run", () => {
    const [x, m] = [T.dvector("x"), T.dmatrix("m")];
    const [y] = scan({ fn: (s: Variable) => m.get(0).add(s.sum()), outputsInfo: x, nSteps: 2 });
    expect(codeOf(() => evaluated(y, [[x, [1, 2]], [m, [[1, 2, 3]]]]))).toBe("scan-carry-shape");
  });
});

describe("errors", () => {
  const x = T.dvector("x");
  const id = (v: Variable): Variable => v;
  const cases: readonly (readonly [string, () => unknown])[] = [
    ["scan-steps-missing", () => scan({ fn: () => 1 })],
    ["scan-steps-type", () => scan({ fn: id, sequences: x, nSteps: T.dscalar() })],
    ["scan-steps-type", () => scan({ fn: id, sequences: x, nSteps: 1.5 })],
    ["scan-sequence-scalar", () => scan({ fn: id, sequences: T.dscalar() })],
    ["scan-sequence-taps", () => scan({ fn: id, sequences: { input: x, taps: [0.5] } })],
    ["scan-output-taps", () => scan({ fn: id, outputsInfo: { initial: x, taps: [1] }, nSteps: 2 })],
    ["scan-initial-rank", () => scan({ fn: id, outputsInfo: { initial: T.dscalar(), taps: [-2] }, nSteps: 2 })],
    ["scan-initial-missing", () => scan({ fn: id, outputsInfo: { initial: undefined as never, taps: [-2] }, nSteps: 2 })],
    ["scan-outputs-count", () => scan({ fn: (v: Variable) => [v, v], sequences: x, outputsInfo: [null] })],
    ["scan-outputs-count", () => scan({ fn: (v: Variable) => v, sequences: x, outputsInfo: [null, null] })],
    ["scan-truncate", () => scan({ fn: id, sequences: x, truncateGradient: 0 })],
    ["scan-step-return", () => scan({ fn: () => "three" as never, nSteps: 2 })],
    ["scan-until-scalar", () => scan({ fn: (v) => [v as Variable, until(x)], sequences: x })],
    ["scan-step-return", () => scan({ fn: (v) => [until(lt(v as Variable, 3)), v] as never, sequences: x })],
    ["scan-update-type", () => {
      const s = shared(1);
      scan({ fn: () => [[s, cast(s, "float64")]], nSteps: 2 });
    }],
    ["updates-key", () => scan({ fn: () => new Map([[x, x]]) as never, nSteps: 2 })],
  ];
  test.each(cases)("%s", (code, f) => {
    expect(codeOf(f)).toBe(code);
  });
});

describe("Updates", () => {
  const s = new SharedVariable(ones(2), { name: "s" });
  const other = new Variable(tensorType("float64", 1));

  test("is a Map of shared variables to variables", () => {
    const u = new Updates([[s, s.add(1)]]);
    expect(u).toBeInstanceOf(Map);
    expect(codeOf(() => u.set(other as never, other))).toBe("updates-key");
    expect(codeOf(() => u.set(s, 3))).toBe("call-ndim");
    u.set(s, [3, 4]);
    expect(u.get(s)).toMatchObject({ dtype: s.dtype, value: { dtype: s.dtype } });
  });

  test("update() adds pairs and refuses another value for the same key", () => {
    const u = new Updates();
    u.update(new Updates([[s, other]]));
    u.update([[s, other]]);
    expect(u.get(s)).toBe(other);
    expect(() => u.update(new Map([[s, s.add(1)]]))).toThrow("Collision");
    expect(codeOf(() => u.update(new Map([[s, s.add(1)]])))).toBe("updates-collision");
  });
});
