/** Scans of every form on every device against float64: taps, several states, sequences, both directions, all steps and the last, gradients. */
import fc from "fast-check";
import { compile, grad, type NdArray, scan, slice, T, type Variable } from "damo";
import { expect } from "vitest";
import { backendParity, graphs } from "damo/testing";
import { drawArray, seededUniform } from "../../src/ops/samples.js";
import { casesFor, finish, onEachDevice } from "./devices.js";

const draw = (...shape: number[]): NdArray => drawArray("float32", shape, seededUniform(shape.length + 1), { low: -1, high: 1 });

type Form = readonly [string, readonly NdArray[], (...inputs: Variable[]) => Variable | readonly Variable[]];

const FORMS: readonly Form[] = [
  ["a running sum of rows", [draw(5, 3)], (x) => scan({ sequences: x!, outputsInfo: x!.get(0).mul(0), fn: (r: Variable, s: Variable) => s.add(r) })[0]],
  ["an output that is not fed back", [draw(4, 2)], (x) => scan({ sequences: x!, outputsInfo: [null], fn: (r: Variable) => [T.exp(r).sum()] })[0]],
  ["taps of states and sequences", [draw(6), draw(3)], (x, h) =>
    scan({ sequences: { input: x!, taps: [-1, 0, 1] }, outputsInfo: { initial: h!, taps: [-3, -1] }, fn: (a: Variable, b: Variable, c: Variable, p: Variable, q: Variable) => T.tanh(a.add(b.mul(c)).add(p).sub(q)) })[0]],
  ["two states that read each other", [draw(2, 3), draw(3, 3)], (h, w) =>
    scan({ outputsInfo: [h!, h!.mul(2)], nonSequences: w!, nSteps: 4, fn: (p: Variable, q: Variable, m: Variable) => [T.tanh(T.dot(q, m)), T.nnet.sigmoid(T.dot(p, m))] })[0]],
  ["backwards", [draw(4, 2)], (x) => scan({ sequences: x!, outputsInfo: x!.get(0), goBackwards: true, fn: (r: Variable, s: Variable) => s.mul(0.5).add(r) })[0]],
  ["the last step only", [draw(5, 3)], (x) => scan({ sequences: x!, outputsInfo: T.zerosLike(x!.get(0)), fn: (r: Variable, s: Variable) => T.maximum(r, s) })[0].get(-1)],
  ["the last two steps", [draw(5, 3)], (x) => scan({ sequences: x!, outputsInfo: T.zerosLike(x!.get(0)), fn: (r: Variable, s: Variable) => r.add(s) })[0].get(slice(-2, null))],
  ["a scan in a scan", [draw(3, 4)], (x) =>
    scan({ sequences: x!, outputsInfo: null, fn: (r: Variable) => scan({ sequences: r, outputsInfo: T.constant(1, { dtype: "float32" }), fn: (e: Variable, p: Variable) => p.mul(e.add(1.5)) })[0] })[0]],
  ["a matrix product per step with a softmax", [draw(4, 2, 3), draw(3, 3)], (x, w) => scan({ sequences: x!, nonSequences: w!, outputsInfo: [null], fn: (r: Variable, m: Variable) => [T.nnet.softmax(T.dot(r, m))] })[0]],
  ["gradients through a recurrence", [draw(4, 3), draw(3, 3), draw(3)], (x, w, h) => {
    const [hs] = scan({ sequences: x!, outputsInfo: h!, nonSequences: w!, fn: (r: Variable, s: Variable, m: Variable) => T.tanh(T.dot(s, m).add(r)) });
    return grad(hs.sqr().sum(), [x!, w!, h!]);
  }],
  ["gradients through taps, truncated", [draw(6), draw(2)], (x, h) => {
    const [ys] = scan({ sequences: x!, outputsInfo: { initial: h!, taps: [-2, -1] }, truncateGradient: 3, fn: (r: Variable, a: Variable, b: Variable) => T.sin(r.mul(a).add(b)) });
    return grad(ys.sum(), [x!, h!]);
  }],
];

for (const [name, points, form] of FORMS) onEachDevice(`scan, ${name}`, ({ name: device }) => backendParity(form, points, { devices: [device] }), { only: (s) => s.share > 0.1 || name === "a running sum of rows" || name === "gradients through a recurrence" });

onEachDevice("random graphs of scans", async (suite) => {
  await fc.assert(
    fc.asyncProperty(graphs({ kinds: ["scan", "elementwise", "index", "dot", "draw"], maxSteps: 5 }), (g) => backendParity(g, { devices: [suite.name], modes: ["fast_run"] })),
    { numRuns: casesFor(suite, 60), seed: 24 },
  );
}, { timeout: 300_000 });

onEachDevice("the number of steps is a value of the call", async ({ name }) => {
  const [n, x] = [T.iscalar("n"), T.fvector("x")];
  const [ys] = scan({ outputsInfo: x, nSteps: n, fn: (s: Variable) => s.mul(2) });
  const f = compile([n, x], ys.get(-1), { device: name });
  for (const steps of [1, 3, 6]) expect(((await f(steps, [1, -0.5])) as NdArray).toArray()).toEqual([2 ** steps, -0.5 * 2 ** steps]);
});


finish();
