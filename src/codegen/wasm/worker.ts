/**
 * What a worker does: it runs modules over the shared memory whenever the caller's thread says so. Started from the text of `workerMain`,
 * which therefore uses nothing outside itself: so it needs no file of its own in Node, in browsers or behind bundlers. Must not know plans.
 * Started by threads.ts.
 */
import type { CONTROL } from "./frame.js";

/** What workers are told by messages. Each is counted in CONTROL.sent before it is sent. */
export type Message =
  | { readonly kind: "start"; readonly memory: unknown; readonly buffer: SharedArrayBuffer; readonly thread: number; readonly threads: number; readonly looks: number }
  | { readonly kind: "module"; readonly id: number; readonly module: unknown }
  | { readonly kind: "forget"; readonly id: number };

interface Port { postMessage(message: unknown): void; onmessage: ((event: { readonly data: Message }) => void) | null; on?(event: "message", listener: (data: Message) => void): void }

type Run = (thread: number, threads: number, frame: number) => number;

interface Instantiate { readonly Instance: new (module: unknown, imports: unknown) => { readonly exports: { readonly run: Run } } }

/** `at`: where the shared words are. `handled + thread` counts the messages that this worker has dealt with. */
export function workerMain(at: typeof CONTROL): void {
  const isNode = typeof process !== "undefined" && process.versions?.node !== undefined;
  const port: Port = isNode ? require("node:worker_threads").parentPort : globalThis;
  const { Instance } = (globalThis as unknown as { readonly WebAssembly: Instantiate }).WebAssembly;
  const runs = new Map<number, Run>();
  let start: Extract<Message, { kind: "start" }> | null = null;
  let words: Int32Array = new Int32Array(0);
  let handled = 0;
  let done = 0;

  const unused = (): never => { throw new Error("the host is called by its own thread only"); };

  const handle = (message: Message): void => {
    if (message.kind === "start") {
      start = message;
      words = new Int32Array(message.buffer);
      done = Atomics.load(words, at.runs / 4);
    } else if (message.kind === "forget") runs.delete(message.id);
    else runs.set(message.id, new Instance(message.module, { damo: { memory: start?.memory, routine: unused, number: unused, lap: unused } }).exports.run);
    handled++;
    const mine = at.handled / 4 + (start?.thread ?? 0);
    Atomics.store(words, mine, handled);
    Atomics.notify(words, mine);
  };

  const work = ({ thread, threads }: { readonly thread: number; readonly threads: number }): void => {
    try {
      (runs.get(Atomics.load(words, at.module / 4)) as Run)(thread, threads, Atomics.load(words, at.frame / 4));
    } catch (e) {
      Atomics.store(words, at.abort / 4, 1);
      Atomics.notify(words, at.barrier / 4);
      port.postMessage(String(e));
    }
    Atomics.add(words, at.finished / 4, 1);
    Atomics.notify(words, at.finished / 4);
  };

  /** Runs what it is told to, and looks and sleeps between, until there is a message: messages come to the event loop. */
  const listen = (me: NonNullable<typeof start>): void => {
    for (;;) {
      const command = Atomics.load(words, at.command / 4);
      if (Atomics.load(words, at.sent / 4) !== handled) return;
      if (Atomics.load(words, at.runs / 4) !== done) {
        done = Atomics.load(words, at.runs / 4);
        work(me);
        continue;
      }
      let looks = 0;
      while (Atomics.load(words, at.command / 4) === command && looks < me.looks) looks++;
      if (looks < me.looks) continue;
      Atomics.add(words, at.idle / 4, 1);
      Atomics.wait(words, at.command / 4, command);
      Atomics.sub(words, at.idle / 4, 1);
    }
  };

  const receive = (message: Message): void => {
    handle(message);
    if (start !== null) listen(start);
  };
  if (port.on) port.on("message", receive);
  else port.onmessage = ({ data }): void => receive(data);
}
