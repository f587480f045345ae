/**
 * A training step of LSTM, GRU and RNN-RBM at several lengths, damo beside PyTorch and jax-js: time, time per step of the sequence, memory. Writes
 * docs/recurrence.md and docs/recurrence.svg.   npm run recurrence -- --device wasm --threads 1 --lengths 10,100,1000 --peers damo,PyTorch,jax-js
 * Next: jobs.mjs has the sizes; ../peers/contest.mjs times in turns.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { plot } from "../growth/plot.mjs";
import { apart, stateOf, TOLERANCE } from "../peers/agree.mjs";
import { contest } from "../peers/contest.mjs";
import { median } from "../statistics.mjs";
import { Contestant } from "../peers/contestant.mjs";
import { CELLS, jobName, LENGTHS, writeData } from "./jobs.mjs";

const { values } = parseArgs({
  options: {
    cells: { type: "string", default: Object.keys(CELLS).join(",") }, lengths: { type: "string", default: LENGTHS.join(",") }, peers: { type: "string", default: "damo,PyTorch,jax-js" },
    threads: { type: "string", default: "1" }, rounds: { type: "string", default: "7" }, device: { type: "string", default: "wasm" }, out: { type: "string", default: fileURLToPath(new URL("../../docs", import.meta.url)) },
  },
});
const list = (text) => text.split(",").map((s) => s.trim());
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const PEERS = {
  damo: { command: process.execPath, args: [here("damo_peer.mjs")] },
  PyTorch: { command: "/usr/bin/python3", args: [here("torch_peer.py")] },
  "jax-js": { command: process.execPath, args: ["--experimental-wasm-relaxed-simd", here("../peers/jax_js_recurrent_peer.mjs")] },
};
const [cells, lengths, threads] = [list(values.cells), list(values.lengths).map(Number), Number(values.threads)];
const CHECK_STEPS = 3;

/** One peer on one job in a process of its own, so that the most memory it ever had is that job's. */
async function begin(peer, job, folder) {
  const contestant = new Contestant(peer, threads, folder, { DAMO_BENCH_DEVICE: values.device }, PEERS);
  try {
    await contestant.start();
    const before = (await contestant.ask({ do: "memory" })).peak;
    return { peer, contestant, before, state: contestant.hello.jobs.includes(job) ? await stateOf(contestant, job, folder, CHECK_STEPS) : null, error: contestant.hello.jobs.includes(job) ? null : "not written" };
  } catch (error) {
    return { peer, contestant, error: error.message };
  }
}

const megabytes = (n) => (n / 1e6).toFixed(n < 1e7 ? 1 : 0);

/** Rows of one job: `{ peer, least, middle, memory, ratio }`, or `{ peer, error }`. */
async function measure(job, folder) {
  const started = [];
  for (const peer of list(values.peers)) started.push(await begin(peer, job, folder));
  const running = started.filter((s) => s.error === null);
  for (const s of running.slice(1)) s.off = apart(s.state, running[0].state);
  const entries = await contest(job, running.map((s) => s.contestant), Number(values.rounds));
  const rows = [];
  for (const s of started) {
    const entry = entries.find((e) => e.contestant === s.contestant);
    const error = s.error ?? entry?.error ?? null;
    if (error !== null) rows.push({ peer: s.peer, error });
    else {
      const { peak } = await s.contestant.ask({ do: "memory" });
      const bytes = s.peer === "damo" ? await s.contestant.ask({ do: "bytes" }) : null;
      rows.push({ peer: s.peer, least: Math.min(...entry.times), middle: median(entry.times), memory: peak - s.before, bytes, off: s.off ?? 0, ratio: entry.ratios.length > 0 ? median(entry.ratios) : null });
    }
    s.contestant.end();
  }
  return rows;
}

function lineOf(steps, { peer, error, least, middle, memory, ratio, off, bytes }) {
  if (error) return `| ${steps} | ${peer} | ${error} | | | | |`;
  const all = bytes === null ? "" : ` (on the device: ${Object.entries(bytes).map(([name, n]) => `${name} ${megabytes(n)}`).join(", ")})`;
  return `| ${steps} | ${peer} | ${least.toFixed(2)} (${middle.toFixed(2)}) | ${((1000 * least) / steps).toFixed(1)} | ${megabytes(memory)}${all} | ${ratio === null ? "" : ratio.toFixed(2)} | ${off === 0 ? "" : `${off.toExponential(0)}${off > TOLERANCE ? " DIFFERS" : ""}`} |`;
}

const { folder } = await writeData(cells, lengths);
const sections = [];
const panels = [];
try {
  for (const cell of cells) {
    const lines = [`## ${CELLS[cell].title}`, "", "| steps | | ms of a training step: least (median) | µs per step of the sequence | peak MB more than at the start | damo / it | differs by |", "| --- | --- | --- | --- | --- | --- | --- |"];
    const points = new Map();
    for (const steps of lengths) {
      for (const row of await measure(jobName(cell, steps), folder)) {
        lines.push(lineOf(steps, row));
        if (!row.error) points.set(row.peer, [...(points.get(row.peer) ?? []), [steps, row.least]]);
      }
    }
    sections.push(...lines, "");
    console.log(lines.join("\n"), "\n");
    panels.push({ title: cell, lines: [...points].map(([name, p]) => ({ name, points: p })) });
  }
} finally {
  await rm(folder, { recursive: true });
}
const text = [
  "# How a training step grows with the length of a sequence",
  "",
  `Cost, gradients through all steps, and plain gradient descent; damo through scan on ${values.device}, ${threads} thread${threads > 1 ? "s" : ""} each, float32, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, load average ${loadavg()[0].toFixed(1)} at the end. Other work only adds time, so the least time of a step is compared. Before timing, all take ${CHECK_STEPS} steps without draws from the same weights; "differs by" is the largest difference of costs or weights over the largest value. Made by \`npm run recurrence\` in \`bench/\`.`,
  "",
  "![step time against length](recurrence.svg)",
  "",
  ...sections,
];
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "recurrence.md"), `${text.join("\n").trimEnd()}\n`);
writeFileSync(join(values.out, "recurrence.svg"), plot(panels, "least ms per training step"));
