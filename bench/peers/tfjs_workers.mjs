/**
 * TensorFlow.js hands its threads' program over as blobs, which Node's workers do not load: here blobs remember their text, workers get it as
 * files in `folder`, and the module itself as the package ships it. Without this its wasm backend has one thread in Node.
 */
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(import.meta.url);

export function loadBlobsAsFiles(folder) {
  const threads = require("node:worker_threads");
  const programs = new Map();
  globalThis.Blob = class extends Blob {
    constructor(parts, options) {
      super(parts, options);
      this.program = parts.join("");
    }
  };
  const createObjectURL = URL.createObjectURL;
  URL.createObjectURL = (blob) => {
    const url = createObjectURL(blob);
    programs.set(url, blob.program);
    return url;
  };
  threads.Worker = class extends threads.Worker {
    constructor(url, options) {
      const file = join(folder, `worker-${process.pid}.js`);
      if (programs.has(url)) writeFileSync(file, programs.get(url));
      super(programs.has(url) ? file : url, options);
    }

    postMessage(message, ...rest) {
      const module = require.resolve("@tensorflow/tfjs-backend-wasm/package.json").replace("package.json", "wasm-out/tfjs-backend-wasm-threaded-simd.js");
      super.postMessage(message.urlOrBlob instanceof Blob ? { ...message, urlOrBlob: module } : message, ...rest);
    }
  };
}
