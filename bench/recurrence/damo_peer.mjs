/**
 * The recurrent jobs in damo: the layers and the RNN-RBM of the tutorials' models, through scan. Device and threads come from the environment.
 * Usage: node damo_peer.mjs FOLDER. Knows nothing of other peers. Next: serve.mjs.
 */
import { compile, config, grad, MRGRandomStreams, NdArray, numpy as np, shared, T } from "damo";
import { buildRnnrbm, layers } from "damo/models";
import { Data, serve } from "../peers/serve.mjs";

config.device = process.env.DAMO_BENCH_DEVICE || config.device;
config.threads = Number(process.env.DAMO_BENCH_THREADS);

const array = ({ data, shape }) => new NdArray(data, shape, data instanceof Int32Array ? "int32" : "float32");
const first = ({ data, shape: [, ...row] }, n) => new NdArray(data.slice(0, n * row.reduce((a, b) => a * b, 1)), [n, ...row], "float32");
const values = async (variables) => Promise.all(variables.map(async (v) => (await v.getValue()).data));
const zeros = (name, n) => shared(np.zeros([n], { dtype: "float32" }), { name });

/** Streams whose draws are the means: the draw-free form. */
const means = { binomial: ({ p }) => p };

const descent = (cost, params, lr, options) => {
  const gradients = grad(cost, params, options);
  return params.map((p, i) => [p, p.sub(gradients[i].mul(lr))]);
};

const job = (train, argument, params) => ({ step: async () => Number(await train(argument)), state: () => values(params), explain: () => train.explain(), dispose: () => train.dispose() });

function cellJob(data, c) {
  const weight = (name) => shared(array(data.array(`${c.cell}.${name}`)), { name });
  const [W, U, b, V, d] = [weight("W"), weight("U"), zeros("b", c.gates * c.dim), weight("V"), zeros("d", c.classes)];
  const tparams = new Map(Object.entries({ layer_W: W, layer_U: U, layer_b: b }));
  const x = T.tensor3("x");
  const states = layers[c.cell].layer({ tparams, stateBelow: x, options: { dimProj: c.dim }, prefix: "layer", mask: null });
  const y = shared(array(data.array("y")), { name: "y" });
  const p = T.nnet.softmax(T.dot(states.mean({ axis: 0 }), V).add(d));
  const cost = T.log(p).get(T.arange(c.batch), y).mean().neg();
  const params = [W, U, b, V, d];
  const train = compile([x], cost, { updates: descent(cost, params, c.lr), name: "train" });
  return job(train, first(data.array("x"), c.steps), params);
}

function rnnrbmJob(data, c, draw) {
  const rng = draw === "random" ? new MRGRandomStreams(123) : means;
  const { v, vSample, cost, monitor, params, updatesTrain } = buildRnnrbm({ nVisible: c.visible, nHidden: c.hidden, nHiddenRecurrent: c.recurrent }, { numpyRng: new np.random.RandomState(1), rng }, { kTrain: c.k });
  for (const p of params) if (p.ndim === 2) p.setValue(array(data.array(`rnnrbm.${p.name}`)));
  for (const [p, next] of descent(cost, params, c.lr, { considerConstant: [vSample] })) updatesTrain.set(p, next);
  return job(compile([v], monitor, { updates: updatesTrain, name: "train" }), first(data.array("roll"), c.steps), params);
}

const folder = process.argv[2];
const { jobs } = new Data(folder).manifest;
await serve({ version: `damo, ${config.device}` }, Object.fromEntries(Object.entries(jobs).map(([name, { cell }]) => [name, cell === "rnnrbm" ? rnnrbmJob : cellJob])), folder);
