/**
 * Theano's page "Debugging Theano: FAQ and Troubleshooting" (doc/tutorial/debug_faq.txt), block by block: `node dist/examples/theano/debug_faq.js`.
 * Left out: pdb (`node inspect` is its counterpart), `theano.function_dump`, and the flags of GPUs, garbage collection and linkers, which damo lacks.
 */
import { type Apply, compile, type ComputedThunk, config, debugprint, detectNan, MonitorMode, numpy as np, Print, shared, T, type Thunk } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

// Interpreting Error Messages
{
  const x = T.vector();
  const y = T.vector();
  let z = x.add(x);
  z = z.add(y);
  const f = compile([x, y], z);
  // Theano adds all three at once, so that its numbers come the other way round
  await f(np.ones(2), np.ones(3)).catch((error) => console.log(`${error}`));
  // ValueError: Input dimension mis-match. (input[0].shape[0] = 2, input[1].shape[0] = 3)
  //   made at: …debug_faq.…
  //   in: add(add: float64[?], <anonymous>: float64[?])
  //   input 0: float64[2]
  //   input 1: float64[3] = [1,1,1]
  //   to see the graph of this apply: config.exceptionVerbosity = "high"
  //   what to do: make the lengths equal; …
  //   [dimension-mismatch]

  config.exceptionVerbosity = "high";
  await f(np.ones(2), np.ones(3)).catch((error) => console.log(`${error}`));
  // ValueError: Input dimension mis-match. (input[0].shape[0] = 2, input[1].shape[0] = 3)
  //   made at: …debug_faq.…
  //   in: add(add: float64[?], <anonymous>: float64[?])
  //   input 0: float64[2]
  //   input 1: float64[3] = [1,1,1]
  //   graph of this apply:
  //   add [id A] <float64[?]> ''
  //    |add [id B] <float64[?]> ''
  //    | |<float64[?]> [id C] <float64[?]>
  //    | |<float64[?]> [id C] <float64[?]>
  //    |<float64[?]> [id D] <float64[?]>
  //   what to do: make the lengths equal; …
  //   [dimension-mismatch]
}

// Using Test Values
const random = new np.random.RandomState(1);
{
  // test values are off by default; this program's error shows the graph, as the page's
  config.computeTestValue = "off";

  const W1val = random.uniform({ size: [2, 10, 10] }).astype(config.floatX);
  const W1 = shared(W1val, { name: "W1" });
  const W2val = random.uniform({ size: [15, 20] }).astype(config.floatX);
  const W2 = shared(W2val, { name: "W2" });

  const x = T.matrix("x");

  // 20x10, which its type does not say
  const funcOfW1 = W1.dimshuffle(2, 0, 1).flatten(2).T;

  // the mistake: 5x10 times 20x10
  const h1 = T.dot(x, funcOfW1);

  const h2 = T.dot(h1, W2.T);

  const f = compile([x], h2, { mode: "fast_compile" });
  await f(random.uniform({ size: [5, 10] })).catch((error) => console.log(`${error}`));
  // ValueError: Shape mismatch: x has 10 cols (and 5 rows) but y has 20 rows (and 10 cols).
  //   made at: …debug_faq.…
  //   in: dot(x: float64[?,?], dimShuffle: float64[?,?])
  //   input 0: x float64[5,10]
  //   input 1: …float64[20,10]
  //   graph of this apply:
  //   dot [id A] <float64[?,?]> ''
  //    |x [id B] <float64[?,?]>
  //    |dimShuffle{order=[1,0]} [id C] <float64[?,?]> ''
  //      |reshape…
  //        …W1 [id F] <float64[?,?,?]>…
  //   what to do: make the inner lengths equal; …
  //   [dot-shape]
}
{
  config.computeTestValue = "warn";

  const W1val = random.uniform({ size: [2, 10, 10] }).astype(config.floatX);
  const W1 = shared(W1val, { name: "W1" });

  const x = T.matrix("x");
  x.tag.testValue = random.uniform({ size: [5, 10] });

  const funcOfW1 = W1.dimshuffle(2, 0, 1).flatten(2).T;
  try {
    T.dot(x, funcOfW1);
  } catch (error) {
    console.log(`${error}`);
    // ValueError: Shape mismatch: x has 10 cols (and 5 rows) but y has 20 rows (and 10 cols).
    //   made at: …debug_faq.…
    //   in: dot(x: float64[?,?], dimShuffle: float64[?,?])
    //   input 0: x float64[5,10]
    //   input 1: …float64[20,10]
    //   graph of this apply:
    //   dot [id A] <float64[?,?]> ''
    //    |x [id B] <float64[?,?]>
    //    |dimShuffle{order=[1,0]} [id C] <float64[?,?]> ''
    //      |reshape…
    //        …W1 [id F] <float64[?,?,?]>…
    //   what to do: make the inner lengths equal; …
    //   [dot-shape]
  }
  config.computeTestValue = "off";
  config.exceptionVerbosity = "low";
}
{
  const x = T.scalar("x");
  x.tag.testValue = 42;

  config.printTestValue = true;
  console.log(x); // 42.0

  config.printTestValue = false;
  console.log(x); // x: float64[]
}

// "How do I Print an Intermediate Value in a Function?"
{
  const x = T.dvector("x");

  const xPrinted = Print("this is a very important value")(x);

  const f = compile([x], x.mul(5));
  const fWithPrint = compile([x], xPrinted.mul(5));

  console.log(np.arrayEqual(await f([1, 2, 3]), [5, 10, 15])); // true

  const printed = await fWithPrint([1, 2, 3]);
  // prints:
  // this is a very important value __str__ = [1. 2. 3.]
  console.log(np.arrayEqual(printed, [5, 10, 15])); // true
}

// "How do I Step through a Compiled Function?"
{
  function inspectInputs(i: number, node: Apply, fn: Thunk): void {
    console.log(i, `${node}`, "input(s) value(s):", fn.inputs.map((input) => input[0]));
  }

  function inspectOutputs(_i: number, _node: Apply, fn: ComputedThunk): void {
    console.log("output(s) value(s):", fn.outputs.map((output) => output[0]));
  }

  const x = T.dscalar("x");
  const f = compile([x], [T.mul(5, x)], { mode: new MonitorMode({ preFunc: inspectInputs, postFunc: inspectOutputs }) });
  await f(3);
  // prints:
  // 0 mul(TensorConstant{5.0}, x) input(s) value(s): [ 5.0, 3.0 ]
  // output(s) value(s): [ 15.0 ]
}
{
  // nothing has to be excluded, as in Theano fusion and what happens in place: MonitorMode runs the graph apply by apply
  function detectNanByHand(_i: number, node: Apply, fn: ComputedThunk): void {
    for (const output of fn.outputs) {
      if (!output[0].data.some(Number.isNaN)) continue;
      console.log("*** NaN detected ***");
      console.log(debugprint(node.outputs));
      console.log("Inputs :", fn.inputs.map((input) => input[0]));
      console.log("Outputs:", fn.outputs.map((output) => output[0]));
      break;
    }
  }

  const x = T.dscalar("x");
  const f = compile([x], [T.log(x).mul(x)], { mode: new MonitorMode({ postFunc: detectNanByHand }) });
  await f(0); // log(0) * 0 = -inf * 0 = NaN
  // prints:
  // *** NaN detected ***
  // mul [id A] <float64[]> ''
  //  |log [id B] <float64[]> ''
  //  | |x [id C] <float64[]>
  //  |x [id C] <float64[]>
  // Inputs : [ -inf, 0.0 ]
  // Outputs: [ nan ]

  // the same, ready-made
  const g = compile([x], [T.log(x).mul(x)], { mode: new MonitorMode({ postFunc: detectNan }) });
  await g(0);
  // prints:
  // *** NaN detected ***
  // mul [id A] <float64[]> ''
  //  |log [id B] <float64[]> ''
  //  | |x [id C] <float64[]>
  //  |x [id C] <float64[]>
  // Inputs : log float64[] = "-Infinity"; x float64[] = 0
  // Outputs: mul float64[] = "NaN"
}

// How to Use pdb
{
  const a = T.dmatrix("a");
  const b = T.dmatrix("b");

  const f = compile([a, b], [a.mul(b)]);

  const mat1 = np.arange(12).reshape([3, 4]);
  const mat2 = np.arange(25).reshape([5, 5]);

  await f(mat1, mat2).catch((error) => console.log(`${error}`));
  // ValueError: Input dimension mis-match. (input[0].shape[0] = 3, input[1].shape[0] = 5)
  //   made at: …debug_faq.…
  //   in: mul(a: float64[?,?], b: float64[?,?])
  //   input 0: a float64[3,4]
  //   input 1: b float64[5,5]
  //   to see the graph of this apply: config.exceptionVerbosity = "high"
  //   what to do: make the lengths equal; …
  //   [dimension-mismatch]
}
