/** The article's RBM graphs after rewriting: what is hoisted, kept and made finite, and that rewriting them is quick. */
import { describe, expect, test } from "vitest";
import { prepare } from "../../src/compile/prepare.js";
import { graphProblems } from "../../src/graph/check.js";
import { fillGraph } from "../../src/graph/edit.js";
import { FunctionGraph } from "../../src/graph/function_graph.js";
import { MRGRandomStreams, numpy as np, RandomStreams, shared, T } from "../../src/index.js";
import { RBM } from "../../src/models/rbm.js";
import { rewriteGraph } from "../../src/rewrite/engine.js";
import { History } from "../../src/rewrite/history.js";
import { printGraph } from "../../src/rewrite/print.js";

interface How { readonly k: number; readonly persistent: boolean; readonly Streams: typeof RandomStreams | typeof MRGRandomStreams; readonly history?: boolean }

function rewritten({ k, persistent, Streams, history = false }: How) {
  const x = T.matrix("x");
  const rbm = new RBM({ input: x, nVisible: 12, nHidden: 5, theanoRng: new Streams(123), numpyRng: new np.random.RandomState(123) });
  const chain = persistent ? shared(np.zeros([4, 5], { dtype: "float32" }), { name: "chain" }) : null;
  const [cost, updates] = rbm.getCostUpdates({ lr: 0.1, persistent: chain, k });
  const { outputs } = prepare([x], [cost], { updates });
  const g = new FunctionGraph();
  fillGraph(g, [x], outputs);
  const cpu = process.cpuUsage();
  const report = rewriteGraph(g, { history });
  return { g, report, ms: process.cpuUsage(cpu).user / 1000, text: printGraph(g.tables.outputs.map((o) => g.view(o))) };
}

describe.each([["PCD-15", { k: 15, persistent: true, Streams: RandomStreams }], ["CD-1", { k: 1, persistent: false, Streams: MRGRandomStreams }]] as const)("%s", (_, how) => {
  test("free energies and crossentropies are softplus; nothing takes a logarithm or an exponential", () => {
    const { text } = rewritten(how);
    expect(text).toContain("softplus(");
    expect(text).not.toMatch(/\b(log|log1p|exp|fill)\(/);
  });

  test("rewriting a second time finds nothing", () => {
    const { g } = rewritten(how);
    expect(rewriteGraph(g, { check: true }).phases.map((p) => p.fired)).toEqual([0, 0, 0]);
  });

  test("its history can be walked and comes back from JSON", () => {
    const { report, text } = rewritten({ ...how, history: true });
    const history = report.history as History;
    expect(history.length).toBeGreaterThan(30);
    expect(history.text(history.length)).toBe(text);
    for (let k = 0; k <= history.length; k++) expect(graphProblems(history.at(k))).toEqual([]);
    const back = History.fromJSON(JSON.parse(JSON.stringify(history)) as ReturnType<History["toJSON"]>);
    const middle = Math.floor(history.length / 2);
    for (const k of [0, middle, history.length]) expect(back.text(k).replaceAll(/body=.*?, sequences/g, "")).toBe(history.text(k).replaceAll(/body=.*?, sequences/g, ""));
  });

  test("rewriting is quick once warm", () => {
    const times = [1, 2, 3].map(() => rewritten(how).ms);
    expect(Math.min(...times)).toBeLessThan(400);
  });
});
