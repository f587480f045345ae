/**
 * The recurrent layers of the Deep Learning Tutorials' lstm.py, on sequences side by side that end at different steps: LSTM (Hochreiter and Schmidhuber 1997, with
 * the forget gate of Gers et al. 2000), and GRU (Cho et al. 2014), which the tutorial names no more than its `encoder` option. On the public API only.
 * Next: lstm.ts.
 */
import { all, config, newAxis, numpy as np, NdArray, type RandomState, scan, type SharedVariable, slice, T, type Variable } from "../index.js";

/** Initial values by name. */
export type Params = Map<string, NdArray>;
/** Shared variables by name, in the order in which they were made. */
export type Tparams = ReadonlyMap<string, SharedVariable>;

export interface LayerOptions {
  /** Dimension of the words' embeddings, and of the layer's state. */
  readonly dimProj: number;
}

const p = (prefix: string, name: string): string => `${prefix}_${name}`;

export const get = (tparams: Tparams, name: string): SharedVariable => tparams.get(name) as SharedVariable;

/** A random orthogonal matrix: the left singular vectors of normal draws. */
export function orthoWeight(ndim: number, rng: RandomState): NdArray {
  const [u] = np.linalg.svd(np.asarray(rng.randn(ndim, ndim), { dtype: "float64" }));
  return np.asarray(u, { dtype: config.floatX });
}

/** `W`, `U` and `b` of a layer with `gates` products in one. */
function paramInit(gates: number, { dimProj }: LayerOptions, params: Params, { prefix, rng }: { readonly prefix: string; readonly rng: RandomState }): void {
  const side = (): NdArray => np.concatenate(Array.from({ length: gates }, () => orthoWeight(dimProj, rng)), { axis: 1 });
  params.set(p(prefix, "W"), side());
  params.set(p(prefix, "U"), side());
  params.set(p(prefix, "b"), np.zeros([gates * dimProj], { dtype: config.floatX }));
}

export interface LayerInput {
  readonly tparams: Tparams;
  /** `[steps, n, dimProj]`, floatX. */
  readonly stateBelow: Variable;
  readonly options: LayerOptions;
  readonly prefix: string;
  /** `[steps, n]`, floatX: 0 where a sequence is over; its state stays as it is then. Null where all are equally long. */
  readonly mask: Variable | null;
}

/** Columns of gate `n`. */
const gate = (x: Variable, n: number, dim: number): Variable => x.get(all, slice(n * dim, (n + 1) * dim));

/** `now` where there is a word, else `before`. */
const where = (m: Variable | null, now: Variable, before: Variable): Variable => (m === null ? now : m.get(all, newAxis).mul(now).add(T.sub(1, m).get(all, newAxis).mul(before)));

/** A step's arguments: the mask's row first, where there is a mask. */
const masked = <R extends Variable | Variable[]>(mask: Variable | null, step: (m: Variable | null, x: Variable, ...before: Variable[]) => R) => ({
  sequences: (below: Variable): Variable[] => (mask === null ? [below] : [mask, below]),
  fn: (...given: Variable[]): R => (mask === null ? step(null, ...(given as [Variable, ...Variable[]])) : step(...(given as [Variable, Variable, ...Variable[]]))),
});

/** What does not depend on the state, for all steps at once; and zeros for it to begin with. */
function projected({ tparams, stateBelow, options, prefix }: LayerInput): { below: Variable; zeros: () => Variable; nsteps: Variable } {
  const [nsteps, nSamples] = [stateBelow.shape[0] as Variable, stateBelow.shape[1] as Variable];
  return {
    below: T.dot(stateBelow, get(tparams, p(prefix, "W"))).add(get(tparams, p(prefix, "b"))),
    zeros: () => T.alloc(T.constant(0, { dtype: config.floatX }), nSamples, options.dimProj),
    nsteps,
  };
}

/** States of all steps: `[steps, n, dimProj]`. */
export function lstmLayer(input: LayerInput): Variable {
  const { tparams, options: { dimProj }, prefix, mask } = input;
  const { below, zeros, nsteps } = projected(input);
  const { fn, sequences } = masked(mask, (m, x, hBefore: Variable, cBefore: Variable): [Variable, Variable] => {
    const preact = T.dot(hBefore, get(tparams, p(prefix, "U"))).add(x);
    const i = T.nnet.sigmoid(gate(preact, 0, dimProj));
    const f = T.nnet.sigmoid(gate(preact, 1, dimProj));
    const o = T.nnet.sigmoid(gate(preact, 2, dimProj));
    const proposed = T.tanh(gate(preact, 3, dimProj));
    const c = where(m, f.mul(cBefore).add(i.mul(proposed)), cBefore);
    const h = where(m, o.mul(T.tanh(c)), hBefore);
    return [h, c];
  });
  const [[h]] = scan({ fn, sequences: sequences(below), outputsInfo: [zeros(), zeros()], name: p(prefix, "_layers"), nSteps: nsteps });
  return h;
}

/** States of all steps: `[steps, n, dimProj]`. The reset gate scales what the state adds, after the product, so that one product does for all gates. */
export function gruLayer(input: LayerInput): Variable {
  const { tparams, options: { dimProj }, prefix, mask } = input;
  const { below, zeros, nsteps } = projected(input);
  const { fn, sequences } = masked(mask, (m, x, hBefore: Variable): Variable => {
    const recurrent = T.dot(hBefore, get(tparams, p(prefix, "U")));
    const r = T.nnet.sigmoid(gate(x, 0, dimProj).add(gate(recurrent, 0, dimProj)));
    const u = T.nnet.sigmoid(gate(x, 1, dimProj).add(gate(recurrent, 1, dimProj)));
    const proposed = T.tanh(gate(x, 2, dimProj).add(r.mul(gate(recurrent, 2, dimProj))));
    return where(m, u.mul(hBefore).add(T.sub(1, u).mul(proposed)), hBefore);
  });
  const [h] = scan({ fn, sequences: sequences(below), outputsInfo: [zeros()], name: p(prefix, "_layers"), nSteps: nsteps });
  return h;
}

interface Layer {
  readonly init: (options: LayerOptions, params: Params, how: { readonly prefix: string; readonly rng: RandomState }) => void;
  readonly layer: (input: LayerInput) => Variable;
}

/** The layers by the names of the `encoder` option. */
export const layers = {
  lstm: { init: (options, params, how) => paramInit(4, options, params, how), layer: lstmLayer },
  gru: { init: (options, params, how) => paramInit(3, options, params, how), layer: gruLayer },
} as const satisfies Record<string, Layer>;

export type Encoder = keyof typeof layers;
