/** The engine: fixed points, merging, folding, bodies, its errors, and that it never fires on nothing. */
import { describe, expect, test } from "vitest";
import { checkGraph, graphProblems } from "../../src/graph/check.js";
import { fillGraph } from "../../src/graph/edit.js";
import { FrozenGraph, FunctionGraph } from "../../src/graph/function_graph.js";
import { isA, p, patternRule, type Rule } from "../../src/graph/rule.js";
import { tensorType } from "../../src/graph/types.js";
import { apply1, scalarConstant, Variable } from "../../src/graph/variable.js";
import { defineOp } from "../../src/ops/define.js";
import { add, lt, mul, neg, sqr, sub } from "../../src/ops/elementwise.js";
import { exp, log } from "../../src/ops/math.js";
import { rewriteGraph, type RewriteOptions } from "../../src/rewrite/engine.js";
import { printGraph } from "../../src/rewrite/print.js";
import { allRules } from "../../src/rewrite/rules.js";

const x = new Variable(tensorType("float32", 1), { name: "x" });
const y = new Variable(tensorType("float32", 1), { name: "y" });
const s = new Variable(tensorType("float32", 0), { name: "s" });

function rewritten(outputs: readonly Variable[], options: RewriteOptions = {}, inputs: readonly Variable[] = [x, y, s]) {
  const g = new FunctionGraph();
  fillGraph(g, inputs, outputs);
  const report = rewriteGraph(g, { check: true, ...options });
  return { g, report, text: printGraph(g.tables.outputs.map((o) => g.view(o))) };
}

const rule = (name: string, fields: Pick<Rule, "roots" | "rewrite">): Rule => ({ name, phase: "canonicalise", exactness: "exact", source: "", example: () => ({ inputs: [], before: x }), ...fields });

describe("merging", () => {
  test("equal applies and equal constants become one, also with the inputs of a commutative op swapped", () => {
    const { g, text } = rewritten([add(exp(x), y), add(y, exp(x))], { rules: [] });
    expect(text).toBe("%0=add(exp(x), y); %0");
    expect(g.tables.applies.size).toBe(2);
    expect(rewritten([sub(exp(x), y), sub(y, exp(x))], { rules: [] }).text).toBe("sub(%0=exp(x), y); sub(y, %0)");
  });

  test("constants differ by dtype and by the sign of zero", () => {
    const { g } = rewritten([mul(s, scalarConstant(0, "float32")), add(s, scalarConstant(-0, "float32")), sub(s, scalarConstant(0, "float32"))], { rules: [] });
    expect([...g.tables.vars.values()].filter((v) => v.leaf !== null)).toHaveLength(5);
  });
});

describe("folding", () => {
  test("constants are computed, in the dtype of the graph", () => {
    const third = add(scalarConstant(0.1, "float32"), scalarConstant(0.2, "float32"));
    expect(rewritten([mul(s, third)], { rules: [] }).text).toBe(`mul(s, ${Math.fround(Math.fround(0.1) + Math.fround(0.2))})`);
  });

  test("what could overflow a pattern away waits for stabilisation", () => {
    const soft = patternRule({
      name: "testLogExp", phase: "stabilise", exactness: "stabilises", source: "", from: p(log, p(exp, "a")), build: ({ a }) => a ?? null, example: () => ({ inputs: [], before: x }),
    });
    expect(rewritten([add(s, log(exp(scalarConstant(1000, "float32"))))], { rules: [soft] }).text).toBe("add(s, 1000)");
    expect(rewritten([add(s, log(exp(scalarConstant(1000, "float32"))))], { rules: [] }).text).toBe("add(s, Infinity)");
  });
});

describe("the fixed point", () => {
  const negNeg = patternRule({
    name: "testNegNeg", phase: "canonicalise", exactness: "exact", source: "", from: p(neg, p(neg, "a")), build: ({ a }) => a ?? null, example: () => ({ inputs: [], before: x }),
  });

  test("rules fire until none applies, are counted, and phases are reported", () => {
    const { text, report } = rewritten([neg(neg(neg(neg(neg(x)))))], { rules: [negNeg] });
    expect(text).toBe("neg(x)");
    expect(report.rules.get("testNegNeg")?.fired).toBe(2);
    expect(report.phases.map((q) => q.name)).toEqual(["canonicalise", "stabilise", "specialise"]);
    expect([report.before, report.after]).toEqual([5, 1]);
  });

  test("excluded rules and mode none leave the graph as it is", () => {
    expect(rewritten([neg(neg(x))], { rules: [negNeg], exclude: ["testNegNeg"] }).text).toBe("neg(neg(x))");
    expect(rewritten([neg(neg(x))], { rules: [negNeg], mode: "none" }).text).toBe("neg(neg(x))");
  });

  test("a name to exclude that no rule has is refused", () => {
    expect(() => rewritten([neg(x)], { exclude: ["merge", "sofplus"] })).toThrow(expect.objectContaining({ code: "exclude-unknown", message: expect.stringContaining("named 'sofplus'.") as unknown }));
  });

  test("a replacement equal to what is there fires nothing", () => {
    const same = rule("testSame", { roots: [add.op], rewrite: (n) => add(n.inputs[0] as Variable, n.inputs[1] as Variable) });
    const { report } = rewritten([add(exp(x), y)], { rules: [same] });
    expect(report.rules.get("testSame")?.fired).toBe(0);
  });

  test("another dtype is converted; another broadcast pattern is the rule's bug, by name", () => {
    const wide = rule("testWide", { roots: [sqr.op], rewrite: (n) => mul(n.inputs[0] as Variable, new Variable(tensorType("float64", 1), { name: "w" })) });
    expect(rewritten([sqr(x)], { rules: [wide] }).text).toBe("cast{dtype=float32}(mul(x, w))");
    const broken = rule("testBroken", { roots: [sqr.op], rewrite: () => s });
    expect(() => rewritten([sqr(x)], { rules: [broken] })).toThrow(/testBroken replaced float32\[\?\][\s\S]*rewrite-type/);
  });

  test("rules that undo each other stop with their names", () => {
    const there = rule("testThere", { roots: [add.op], rewrite: (n) => sub(n.inputs[0] as Variable, neg(n.inputs[1] as Variable)) });
    const back = rule("testBack", { roots: [sub.op], rewrite: (n) => (isA(n.inputs[1] as Variable, neg) ? add(n.inputs[0] as Variable, n.inputs[1]?.owner?.inputs[0] as Variable) : null) });
    expect(() => rewritten([add(x, y)], { rules: [there, back] })).toThrow(/testThere, testBack|testBack, testThere/);
    expect(() => rewritten([add(x, y)], { rules: [there, back] })).toThrow("rewrite-diverges");
  });
});

describe("graphs inside params", () => {
  const loop = defineOp<{ readonly body: FrozenGraph }>({
    name: "testLoop", doc: "A stand-in for scan.", infer: (inputs) => [...inputs], shape: ({ shapes }) => [...shapes], lower: { kind: "loop" }, reference: (inputs) => [...inputs], samples: [],
  });

  test("are rewritten with the same rules, once for each key", () => {
    const body = () => {
      const v = new Variable(tensorType("float32", 1));
      return new FrozenGraph([v], [neg(neg(exp(v)))]);
    };
    let tried = 0;
    const negNeg = rule("testInner", {
      roots: [neg.op],
      rewrite: (n) => {
        tried++;
        return isA(n.inputs[0] as Variable, neg) ? (n.inputs[0]?.owner?.inputs[0] as Variable) : null;
      },
    });
    const { text } = rewritten([apply1(loop, [x], { body: body() }), apply1(loop, [y], { body: body() })], { rules: [negNeg] });
    expect(text).toBe("testLoop{body=exp(#0)}(x); testLoop{body=exp(#0)}(y)");
    expect(tried).toBeLessThan(8);
  });
});

test("a whole graph, checked after each phase, keeps its tables sound", () => {
  const { g } = rewritten([add(mul(x, y), mul(y, x)), lt(exp(x), exp(y))]);
  expect(graphProblems(g)).toEqual([]);
});

test("rules have unique names and say where they come from", () => {
  const names = allRules().map((r) => r.name);
  expect(new Set(names).size).toBe(names.length);
  expect(allRules().filter((r) => r.source === "" || r.roots.length === 0).map((r) => r.name)).toEqual([]);
});

test("a broken table is seen", () => {
  const { g } = rewritten([add(exp(x), y)], { rules: [] });
  g.tables.consumers.clear();
  expect(() => checkGraph(g, "in this test")).toThrow("in this test");
});
