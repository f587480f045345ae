/** webasm has one memory for all buffers: positions in it go beyond 2^24, where float32 numbers are no longer whole. All kernels are written with integers then. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeDevices, compile, NdArray, shared, T } from "damo";
import { backendParity, graphs } from "damo/testing";

const device = "gpu:webasm";

/** What comes after it in the memory lies beyond 2^24. */
const first = shared(NdArray.zeros([17_000_000], "float32"), { name: "first" });

beforeAll(async () => {
  expect(await compile([], first.get(16_999_999), { device })()).toBe(0);
});
afterAll(closeDevices);

test("a sum of what labels name", async () => {
  const [x, y] = [T.fmatrix("x"), T.ivector("y")];
  const rows = Array.from({ length: 16 }, (_, i) => Array.from({ length: 10 }, (_, k) => 10 * i + k));
  const labels = rows.map((_, i) => (7 * i) % 10);
  const sum = compile([x, y], x.get(T.arange(y.shape[0]!), y).sum(), { device });
  expect(await sum(rows, labels)).toBe(labels.reduce((total, k, i) => total + 10 * i + k, 0));
});

test("random graphs", async () => {
  await fc.assert(fc.asyncProperty(graphs(), (g) => backendParity(g, { devices: [device], modes: ["fast_run"] })), { numRuns: 120, seed: 7 });
  await fc.assert(fc.asyncProperty(graphs({ kinds: ["index", "reduce", "dot", "view", "join", "elementwise"] }), (g) => backendParity(g, { devices: [device], modes: ["fast_run"], feed: "shared" })), { numRuns: 120, seed: 8 });
}, 300_000);
