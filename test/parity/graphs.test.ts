/**
 * Random graphs on every device, as written and rewritten, against float64; and their gradients, against finite differences and on devices.
 * A failure prints fast-check's seed and path, and code that rebuilds the smallest failing graph.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import "damo";
import { appliesOf } from "../../src/graph/function_graph.js";
import { substituteVariables } from "../../src/graph/clone.js";
import type { Op } from "../../src/graph/op.js";
import type { Variable } from "../../src/graph/variable.js";
import { backendParity, type GraphOptions, graphs, isDeterministic, type Kind, type Mode, verifyGrad } from "damo/testing";
import { casesFor, finish, onEachDevice, type Suite } from "./devices.js";

const SEED = 20;
/** How a graph is compiled: most often rewritten, else also as written, or with what keeps numbers finite only. */
const modes = fc.constantFrom<readonly Mode[]>(["fast_run"], ["none", "fast_run"], ["fast_run"], ["fast_compile"]);
/** Draws are long programs, which emulated GPUs take seconds to compile; random.test.ts has them on every device. */
const optionsFor = ({ share }: Suite): GraphOptions => (share < 1 ? { kinds: ["elementwise", "reduce", "dot", "view", "index", "join", "softmax", "scan"], maxSteps: 7 } : {});

test("generated graphs reach every kind of step and most ops", () => {
  const seen = new Set(fc.sample(graphs(), { numRuns: 150, seed: SEED }).flatMap((g) => appliesOf(g.outputs).map((a) => a.op.name)));
  for (const op of ["add", "exp", "sum", "max", "dot", "reshape", "dimShuffle", "subtensor", "advancedSubtensor", "join", "softmax", "scan", "mrg31k3p"]) expect(seen).toContain(op);
  expect(seen.size).toBeGreaterThan(60);
});

onEachDevice("random graphs", async (suite) => {
  await fc.assert(fc.asyncProperty(graphs(optionsFor(suite)), modes, (g, ms) => backendParity(g, { devices: [suite.name], modes: suite.share < 1 ? ["fast_run"] : ms })), { numRuns: casesFor(suite, 200), seed: SEED });
}, { timeout: 300_000 });

onEachDevice("random graphs with empty axes, fed by shared variables", async (suite) => {
  await fc.assert(
    fc.asyncProperty(graphs({ ...optionsFor(suite), empty: true, maxSteps: 6 }), (g) => backendParity(g, { devices: [suite.name], modes: ["fast_run"], feed: "shared" })),
    { numRuns: casesFor(suite, 50), seed: SEED + 1 },
  );
}, { timeout: 300_000 });

test("random graphs and their gradients in float64 on the reference", async () => {
  const check = { devices: ["reference"], modes: ["fast_run"], tolerance: 1e-10 } as const;
  await fc.assert(fc.asyncProperty(graphs({ dtype: "float64" }), (g) => backendParity(g, check)), { numRuns: 60, seed: SEED + 5 });
  await fc.assert(fc.asyncProperty(graphs({ dtype: "float64", kinds: DIFFERENTIABLE, ops: hasGradient, maxSteps: 6 }), (g) => backendParity(g.gradients(), check)), { numRuns: 60, seed: SEED + 6 });
}, 120_000);

onEachDevice("gradients of random graphs", async (suite) => {
  await fc.assert(
    fc.asyncProperty(graphs({ kinds: DIFFERENTIABLE, ops: hasGradient, maxSteps: 6 }), (g) => backendParity(g.gradients(), { devices: [suite.name], modes: ["fast_run"] })),
    { numRuns: casesFor(suite, 60), seed: SEED + 2 },
  );
}, { timeout: 300_000 });

const hasGradient = (op: Op): boolean => op.fields.gradient !== undefined;
const DIFFERENTIABLE: readonly Kind[] = ["elementwise", "reduce", "dot", "view", "index", "join", "softmax", "scan"];

test("gradients of random graphs agree with finite differences", () => {
  /** These change the gradient on purpose. */
  const altered = new Set(["zeroGrad", "gradClip", "gradScale", "disconnectedGrad"]);
  const options = { dtype: "float64", kinds: DIFFERENTIABLE, ops: (op: Op) => hasGradient(op) && !altered.has(op.name), maxSteps: 5, maxInputs: 3 } as const;
  let checked = 0;
  fc.assert(
    fc.property(graphs(options), (g) => {
      const costs = g.outputs.filter((v) => v.type.isFloat);
      if (costs.length === 0 || g.gradients().outputs.length === g.outputs.length) return;
      checked++;
      const rebuilt = (...xs: Variable[]): Variable[] => substituteVariables(costs, new Map(g.inputs.map((v, i) => [v, xs[i] as Variable])));
      verifyGrad(rebuilt, g.values, { broadcastable: g.inputs.map((v) => v.broadcastable), absTol: 2e-5, relTol: 2e-4 });
    }),
    { numRuns: 60, seed: SEED + 3 },
  );
  expect(checked).toBeGreaterThan(30);
}, 120_000);

test("the reference gives the same bits each time", async () => {
  await fc.assert(fc.asyncProperty(graphs(), async (g) => { expect(await isDeterministic(g)).toBe(true); }), { numRuns: 20, seed: SEED + 4 });
}, 60_000);

finish();
