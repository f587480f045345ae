/**
 * The jobs in damo, on the public API: the tutorials' own models, data and weights in shared variables, draws by MRG31k3p. The device, the number
 * of threads and `fma` come from the environment. Usage: node damo_peer.mjs FOLDER. Knows nothing of other peers. Next: serve.mjs.
 */
import { compile, config, grad, MRGRandomStreams, NdArray, numpy as np, shared, T } from "damo";
import { HiddenLayer, LeNet, LogisticRegression, minibatch, RBM } from "damo/models";
import { serve } from "./serve.mjs";

config.device = process.env.DAMO_BENCH_DEVICE || config.device;
// Devices without threads have no use for the setting.
if ("threads" in config) config.threads = Number(process.env.DAMO_BENCH_THREADS);
if (process.env.DAMO_BENCH_FMA) config.fma = process.env.DAMO_BENCH_FMA === "1";

const array = ({ data, shape }) => new NdArray(data, shape, data instanceof Int32Array ? "int32" : "float32");
const values = async (variables) => Promise.all(variables.map(async (v) => (await v.getValue()).data));

/** Streams whose draws are the means: the draw-free form. */
const means = { binomial: ({ p }) => p };

/** Calls `f` with the index of the minibatch, and gives what it gives. */
function job(f, n, state) {
  return { step: (i) => f(i % n), state: () => values(state), explain: () => f.explain(), dispose: () => f.dispose() };
}

function rbmJob(data, c, draw, persistent) {
  const images = data.array("x");
  const [x, index] = [T.matrix("x"), T.lscalar("index")];
  const theanoRng = draw === "random" ? new MRGRandomStreams(123) : means;
  const rbm = new RBM({ input: x, nVisible: c.visible, nHidden: c.hidden, W: shared(array(data.array(c.W)), { name: "W" }), theanoRng });
  const chain = persistent ? shared(np.zeros([c.batch, c.hidden], { dtype: "float32" }), { name: "chain" }) : null;
  const [cost, updates] = rbm.getCostUpdates({ lr: c.lr, persistent: chain, k: c.k });
  const train = compile([index], cost, { updates, givens: [[x, minibatch(shared(array(images)), index, c.batch)]], name: "train_rbm" });
  return job(train, Math.floor(images.shape[0] / c.batch), [...rbm.params, ...(chain ? [chain] : [])]);
}

/** Hidden tanh layers under a logistic regression; none for softmax regression. */
async function networkJob(data, c) {
  const [x, y, index] = [T.matrix("x"), T.ivector("y"), T.lscalar("index")];
  const rng = new np.random.RandomState(123);
  const weights = c.Ws.map((name) => array(data.array(name)));
  const layers = [];
  for (const W of weights.slice(0, -1)) {
    layers.push(new HiddenLayer({ rng, input: layers.at(-1)?.output ?? x, nIn: W.shape[0], nOut: W.shape[1], W: shared(W) }));
  }
  const [nIn, nOut] = weights.at(-1).shape;
  const top = new LogisticRegression({ input: layers.at(-1)?.output ?? x, nIn, nOut });
  top.W.setValue(weights.at(-1));
  return classifierJob(data, c, { x, y, index }, [...layers, top]);
}

/** Gradient descent on the cost of the last of the layers. */
function classifierJob(data, c, { x, y, index }, layers, images = data.array("x")) {
  const params = layers.flatMap((l) => [l.W, l.b]);
  const cost = layers.at(-1).negativeLogLikelihood(y);
  const gradients = grad(cost, params);
  const train = compile([index], cost, {
    updates: params.map((p, i) => [p, p.sub(gradients[i].mul(c.lr))]),
    givens: [[x, minibatch(shared(array(images)), index, c.batch)], [y, minibatch(shared(array(data.array("y"))), index, c.batch)]],
    name: "train_network",
  });
  return job(train, Math.floor(images.shape[0] / c.batch), [...layers.map((l) => l.W), ...layers.map((l) => l.b)]);
}

async function lenetJob(data, c, draw) {
  const [x, y, index] = [T.matrix("x"), T.ivector("y"), T.lscalar("index")];
  const net = new LeNet({ rng: new np.random.RandomState(123), input: x, nkerns: c.kernels, batchSize: c.batch, nHidden: c.hidden });
  const layers = [net.layer0, net.layer1, net.layer2, net.layer3];
  layers.forEach((l, n) => l.W.setValue(array(data.array(c.Ws[n]))));
  return classifierJob(data, c, { x, y, index }, layers, data.array(c.images[draw]));
}

/** The result stays on the device, as the value of a shared variable. */
function mapped(f, shape) {
  const out = shared(np.zeros(shape, { dtype: "float32" }));
  const run = compile([], [], { updates: [[out, f]] });
  return { step: async () => void (await run()), state: () => values([out]), explain: () => run.explain(), dispose: () => run.dispose() };
}

const jobs = {
  J1: (data, c, draw) => rbmJob(data, c, draw, true),
  J2: (data, c, draw) => rbmJob(data, c, draw, false),
  J3: networkJob,
  J4: networkJob,
  J7: lenetJob,
  J5: (data, { n }) => mapped(T.dot(shared(array(data.array("A"))), shared(array(data.array("B")))), [n, n]),
  J6: (data, { n, a, b, c }) => {
    const x = shared(array(data.array("z")));
    return mapped(T.nnet.sigmoid(x.mul(a).add(b)).mul(T.log1p(T.exp(x.mul(c)))), [n]);
  },
};

const probe = compile([], T.constant(1).add(shared(1)));
await probe();
const { device, description } = probe.explain();
await serve({ version: `damo on ${device} (${description})` }, jobs, process.argv[2]);
