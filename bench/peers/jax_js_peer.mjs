/**
 * The jobs in jax-js (device wasm), as its README teaches: one jit() per step, draws by random.bernoulli from split keys, ownership by `.ref`.
 * The chain is unrolled, as jax-js has no loop. Usage: node jax_js_peer.mjs FOLDER THREADS. Knows nothing of other peers. Next: serve.mjs.
 */
import { createRequire } from "node:module";
import { serve } from "./serve.mjs";
import { WebWorker } from "./web_worker.mjs";

const threads = Number(process.argv[3]);
if (threads > 1) {
  globalThis.Worker = WebWorker;
  Object.defineProperty(globalThis, "navigator", { value: { hardwareConcurrency: threads }, configurable: true });
}
const jax = await import("@jax-js/jax");
const { numpy: np, nn, lax, random, jit, valueAndGrad, blockUntilReady } = jax;
await jax.init("wasm");
jax.defaultDevice("wasm");

const put = ({ data, shape }) => np.array(data).reshape(shape);
const zeros = (...shape) => np.zeros(shape);

/** Gives back what `f` made after `using` has been let go. */
const free = (...using) => {
  for (const a of using) a.dispose();
};

const minibatch = (x, i, batch) => {
  const at = (i % Math.floor(x.shape[0] / batch)) * batch;
  return x.ref.slice([at, at + batch]);
};

/** Inside jit, arguments that a helper reads are passed as `.ref` and consumed there. */
const propup = (v, { W, hb }) => np.matmul(v, W.ref).add(hb.ref);
const propdown = (h, { W, vb }) => np.matmul(h, W.ref.transpose()).add(vb.ref);

/** `keys[i]` draws the i-th time; the mean itself in the draw-free form. */
const sampler = (keys, draws) => {
  let at = 0;
  return (mean) => (draws ? random.bernoulli(keys.ref.slice(at++), mean, mean.shape).astype(np.float32) : mean);
};

/** New parameters: lr/batch (v0' h0 - v1' h1) added. */
function updated({ W, hb, vb }, v0, h0, v1, h1, rate) {
  const dW = np.matmul(v0.ref.transpose(), h0.ref).sub(np.matmul(v1.ref.transpose(), h1.ref));
  return { W: W.add(dW.mul(rate)), hb: hb.add(h0.sub(h1).sum(0).mul(rate)), vb: vb.add(v0.sub(v1).sum(0).mul(rate)) };
}

const freeEnergy = (v, p) => nn.softplus(propup(v.ref, p)).sum(1).mul(-1).sub(np.matmul(v, p.vb.ref));

function pseudoLikelihood(x, bit, p, visible) {
  const xi = np.round(x);
  const flip = np.arange(visible).astype(np.int32).equal(bit);
  const xiFlip = np.where(flip, np.subtract(1, xi.ref), xi.ref);
  const difference = freeEnergy(xiFlip, p).sub(freeEnergy(xi, p));
  return nn.logSigmoid(difference).mean().mul(visible);
}

function stepJ1({ visible, k, batch, lr }, draws) {
  return jit((p, chain, x, bit, key) => {
    const keys = random.split(key, 2 * k + 1);
    const sample = sampler(keys, draws);
    const ph = nn.sigmoid(propup(x.ref, p));
    let h = chain;
    let v = null;
    for (let i = 0; i < k; i++) {
      v?.dispose();
      v = sample(nn.sigmoid(propdown(h, p)));
      h = sample(nn.sigmoid(propup(v.ref, p)));
    }
    const nh = nn.sigmoid(propup(v.ref, p));
    const cost = pseudoLikelihood(x.ref, bit, p, visible);
    const next = updated(p, x, ph, v, nh, lr / batch);
    return { ...next, chain: h, cost, key: keys.slice(2 * k) };
  });
}

function stepJ2({ batch, lr }, draws) {
  return jit((p, x, key) => {
    const keys = random.split(key, 3);
    const sample = sampler(keys, draws);
    const ph = nn.sigmoid(propup(x.ref, p));
    const pre = propdown(sample(ph.ref), p);
    // x log(sigmoid(a)) + (1 - x) log(1 - sigmoid(a)) = x a - softplus(a)
    const cost = x.ref.mul(pre.ref).sub(nn.softplus(pre.ref)).sum().mul(1 / batch);
    const v = sample(nn.sigmoid(pre));
    const nh = nn.sigmoid(propup(v.ref, p));
    return { ...updated(p, x, ph, v, nh, lr / batch), cost, key: keys.slice(2) };
  });
}

async function floats(...arrays) {
  return Promise.all(arrays.map(async (a) => new Float32Array(await a.ref.data())));
}

const parameters = (data, c) => ({ W: put(data.array(c.W)), hb: zeros(c.hidden), vb: zeros(c.visible) });

async function J1(data, c, draw) {
  const x = put(data.array("x"));
  const step = stepJ1(c, draw === "random");
  let p = parameters(data, c);
  let chain = zeros(c.batch, c.hidden);
  let key = random.key(123);
  return {
    async step(i) {
      const { chain: h, cost, key: next, ...params } = step(p, chain, minibatch(x, i, c.batch), np.array(i % c.visible, { dtype: np.int32 }), key);
      [p, chain, key] = [params, h, next];
      await blockUntilReady([p.W, p.hb, p.vb, chain]);
      return (await cost.data())[0];
    },
    state: () => floats(p.W, p.hb, p.vb, chain),
    dispose: () => free(p.W, p.hb, p.vb, chain, x, key, step),
  };
}

async function J2(data, c, draw) {
  const x = put(data.array("x"));
  const step = stepJ2(c, draw === "random");
  let p = parameters(data, c);
  let key = random.key(123);
  return {
    async step(i) {
      const { cost, key: next, ...params } = step(p, minibatch(x, i, c.batch), key);
      [p, key] = [params, next];
      await blockUntilReady([p.W, p.hb, p.vb]);
      return (await cost.data())[0];
    },
    state: () => floats(p.W, p.hb, p.vb),
    dispose: () => free(p.W, p.hb, p.vb, x, key, step),
  };
}

function stepJ3({ batch, lr }, layers) {
  return jit(({ Ws, bs }, x, y) => {
    const outs = [x];
    for (let n = 0; n < layers; n++) {
      const a = np.matmul(outs[n].ref, Ws[n].ref).add(bs[n].ref);
      outs.push(n < layers - 1 ? np.tanh(a) : a);
    }
    const logP = nn.logSoftmax(outs.pop(), 1);
    const labels = nn.oneHot(y, 10);
    const cost = logP.ref.mul(labels.ref).sum().mul(-1 / batch);
    let d = np.exp(logP).sub(labels).mul(1 / batch);
    const next = { Ws: [], bs: [], cost };
    for (let n = layers - 1; n >= 0; n--) {
      const a = outs[n];
      const below = n > 0 ? np.matmul(d.ref, Ws[n].ref.transpose()).mul(np.subtract(1, np.square(a.ref))) : null;
      next.Ws[n] = Ws[n].sub(np.matmul(a.transpose(), d.ref).mul(lr));
      next.bs[n] = bs[n].sub(d.sum(0).mul(lr));
      d = below;
    }
    return next;
  });
}

/** A classifier's job: `step` gives new parameters and the cost; `weights` are what the check compares. */
function classifier(data, c, x, p, step, weights = (Ws) => Ws) {
  const y = np.array(data.array("y").data, { dtype: np.int32 });
  let now = p;
  return {
    async step(i) {
      const { cost, ...next } = step(now, minibatch(x, i, c.batch), minibatch(y, i, c.batch));
      now = next;
      await blockUntilReady([...now.Ws, ...now.bs]);
      return (await cost.data())[0];
    },
    state: () => floats(...weights(now.Ws), ...now.bs),
    dispose: () => free(...now.Ws, ...now.bs, x, y, step),
  };
}

async function J3(data, c) {
  const p = { Ws: c.Ws.map((name) => put(data.array(name))), bs: c.Ws.map((name) => zeros(data.manifest.arrays[name].shape[1])) };
  return classifier(data, c, put(data.array("x")), p, stepJ3(c, c.Ws.length));
}

/** Theano's conv2d turns its filters round; jax-js's does not. */
const turned = (W) => np.flip(W, [2, 3]);

/** The maxima of windows of 2x2. */
const pooled = (a) => {
  const [n, c, h, w] = a.shape;
  return np.max(a.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5]);
};

function stepJ7({ batch, lr, kernels }) {
  const cost = ({ Ws, bs }, x, y) => {
    let a = x.reshape([batch, 1, 28, 28]);
    for (const n of [0, 1]) a = np.tanh(pooled(lax.conv(a, Ws[n], [1, 1], "VALID")).add(bs[n].reshape([1, kernels[n], 1, 1])));
    a = np.tanh(np.matmul(a.reshape([batch, 16 * kernels[1]]), Ws[2]).add(bs[2]));
    return nn.logSoftmax(np.matmul(a, Ws[3]).add(bs[3]), 1).mul(nn.oneHot(y, 10)).sum().mul(-1 / batch);
  };
  return jit((p, x, y) => {
    const [value, g] = valueAndGrad(cost)({ Ws: p.Ws.map((W) => W.ref), bs: p.bs.map((b) => b.ref) }, x, y);
    const down = (list, gradients) => list.map((w, n) => w.sub(gradients[n].mul(lr)));
    return { Ws: down(p.Ws, g.Ws), bs: down(p.bs, g.bs), cost: value };
  });
}

async function J7(data, c, draw) {
  const p = { Ws: c.Ws.map((name, n) => (n < 2 ? turned(put(data.array(name))) : put(data.array(name)))), bs: [...c.kernels, c.hidden, 10].map((n) => zeros(n)) };
  return classifier(data, c, put(data.array(c.images[draw])), p, stepJ7(c), (Ws) => Ws.map((W, n) => (n < 2 ? turned(W.ref) : W)));
}

/** A job that maps arrays that stay to one that is made anew. */
function mapping(f, ...inputs) {
  const step = jit(f);
  let out = null;
  return {
    async step() {
      out?.dispose();
      out = step(...inputs.map((a) => a.ref));
      await out.blockUntilReady();
    },
    state: () => floats(out),
    dispose: () => free(...inputs, out, step),
  };
}

const J5 = async (data) => mapping((a, b) => np.matmul(a, b), put(data.array("A")), put(data.array("B")));
const J6 = async (data, { a, b, c }) => mapping((x) => nn.sigmoid(x.ref.mul(a).add(b)).mul(np.log1p(np.exp(x.mul(c)))), put(data.array("z")));

const { version } = createRequire(import.meta.url)("./node_modules/@jax-js/jax/package.json");
await serve({ version: `jax-js ${version}, device wasm, fused multiply-add on, Web Workers by a shim at more than one thread` }, { J1, J2, J3, J4: J3, J5, J6, J7 }, process.argv[2]);
