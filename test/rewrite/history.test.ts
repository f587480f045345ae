/** History: the graph at every step, forwards and backwards, and through JSON. */
import { expect, test } from "vitest";
import { fillGraph } from "../../src/graph/edit.js";
import { FunctionGraph } from "../../src/graph/function_graph.js";
import { p, patternRule } from "../../src/graph/rule.js";
import { tensorType } from "../../src/graph/types.js";
import { scalarConstant, Variable } from "../../src/graph/variable.js";
import { add, mul, neg } from "../../src/ops/elementwise.js";
import { exp } from "../../src/ops/math.js";
import { rewriteGraph } from "../../src/rewrite/engine.js";
import { History } from "../../src/rewrite/history.js";

const negNeg = patternRule({
  name: "testNegNeg", phase: "canonicalise", exactness: "exact", source: "", from: p(neg, p(neg, "a")), build: ({ a }) => a ?? null, example: () => ({ inputs: [], before: scalarConstant(0, "float32") }),
});

function recorded(): { history: History; g: FunctionGraph } {
  const x = new Variable(tensorType("float32", 0), { name: "x" });
  const g = new FunctionGraph();
  const two = add(scalarConstant(1, "float32"), scalarConstant(1, "float32"));
  fillGraph(g, [x], [mul(two, neg(neg(exp(x)))), exp(x)]);
  const { history } = rewriteGraph(g, { rules: [negNeg], history: true, check: true });
  if (history === null) throw new Error("history was asked for");
  return { history, g };
}

const TEXTS = ["mul(add(1, 1), neg(neg(exp(x)))); exp(x)", "mul(add(%0=1, %0), neg(neg(%1=exp(x)))); %1", "mul(2, neg(neg(%0=exp(x)))); %0", "mul(2, %0=exp(x)); %0"];
const texts = (h: History) => Array.from({ length: h.length + 1 }, (_, k) => h.text(k).replaceAll(/%(\d+)=1/g, "1").replaceAll("add(1, %0)", "add(1, 1)").replaceAll("%1", "%0"));

test("every step can be printed, in any order", () => {
  const { history } = recorded();
  expect(history.steps.map((s) => `${s.phase} ${s.rule}`)).toEqual(["canonicalise merge", "canonicalise fold", "canonicalise testNegNeg"]);
  expect(texts(history)).toEqual([TEXTS[0], "mul(add(1, 1), neg(neg(%0=exp(x)))); %0", TEXTS[2], TEXTS[3]]);
  expect([3, 0, 2].map((k) => history.text(k))).toEqual([TEXTS[3], TEXTS[0], TEXTS[2]]);
  expect(() => history.at(4)).toThrow("history-step");
  expect(() => history.at(0.5)).toThrow("history-step");
});

test("forward and back walk between the first and the last graph", () => {
  const { history } = recorded();
  expect([history.position, history.forward()]).toEqual([3, null]);
  expect(history.back()?.rule).toBe("testNegNeg");
  history.at(0);
  expect(history.back()).toBeNull();
  expect(history.forward()?.rule).toBe("merge");
  expect(history.position).toBe(1);
});

test("steps carry the user's line", () => {
  expect(recorded().history.steps[2]?.line).toMatch(/history\.test\.ts:\d+/);
});

test("through JSON it prints the same", () => {
  const { history } = recorded();
  const back = History.fromJSON(JSON.parse(JSON.stringify(history)) as ReturnType<History["toJSON"]>);
  expect(texts(back)).toEqual(texts(history));
  expect(back.steps.map((s) => s.line)).toEqual(history.steps.map((s) => s.line));
});

test("a recorded graph can be edited afterwards, with its history kept", () => {
  const { history, g } = recorded();
  fillGraph(new FunctionGraph(), [], []);
  rewriteGraph(g, { rules: [negNeg] });
  expect(history.text(3)).toBe(TEXTS[3]);
});
