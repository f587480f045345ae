/** h_softmax: all probabilities, those of targets, and their gradients agree; the probabilities are NumPy's products of two softmaxes. */
import { afterAll, expect, test } from "vitest";
import { closeDevices, compile, type NdArray, numpy as np, T, verifyGrad } from "../../src/index.js";

afterAll(closeDevices);
const rng = new np.random.RandomState(4);
const [batch, features, classes, each, outputs] = [5, 3, 4, 2, 7];
const values = [rng.randn(batch, features), rng.randn(features, classes), rng.randn(classes), rng.randn(classes, features, each), rng.randn(classes, each)] as const;
const targets = [0, 6, 3, 3, 5];

/** exp(x) / sum exp(x) of a list. */
function softmax(x: readonly number[]): number[] {
  const e = x.map(Math.exp);
  return e.map((v) => v / e.reduce((a, b) => a + b));
}

test.each(["reference", "wasm"])("on %s", async (device) => {
  const [x, W1, b1, W2, b2] = [T.dmatrix(), T.dmatrix(), T.dvector(), T.dtensor3(), T.dmatrix()] as const;
  const y = T.ivector();
  const all = T.nnet.hSoftmax(x, batch, outputs, classes, each, W1, b1, W2, b2);
  const some = T.nnet.hSoftmax(x, batch, outputs, classes, each, W1, b1, W2, b2, y);
  const f = compile<NdArray[]>([x, W1, b1, W2, b2, y], [all, some, T.grad(T.log(some).sum(), W2), T.grad(T.log(all.get(T.arange(batch), y)).sum(), W2)] as const, { device });
  const [p, q, own, other] = (await f(...values, targets)).map((v) => v.toArray()) as [number[][], number[], number[][][], number[][][]];
  const [xs, w1, c1, w2, c2] = values.map((v) => v.toArray()) as unknown as [number[][], number[][], number[], number[][][], number[][]];
  xs.forEach((row, i) => {
    const dot = (w: (k: number) => number): number => row.reduce((s, v, k) => s + v * w(k), 0);
    const ofClass = softmax(c1.map((b, c) => dot((k) => w1[k]![c]!) + b));
    const expected = ofClass.flatMap((pc, c) => softmax(c2[c]!.map((b, o) => dot((k) => w2[c]![k]![o]!) + b)).map((po) => pc * po)).slice(0, outputs);
    expected.forEach((e, o) => expect(p[i]![o]).toBeCloseTo(e, 13));
    expect(q[i]).toBeCloseTo(expected[targets[i]!]!, 13);
  });
  own.flat(2).forEach((g, i) => expect(g).toBeCloseTo(other.flat(2)[i]!, 12));
});

test("gradients, and softmaxWithBias", () => {
  const [x, W1, b1, W2, b2] = values;
  verifyGrad((v) => T.nnet.hSoftmax(v, batch, outputs, classes, each, W1, b1, W2, b2, targets), [x]);
  verifyGrad((v, b) => T.nnet.softmaxWithBias(v, b), [x, [0.1, -0.2, 0.3]]);
});
