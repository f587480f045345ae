/**
 * Theano's page "Loop" (doc/tutorial/loop.txt), block by block, and its exercise: `node dist/examples/theano/loop.js`.
 * Each loop is compared with NumPy's functions on the host, as the page does.
 */
import { type ArrayLike, compile, config, grad, numpy as np, RandomStreams, scan, shared, slice, T, type Variable } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

// Computing tanh(x(t).dot(W) + b) elementwise
{
  const X = T.matrix("X");
  const W = T.matrix("W");
  const bSym = T.vector("b_sym");

  const [results] = scan({ fn: (v: Variable) => T.tanh(T.dot(v, W).add(bSym)), sequences: X });
  const computeElementwise = compile({ inputs: [X, W, bSym], outputs: results });

  const x = np.eye(2);
  const w = np.ones([2, 2]);
  const b = np.ones(2);
  b.data[1] = 2;

  console.log(await computeElementwise(x, w, b));
  // [[0.96402758 0.99505475]
  //  [0.96402758 0.99505475]]

  // NumPy's
  console.log(np.tanh(np.add(np.dot(x, w), b)));
  // [[0.96402758 0.99505475]
  //  [0.96402758 0.99505475]]
}

// Computing the sequence x(t) = tanh(x(t - 1).dot(W) + y(t).dot(U) + p(T - t).dot(V))
{
  const X = T.vector("X");
  const W = T.matrix("W");
  const U = T.matrix("U");
  const Y = T.matrix("Y");
  const V = T.matrix("V");
  const P = T.matrix("P");

  const [results] = scan({
    fn: (y: Variable, p: Variable, xTm1: Variable) => T.tanh(T.dot(xTm1, W).add(T.dot(y, U)).add(T.dot(p, V))),
    sequences: [Y, P.get(slice(null, null, -1))], outputsInfo: [X],
  });
  const computeSeq = compile({ inputs: [X, W, Y, U, P, V], outputs: results });

  const x = np.zeros(2);
  x.data[1] = 1;
  const w = np.ones([2, 2]);
  const y = np.ones([5, 2]);
  y.data.fill(-3, 0, 2); // the first row
  const u = np.ones([2, 2]);
  const p = np.ones([5, 2]);
  p.data.fill(3, 0, 2);
  const v = np.ones([2, 2]);

  console.log(await computeSeq(x, w, y, u, p, v));
  // [[-0.99505475 -0.99505475]
  //  [ 0.96471973  0.96471973]
  //  [ 0.99998585  0.99998585]
  //  [ 0.99998771  0.99998771]
  //  [ 1.          1.        ]]

  // NumPy's
  const xRes: ArrayLike[] = [];
  let xTm1: ArrayLike = x;
  for (let i = 0; i < 5; i++) {
    xTm1 = np.tanh(np.add(np.dot(xTm1, w), np.add(np.dot(np.take(y, i), u), np.dot(np.take(p, 4 - i), v))));
    xRes.push(xTm1);
  }
  console.log(np.stack(xRes));
  // [[-0.99505475 -0.99505475]
  //  [ 0.96471973  0.96471973]
  //  [ 0.99998585  0.99998585]
  //  [ 0.99998771  0.99998771]
  //  [ 1.          1.        ]]
}

// Computing norms of lines of X
{
  const X = T.matrix("X");
  const [results] = scan({ fn: (xI: Variable) => T.sqrt(xI.pow(2).sum()), sequences: [X] });
  const computeNormLines = compile({ inputs: [X], outputs: results });

  const x = np.diag(np.arange(1, 6, 1, { dtype: config.floatX }), 1);
  console.log(await computeNormLines(x)); // [1. 2. 3. 4. 5. 0.]

  // NumPy's
  console.log(np.sqrt(np.sum(np.power(x, 2), { axis: 1 }))); // [1. 2. 3. 4. 5. 0.]
}

// Computing norms of columns of X
{
  const X = T.matrix("X");
  const [results] = scan({ fn: (xI: Variable) => T.sqrt(xI.pow(2).sum()), sequences: [X.T] });
  const computeNormCols = compile({ inputs: [X], outputs: results });

  const x = np.diag(np.arange(1, 6, 1, { dtype: config.floatX }), 1);
  console.log(await computeNormCols(x)); // [0. 1. 2. 3. 4. 5.]

  // NumPy's
  console.log(np.sqrt(np.sum(np.power(x, 2), { axis: 0 }))); // [0. 1. 2. 3. 4. 5.]
}

// Computing trace of X
{
  const floatX = "float32";

  const X = T.matrix("X");
  const [results] = scan({
    fn: (i: Variable, j: Variable, tF: Variable) => T.cast(X.get(i, j).add(tF), floatX),
    sequences: [T.arange(X.shape[0]), T.arange(X.shape[1])],
    outputsInfo: np.asarray(0, { dtype: floatX }),
  });
  const result = results.get(-1);
  const computeTrace = compile({ inputs: [X], outputs: result });

  const x = np.eye(5);
  x.data.set([0, 1, 2, 3, 4]); // the first row
  console.log(await computeTrace(x)); // 4

  // NumPy's
  console.log(np.sum(np.diagonal(x))); // 4
}

// Computing the sequence x(t) = x(t - 2).dot(U) + x(t - 1).dot(V) + tanh(x(t - 1).dot(W) + b)
{
  const X = T.matrix("X");
  const W = T.matrix("W");
  const bSym = T.vector("b_sym");
  const U = T.matrix("U");
  const V = T.matrix("V");
  const nSym = T.iscalar("n_sym");

  const [results] = scan({
    fn: (xTm2: Variable, xTm1: Variable) => T.dot(xTm2, U).add(T.dot(xTm1, V)).add(T.tanh(T.dot(xTm1, W).add(bSym))),
    nSteps: nSym, outputsInfo: [{ initial: X, taps: [-2, -1] }],
  });
  const computeSeq2 = compile({ inputs: [X, U, V, W, bSym, nSym], outputs: results });

  const x = np.zeros([2, 2]); // x[-2] and x[-1]
  x.data[3] = 1;
  const w = np.full([2, 2], 0.5);
  const u = [[0, 0.5], [0.5, 0]];
  const v = np.full([2, 2], 0.5);
  const n = 10;
  const b = np.ones(2);

  console.log(await computeSeq2(x, u, v, w, b, n));
  // [[ 1.40514825  1.40514825]
  //  [ 2.88898899  2.38898899]
  //  [ 4.34018291  4.34018291]
  //  [ 6.53463142  6.78463142]
  //  [ 9.82972243  9.82972243]
  //  [14.22203814 14.09703814]
  //  [20.07439936 20.07439936]
  //  [28.12291843 28.18541843]
  //  [39.1913681  39.1913681 ]
  //  [54.28407732 54.25282732]]

  // NumPy's
  const xRes: ArrayLike[] = [];
  let [xTm2, xTm1]: [ArrayLike, ArrayLike] = [np.take(x, 0), np.take(x, 1)];
  for (let i = 0; i < n; i++) {
    [xTm2, xTm1] = [xTm1, np.add(np.add(np.dot(xTm2, u), np.dot(xTm1, v)), np.tanh(np.add(np.dot(xTm1, w), b)))];
    xRes.push(xTm1);
  }
  console.log(np.stack(xRes));
  // [[ 1.40514825  1.40514825]
  //  [ 2.88898899  2.38898899]
  //  [ 4.34018291  4.34018291]
  //  [ 6.53463142  6.78463142]
  //  [ 9.82972243  9.82972243]
  //  [14.22203814 14.09703814]
  //  [20.07439936 20.07439936]
  //  [28.12291843 28.18541843]
  //  [39.1913681  39.1913681 ]
  //  [54.28407732 54.25282732]]
}

// Computing the Jacobian of y = tanh(v.dot(A)) wrt x
{
  const v = T.vector();
  const A = T.matrix();
  const y = T.tanh(T.dot(v, A));
  const [results] = scan({ fn: (i: Variable) => grad(y.get(i), v), sequences: [T.arange(y.shape[0])] });
  const computeJacT = compile([A, v], results, { allowInputDowncast: true });

  const x = np.take(np.eye(5), 0);
  const w = np.eye(5, 3);
  w.data.fill(1, 6, 9); // the third row
  console.log(await computeJacT(w, x));
  // [[0.41997434 0.         0.41997434 0.         0.        ]
  //  [0.         1.         1.         0.         0.        ]
  //  [0.         0.         1.         0.         0.        ]]

  // NumPy's
  console.log(np.transpose(np.multiply(np.subtract(1, np.power(np.tanh(np.dot(x, w)), 2)), w)));
  // [[0.41997434 0.         0.41997434 0.         0.        ]
  //  [0.         1.         1.         0.         0.        ]
  //  [0.         0.         1.         0.         0.        ]]
}

// Accumulate number of loop during a scan
{
  const k = shared(0);
  const nSym = T.iscalar("n_sym");

  const [, updates] = scan({ fn: () => [[k, k.add(1)]] as const, nSteps: nSym });
  const accumulator = compile([nSym], [], { updates, allowInputDowncast: true });

  console.log(await k.getValue()); // 0
  await accumulator(5);
  console.log(await k.getValue()); // 5
}

// Computing tanh(v.dot(W) + b) * d where d is binomial
{
  const X = T.matrix("X");
  const W = T.matrix("W");
  const bSym = T.vector("b_sym");

  const trng = new RandomStreams(1234);
  const d = trng.binomial({ size: W.get(1).shape });

  const [results, updates] = scan({ fn: (v: Variable) => T.tanh(T.dot(v, W).add(bSym)).mul(d), sequences: X });
  const computeWithBnoise = compile({ inputs: [X, W, bSym], outputs: results, updates, allowInputDowncast: true });
  const x = np.eye(10, 2);
  const w = np.ones([2, 2]);
  const b = np.ones(2);

  console.log(await computeWithBnoise(x, w, b));
  // [[0.96402758 0.        ]
  //  [0.         0.96402758]
  //  [0.         0.        ]
  //  [0.76159416 0.76159416]
  //  [0.76159416 0.        ]
  //  [0.         0.76159416]
  //  [0.         0.76159416]
  //  [0.         0.76159416]
  //  [0.         0.        ]
  //  [0.76159416 0.76159416]]
}

// Computing pow(A, k)
{
  const k = T.iscalar("k");
  const A = T.vector("A");

  const innerFct = (priorResult: Variable, B: Variable): Variable => priorResult.mul(B);

  const [result, updates] = scan({ fn: innerFct, outputsInfo: T.onesLike(A), nonSequences: A, nSteps: k });

  // scan gives A ** 1 to A ** k; what only the last of them needs is not kept
  const finalResult = result.get(-1);

  const power = compile({ inputs: [A, k], outputs: finalResult, updates });

  console.log(await power(np.arange(10), 2)); // [ 0.  1.  4.  9. 16. 25. 36. 49. 64. 81.]
}

// Calculating a Polynomial
const coefficients = T.vector("coefficients");
const x = T.scalar("x");
const maxCoefficientsSupported = 10000;

const fullRange = T.arange(maxCoefficientsSupported);
const [components] = scan({
  fn: (coeff: Variable, power: Variable, freeVar: Variable) => coeff.mul(freeVar.pow(power)),
  outputsInfo: null, sequences: [coefficients, fullRange], nonSequences: x,
});
const polynomial = components.sum();
const calculatePolynomial = compile({ inputs: [coefficients, x], outputs: polynomial });

const testCoeff = np.asarray([1, 0, 2], { dtype: "float32" });
console.log(await calculatePolynomial(testCoeff, 3)); // 19

// Exercise: the reduction done by scan (doc/tutorial/loop_solution_1.py)
const [sums] = scan({
  fn: (coeff: Variable, power: Variable, priorValue: Variable, freeVar: Variable) => priorValue.add(coeff.mul(freeVar.pow(power))),
  outputsInfo: np.asarray(0, { dtype: "float64" }), sequences: [coefficients, fullRange], nonSequences: x,
});
const calculatePolynomial1 = compile({ inputs: [coefficients, x], outputs: sums.get(-1) });
console.log(await calculatePolynomial1(testCoeff, 3)); // 19
