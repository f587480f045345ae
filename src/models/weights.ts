/**
 * The initial weights of rbm.py, dA.py and cA.py. On the public API only; must not know what they are the weights of.
 */
import { config, numpy as np, type RandomState, shared, type SharedVariable } from "../index.js";

/** `[nIn, nOut]` floatX, uniform within 4 sqrt(6 / (nIn + nOut)), which Glorot and Bengio (2010) give for logistic sigmoids. */
export function sigmoidWeights(numpyRng: RandomState, nIn: number, nOut: number): SharedVariable {
  const bound = 4 * Math.sqrt(6 / (nOut + nIn));
  return shared(np.asarray(numpyRng.uniform({ low: -bound, high: bound, size: [nIn, nOut] }), { dtype: config.floatX }), { name: "W", borrow: true });
}
