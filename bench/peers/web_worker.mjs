/**
 * A Web Worker for Node, as far as jax-js's pool needs one: a blob URL as a module, postMessage both ways, onmessage and onerror. Without it
 * jax-js in Node has one thread.
 */
import { resolveObjectURL } from "node:buffer";
import { Worker as NodeWorker } from "node:worker_threads";

const PRELUDE = `const { parentPort } = require("node:worker_threads");
const self = globalThis;
globalThis.postMessage = (m) => parentPort.postMessage(m);
parentPort.on("message", (data) => self.onmessage({ data }));
`;

export class WebWorker {
  #worker;
  onmessage = null;
  onerror = null;

  constructor(url) {
    this.#worker = resolveObjectURL(url)
      .text()
      .then((source) => {
        const worker = new NodeWorker(`${PRELUDE}${source}`, { eval: true });
        worker.on("message", (data) => this.onmessage?.({ data }));
        worker.on("error", (error) => this.onerror?.(error));
        worker.unref();
        return worker;
      });
  }

  postMessage(message) {
    void this.#worker.then((worker) => worker.postMessage(message));
  }
}
