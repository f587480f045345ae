/**
 * How a training program is watched from outside: its log lines, its progress after each minibatch, a request to stop. Must not know models or terminals.
 * Next: the programs here call a `Watcher`; examples/ shows what it tells.
 */

/** One minibatch done. */
export interface Progress {
  /** What is running: "training", "pre-training layer 0", "sampling", … */
  readonly phase: string;
  readonly epoch: number;
  readonly nEpochs: number;
  /** Index of the minibatch that was just done. */
  readonly batch: number;
  readonly nBatches: number;
  /** Cost of this minibatch. */
  readonly cost: number;
  /** Over the minibatches done here in the current epoch. */
  readonly batchesPerSecond: number;
}

export interface Observers {
  /** Takes the program's log lines; `console.log` by default. */
  readonly log?: ((line: string) => void) | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Once `aborted`, the program finishes its minibatch, saves what it has and returns. An `AbortSignal` fits. */
  readonly signal?: { readonly aborted: boolean } | undefined;
}

/** Seconds since an arbitrary moment, as Python's `timeit.default_timer`. */
export const defaultTimer = (): number => performance.now() / 1000;

/** Python's `'%f' % x` and `'%.1f' % x`. */
export const fixed = (x: number, digits = 6): string => (Number.isFinite(x) ? x.toFixed(digits) : String(x).replace("Infinity", "inf").replace("NaN", "nan"));

/** Python's `print(x)` of a float64: 90.0 keeps its point. */
export const floatText = (x: number): string => (Number.isInteger(x) && Math.abs(x) < 1e16 ? x.toFixed(1) : fixed(x) === String(x) ? fixed(x) : String(x).replace("Infinity", "inf").replace("NaN", "nan"));

/** What the loops call. */
export class Watcher {
  readonly log: (line: string) => void;
  readonly #observers: Observers;

  constructor(observers: Observers) {
    this.#observers = observers;
    this.log = observers.log ?? ((line) => console.log(line));
  }

  get aborted(): boolean {
    return this.#observers.signal?.aborted === true;
  }

  /** A function to call after each minibatch of an epoch; gives whether the program should go on. Timers and signals get their turn meanwhile. */
  epoch(at: Pick<Progress, "phase" | "epoch" | "nEpochs" | "nBatches">): (batch: number, cost: number) => Promise<boolean> {
    const start = defaultTimer();
    let done = 0;
    return async (batch, cost) => {
      done++;
      this.#observers.progress?.({ ...at, batch, cost, batchesPerSecond: done / Math.max(defaultTimer() - start, 1e-9) });
      await new Promise<void>((resolve) => setImmediate(resolve));
      return !this.aborted;
    };
  }
}
