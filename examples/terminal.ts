/**
 * What a program shows in a terminal: log lines above a progress bar, or plain lines where there is no terminal; Ctrl-C and SIGTERM as
 * requests to stop.
 * Must not know models. Next: main.ts gives its observers to the programs of damo/models.
 */
import { constants } from "node:os";
import cliProgress from "cli-progress";
import type { Observers, Progress } from "damo/models";

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;
type StopSignal = (typeof STOP_SIGNALS)[number];

/** Without a terminal, a progress line is written this often at most. */
const PLAIN_INTERVAL_MS = 5000;
/** And the bar is drawn this often: texts for minibatches that nobody sees cost as much as small minibatches do. */
const BAR_INTERVAL_MS = 200;

const seconds = (s: number): string => (s >= 60 ? `${Math.floor(s / 60)}m${String(Math.round(s % 60)).padStart(2, "0")}s` : `${Math.round(s)}s`);

interface Shown {
  readonly phase: string;
  readonly cost: string;
  readonly speed: string;
  readonly left: string;
}

function describe(p: Progress): Shown {
  const remaining = (p.nEpochs - p.epoch) * p.nBatches - p.batch - 1;
  return {
    phase: p.nEpochs > 1 ? `${p.phase}, epoch ${p.epoch}` : p.phase,
    cost: Number.isNaN(p.cost) ? "" : `cost ${p.cost.toFixed(3)}`,
    speed: `${p.batchesPerSecond.toFixed(p.batchesPerSecond < 10 ? 2 : 0)} batches/s`,
    left: `${seconds(remaining / p.batchesPerSecond)} left`,
  };
}

/** A bar on standard error while minibatches run; log lines on standard output. */
export class Terminal {
  readonly #bars: cliProgress.MultiBar | null;
  readonly #controller = new AbortController();
  #bar: cliProgress.SingleBar | null = null;
  #lastShown = performance.now();
  readonly #onSignal = (signal: StopSignal): void => this.#stop(signal);
  #stoppedBy: StopSignal | null = null;

  constructor() {
    const format = "{phase} [{bar}] {value}/{total} | {cost} | {speed} | {left}";
    this.#bars = process.stderr.isTTY && process.stdout.isTTY ? new cliProgress.MultiBar({ format, clearOnComplete: true, hideCursor: true, barsize: 24, fps: 1000 / BAR_INTERVAL_MS, gracefulExit: false }, cliProgress.Presets.rect) : null;
    for (const signal of STOP_SIGNALS) process.on(signal, this.#onSignal);
  }

  /** As a shell tells it of a program that a signal ended: 128 and the signal's number. Null when none came. */
  get exitCode(): number | null {
    return this.#stoppedBy && 128 + constants.signals[this.#stoppedBy];
  }

  readonly log = (line: string): void => {
    if (this.#bars && this.#bar) this.#bars.log(`${line}\n`);
    else console.log(line);
  };

  readonly progress = (p: Progress): void => {
    // The bar starts at once, and its last step must not be missed.
    const due = performance.now() - this.#lastShown >= (this.#bars ? BAR_INTERVAL_MS : PLAIN_INTERVAL_MS);
    if (!due && !(this.#bars && (this.#bar === null || p.batch + 1 === p.nBatches))) return;
    this.#lastShown = performance.now();
    const shown = describe(p);
    if (!this.#bars) {
      console.error(`${shown.phase}: ${p.batch + 1}/${p.nBatches}${shown.cost && `, ${shown.cost}`}, ${shown.speed}, ${shown.left}`);
      return;
    }
    if (this.#bar && this.#bar.getTotal() !== p.nBatches) this.#bar.setTotal(p.nBatches);
    this.#bar ??= this.#bars.create(p.nBatches, 0, shown);
    this.#bar.update(p.batch + 1, shown);
  };

  get observers(): Required<Observers> {
    return { log: this.log, progress: this.progress, signal: this.#controller.signal };
  }

  #stop(signal: StopSignal): void {
    const again = this.#stoppedBy !== null;
    this.#stoppedBy ??= signal;
    if (again) {
      this.close();
      process.exit(this.exitCode);
    }
    this.log("Stopping after this minibatch, then saving. Ctrl-C again quits at once.");
    this.#controller.abort();
  }

  close(): void {
    this.#bars?.stop();
    this.#bar = null;
    for (const signal of STOP_SIGNALS) process.off(signal, this.#onSignal);
  }
}
