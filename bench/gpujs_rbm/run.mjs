/**
 * Times one RBM training call written by hand in gpu.js against damo's generated kernels: same mode, same process, runs in turn.
 *   npm install && npm run gpujs-rbm -- --mode webasm --k 15 --steps 20
 * The ratio compares damo with the fastest handwritten form. Both do the same inner products; damo draws by MRG31k3p, the hand by Math.random().
 */
import { parseArgs } from "node:util";
import { handwritten } from "./handwritten.mjs";
import { median } from "../statistics.mjs";

const { values } = parseArgs({
  options: { mode: { type: "string", default: "webasm" }, k: { type: "string", default: "1" }, steps: { type: "string", default: "10" }, only: { type: "string", default: "" } },
});
const mode = values.mode;
const k = Number(values.k);
const steps = Number(values.steps);
const BATCH = 20;
const VISIBLE = 784;

/** In Node, gpu.js finds WebGPU only where someone has put it. */
async function provideWebGpu() {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const gpu = create([]);
  if (typeof navigator === "undefined") Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  else Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
}

if (mode === "webgpu") await provideWebGpu();
const digits = Float32Array.from({ length: BATCH * VISIBLE }, (_, n) => ((n * 2654435761) % 4294967296 < 4294967296 / 5 ? 1 : 0));
const forms = {
  "by hand": () => handwritten({ mode, k }),
  "by hand, unrolled": () => handwritten({ mode, k, unroll: true }),
  "by hand, createPipeline": () => handwritten({ mode, k, fused: true }),
  "by hand, unrolled, createPipeline": () => handwritten({ mode, k, unroll: true, fused: true }),
  damo: async () => (await import("./generated.mjs")).generated({ mode, k }),
};
const running = [];
for (const [name, make] of Object.entries(forms)) if (name.includes(values.only)) running.push({ name, machine: await make(), times: [], cost: 0 });
for (const r of running) for (let n = 0; n < 2; n++) r.cost = await r.machine.step(digits);
for (let n = 0; n < steps; n++) {
  for (const r of running) {
    const start = performance.now();
    r.cost = await r.machine.step(digits);
    r.times.push(performance.now() - start);
  }
}
console.log(`RBM ${VISIBLE}x500, batch ${BATCH}, PCD-${k}, gpu:${mode}, median of ${steps} calls, Node ${process.version}`);
for (const r of running) console.log(`${r.name.padEnd(34)} ${median(r.times).toFixed(2).padStart(9)} ms   cost ${r.cost.toFixed(2)}`);
const damo = running.find((r) => r.name === "damo");
const hand = running.filter((r) => r.name !== "damo").map((r) => median(r.times));
if (damo && hand.length > 0) console.log(`ratio damo / fastest by hand: ${(median(damo.times) / Math.min(...hand)).toFixed(3)}`);
for (const r of running) await r.machine.dispose();
process.exit(0);
