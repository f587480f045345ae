/**
 * The optimisers of the Deep Learning Tutorials' lstm.py: each makes a function that computes the gradients of a minibatch and keeps them, and one that
 * updates the parameters from what is kept. On the public API only. Next: lstm_program.ts.
 */
import { compile, type CompiledFunction, numpy as np, shared, type SharedVariable, T, type Variable } from "../index.js";
import type { Tparams } from "./recurrent_layers.js";

export interface ToMinimise {
  /** Learning rate, 0-d. */
  readonly lr: Variable;
  readonly tparams: Tparams;
  /** Gradients of the cost, in the order of the parameters. */
  readonly grads: readonly Variable[];
  readonly x: Variable;
  readonly mask: Variable;
  readonly y: Variable;
  readonly cost: Variable;
}

export interface Optimizer {
  /** Takes x, mask, y; gives the cost. */
  readonly fGradShared: CompiledFunction<Variable>;
  /** Takes the learning rate. */
  readonly fUpdate: CompiledFunction<undefined>;
}

type Pairs = (readonly [SharedVariable, Variable])[];

const zerosFor = (tparams: Tparams, suffix: string): SharedVariable[] =>
  [...tparams].map(([name, p]) => shared(np.zeros(p.valueShape, { dtype: p.dtype }), { name: `${name}_${suffix}` }));

/** Pairs of each kept value with what `next` makes of it and its position. */
const pairs = (kept: readonly SharedVariable[], next: (value: SharedVariable, i: number) => Variable): Pairs => kept.map((value, i) => [value, next(value, i)] as const);

const at = <V>(list: readonly V[], i: number): V => list[i] as V;

/** Stochastic gradient descent, in two functions so that it looks like the others. */
export function sgd({ lr, tparams, grads, x, mask, y, cost }: ToMinimise): Optimizer {
  const gshared = zerosFor(tparams, "grad");
  const gsup = pairs(gshared, (_, i) => at(grads, i));
  const fGradShared = compile([x, mask, y], cost, { updates: gsup, name: "sgd_f_grad_shared" });
  const pup = pairs([...tparams.values()], (p, i) => p.sub(lr.mul(at(gshared, i))));
  const fUpdate = compile([lr], undefined, { updates: pup, name: "sgd_f_update" });
  return { fGradShared, fUpdate };
}

/** ADADELTA (Zeiler 2012, arXiv:1212.5701): steps in proportion to the size of past steps over that of past gradients; needs no learning rate. */
export function adadelta({ lr, tparams, grads, x, mask, y, cost }: ToMinimise): Optimizer {
  const zippedGrads = zerosFor(tparams, "grad");
  const runningUp2 = zerosFor(tparams, "rup2");
  const runningGrads2 = zerosFor(tparams, "rgrad2");
  const zgup = pairs(zippedGrads, (_, i) => at(grads, i));
  const rg2up = pairs(runningGrads2, (rg2, i) => rg2.mul(0.95).add(at(grads, i).pow(2).mul(0.05)));
  const fGradShared = compile([x, mask, y], cost, { updates: [...zgup, ...rg2up], name: "adadelta_f_grad_shared" });

  const updir = zippedGrads.map((zg, i) => T.sqrt(at(runningUp2, i).add(1e-6)).neg().div(T.sqrt(at(runningGrads2, i).add(1e-6))).mul(zg));
  const ru2up = pairs(runningUp2, (ru2, i) => ru2.mul(0.95).add(at(updir, i).pow(2).mul(0.05)));
  const paramUp = pairs([...tparams.values()], (p, i) => p.add(at(updir, i)));
  const fUpdate = compile([lr], undefined, { updates: [...ru2up, ...paramUp], onUnusedInput: "ignore", name: "adadelta_f_update" });
  return { fGradShared, fUpdate };
}

/** RMSprop (Hinton 2012, lecture 6a) with momentum, over the gradients' running standard deviation (Graves 2013, arXiv:1308.0850); needs no learning rate. */
export function rmsprop({ lr, tparams, grads, x, mask, y, cost }: ToMinimise): Optimizer {
  const zippedGrads = zerosFor(tparams, "grad");
  const runningGrads = zerosFor(tparams, "rgrad");
  const runningGrads2 = zerosFor(tparams, "rgrad2");
  const zgup = pairs(zippedGrads, (_, i) => at(grads, i));
  const rgup = pairs(runningGrads, (rg, i) => rg.mul(0.95).add(at(grads, i).mul(0.05)));
  const rg2up = pairs(runningGrads2, (rg2, i) => rg2.mul(0.95).add(at(grads, i).pow(2).mul(0.05)));
  const fGradShared = compile([x, mask, y], cost, { updates: [...zgup, ...rgup, ...rg2up], name: "rmsprop_f_grad_shared" });

  const updir = zerosFor(tparams, "updir");
  const updirNew = pairs(updir, (ud, i) => ud.mul(0.9).sub(at(zippedGrads, i).mul(1e-4).div(T.sqrt(at(runningGrads2, i).sub(at(runningGrads, i).pow(2)).add(1e-4)))));
  const paramUp = pairs([...tparams.values()], (p, i) => p.add(at(updirNew, i)[1]));
  const fUpdate = compile([lr], undefined, { updates: [...updirNew, ...paramUp], onUnusedInput: "ignore", name: "rmsprop_f_update" });
  return { fGradShared, fUpdate };
}

/** The optimisers by name. */
export const optimizers = { sgd, adadelta, rmsprop } as const;
export type OptimizerName = keyof typeof optimizers;
