/**
 * What a call costs when there is nothing to compute: `x + 1` on a scalar, awaited.
 *   npm run overhead -- --device wasm --calls 20000
 * Three forms: a result computed from the call's scalar, one computed on the device, and an update of a shared value.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { closeDevices, compile, config, shared, T } from "damo";
import { quantile } from "../statistics.mjs";

const { values } = parseArgs({ options: { device: { type: "string", default: "auto" }, calls: { type: "string", default: "20000" } } });
config.device = values.device;
const calls = Number(values.calls);

const x = T.scalar("x");
const v = T.vector("v");
const counter = shared(0.5);
const vector = Float32Array.of(1, 2, 3, 4);
const forms = {
  "x + 1 (0-d)": { f: compile([x], x.add(1)), args: [2.5] },
  "v + 1 (4 elements)": { f: compile([v], v.add(1)), args: [vector] },
  "counter <- counter + 1": { f: compile([], [], { updates: [[counter, counter.add(1)]] }), args: [] },
};

console.log(`one call, awaited, microseconds; load average ${loadavg()[0].toFixed(2)}, Node ${process.version}\n\n| call | median | min | quartiles |\n| --- | --- | --- | --- |`);
for (const [name, { f, args }] of Object.entries(forms)) {
  for (let i = 0; i < 3000; i++) await f(...args);
  const times = [];
  for (let i = 0; i < calls; i++) {
    const start = performance.now();
    await f(...args);
    times.push((performance.now() - start) * 1000);
  }
  const at = (q) => quantile(times, q).toFixed(1);
  console.log(`| ${name} | ${at(0.5)} | ${at(0)} | ${at(0.25)}–${at(0.75)} |`);
}
console.log(`\n${forms["v + 1 (4 elements)"].f.explain().toString().split("\n")[0]}`);
await closeDevices();
