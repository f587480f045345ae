/**
 * Times one job: every contestant is opened and warmed up, then rounds are run in which damo's turn comes before each other's turn, so that
 * whatever else the machine does meets both. A ratio is taken within a round and its median reported. Must not know peers' insides or tables.
 */
import { median } from "../statistics.mjs";

const TURN_MS = 150;
const WARM_MS = 400;
/** Steps slower than this are taken in the first rounds only. */
const SLOW_MS = 400;
const SLOW_ROUNDS = 3;

/** Opens and warms up; gives how many steps make a turn, and how many rounds it takes part in. */
async function prepare(contestant, job) {
  await contestant.ask({ do: "open", job, draw: "random" });
  const times = [];
  const start = performance.now();
  while (times.length < 2 || performance.now() - start < WARM_MS) times.push(...(await contestant.ask({ do: "run", n: 1 })).times);
  const step = Math.min(...times.slice(1));
  return { steps: Math.max(1, Math.min(500, Math.round(TURN_MS / step))), roundsLeft: step > SLOW_MS ? SLOW_ROUNDS : Infinity };
}

class Entry {
  constructor(contestant, job) {
    this.contestant = contestant;
    this.job = job;
    this.name = job.includes(" ") ? `${contestant.name}, ${job.slice(job.indexOf(" ") + 1)}` : contestant.name;
    this.times = [];
    this.ratios = [];
    /** Its turns by round: the median time of a step, and processor time per step on all threads, which other work on the machine lengthens less. */
    this.rounds = [];
    this.error = null;
  }

  async ready() {
    try {
      Object.assign(this, await prepare(this.contestant, this.job));
    } catch (error) {
      this.error = error.message;
    }
  }

  /** One turn: its median. The first step after a stop meets cold caches; it is not counted where steps are short. */
  async turn(round) {
    const idle = this.steps > 1 ? 1 : 0;
    const { times, processor } = await this.contestant.ask({ do: "run", n: this.steps + idle });
    const counted = times.slice(idle);
    this.times.push(...counted);
    const turn = { time: median(counted), processor: processor / times.length };
    this.rounds[round] = [...(this.rounds[round] ?? []), turn];
    return turn.time;
  }
}

/** `a` in units of `b`, by `time` or `processor`: the ratio of each round that both have. */
export function ratiosByRound(a, b, by) {
  const middle = (turns) => median(turns.map((t) => t[by]));
  return a.rounds.flatMap((turns, round) => (b.rounds[round] ? [middle(turns) / middle(b.rounds[round])] : []));
}

/** All entries of one job: `name`, `times` of all steps, `ratios` damo / peer by round, or `error`. Forms of a job ("J6 in place") come after it. */
export async function contest(job, contestants, rounds) {
  const entries = contestants.flatMap((c) => c.hello.jobs.filter((j) => j === job || j.startsWith(`${job} `)).map((j) => new Entry(c, j)));
  // One contestant serves one form at a time, so each form has its own pass through the rounds.
  for (const form of new Set(entries.map((e) => e.job))) await pass(entries.filter((e) => e.job === form || (e.contestant.peer === "damo" && e.error === null)), rounds);
  return entries;
}

async function pass(entries, rounds) {
  for (const entry of entries) if (entry.steps === undefined || entry.contestant.peer !== "damo") await entry.ready();
  const running = entries.filter((e) => e.error === null);
  const ours = new Map(running.filter((e) => e.contestant.peer === "damo").map((e) => [e.contestant.threads, e]));
  for (let round = 0; round < rounds; round++) {
    for (const entry of running.filter((e) => e.contestant.peer !== "damo" && round < e.roundsLeft)) {
      // A peer without a setting for threads meets damo with all of them.
      const damo = ours.get(entry.contestant.threads) ?? [...ours.values()].at(-1);
      const mine = damo ? await damo.turn(round) : null;
      const theirs = await entry.turn(round);
      if (mine !== null) entry.ratios.push(mine / theirs);
    }
    if (running.every((e) => e.contestant.peer === "damo")) for (const e of running) await e.turn(round);
  }
}
