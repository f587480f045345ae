/**
 * damo beside its peers on the jobs J1 … J7: checks that all compute the same, then prints medians and ratios of one run in one table.
 *   npm run peers -- --jobs J1,J4 --threads 1,2 --rounds 7 --peers NumPy,PyTorch --device wasm --explain
 * Next: contestant.mjs starts peers, agree.mjs checks, contest.mjs times, table.mjs prints.
 */
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import { agree } from "./agree.mjs";
import { contest } from "./contest.mjs";
import { assemble, PEERS } from "./contestant.mjs";
import { JOBS, writeData } from "./jobs.mjs";
import { vectorPeak } from "./peak.mjs";
import { checkText, header, load, rowsOf, summary, TABLE_HEAD } from "./table.mjs";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: Object.keys(JOBS).join(",") },
    threads: { type: "string", default: "1,2" },
    peers: { type: "string", default: Object.keys(PEERS).join(",") },
    rounds: { type: "string", default: "9" },
    device: { type: "string", default: "auto" },
    fma: { type: "string" },
    explain: { type: "boolean", default: false },
    "no-check": { type: "boolean", default: false },
  },
});
const list = (text) => text.split(",").map((s) => s.trim());
const environment = { DAMO_BENCH_DEVICE: values.device, ...(values.fma === undefined ? {} : { DAMO_BENCH_FMA: values.fma }) };

const { folder, description } = await writeData();
const { contestants, missing } = await assemble(folder, { peers: list(values.peers), threads: list(values.threads).map(Number), environment });
try {
  console.log(header(description, contestants, missing));
  const rows = [];
  const summaries = [];
  for (const job of list(values.jobs)) {
    console.log(`\n${job}: ${JOBS[job].title}; ${load()}`);
    if (!values["no-check"]) console.log(checkText(job, await agree(job, contestants, folder)));
    const entries = await contest(job, contestants, Number(values.rounds));
    rows.push(...rowsOf(job, entries));
    summaries.push(...summary(job, entries, job === "J5" ? vectorPeak(values.fma === "1") : 0));
    console.log(rowsOf(job, entries).join("\n"));
    const damo = entries.find((e) => e.contestant.peer === "damo" && e.error === null);
    if (values.explain && damo) console.log((await damo.contestant.ask({ do: "explain" })).text);
  }
  console.log(`\n${[...TABLE_HEAD, ...rows].join("\n")}\n\n${summaries.join("\n")}\n${load()}`);
} finally {
  for (const contestant of contestants) contestant.end();
  await rm(folder, { recursive: true });
}
