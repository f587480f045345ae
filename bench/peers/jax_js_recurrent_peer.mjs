/**
 * The jobs of ../recurrence in jax-js (device wasm): valueAndGrad in one jit. jax-js has no loop, so the steps are unrolled, and long sequences are refused.
 * Usage: node jax_js_recurrent_peer.mjs FOLDER THREADS. Knows nothing of other peers. Next: serve.mjs.
 */
import { Data, serve } from "./serve.mjs";
import { WebWorker } from "./web_worker.mjs";

const threads = Number(process.argv[3]);
if (threads > 1) {
  globalThis.Worker = WebWorker;
  Object.defineProperty(globalThis, "navigator", { value: { hardwareConcurrency: threads }, configurable: true });
}
const jax = await import("@jax-js/jax");
const { numpy: np, nn, jit, valueAndGrad, blockUntilReady } = jax;
await jax.init("wasm");
jax.defaultDevice("wasm");

/** Unrolled steps beyond which tracing takes minutes. */
const MOST = 100;

const put = ({ data, shape }) => np.array(data).reshape(shape);

/** Columns of gate `n`. */
const gate = (x, n, dim) => x.slice([], [n * dim, (n + 1) * dim]);

const cells = {
  lstm(pre, [h, c], U, dim) {
    const a = np.matmul(h, U).add(pre);
    const [i, f, o] = [0, 1, 2].map((n) => nn.sigmoid(gate(a.ref, n, dim)));
    const next = f.mul(c).add(i.mul(np.tanh(gate(a, 3, dim))));
    return [o.mul(np.tanh(next.ref)), next];
  },
  gru(pre, [h], U, dim) {
    const a = np.matmul(h.ref, U);
    const [r, u] = [0, 1].map((n) => nn.sigmoid(gate(pre.ref, n, dim).add(gate(a.ref, n, dim))));
    const proposed = np.tanh(gate(pre, 2, dim).add(r.mul(gate(a, 2, dim))));
    return [u.ref.mul(h).add(np.subtract(1, u).mul(proposed))];
  },
};

/** The cost of a minibatch, `[steps, batch, dim]`. */
function costOf({ W, U, b, V, d }, x, oneHot, c) {
  const below = np.matmul(x.reshape([c.steps * c.batch, c.dim]), W).add(b).reshape([c.steps, c.batch, c.gates * c.dim]);
  let state = Array.from({ length: c.cell === "lstm" ? 2 : 1 }, () => np.zeros([c.batch, c.dim]));
  let sum = np.zeros([c.batch, c.dim]);
  for (let t = 0; t < c.steps; t++) {
    state = cells[c.cell](below.ref.slice(t), state, U.ref, c.dim);
    sum = sum.add(state[0].ref);
  }
  below.dispose();
  U.dispose();
  for (const s of state) s.dispose();
  const scores = np.matmul(sum.mul(1 / c.steps), V).add(d);
  return nn.logSoftmax(scores, 1).mul(oneHot).sum().mul(-1 / c.batch);
}

function cellJob(data, c) {
  if (c.steps > MOST) throw new Error(`no loop in jax-js: ${c.steps} steps would be unrolled`);
  const x = data.array("x");
  const all = put({ data: x.data.slice(0, c.steps * c.batch * c.dim), shape: [c.steps, c.batch, c.dim] });
  const oneHot = put({ data: Float32Array.from({ length: c.batch * c.classes }, (_, i) => Number(data.array("y").data[Math.floor(i / c.classes)] === i % c.classes)), shape: [c.batch, c.classes] });
  const weight = (name) => put(data.array(`${c.cell}.${name}`));
  let p = { W: weight("W"), U: weight("U"), b: np.zeros([c.gates * c.dim]), V: weight("V"), d: np.zeros([c.classes]) };
  const step = jit((p, x, y) => {
    const refs = Object.fromEntries(Object.entries(p).map(([name, v]) => [name, v.ref]));
    const [cost, g] = valueAndGrad((p) => costOf(p, x, y, c))(refs);
    return { cost, p: Object.fromEntries(Object.entries(p).map(([name, v]) => [name, v.sub(g[name].mul(c.lr))])) };
  });
  return {
    async step() {
      const { cost, p: next } = step(p, all.ref, oneHot.ref);
      p = next;
      await blockUntilReady(Object.values(p));
      return (await cost.data())[0];
    },
    state: () => Promise.all([p.W, p.U, p.b, p.V, p.d].map(async (a) => new Float32Array(await a.ref.data()))),
    dispose() {},
  };
}

const folder = process.argv[2];
const { jobs } = new Data(folder).manifest;
await serve({ version: "jax-js 0.1.25, unrolled" }, Object.fromEntries(Object.entries(jobs).filter(([, { cell }]) => cell !== "rnnrbm").map(([name]) => [name, cellJob])), folder);
