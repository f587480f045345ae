/** scan's rewrites: each on its own example (fires, keeps values), and together on loops as users write them: what is left of the graph. */
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { fillGraph } from "../../src/graph/edit.js";
import { appliesOf, FunctionGraph } from "../../src/graph/function_graph.js";
import type { Rule } from "../../src/graph/rule.js";
import type { Apply, Variable } from "../../src/graph/variable.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { dot } from "../../src/ops/dot.js";
import { add, mul } from "../../src/ops/elementwise.js";
import { constant, inputMakers as T } from "../../src/ops/inputs.js";
import { tanh } from "../../src/ops/math.js";
import { drawArray, seededUniform } from "../../src/ops/samples.js";
import { sigmoid } from "../../src/ops/sigmoid.js";
import { rewriteGraph } from "../../src/rewrite/engine.js";
import { printGraph } from "../../src/rewrite/print.js";
import { paramsOf } from "../../src/scan/parts.js";
import { scan } from "../../src/scan/scan.js";
import { scanOp, scanRules } from "../../src/scan/scan_op.js";
import { STRUCTURES } from "./structures.js";

function rewritten(outputs: readonly Variable[], inputs: readonly Variable[], rules?: readonly Rule[]): { outputs: Variable[]; fired: (name: string) => number } {
  const g = new FunctionGraph();
  fillGraph(g, inputs, outputs);
  const report = rewriteGraph(g, { check: true, ...(rules === undefined ? {} : { rules, exclude: ["fold"] }) });
  return { outputs: g.tables.outputs.map((o) => g.view(o)), fired: (name) => report.rules.get(name)?.fired ?? 0 };
}

const uniform = seededUniform(3);
const draw = (v: Variable): NdArray => (v.type.isFloat ? drawArray(v.dtype, v.broadcastable.map((b) => (b ? 1 : 3)), uniform, { low: 0.2, high: 1 }) : NdArray.scalar(3, "int32"));

/** Values before and after agree, whatever was rewritten. */
function expectSame(before: readonly Variable[], after: readonly Variable[], inputs: readonly Variable[]): void {
  const env = new Map(inputs.map((v) => [v, draw(v)] as const));
  const [a, b] = [interpret(before, env), interpret(after, env)];
  a.forEach((x, i) => {
    expect(b[i]?.shape).toEqual(x.shape);
    x.data.forEach((e, n) => {
      expect(Math.abs((b[i]?.data[n] as number) - e)).toBeLessThan(1e-12 * (1 + Math.abs(e)));
    });
  });
}

const scans = (outputs: readonly Variable[]): Apply[] => appliesOf(outputs).filter((a) => a.op === scanOp);
const bodyOps = (a: Apply): string[] => appliesOf(paramsOf(a).body.outputs).map((b) => b.op.name);

describe.each(scanRules.map((rule) => [rule.name, rule] as const))("%s", (name, rule) => {
  test("alone fires on its example, gives the pinned structure and keeps values", () => {
    const { inputs, before } = rule.example();
    const { outputs, fired } = rewritten([before], inputs, [rule]);
    expect(fired(name)).toBeGreaterThan(0);
    expect(printGraph(outputs)).toBe(STRUCTURES[name]);
    expectSame([before], outputs, inputs);
  });
});

describe("loops as users write them", () => {
  const x = T.dmatrix("x");
  const W = T.dmatrix("W");
  const U = T.dmatrix("U");
  const h0 = T.dvector("h0");
  const n = T.iscalar("n");

  test("of a long chain only the last state is kept: memory for one state", () => {
    const gibbs = (v: Variable): [Variable, Variable, Variable] => {
      const pre = dot(v, W);
      const mean = sigmoid(pre);
      return [pre, mean, sigmoid(dot(mean, W.T))];
    };
    const [[pre, , chain]] = scan({ fn: (v: Variable) => gibbs(v), outputsInfo: [null, null, h0], nSteps: n });
    const wanted = [chain.get(-1), pre.get(-1)];
    const { outputs } = rewritten(wanted, [W, h0, n]);
    const [only, ...more] = scans(outputs);
    expect(more).toEqual([]);
    expect(paramsOf(only as Apply).keep).toEqual(["last"]);
    expect(outputs[0]?.owner).toBe(only);
    expect(outputs[0]?.index).toBe(0);
    expectSame(wanted, outputs, [W, h0, n]);
  });

  test("a chain with all steps asked for keeps them, and [-1] is the state", () => {
    const [chain] = scan({ fn: (v: Variable) => tanh(dot(v, W)), outputsInfo: h0, nSteps: n });
    const { outputs } = rewritten([chain, chain.get(-1)], [W, h0, n]);
    expect(scans(outputs)).toHaveLength(1);
    expect(outputs.map((v) => v.index)).toEqual([1, 0]);
  });

  test("products of rows with weights leave the loop; products of the state stay", () => {
    const [h] = scan({ fn: (row: Variable, before: Variable) => tanh(add(dot(row, W), dot(before, U))), sequences: x, outputsInfo: h0 });
    const { outputs } = rewritten([h], [x, W, U, h0]);
    const [loop] = scans(outputs) as [Apply];
    expect(bodyOps(loop).filter((o) => o === "dot")).toHaveLength(1);
    expect(appliesOf(outputs).filter((a) => a.op === dot.op)).toHaveLength(1);
    expectSame([h], outputs, [x, W, U, h0]);
  });

  test("BPTT reads the states that the user's loop keeps: two loops, no product of the forward pass twice", () => {
    const [h] = scan({ fn: (row: Variable, before: Variable) => tanh(add(dot(row, W), dot(before, U))), sequences: x, outputsInfo: h0 });
    const cost = mul(h, h).sum();
    const wanted = [cost, ...grad(cost, [W, U, h0])];
    const { outputs } = rewritten(wanted, [x, W, U, h0]);
    const [forward, back] = scans(outputs) as [Apply, Apply];
    expect(scans(outputs)).toHaveLength(2);
    expect(paramsOf(forward).keep).toEqual(["all"]);
    expect(bodyOps(back).filter((o) => o === "dot" || o === "tanh")).toEqual(["dot"]);
    expect(appliesOf(outputs).filter((a) => a.op === dot.op)).toHaveLength(3);
    expectSame(wanted, outputs, [x, W, U, h0]);
  });

  test("where older states are needed too, the gradient's forward pass and the user's loop become one", () => {
    const y0 = T.dvector("y0");
    const [y] = scan({ fn: (far: Variable, near: Variable) => tanh(mul(far, near)), outputsInfo: { initial: y0, taps: [-3, -1] }, nSteps: n });
    const wanted = [y, grad(y.sum(), y0)];
    expect(scans(wanted)).toHaveLength(3);
    const { outputs, fired } = rewritten(wanted, [y0, n]);
    expect(fired("scanMerge")).toBeGreaterThan(0);
    expect(scans(outputs)).toHaveLength(2);
    expectSame(wanted, outputs, [y0, n]);
  });

  test("gradients that nobody asked for are not computed", () => {
    const [h] = scan({ fn: (row: Variable, before: Variable) => tanh(add(dot(row, W), dot(before, U))), sequences: x, outputsInfo: h0 });
    const gh = grad(h.sum(), h0);
    const { outputs } = rewritten([gh], [x, W, U, h0]);
    const back = outputs[0]?.owner as Apply;
    expect(back.op).toBe(scanOp);
    expect(paramsOf(back).carries).toBe(1);
    expect(paramsOf(back).keep).toEqual([]);
  });

  test("weights' gradients are one product of stacks each, after the backward loop; the bias's sum is taken there too", () => {
    const b = T.dvector("b");
    const [h] = scan({ fn: (row: Variable, before: Variable) => tanh(add(add(dot(row, W), dot(before, U)), b)), sequences: x, outputsInfo: h0 });
    const wanted = grad(mul(h, h).sum(), [W, U, b]);
    const { outputs } = rewritten(wanted, [x, W, U, b, h0]);
    const back = scans(outputs).at(-1) as Apply;
    expect(paramsOf(back).carries).toBe(1);
    expect(paramsOf(back).keep).toEqual(["all"]);
    expectSame(wanted, outputs, [x, W, U, b, h0]);
  });

  test("likewise with a batch in each step", () => {
    const [xs, H] = [T.dtensor3("xs"), T.dmatrix("H")];
    const [h] = scan({ fn: (rows: Variable, before: Variable) => tanh(add(dot(rows, W), dot(before, U))), sequences: xs, outputsInfo: H });
    const wanted = grad(mul(h, h).sum(), [W, U]);
    const { outputs } = rewritten(wanted, [xs, W, U, H]);
    const [forward, back] = scans(outputs) as [Apply, Apply];
    expect(bodyOps(forward).filter((o) => o === "dot")).toHaveLength(1);
    expect(bodyOps(back).filter((o) => o === "dot")).toHaveLength(1);
    expect(paramsOf(back).carries).toBe(1);
    expectSame(wanted, outputs, [xs, W, U, H]);
  });

  test("a product that the gradient reads is kept with what is added to it, and not computed again", () => {
    const [xs, H] = [T.dtensor3("xs"), T.dmatrix("H")];
    const step = (rows: Variable, before: Variable): Variable => {
      const gates = add(dot(before, U), rows);
      return mul(tanh(gates), sigmoid(gates));
    };
    const [h] = scan({ fn: step, sequences: xs, outputsInfo: H });
    const wanted = [h, grad(mul(h, h).sum(), U)];
    const { outputs } = rewritten(wanted, [xs, U, H]);
    const loops = scans(outputs);
    expect(loops).toHaveLength(2);
    const [forward, back] = loops as [Apply, Apply];
    expect(paramsOf(forward).keep).toEqual(["all", "all"]);
    expect(paramsOf(forward).sequences).toBe(1);
    expect(bodyOps(back).filter((o) => o === "dot")).toHaveLength(1);
    // Forward, backward, and the weights' gradient.
    expect([...bodyOps(forward), ...bodyOps(back), ...appliesOf(outputs).map((a) => a.op.name)].filter((o) => o === "dot")).toHaveLength(3);
    expectSame(wanted, outputs, [xs, U, H]);
  });

  test("second derivatives: loops stay few and values right", () => {
    const s = T.dscalar("s");
    const [y] = scan({ fn: (v: Variable) => tanh(mul(mul(v, v), 1.5)), outputsInfo: s, nSteps: n });
    const wanted = [grad(grad(y.sum(), s), s)];
    const { outputs } = rewritten(wanted, [s, n]);
    expect(scans(outputs).length).toBeLessThanOrEqual(4);
    expectSame(wanted, outputs, [s, n]);
  });

  test("an accumulating state that is never read outside goes away", () => {
    const [[, b]] = scan({ fn: (row: Variable, total: Variable) => [add(total, row), mul(row, 2)], sequences: x, outputsInfo: [h0, null] });
    const { outputs } = rewritten([b], [x, h0]);
    expect(paramsOf(scans(outputs)[0] as Apply).carries).toBe(0);
  });

  test("a scan in a scan is rewritten too: only the last sum is kept", () => {
    const [sums] = scan({ fn: (row: Variable) => scan({ fn: (v: Variable, s: Variable) => add(v, s), sequences: row, outputsInfo: constant(0, { dtype: "float64" }) })[0].get(-1), sequences: x });
    const { outputs } = rewritten([sums], [x]);
    const inner = scans(paramsOf(scans(outputs)[0] as Apply).body.outputs)[0] as Apply;
    expect(paramsOf(inner).keep).toEqual([]);
    expectSame([sums], outputs, [x]);
  });
});
