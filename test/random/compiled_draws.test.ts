/** Random draws in compiled functions: one draw a call, default updates, scan, and the same numbers on every device and in the interpreter. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { leavesOf } from "../../src/graph/clone.js";
import { SharedVariable, type Variable } from "../../src/graph/variable.js";
import { fillMrg, guessNStreams, mrgSubstreams } from "../../src/random/mrg31k3p.js";
import { compile, MRGRandomStreams, NdArray, RandomStreams, scan, T } from "../../src/index.js";

const device = "reference";
const data = (result: unknown): number[] => [...(result as NdArray).data];
const matrix = (rows: number, cols: number): NdArray => new NdArray(Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(i)), [rows, cols], "float32");

describe("default updates (Theano's tutorial on random numbers)", () => {
  test("each call draws anew, and a variable used twice is one draw", async () => {
    const srng = new RandomStreams(234);
    const u = srng.uniform({ size: [2, 2], dtype: "float64" });
    const f = compile([], u, { device });
    const nearlyZeros = compile([], u.add(u).sub(u.mul(2)), { device });
    const first = data(await f());
    expect(first).toEqual([0.12672381400898758, 0.9709159656786431, 0.13989097862581312, 0.887548254199325]);
    expect(data(await f())).not.toEqual(first);
    expect(data(await nearlyZeros()).every((x) => Math.abs(x) < 1e-15)).toBe(true);
  });

  test("noDefaultUpdates keeps the state; seed() starts again; functions share a state", async () => {
    const srng = new MRGRandomStreams(234);
    const u = srng.uniform({ size: [3] });
    const [f, still] = [compile([], u, { device }), compile([], u, { device, noDefaultUpdates: true })];
    const first = data(await still());
    expect(data(await still())).toEqual(first);
    expect(data(await f())).toEqual(first);
    const second = data(await still());
    expect(second).not.toEqual(first);
    srng.seed(234);
    expect(data(await f())).toEqual(first);
    expect(data(await f())).toEqual(second);
  });
});

describe("draws of which each stream gives several numbers", () => {
  test.each([["reference", "float32"], ["wasm", "float32"], ["wasm", "float64"]] as const)("are the host's, on %s in %s, in a step and outside, of sizes known and unknown", async (on, dtype) => {
    const make = (): MRGRandomStreams => new MRGRandomStreams(71);
    const [x, srng] = [T.matrix("x", { dtype }), make()];
    const [inStep, updates] = scan({ fn: (row: Variable) => srng.uniform({ size: x.shape, dtype }).get(0).mul(row), sequences: x });
    const outputs = [inStep, srng.uniform({ size: x.shape, dtype }), srng.uniform({ size: [40, 50], dtype }), srng.normal({ size: x.shape, dtype })];
    const f = compile([x], outputs, { updates, device: on });
    const [rows, columns] = [3, 15000];
    const ones = NdArray.zeros([rows, columns], dtype);
    ones.data.fill(1);
    const host = make();
    const states = ["symbolic", "symbolic", [40, 50]].map((size) => {
      const streams = mrgSubstreams(Int32Array.from(host.rstate), guessNStreams(size as "symbolic"));
      host.incRstate();
      return streams;
    }) as [Int32Array, Int32Array, Int32Array];
    const drawn = (of: Int32Array, count: number): number[] => {
      const out = dtype === "float32" ? new Float32Array(count) : new Float64Array(count);
      fillMrg(of, out);
      return [...out];
    };
    for (let call = 0; call < 2; call++) {
      const [a, b, c] = (await f(ones)) as NdArray[];
      expect(data(a)).toEqual([0, 1, 2].flatMap(() => drawn(states[0], rows * columns).slice(0, columns)));
      expect(data(b)).toEqual(drawn(states[1], rows * columns));
      expect(data(c)).toEqual(drawn(states[2], 2000));
    }
    // Normals, and devices without code of their own, step each element.
    expect((f.explain().plan.match(/mrg31k3p\.uniform/g) ?? []).length).toBe(on === "wasm" ? 3 : 0);
  });
});

describe("in scan", () => {
  test("A17: binomial in a step draws at every step", async () => {
    const [X, W, b] = [T.dmatrix("X"), T.dmatrix("W"), T.dvector("b")];
    const d = new RandomStreams(1234).binomial({ size: [2] });
    const [results, updates] = scan({ fn: (v: Variable) => T.tanh(T.dot(v, W).add(b)).mul(d), sequences: X });
    const f = compile([X, W, b], results, { updates, device });
    const eye = Array.from({ length: 10 }, (_, i) => [Number(i === 0), Number(i === 1)]);
    const rows = (await f(eye, [[1, 1], [1, 1]], [1, 1]) as NdArray).toArray() as number[][];
    expect(rows.map((r) => r.map((x) => Number(x !== 0)).join("")).join(" ")).toBe("10 01 00 11 10 01 01 01 00 11");
    rows.forEach((r, i) => r.forEach((x) => { if (x !== 0) expect(x).toBeCloseTo(i < 2 ? 0.96402758 : 0.76159416, 8); }));
  });

  test("an MRG draw in a step goes on where the last call stopped", async () => {
    const steps = 5;
    const make = (): Variable => new MRGRandomStreams(99).uniform({ size: [4], dtype: "float64" });
    const once = make();
    const [u, updates] = scan({ fn: () => once, nSteps: steps });
    const looped = compile([], u, { updates, device });
    const single = compile([], make(), { device });
    for (let call = 0; call < 2; call++) {
      const expected: number[] = [];
      for (let i = 0; i < steps; i++) expected.push(...data(await single()));
      expect(data(await looped())).toEqual(expected);
    }
  });
});

const draws: [string, (x: Variable) => Variable][] = [
  ["mrg uniform", (x) => new MRGRandomStreams(5).uniform({ size: x.shape })],
  ["mrg uniform of many steps", (x) => new MRGRandomStreams(5).uniform({ size: [x.shape[0], 9], nstreams: 1 })],
  ["mrg uniform of fixed size", () => new MRGRandomStreams(5).uniform({ size: [5, 7] })],
  ["mrg binomial after a dot", (x) => { const p = T.nnet.sigmoid(T.dot(x, x.T)); return new MRGRandomStreams(5).binomial({ size: p.shape, n: 1, p, dtype: "float32" }); }],
  ["mrg multinomial", (x) => new MRGRandomStreams(5).multinomial({ pvals: T.nnet.softmax(x), n: 3 })],
  ["numpy uniform", (x) => new RandomStreams(5).uniform({ size: x.shape })],
  ["numpy binomial after a dot", (x) => { const p = T.nnet.sigmoid(T.dot(x, x.T)); return new RandomStreams(5).binomial({ size: p.shape, n: 1, p, dtype: "float32" }); }],
  ["numpy integers", (x) => new RandomStreams(5).randomIntegers({ size: x.shape, low: -3, high: 9 })],
  ["numpy permutation", (x) => new RandomStreams(5).permutation({ n: x.shape[1], size: [2] })],
];

describe.each(draws)("%s: three calls give the interpreter's numbers", (_, make) => {
  test.each(["reference", "gpu:webasm"])("%s", async (device) => {
    const x = T.fmatrix("x");
    const v = make(x) as Variable;
    const value = matrix(3, 4);
    const f = compile([x], v, { device, onUnusedInput: "ignore" });
    const twin = make(x) as Variable;
    const state = statesUnder(twin)[0]!;
    for (let call = 0; call < 3; call++) {
      const [expected, next] = interpret([twin, state.defaultUpdate!], new Map([[x as Variable, value]]));
      expect(data(await f(value))).toEqual([...expected!.data]);
      state.setValue(next!);
    }
  });
});

test("normals agree up to the device's logarithm and sine", async () => {
  for (const device of ["reference", "gpu:webasm"]) {
    const make = (): Variable => new MRGRandomStreams(5).normal({ size: [3, 5], avg: 2, std: 0.5 });
    const [expected] = interpret([make()]);
    data(await compile([], make(), { device })()).forEach((z, i) => { expect(z).toBeCloseTo(expected!.data[i]!, 4); });
  }
});

test("uniforms between bounds", async () => {
  const srng = new MRGRandomStreams(5);
  const plain = interpret([new MRGRandomStreams(5).uniform({ size: [100], dtype: "float64" })])[0]!;
  const got = data(await compile([], srng.uniform({ size: [100], low: -3, high: 5, dtype: "float64" }), { device })());
  got.forEach((x, i) => { expect(x).toBeCloseTo(-3 + 8 * plain.data[i]!, 14); });
});

test("MRG draws of any size and number of streams are the host's, and so is the state after them", async () => {
  const n = T.iscalar("n");
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 1, max: 7 }), fc.boolean(), fc.boolean(), async (length, nstreams, symbolic, normal) => {
      const options = { size: [symbolic ? n : length], nstreams, dtype: "float64" } as const;
      const srng = new MRGRandomStreams(77);
      const v = normal ? srng.normal(options) : srng.uniform(options);
      const env = new Map([[n as Variable, NdArray.scalar(length, "int32")]]);
      const expected = interpret([v, v.update[1]], env);
      const f = compile([n], [v, v.update[1]], { device, onUnusedInput: "ignore" });
      const [sample, next] = await f(length);
      expect(data(sample)).toEqual([...expected[0]!.data]);
      expect(data(next)).toEqual([...expected[1]!.data]);
    }),
    { numRuns: 40 },
  );
});

test("a short draw of symbolic size has no loop", async () => {
  const x = T.fmatrix("x");
  const f = compile([x], new MRGRandomStreams(5).uniform({ size: x.shape }), { device });
  await f(matrix(3, 4));
  expect(f.explain().plan).not.toContain("loop");
  expect(f.explain().kernels).toMatchObject({ launches: 2 });
});

test("the binomial comparison is the epilogue of the dot that makes p", async () => {
  const x = T.fmatrix("x");
  for (const srng of [new MRGRandomStreams(5), new RandomStreams(5)]) {
    const p = T.nnet.sigmoid(T.dot(x, x.T));
    const f = compile([x], srng.binomial({ size: p.shape, n: 1, p, dtype: "float32" }), { device });
    await f(matrix(3, 4));
    expect(f.explain().kernels).toMatchObject({ launches: 2 });
  }
});

/** Shared states that a variable is drawn from. */
function statesUnder(v: Variable): SharedVariable[] {
  return leavesOf([v]).filter((x): x is SharedVariable => x instanceof SharedVariable);
}

describe("sizes known at the call", () => {
  test("an int vector with ndim, and refused lengths", async () => {
    const size = T.ivector("size");
    for (const v of [new MRGRandomStreams(5).uniform({ size, ndim: 2 }), new RandomStreams(5).uniform({ size, ndim: 2 })]) {
      const f = compile([size], v, { device });
      expect((await f([2, 3]) as NdArray).shape).toEqual([2, 3]);
      expect((await f([4, 1]) as NdArray).shape).toEqual([4, 1]);
      await expect(f([2, 3, 4])).rejects.toMatchObject({ code: "random-size-entries" });
      await expect(f([2, -3])).rejects.toMatchObject({ code: "random-size-negative" });
    }
  });

  test("parameters that do not stretch to the size", async () => {
    const low = T.dvector("low");
    const f = compile([low], new RandomStreams(5).uniform({ size: [3], low }), { device });
    expect((await f([1, 2, 3]) as NdArray).shape).toEqual([3]);
    await expect(f([1, 2])).rejects.toMatchObject({ code: "random-broadcast" });
  });
});
