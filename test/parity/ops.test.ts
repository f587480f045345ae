/**
 * Every op of the registry on all its samples (sizes 0 and 1 among them), on every device: as written and rewritten, fed by inputs of the call
 * and by shared variables on the device, against the float64 reference. float64 samples become float32 on devices without float64.
 */
import { expect, test } from "vitest";
import "damo";
import { interpret } from "../../src/autodiff/interpret.js";
import type { Op } from "../../src/graph/op.js";
import type { NdArray } from "../../src/numpy/ndarray.js";
import { allOps } from "../../src/ops/define.js";
import { sampleGraph } from "../../src/testing/check_op.js";
import { backendParity } from "damo/testing";
import { finish, onEachDevice } from "./devices.js";

/** The loop has no samples: scans.test.ts is about it. */
const ops = allOps().filter((o) => o.fields.lower.kind !== "loop");

/** All samples of an op as one graph, so that a device compiles once per op, mode and feed. */
function graphOf(op: Op, floats: "float32" | "float64") {
  const parts = op.fields.samples.map((s) => sampleGraph(op, s, 1, floats));
  const expected = parts.flatMap((p) => interpret(p.outputs, new Map(p.inputs.map((v, i) => [v, p.values[i] as NdArray])), { exactDTypes: false }));
  return { inputs: parts.flatMap((p) => p.inputs), values: parts.flatMap((p) => p.values), outputs: parts.flatMap((p) => p.outputs), expected };
}

test("every op but scan has samples", () => {
  expect(ops.filter((o) => o.fields.samples.length === 0).map((o) => o.name)).toEqual([]);
  const sizes = ops.flatMap((o) => o.fields.samples.flatMap((s) => s.inputs.map((i) => i.shape.reduce((a, b) => a * b, 1))));
  expect(sizes).toContain(0);
  expect(sizes).toContain(1);
  console.info(`parity of ${ops.length} ops on ${ops.flatMap((o) => o.fields.samples).length} samples`);
});

onEachDevice("every op agrees with its reference", async ({ name, share }) => {
  const failures: string[] = [];
  for (const op of ops) {
    const both = name === "reference" || name === "wasm";
    const graph = graphOf(op, both ? "float64" : "float32");
    const options = { devices: [name], tolerance: op.fields.tolerance ?? 1e-5 };
    try {
      await backendParity(graph, { ...options, modes: ["fast_run"], feed: "shared" });
      if (share === 1) await backendParity(graph, { ...options, modes: ["none"] });
      if (both) await backendParity(graphOf(op, "float32"), { ...options, modes: ["fast_run"] });
    } catch (e) {
      failures.push(`${op}: ${String(e)}`);
    }
  }
  expect(failures.join("\n\n")).toBe("");
}, { timeout: 300_000 });

finish();
