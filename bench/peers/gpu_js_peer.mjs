/**
 * The jobs as kernels written by hand for gpu.js, mode cpu: two-dimensional indices, inner products four terms at a time (faster there than one),
 * results kept by `pipeline`, draws by Math.random(). Usage: node gpu_js_peer.mjs FOLDER. Knows nothing of other peers. Next: serve.mjs.
 */
import { createRequire } from "node:module";
import { serve } from "./serve.mjs";

const require = createRequire(import.meta.url);
const { GPU, input } = require("gpu.js");

const put = ({ data, shape }) => input(data, [...shape].reverse());
const zeros = (...shape) => put({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });

/** The kernel `f(parameters) { … }` over `shape`, rows first. */
function kernel(gpu, parameters, body, shape) {
  const settings = { output: [...shape].reverse(), precision: "single", pipeline: true, immutable: true, loopMaxIterations: 100000 };
  return gpu.createKernel(`function(${parameters}) { ${body} }`, settings);
}

/** `let acc = sum over k < n of term(k)`. */
function sum(n, term) {
  if (n % 4 !== 0) return `let acc = 0; for (let k = 0; k < ${n}; k++) { acc += ${term("k")}; }`;
  const parts = [0, 1, 2, 3].map((u) => `acc${u} += ${term(u === 0 ? "k" : `k + ${u}`)};`).join(" ");
  return `let acc0 = 0; let acc1 = 0; let acc2 = 0; let acc3 = 0; for (let k = 0; k < ${n}; k += 4) { ${parts} } const acc = acc0 + acc1 + acc2 + acc3;`;
}

const ROW = "this.thread.y";
const COL = "this.thread.x";
const SIGMOID = "1 / (1 + Math.exp(-(acc + b[this.thread.x])))";
/** Half to even, as the other peers round; what is rounded here lies in [0, 1]. */
const round = (x) => `(${x} > 0.5 ? 1 : 0)`;
const flipped = (k) => `(${k} === bit ? 1 - ${round(`v[${ROW}][${k}]`)} : ${round(`v[${ROW}][${k}]`)})`;

function rbmKernels(gpu, { visible, hidden, batch, lr }, draws) {
  const outcome = draws ? `Math.random() < ${SIGMOID} ? 1 : 0` : SIGMOID;
  const up = sum(visible, (k) => `v[${ROW}][${k}] * w[${k}][${COL}]`);
  const down = sum(hidden, (k) => `v[${ROW}][${k}] * w[${COL}][${k}]`);
  const statistics = sum(batch, (k) => `(v0[${k}][${ROW}] * h0[${k}][${COL}] - v1[${k}][${ROW}] * h1[${k}][${COL}])`);
  const bias = `let acc = 0; for (let k = 0; k < ${batch}; k++) { acc += p[k][${COL}] - q[k][${COL}]; } return b[${COL}] + acc * ${lr / batch};`;
  return {
    mean: kernel(gpu, "v, w, b", `${up} return ${SIGMOID};`, [batch, hidden]),
    sampleH: kernel(gpu, "v, w, b", `${up} return ${outcome};`, [batch, hidden]),
    sampleV: kernel(gpu, "v, w, b", `${down} return ${outcome};`, [batch, visible]),
    preV: kernel(gpu, "v, w, b", `${down} return acc + b[${COL}];`, [batch, visible]),
    drawH: kernel(gpu, "m", `return ${draws ? `Math.random() < m[${ROW}][${COL}] ? 1 : 0` : `m[${ROW}][${COL}]`};`, [batch, hidden]),
    drawV: kernel(gpu, "a", `const p = 1 / (1 + Math.exp(-a[${ROW}][${COL}])); return ${draws ? "Math.random() < p ? 1 : 0" : "p"};`, [batch, visible]),
    preRounded: kernel(gpu, "v, w, b", `${sum(visible, (k) => `${round(`v[${ROW}][${k}]`)} * w[${k}][${COL}]`)} return acc + b[${COL}];`, [batch, hidden]),
    preFlipped: kernel(gpu, "v, w, b, bit", `${sum(visible, (k) => `${flipped(k)} * w[${k}][${COL}]`)} return acc + b[${COL}];`, [batch, hidden]),
    /** Minus the free energy, less the visible biases, in which only the flipped bit differs. */
    energy: kernel(gpu, "pre", `let acc = 0; for (let k = 0; k < ${hidden}; k++) { acc += Math.log(1 + Math.exp(pre[${COL}][k])); } return acc;`, [batch]),
    pseudoLikelihood: kernel(gpu, "f, g, v, b, bit", `let acc = 0; for (let i = 0; i < ${batch}; i++) { const x = ${round("v[i][bit]")}; const d = f[i] - g[i] - (1 - 2 * x) * b[bit]; acc += -Math.log(1 + Math.exp(-d)); } return acc * ${visible / batch};`, [1]),
    reconstruction: kernel(gpu, "v, a", `let acc = 0; for (let i = 0; i < ${batch}; i++) { for (let k = 0; k < ${visible}; k++) { acc += v[i][k] * a[i][k] - Math.log(1 + Math.exp(a[i][k])); } } return acc * ${1 / batch};`, [1]),
    updateW: kernel(gpu, "w, v0, h0, v1, h1", `${statistics} return w[${ROW}][${COL}] + acc * ${lr / batch};`, [visible, hidden]),
    updateH: kernel(gpu, "b, p, q", bias, [hidden]),
    updateV: kernel(gpu, "b, p, q", bias, [visible]),
  };
}

const release = (...ts) => {
  for (const t of ts) if (typeof t?.delete === "function") t.delete();
};

/** One flat Float32Array of what a kernel or `input` holds. */
const flat = (t) => {
  const rows = t.toArray ? t.toArray() : (t.value ?? t);
  return rows[0]?.length === undefined ? Float32Array.from(rows) : Float32Array.from(rows.flatMap((r) => [...r]));
};

function minibatches({ data, shape: [n, width] }, batch) {
  return Array.from({ length: Math.floor(n / batch) }, (_, i) => input(data.slice(i * batch * width, (i + 1) * batch * width), [width, batch]));
}

class Rbm {
  constructor(data, c, draw) {
    this.c = c;
    this.gpu = new GPU({ mode: "cpu" });
    this.k = rbmKernels(this.gpu, c, draw === "random");
    this.xs = minibatches(data.array("x"), c.batch);
    this.now = { W: put(data.array(c.W)), hb: zeros(c.hidden), vb: zeros(c.visible) };
  }

  /** The new parameters, and the cost as a number. */
  async finish(x, ph, v, nh, cost, rest = {}) {
    const { W, hb, vb } = this.now;
    const next = { W: this.k.updateW(W, x, ph, v, nh), hb: this.k.updateH(hb, ph, nh), vb: this.k.updateV(vb, x, v), ...rest };
    release(...Object.values(this.now));
    this.now = next;
    return flat(cost)[0];
  }

  state = () => Object.values(this.now).map(flat);
  dispose = () => this.gpu.destroy();
}

class J1 extends Rbm {
  constructor(data, c, draw) {
    super(data, c, draw);
    this.now.chain = zeros(c.batch, c.hidden);
  }

  async step(i) {
    const { mean, sampleV, sampleH, energy, preRounded, preFlipped, pseudoLikelihood } = this.k;
    const { W, hb, vb, chain } = this.now;
    const x = this.xs[i % this.xs.length];
    const bit = i % this.c.visible;
    const ph = mean(x, W, hb);
    let [v, h] = [null, chain];
    for (let n = 0; n < this.c.k; n++) {
      release(v);
      v = sampleV(h, W, vb);
      if (n > 0) release(h);
      h = sampleH(v, W, hb);
    }
    const nh = mean(v, W, hb);
    const cost = pseudoLikelihood(energy(preRounded(x, W, hb)), energy(preFlipped(x, W, hb, bit)), x, vb, bit);
    return this.finish(x, ph, v, nh, cost, { chain: h });
  }
}

class J2 extends Rbm {
  async step(i) {
    const { mean, drawH, preV, drawV, reconstruction } = this.k;
    const { W, hb, vb } = this.now;
    const x = this.xs[i % this.xs.length];
    const ph = mean(x, W, hb);
    const pre = preV(drawH(ph), W, vb);
    const v = drawV(pre);
    return this.finish(x, ph, v, mean(v, W, hb), reconstruction(x, pre));
  }
}

class J3 {
  constructor(data, c) {
    const { batch, lr } = c;
    this.gpu = new GPU({ mode: "cpu" });
    this.xs = minibatches(data.array("x"), batch);
    const y = data.array("y").data;
    this.ys = Array.from({ length: this.xs.length }, (_, i) => input(Float32Array.from(y.subarray(i * batch, (i + 1) * batch)), [batch]));
    this.Ws = c.Ws.map((name) => put(data.array(name)));
    const sizes = c.Ws.map((name) => data.manifest.arrays[name].shape);
    this.bs = sizes.map(([, m]) => zeros(m));
    this.forward = sizes.map(([n, m], layer) => kernel(this.gpu, "v, w, b", `${sum(n, (k) => `v[${ROW}][${k}] * w[${k}][${COL}]`)} return ${layer < sizes.length - 1 ? "Math.tanh" : ""}(acc + b[${COL}]);`, [batch, m]));
    this.normalizer = kernel(this.gpu, "a", `let top = a[${COL}][0]; for (let k = 1; k < 10; k++) { top = Math.max(top, a[${COL}][k]); } let acc = 0; for (let k = 0; k < 10; k++) { acc += Math.exp(a[${COL}][k] - top); } return top + Math.log(acc);`, [batch]);
    this.delta = kernel(this.gpu, "a, z, y", `return (Math.exp(a[${ROW}][${COL}] - z[${ROW}]) - (y[${ROW}] === ${COL} ? 1 : 0)) * ${1 / batch};`, [batch, 10]);
    this.cost = kernel(this.gpu, "a, z, y", `let acc = 0; for (let i = 0; i < ${batch}; i++) { acc += z[i] - a[i][y[i]]; } return acc * ${1 / batch};`, [1]);
    this.below = sizes.map(([n, m]) => kernel(this.gpu, "d, w, a", `let acc = 0; for (let k = 0; k < ${m}; k++) { acc += d[${ROW}][k] * w[${COL}][k]; } return acc * (1 - a[${ROW}][${COL}] * a[${ROW}][${COL}]);`, [batch, n]));
    this.updateW = sizes.map(([n, m]) => kernel(this.gpu, "w, a, d", `${sum(batch, (k) => `a[${k}][${ROW}] * d[${k}][${COL}]`)} return w[${ROW}][${COL}] - acc * ${lr};`, [n, m]));
    this.updateB = sizes.map(([, m]) => kernel(this.gpu, "b, d", `let acc = 0; for (let k = 0; k < ${batch}; k++) { acc += d[k][${COL}]; } return b[${COL}] - acc * ${lr};`, [m]));
  }

  async step(i) {
    const y = this.ys[i % this.ys.length];
    const layers = [this.xs[i % this.xs.length]];
    this.Ws.forEach((W, n) => layers.push(this.forward[n](layers[n], W, this.bs[n])));
    const a = layers.pop();
    const z = this.normalizer(a);
    let d = this.delta(a, z, y);
    for (let n = this.Ws.length - 1; n >= 0; n--) {
      const below = n > 0 ? this.below[n](d, this.Ws[n], layers[n]) : null;
      const old = [this.Ws[n], this.bs[n]];
      this.Ws[n] = this.updateW[n](this.Ws[n], layers[n], d);
      this.bs[n] = this.updateB[n](this.bs[n], d);
      release(...old, d);
      d = below;
    }
    return flat(this.cost(a, z, y))[0];
  }

  state = () => [...this.Ws, ...this.bs].map(flat);
  dispose = () => this.gpu.destroy();
}

/** A job that maps arrays that stay to one that is made anew. */
class Mapping {
  constructor(gpu, f, ...inputs) {
    this.gpu = gpu;
    this.f = f;
    this.inputs = inputs;
    this.out = null;
  }

  async step() {
    release(this.out);
    this.out = this.f(...this.inputs);
  }

  state = () => [flat(this.out)];
  dispose = () => this.gpu.destroy();
}

const jobs = {
  J1: (data, c, draw) => new J1(data, c, draw),
  J2: (data, c, draw) => new J2(data, c, draw),
  J3: (data, c) => new J3(data, c),
  J4: (data, c) => new J3(data, c),
  J5: (data, { n }) => {
    const gpu = new GPU({ mode: "cpu" });
    return new Mapping(gpu, kernel(gpu, "a, b", `${sum(n, (k) => `a[${ROW}][${k}] * b[${k}][${COL}]`)} return acc;`, [n, n]), put(data.array("A")), put(data.array("B")));
  },
  J6: (data, { n, a, b, c }) => {
    const gpu = new GPU({ mode: "cpu" });
    return new Mapping(gpu, kernel(gpu, "x", `const v = x[${COL}]; return Math.log(1 + Math.exp(${c} * v)) / (1 + Math.exp(-(${a} * v + ${b})));`, [n]), put(data.array("z")));
  },
};
const { version } = require("gpu.js/package.json");
await serve({ version: `gpu.js ${version}, mode cpu, kernels by hand; it has no setting for threads` }, jobs, process.argv[2]);
