/** What is printed: the header with what ran where, the check, the table of times and ratios (Markdown). Must not measure. */
import { cpus, loadavg } from "node:os";
import { TOLERANCE } from "./agree.mjs";
import { median, quantile } from "../statistics.mjs";
import { ratiosByRound } from "./contest.mjs";
import { JOBS } from "./jobs.mjs";

/** Above this, other work disturbs the times. */
const BUSY = 2.5;

/** How busy the machine is; times are not to be trusted when it is. */
export function load() {
  const [now] = loadavg();
  return `load average ${now.toFixed(2)}${now > BUSY ? "  WARNING: the machine is busy, times are not to be trusted" : ""}`;
}

export function header(data, contestants, missing) {
  return [
    `Node ${process.version} (V8 ${process.versions.v8}), ${cpus().length} x ${cpus()[0]?.model.trim()}, ${load()}`,
    `data: ${data}`,
    ...new Set(contestants.map((c) => `${c.peer}: ${c.hello.version}`)),
    ...missing.map(({ peer, why, install }) => `${peer} is missing (${why}): ${install}`),
  ].join("\n");
}

const number = (x, digits = 3) => (x >= 1000 ? x.toFixed(0) : x.toPrecision(digits));

export function checkText(job, rows) {
  const says = rows.map((r) => {
    if (r.error) return `${r.form === job ? r.name : `${r.name}, ${r.form}`}: ${r.error}`;
    const spread = r.statistics ? `, cost with draws ${r.statistics.mean.toFixed(2)} ± ${r.statistics.error.toFixed(2)}` : "";
    return `${r.name}${r.form === job ? "" : ` (${r.form})`} ${r.difference.toExponential(1)}${r.difference > TOLERANCE ? " DIFFERS" : ""}${spread}`;
  });
  return `${job} check, distance from the first: ${says.join("; ")}`;
}

/** Rows of one job, fastest first. `damo / it`: the median over rounds, and the range of its middle half. */
export function rowsOf(job, entries) {
  const timed = entries.filter((e) => e.error === null && e.times.length > 0);
  const rows = timed
    .map((e) => ({ e, middle: median(e.times) }))
    .sort((a, b) => a.middle - b.middle)
    .map(({ e, middle }) => {
      const ratio = e.ratios.length > 0 ? `${median(e.ratios).toFixed(2)} (${quantile(e.ratios, 0.25).toFixed(2)}–${quantile(e.ratios, 0.75).toFixed(2)})` : "";
      return `| ${job} | ${e.name} | ${number(middle)} | ${number(Math.min(...e.times))} | ${number(quantile(e.times, 0.25))}–${number(quantile(e.times, 0.75))} | ${number(median(e.rounds.flat().map((t) => t.processor)))} | ${e.times.length} | ${ratio} |`;
    });
  return [...rows, ...entries.filter((e) => e.error !== null).map((e) => `| ${job} | ${e.name} | ${e.error} | | | | | |`)];
}

const isDamo = (e) => e.contestant.peer === "damo";
const fastest = (entries) => [...entries].sort((a, b) => median(a.times) - median(b.times))[0];

function against(job, damo, rival, what) {
  const ratios = ratiosByRound(damo, rival, "time");
  const processor = damo.contestant.threads === 1 && rival.contestant.threads === 1 ? `, by processor time ${median(ratiosByRound(damo, rival, "processor")).toFixed(2)}` : "";
  return `${job} ${damo.name} / ${what} (${rival.name}): ${median(ratios).toFixed(2)} (${quantile(ratios, 0.25).toFixed(2)}–${quantile(ratios, 0.75).toFixed(2)}), by least times ${(Math.min(...damo.times) / Math.min(...rival.times)).toFixed(2)}${processor}`;
}

function rate(damo, peak) {
  const gflops = (2 * JOBS.J5.n ** 3) / median(damo.times) / 1e6;
  const all = peak * damo.contestant.threads;
  return `J5 ${damo.name}: ${gflops.toFixed(1)} GFLOP/s, ${((100 * gflops) / all).toFixed(0)} % of the 128-bit peak (${peak.toFixed(1)} GFLOP/s a thread, measured in registers)`;
}

/** damo against the best peer of each number of threads, and at its best against the best of all; J5's arithmetic rate. */
export function summary(job, entries, peak) {
  const timed = entries.filter((e) => e.error === null && e.times.length > 0);
  const [ours, rivals] = [timed.filter(isDamo), timed.filter((e) => !isDamo(e))];
  const lines = [];
  for (const damo of ours) {
    const best = fastest(rivals.filter((e) => e.contestant.threads === damo.contestant.threads));
    if (best) lines.push(against(job, damo, best, "best peer"));
    if (job === "J5") lines.push(rate(damo, peak));
  }
  const { target, of } = JOBS[job];
  const [mine, best] = [fastest(ours), fastest(rivals.filter((e) => of === undefined || e.contestant.peer === of))];
  if (mine && best) lines.push(`${against(job, mine, best, of ?? "best of all")}${target === undefined ? "" : `, target ${target}`}`);
  return lines;
}

export const TABLE_HEAD = ["| job | who | median ms | min | quartiles | processor ms | steps | damo / it |", "| --- | --- | --- | --- | --- | --- | --- | --- |"];
