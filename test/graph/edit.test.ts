/** The writer of FunctionGraphs: random replacements keep every invariant, recorded or not, and recorded ones can be undone. */
import fc from "fast-check";
import { applyPatches } from "immer";
import { describe, expect, test } from "vitest";
import { graphProblems } from "../../src/graph/check.js";
import { fillGraph, replaceAll } from "../../src/graph/edit.js";
import { FunctionGraph, type Tables } from "../../src/graph/function_graph.js";
import { tensorType } from "../../src/graph/types.js";
import { scalarConstant, Variable } from "../../src/graph/variable.js";
import { add, mul, neg } from "../../src/ops/elementwise.js";
import { exp } from "../../src/ops/math.js";
import { printGraph } from "../../src/rewrite/print.js";

const scalar = (name: string) => new Variable(tensorType("float32", 0), { name });

/** A graph of `picks.length` applies over x and y; each picks its op and inputs among what there is. */
function randomGraph(picks: readonly (readonly [number, number, number])[]): FunctionGraph {
  const pool: Variable[] = [scalar("x"), scalar("y"), scalarConstant(2, "float32")];
  for (const [op, i, j] of picks) {
    const [a, b] = [pool[i % pool.length] as Variable, pool[j % pool.length] as Variable];
    pool.push([() => add(a, b), () => mul(a, b), () => neg(a), () => exp(b)][op % 4]?.() as Variable);
  }
  const g = new FunctionGraph();
  fillGraph(g, pool.slice(0, 2), pool.slice(-2));
  return g;
}

const picks = fc.array(fc.tuple(fc.nat(3), fc.nat(40), fc.nat(40)), { minLength: 2, maxLength: 20 });
const text = (g: FunctionGraph): string => printGraph(g.tables.outputs.map((o) => g.view(o)));
const plain = (t: Tables): unknown => ({ vars: [...t.vars.keys()].sort(), applies: [...t.applies].map(([k, a]) => [k, a.inputs, a.outputs]).sort(), outputs: t.outputs });

describe.each([true, false])("record: %s", (record) => {
  test("random replacements leave a sound graph", () => {
    fc.assert(
      fc.property(picks, fc.array(fc.tuple(fc.nat(3), fc.nat(40)), { maxLength: 8 }), (graph, edits) => {
        const g = randomGraph(graph);
        expect(graphProblems(g)).toEqual([]);
        for (const [how, which] of edits) {
          const results = g.order().flatMap((a) => a.outputs);
          const id = results[which % Math.max(1, results.length)];
          if (id === undefined) break;
          const v = g.view(id);
          const input = v.owner?.inputs[0] as Variable;
          replaceAll(g, [[id, [() => neg(neg(v)), () => input, () => mul(input, scalarConstant(3, "float32")), () => scalarConstant(1, "float32")][how]?.() as Variable]], { record });
          expect(graphProblems(g)).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });
});

test("a recorded change undone is the graph before", () => {
  fc.assert(
    fc.property(picks, fc.nat(40), (graph, which) => {
      const g = randomGraph(graph);
      const results = g.order().flatMap((a) => a.outputs);
      const id = results[which % Math.max(1, results.length)];
      if (id === undefined) return;
      const before = g.tables;
      const change = replaceAll(g, [[id, exp(g.view(id).owner?.inputs[0] as Variable)]], { record: true });
      if (change === null) return;
      expect(plain(applyPatches(g.tables, [...change.inverse]))).toEqual(plain(before));
      expect(plain(applyPatches(before, [...change.patches]))).toEqual(plain(g.tables));
    }),
    { numRuns: 100 },
  );
});

test("replacing x by f(x) does not make f read itself", () => {
  const x = scalar("x");
  const y = exp(x);
  const g = new FunctionGraph();
  fillGraph(g, [x], [add(y, 1)]);
  replaceAll(g, [[g.idOf(y) as number, neg(neg(y))]], { record: false });
  expect(text(g)).toBe("add(neg(neg(exp(x))), 1)");
});

test("what nothing needs is dropped, inputs stay, and leaves that are replaced go", () => {
  const [x, y] = [scalar("x"), scalar("y")];
  const g = new FunctionGraph();
  fillGraph(g, [x, y], [mul(exp(neg(x)), scalarConstant(2, "float32"))]);
  replaceAll(g, [[g.tables.outputs[0] as number, y]], { record: false });
  expect([g.tables.applies.size, g.tables.vars.size, text(g)]).toEqual([0, 2, "y"]);
});

test("a replacement by itself changes nothing; of another type it is an error", () => {
  const x = scalar("x");
  const y = exp(x);
  const g = new FunctionGraph();
  fillGraph(g, [x], [y]);
  expect(replaceAll(g, [[g.idOf(y) as number, y]], { record: false })).toBeNull();
  expect(() => replaceAll(g, [[g.idOf(y) as number, scalarConstant(1, "float64")]], { record: false })).toThrow("may not be replaced");
});
