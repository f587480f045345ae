/**
 * One peer at one number of threads: a child process that serves jobs (serve.mjs, serve.py), stopped whenever it is not its turn, so that idle
 * thread pools take no time from others. Must not know jobs. Next: contest.mjs asks them in turn.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const node = (file, ...flags) => ({ command: process.execPath, args: [...flags, here(file)], install: "npm install --prefix bench/peers" });
const python = (file, install) => ({ command: "/usr/bin/python3", args: [here(file)], install });

/** `threads: false`: the peer has no such setting. jax-js uses fused multiply-add where the engine has it, which in Node 20 is behind a flag. */
export const PEERS = {
  damo: { ...node("./damo_peer.mjs"), install: "npm run build && npm install --prefix bench" },
  NumPy: python("./numpy_peer.py", "apt-get install python3-numpy libopenblas0-pthread"),
  PyTorch: python("./torch_peer.py", "apt-get install python3-torch libopenblas0-pthread"),
  "jax-js": node("./jax_js_peer.mjs", "--experimental-wasm-relaxed-simd"),
  "TensorFlow.js": node("./tfjs_peer.mjs"),
  "gpu.js by hand": { ...node("./gpu_js_peer.mjs"), threads: false },
};

/** The variables by which a process is told its number of threads. */
const threadVariables = (threads) => ({ OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads), DAMO_BENCH_THREADS: String(threads) });

export class Contestant {
  #child;
  #answers;
  #errors = "";

  constructor(peer, threads, folder, environment = {}, peers = PEERS) {
    this.peer = peer;
    this.threads = threads;
    this.name = peers[peer].threads === false ? peer : `${peer} @${threads}`;
    const { command, args } = peers[peer];
    this.#child = spawn(command, [...args, folder, String(threads)], { env: { ...process.env, ...threadVariables(threads), ...environment }, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.on("data", (text) => {
      this.#errors = `${this.#errors}${text}`.slice(-4000);
    });
    this.#child.on("error", (error) => {
      this.#errors = error.message;
    });
    this.#child.stdin.on("error", () => {});
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The line of its last words that names an error. */
  #reason() {
    const lines = this.#errors.trim().split("\n");
    return lines.findLast((l) => /error/i.test(l)) ?? (lines.at(-1) || "ended without a word");
  }

  async #answer() {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(this.#reason());
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  /** Waits for the peer's greeting: what it is (`version`), its `jobs`. Throws where it is not installed. */
  async start() {
    this.hello = await this.#answer();
    this.#child.kill("SIGSTOP");
  }

  async ask(request) {
    this.#child.kill("SIGCONT");
    try {
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
      return await this.#answer();
    } finally {
      this.#child.kill("SIGSTOP");
    }
  }

  end() {
    this.#child.kill("SIGKILL");
  }
}

/** Starts peers, each at every number of threads; those that do not start are missing. */
export async function assemble(folder, { peers, threads, environment, known = PEERS }) {
  const contestants = [];
  const missing = [];
  for (const peer of peers) {
    if (!known[peer]) throw new Error(`There is no peer '${peer}': ${Object.keys(known).join(", ")}`);
    for (const n of known[peer].threads === false ? [Math.max(...threads)] : threads) {
      const contestant = new Contestant(peer, n, folder, environment, known);
      try {
        await contestant.start();
        contestants.push(contestant);
      } catch (error) {
        contestant.end();
        missing.push({ peer: contestant.name, why: error.message, install: known[peer].install });
      }
    }
  }
  return { contestants, missing };
}
