/** compile(…, { history: true }): every rewrite of a user's function, forwards, backwards and through JSON. */
import { expect, test } from "vitest";
import { compile, grad, T } from "../../src/index.js";
import { History } from "../../src/rewrite/history.js";

function recorded() {
  const [x, W] = [T.dmatrix("x"), T.dmatrix("W")];
  const cost = T.sum(T.log(T.add(1, T.exp(T.dot(x, W)))));
  const f = compile([x, W], [cost, grad(cost, W)], { device: "reference", history: true });
  if (f.history === null) throw new Error("history was asked for");
  return { f, history: f.history };
}

const texts = (h: History): string[] => Array.from({ length: h.length + 1 }, (_, k) => h.text(k));

test("from what was written to what runs", async () => {
  const { f, history } = recorded();
  expect(history.length).toBeGreaterThan(3);
  expect(history.text(0)).toMatch(/sum\{.*log\(.*add\(.*exp\(/);
  expect(history.text(history.length)).toMatch(/softplus\(.*sigmoid\(/);
  expect(history.text(history.length)).not.toMatch(/exp\(|log\(/);
  expect(history.steps.map((s) => s.rule)).toContain("merge");
  // A recorded function computes what an unrecorded one does.
  expect((await f([[0]], [[3]]))[0]).toBe(Math.log(2));
});

test("steps name their rule, their phase and the user's line", () => {
  for (const { rule, phase, line } of recorded().history.steps) {
    expect(rule).not.toBe("");
    expect(["canonicalise", "stabilise", "specialise"]).toContain(phase);
    // Merging and folding concern the whole graph, and no line of it.
    if (!["merge", "fold"].includes(rule)) expect(line).toMatch(/history\.test\.ts:\d+/);
  }
});

test("any order of steps gives the same graphs", () => {
  const { history } = recorded();
  const all = texts(history);
  expect(new Set(all).size).toBeGreaterThan(3);
  history.at(0);
  for (let k = 1; history.forward() !== null; k++) expect(history.text(history.position)).toBe(all[k]);
  expect(history.position).toBe(history.length);
  for (let k = history.length - 1; history.back() !== null; k--) expect(history.text(history.position)).toBe(all[k]);
  expect(history.position).toBe(0);
  expect(history.at(history.length).tables.outputs).toHaveLength(2);
});

test("JSON keeps it", () => {
  const { history } = recorded();
  const json = JSON.stringify(history);
  const back = History.fromJSON(JSON.parse(json) as ReturnType<History["toJSON"]>);
  expect(texts(back)).toEqual(texts(history));
  expect(back.steps.map(({ rule, phase, line }) => [rule, phase, line])).toEqual(history.steps.map(({ rule, phase, line }) => [rule, phase, line]));
  expect(JSON.stringify(back)).toBe(json);
});

test("is not kept unless asked for", () => {
  const x = T.dscalar("x");
  expect(compile([x], x.add(0), { device: "reference" }).history).toBeNull();
});
