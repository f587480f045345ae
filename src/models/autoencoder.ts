/**
 * What dA.py and cA.py share: an auto-encoder with tied weights, its reconstruction error, and a step of gradient descent.
 * On the public API only. Next: da.ts corrupts the input, ca.ts penalises the Jacobian.
 */
import { config, grad, numpy as np, type RandomState, shared, type SharedVariable, T, type Variable } from "../index.js";
import { sigmoidWeights } from "./weights.js";

export interface AutoencoderOptions {
  /** Draws the initial weights. */
  readonly numpyRng: RandomState;
  /** `[n, nVisible]`, floatX; made here if not given. */
  readonly input?: Variable | null | undefined;
  readonly nVisible?: number | undefined;
  readonly nHidden?: number | undefined;
  /** Weights, `[nVisible, nHidden]`, when shared with another model. */
  readonly W?: SharedVariable | null | undefined;
  readonly bhid?: SharedVariable | null | undefined;
  readonly bvis?: SharedVariable | null | undefined;
}

const zeros = (n: number, name: string): SharedVariable => shared(np.zeros([n], { dtype: config.floatX }), { name, borrow: true });

/** `y = s(x W + b)`, `z = s(y W' + b')` with `W' = W^T`, s the logistic sigmoid. */
export class Autoencoder {
  readonly nVisible: number;
  readonly nHidden: number;
  readonly x: Variable;
  readonly W: SharedVariable;
  readonly b: SharedVariable;
  readonly bPrime: SharedVariable;
  readonly WPrime: Variable;
  readonly params: readonly SharedVariable[];

  constructor({ numpyRng, input = null, nVisible = 784, nHidden = 500, W = null, bhid = null, bvis = null }: AutoencoderOptions) {
    this.nVisible = nVisible;
    this.nHidden = nHidden;
    this.W = W ?? sigmoidWeights(numpyRng, nVisible, nHidden);
    this.bPrime = bvis ?? zeros(nVisible, "b_prime");
    this.b = bhid ?? zeros(nHidden, "b");
    this.WPrime = this.W.T;
    this.x = input ?? T.matrix("input");
    this.params = [this.W, this.b, this.bPrime];
  }

  getHiddenValues(input: Variable): Variable {
    return T.nnet.sigmoid(T.dot(input, this.W).add(this.b));
  }

  getReconstructedInput(hidden: Variable): Variable {
    return T.nnet.sigmoid(T.dot(hidden, this.WPrime).add(this.bPrime));
  }

  /** Cross-entropy of each example, `[n]`: `-sum_k x_k log z_k + (1 - x_k) log(1 - z_k)` (Vincent et al. 2008). */
  reconstructionErrors(z: Variable): Variable {
    return T.sum(this.x.mul(T.log(z)).add(T.sub(1, this.x).mul(T.log(T.sub(1, z)))), { axis: 1 }).neg();
  }

  /** One step of gradient descent on a cost. */
  descend(cost: Variable, learningRate: number | Variable): readonly (readonly [SharedVariable, Variable])[] {
    const gparams = grad(cost, this.params);
    return this.params.map((param, i) => [param, param.sub(T.mul(learningRate, gparams[i] as Variable))] as const);
  }
}
