/**
 * Whether a call runs on one thread or on all: by the clock. Estimates of work are right within a factor of five, and other processes may hold
 * the cores; results are the same bits either way. Must not know plans. Used by executable.ts.
 */
import type { Thresholds } from "./phases.js";

/** Calls of each kind that are timed before one is preferred. */
const TRIALS = 4;
/** Calls after which the other kind is tried again; doubled while that changes nothing. */
const FIRST_PAUSE = 16;
const LONGEST_PAUSE = 2048;

/** Milliseconds per estimated nanosecond: follows shorter times at once and longer ones slowly, since what delays a call is mostly foreign. */
class Rate {
  trials = 0;
  value = Number.POSITIVE_INFINITY;

  note(sample: number): void {
    this.trials++;
    this.value = sample < this.value ? sample : this.value + 0.1 * (sample - this.value);
  }
}

export class Chooser {
  private readonly one = new Rate();
  private readonly all = new Rate();
  private pause = FIRST_PAUSE;
  private left = FIRST_PAUSE;
  private preferred: "one" | "all" = "all";

  constructor(private readonly thresholds: Thresholds) {}

  /** `cost`: estimated nanoseconds on one thread of what all can share. */
  choose(cost: number): "one" | "all" {
    if (cost < this.thresholds.wake) return "one";
    if (this.isSure(cost)) return "all";
    if (this.all.trials < TRIALS) return "all";
    if (this.one.trials < TRIALS) return "one";
    if (--this.left > 0) return this.preferred;
    return this.preferred === "one" ? "all" : "one";
  }

  /** Whether threads pay without a doubt, so that it is worth waiting for them. */
  isSure(cost: number): boolean {
    return cost >= this.thresholds.sure;
  }

  note(kind: "one" | "all", cost: number, milliseconds: number): void {
    this[kind].note(milliseconds / cost);
    if (this.one.trials < TRIALS || this.all.trials < TRIALS) return;
    const better = this.all.value < this.one.value ? "all" : "one";
    if (this.left <= 0) {
      this.pause = better === this.preferred ? Math.min(2 * this.pause, LONGEST_PAUSE) : FIRST_PAUSE;
      this.left = this.pause;
    }
    this.preferred = better;
  }
}
