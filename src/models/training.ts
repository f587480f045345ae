/**
 * Loops over epochs and minibatches that can stop after any minibatch and go on, bit for bit, in another process: what has been done is plain
 * numbers, what is being trained is shared values (the states of random streams among them), and a checkpoint holds both.
 * Must not know models. Next: checkpoint.ts reads and writes the file.
 */
import { config, fail, impossible, type NdArray, numpy as np, type SharedVariable } from "../index.js";
import { type CheckpointOptions, type NamedArrays, openCheckpoint, type RunOptions, writeCheckpoint } from "./checkpoint.js";
import { defaultTimer, type Watcher } from "./observe.js";

/** Numbers that change while training, by name. */
export type Numbers = Record<string, number | number[]>;

/** One loop over epochs. */
export interface Phase {
  /** Names it to observers and in the checkpoint: "training", "pre-training layer 0", … */
  readonly phase: string;
  readonly nEpochs: number;
  readonly nBatches: number;
  /** The updates of the functions that train, `f.graph.updates`: they name every shared value that training changes. */
  readonly updates: readonly (readonly [SharedVariable, unknown])[];
  /** Whether the loop is over after `iter`, the number (from 0) of the last minibatch done; -1 before any. */
  readonly until?: ((iter: number) => boolean) | undefined;
}

/** An epoch as a loop's body sees it. */
export interface Epoch {
  readonly index: number;
  /** Costs of the minibatches done, also those done before a checkpoint. The body adds to it. */
  readonly costs: number[];
  /** Indices of the minibatches to do. A body that does not reach its end leaves its minibatch undone. */
  readonly minibatches: AsyncIterable<number>;
  /** After the loop over minibatches: whether all were done. */
  readonly complete: boolean;
}

interface Done extends Numbers {
  /** Mean cost of each complete epoch. */
  means: number[];
  /** Costs in the current epoch. */
  costs: number[];
  /** Minibatches done in the current epoch. */
  batch: number;
  /** Time spent in loops over minibatches. */
  seconds: number;
}

/** One run of a training program, from its beginning or from a checkpoint. */
export class Training {
  readonly watcher: Watcher;
  readonly #file: CheckpointOptions | null;
  readonly #run: RunOptions;
  readonly #saved: NamedArrays | null;
  readonly #phases = new Map<string, Done>();
  readonly #numbers = new Map<string, Numbers>();
  readonly #shared = new Map<string, SharedVariable>();
  #written = defaultTimer();

  private constructor(watcher: Watcher, file: CheckpointOptions | null, run: RunOptions, saved: NamedArrays | null) {
    this.watcher = watcher;
    this.#file = file;
    this.#run = run;
    this.#saved = saved;
  }

  /**
   * Begins a training, or goes on with that of a checkpoint. `options` are what its numbers depend on, beside the settings of the process, which are
   * added. Throws what `openCheckpoint` throws.
   */
  static async open(watcher: Watcher, { checkpoint = null, options = {} }: { readonly checkpoint?: CheckpointOptions | null | undefined; readonly options?: RunOptions } = {}): Promise<Training> {
    const { floatX, device, fma, exclude } = config;
    const run = { ...options, floatX, device, fma, exclude };
    return new Training(watcher, checkpoint, run, checkpoint && (await openCheckpoint(checkpoint, run)));
  }

  /** The same object, as it was in the checkpoint if there is one. What it holds from now on goes into the next. */
  keep<N extends Numbers>(name: string, numbers: N): N {
    for (const [key, initial] of Object.entries(numbers)) {
      const saved = this.#saved?.[`${name} ${key}`];
      if (saved) Object.assign(numbers, { [key]: Array.isArray(initial) ? [...saved.data] : saved.item() });
    }
    this.#numbers.set(name, numbers);
    return numbers;
  }

  /** The epochs left to do. Each is done when its body is: a request to stop ends its minibatches early, and the loop after it. */
  async *epochs({ phase, nEpochs, nBatches, updates, until }: Phase): AsyncGenerator<Epoch, void, undefined> {
    const done = this.#begin(phase, updates);
    const over = (): boolean => this.watcher.aborted || until?.(done.means.length * nBatches + done.batch - 1) === true;
    if (this.#saved && !over() && done.means.length < nEpochs && done.means.length + done.batch > 0) {
      this.watcher.log(`Going on with ${phase} after ${done.means.length} epochs and ${done.batch} minibatches`);
    }
    while (done.means.length < nEpochs && !over()) {
      const index = done.means.length;
      const minibatches = this.#minibatches(done, over, { phase, epoch: index, nEpochs, nBatches });
      yield { index, costs: done.costs, minibatches, get complete() { return done.batch === nBatches; } };
      if (done.batch < nBatches) return;
      done.means.push(np.mean(done.costs));
      done.costs = [];
      done.batch = 0;
      await this.#saveIfDue();
    }
  }

  async *#minibatches(done: Done, over: () => boolean, at: Parameters<Watcher["epoch"]>[0]): AsyncGenerator<number, void, undefined> {
    const tell = this.watcher.epoch(at);
    while (done.batch < at.nBatches && !over()) {
      const start = defaultTimer();
      yield done.batch;
      done.seconds += defaultTimer() - start;
      done.batch++;
      await tell(done.batch - 1, done.costs.at(-1) ?? Number.NaN);
      // After an epoch's last minibatch its body has something left to say, which would be said again.
      if (done.batch < at.nBatches) await this.#saveIfDue();
    }
  }

  /** Mean cost of each epoch of a phase, the last perhaps not complete. */
  costs(phase: string): number[] {
    const { means, costs } = this.#phases.get(phase) ?? impossible(`phase '${phase}' has not begun`);
    return costs.length === 0 ? [...means] : [...means, np.mean(costs)];
  }

  /** Time spent in loops over minibatches, in all processes. */
  get seconds(): number {
    return [...this.#phases.values()].reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** To be called when the training is over or was stopped: writes the checkpoint. */
  async close(): Promise<void> {
    await this.#save(!this.watcher.aborted);
    if (this.#file && this.watcher.aborted) this.watcher.log(`Stopped: ${this.#file.path} is where to resume (--resume).`);
  }

  #begin(phase: string, updates: Phase["updates"]): Done {
    const done: Done = this.keep(phase, { means: [], costs: [], batch: 0, seconds: 0 });
    this.#phases.set(phase, done);
    const known = new Set(this.#shared.values());
    for (const [variable] of updates) if (!known.has(variable)) this.#restore(this.#nameFor(`${phase}.${variable.name ?? "value"}`), variable, phase);
    return done;
  }

  /** Several variables of a phase may have one name: all states of random streams do. */
  #nameFor(name: string): string {
    let free = name;
    for (let n = 1; this.#shared.has(free); n++) free = `${name}.${n}`;
    return free;
  }

  #restore(name: string, variable: SharedVariable, phase: string): void {
    this.#shared.set(name, variable);
    if (!this.#saved?.[`${phase} batch`]) return;
    const saved = this.#saved[name];
    if (saved === undefined || saved.dtype !== variable.dtype || saved.shape.join() !== variable.valueShape.join()) {
      fail("data", "checkpoint-value", {
        what: `The checkpoint does not fit the training: '${name}'.`, saw: [`checkpoint: ${saved ?? "nothing"}`, `training: ${variable.dtype}[${variable.valueShape.join(",")}]`],
        fix: "go on with the version of the program that wrote it, or begin anew",
      });
    }
    variable.setValue(saved);
  }

  async #saveIfDue(): Promise<void> {
    if (this.#file && defaultTimer() - this.#written >= (this.#file.minutes ?? 2) * 60) await this.#save(false);
  }

  async #save(finished: boolean): Promise<void> {
    if (!this.#file) return;
    const arrays: Record<string, NdArray> = {};
    for (const [name, numbers] of this.#numbers) for (const [key, value] of Object.entries(numbers)) arrays[`${name} ${key}`] = np.asarray(value, { dtype: "float64" });
    for (const [name, variable] of this.#shared) arrays[name] = await variable.getValue();
    await writeCheckpoint(this.#file.path, arrays, { run: this.#run, finished });
    this.#written = defaultTimer();
  }
}

/**
 * What epochs take from a generator on the host, one value after the other: `next` is called as often as epochs have begun, also those before a
 * checkpoint, so that a training that goes on finds the values it would have had.
 */
export function perEpoch<V>(initial: V, next: (previous: V) => V): (epoch: number) => V {
  let [value, drawn] = [initial, 0];
  return (epoch) => {
    for (; drawn <= epoch; drawn++) value = next(value);
    return value;
  };
}
