/**
 * A peer's side of the conversation with run.mjs, for JavaScript: a request per line on stdin, an answer per line on stdout (JSON).
 * Knows neither jobs' mathematics nor timing policy. Next: the *_peer.mjs files bring the jobs; serve.py is the same in Python.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** The arrays and constants that jobs.mjs wrote: the same for every peer. */
export class Data {
  constructor(folder) {
    this.folder = folder;
    this.manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, "utf8"));
  }

  /** `{ data, shape }`, a copy of its own each time. */
  array(name) {
    const bytes = readFileSync(`${this.folder}/${name}.bin`);
    const { shape, dtype } = this.manifest.arrays[name];
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    return { shape, data: dtype === "int32" ? new Int32Array(buffer) : new Float32Array(buffer) };
  }
}

async function run(job, first, n) {
  const times = [];
  const values = [];
  const before = process.cpuUsage();
  for (let i = first; i < first + n; i++) {
    const start = performance.now();
    const value = await job.step(i);
    times.push(performance.now() - start);
    values.push(value ?? null);
  }
  const { user, system } = process.cpuUsage(before);
  return { times, values, processor: (user + system) / 1000 };
}

/** Float32Arrays one after another, as agree.mjs reads them. */
async function writeState(job, file) {
  const parts = await job.state();
  writeFileSync(file, Buffer.concat(parts.map((p) => Buffer.from(p.buffer, p.byteOffset, p.byteLength))));
  return {};
}

/**
 * `jobs`: name -> async constructor of (data, constants, draw) with `step(i)` (a cost or nothing), `state()` (Float32Arrays), `dispose()` and,
 * for damo, `explain()`. Errors go to the other side.
 */
export async function serve(hello, jobs, folder) {
  const data = new Data(folder);
  const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  let job = null;
  let step = 0;
  const answers = {
    async open({ job: name, draw }) {
      await job?.dispose?.();
      job = null;
      job = await jobs[name](data, data.manifest.jobs[name.split(" ")[0]], draw);
      step = 0;
      return {};
    },
    async run({ n }) {
      const answer = await run(job, step, n);
      step += n;
      return answer;
    },
    state: ({ file }) => writeState(job, file),
    // The most bytes that were ever resident.
    memory: async () => ({ peak: process.resourceUsage().maxRSS * 1024 }),
    bytes: async () => job.explain().bytes,
    explain: async () => ({ text: String(job.explain()) }),
  };
  say({ ...hello, jobs: Object.keys(jobs) });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      say(await answers[request.do](request));
    } catch (error) {
      say({ error: `${error?.name}: ${error?.message}`.split("\n")[0] });
    }
  }
  process.exit(0);
}
