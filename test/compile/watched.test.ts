/** On random graphs: watching changes nothing, test values are what functions give, and rewriting is never taken for wrong. */
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { RewriteCheck } from "../../src/compile/rewrite_check.js";
import { fillGraph } from "../../src/graph/edit.js";
import { FunctionGraph } from "../../src/graph/function_graph.js";
import { testValueOf, withTestValues } from "../../src/graph/test_value.js";
import { closeDevices, compile, config, In, MonitorMode, type NdArray, ProfileStats, type Variable } from "../../src/index.js";
import { rewriteGraph } from "../../src/rewrite/engine.js";
import { GeneratedGraph, graphs } from "../../src/testing/index.js";
import { dbn, logistic, rbm, recurrent, sequence, type Tutorial } from "./tutorials.js";

const runs = Number(process.env.DAMO_FUZZ ?? 40);
const environment = (g: GeneratedGraph): Map<Variable, NdArray> => new Map(g.inputs.map((v, i) => [v, g.values[i] as NdArray]));
const same = (a: NdArray | undefined, b: NdArray | undefined): void => {
  expect(a?.shape).toEqual(b?.shape);
  expect(a?.dtype).toBe(b?.dtype);
  expect(a?.data).toEqual(b?.data);
};

test("a function that is watched and measured gives what the interpreter gives, and shows each apply once", async () => {
  await fc.assert(
    fc.asyncProperty(graphs(), async (g) => {
      let shown = 0;
      const profile = new ProfileStats();
      const mode = new MonitorMode({ optimizer: "none", postFunc: () => void shown++ });
      const f = compile([...g.inputs], [...g.outputs], { mode, profile, onUnusedInput: "ignore", noDefaultUpdates: true });
      const got = await f(...g.values);
      const want = interpret(f.graph.outputs, environment(g));
      got.forEach((x, i) => { expect(typeof x === "object" ? x.data : [Number(x)]).toEqual(typeof x === "object" ? want[i]?.data : [...(want[i] as NdArray).data]); });
      expect(profile.rows().reduce((n, r) => n + r.calls, 0)).toBe(shown);
    }),
    { numRuns: runs },
  );
});

test("test values are what the interpreter gives", () => {
  fc.assert(
    fc.property(graphs(), (g) => {
      g.inputs.forEach((v, i) => { v.tag.testValue = g.values[i]; });
      const want = interpret(g.outputs, environment(g));
      withTestValues("raise", () => g.outputs.forEach((o, i) => same(testValueOf(o), want[i])));
    }),
    { numRuns: runs },
  );
});

test.each([["outputs", (g: GeneratedGraph) => g], ["gradients", (g: GeneratedGraph) => g.gradients()]] as const)("rewriting keeps values: %s", (_, of) => {
  fc.assert(
    fc.property(graphs({ dtype: "float64", ops: (op) => op.fields.gradient !== undefined }), (made) => {
      const graph = of(made);
      const g = new FunctionGraph();
      const rewriting = { history: true, mode: "fast_run" } as const;
      fillGraph(g, graph.inputs, graph.outputs);
      const report = rewriteGraph(g, rewriting);
      const prepared = { inputs: graph.inputs.map((v) => In(v)), outputs: graph.outputs, updated: [] };
      if (report.history !== null) new RewriteCheck(prepared, rewriting, report, report.history).check(environment(graph));
    }),
    { numRuns: runs },
  );
});

describe("the tutorials' training functions: the same costs and values in every mode, and no alarm", () => {
  afterEach(async () => {
    config.mode = "fast_run";
    await closeDevices();
  });

  const cases: readonly (readonly [string, () => Tutorial, readonly (number | NdArray | readonly number[])[]])[] = [
    ["logistic regression", () => logistic("reference"), [1]],
    ["RBM, CD-1, NumPy's draws", () => rbm("reference", { k: 1, persistent: false }), [0]],
    ["RBM, PCD-3, MRG", () => rbm("reference", { k: 3, persistent: true, streams: "mrg" }), [1]],
    ["DBN, pretraining", () => dbn("reference").pretrain[1] as Tutorial, [0]],
    ["DBN, fine-tuning", () => dbn("reference").finetune, [1]],
    ["a recurrent network", () => recurrent("reference"), sequence()],
  ];

  async function trained(mode: typeof config.mode, build: () => Tutorial, args: readonly (number | NdArray | readonly number[])[]): Promise<{ costs: number[]; state: NdArray[] }> {
    config.mode = mode;
    const { train, state } = build();
    const costs: number[] = [];
    // Pretraining takes its learning rate by name.
    const named = "lr" in Object.fromEntries(train.graph.inputs.map((v) => [v.name, v])) ? [{ lr: 0.1 }] : [];
    for (let n = 0; n < 3; n++) costs.push(Number(await train(...args, ...named)));
    return { costs, state: await Promise.all(state.map((s) => s.getValue())) };
  }

  test.each(cases)("%s", async (_, build, args) => {
    const plain = await trained("fast_run", build, args);
    for (const mode of ["debug", "nan_guard"] as const) {
      const { costs, state } = await trained(mode, build, args);
      costs.forEach((c, i) => { expect(c).toBeCloseTo(plain.costs[i] as number, 5); });
      state.forEach((x, i) => x.data.forEach((e, n) => { expect(e).toBeCloseTo(plain.state[i]?.data[n] as number, 5); }));
    }
  });
});
