/**
 * The jobs in TensorFlow.js (backend wasm, SIMD, threads by XNNPACK), as someone would write them who wants speed: tidy, fused bias and activation,
 * variables, gradients by hand. XNNPACK takes no transposed operand, so those are transposed first, which is faster than its fallback. Draws
 * compare Math.random() with the mean: tf.randomUniform makes its numbers one by one in JavaScript too, more slowly.
 * Usage: node tfjs_peer.mjs FOLDER THREADS. Knows nothing of other peers. Next: serve.mjs.
 */
import { createRequire } from "node:module";
import { serve } from "./serve.mjs";
import { loadBlobsAsFiles } from "./tfjs_workers.mjs";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs-core");
const wasm = require("@tensorflow/tfjs-backend-wasm");

const threads = Number(process.argv[3]);
if (threads > 1) loadBlobsAsFiles(process.argv[2]);
tf.env().set("WASM_HAS_SIMD_SUPPORT", true);
// It says no to threads in Node, whose workers its module can use all the same.
tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", threads > 1);
wasm.setThreadsCount(threads);
wasm.setWasmPaths(`${require.resolve("@tensorflow/tfjs-backend-wasm/package.json").replace(/package\.json$/, "")}dist/`);
await tf.setBackend("wasm");
await tf.ready();

const put = ({ data, shape }) => tf.tensor(data, shape, data instanceof Int32Array ? "int32" : "float32");
const variable = (t) => tf.variable(t);
const linear = (a, W, bias, activation = "linear") => tf.fused.matMul({ a, b: W, bias, activation });
const floats = (...ts) => ts.map((t) => Float32Array.from(t.dataSync()));

/** All minibatches as tensors of their own: tf.slice on this backend reads the whole tensor back to cut out a piece. */
function minibatches({ data, shape: [n, ...rest] }, batch) {
  const width = data.length / n;
  return Array.from({ length: Math.floor(n / batch) }, (_, i) => put({ data: data.slice(i * batch * width, (i + 1) * batch * width), shape: [batch, ...rest] }));
}

/** Uniforms in buffers that stay; TensorFlow.js copies them to its memory. */
const uniforms = new Map();
function uniform(shape) {
  const size = shape[0] * shape[1];
  if (!uniforms.has(size)) uniforms.set(size, new Float32Array(size));
  const u = uniforms.get(size);
  for (let i = 0; i < size; i++) u[i] = Math.random();
  return tf.tensor(u, shape);
}

const disposeAll = (tensors) => {
  tf.dispose(tensors);
  tf.disposeVariables();
};

class Rbm {
  constructor(data, c, draw) {
    this.c = c;
    this.xs = minibatches(data.array("x"), c.batch);
    this.W = variable(put(data.array(c.W)));
    this.hb = variable(tf.zeros([c.hidden]));
    this.vb = variable(tf.zeros([c.visible]));
    this.draws = draw === "random";
  }

  propup = (v, activation) => linear(v, this.W, this.hb, activation);
  propdown = (h, Wt, activation) => linear(h, Wt, this.vb, activation);
  sample = (mean) => (this.draws ? tf.cast(tf.less(uniform(mean.shape), mean), "float32") : mean);
  step = (i) => tf.tidy(() => this.cost(i)).dataSync()[0];

  update(v0, h0, v1, h1) {
    const rate = this.c.lr / this.c.batch;
    const dW = tf.matMul(tf.transpose(tf.concat([v0, v1])), tf.concat([tf.mul(h0, rate), tf.mul(h1, -rate)]));
    this.W.assign(tf.add(this.W, dW));
    this.hb.assign(tf.add(this.hb, tf.mul(tf.sum(tf.sub(h0, h1), 0), rate)));
    this.vb.assign(tf.add(this.vb, tf.mul(tf.sum(tf.sub(v0, v1), 0), rate)));
  }

  state = () => floats(this.W, this.hb, this.vb);
  dispose = () => disposeAll(this.xs);
}

class J1 extends Rbm {
  constructor(data, c, draw) {
    super(data, c, draw);
    this.chain = variable(tf.zeros([c.batch, c.hidden]));
  }

  freeEnergy(v) {
    const bias = tf.sum(tf.mul(v, this.vb), 1);
    return tf.neg(tf.add(tf.sum(tf.softplus(this.propup(v)), 1), bias));
  }

  cost(i) {
    const { visible, k } = this.c;
    const x = this.xs[i % this.xs.length];
    const Wt = tf.transpose(this.W);
    const ph = this.propup(x, "sigmoid");
    let h = this.chain;
    let v;
    for (let n = 0; n < k; n++) {
      v = this.sample(this.propdown(h, Wt, "sigmoid"));
      h = this.sample(this.propup(v, "sigmoid"));
    }
    const nh = this.propup(v, "sigmoid");
    const xi = tf.round(x);
    const flip = tf.oneHot(tf.tensor1d([i % visible], "int32"), visible);
    const flipped = tf.add(tf.mul(xi, tf.sub(1, tf.mul(flip, 2))), flip);
    const difference = tf.sub(this.freeEnergy(flipped), this.freeEnergy(xi));
    const cost = tf.mul(tf.neg(tf.mean(tf.softplus(tf.neg(difference)))), visible);
    this.update(x, ph, v, nh);
    this.chain.assign(h);
    return cost;
  }

  state = () => floats(this.W, this.hb, this.vb, this.chain);
}

class J2 extends Rbm {
  cost(i) {
    const x = this.xs[i % this.xs.length];
    const ph = this.propup(x, "sigmoid");
    const pre = this.propdown(this.sample(ph), tf.transpose(this.W));
    // x log(sigmoid(a)) + (1 - x) log(1 - sigmoid(a)) = x a - softplus(a)
    const cost = tf.mul(tf.sum(tf.sub(tf.mul(x, pre), tf.softplus(pre))), 1 / this.c.batch);
    const v = this.sample(tf.sigmoid(pre));
    this.update(x, ph, v, this.propup(v, "sigmoid"));
    return cost;
  }
}

class J3 {
  constructor(data, c) {
    this.c = c;
    this.xs = minibatches(data.array("x"), c.batch);
    this.ys = minibatches(data.array("y"), c.batch);
    this.Ws = c.Ws.map((name) => variable(put(data.array(name))));
    this.bs = this.Ws.map((W) => variable(tf.zeros([W.shape[1]])));
  }

  step = (i) => tf.tidy(() => this.cost(i)).dataSync()[0];

  cost(i) {
    const { batch, lr } = this.c;
    const layers = [this.xs[i % this.xs.length]];
    const last = this.Ws.length - 1;
    this.Ws.forEach((W, n) => {
      const a = linear(layers[n], W, this.bs[n]);
      layers.push(n < last ? tf.tanh(a) : a);
    });
    const p = tf.softmax(layers.pop());
    const labels = tf.oneHot(this.ys[i % this.ys.length], 10);
    const cost = tf.mul(tf.sum(tf.mul(tf.log(tf.sum(tf.mul(p, labels), 1)), -1)), 1 / batch);
    let d = tf.mul(tf.sub(p, labels), 1 / batch);
    for (let n = last; n >= 0; n--) {
      const a = layers[n];
      // XNNPACK packs its second operand, at ten times the cost of the product when that is a new W: here it is the small one.
      const below = n > 0 ? tf.mul(tf.transpose(tf.matMul(this.Ws[n], tf.transpose(d))), tf.sub(1, tf.square(a))) : null;
      this.Ws[n].assign(tf.sub(this.Ws[n], tf.matMul(tf.transpose(a), tf.mul(d, lr))));
      this.bs[n].assign(tf.sub(this.bs[n], tf.mul(tf.sum(d, 0), lr)));
      d = below;
    }
    return cost;
  }

  state = () => floats(...this.Ws, ...this.bs);
  dispose = () => disposeAll([...this.xs, ...this.ys]);
}

/** A job that maps arrays that stay to one that is made anew. */
class Mapping {
  constructor(f) {
    this.f = f;
    this.out = null;
  }

  step() {
    this.out?.dispose();
    this.out = tf.tidy(this.f);
  }

  state = () => floats(this.out);
  dispose = () => this.out.dispose();
}

const jobs = {
  J1: (data, c, draw) => new J1(data, c, draw),
  J2: (data, c, draw) => new J2(data, c, draw),
  J3: (data, c) => new J3(data, c),
  J4: (data, c) => new J3(data, c),
  J5: (data) => {
    const [a, b] = [put(data.array("A")), put(data.array("B"))];
    return new Mapping(() => tf.matMul(a, b));
  },
  J6: (data, { a, b, c }) => {
    const x = put(data.array("z"));
    return new Mapping(() => tf.mul(tf.sigmoid(tf.add(tf.mul(x, a), b)), tf.log1p(tf.exp(tf.mul(x, c)))));
  },
};
await serve({ version: `TensorFlow.js ${tf.version_core}, backend wasm with SIMD, ${threads > 1 ? "threads by a shim for Node" : "one thread"}` }, jobs, process.argv[2]);
