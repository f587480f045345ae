/** Loops as compile() runs them on the reference device: equal to the interpreter with and without rewriting; published cases; run-time errors. */
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { compile, grad, type NdArray, numpy as np, RandomStreams, scan, shared, slice, T, type Variable } from "../../src/index.js";

const device = "reference";

interface Case { readonly inputs: readonly Variable[]; readonly outputs: readonly Variable[]; readonly values: readonly unknown[] }

function recurrent(cost: (h: Variable) => Variable, options: { truncateGradient?: number; goBackwards?: boolean; nSteps?: number } = {}): Case {
  const [x, W, U, h0] = [T.dmatrix("x"), T.dmatrix("W"), T.dmatrix("U"), T.dvector("h0")];
  const step = (row: Variable, before: Variable): Variable => T.tanh(T.dot(row, W).add(T.dot(before, U)));
  const [h] = scan({ fn: step, sequences: x, outputsInfo: h0, ...options });
  const c = cost(h);
  return { inputs: [x, W, U, h0], outputs: [h, c, ...grad(c, [x, W, U, h0])], values: [[[0.3, -0.2], [0.5, 0.1], [-0.4, 0.7]], [[0.5, -0.3], [0.2, 0.4]], [[0.1, 0.6], [-0.5, 0.3]], [0.1, -0.1]] };
}

const s = T.dscalar("s");
const v = T.dvector("v");
const n = T.iscalar("n");
const m = T.dmatrix("m");

const CASES: Readonly<Record<string, () => Case>> = {
  "a recurrent net, all steps": () => recurrent((h) => h.sqr().sum()),
  "a recurrent net, the last step": () => recurrent((h) => h.get(-1).sum()),
  "a recurrent net, truncated": () => recurrent((h) => h.sqr().sum(), { truncateGradient: 2 }),
  "a recurrent net, backwards": () => recurrent((h) => h.get(-1).sum(), { goBackwards: true }),
  "a recurrent net, fewer steps than rows": () => recurrent((h) => h.sqr().sum(), { nSteps: 2 }),
  "a recurrent net, one step": () => recurrent((h) => h.sqr().sum(), { nSteps: 1 }),
  "taps of sequences and outputs": () => {
    const [y] = scan({ fn: (a: Variable, b: Variable, near: Variable, far: Variable) => T.tanh(a.mul(b).add(near.mul(s)).add(far)), sequences: { input: v, taps: [-1, 1] }, outputsInfo: { initial: m.get(0), taps: [-1, -3] } });
    return { inputs: [v, m, s], outputs: [y, y.get(-1), ...grad(y.sum(), [v, m, s])], values: [[0.3, -0.5, 0.8, 0.2, 0.6], [[0.2, 0.5, -0.3]], 0.7] };
  },
  "several states that swap": () => {
    const [[a, b, c]] = scan({ fn: (p: Variable, q: Variable) => [q, p, p.mul(10).add(q)], outputsInfo: [s, s.mul(2), null], nSteps: n });
    return { inputs: [s, n], outputs: [a, b, c, a.get(-1), c.get(-1)], values: [1, 5] };
  },
  "no steps": () => {
    const [y, updates] = scan({ fn: (a: Variable, b: Variable) => a.mul(b), sequences: v, outputsInfo: s, nSteps: n });
    return { inputs: [v, s, n], outputs: [y, y.shape[0].add(updates.size)], values: [[1, 2], 3, 0] };
  },
  "a scan in a scan": () => {
    const inner = (row: Variable, total: Variable): Variable => total.add(scan({ fn: (x: Variable, acc: Variable) => T.tanh(x.mul(s).add(acc)), sequences: row, outputsInfo: T.constant(0, { dtype: "float64" }) })[0].get(-1));
    const [y] = scan({ fn: inner, sequences: m, outputsInfo: T.constant(0, { dtype: "float64" }) });
    return { inputs: [m, s], outputs: [y, ...grad(y.sum(), [m, s])], values: [[[0.1, 0.5], [-0.6, 0.2], [0.3, 0.4]], 0.9] };
  },
  "second derivatives": () => {
    const [y] = scan({ fn: (before: Variable) => T.tanh(before.mul(before).mul(s)), outputsInfo: s, nSteps: n });
    const first = grad(y.sum(), s);
    return { inputs: [s, n], outputs: [first, grad(first, s)], values: [0.8, 3] };
  },
  "a map without state, over a slice": () => {
    const [y] = scan({ fn: (a: Variable, b: Variable) => [a.mul(b), a.add(1)], sequences: [v.get(slice(1, null)), v] });
    return { inputs: [v], outputs: [y[0], y[1], grad(y[0].sum(), v)], values: [[1, 2, 3, 4]] };
  },
  "a state written by setSubtensor": () => {
    const [y] = scan({ fn: (i: Variable, before: Variable) => T.setSubtensor(before.get(i), before.sum().mul(s)), sequences: T.arange(n), outputsInfo: v });
    return { inputs: [v, n, s], outputs: [y.get(-1), grad(y.get(-1).sum(), v)], values: [[1, 2, 3], 3, 0.5] };
  },
};

describe.each(Object.entries(CASES))("%s", (_, make) => {
  test.each(["fast_run", "none"] as const)("%s", async (mode) => {
    const { inputs, outputs, values } = make();
    const f = compile([...inputs], [...outputs], { device, mode, onUnusedInput: "ignore" });
    const got = (await f(...(values as never[]))) as (NdArray | number)[];
    const env = new Map(inputs.map((x, i) => [x, np.asarray(values[i] as never, { dtype: x.dtype })] as const));
    interpret(outputs, env).forEach((expected, i) => {
      const array = np.asarray(got[i] as never, { dtype: "float64" });
      expect(array.shape).toEqual(expected.shape);
      expected.data.forEach((e, k) => {
        expect(Math.abs((array.data[k] as number) - e)).toBeLessThan(1e-10 * (1 + Math.abs(e)));
      });
    });
  });
});

describe("published cases, compiled", () => {
  test("A12: twice, then without updates", async () => {
    const a = shared(1);
    const [, updates] = scan({ fn: () => new Map([[a, a.add(1)]]), nSteps: 10 });
    const [b, c] = [a.add(1), (updates.get(a) as Variable).add(1)];
    const f = compile([], [b, c], { updates, device });
    expect(await f()).toEqual([2, 12]);
    expect((await a.getValue()).item()).toBe(11);
    expect(await f()).toEqual([12, 22]);
    expect((await a.getValue()).item()).toBe(21);
    a.setValue(1);
    const still = compile([], [b, c], { device });
    for (let i = 0; i < 2; i++) {
      expect(await still()).toEqual([2, 12]);
      expect((await a.getValue()).item()).toBe(1);
    }
  });

  test("A9 and A11 by calls of different sizes", async () => {
    const A = T.dvector("A");
    const [powers, updates] = scan({ fn: (before: Variable, a: Variable) => before.mul(a), outputsInfo: T.onesLike(A), nonSequences: A, nSteps: n });
    const power = compile([A, n], powers.get(-1), { updates, device });
    const range = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(((await power(range, 2)) as NdArray).toArray()).toEqual(range.map((x) => x ** 2));
    expect(((await power(range, 4)) as NdArray).toArray()).toEqual(range.map((x) => x ** 4));
    const [sums] = scan({ fn: (i: Variable, before: Variable) => i.add(before), sequences: T.arange(n), outputsInfo: T.constant(0, { dtype: "int32" }) });
    const triangular = compile([n], sums, { device });
    expect(((await triangular(15)) as NdArray).toArray()).toEqual([0, 1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 66, 78, 91, 105]);
    expect(((await triangular(3)) as NdArray).toArray()).toEqual([0, 1, 3]);
  });

  test("A17: binomial draws inside a scan, Theano's bits", async () => {
    const X = T.matrix("X");
    const W = T.matrix("W");
    const bSym = T.vector("b_sym");
    const trng = new RandomStreams(1234);
    const d = trng.binomial({ size: [2] });
    const [results, updates] = scan({ fn: (row: Variable) => T.tanh(T.dot(row, W).add(bSym)).mul(d), sequences: X });
    expect(updates.size).toBe(1);
    const f = compile([X, W, bSym], results, { updates, device });
    const x = Array.from({ length: 10 }, (_, i) => [0, 1].map((j) => (i === j ? 1 : 0)));
    const got = ((await f(x, [[1, 1], [1, 1]], [1, 1])) as NdArray).toArray() as number[][];
    const pattern = got.map((row) => row.map((e) => (e !== 0 ? 1 : 0)).join("")).join(" ");
    expect(pattern).toBe("10 01 00 11 10 01 01 01 00 11");
    got.forEach((row, i) => {
      for (const e of row) if (e !== 0) expect(e).toBeCloseTo(i < 2 ? 0.96402758 : 0.76159416, 6);
    });
  });
});

describe("errors of a call", () => {
  const code = async (promise: Promise<unknown>): Promise<string> => promise.then(() => "no error", (e: { code?: string }) => e.code ?? String(e));

  test("draws in a step whose updates are not passed on", () => {
    const streams = new RandomStreams(3);
    const [y, updates] = scan({ fn: (state: Variable) => state.mul(streams.uniform({ size: state.shape, dtype: "float64" })), outputsInfo: v, nSteps: 2 });
    expect(() => compile([v], y, { device })).toThrow(/missing-step-input/);
    expect(() => compile([v], y, { device, updates })).not.toThrow();
  });

  test("more steps than rows, negative steps, a state that changes shape", async () => {
    const [y] = scan({ fn: (a: Variable) => a.mul(2), sequences: v, nSteps: n });
    const f = compile([v, n], y, { device });
    expect(await code(f([1, 2], 3))).toBe("scan-sequence-short");
    expect(await code(f([1, 2], -1))).toBe("scan-negative-steps");
    expect(((await f([1, 2], 1)) as NdArray).toArray()).toEqual([2]);
    const [z] = scan({ fn: (state: Variable) => m.get(0).add(state.sum()), outputsInfo: v, nSteps: 2 });
    expect(await code(compile([v, m], z, { device })([1, 2], [[1, 2, 3]]))).toBe("scan-carry-shape");
  });
});
