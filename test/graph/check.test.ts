/** Each invariant of a FunctionGraph is seen when it is broken. */
import { expect, test } from "vitest";
import { checkGraph, graphProblems } from "../../src/graph/check.js";
import { fillGraph } from "../../src/graph/edit.js";
import { type ApplyNode, FunctionGraph } from "../../src/graph/function_graph.js";
import { tensorType } from "../../src/graph/types.js";
import { Variable } from "../../src/graph/variable.js";
import { add } from "../../src/ops/elementwise.js";
import { exp } from "../../src/ops/math.js";

function sound(): { g: FunctionGraph; first: ApplyNode; last: ApplyNode } {
  const x = new Variable(tensorType("float32", 1), { name: "x" });
  const g = new FunctionGraph();
  fillGraph(g, [x], [add(exp(x), x)]);
  const [first, last] = g.order();
  return { g, first: first as ApplyNode, last: last as ApplyNode };
}

test("a sound graph has no problems", () => {
  expect(graphProblems(sound().g)).toEqual([]);
});

test("readers that the table forgets or invents", () => {
  const { g, first } = sound();
  g.tables.consumers.set(first.outputs[0] as number, []);
  expect(graphProblems(g).join()).toContain("but the table says []");
});

test("a cycle", () => {
  const { g, first, last } = sound();
  g.tables.applies.set(first.id, { ...first, inputs: last.outputs });
  expect(graphProblems(g).join()).toContain("on a cycle");
});

test("a type that the op would not infer", () => {
  const { g, first } = sound();
  const id = first.outputs[0] as number;
  g.tables.vars.set(id, { ...g.var(id), type: tensorType("float64", 1) });
  expect(graphProblems(g).join()).toMatch(/is float64\[\?\], but the op infers float32\[\?\]/);
});

test("an output that does not exist, and one whose maker is gone", () => {
  const { g, last } = sound();
  g.tables.outputs = [99];
  expect(graphProblems(g).join()).toContain("output 99 is not in the table");
  g.tables.applies.delete(last.id);
  expect(graphProblems(g).join()).toContain(`is not output 0 of apply ${last.id}`);
});

test("checkGraph names the problem and the moment", () => {
  const { g } = sound();
  g.tables.outputs = [99];
  expect(() => checkGraph(g, "after lunch")).toThrow(/after lunch: output 99/);
});
