/**
 * One training call of the article's RBM (PCD-k with the pseudo-likelihood as monitoring cost) written by hand in gpu.js, as its README
 * teaches: kernels with two-dimensional indices, `pipeline: true`, results kept on the device from call to call, samples by Math.random().
 * `unroll` writes the inner products four terms at a time, which is faster on the CPU modes. `fused` traces the whole call with
 * gpu.createPipeline. Knows nothing of damo. Next: run.mjs times it beside damo's generated kernels.
 */
import gpujs from "gpu.js";

const { GPU, input } = gpujs;

/** sum over k < n of `term(k)`, four at a time when asked and n allows it. */
function product(n, term, unroll) {
  if (!unroll || n % 4 !== 0) return `let acc = 0; for (let k = 0; k < ${n}; k++) { acc += ${term("k")}; }`;
  const parts = [0, 1, 2, 3].map((u) => `acc${u} += ${term(u === 0 ? "k" : `k + ${u}`)};`).join(" ");
  return `let acc0 = 0; let acc1 = 0; let acc2 = 0; let acc3 = 0; for (let k = 0; k < ${n}; k += 4) { ${parts} } const acc = acc0 + acc1 + acc2 + acc3;`;
}

function sources({ visible, hidden, batch, unroll, lr }) {
  const xW = product(visible, (k) => `v[this.thread.y][${k}] * w[${k}][this.thread.x]`, unroll);
  const hWt = product(hidden, (k) => `h[this.thread.y][${k}] * w[this.thread.x][${k}]`, unroll);
  const flipped = product(visible, (k) => `(${k} === bit ? 1 - Math.floor(v[this.thread.y][${k}] + 0.5) : Math.floor(v[this.thread.y][${k}] + 0.5)) * w[${k}][this.thread.x]`, unroll);
  const rounded = product(visible, (k) => `Math.floor(v[this.thread.y][${k}] + 0.5) * w[${k}][this.thread.x]`, unroll);
  const statistics = product(batch, (k) => `(v[${k}][this.thread.y] * ph[${k}][this.thread.x] - c[${k}][this.thread.y] * nh[${k}][this.thread.x])`, unroll);
  const hiddenTerm = `let acc = 0; for (let k = 0; k < ${hidden}; k++) { acc += Math.log(1 + Math.exp(pre[this.thread.x][k])); }`;
  return {
    mean: [`function(v, w, b) { ${xW} return 1 / (1 + Math.exp(-(acc + b[this.thread.x]))); }`, [hidden, batch]],
    sampleH: [`function(v, w, b) { ${xW} return Math.random() < 1 / (1 + Math.exp(-(acc + b[this.thread.x]))) ? 1 : 0; }`, [hidden, batch]],
    sampleV: [`function(h, w, b) { ${hWt} return Math.random() < 1 / (1 + Math.exp(-(acc + b[this.thread.x]))) ? 1 : 0; }`, [visible, batch]],
    preRounded: [`function(v, w, b) { ${rounded} return acc + b[this.thread.x]; }`, [hidden, batch]],
    preFlipped: [`function(v, w, b, bit) { ${flipped} return acc + b[this.thread.x]; }`, [hidden, batch]],
    energy: [`function(v, pre, b) { ${hiddenTerm} let bias = 0; for (let k = 0; k < ${visible}; k++) { bias += Math.floor(v[this.thread.x][k] + 0.5) * b[k]; } return -acc - bias; }`, [batch]],
    energyFlipped: [
      `function(v, pre, b, bit) { ${hiddenTerm} let bias = 0; for (let k = 0; k < ${visible}; k++) { const x = Math.floor(v[this.thread.x][k] + 0.5); bias += (k === bit ? 1 - x : x) * b[k]; } return -acc - bias; }`,
      [batch],
    ],
    cost: [`function(f, g) { let acc = 0; for (let k = 0; k < ${batch}; k++) { acc += Math.log(1 / (1 + Math.exp(-(g[k] - f[k])))); } return acc * ${visible / batch}; }`, [1]],
    updateW: [`function(w, v, ph, c, nh) { ${statistics} return w[this.thread.y][this.thread.x] + acc * ${lr / batch}; }`, [hidden, visible]],
    updateB: [`function(b, p, n) { let acc = 0; for (let k = 0; k < ${batch}; k++) { acc += p[k][this.thread.x] - n[k][this.thread.x]; } return b[this.thread.x] + acc * ${lr / batch}; }`, null],
  };
}

/**
 * @param {{ mode: string, k: number, visible?: number, hidden?: number, batch?: number, lr?: number, unroll?: boolean, fused?: boolean }} options
 * @returns {{ step(v0: Float32Array): Promise<number>, kernelsPerStep: number, dispose(): Promise<void> }} `step` gives the monitoring cost.
 */
export function handwritten({ mode, k, visible = 784, hidden = 500, batch = 20, lr = 0.1, unroll = false, fused = false }) {
  const gpu = new GPU({ mode });
  const settings = { precision: "single", pipeline: true, immutable: true, loopMaxIterations: 100000 };
  const make = ([source, output], own = output) => gpu.createKernel(source, { ...settings, output: own });
  const s = sources({ visible, hidden, batch, unroll, lr });
  const kernels = Object.fromEntries(Object.entries(s).filter(([name]) => name !== "updateB").map(([name, row]) => [name, make(row)]));
  const updateH = make(s.updateB, [hidden]);
  const updateV = make(s.updateB, [visible]);
  const { mean, sampleH, sampleV, preRounded, preFlipped, energy, energyFlipped, cost, updateW } = kernels;

  const range = 4 * Math.sqrt(6 / (visible + hidden));
  const w0 = Float32Array.from({ length: visible * hidden }, () => (Math.random() * 2 - 1) * range);
  const state = { w: input(w0, [hidden, visible]), hb: input(new Float32Array(hidden), [hidden]), vb: input(new Float32Array(visible), [visible]), chain: input(new Float32Array(batch * hidden), [hidden, batch]) };
  let bit = 0;

  /** The call's kernels in order; `run` launches one, so that the same text serves plain calls and tracing. */
  function* call(v0, w, hb, vb, chain, flip) {
    const ph = yield [mean, v0, w, hb];
    let h = chain;
    let v = null;
    for (let i = 0; i < k; i++) {
      v = yield [sampleV, h, w, vb];
      h = yield [sampleH, v, w, hb];
    }
    const nh = yield [mean, v, w, hb];
    const fe = yield [energy, v0, yield [preRounded, v0, w, hb], vb];
    const feFlip = yield [energyFlipped, v0, yield [preFlipped, v0, w, hb, flip], vb, flip];
    return { w: yield [updateW, w, v0, ph, v, nh], hb: yield [updateH, hb, ph, nh], vb: yield [updateV, vb, v0, v], chain: h, cost: yield [cost, fe, feFlip] };
  }

  const release = (t) => { if (t && typeof t.delete === "function") t.delete(); };

  async function stepPlain(v0) {
    const made = [];
    const walk = call(input(v0, [visible, batch]), state.w, state.hb, state.vb, state.chain, bit);
    let next = walk.next();
    while (!next.done) {
      const [kernel, ...args] = next.value;
      const result = await kernel(...args);
      made.push(result);
      next = walk.next(result);
    }
    const { cost: costResult, ...fresh } = next.value;
    const value = typeof costResult.toArray === "function" ? (await costResult.toArray())[0] : costResult[0];
    const kept = new Set(Object.values(fresh));
    for (const t of [...made.filter((t) => !kept.has(t)), ...Object.values(state)]) release(t);
    Object.assign(state, fresh);
    return value;
  }

  const pipeline = fused
    ? gpu.createPipeline((v0, w, hb, vb, chain, flip) => {
        const walk = call(v0, w, hb, vb, chain, flip);
        let next = walk.next();
        while (!next.done) next = walk.next(next.value[0](...next.value.slice(1)));
        return next.value;
      })
    : null;

  const rows = (data, width) => (data instanceof Float32Array ? input(data, [data.length]) : input(Float32Array.from(data.flatMap((r) => [...r])), [width, data.length]));

  async function stepFused(v0) {
    const out = await pipeline(input(v0, [visible, batch]), state.w, state.hb, state.vb, state.chain, bit);
    state.w = rows(out.w, hidden);
    state.hb = rows(out.hb, hidden);
    state.vb = rows(out.vb, visible);
    state.chain = rows(out.chain, hidden);
    return out.cost[0];
  }

  return {
    kernelsPerStep: 2 * k + 10,
    async step(v0) {
      const value = await (fused ? stepFused(v0) : stepPlain(v0));
      bit = (bit + 1) % visible;
      return value;
    },
    async dispose() {
      if (pipeline) pipeline.destroy();
      await gpu.destroy();
    },
  };
}
