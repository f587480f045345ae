/**
 * The jobs as constants, and the arrays they work on, written to a folder that every peer reads: same shapes, same data, same weights.
 * What a job computes is said in README.md and checked by agree.mjs. Must not know peers. Next: serve.mjs and serve.py read the folder.
 */
import { numpy as np } from "damo";
import { filters, float, glorot, images, uniform, untied, writeFolder } from "./arrays.mjs";

/** Examples that take part; J4 passes through them in 20 minibatches. */
const EXAMPLES = 12000;

/** `target`: what damo aims at, as a share of the time of the best peer, or of the peer `of`; some jobs have none. */
export const JOBS = {
  J1: { title: "RBM 784x500, batch 20, PCD-15, pseudo-likelihood", target: 0.8, visible: 784, hidden: 500, batch: 20, k: 15, lr: 0.1, W: "J1.W", checkSteps: 3, statisticsSteps: 60 },
  J2: { title: "RBM 784x1000, batch 10, CD-1, reconstruction cost", target: 0.9, visible: 784, hidden: 1000, batch: 10, k: 1, lr: 0.1, W: "J2.W", checkSteps: 5, statisticsSteps: 200 },
  J3: { title: "MLP 784-1000-1000-1000-10 (tanh), batch 10", target: 0.9, batch: 10, lr: 0.01, Ws: ["J3.W0", "J3.W1", "J3.W2", "J3.W3"], checkSteps: 10 },
  J4: { title: "softmax regression 784-10, batch 600", target: 0.9, batch: 600, lr: 0.13, Ws: ["J4.W"], checkSteps: 20 },
  J5: { title: "1024x1024x1024 product", target: 0.45, of: "jax-js", n: 1024, checkSteps: 1 },
  J6: { title: "sigmoid(a*x+b)*log1p(exp(c*x)) on 4M elements", target: 0.9, n: 4_000_000, a: 1.5, b: 0.3, c: 0.7, checkSteps: 1 },
  J7: { title: "LeNet: 20 and 50 filters of 5x5, 500 tanh, batch 500", images: { mean: "J7.x", random: "x" }, kernels: [20, 50], hidden: 500, batch: 500, lr: 0.1, Ws: ["J7.W0", "J7.W1", "J7.W2", "J7.W3"], checkSteps: 2 },
};

function arrays({ x, y }) {
  const rng = new np.random.RandomState(1234);
  return {
    x,
    y,
    "J1.W": glorot(rng, 784, JOBS.J1.hidden, 4),
    "J2.W": glorot(rng, 784, JOBS.J2.hidden, 4),
    "J3.W0": glorot(rng, 784, 1000),
    "J3.W1": glorot(rng, 1000, 1000),
    "J3.W2": glorot(rng, 1000, 1000),
    "J3.W3": glorot(rng, 1000, 10),
    "J4.W": float([784, 10], new Float32Array(7840)),
    A: uniform(rng, 1, JOBS.J5.n, JOBS.J5.n),
    B: uniform(rng, 1, JOBS.J5.n, JOBS.J5.n),
    z: uniform(rng, 4, JOBS.J6.n),
    "J7.x": untied(x, 1000),
    "J7.W0": filters(rng, JOBS.J7.kernels[0], 1),
    "J7.W1": filters(rng, JOBS.J7.kernels[1], JOBS.J7.kernels[0]),
    "J7.W2": glorot(rng, 16 * JOBS.J7.kernels[1], JOBS.J7.hidden),
    "J7.W3": glorot(rng, JOBS.J7.hidden, 10),
  };
}

/** Writes the folder; gives its path and what the data are, in words. */
export async function writeData() {
  const data = await images(EXAMPLES);
  return { folder: await writeFolder("bench", JOBS, arrays(data)), description: data.description };
}
