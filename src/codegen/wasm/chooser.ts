/**
 * Whether a call runs on one thread or on all: by the clock. Estimates of work are right within a factor of five, and other processes may hold
 * the cores; results are the same bits either way. Must not know plans. Used by executable.ts.
 */
import type { Thresholds } from "./phases.js";

/** Calls after which the other kind is tried again; doubled while that changes nothing. */
const FIRST_PAUSE = 60;
const LONGEST_PAUSE = 2048;

/** How many calls in a row are a trial: at the first a worker wakes and fills its caches. */
const trials = (cost: number): number => (cost < 1e6 ? 15 : 5);

type Kind = "one" | "all";

/** Milliseconds per estimated nanosecond, of the last calls. Their median counts, since what delays a call is mostly foreign. */
class Rate {
  private samples: number[] = [];

  get count(): number {
    return this.samples.length;
  }

  get median(): number {
    return [...this.samples].sort((a, b) => a - b)[this.samples.length >> 1] ?? Number.POSITIVE_INFINITY;
  }

  note(sample: number): void {
    if (this.samples.push(sample) > trials(0)) this.samples.shift();
  }

  forget(): void {
    this.samples = [];
  }
}

export class Chooser {
  private readonly rates: Readonly<Record<Kind, Rate>> = { one: new Rate(), all: new Rate() };
  /** Null until both kinds have been tried. */
  private preferred: Kind | null = null;
  private pause = FIRST_PAUSE;
  /** Calls until the other kind is tried; at 0 it is being tried. */
  private left = 0;

  constructor(private readonly thresholds: Thresholds) {}

  /** `cost`: estimated nanoseconds on one thread of what all can share. */
  choose(cost: number): Kind {
    const { wake, sure } = this.thresholds;
    if (cost < wake) return "one";
    if (cost >= sure) return "all";
    // Short calls try one thread first: workers start meanwhile, and the engine optimises its code.
    if (this.preferred === null) return !this.isLong(cost) && this.rates.one.count < trials(cost) ? "one" : "all";
    return this.left > 0 ? this.preferred : other(this.preferred);
  }

  /** Whether a call lasts so long that it is worth waiting for workers to start. */
  isLong(cost: number): boolean {
    return cost >= this.thresholds.long;
  }

  note(kind: Kind, cost: number, milliseconds: number): void {
    const { rates } = this;
    rates[kind].note(milliseconds / cost);
    const { preferred } = this;
    if (preferred !== null && this.left > 0) {
      if (--this.left === 0) rates[other(preferred)].forget();
    } else if (rates[preferred === null ? "all" : other(preferred)].count >= trials(cost)) this.decide();
  }

  private decide(): void {
    const better = this.rates.all.median < this.rates.one.median ? "all" : "one";
    this.pause = better === this.preferred ? Math.min(2 * this.pause, LONGEST_PAUSE) : FIRST_PAUSE;
    this.left = this.pause;
    this.preferred = better;
  }
}

const other = (kind: Kind): Kind => (kind === "one" ? "all" : "one");
