/**
 * The tutorials as constants, with the settings of their articles, and the arrays they work on, written to a folder that every peer reads: same data,
 * same starting weights. Must not know peers. Next: damo_peer.mjs and torch_peer.py do a step of each, run.mjs makes epochs of steps.
 */
import { numpy as np } from "damo";
import { buildGaussianSampler } from "damo/models";
import { filters, float, glorot, images, int, uniform, untied, writeFolder } from "../peers/arrays.mjs";
import { CELLS, normalOf, rnnrbmWeights, roll } from "../recurrence/jobs.mjs";

/** Of the 50000 that an epoch has, so many are at hand; and so many of the 10000 that are validated. */
const EXAMPLES = 12000;
const VALIDATED = 600;
const [TRAINING_SET, VALIDATION_SET] = [50000, 10000];

const deep = (name) => ({ activation: "sigmoid", Ws: [`${name}.W`, "deep.W1", "deep.W2", "deep.W3"] });

/**
 * `perStep`: minibatches in a step, 1 if not said. `validates`: the errors of the validation set belong to an epoch. `per`: what a step is where an
 * epoch depends on data that are not at hand. `checkSteps`: draw-free steps after which peers must agree.
 */
const TUTORIALS = {
  logistic_sgd: { title: "`logistic_sgd`: 784-10", batch: 600, lr: 0.13, Ws: ["logistic.W"], validates: true, checkSteps: 20 },
  logistic_cg: { title: "`logistic_cg`: cost, then gradient, of the training set", batch: 600, perStep: 20, theta: "theta", checkSteps: 1 },
  mlp: { title: "`mlp`: 784-500-10, tanh, L2", batch: 20, lr: 0.01, L2: 0.0001, hidden: 500, Ws: ["mlp.W0", "mlp.W1"], validates: true, checkSteps: 20 },
  lenet: { title: "`convolutional_mlp`: 20 and 50 filters, 500", images: { mean: "untied", random: "x" }, kernels: [20, 50], hidden: 500, batch: 500, lr: 0.1, Ws: ["lenet.W0", "lenet.W1", "lenet.W2", "lenet.W3"], validates: true, checkSteps: 2 },
  dA: { title: "`dA`: 784-500, 30 % corruption", batch: 20, visible: 784, hidden: 500, lr: 0.1, corruption: 0.3, W: "dA.W", checkSteps: 20 },
  cA: { title: "`cA`: 784-500, contraction 0.1", batch: 10, visible: 784, hidden: 500, lr: 0.01, contraction: 0.1, W: "dA.W", checkSteps: 10 },
  "SdA-pretraining": { title: "`SdA`: pretraining of 784-1000, 10 % corruption", batch: 1, visible: 784, hidden: 1000, lr: 0.001, corruption: 0.1, W: "SdA.W", checkSteps: 40 },
  "SdA-finetuning": { title: "`SdA`: fine-tuning of 784-1000-1000-1000-10", batch: 1, lr: 0.1, ...deep("SdA"), validates: true, checkSteps: 20 },
  "DBN-pretraining": { title: "`DBN`: pretraining of 784-1000, CD-1", batch: 10, visible: 784, hidden: 1000, lr: 0.01, k: 1, W: "SdA.W", checkSteps: 20 },
  "DBN-finetuning": { title: "`DBN`: fine-tuning of 784-1000-1000-1000-10", batch: 10, lr: 0.1, ...deep("SdA"), validates: true, checkSteps: 20 },
  rbm: { title: "`rbm`: 784-500, PCD-15", batch: 20, visible: 784, hidden: 500, k: 15, lr: 0.1, W: "dA.W", checkSteps: 3 },
  rnnrbm: { ...CELLS.rnnrbm, title: "`rnnrbm`: 88-150-100, CD-15", per: "a sequence of 200 steps", steps: 200, checkSteps: 5 },
  rnnslu: { title: "`rnnslu`: 572 words in windows of 7, embeddings of 50, 200 hidden, 127 classes", per: "a sentence of 12 words", words: 572, window: 7, embedding: 50, hidden: 200, classes: 127, length: 12, lr: 0.0970806646812754, checkSteps: 10 },
  lstm: { title: "`lstm`: 10000 words, 128, adadelta", per: "a minibatch of 16 reviews of 50 to 80 words", words: 10000, dim: 128, classes: 2, batch: 16, steps: 80, checkSteps: 10 },
  hmc: { title: "`hmc`: 3 chains in 10 dimensions, 20 leapfrog steps", per: "a move", chains: 3, dim: 10, leapfrog: 20, checkSteps: 30 },
};

const validationOf = (name) => `${name}-validation`;

/** Jobs by name; that of a validation has the constants of what it validates. */
export const JOBS = Object.fromEntries(
  Object.entries(TUTORIALS).flatMap(([name, c]) => {
    const steps = [[name, { ...c, kind: name }]];
    return c.validates ? [...steps, [validationOf(name), { ...c, kind: name, validation: Math.floor(VALIDATED / c.batch) * c.batch, checkSteps: 1 }]] : steps;
  }),
);

/** What an epoch of a tutorial is: its steps by job, and how many of them it has. */
export function epochOf(name) {
  const { title, batch, perStep = 1, validates, per } = TUTORIALS[name];
  if (per) return { title, minibatches: `1: ${per}`, parts: [{ job: name, steps: 1 }] };
  const minibatches = Math.floor(TRAINING_SET / batch);
  const parts = [{ job: name, steps: minibatches / perStep }];
  if (!validates) return { title, minibatches, parts };
  const job = validationOf(name);
  const validated = Math.floor(VALIDATION_SET / batch);
  return { title, minibatches: `${minibatches} and ${validated}`, parts: [...parts, { job, steps: (validated * batch) / JOBS[job].validation }] };
}

export const NAMES = Object.keys(TUTORIALS);

const zeros = (...shape) => float(shape, new Float32Array(shape.reduce((a, b) => a * b)));

/** Sentences and reviews: words, labels, and a mask for reviews that end before the longest. */
function texts(rng) {
  const { rnnslu, lstm } = TUTORIALS;
  const draw = (n, below) => Array.from({ length: n }, () => rng.randint(below));
  const lengths = Array.from({ length: lstm.batch }, (_, i) => (i === 0 ? lstm.steps : 50 + rng.randint(lstm.steps - 50)));
  const mask = Array.from({ length: lstm.steps * lstm.batch }, (_, at) => Number(Math.floor(at / lstm.batch) < lengths[at % lstm.batch]));
  return {
    "rnnslu.x": int([rnnslu.length], draw(rnnslu.length, rnnslu.words)),
    "rnnslu.y": int([rnnslu.length], draw(rnnslu.length, rnnslu.classes)),
    // Words as frequent as Zipf found them.
    "lstm.x": int([lstm.steps, lstm.batch], mask.map((m) => m * (1 + Math.floor(Math.exp(rng.randomSample() * Math.log(lstm.words - 1)))))),
    "lstm.mask": float([lstm.steps, lstm.batch], mask),
    "lstm.y": int([lstm.batch], draw(lstm.batch, lstm.classes)),
  };
}

function recurrentWeights(rng) {
  const { rnnslu, lstm } = TUTORIALS;
  const normal = normalOf(rng);
  return {
    ...rnnrbmWeights(rng),
    "rnnslu.embeddings": uniform(rng, 0.2, rnnslu.words + 1, rnnslu.embedding),
    "rnnslu.wx": uniform(rng, 0.2, rnnslu.embedding * rnnslu.window, rnnslu.hidden),
    "rnnslu.wh": uniform(rng, 0.2, rnnslu.hidden, rnnslu.hidden),
    "rnnslu.w": uniform(rng, 0.2, rnnslu.hidden, rnnslu.classes),
    "lstm.Wemb": uniform(rng, 0.01, lstm.words, lstm.dim),
    "lstm.lstm_W": normal(0.09, lstm.dim, 4 * lstm.dim),
    "lstm.lstm_U": normal(0.09, lstm.dim, 4 * lstm.dim),
    "lstm.U": normal(0.01, lstm.dim, lstm.classes),
  };
}

async function arrays({ x, y }) {
  const rng = new np.random.RandomState(1234);
  const { kernels: [first, second], hidden } = TUTORIALS.lenet;
  const { sampler: { positions }, mu, covInv } = buildGaussianSampler(TUTORIALS.hmc.dim);
  const start = await positions.getValue();
  return {
    x,
    y,
    untied: untied(x, 1000),
    "logistic.W": zeros(784, 10),
    theta: uniform(rng, 0.01, 7850),
    "mlp.W0": glorot(rng, 784, 500),
    "mlp.W1": zeros(500, 10),
    "lenet.W0": filters(rng, first, 1),
    "lenet.W1": filters(rng, second, first),
    "lenet.W2": glorot(rng, 16 * second, hidden),
    "lenet.W3": zeros(hidden, 10),
    "dA.W": glorot(rng, 784, 500, 4),
    "SdA.W": glorot(rng, 784, 1000, 4),
    "deep.W1": glorot(rng, 1000, 1000, 4),
    "deep.W2": glorot(rng, 1000, 1000, 4),
    "deep.W3": zeros(1000, 10),
    ...texts(rng),
    ...recurrentWeights(rng),
    roll: roll(rng, TUTORIALS.rnnrbm.steps),
    "hmc.mu": float(mu.shape, mu.data),
    "hmc.covInv": float(covInv.shape, covInv.data),
    "hmc.positions": float(start.shape, start.data),
  };
}

/** Writes the folder; gives its path and what the images are, in words. */
export async function writeData() {
  const data = await images(EXAMPLES);
  return { folder: await writeFolder("tutorials", JOBS, await arrays(data)), description: data.description };
}
