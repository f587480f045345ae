/**
 * Theano's page "Printing/Drawing Theano graphs" (doc/tutorial/printing_drawing.txt), block by block: `node dist/examples/theano/printing_drawing.js`.
 * The graph after compilation is damo's: no GEMV and nothing fused, as kernels are made of it later (`f.explain()` prints them).
 * pydotprint gives the text of a DOT file. Left out: the pictures that Graphviz makes of it, and d3viz.
 */
import { compile, config, debugprint, grad, numpy as np, pp, pydotprint, shared, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

const rng = new np.random.RandomState(1);
const N = 400;
const feats = 784;
const D = [rng.randn(N, feats).astype(config.floatX), rng.randint({ size: N, low: 0, high: 2 }).astype(config.floatX)] as const;

const x = T.matrix("x");
const y = T.vector("y");
const w = shared(rng.randn(feats).astype(config.floatX), { name: "w" });
const b = shared(np.asarray(0, { dtype: config.floatX }), { name: "b" });
x.tag.testValue = D[0];
y.tag.testValue = D[1];

const p1 = T.div(1, T.add(1, T.exp(T.dot(x, w).neg().sub(b)))); // P(target = 1)
const prediction = p1.gt(0.5);

const xent = y.neg().mul(T.log(p1)).sub(T.sub(1, y).mul(T.log(T.sub(1, p1))));
const cost = xent.mean().add(T.mul(0.01, w.pow(2).sum())); // with weight decay
const [gw, gb] = grad(cost, [w, b]);

const train = compile({ inputs: [x, y], outputs: [prediction, xent], updates: [[w, w.sub(T.mul(0.01, gw))], [b, b.sub(T.mul(0.01, gb))]], name: "train" });
const predict = compile({ inputs: [x], outputs: prediction, name: "predict" });

// Pretty Printing
console.log(pp(prediction)); // ((TensorConstant{1.0} / (TensorConstant{1.0} + exp(((-(x \dot w)) - b)))) > TensorConstant{0.5})

// Debug Print: the pre-compilation graph
console.log(debugprint(prediction));
// gt [id A] <bool[?]> ''
//  |div [id B] <float64[?]> ''
//  | |dimShuffle{order=[null]} [id C] <float64[1]> ''
//  | | |TensorConstant{1.0} [id D] <float64[]>
//  | |add [id E] <float64[?]> ''
//  |   |dimShuffle{order=[null]} [id F] <float64[1]> ''
//  |   | |TensorConstant{1.0} [id G] <float64[]>
//  |   |exp [id H] <float64[?]> ''
//  |     |sub [id I] <float64[?]> ''
//  |       |neg [id J] <float64[?]> ''
//  |       | |dot [id K] <float64[?]> ''
//  |       |   |x [id L] <float64[?,?]>
//  |       |   |w [id M] <float64[?]>
//  |       |dimShuffle{order=[null]} [id N] <float64[1]> ''
//  |         |b [id O] <float64[]>
//  |dimShuffle{order=[null]} [id P] <float64[1]> ''
//    |TensorConstant{0.5} [id Q] <float64[]>

// Debug Print: the post-compilation graph
console.log(debugprint(predict));
// gt [id A] <bool[?]> '' 4
//  |sigmoid [id B] <float64[?]> '' 3
//  | |add [id C] <float64[?]> '' 2
//  |   |dimShuffle{order=[null]} [id D] <float64[1]> '' 0
//  |   | |b [id E] <float64[]>
//  |   |dot [id F] <float64[?]> '' 1
//  |     |x [id G] <float64[?,?]>
//  |     |w [id H] <float64[?]>
//  |TensorConstant{0.5} [id I] <float64[1]>

// Picture Printing of Graphs: the pre-compilation graph
console.log(pydotprint(prediction));
// digraph "graph" {…
//   n5 [label="x", shape=box, style=filled, fillcolor=green];…
//   n16 [label="gt", shape=ellipse];…
//   n17 [label="output 0", shape=box, style=filled, fillcolor=blue];
//   n16 -> n17 [label="bool[?]"];
// }…

// Picture Printing of Graphs: the post-compilation graph
console.log(pydotprint(predict));
// digraph "graph" {…
//   n6 [label="sigmoid", shape=ellipse];…
// }…

// Picture Printing of Graphs: the optimized training graph
console.log(pydotprint(train));
// digraph "graph" {…
//   …[label="softplus", shape=ellipse];…
//   …[label="update of w", shape=box, style=filled, fillcolor=blue];…
//   …[label="update of b", shape=box, style=filled, fillcolor=blue];…
// }…
