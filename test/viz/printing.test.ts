/** What pp, debugprint and pydotprint print. Theano's own examples where it has published them (doc/library/printing.txt, doc/tutorial/gradients.txt). */
import { describe, expect, test } from "vitest";
import { compile, config, debugprint, grad, pp, pydotprint, scan, shared, slice, T, ValueError, type Variable } from "damo";
import { letters } from "../../src/graph/tree.js";

describe("pp", () => {
  test("A6: the gradient of x**2 before and after rewriting", () => {
    const x = T.dscalar("x");
    const gy = grad(x.pow(2), x);
    expect(pp(gy)).toBe("((fill((x ** TensorConstant{2}), TensorConstant{1.0}) * TensorConstant{2}) * (x ** (TensorConstant{2} - TensorConstant{1})))");
    expect(pp(compile([x], gy))).toBe("(TensorConstant{2.0} * x)");
    expect(pp(compile([x], gy, { mode: "none" }))).toBe(pp(gy));
  });

  test("signs, prefixes, functions with params, views", () => {
    const x = T.fmatrix("x");
    const v = T.fvector("v");
    const i = T.iscalar("i");
    expect(pp(x.neg().add(v))).toBe("((-x) + v)");
    expect(pp(x.T)).toBe("x.T");
    expect(pp(T.dot(x, v))).toBe("(x \\dot v)");
    expect(pp(v.dimshuffle(0, "x"))).toBe("DimShuffle{0,x}(v)");
    expect(pp(T.exp(x).sum({ axis: 1 }))).toBe("sum{axes=[1]}(exp(x))");
    expect(pp(x.get(slice(1, i, 2)))).toBe("x[1:i:2]");
    expect(pp(x.get(i, -1))).toBe("x[i, -1]");
    expect(pp(T.fvector())).toBe("<float32[?]>");
    expect(pp([x, v])).toBe("x\nv");
  });

  test("updates of a function", () => {
    const w = shared(1, { name: "w", dtype: "float64" });
    expect(pp(compile([], [], { updates: [[w, w.mul(3)]] }))).toMatch(/^w <- \(.*w.*\)$/);
  });

  test("a deep graph does not overflow, a graph that doubles says so", () => {
    let deep: Variable = T.dscalar("x");
    for (let i = 0; i < 20_000; i++) deep = deep.neg();
    expect(pp(deep)).toHaveLength(60_001);
    let wide: Variable = T.dscalar("x");
    for (let i = 0; i < 40; i++) wide = wide.add(wide);
    expect(() => pp(wide)).toThrowError(expect.objectContaining({ code: "pp-long" }) as ValueError);
    expect(debugprint(wide).split("\n")).toHaveLength(81);
  });
});

describe("debugprint", () => {
  test("a tree with ids, types and names; what is shared is opened once", () => {
    const x = T.dscalar("x");
    const y = x.pow(2);
    y.name = "y";
    expect(debugprint(T.exp(y).mul(y.add(x)))).toBe([
      "mul [id A] <float64[]> ''",
      " |exp [id B] <float64[]> ''",
      " | |pow [id C] <float64[]> 'y'",
      " |   |x [id D] <float64[]>",
      " |   |TensorConstant{2} [id E] <int32[]>",
      " |add [id F] <float64[]> ''",
      "   |pow [id C] <float64[]> 'y'",
      "   |x [id D] <float64[]>",
    ].join("\n"));
    expect(debugprint(T.exp(y), { printType: false, ids: "int", stopOnName: true })).toBe("exp [id 0] ''\n |pow [id 1] 'y'");
    expect(debugprint(T.exp(y), { printType: false, ids: "", depth: 1 })).toBe("exp ''");
    expect([0, 25, 26, 51, 52, 702].map(letters)).toEqual(["A", "Z", "AA", "AZ", "BA", "AAA"]);
  });

  test("of a function: the rewritten graph in its order, and its updates", () => {
    const x = T.dscalar("x");
    const w = shared(1, { name: "w", dtype: "float64" });
    const f = compile([x], T.log(T.exp(x)), { updates: [[w, w.add(x)]], mode: "none" });
    expect(debugprint(f, { printType: false })).toBe("log [id A] '' 1\n |exp [id B] '' 0\n   |x [id C]\nadd [id D] '' 2 -> update of w\n |w [id E]\n |x [id C]");
    expect(debugprint(compile([x], T.log(T.exp(x))))).toBe("x [id A] <float64[]>");
  });

  test("bodies of scans follow", () => {
    const x = T.fvector("x");
    const [y] = scan({ fn: (row: Variable, sum: Variable) => sum.add(row), sequences: x, outputsInfo: T.constant(0, { dtype: config.floatX }) });
    const text = debugprint(y as Variable);
    expect(text).toMatch(/\nInner graphs:\n\nscan \[id [A-Z]+\]\nadd \[id/);
    expect(pydotprint(y as Variable)).toMatch(/subgraph cluster_n\d+ \{\n +label="one step of scan";/);
    expect(pydotprint(y as Variable, { scanGraphs: false })).not.toContain("subgraph");
  });
});

describe("pydotprint", () => {
  test("roles have colours, edges have types", () => {
    const x = T.dscalar('a"b');
    const w = shared(2, { name: "w", dtype: "float64" });
    const dot = pydotprint(x.mul(w).add(1), { name: "model", direction: "LR" });
    expect(dot.split("\n")).toEqual([
      'digraph "model" {', "  rankdir=LR;", "  compound=true;",
      '  n0 [label="mul", shape=ellipse];',
      '  n1 [label="a\\"b", shape=box, style=filled, fillcolor=green];', '  n1 -> n0 [label="0 float64[]"];',
      '  n2 [label="w", shape=box, style=filled, fillcolor=cyan];', '  n2 -> n0 [label="1 float64[]"];',
      '  n3 [label="add", shape=ellipse];', '  n0 -> n3 [label="0 float64[]"];',
      '  n4 [label="TensorConstant{1.0}", shape=box, style=filled, fillcolor=grey];', '  n4 -> n3 [label="1 float64[]"];',
      '  n5 [label="output 0", shape=box, style=filled, fillcolor=blue];', '  n3 -> n5 [label="float64[]"];',
      "}", "",
    ]);
  });

  test("of a function, updates are outputs; long labels are cut", () => {
    const w = shared(1, { name: "w", dtype: "float64" });
    const f = compile([], w.add(1), { updates: [[w, w.sub(1)]] });
    expect(pydotprint(f)).toContain('label="update of w"');
    const long = T.dscalar("n".repeat(100));
    expect(pydotprint(long.neg(), { maxLabelSize: 10 })).toContain('label="nnnnnnn..."');
    expect(pydotprint(long.neg(), { printType: false })).toMatch(/n1 -> n0;/);
  });
});
