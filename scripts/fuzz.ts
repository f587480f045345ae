/**
 * `npm run fuzz -- --graphs 100000 --devices reference,wasm`: random graphs over devices, and a report of what was run and what failed. Each batch has
 * its own seed: Ctrl-C writes the report, which says how to continue; `--seed S --path P` shows a failure again.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { closeDevices } from "damo";
import { type Mode } from "damo/testing";
import { fuzz, type FuzzReport, replay, reportText } from "./fuzz/run.js";

const whole = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0) throw new InvalidArgumentError("a whole number is needed");
  return n;
};
const listed = (text: string): string[] => text.split(",").map((s) => s.trim()).filter((s) => s !== "");

const program = new Command("fuzz")
  .option("--graphs <n>", "how many graphs to run", whole, 1000)
  .option("--devices <names>", "devices, separated by commas", listed, ["reference", "wasm"])
  .option("--modes <names>", "how graphs are rewritten: none, fast_compile, fast_run", listed, ["none", "fast_run"])
  .option("--seed <n>", "seed of the first batch", whole, 1)
  .option("--batch <n>", "graphs from one seed", whole, 50)
  .option("--path <path>", "with --seed: only this case, as a report names it")
  .option("--out <file>", "where the report is written, also while it runs", "out/fuzz.md")
  .parse();

const options = program.opts<{ graphs: number; devices: string[]; modes: Mode[]; seed: number; batch: number; path?: string; out: string }>();
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());

function show(report: FuzzReport): void {
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, reportText(report));
  const done = Object.values(report.runs).reduce((a, b) => a + b, 0);
  process.stderr.write(`${done} graphs, ${report.failures.length} failures, ${Math.round(report.seconds)} s, next seed ${report.nextSeed}\n`);
}

try {
  if (options.path !== undefined) await replay({ ...options, path: options.path });
  else {
    const report = await fuzz({ ...options, signal: stop.signal, onBatch: show });
    process.stdout.write(reportText(report));
    process.exitCode = report.failures.length > 0 ? 1 : 0;
  }
} finally {
  await closeDevices();
}
