/** Logistic regression with minibatches: the ported half of docs/PORTING.md. */
import { compile, config, grad, numpy as np, shared, slice, T, type Variable } from "damo";

config.floatX = "float64";
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64
const rng = new np.random.RandomState(1234);
const [n, features, batch] = [60, 5, 20];
const X = rng.randn(n, features);
const Y = np.greater(np.sum(X, { axis: 1 }), 0.5);

const dataX = shared(np.asarray(X, { dtype: config.floatX }), { name: "dataX" });
const dataY = T.cast(shared(np.asarray(Y, { dtype: config.floatX }), { name: "dataY" }), "int32");

const index = T.lscalar("index");
const x = T.matrix("x");
const y = T.ivector("y");
const W = shared(np.zeros(features, { dtype: config.floatX }), { name: "W" });
const b = shared(0, { name: "b", dtype: config.floatX });

const p = T.nnet.sigmoid(T.dot(x, W).add(b));
const nll = T.mean(y.mul(T.log(p)).add(T.sub(1, y).mul(T.log(T.sub(1, p))))).neg();
const cost = nll.add(T.sum(W.pow(2)).mul(0.01));
const [gW, gb] = grad(cost, [W, b]);

const rows = (v: Variable): Variable => v.get(slice(index.mul(batch), index.add(1).mul(batch)));
const train = compile<number>([index], cost, { updates: [[W, W.sub(gW.mul(0.5))], [b, b.sub(gb.mul(0.5))]], givens: [[x, rows(dataX)], [y, rows(dataY)]] });
const errors = compile<number>([], T.mean(T.neq(p.gt(0.5), y)), { givens: [[x, dataX], [y, dataY]] });

let costs: number[] = [];
for (let epoch = 0; epoch < 10; epoch++) {
  costs = [];
  for (let i = 0; i < n / batch; i++) costs.push(await train(i));
}
console.log(Number(np.mean(costs)).toFixed(6)); // 0.245296
console.log(np.round(await W.getValue(), 4).toArray()); // [ 0.9936, 1.0817, 0.776, 0.7341, 1.1403 ]
console.log(Number((await b.getValue()).item()).toFixed(4)); // -0.6281
console.log(await errors()); // 0
