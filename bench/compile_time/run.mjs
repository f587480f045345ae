/**
 * From compile() to the first result of the article's RBM (PCD-15), each time in a fresh process, and where the time goes.
 *   npm run compile-time -- --runs 9 --device wasm --streams mrg
 * The phases are damo's own clocks (`explain().times`); the stages come from one profiled run and add up to more, as profiling slows it.
 */
import { execFileSync } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { quantile } from "../statistics.mjs";

const { values } = parseArgs({ options: { runs: { type: "string", default: "9" }, device: { type: "string", default: "auto" }, streams: { type: "string", default: "mrg" } } });
const once = (environment) => {
  const file = fileURLToPath(new URL("./once.mjs", import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [file, values.device, values.streams], { encoding: "utf8", env: { ...process.env, ...environment } }));
};
const row = (name, xs) => `| ${name} | ${[0.5, 0, 1].map((q) => quantile(xs, q).toFixed(1)).join(" | ")} |`;

once({}); // Files are in the system's cache from here on.
const runs = Array.from({ length: Number(values.runs) }, () => once({}));
const last = runs.at(-1);
console.log(`RBM 784x500, PCD-15, ${values.streams} streams, ${last.device}; Node ${process.version}, load average ${loadavg()[0].toFixed(2)}, ${runs.length} fresh processes\n`);
console.log("| phase | median ms | min | max |\n| --- | --- | --- | --- |");
console.log(row("load the package", runs.map((r) => r.load)));
console.log(row("build the graph, initial weights", runs.map((r) => r.build)));
console.log(row("**compile() to the first result**", runs.map((r) => r.whole)));
console.log(row("its processor time, all threads", runs.map((r) => r.processor)));
console.log(row("compile()", runs.map((r) => r.compile)));
console.log(row("first call", runs.map((r) => r.firstCall)));
for (const name of Object.keys(last.times)) console.log(row(`of these: ${name}`, runs.map((r) => r.times[name])));
for (const name of Object.keys(last.engine)) console.log(row(`of these: ${name}`, runs.map((r) => r.engine[name])));

const { stages, whole } = once({ PROFILE: "1" });
const total = Object.values(stages).reduce((a, b) => a + b, 0);
console.log(`\n| stage (one profiled run, ${whole.toFixed(0)} ms) | ms | share |\n| --- | --- | --- |`);
for (const [name, ms] of Object.entries(stages).sort(([, a], [, b]) => b - a)) console.log(`| ${name} | ${ms.toFixed(1)} | ${((100 * ms) / total).toFixed(0)} % |`);
