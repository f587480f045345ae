/**
 * A user's program against the built package: type-checked against its declarations, run through its exports.
 * One step of logistic regression small enough to do by hand.
 */
import { all, compile, config, grad, type Index, numpy as np, shared, slice, T } from "damo";

export const X = [
  [1, 0],
  [0, 1],
];
export const Y = [1, 0];

/** The costs of two steps of gradient descent with learning rate 1 from zero weights, and the weights after them. */
export async function oneStep() {
  const x = T.matrix("x");
  const y = T.vector("y");
  const w = shared(np.asarray([0, 0], { dtype: config.floatX }), { name: "w" });
  const cost = T.nnet.binaryCrossentropy(T.nnet.sigmoid(T.dot(x, w)), y).mean();
  const train = compile([x, y], cost, { updates: [[w, w.sub(grad(cost, w))]] });
  const costs = [await train(X, Y), await train(X, Y)];
  return { costs, weights: await w.getValue() };
}

/** The last element of row i of X: what is written between brackets in Python. */
export async function indexed(i: number) {
  const x = T.matrix("x");
  const at: Index = i;
  return compile<number>([x], x.get(all, slice(null, null, -1)).get(at, 0))(X);
}

/** Not run: the compiler must reject an option that does not exist. */
export function misspelt() {
  const x = T.matrix("x");
  // @ts-expect-error the option is called `axis`
  T.sum(x, { axes: 1 });
  // @ts-expect-error the option is called `updates`
  return compile([x], x, { update: [] });
}
