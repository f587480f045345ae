/** ifelse: what is taken, what is not computed, on the host, in plans, in loops; gradients; and every message. */
import { afterAll, describe, expect, it } from "vitest";
import { closeDevices, compile, grad, ifelse, scan, shared, T, verifyGrad } from "../../src/index.js";
import { nested, numbersOf } from "./evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dvector("x");
const W = T.dmatrix("W");
const n = T.iscalar("n");
const s = T.dscalar("s");

afterAll(closeDevices);

describe("what is taken", () => {
  it("anything but 0 is true", () => {
    const y = ifelse(n, x.mul(2), x);
    expect([1, -3, 0].map((k) => numbersOf(y, [[n, k], [x, [1, 2]]]))).toEqual([[2, 4], [2, 4], [1, 2]]);
    expect([0.5, 0].map((k) => numbersOf(ifelse(s, 1, n.mul(0)), [[s, k], [n, 5]]))).toEqual([1, 0]);
  });

  it("lists for lists", () => {
    const [a, b] = ifelse(n.gt(0), [x, n], [x.neg(), n.neg()]);
    expect([numbersOf(a, [[n, 1], [x, [1]]]), numbersOf(b, [[n, -1], [x, [1]]])]).toEqual([[1], 1]);
    expect(ifelse(n, [s], [0]).map((v) => numbersOf(v, [[n, 0], [s, 3]]))).toEqual([0]);
  });

  it("a constant condition leaves one branch", async () => {
    const f = compile([x], ifelse(T.constant(0), T.exp(x), x.mul(3)), { device });
    expect(nested(await f([1, 2]))).toEqual([3, 6]);
    expect(f.explain().toString()).not.toContain("exp(");
  });
});

describe("what is not taken is not computed", () => {
  const far = x.get(100);
  it("by the interpreter", () => {
    expect(numbersOf(ifelse(n, far, x.sum()), [[n, 0], [x, [1, 2]]])).toBe(3);
    expect(() => numbersOf(ifelse(n, far, x.sum()), [[n, 1], [x, [1, 2]]])).toThrow(code("index-range"));
    expect(numbersOf(ifelse(x.sum().gt(5), ifelse(n, far, x.get(0)), x.get(1)), [[n, 0], [x, [6, 2]]])).toBe(6);
  });

  it("by a plan, where the condition comes with the call: one plan for each branch, whatever other scalars are", async () => {
    const i = T.iscalar("i");
    const heavy = T.tanh(T.dot(W, x));
    const f = compile([n, i, W, x], ifelse(n.gt(2), heavy, x).get(i), { device });
    expect(await f(3, 0, [[0, 0], [0, 0]], [1, 2])).toBe(0);
    expect(f.explain().toString()).toContain("tanh");
    expect(await f(2, 1, [[0, 0], [0, 0]], [1, 2])).toBe(2);
    expect(f.explain().toString()).not.toContain("tanh");
    expect(f.explain().notes.join()).toMatch(/a branch depends on the value of gt/);
  });

  it("with branches of different lengths", async () => {
    const f = compile([n, x], ifelse(n, T.concatenate([x, x]), x), { device });
    expect([nested(await f(1, [1, 2])), nested(await f(0, [1, 2]))]).toEqual([[1, 2, 1, 2], [1, 2]]);
    const g = compile([x], ifelse(x.sum().gt(2), T.concatenate([x, x]), x), { device });
    expect([nested(await g([1, 2])), nested(await g([1, 0]))]).toEqual([[1, 2, 1, 2], [1, 0]]);
  });

  it("in the updates of shared numbers", async () => {
    const count = shared(0);
    const f = compile([], count, { updates: [[count, ifelse(count.lt(2), count.add(1), T.constant(0))]], device });
    expect([await f(), await f(), await f(), await f()]).toEqual([0, 1, 2, 0]);
  });
});

describe("conditions of the device", () => {
  it("select among both", async () => {
    const f = compile([x], ifelse(x.sum().gt(2), T.exp(x), x), { device });
    expect([nested(await f([1, 0])), nested(await f([3, 0]))]).toEqual([[1, 0], [Math.exp(3), 1]]);
    expect(f.explain().notes).toEqual([]);
  });

  it("in a loop: from outside a branch is taken, from the step elements are selected", async () => {
    const [dropped] = scan({ fn: (row) => ifelse(n, T.exp(row), row), sequences: x });
    const f = compile([n, x], dropped, { device });
    expect(nested(await f(0, [1, 2]))).toEqual([1, 2]);
    expect(f.explain().toString()).not.toContain("exp(");
    expect(nested(await f(1, [0, 0]))).toEqual([1, 1]);
    const [turns] = scan({ fn: (t, row) => ifelse(T.eq(t, 1), row.neg(), row), sequences: [T.arange(x.shape[0]), x] });
    expect(nested(await compile([x], turns, { device })([1, 2, 3]))).toEqual([1, -2, 3]);
    const [signs] = scan({ fn: (row) => ifelse(row.gt(0), T.sqrt(row), row), sequences: x });
    expect(nested(await compile([x], signs, { device })([4, -1]))).toEqual([2, -1]);
  });
});

describe("gradients", () => {
  it("go through the branch that is taken", async () => {
    verifyGrad((a, b) => ifelse(T.gt(T.sum(a), 0), T.sqr(a), b), [[0.5, 1.5], [1.5, 2.5]]);
    verifyGrad((a, b) => ifelse(T.lt(T.sum(a), 0), T.sqr(a), b), [[0.5, 1.5], [1.5, 2.5]]);
    const g = grad(ifelse(n, T.sqr(x), T.exp(x)).sum(), x);
    const f = compile([n, x], g, { device });
    expect([nested(await f(1, [1, 2])), nested(await f(0, [0, 0]))]).toEqual([[2, 4], [1, 1]]);
    expect(numbersOf(grad(ifelse(s, x, x.neg()).sum(), s), [[s, 2], [x, [1]]])).toBe(0);
  });

  it("of lists, some of which the cost does not read", () => {
    const [a] = ifelse(n, [x, T.sqr(x)], [x.mul(3), x]);
    expect(numbersOf(grad(a.sum(), x), [[n, 0], [x, [1, 2]]])).toEqual([3, 3]);
  });
});

it("refuses conditions with axes, and branches that do not match", () => {
  expect(() => ifelse(x, x, x)).toThrow(code("ifelse-condition"));
  expect(() => ifelse(n, x, W)).toThrow(code("ifelse-type"));
  expect(() => ifelse(n, T.fvector(), x)).toThrow(code("ifelse-type"));
  expect(() => ifelse(n, [x, x], [x])).toThrow(code("ifelse-count"));
});
