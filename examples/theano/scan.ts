/**
 * Theano's page "scan - Looping in Theano" (doc/library/scan.txt), block by block: `node dist/examples/theano/scan.js`.
 * The Boltzmann machine's weights, which the page draws anew at each run, have a seed, and so has the recurrent network, which the page does not run.
 * Left out: `scan_checkpoints` and `allow_gc`, of which the page has no code.
 */
import { compile, config, numpy as np, RandomStreams, scan, shared, T, until, type Variable } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

// Simple loop with accumulation: Computing A^k
{
  const k = T.iscalar("k");
  const A = T.vector("A");

  const [result, updates] = scan({
    fn: (priorResult: Variable, A: Variable) => priorResult.mul(A),
    outputsInfo: T.onesLike(A),
    nonSequences: A,
    nSteps: k,
  });

  // scan gives A**1 to A**k, of which the last is wanted; the others are not kept
  const finalResult = result.get(-1);

  const power = compile({ inputs: [A, k], outputs: finalResult, updates });

  console.log(await power(np.arange(10), 2)); // [ 0.  1.  4.  9. 16. 25. 36. 49. 64. 81.]
  console.log(await power(np.arange(10), 4));
  // [0.000e+00 1.000e+00 1.600e+01 8.100e+01 2.560e+02 6.250e+02 1.296e+03
  //  2.401e+03 4.096e+03 6.561e+03]
}

// Iterating over the first dimension of a tensor: Calculating a polynomial
{
  const coefficients = T.vector("coefficients");
  const x = T.scalar("x");

  const maxCoefficientsSupported = 10000;

  const [components] = scan({
    fn: (coefficient: Variable, power: Variable, freeVariable: Variable) => coefficient.mul(freeVariable.pow(power)),
    outputsInfo: null,
    sequences: [coefficients, T.arange(maxCoefficientsSupported)],
    nonSequences: x,
  });
  const polynomial = components.sum();

  const calculatePolynomial = compile({ inputs: [coefficients, x], outputs: polynomial });

  const testCoefficients = np.asarray([1, 0, 2], { dtype: "float32" });
  const testValue = 3;
  console.log(await calculatePolynomial(testCoefficients, testValue)); // 19
  console.log(1.0 * 3 ** 0 + 0.0 * 3 ** 1 + 2.0 * 3 ** 2); // 19
}

// Simple accumulation into a scalar, ditching lambda
{
  const upTo = T.iscalar("up_to");

  const accumulateByAdding = (arangeVal: Variable, sumToDate: Variable): Variable => sumToDate.add(arangeVal);
  const seq = T.arange(upTo);

  // the dtype of what the step returns
  const outputsInfo = T.asTensorVariable(np.asarray(0, { dtype: seq.dtype }));
  const [scanResult] = scan({ fn: accumulateByAdding, outputsInfo, sequences: seq });
  const triangularSequence = compile({ inputs: [upTo], outputs: scanResult });

  const someNum = 15;
  console.log(await triangularSequence(someNum)); // [  0   1   3   6  10  15  21  28  36  45  55  66  78  91 105]
  console.log(np.asarray(Array.from({ length: someNum }, (_, n) => (n * (n + 1)) / 2))); // [  0   1   3   6  10  15  21  28  36  45  55  66  78  91 105]
}

// Another simple example
{
  const location = T.imatrix("location");
  const values = T.vector("values");
  const outputModel = T.matrix("output_model");

  function setValueAtPosition(aLocation: Variable, aValue: Variable, outputModel: Variable): Variable {
    const zeros = T.zerosLike(outputModel);
    const zerosSubtensor = zeros.get(aLocation.get(0), aLocation.get(1));
    return T.setSubtensor(zerosSubtensor, aValue);
  }

  const [result] = scan({ fn: setValueAtPosition, outputsInfo: null, sequences: [location, values], nonSequences: outputModel });

  const assignValuesAtPositions = compile({ inputs: [location, values, outputModel], outputs: result });

  const testLocations = np.asarray([[1, 1], [2, 3]], { dtype: "int32" });
  const testValues = np.asarray([42, 50], { dtype: "float32" });
  const testOutputModel = np.zeros([5, 5], { dtype: "float32" });
  console.log(await assignValuesAtPositions(testLocations, testValues, testOutputModel));
  // [[[ 0.  0.  0.  0.  0.]
  //   [ 0. 42.  0.  0.  0.]
  //   [ 0.  0.  0.  0.  0.]
  //   [ 0.  0.  0.  0.  0.]
  //   [ 0.  0.  0.  0.  0.]]
  //
  //  [[ 0.  0.  0.  0.  0.]
  //   [ 0.  0.  0.  0.  0.]
  //   [ 0.  0.  0. 50.  0.]
  //   [ 0.  0.  0.  0.  0.]
  //   [ 0.  0.  0.  0.  0.]]]
}

// Using shared variables - Gibbs sampling
const random = new np.random.RandomState(1);
const W = shared(random.uniform({ size: [2, 2] }));
const bvis = shared(random.uniform({ size: 2 }));
const bhid = shared(random.uniform({ size: 2 }));
{
  const trng = new RandomStreams(1234);

  function oneStep(vsample: Variable): Variable {
    const hmean = T.nnet.sigmoid(T.dot(vsample, W).add(bhid));
    const hsample = trng.binomial({ size: hmean.shape, n: 1, p: hmean });
    const vmean = T.nnet.sigmoid(T.dot(hsample, W.T).add(bvis));
    return trng.binomial({ size: vsample.shape, n: 1, p: vmean, dtype: config.floatX });
  }

  const sample = T.vector();

  const [values, updates] = scan({ fn: oneStep, outputsInfo: sample, nSteps: 10 });

  const gibbs10 = compile([sample], values.get(-1), { updates });

  // the same draws as by NumPy's generators with the seeds that Theano gives them
  console.log(await gibbs10([0, 1])); // [1. 0.]
  console.log(await gibbs10([0, 1])); // [1. 0.]
  console.log(await gibbs10([0, 1])); // [1. 1.]
}
{
  const a = shared(1);
  const [, updates] = scan({ fn: () => [[a, a.add(1)]] as const, nSteps: 10 });

  const b = a.add(1);
  const c = T.add(updates.get(a) ?? a, 1);
  const f = compile([], [b, c], { updates });

  console.log(b); // add: int32[]
  console.log(c); // add: int32[]
  console.log(await a.getValue()); // 1

  console.log(await f(), await a.getValue()); // [ 2, 12 ] 11
  console.log(await f(), await a.getValue()); // [ 12, 22 ] 21

  a.setValue(1);
  const withoutUpdates = compile([], [b, c]);
  console.log(await withoutUpdates(), await a.getValue()); // [ 2, 12 ] 1
  console.log(await withoutUpdates(), await a.getValue()); // [ 2, 12 ] 1
}
{
  const trng = new RandomStreams(1234);

  function oneStep(vsample: Variable, W: Variable, bvis: Variable, bhid: Variable): Variable {
    const hmean = T.nnet.sigmoid(T.dot(vsample, W).add(bhid));
    const hsample = trng.binomial({ size: hmean.shape, n: 1, p: hmean });
    const vmean = T.nnet.sigmoid(T.dot(hsample, W.T).add(bvis));
    return trng.binomial({ size: vsample.shape, n: 1, p: vmean, dtype: config.floatX });
  }

  const sample = T.vector();

  const [values, updates] = scan({ fn: oneStep, outputsInfo: sample, nonSequences: [W, bvis, bhid], nSteps: 10 });

  const gibbs10 = compile([sample], values.get(-1), { updates });
  console.log(await gibbs10([0, 1])); // [1. 0.]
}

// Using shared variables - the strict flag
{
  const trng = new RandomStreams(1234);

  function oneStep(vsample: Variable): Variable {
    const hmean = T.nnet.sigmoid(T.dot(vsample, W).add(bhid));
    const hsample = trng.binomial({ size: hmean.shape, n: 1, p: hmean });
    const vmean = T.nnet.sigmoid(T.dot(hsample, W.T).add(bvis));
    return trng.binomial({ size: vsample.shape, n: 1, p: vmean, dtype: config.floatX });
  }

  const sample = T.vector();

  try {
    scan({ fn: oneStep, outputsInfo: sample, nSteps: 10, strict: true });
  } catch (error) {
    console.log(`${error}`);
    // MissingInputError: The step of a strict scan reads <anonymous>: float64[?,?], which is not among its arguments.
    //   made at: …scan.…
    //   what to do: pass it in nonSequences, or drop strict
    //   [scan-strict]
  }
}
{
  const trng = new RandomStreams(1234);

  function oneStep(vsample: Variable, W: Variable, bvis: Variable, bhid: Variable): Variable {
    const hmean = T.nnet.sigmoid(T.dot(vsample, W).add(bhid));
    const hsample = trng.binomial({ size: hmean.shape, n: 1, p: hmean });
    const vmean = T.nnet.sigmoid(T.dot(hsample, W.T).add(bvis));
    return trng.binomial({ size: vsample.shape, n: 1, p: vmean, dtype: config.floatX });
  }

  const sample = T.vector();

  const [values, updates] = scan({ fn: oneStep, outputsInfo: sample, nonSequences: [W, bvis, bhid], nSteps: 10, strict: true });

  const gibbs10 = compile([sample], values.get(-1), { updates });
  console.log(await gibbs10([0, 1])); // [1. 0.]
}

// Multiple outputs, several taps values - Recurrent Neural Network with Scan
{
  function oneStep(uTm4: Variable, uT: Variable, xTm3: Variable, xTm1: Variable, yTm1: Variable, W: Variable, WIn1: Variable, WIn2: Variable, WFeedback: Variable, WOut: Variable): [Variable, Variable] {
    const xT = T.tanh(T.dot(xTm1, W).add(T.dot(uT, WIn1)).add(T.dot(uTm4, WIn2)).add(T.dot(yTm1, WFeedback)));
    const yT = T.dot(xTm3, WOut);
    return [xT, yT];
  }

  const W = T.matrix();
  const WIn1 = T.matrix();
  const WIn2 = T.matrix();
  const WFeedback = T.matrix();
  const WOut = T.matrix();

  const u = T.matrix();
  const x0 = T.matrix(); // x[-3], x[-2], x[-1]
  const y0 = T.vector(); // y[-1] alone

  const [[xVals, yVals], updates] = scan({
    fn: oneStep,
    sequences: { input: u, taps: [-4, -0] },
    outputsInfo: [{ initial: x0, taps: [-3, -1] }, y0], // y has no taps, which means -1
    nonSequences: [W, WIn1, WIn2, WFeedback, WOut],
    strict: true,
  });

  // uvals[0] is u[-4]: of nine vectors five are run over
  const f = compile([u, x0, y0, W, WIn1, WIn2, WFeedback, WOut], [xVals, yVals], { updates });
  const uvals = np.arange(9).reshape([9, 1]);
  const [x, y] = await f(uvals, [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], [1], [[0.1, 0.2], [0.3, 0.4]], [[0.1, -0.1]], [[0.2, 0.1]], [[0.5, -0.5]], [[1], [2]]);
  // the figures are NumPy's for the same steps written by hand
  console.log(x);
  // [[ 0.81101926 -0.50797743]
  //  [ 0.70577182 -0.59861577]
  //  [ 0.89389733 -0.78114141]
  //  [ 0.96438245 -0.881772  ]
  //  [ 0.86911212 -0.42793378]]
  console.log(y);
  // [[ 0.5       ]
  //  [ 1.1       ]
  //  [ 1.7       ]
  //  [-0.2049356 ]
  //  [-0.49145972]]
}

// Conditional ending of Scan
{
  const powerOf2 = (previousPower: Variable, maxValue: Variable) => [previousPower.mul(2), until(previousPower.mul(2).gt(maxValue))] as const;

  const maxValue = T.scalar();
  const [values] = scan({ fn: powerOf2, outputsInfo: T.constant(1, { dtype: config.floatX }), nonSequences: maxValue, nSteps: 1024 });

  const f = compile([maxValue], values);

  console.log(await f(45)); // [ 2.  4.  8. 16. 32. 64.]
}
