/**
 * Every rule proves itself on its own example: alone it fires, gives the pinned structure, and keeps the values as far as its exactness
 * promises. A new rule is tested by being collected; its structure is added to structures.ts.
 */
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { fillGraph } from "../../src/graph/edit.js";
import { FunctionGraph } from "../../src/graph/function_graph.js";
import type { Rule } from "../../src/graph/rule.js";
import type { Variable } from "../../src/graph/variable.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { drawArray, seededUniform } from "../../src/ops/samples.js";
import { rewriteGraph } from "../../src/rewrite/engine.js";
import { printGraph } from "../../src/rewrite/print.js";
import { allRules } from "../../src/rewrite/rules.js";
import { STRUCTURES } from "./structures.js";

/** Every axis that does not broadcast has length 3, integers are 0, 1 or 2: fit for labels, indices and square products alike. */
function draw(v: Variable, uniform: () => number): NdArray {
  const shape = v.broadcastable.map((b) => (b ? 1 : 3));
  if (v.type.isFloat) return drawArray(v.dtype, shape, uniform, { low: 0.2, high: 1.8 });
  const limit = v.dtype === "bool" ? 2 : 3;
  return drawArray("float64", shape, uniform, { low: 0, high: limit }).astype(v.dtype);
}

/** The rule alone, in its phase. */
function rewritten(rule: Rule) {
  const { inputs, before } = rule.example();
  const g = new FunctionGraph();
  fillGraph(g, inputs, [before]);
  const { rules } = rewriteGraph(g, { rules: [rule], exclude: ["fold"], check: true });
  const after = g.tables.outputs.map((o) => g.view(o));
  return { inputs, before, after, fired: rules.get(rule.name)?.fired ?? 0, text: printGraph(after) };
}

describe.each(allRules().map((rule) => [rule.name, rule] as const))("%s", (name, rule) => {
  test("fires on its example, with the pinned result", () => {
    const { fired, text } = rewritten(rule);
    expect(fired).toBeGreaterThan(0);
    expect(text).toBe(STRUCTURES[name]);
  });

  test(`keeps values (${rule.exactness})`, () => {
    const { inputs, before, after } = rewritten(rule);
    const uniform = seededUniform(7);
    for (let round = 0; round < 5; round++) {
      const env = new Map(inputs.map((v) => [v, draw(v, uniform)] as const));
      const [[a], [b]] = [interpret([before], env), interpret(after, env)];
      expect(b?.shape).toEqual(a?.shape);
      expect(b?.dtype).toBe(a?.dtype);
      const tolerance = rule.exactness === "exact" ? 0 : 1e-12;
      a?.data.forEach((x, i) => {
        expect(Math.abs((b?.data[i] as number) - x), `${name}[${i}]: ${x} became ${b?.data[i]}`).toBeLessThanOrEqual(tolerance * (1 + Math.abs(x)));
      });
    }
  });
});

test("no structure is pinned for a rule that does not exist", () => {
  const names = new Set(allRules().map((r) => r.name));
  expect(Object.keys(STRUCTURES).filter((n) => !names.has(n))).toEqual([]);
});
