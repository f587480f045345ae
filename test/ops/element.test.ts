/** What user code defines ops with: elements, elementwise records, rules; and what they refuse. */
import { expect, test } from "vitest";
import { checkRewrite } from "damo/testing";
import { compile, defineElementwise, element, pattern, patternRule, registerRule, T, type Variable } from "../../src/index.js";

const code = (c: string) => expect.objectContaining({ code: c });
const x = element.constant(3, "float32");

test("numbers take the dtype beside them; constants fold", () => {
  expect(element.mul(x, 2)).toEqual(element.constant(6, "float32"));
  expect(element.select(element.lt(x, 4), 1, element.constant(2, "int32"))).toEqual(element.constant(1, "int32"));
  expect(element.cast(x, "int32")).toEqual(element.constant(3, "int32"));
  expect(Object.keys(element)).not.toContain("mrgNext1");
});

test("element-arity, element-dtype", () => {
  expect(() => element.exp(x, x)).toThrow(code("element-arity"));
  expect(() => element.add(1, 2)).toThrow(code("element-dtype"));
  expect(() => element.select(element.lt(x, 4), 1, 2)).toThrow(code("element-dtype"));
});

test("a defined op broadcasts, pads and has a gradient from the cotangent and the inputs", async () => {
  const halve = defineElementwise(2, {
    name: "test scaled", doc: "x y / 2.", dtype: "float",
    expr: (a, b) => element.div(element.mul(a, b), 2),
    reference: (a, b) => (a * b) / 2,
    gradient: (g, a, b) => [T.mul(g, b).mul(0.5), T.mul(g, a).mul(0.5)],
  });
  const [m, v] = [T.dmatrix("m"), T.dvector("v")];
  const f = compile([m, v], [halve(m, v), T.grad(halve(m, v).sum(), v)], { device: "reference" });
  const [y, gv] = await f([[1, 2], [3, 4]], [10, 20]);
  expect([y, gv].map((a) => (a as { toArray(): unknown }).toArray())).toEqual([[[5, 20], [15, 40]], [2, 3]]);
});

test("registered rules fire, can be left out, and have one name each", async () => {
  const v = T.dvector("v");
  const rule = patternRule({
    name: "testErfOfNeg", phase: "canonicalise", exactness: "exact", source: "erf is odd", from: pattern(T.erf, pattern(T.neg, "a")), build: ({ a }) => T.neg(T.erf(a as Variable)),
    example: () => ({ inputs: [v], before: T.erf(T.neg(v)) }),
  });
  expect(checkRewrite(rule).owner?.op.name).toBe("neg");
  const fired = async (exclude: readonly string[]): Promise<string[]> => {
    const f = compile([v], T.erf(T.neg(v)), { device: "reference", exclude });
    await f([1]);
    return Object.keys(f.explain().rewrites);
  };
  expect(await fired([])).not.toContain("testErfOfNeg");
  registerRule(rule);
  expect(await fired([])).toContain("testErfOfNeg");
  expect(await fired(["testErfOfNeg"])).not.toContain("testErfOfNeg");
  expect(() => registerRule(rule)).toThrow(code("rule-twice"));
});
