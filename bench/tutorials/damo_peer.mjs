/**
 * A step of each tutorial in damo: the functions that the programs of damo/models train with, on the bench's data and first weights. Device and threads
 * come from the environment. Usage: node damo_peer.mjs FOLDER. Knows nothing of other peers. Next: serve.mjs.
 */
import { config, MRGRandomStreams, NdArray, numpy as np, RandomStreams, shared, T } from "damo";
import {
  buildGaussianSampler, buildTrainCa, buildTrainDa, buildTrainRbm, buildTraining, cA, classifierFunctions, dA, DBN, initParams, initTparams, LeNet, LogisticRegression, MLP, objectiveOf, RBM, RNNSLU, RnnRbm, SdA,
  ThetaRegression,
} from "damo/models";
import { Data, serve } from "../peers/serve.mjs";

config.device = process.env.DAMO_BENCH_DEVICE || config.device;
config.threads = Number(process.env.DAMO_BENCH_THREADS);

const array = ({ data, shape }) => new NdArray(data, shape, data instanceof Int32Array ? "int32" : "float32");
const values = async (variables) => Promise.all(variables.map(async (v) => (await v.getValue()).data));
const rng = () => new np.random.RandomState(123);

/** Streams whose draws are the means (what is uniform is 0.5, what is normal 0): the draw-free form. */
const means = {
  binomial: ({ p }) => (typeof p === "number" ? T.constant(p, { dtype: config.floatX }) : p),
  uniform: ({ size }) => T.alloc(T.constant(0.5, { dtype: config.floatX }), size.get(0)),
  normal: ({ size }) => T.alloc(T.constant(0, { dtype: config.floatX }), size.get(0), size.get(1)),
};
const streams = (draw, Kind = MRGRandomStreams) => (draw === "random" ? new Kind(123) : means);

/** The images as the programs have them, labels as floats on the device; the first of them are validated. */
function datasetsOf(data, c, images = data.array("x")) {
  const labels = data.array("y");
  const [n, width] = images.shape;
  const first = (count) => [shared(array({ data: images.data.slice(0, count * width), shape: [count, width] })), T.cast(shared(np.asarray(labels.data.slice(0, count), { dtype: "float32" })), "int32")];
  const [train, valid] = [first(n), first(c.validation ?? c.batch)];
  return [train, valid, valid];
}

/** Calls `f` with what `argument` makes of the index of a minibatch. */
function training(f, n, params, argument = (i) => i) {
  return { step: async (i) => Number(await f(argument(i % n))), state: () => values(params), explain: () => f.explain(), dispose: () => f.dispose() };
}

const mean = (numbers) => numbers.reduce((a, b) => a + b) / numbers.length;

/** Some steps from the first weights, where all classes are equally likely; then a step is a validation. */
async function validating(trainModel, validateModel, params) {
  for (let i = 0; i < 2; i++) await trainModel(i);
  return { step: async () => mean(await validateModel()), state: () => values(params), explain: () => trainModel.explain(), dispose: () => trainModel.dispose() };
}

/** A classifier of the batch sizes and rates of `c`; `layers` have its weights. */
async function classifierJob(data, c, draw, model, layers) {
  layers.forEach(({ W }, n) => W.setValue(array(data.array(c.Ws[n]))));
  const datasets = datasetsOf(data, c, data.array(c.images?.[draw] ?? "x"));
  const { trainModel, validateModel } = classifierFunctions(model, datasets, { batchSize: c.batch, learningRate: c.lr });
  const state = [...layers.map((l) => l.W), ...layers.map((l) => l.b)];
  return c.validation ? validating(trainModel, validateModel, state) : training(trainModel, Math.floor(datasets[0][0].valueShape[0] / c.batch), state);
}

function logisticSgd(data, c, draw) {
  const [x, y] = [T.matrix("x"), T.ivector("y")];
  const top = new LogisticRegression({ input: x, nIn: 784, nOut: 10 });
  return classifierJob(data, c, draw, { x, y, cost: top.negativeLogLikelihood(y), errors: top.errors(y), params: top.params }, [top]);
}

function logisticCg(data, c) {
  const [x, y] = [T.matrix("x"), T.ivector("y")];
  const classifier = new ThetaRegression({ input: x, nIn: 784, nOut: 10 });
  const { f, fprime, batchCost } = objectiveOf(classifier, x, y, datasetsOf(data, c)[0], { batchSize: c.batch, nTrainBatches: c.perStep });
  const theta = [...data.array(c.theta).data];
  let gradient;
  const step = async () => {
    const cost = await f(theta);
    gradient = await fprime(theta);
    return cost;
  };
  return { step, state: async () => [Float32Array.from(gradient)], explain: () => batchCost.explain(), dispose: () => batchCost.dispose() };
}

function mlp(data, c, draw) {
  const [x, y] = [T.matrix("x"), T.ivector("y")];
  const net = new MLP({ rng: rng(), input: x, nIn: 784, nHidden: c.hidden, nOut: 10 });
  const cost = net.negativeLogLikelihood(y).add(net.L1.mul(0)).add(net.L2Sqr.mul(c.L2));
  return classifierJob(data, c, draw, { x, y, cost, errors: net.errors(y), params: net.params }, [net.hiddenLayer, net.logRegressionLayer]);
}

function lenet(data, c, draw) {
  const [x, y] = [T.matrix("x"), T.ivector("y")];
  const net = new LeNet({ rng: rng(), input: x, nkerns: c.kernels, batchSize: c.batch, nHidden: c.hidden });
  return classifierJob(data, c, draw, { x, y, cost: net.layer3.negativeLogLikelihood(y), errors: net.layer3.errors(y), params: net.params }, [net.layer0, net.layer1, net.layer2, net.layer3]);
}

const sizes = { nIns: 784, hiddenLayersSizes: [1000, 1000, 1000], nOuts: 10 };

/** The fine-tuning of a DBN or SdA, which does not depend on which of them it is. */
function finetuning(Kind) {
  return (data, c, draw) => {
    const { x, y, finetuneCost: cost, errors, params, sigmoidLayers, logLayer } = new Kind({ numpyRng: rng(), ...sizes });
    return classifierJob(data, c, draw, { x, y, cost, errors, params }, [...sigmoidLayers, logLayer]);
  };
}

/** The first layer's pretraining. `build` gives the network, its pretraining functions, their arguments, and the layer. */
function pretraining(build) {
  return (data, c, draw) => {
    const [[trainSetX]] = datasetsOf(data, c);
    const { fns: [first, ...others], given, params } = build(c, { numpyRng: rng(), theanoRng: streams(draw), ...sizes }, trainSetX);
    for (const f of others) f.dispose();
    params[0].setValue(array(data.array(c.W)));
    return training(first, Math.floor(trainSetX.valueShape[0] / c.batch), params, (index) => ({ index, ...given }));
  };
}

const sdaPretraining = pretraining((c, options, trainSetX) => {
  const sda = new SdA(options);
  return { fns: sda.pretrainingFunctions({ trainSetX, batchSize: c.batch }), given: { corruption: c.corruption, lr: c.lr }, params: sda.dALayers[0].params };
});

const dbnPretraining = pretraining((c, options, trainSetX) => {
  const dbn = new DBN(options);
  return { fns: dbn.pretrainingFunctions({ trainSetX, batchSize: c.batch, k: c.k }), given: { lr: c.lr }, params: dbn.rbmLayers[0].params };
});

function denoising(data, c, draw) {
  const [[trainSetX]] = datasetsOf(data, c);
  const da = new dA({ numpyRng: rng(), theanoRng: streams(draw), nVisible: c.visible, nHidden: c.hidden, W: shared(array(data.array(c.W)), { name: "W" }) });
  const train = buildTrainDa(da, trainSetX, { batchSize: c.batch, corruptionLevel: c.corruption, learningRate: c.lr });
  return training(train, Math.floor(trainSetX.valueShape[0] / c.batch), da.params);
}

function contractive(data, c) {
  const [[trainSetX]] = datasetsOf(data, c);
  const ca = new cA({ numpyRng: rng(), nVisible: c.visible, nHidden: c.hidden, nBatchsize: c.batch, W: shared(array(data.array(c.W)), { name: "W" }) });
  const train = buildTrainCa(ca, trainSetX, { contractionLevel: c.contraction, learningRate: c.lr });
  const job = training(train, Math.floor(trainSetX.valueShape[0] / c.batch), ca.params);
  const step = async (i) => {
    const [reconstruction, jacobian] = await train(i % Math.floor(trainSetX.valueShape[0] / c.batch));
    return Number(reconstruction) + c.contraction * Number(jacobian);
  };
  return { ...job, step };
}

/** NumPy's streams, as the program has them. */
function rbm(data, c, draw) {
  const [[trainSetX]] = datasetsOf(data, c);
  const model = new RBM({ nVisible: c.visible, nHidden: c.hidden, theanoRng: streams(draw, RandomStreams), W: shared(array(data.array(c.W)), { name: "W" }) });
  const train = buildTrainRbm(model, trainSetX, { batchSize: c.batch, learningRate: c.lr, persistent: true, k: c.k });
  const chain = train.graph.updates.map(([variable]) => variable).find(({ name }) => name === "persistent_chain");
  return training(train, Math.floor(trainSetX.valueShape[0] / c.batch), [...model.params, chain]);
}

function rnnrbm(data, c, draw) {
  const model = new RnnRbm({ nVisible: c.visible, nHidden: c.hidden, nHiddenRecurrent: c.recurrent, lr: c.lr, kTrain: c.k, ...(draw === "random" ? {} : { rng: means }) });
  const { params } = model.graph;
  for (const p of params) if (p.ndim === 2) p.setValue(array(data.array(`rnnrbm.${p.name}`)));
  const roll = array(data.array("roll"));
  return training(model.trainFunction, 1, params, () => roll);
}

function rnnslu(data, c) {
  const model = new RNNSLU({ nh: c.hidden, nc: c.classes, ne: c.words, de: c.embedding, cs: c.window }, rng());
  for (const p of model.params) if (p.ndim === 2) p.setValue(array(data.array(`rnnslu.${p.name}`)));
  const [x, y] = ["x", "y"].map((name) => [...data.array(`rnnslu.${name}`).data]);
  return { ...training(model.sentenceTrain, 1, model.params), step: () => model.train(x, y, c.window, c.lr) };
}

function lstm(data, c, draw) {
  const options = { dimProj: c.dim, nWords: c.words, ydim: c.classes, encoder: "lstm", useDropout: true };
  const tparams = initTparams(initParams(options, rng()));
  for (const [name, p] of tparams) if (p.ndim === 2) p.setValue(array(data.array(`lstm.${name}`)));
  const { model, fGradShared, fUpdate } = buildTraining(tparams, options, { optimizer: "adadelta", decayC: 0, seed: 123 });
  const [x, mask, y] = ["x", "mask", "y"].map((name) => array(data.array(`lstm.${name}`)));
  const step = async () => {
    model.useNoise.setValue(draw === "random" ? 1 : 0);
    const cost = Number(await fGradShared(x, mask, y));
    await fUpdate(0.0001);
    return cost;
  };
  return { ...training(fGradShared, 1, [...tparams.values()]), step };
}

function hmc(_data, c, draw) {
  const { sampler } = buildGaussianSampler(c.dim, { nSteps: c.leapfrog, ...(draw === "random" ? {} : { sRng: means }) });
  const step = async () => void (await sampler.draw());
  return { ...training(sampler.simulate, 1, [sampler.positions, sampler.stepsize, sampler.avgAcceptanceRate]), step };
}

const made = {
  logistic_sgd: logisticSgd, logistic_cg: logisticCg, mlp, lenet, dA: denoising, cA: contractive, "SdA-pretraining": sdaPretraining, "SdA-finetuning": finetuning(SdA), "DBN-pretraining": dbnPretraining,
  "DBN-finetuning": finetuning(DBN), rbm, rnnrbm, rnnslu, lstm, hmc,
};
const folder = process.argv[2];
const { jobs } = new Data(folder).manifest;
await serve({ version: `damo on ${config.device}` }, Object.fromEntries(Object.entries(jobs).map(([name, { kind }]) => [name, made[kind]])), folder);
