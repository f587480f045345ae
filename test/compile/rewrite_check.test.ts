/** Mode debug: a wrong rewrite and a wrong op, planted, are named; what rewriting may do to values is no error. */
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { apply, closeDevices, compile, config, defineOp, MRGRandomStreams, type NdArray, pattern, patternRule, type Rule, scan, shared, T, type Variable } from "damo";
import { prim } from "../../src/codegen/ir/expr.js";
import type { Op } from "../../src/graph/op.js";

const debug = { device: "reference", mode: "debug" } as const;
afterEach(closeDevices);

/** 3 x, which one rule takes for 2 x. */
let triple: (x: Variable) => Variable;
/** x^2 by its reference, x + 1 by its kernel. */
let wrong: (x: Variable) => Variable;

beforeAll(() => {
  const common = { infer: (inputs: readonly Variable["type"][]) => inputs.slice(0, 1), shape: ({ shapes }: { readonly shapes: readonly (readonly number[])[] }) => shapes.slice(0, 1), samples: [] };
  const map = (f: (v: number) => number) => ([a]: readonly NdArray[]): NdArray[] => {
    const out = (a as NdArray).copy();
    out.data.forEach((v, i) => { out.data[i] = f(v); });
    return [out];
  };
  const op: Op = defineOp({
    ...common, name: "plantedTriple", doc: "3 x.", lower: { kind: "elementwise", expr: ([a], _, dtype) => prim("mul", a as never, { kind: "const", dtype, value: 3 }) }, reference: map((v) => 3 * v),
    get rules(): readonly Rule[] {
      return [patternRule({
        name: "plantedWrong", phase: "specialise", exactness: "exact", source: "3 x = 2 x, which is wrong", from: pattern({ op }, "x"),
        build: ({ x }) => (x === undefined ? null : T.mul(2, x)), example: () => ({ inputs: [], before: T.constant(0) }),
      })];
    },
  });
  triple = (x) => (apply(op, [x])[0] as Variable);
  const bad = defineOp({ ...common, name: "plantedOp", doc: "Two things.", lower: { kind: "elementwise", expr: ([a], _, dtype) => prim("add", a as never, { kind: "const", dtype, value: 1 }) }, reference: map((v) => v * v) });
  wrong = (x) => (apply(bad, [x])[0] as Variable);
});

describe("a wrong rewrite", () => {
  test("is named, with its line, its claim, and the graph before and after", async () => {
    const [x, y] = [T.dvector("x"), T.dvector("y")];
    const f = compile([x, y], T.exp(triple(x).add(0)).mul(1).add(T.log(T.exp(y))), debug);
    await expect(f([1], [2])).rejects.toMatchObject({
      code: "debug-rewrite", name: "ValueError",
      message: expect.stringMatching(/The rewrite 'plantedWrong' changed the value of .*: element 0 was 22\.08\d+ and is 9\.38\d+\.\n {2}made at: .*rewrite_check\.test\.ts:\d+:\d+\n {2}it says: 3 x = 2 x, which is wrong\n {2}before: .*plantedTriple\(x\).*\n {2}after: .*mul\([^\n]*\n {2}x float64\[1\] = \[1\]/),
    });
    expect(((await f([0], [2])) as NdArray).toArray()).toEqual([3]);
    expect(await compile([x], triple(x), { ...debug, exclude: ["plantedWrong"] })([1])).toMatchObject({ data: new Float64Array([3]) });
  });

  test("is named in the body of a scan", async () => {
    const x = T.dvector("x");
    const [out] = scan({ fn: (s) => T.tanh(triple(s as Variable)), outputsInfo: x, nSteps: 4 });
    await expect(compile([x], out.sum(), debug)([0.25])).rejects.toMatchObject({ code: "debug-rewrite", message: expect.stringContaining("The rewrite 'plantedWrong' changed") });
  });

  test("of an update is named, and nothing is updated", async () => {
    const w = shared([1, 2], { name: "w", dtype: "float64" });
    await expect(compile([], [], { ...debug, updates: [[w, triple(w)]] })()).rejects.toMatchObject({ code: "debug-rewrite" });
    expect((await w.getValue()).toArray()).toEqual([1, 2]);
  });
});

test("a wrong op is named", async () => {
  const x = T.dvector("x");
  await expect(compile([x], T.exp(wrong(T.tanh(x))), debug)([1])).rejects.toMatchObject({ code: "debug-differs", message: expect.stringMatching(/reference and the reference of 'plantedOp' disagree: element 0 is 1\.76\d+ and 0\.58/) });
});

describe("what rewriting may do", () => {
  test.each<[string, (x: Variable) => Variable]>([
    ["log(1 - sigmoid(x)), whose digits are gone where x is large", (x) => T.log(T.sub(1, T.nnet.sigmoid(x)))],
    ["log(1 + exp(x)), which overflows", (x) => T.log(T.add(1, T.exp(x)))],
    ["log(softmax(x))", (x) => T.log(T.nnet.softmax(x.dimshuffle("x", 0)))],
    ["x - x + 1", (x) => x.sub(x).add(1)],
    ["x * 0", (x) => x.mul(0)],
  ])("%s", async (_, build) => {
    const x = T.dvector("x");
    const f = compile([x], build(x).sum(), debug);
    await f([-800, -35.5, -1, 0, 1, 35, 36.5, 40, 800]);
  });

  test("float32 graphs with draws, divisions and powers", async () => {
    const srng = new MRGRandomStreams(3);
    const x = T.fvector("x");
    const f = compile([x], T.sqr(x).div(x.add(1)).pow(2).mul(srng.uniform({ size: [3], dtype: "float32" })).mean(), debug);
    expect(await f([1, 2, 3])).toBeTypeOf("number");
    expect(config.computeTestValue).toBe("off");
  });
});
