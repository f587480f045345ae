/**
 * The time of an epoch of each tutorial, damo beside PyTorch: checks that both compute the same, times steps in turns, and writes docs/tutorials_time.md.
 *   npm run tutorials -- --tutorials mlp,lstm --threads 1,2 --rounds 7 --device wasm
 * Next: jobs.mjs has the tutorials' settings; ../peers/contest.mjs times.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { apart, stateOf, TOLERANCE } from "../peers/agree.mjs";
import { contest } from "../peers/contest.mjs";
import { assemble } from "../peers/contestant.mjs";
import { header, load } from "../peers/table.mjs";
import { median } from "../statistics.mjs";
import { epochOf, JOBS, NAMES, writeData } from "./jobs.mjs";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const { values } = parseArgs({
  options: {
    tutorials: { type: "string", default: NAMES.join(",") }, threads: { type: "string", default: "1,2" }, rounds: { type: "string", default: "7" }, device: { type: "string", default: "wasm" },
    out: { type: "string", default: here("../../docs") },
  },
});
const list = (text) => text.split(",").map((s) => s.trim());
const threads = list(values.threads).map(Number);
const PEERS = {
  damo: { command: process.execPath, args: [here("damo_peer.mjs")], install: "npm run build && npm install --prefix bench" },
  PyTorch: { command: "/usr/bin/python3", args: [here("torch_peer.py")], install: "apt-get install python3-torch libopenblas0-pthread" },
};

/** How far the contestant furthest from the first is from it, after the job's draw-free steps. */
async function agreement(job, contestants, folder) {
  let first = null;
  let most = 0;
  for (const contestant of contestants) {
    const mine = await stateOf(contestant, job, folder, JOBS[job].checkSteps);
    first ??= mine;
    most = Math.max(most, apart(mine, first));
  }
  return most;
}

/** `times`: by contestant, steps of a job in ms; `apart`: how far their results are from each other. */
async function measure(job, contestants, folder) {
  const off = await agreement(job, contestants, folder);
  const entries = await contest(job, contestants, Number(values.rounds));
  const failed = entries.find((e) => e.error !== null);
  if (failed) throw new Error(`${job}, ${failed.name}: ${failed.error}`);
  return { off, times: new Map(entries.map((e) => [e.contestant, e.times])) };
}

/** Seconds of an epoch by contestant, from the median and from the least time of the steps. */
async function epochs(name, contestants, folder) {
  const { parts, ...epoch } = epochOf(name);
  const sums = new Map(contestants.map((c) => [c, { middle: 0, least: 0 }]));
  let off = 0;
  for (const { job, steps } of parts) {
    const measured = await measure(job, contestants, folder);
    off = Math.max(off, measured.off);
    for (const [contestant, times] of measured.times) {
      const sum = sums.get(contestant);
      sum.middle += (steps * median(times)) / 1000;
      sum.least += (steps * Math.min(...times)) / 1000;
    }
  }
  return { ...epoch, sums, off };
}

const time = (seconds) => (seconds >= 0.1 ? `${seconds.toPrecision(3)} s` : `${(1000 * seconds).toPrecision(3)} ms`);

/** damo / PyTorch, at the same number of threads or each at its best, by median (and by least). */
function ratio(sums, n) {
  const of = (peer, by) => Math.min(...[...sums].filter(([c]) => c.peer === peer && (n === null || c.threads === n)).map(([, sum]) => sum[by]));
  const [middle, least] = ["middle", "least"].map((by) => (of("damo", by) / of("PyTorch", by)).toFixed(2));
  return `${middle} (${least})`;
}

function lineOf({ title, minibatches, sums, off }, contestants) {
  const cells = contestants.map((c) => time(sums.get(c).middle));
  const ratios = [...threads, ...(threads.length > 1 ? [null] : [])].map((n) => ratio(sums, n));
  return `| ${[title, minibatches, ...cells, ...ratios, `${off.toExponential(0)}${off > TOLERANCE ? " DIFFERS" : ""}`].join(" | ")} |`;
}

const many = (n) => `${n} thread${n > 1 ? "s" : ""}`;

function headOf(contestants) {
  const columns = ["tutorial", "minibatches: training and validation", ...contestants.map((c) => `${c.peer}, ${many(c.threads)}`), ...threads.map((n) => `damo / PyTorch, ${many(n)}`), ...(threads.length > 1 ? ["each at its best"] : []), "differs by"];
  return [`| ${columns.join(" | ")} |`, `| ${columns.map(() => "---").join(" | ")} |`];
}

const textOf = (head, lines) => `# An epoch of each tutorial, beside PyTorch

${head.split("\n").map((line) => `- ${line}`).join("\n")}

An epoch is 50000 images and, where the tutorial measures its errors after each, 10000 of the validation set; of texts, tunes and chains it depends on the data
how many there are, so the time of one is told. Sizes, minibatches and rates are the articles'. Of each a step is timed, in turns, and its median
multiplied by how many an epoch has: the training of a minibatch, and the errors of up to 600 images. \`logistic_cg\` is one look at cost and gradient, of
which a search along a line takes some; a step has 20 minibatches. Ratios are of these times and, in brackets, of those made from least times, to which other work adds least.

damo runs the functions that its programs compile (\`damo/models\`). PyTorch is written for speed: gradients by hand where they are a few products, in-place
updates, \`nn.LSTM\` and \`nn.RNN\` for whole sequences, a fused optimiser, all 600 images validated at once, cost and gradient from one pass, the
contraction's sum taken apart by hand. Both have the same data and first weights, in float32. Before they are timed, all take some steps without draws (a draw is
replaced by its mean): "differs by" is the largest difference of costs or weights over the largest value. Made by \`npm run tutorials\` in \`bench/\`.

${lines.join("\n")}
`;

const { folder, description } = await writeData();
const { contestants, missing } = await assemble(folder, { peers: Object.keys(PEERS), threads, environment: { DAMO_BENCH_DEVICE: values.device }, known: PEERS });
try {
  if (missing.length > 0) throw new Error(missing.map(({ peer, why, install }) => `${peer} is missing (${why}): ${install}`).join("\n"));
  const start = header(description, contestants, missing);
  const lines = headOf(contestants);
  console.log(`${start}\n${lines.join("\n")}`);
  for (const name of list(values.tutorials)) {
    lines.push(lineOf(await epochs(name, contestants, folder), contestants));
    console.log(lines.at(-1));
  }
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, "tutorials_time.md"), textOf(`${start}\nat the end ${load()}`, lines));
} finally {
  for (const contestant of contestants) contestant.end();
  await rm(folder, { recursive: true });
}
