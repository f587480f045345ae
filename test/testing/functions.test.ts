/** damo/testing: functions with updates that are called several times: what the arbitrary promises, and what the check finds. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Constant, type DamoError, shared, SharedVariable, T } from "damo";
import * as kit from "damo/testing";
import { leavesOf } from "../../src/graph/clone.js";

const code = (c: string): DamoError => expect.objectContaining({ code: c }) as DamoError;
const OPTIONS = { devices: ["reference"], modes: ["fast_run"] } as const;
const SEED = 31;

describe("generated functions", () => {
  const sample = fc.sample(kit.functions({ maxSteps: 6 }), { numRuns: 60, seed: SEED });

  test("have updates of their own and of draws, are called three times, and change from call to call", () => {
    expect(sample.filter((f) => f.updates.length > 0).length).toBeGreaterThan(30);
    expect(sample.filter((f) => f.updates.some(([v]) => v.defaultUpdate !== null)).length).toBeGreaterThan(3);
    expect(sample.filter((f) => f.calls === 3).length).toBeGreaterThan(40);
    const changing = sample.filter((f) => f.calls === 3 && f.expected[0]!.some((x, i) => x.data.some((e, n) => e !== f.expected[2]![i]!.data[n])));
    expect(changing.length).toBeGreaterThan(15);
    for (const f of sample) for (const [v, next] of f.updates) expect(next.type.equals(v.type)).toBe(true);
    // An update may read an input that no output reads.
    for (const f of sample) expect(leavesOf([...f.outputs, ...f.updates.map(([, next]) => next)]).filter((v) => !(v instanceof Constant || v instanceof SharedVariable || f.inputs.includes(v)))).toEqual([]);
  });

  test("print code that means the same", async () => {
    for (const f of sample.slice(0, 8)) {
      const text = kit.snippet(f);
      expect(text).toContain("await functionParity(graph);");
      const plain = text.replace(/^(import|await) .*$/gm, "").replace(/ as (\[[\w, ]*\]|const)/g, "");
      const again = new Function(...Object.keys(kit), `${plain}\nreturn graph;`)(...Object.values(kit)) as kit.TestFunction;
      expect(kit.snippet(again)).toBe(text);
    }
    expect(fc.stringify(sample[0])).toMatch(/^a function of \d inputs with \d updates, called \d times:\nimport/);
  });

  test("hold on the reference device", async () => {
    await fc.assert(fc.asyncProperty(kit.functions({ maxSteps: 5 }), (f) => kit.functionParity(f, OPTIONS)), { numRuns: 25, seed: SEED });
  }, 120_000);
});

describe("functionParity", () => {
  const w = shared([1, 2], { name: "w", dtype: "float32" });
  const function_ = { inputs: [], values: [], outputs: [w.mul(2)], updates: [[w, w.add(1)]] as const, calls: 3 };
  const a = (...xs: number[]) => kit.array("float64", [xs.length], xs);
  const expected = [[a(2, 4)], [a(4, 6)], [a(6, 8)]];

  test("passes what holds, and puts values back", async () => {
    await kit.functionParity(function_, OPTIONS);
    await kit.functionParity({ ...function_, expected, after: [a(4, 5)] }, OPTIONS);
    expect((await w.getValue()).toArray()).toEqual([1, 2]);
  });

  test("names the call or the shared variable that is off", async () => {
    const wrong = [expected[0]!, [a(4, 7)], expected[2]!];
    await expect(kit.functionParity({ ...function_, expected: wrong, after: [a(4, 5)] }, OPTIONS)).rejects.toThrow(/Output 0 .* of call 1 on reference in mode fast_run: element 1 is 6 and should be 7/);
    await expect(kit.functionParity({ ...function_, expected, after: [a(4, 6)] }, OPTIONS)).rejects.toThrow(/w.* after 3 calls on reference/);
    await expect(kit.functionParity({ ...function_, expected, after: [a(4, 6)] }, OPTIONS)).rejects.toThrowError(code("parity"));
    expect((await w.getValue()).toArray()).toEqual([1, 2]);
  });

  test("reads what random states become", async () => {
    const [f] = fc.sample(kit.functions({ kinds: ["draw"], maxSteps: 3 }), { numRuns: 20, seed: SEED }).filter((g) => g.updates.some(([v]) => v.dtype === "int32" && v.ndim === 2));
    await kit.functionParity(f!, OPTIONS);
    const [first] = f!.after;
    const moved = { ...f!, after: [kit.array(first!.dtype, first!.shape, Array.from(first!.data, (x) => x + 1)), ...f!.after.slice(1)] };
    await expect(kit.functionParity(moved, OPTIONS)).rejects.toThrowError(code("parity"));
  });
});

test("a scalar of a graph is judged as its dtype says", async () => {
  const x = kit.input("int32", [], "x");
  await kit.functionParity({ inputs: [x], values: [kit.array("int32", [], [2])], outputs: [T.mul(x, 3)], updates: [], calls: 2 }, OPTIONS);
});
