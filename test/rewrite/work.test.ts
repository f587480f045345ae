/** How much work rewriting is: counted, so that a loaded machine says the same. Deep gradients and widely read variables cost in proportion. */
import { describe, expect, test } from "vitest";
import { prepare } from "../../src/compile/prepare.js";
import { fillGraph } from "../../src/graph/edit.js";
import { type ApplyNode, FunctionGraph, type VarId } from "../../src/graph/function_graph.js";
import type { Rule } from "../../src/graph/rule.js";
import { T, type Variable } from "../../src/index.js";
import { exp } from "../../src/ops/math.js";
import { rewriteGraph } from "../../src/rewrite/engine.js";
import { allRules } from "../../src/rewrite/rules.js";

/** Counts how often rows of applies are read and variables are looked up. */
class Counting extends FunctionGraph {
  reads = 0;
  lookups = 0;

  override apply(id: number): ApplyNode {
    this.reads++;
    return super.apply(id);
  }

  override idOf(v: Variable): VarId | undefined {
    this.lookups++;
    return super.idOf(v);
  }
}

/** Work for each apply of the graph as given. */
function work(inputs: readonly Variable[], output: Variable) {
  const g = new Counting();
  fillGraph(g, inputs, prepare(inputs, [output], {}).outputs);
  const size = g.tables.applies.size;
  let tries = 0;
  const counted = allRules().map((r): Rule => ({
    ...r,
    rewrite: (node, context) => {
      tries++;
      return r.rewrite(node, context);
    },
  }));
  [g.reads, g.lookups] = [0, 0];
  const { phases } = rewriteGraph(g, { rules: counted, check: false });
  return { fired: phases.reduce((n, p) => n + p.fired, 0), tries: tries / size, reads: g.reads / size, lookups: g.lookups / size };
}

function deepGradient(n: number) {
  const x = T.vector("x");
  let y: Variable = x;
  for (let i = 0; i < n; i++) y = T.tanh(y).mul(1.5);
  return work([x], T.grad(T.sum(y), x));
}

function wideSum(n: number) {
  const x = T.vector("x");
  const read = T.exp(x).mul(x);
  let y: Variable = x;
  for (let i = 0; i < n; i++) y = T.tanh(y.mul(read));
  return work([x], y);
}

describe.each([["the gradient of a deep chain", deepGradient], ["a variable with many readers", wideSum]] as const)("%s", (_, build) => {
  test("work for each apply does not grow with the graph", () => {
    const [small, large] = [build(100), build(400)];
    expect(large.tries).toBeLessThan(1.3 * small.tries);
    expect(large.tries).toBeLessThan(20);
    expect(large.reads).toBeLessThan(1.5 * small.reads);
    expect(large.lookups).toBeLessThan(1.5 * small.lookups);
  });
});

test("a rule that puts a result in the place of what it is computed from is refused, by the name of its op", () => {
  const x = T.vector("x");
  const below: Rule = {
    name: "testBelow", phase: "canonicalise", exactness: "exact", source: "", roots: [exp.op], example: () => ({ inputs: [x], before: exp(x) }),
    rewrite: (node, context) => {
      let v = node.outputs[0] as Variable;
      for (let next = context.consumers(v)[0]; next !== undefined; next = context.consumers(v)[0]) v = next.outputs[0] as Variable;
      return v;
    },
  };
  const run = (output: Variable) => {
    const g = new FunctionGraph();
    fillGraph(g, [x], [output]);
    rewriteGraph(g, { rules: [below] });
  };
  expect(() => run(T.tanh(T.exp(x)))).toThrow(/float32\[\?\] is replaced by what tanh computes from it/);
  expect(() => run(T.tanh(T.sin(T.cos(T.exp(x)))))).toThrow(/what tanh computes from it/);
});
