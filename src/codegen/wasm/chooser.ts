/**
 * Whether a call runs on one thread or on all: by the clock. Estimates of work are right within a factor of five, and other processes may hold
 * the cores; results are the same bits either way. Must not know plans. Used by executable.ts.
 */
import type { Thresholds } from "./phases.js";

/** Calls of a kind in a row that are timed: a worker wakes and fills its caches at the first. Their median counts, since what delays a call is mostly foreign. */
const TRIALS = 15;
/** Calls after which the other kind is tried again; doubled while that changes nothing. */
const FIRST_PAUSE = 60;
const LONGEST_PAUSE = 2048;

type Kind = "one" | "all";

/** Milliseconds per estimated nanosecond, of the last calls. */
class Rate {
  private readonly samples: number[] = [];
  private at = 0;

  note(sample: number): void {
    this.samples[this.at++ % TRIALS] = sample;
  }

  get isKnown(): boolean {
    return this.at >= TRIALS;
  }

  get median(): number {
    return [...this.samples].sort((a, b) => a - b)[TRIALS >> 1] as number;
  }
}

export class Chooser {
  private readonly rates: Readonly<Record<Kind, Rate>> = { one: new Rate(), all: new Rate() };
  private preferred: Kind = "all";
  private pause = FIRST_PAUSE;
  /** Calls until the other kind is tried; below 1 it is being tried, and at -TRIALS it has been. */
  private left = 1 - TRIALS;

  constructor(private readonly thresholds: Thresholds) {}

  /** `cost`: estimated nanoseconds on one thread of what all can share. */
  choose(cost: number): Kind {
    if (cost < this.thresholds.wake) return "one";
    if (this.isSure(cost)) return "all";
    const { one, all } = this.rates;
    // One first: workers start meanwhile, and the engine optimises its code.
    if (!one.isKnown) return "one";
    if (!all.isKnown) return "all";
    return this.left > 0 ? this.preferred : other(this.preferred);
  }

  /** Whether threads pay without a doubt, so that it is worth waiting for them. */
  isSure(cost: number): boolean {
    return cost >= this.thresholds.sure;
  }

  note(kind: Kind, cost: number, milliseconds: number): void {
    const { one, all } = this.rates;
    this.rates[kind].note(milliseconds / cost);
    if (!one.isKnown || !all.isKnown || --this.left > -TRIALS) return;
    const better = all.median < one.median ? "all" : "one";
    this.pause = better === this.preferred ? Math.min(2 * this.pause, LONGEST_PAUSE) : FIRST_PAUSE;
    this.left = this.pause;
    this.preferred = better;
  }
}

const other = (kind: Kind): Kind => (kind === "one" ? "all" : "one");
