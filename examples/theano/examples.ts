/**
 * Theano's page "More Examples" (doc/tutorial/examples.txt), block by block: `node dist/examples/theano/examples.js`.
 * The page's draws without a printed value are compared with each other here, and its last program, which has no seed, has one.
 */
import { compile, config, grad, In, MRGRandomStreams, numpy as np, RandomStreams, shared, T, type Variable } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

// Logistic Function
{
  const x = T.dmatrix("x");
  const s = T.div(1, T.add(1, T.exp(x.neg())));
  const logistic = compile([x], s);
  console.log(await logistic([[0, 1], [-1, -2]]));
  // [[0.5        0.73105858]
  //  [0.26894142 0.11920292]]

  const s2 = T.add(1, T.tanh(x.div(2))).div(2);
  const logistic2 = compile([x], s2);
  console.log(await logistic2([[0, 1], [-1, -2]]));
  // [[0.5        0.73105858]
  //  [0.26894142 0.11920292]]
}

// Computing More than one Thing at the Same Time
{
  const [a, b] = T.dmatrices("a", "b");
  const diff = a.sub(b);
  const absDiff = diff.abs();
  const diffSquared = diff.pow(2);
  const f = compile([a, b], [diff, absDiff, diffSquared]);
  const [difference, absolute, squared] = await f([[1, 1], [1, 1]], [[0, 1], [2, 3]]);
  console.log(difference);
  // [[ 1.  0.]
  //  [-1. -2.]]
  console.log(absolute);
  // [[1. 0.]
  //  [1. 2.]]
  console.log(squared);
  // [[1. 0.]
  //  [1. 4.]]
}

// Setting a Default Value for an Argument
{
  const [x, y] = T.dscalars("x", "y");
  const z = x.add(y);
  const f = compile([x, In(y, { value: 1 })], z);
  console.log(await f(33)); // 34
  console.log(await f(33, 2)); // 35
}
{
  const [x, y, w] = T.dscalars("x", "y", "w");
  const z = x.add(y).mul(w);
  const f = compile([x, In(y, { value: 1 }), In(w, { value: 2, name: "w_by_name" })], z);
  console.log(await f(33)); // 68
  console.log(await f(33, 2)); // 70
  console.log(await f(33, 0, 1)); // 33
  console.log(await f(33, { w_by_name: 1 })); // 34
  console.log(await f(33, { w_by_name: 1, y: 0 })); // 33
}

// Using Shared Variables
{
  const state = shared(0);
  const inc = T.iscalar("inc");
  const accumulator = compile([inc], state, { updates: [[state, state.add(inc)]] });
  console.log(await state.getValue()); // 0
  console.log(await accumulator(1)); // 0
  console.log(await state.getValue()); // 1
  console.log(await accumulator(300)); // 1
  console.log(await state.getValue()); // 301

  state.setValue(-1);
  console.log(await accumulator(3)); // -1
  console.log(await state.getValue()); // 2

  const decrementor = compile([inc], state, { updates: [[state, state.sub(inc)]] });
  console.log(await decrementor(2)); // 2
  console.log(await state.getValue()); // 0

  const fnOfState = state.mul(2).add(inc);
  // foo has to have the type of the shared variable in whose place it is put
  const foo = T.scalar({ dtype: state.dtype });
  const skipShared = compile([inc, foo], fnOfState, { givens: [[state, foo]] });
  console.log(await skipShared(1, 3)); // 7
  console.log(await state.getValue()); // 0
}

// Copying functions
{
  const state = shared(0);
  const inc = T.iscalar("inc");
  const accumulator = compile([inc], state, { updates: [[state, state.add(inc)]] });
  console.log(await accumulator(10)); // 0
  console.log(await state.getValue()); // 10

  const newState = shared(0);
  const newAccumulator = accumulator.copy({ swap: [[state, newState]] });
  console.log(await newAccumulator(100)); // 0
  console.log(await newState.getValue()); // 100
  console.log(await state.getValue()); // 10

  const nullAccumulator = accumulator.copy({ deleteUpdates: true });
  console.log(await nullAccumulator(9000)); // 10
  console.log(await state.getValue()); // 10
}

// Using Random Numbers: Brief Example
const srng = new RandomStreams(234);
const rvU = srng.uniform([2, 2]);
const rvN = srng.normal([2, 2]);
const f = compile([], rvU);
const g = compile([], rvN, { noDefaultUpdates: true }); // always the same draw
const nearlyZeros = compile([], rvU.add(rvU).sub(T.mul(2, rvU)));

// The page prints no draws; these are those of NumPy's generator, which Theano uses.
console.log(await f());
// [[0.12672381 0.97091597]
//  [0.13989098 0.88754825]]
console.log(await f());
// [[0.31971415 0.47584377]
//  [0.24129163 0.42046081]]
console.log(await g());
// [[ 0.37328447 -0.65746672]
//  [-0.36302373 -0.97484625]]
console.log(await g());
// [[ 0.37328447 -0.65746672]
//  [-0.36302373 -0.97484625]]

// Seeding Streams. The state of a random variable is an array, which RandomState unpacks.
const rngVal = np.random.RandomState.unpack(await rvU.rng.getValue());
rngVal.seed(89234);
rvU.rng.setValue(rngVal.pack());
console.log(await f());
// [[0.28439105 0.50552141]
//  [0.00215961 0.98144963]]

srng.seed(902340); // rvU and rvN, each with a seed of its own
console.log(await f());
// [[0.33919835 0.85344878]
//  [0.14881562 0.79659413]]

// Sharing Streams Between Functions
const stateAfterV0 = np.random.RandomState.unpack(await rvU.rng.getValue()).getState();
console.log(await nearlyZeros());
// [[0. 0.]
//  [0. 0.]]
const v1 = await f();
const rng = np.random.RandomState.unpack(await rvU.rng.getValue());
rng.setState(stateAfterV0);
rvU.rng.setValue(rng.pack());
const v2 = await f();
const v3 = await f();
console.log(np.arrayEqual(v2, v1), np.arrayEqual(v3, v1)); // false true

// Copying Random State Between Theano Graphs
class Graph<R extends RandomStreams | MRGRandomStreams> {
  readonly rng: R;
  readonly y: Variable;

  constructor(rng: R) {
    this.rng = rng;
    this.y = rng.uniform({ size: [1] });
  }
}
const g1 = new Graph(new RandomStreams(123));
const f1 = compile([], g1.y);
const g2 = new Graph(new RandomStreams(987));
const f2 = compile([], g2.y);
console.log(await f1()); // [0.72803009]
console.log(await f2()); // [0.55056769]

async function copyRandomState<R extends RandomStreams | MRGRandomStreams>(from: Graph<R>, to: Graph<R>): Promise<void> {
  if (from.rng instanceof MRGRandomStreams && to.rng instanceof MRGRandomStreams) to.rng.setRstate(from.rng.rstate);
  const states = to.rng.stateUpdates();
  for (const [i, [state]] of from.rng.stateUpdates().entries()) states[i]?.[0].setValue(await state.getValue());
}
await copyRandomState(g1, g2);
console.log(await f1()); // [0.59044123]
console.log(await f2()); // [0.59044123]

// Other Implementations
const g3 = new Graph(new MRGRandomStreams(123));
const g4 = new Graph(new MRGRandomStreams(987));
await copyRandomState(g3, g4);
console.log(np.arrayEqual(await g3.y.eval(), await g4.y.eval())); // true

// A Real Example: Logistic Regression. The page draws from `numpy.random`, which has another seed at each run.
const random = new np.random.RandomState(1);
const N = 400;
const feats = 784;

const D = [random.randn(N, feats), random.randint({ size: N, low: 0, high: 2 })] as const;
const trainingSteps = 10000;

const x = T.dmatrix("x");
const y = T.dvector("y");

const w = shared(random.randn(feats), { name: "w" });
const b = shared(0, { name: "b", dtype: "float64" });

const few = np.arange(3); // of 784 weights
console.log("Initial model:"); // Initial model:
console.log(np.take(await w.getValue(), few)); // [ 0.64085523 -0.90946536  1.15281738]
console.log(await b.getValue()); // 0.0

const p1 = T.div(1, T.add(1, T.exp(T.dot(x, w).neg().sub(b)))); // P(target = 1)
const prediction = p1.gt(0.5);
const xent = y.neg().mul(T.log(p1)).sub(T.sub(1, y).mul(T.log(T.sub(1, p1))));
const cost = xent.mean().add(T.mul(0.01, w.pow(2).sum())); // with weight decay
const [gw, gb] = grad(cost, [w, b]);

const train = compile({ inputs: [x, y], outputs: [prediction, xent], updates: [[w, w.sub(gw.mul(0.1))], [b, b.sub(gb.mul(0.1))]] });
const predict = compile({ inputs: [x], outputs: prediction });

for (let i = 0; i < trainingSteps; i++) await train(D[0], D[1]);

// The figures are NumPy's for the same steps written by hand.
console.log("Final model:"); // Final model:
console.log(np.take(await w.getValue(), few)); // [ 0.03053012 -0.08024587  0.0983525 ]
console.log(await b.getValue()); // -0.191632894995…
console.log("target values for D:"); // target values for D:
console.log(D[1]); // [0 0 0 1 1 0 1 1 1 … 1 0 0 1]
console.log("prediction on D:"); // prediction on D:
console.log(await predict(D[0])); // [False False False  True  True False  True  True  True … True False False  True]
