/** Lop, Rop, hessianVectorProduct: against Jacobians written out, against finite differences for every op, and every message. */
import { readdirSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { DisconnectedInputError, gradient, scan, T, type Variable } from "../../src/index.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { isFloat } from "../../src/codegen/ir/dtype.js";
import type { Op, Params, Sample } from "../../src/graph/op.js";
import { apply, Variable as Var } from "../../src/graph/variable.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { allOps } from "../../src/ops/define.js";
import { drawArray, drawSample, seededUniform } from "../../src/ops/samples.js";
import { numbersOf } from "../ops/evaluate.js";

const folder = new URL("../../src/ops/", import.meta.url);
for (const file of readdirSync(folder).sort()) await import(new URL(file, folder).href);

const code = (c: string) => expect.objectContaining({ code: c });
const { Rop, Lop, hessianVectorProduct } = gradient;
const W = T.dmatrix("W");
const x = T.dvector("x");
const v = T.dvector("v");
const V = T.dmatrix("V");
const given = [[W, [[1, 2], [3, 4]]], [x, [5, 6]], [v, [7, 8]], [V, [[1, 0], [2, 1]]]] as const;
const of = (y: Variable): unknown => numbersOf(y, given.map(([a, b]) => [a, b.slice() as never] as const));

describe("as Theano's tutorial has them", () => {
  test("y = x W: Rop takes a direction of W, Lop one of y", () => {
    const y = T.dot(x, W);
    expect(of(Rop(y, W, V))).toEqual([5 + 12, 6]);
    expect(of(Lop(y, W, v))).toEqual([[35, 40], [42, 48]]);
    expect(of(Lop(y, x, v))).toEqual([7 + 16, 21 + 32]);
    expect(of(Rop(T.sqr(y), [W, x], [V, v]))).toEqual([2 * 23 * (17 + 31), 2 * 34 * (6 + 46)]);
  });

  test("lists for lists", () => {
    const y = T.dot(x, W);
    expect(Rop([y, y.sum()], W, V).map(of)).toEqual([[17, 6], 23]);
    // The gradient of x is given, and not added to, as with known_grads in Theano.
    expect(Lop([y, x], [W, x], [v, v]).map(of)).toEqual([[[35, 40], [42, 48]], [7, 8]]);
  });

  test("a pulled-back cotangent may be the input of another", () => {
    const z = x.mul(v);
    expect(of(Rop(z.add(x), [x, v], [v, x]))).toEqual([49 + 25 + 7, 64 + 36 + 8]);
    expect(of(Rop(x, x, v))).toEqual([7, 8]);
  });

  test("through a loop", () => {
    const [powers] = scan({ fn: (p) => p.mul(x), outputsInfo: T.onesLike(x), nSteps: 3 });
    expect(of(Rop(powers.get(-1), x, v))).toEqual([3 * 25 * 7, 3 * 36 * 8]);
  });

  test("of reshaped and joined tensors, where the shape of a cotangent is read", () => {
    expect(of(Rop(T.concatenate([W.flatten(), x]), [W, x], [V, v]))).toEqual([1, 0, 2, 1, 7, 8]);
    expect(of(Rop(T.repeat(x, 2), x, v))).toEqual([7, 7, 8, 8]);
  });

  test("hessianVectorProduct", () => {
    const cost = T.dot(x, T.dot(W, x));
    expect(of(hessianVectorProduct(cost, x, v))).toEqual([2 * 7 + 5 * 8, 5 * 7 + 8 * 8]);
    expect(hessianVectorProduct(T.sqr(x).sum().add(W.sum()), [x, W], [v, V]).map(of)).toEqual([[14, 16], [[0, 0], [0, 0]]]);
  });

  test("outputs that depend on nothing", () => {
    expect(() => Rop(v, x, x)).toThrow(DisconnectedInputError);
    expect(() => Rop(v, x, x)).toThrow(code("rop-disconnected"));
    expect(of(Rop(v, x, x, { disconnectedOutputs: "ignore" }))).toEqual([0, 0]);
    expect(Rop(v, x, x, { disconnectedOutputs: "ignore", returnDisconnected: "none" })).toBe(null);
    expect(Rop([v], x, x, { disconnectedOutputs: "ignore", returnDisconnected: "disconnected" })).toEqual(["disconnected"]);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    Rop(v, x, x, { disconnectedOutputs: "warn" });
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/depends on none/));
    warn.mockRestore();
    expect(() => Lop(v, x, v)).toThrow(code("grad-disconnected"));
  });

  test("points that do not fit", () => {
    for (const f of [() => Rop(v, [x, v], [v]), () => Lop([v, x], v, [v]), () => hessianVectorProduct(v.sum(), v, [] as never)]) expect(f).toThrow(code("eval-points-count"));
    for (const f of [() => Rop(v, v, W), () => Lop(v, v, W), () => hessianVectorProduct(v.sum(), v, W)]) expect(f).toThrow(code("eval-points-rank"));
  });
});

/** Ops that change gradients only (gradClip …) have samples without floats, and are skipped by that. */
const differentiable = allOps().filter((o) => o.fields.gradient !== undefined && o.fields.lower.kind !== "loop");

function sampleProblem(op: Op, sample: Sample<Params>): string | null {
  const { variables, values } = drawSample(sample, 5);
  const outputs = apply(op, variables, sample.params);
  const floats = variables.flatMap((a, i) => (isFloat(a.dtype) ? [i] : []));
  const ys = outputs.filter((y) => isFloat(y.dtype));
  if (floats.length === 0 || ys.length === 0) return null;
  const uniform = seededUniform(11);
  const directions = floats.map((i) => drawArray("float64", (values[i] as NdArray).shape, uniform));
  const points = floats.map((i) => new Var((variables[i] as Variable).type, { name: `d${i}` }));
  const made = ys.map((y) => Rop(y, floats.map((i) => variables[i] as Variable), points, { disconnectedOutputs: "ignore" }));
  const at = (eps: number): NdArray[] => {
    const env = new Map(variables.map((a, i) => [a, values[i] as NdArray]));
    floats.forEach((i, k) => {
      const moved = (values[i] as NdArray).copy();
      moved.data.forEach((e, n) => (moved.data[n] = e + eps * (directions[k]!.data[n] as number)));
      env.set(variables[i] as Variable, moved);
    });
    return interpret(ys, env);
  };
  const symbolic = interpret(made, new Map([...variables.map((a, i) => [a, values[i] as NdArray] as const), ...points.map((p, k) => [p, directions[k] as NdArray] as const)]));
  const [above, below] = [at(1e-6), at(-1e-6)];
  for (const [k, y] of symbolic.entries()) {
    for (const [n, got] of [...y.data].entries()) {
      const want = ((above[k]!.data[n] as number) - (below[k]!.data[n] as number)) / 2e-6;
      if (!(Math.abs(got - want) <= 1e-5 * Math.max(1, Math.abs(want)))) return `output ${k} element ${n} of ${ys[k]}: ${got} against ${want}`;
    }
  }
  return null;
}

test.each(differentiable.map((o) => [o.name, o] as const))("Rop of %s agrees with finite differences", (_, op) => {
  expect(op.fields.samples.map((s) => sampleProblem(op, s)).filter((p) => p !== null)).toEqual([]);
});
