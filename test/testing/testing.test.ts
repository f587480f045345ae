/**
 * damo/testing: what its arbitraries promise, that its checks pass what is right and fail what is wrong, and that the code a failure prints
 * rebuilds the failing graph.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile, defineOp, type DamoError, NdArray, scan, shared, T, type Variable } from "damo";
import * as kit from "damo/testing";
import { add as addExpr, neg as negExpr } from "./exprs.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { appliesOf } from "../../src/graph/function_graph.js";
import type { OpFields, Params } from "../../src/graph/op.js";
import type { Rule } from "../../src/graph/rule.js";
import { add, neg, sub } from "../../src/ops/elementwise.js";
import { allRules } from "../../src/rewrite/rules.js";
import { DISTURBANCE } from "../../src/testing/pool.js";
import { difference } from "../../src/testing/parity.js";
import { Tape } from "../../src/testing/tape.js";

const code = (c: string): DamoError => expect.objectContaining({ code: c }) as DamoError;

describe("arbitraries", () => {
  test("shapes and arrays are what was asked for", () => {
    fc.assert(fc.property(kit.shapes({ minRank: 1, maxRank: 2, minLength: 2, maxLength: 3 }), (s) => { expect([1, 2]).toContain(s.length); expect(s.every((d) => d === 2 || d === 3)).toBe(true); }));
    for (const dtype of ["bool", "int32", "float32", "float64"] as const) {
      fc.assert(fc.property(kit.arrays({ dtype, low: -1, high: 3 }), (x) => {
        expect(x.dtype).toBe(dtype);
        expect(x.data.every((e) => e >= -1 && e <= 3)).toBe(true);
      }));
    }
    const sampled = fc.sample(kit.arrays({ shape: [20], specials: true }), { numRuns: 30, seed: 1 }).flatMap((x) => Array.from(x.data));
    expect(sampled.some((e) => Number.isNaN(e))).toBe(true);
    expect(sampled).toContain(Number.NEGATIVE_INFINITY);
    expect(sampled.some((e) => Object.is(e, -0))).toBe(true);
  });

  test("a failing array prints as code", () => {
    const x = kit.array("float32", [2], [-0, Number.POSITIVE_INFINITY]);
    const [made] = fc.sample(kit.arrays({ shape: [1], low: 0.5, high: 0.5 }), 1);
    expect(fc.stringify(made)).toBe('array("float32", [1], [0.5])');
    expect(kit.snippet({ inputs: [], values: [x], outputs: [] })).toContain('array("float32", [2], [-0, Number.POSITIVE_INFINITY])');
  });

  test("graphs know their values, flags hold, and drift bounds what a disturbance does", () => {
    fc.assert(
      fc.property(kit.graphs(), (g) => {
        const env = new Map(g.inputs.map((v, i) => [v, g.values[i]!]));
        g.inputs.forEach((v, i) => {
          expect(v.dtype).toBe(g.values[i]!.dtype);
          v.broadcastable.forEach((b, a) => { if (b) expect(g.values[i]!.shape[a]).toBe(1); });
        });
        interpret(g.outputs, env, { exactDTypes: false }).forEach((x, i) => { expect(difference(x, g.expected[i]!, 0)).toBe(null); });
        interpret(g.outputs, env).forEach((x, i) => { expect(difference(x, g.expected[i]!, DISTURBANCE / 100, g.drifts[i])).toBe(null); });
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  test("options choose what graphs are made of", () => {
    const kinds = fc.sample(kit.graphs({ kinds: ["reduce", "view"] }), { numRuns: 40, seed: 1 }).flatMap((g) => appliesOf(g.outputs).map((a) => a.op.name));
    expect(kinds.length).toBeGreaterThan(20);
    for (const name of ["exp", "dot", "scan", "mrg31k3p", "softmax"]) expect(kinds).not.toContain(name);
    const few = fc.sample(kit.expressions({ kinds: ["elementwise"], ops: (op) => op.name === "neg" || op.name === "add", dtype: "float64" }), { numRuns: 40, seed: 1 });
    for (const g of few) {
      expect(g.outputs).toHaveLength(1);
      for (const a of appliesOf(g.outputs)) expect(["neg", "add", "dimShuffle"]).toContain(a.op.name);
      expect(g.values.every((v) => v.dtype !== "float32")).toBe(true);
    }
  });

  test("an empty tape makes the first choice", () => {
    const tape = new Tape([7]);
    expect([tape.pick(5), tape.pick(5), tape.oneOf(["a", "b"]), tape.chance(2), tape.oneOf<string>([])]).toEqual([2, 0, "a", false, undefined]);
  });
});

describe("snippets", () => {
  /** What the text builds, run with the functions it imports. */
  function rebuilt(text: string): kit.TestGraph {
    const plain = text.replace(/^(import|await) .*$/gm, "").replace(/ as (\[[\w, ]*\]|const)/g, "");
    return new Function(...Object.keys(kit), `${plain}\nreturn graph;`)(...Object.values(kit)) as kit.TestGraph;
  }

  test("rebuild graphs: the same values from the same code, scans and shared variables too", () => {
    fc.assert(
      fc.property(kit.graphs(), (g) => {
        const again = rebuilt(kit.snippet(g));
        const values = interpret(again.outputs, new Map(again.inputs.map((v, i) => [v, again.values[i]!])), { exactDTypes: false });
        values.forEach((x, i) => { expect(difference(x, g.expected[i]!, 0)).toBe(null); });
        expect(kit.snippet(again)).toBe(kit.snippet(g));
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  test("a graph prints its ops and its code", () => {
    const [g] = fc.sample(kit.graphs({ kinds: ["scan"], maxInputs: 2 }), { numRuns: 1, seed: 9 });
    expect(fc.stringify(g)).toMatch(/^a graph of .*:\nimport/);
    expect(() => kit.applyOp("no such op", [])).toThrowError(code("op-name"));
    const [y] = scan({ sequences: T.fvector("x"), outputsInfo: [null], fn: (r: Variable) => [r.mul(2)] });
    expect(kit.snippet({ inputs: [], values: [], outputs: [y as unknown as Variable] })).toContain("const body0 = body([");
  });
});

const OPTIONS = { devices: ["reference"] };

describe("backendParity", () => {
  test("passes a function at points, fed either way", async () => {
    await kit.backendParity((x, w) => T.nnet.softmax(T.dot(x!, w!)), [[[1, 2]], [[0.5, 1], [1.5, -1]]]);
    await kit.backendParity((n) => [n!.add(1), T.exp(n!)], [new Int32Array([1, 2])], { ...OPTIONS, feed: "shared", modes: ["fast_compile"] });
    expect(await kit.availableDevices()).toContain("reference");
  });

  test("a difference is named with code that shows it", async () => {
    const x = kit.input("float32", [false], "x");
    const graph = { inputs: [x], values: [kit.array("float32", [2], [1, 2])], outputs: [x.mul(2)], expected: [kit.array("float64", [2], [2, 4.1])] };
    await expect(kit.backendParity(graph, OPTIONS)).rejects.toThrow(/Output 0 .* on reference in mode none: element 1 is 4 and should be 4\.1[\s\S]*applyOp\("mul"/);
    await kit.backendParity(graph, { ...OPTIONS, tolerance: 0.1 });
    await kit.backendParity({ ...graph, drifts: [1] }, OPTIONS);
    const wrongShape = { ...graph, expected: [kit.array("float64", [1], [2])] };
    await expect(kit.backendParity(wrongShape, OPTIONS)).rejects.toThrowError(code("parity"));
  });

  test("difference: NaN, infinities, float32 rounding, integers exactly", () => {
    const f = (...xs: number[]): NdArray => kit.array("float32", [xs.length], xs);
    const d = (...xs: number[]): NdArray => kit.array("float64", [xs.length], xs);
    expect(difference(f(Number.NaN, Number.POSITIVE_INFINITY, 0.1), d(Number.NaN, Number.POSITIVE_INFINITY, 0.1), 0)).toBe(null);
    expect(difference(f(Number.NaN), d(1), 1)).toContain("should be 1");
    expect(difference(f(1), d(Number.NaN), 1)).toContain("should be NaN");
    expect(difference(kit.array("int32", [1], [1]), kit.array("int32", [1], [2]), 10)).toContain("element 0");
  });

  test("random states are put back, and isDeterministic sees what changes", async () => {
    const w = shared([1, 2], { dtype: "float32" });
    w.defaultUpdate = w.add(1);
    const graph = { inputs: [], values: [], outputs: [w.mul(2)] };
    await kit.backendParity(graph, OPTIONS);
    expect(Array.from((await w.getValue()).data)).toEqual([1, 2]);
    expect(await kit.isDeterministic(graph)).toBe(true);
    const f = compile([], w.mul(2), { device: "reference" });
    await f();
    expect(Array.from((await w.getValue()).data)).toEqual([2, 3]);
  });
});

/** A record of an op that negates, right or wrong in one part. */
const record = (name: string, part: Partial<OpFields<Params>> = {}): OpFields<Params> => ({
  name, doc: "-x, for a test.",
  infer: ([x]) => [x!],
  shape: ({ shapes: [x] }) => [x!],
  lower: { kind: "elementwise", expr: ([x]) => negExpr(x!) },
  reference: ([x]) => [new NdArray(x!.data.map((e) => -e), x!.shape, x!.dtype)],
  gradient: ({ cotangents: [g] }) => [neg(g!)],
  samples: [{ inputs: [{ dtype: "float64", shape: [2, 3] }], params: {} }],
  ...part,
});

describe("checkOp", () => {
  test("passes an op that keeps its promises", async () => {
    await kit.checkOp(defineOp(record("test right")));
  });

  test.each([
    ["op-samples", { samples: [] }],
    ["op-infer", { infer: ([x]) => [x!.withDType("int32")] }],
    ["verify-grad", { gradient: ({ cotangents: [g] }) => [g!] }],
    ["parity", { lower: { kind: "elementwise", expr: ([x]) => addExpr(x!, x!) } }],
  ] as readonly [string, Partial<OpFields<Params>>][])("finds %s", async (want, part) => {
    await expect(kit.checkOp(defineOp(record(`test wrong ${want}`, part)), OPTIONS)).rejects.toThrowError(code(want));
  });
});

describe("checkRewrite", () => {
  const [x, y] = [T.dvector("x"), T.dvector("y")];
  const rule = (rewrite: Rule["rewrite"]): Rule => ({
    name: "testRule", phase: "canonicalise", exactness: "exact", source: "a test", roots: [add.op], rewrite, example: () => ({ inputs: [x, y], before: add(x, neg(y)) }),
  });

  test("passes what holds, also in the middle of an example", () => {
    const after = kit.checkRewrite(rule(({ inputs: [a, b] }) => sub(a!, b!.owner!.inputs[0]!)));
    expect(after.owner?.op.name).toBe("sub");
    for (const known of allRules().filter((r) => r.exactness === "exact").slice(0, 5)) kit.checkRewrite(known);
  });

  test("finds rules that do not fire, change the type or the value", () => {
    expect(() => kit.checkRewrite(rule(() => null))).toThrowError(code("rewrite-silent"));
    expect(() => kit.checkRewrite(rule(({ inputs: [a] }) => a!.sum()))).toThrowError(code("rewrite-retypes"));
    expect(() => kit.checkRewrite(rule(({ inputs: [a, b] }) => sub(a!, b!)))).toThrowError(code("rewrite-value"));
    const values = [kit.array("float64", [1], [1]), kit.array("float64", [1], [0])];
    kit.checkRewrite(rule(({ inputs: [a, b] }) => sub(a!, b!)), { values });
  });
});

test("verifyGrad is here too", () => {
  kit.verifyGrad((v) => T.log(T.exp(v).sum()), [[0.1, 0.2, 0.3]]);
});
