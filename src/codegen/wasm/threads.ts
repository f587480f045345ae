/**
 * The pool: workers that run a module together with the calling thread. Started when they first pay; they never keep a process alive.
 * Must not know plans. Next: worker.ts is what a worker does; barrier.ts is where all meet.
 */
import { failure } from "../../util/fail.js";
import { engine, type WasmMemory, type WasmModule } from "./engine.js";
import { isNode } from "./features.js";
import { CONTROL, STATUS } from "./frame.js";
import { type Message, workerMain } from "./worker.js";

/**
 * How often a worker looks for its next run before it sleeps, 5 ns each: calls that follow each other find it awake, and waking it takes 50 to
 * 150 microseconds.
 */
const LOOKS = 20_000;
/** Milliseconds to wait for workers that are at their last run before the pool is given up. */
const PATIENCE = 10_000;

export interface Worker {
  postMessage(message: Message): void;
  terminate(): unknown;
}

/** Starts workers on the text of a program; `broken` is called when one dies. */
export type StartWorker = (source: string, broken: (reason: string) => void) => Worker;

/** How workers are started here, or null where they cannot be. */
export async function workerStarter(): Promise<StartWorker | null> {
  if (isNode()) {
    const { Worker } = await import("node:worker_threads");
    return (source, broken) => {
      const worker = new Worker(source, { eval: true, execArgv: [], stdin: false });
      worker.on("error", (e) => broken(String(e)));
      worker.on("exit", (code) => broken(`it ended with code ${code}`));
      worker.on("message", (reason) => broken(String(reason)));
      // Last: listening to messages makes a worker count again.
      worker.unref();
      return worker;
    };
  }
  const { Worker } = globalThis as { readonly Worker?: new (url: string) => BrowserWorker };
  if (Worker === undefined) return null;
  return (source, broken) => {
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    worker.onerror = (e): void => broken(e.message ?? "it could not be started");
    worker.onmessage = ({ data }): void => broken(String(data));
    return worker;
  };
}

interface BrowserWorker extends Worker {
  onerror: ((e: { readonly message?: string }) => void) | null;
  onmessage: ((e: { readonly data: unknown }) => void) | null;
}

export class Pool {
  /** Why the workers cannot be used any more. */
  broken: string | null = null;
  private workers: Worker[] = [];
  private readonly words: Int32Array;
  private sent = 0;
  /** Runs of workers asked for so far. */
  private asked = 0;
  private readonly canSleep: boolean;

  constructor(private readonly memory: WasmMemory, readonly threads: number, private readonly start: StartWorker) {
    this.words = new Int32Array(memory.buffer, 0, CONTROL.end / 4);
    this.canSleep = mayWait(this.words);
    this.words[CONTROL.callerSleeps / 4] = this.canSleep ? 1 : 0;
  }

  /** Gives workers a module; starts them at the first. Gives the number of the message, for `ready`. */
  install(id: number, module: WasmModule): number {
    this.begin();
    return this.tell({ kind: "module", id, module });
  }

  forget(id: number): void {
    if (this.workers.length > 0) this.tell({ kind: "forget", id });
  }

  /** Starts the workers, if they are not started: it takes them some 40 ms to be ready. */
  begin(): void {
    if (this.workers.length > 0 || this.broken !== null) return;
    const source = `(${workerMain.toString()})(${JSON.stringify(CONTROL)})`;
    const broken = (reason: string): void => { this.broken ??= reason; };
    try {
      for (let n = 1; n < this.threads; n++) this.workers.push(this.start(source, broken));
    } catch (e) {
      this.broken = String(e);
      return;
    }
    const buffer = this.memory.buffer as SharedArrayBuffer;
    this.sent++;
    this.workers.forEach((w, n) => { w.postMessage({ kind: "start", memory: this.memory, buffer, thread: n + 1, threads: this.threads, looks: LOOKS }); });
  }

  private tell(message: Message): number {
    Atomics.store(this.words, CONTROL.sent / 4, ++this.sent);
    this.wake();
    for (const w of this.workers) w.postMessage(message);
    return this.sent;
  }

  private wake(): void {
    Atomics.add(this.words, CONTROL.command / 4, 1);
    if (Atomics.load(this.words, CONTROL.idle / 4) > 0) Atomics.notify(this.words, CONTROL.command / 4);
  }

  /** Whether all workers have dealt with a message; waits for it so many milliseconds where the thread may. */
  ready(message: number, patience: number): boolean {
    if (this.broken !== null) return false;
    const end = performance.now() + patience;
    for (let thread = 1; thread < this.threads; thread++) {
      const at = CONTROL.handled / 4 + thread;
      for (let seen = Atomics.load(this.words, at); seen < message; seen = Atomics.load(this.words, at)) {
        const left = end - performance.now();
        if (!this.canSleep || left <= 0) return false;
        Atomics.wait(this.words, at, seen, left);
      }
    }
    return true;
  }

  /** Runs a module on all threads; `mine` is the calling thread's part. Throws what `mine` throws, and `wasm-worker` when a worker gave up. */
  run(id: number, frame: number, mine: () => number): number {
    const { words } = this;
    this.asked += this.threads - 1;
    Atomics.store(words, CONTROL.module / 4, id);
    Atomics.store(words, CONTROL.frame / 4, frame);
    Atomics.add(words, CONTROL.runs / 4, 1);
    this.wake();
    let status: number;
    try {
      status = mine();
    } catch (e) {
      Atomics.store(words, CONTROL.abort / 4, 1);
      Atomics.notify(words, CONTROL.barrier / 4);
      this.rejoin();
      throw e;
    }
    // A run that ends early has no last barrier.
    if (status !== STATUS.done) this.rejoin();
    else if (Atomics.load(words, CONTROL.abort / 4) !== 0) {
      this.broken ??= "it could not go on";
      this.rejoin();
      throw failure("internal", "wasm-worker", { what: `A thread of the wasm device ended in the middle of a call: ${this.broken}.`, fix: "set the shared values that the call updates, which may be half written, and call again: the device goes on with one thread; please report it with the program that shows it" });
    }
    return status;
  }

  /** Waits until no worker is in a run, and closes the barrier. */
  private rejoin(): void {
    const { words } = this;
    const at = CONTROL.finished / 4;
    const end = performance.now() + PATIENCE;
    for (let done = Atomics.load(words, at); done !== (this.asked | 0); done = Atomics.load(words, at)) {
      if (performance.now() > end) {
        this.broken ??= "it did not end";
        return;
      }
      if (this.canSleep) Atomics.wait(words, at, done, 100);
    }
    for (const word of [CONTROL.arrived, CONTROL.asleep, CONTROL.abort]) Atomics.store(words, word / 4, 0);
  }

  dispose(): void {
    this.broken = "the device was closed";
    for (const w of this.workers) w.terminate();
    this.workers = [];
  }
}

/** Browsers forbid their main thread to sleep. */
function mayWait(words: Int32Array): boolean {
  try {
    Atomics.wait(words, CONTROL.handled / 4, 0, 0);
    return true;
  } catch (e) {
    if (e instanceof TypeError || e instanceof engine.RuntimeError) return false;
    throw e;
  }
}
