/**
 * Theano's page "printing - Graph Printing and Symbolic Print Statement" (doc/library/printing.txt), block by block:
 * `node dist/examples/theano/printing.js`. debugprint also shows types, as Theano's does with `print_type=True`.
 */
import { compile, config, debugprint, grad, pp, Print, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

// Printing during execution
{
  const x = T.dvector();
  const helloWorldOp = Print("hello world");
  const printedX = helloWorldOp(x);
  const f = compile([x], printedX);
  await f([1, 2, 3]);
  // prints:
  // hello world __str__ = [1. 2. 3.]
}

// Printing graphs
const x = T.dscalar("x");
const y = x.pow(2);
const gy = grad(y, x);
console.log(pp(gy));
// ((fill((x ** TensorConstant{2}), TensorConstant{1.0}) * TensorConstant{2}) * (x ** (TensorConstant{2} - TensorConstant{1})))
const f = compile([x], gy);
console.log(pp(f)); // (TensorConstant{2.0} * x)

console.log(debugprint(f));
// mul [id A] <float64[]> '' 0
//  |TensorConstant{2.0} [id B] <float64[]>
//  |x [id C] <float64[]>
console.log(debugprint(gy));
// mul [id A] <float64[]> ''
//  |mul [id B] <float64[]> ''
//  | |fill [id C] <float64[]> ''
//  | | |pow [id D] <float64[]> ''
//  | | | |x [id E] <float64[]>
//  | | | |TensorConstant{2} [id F] <int32[]>
//  | | |TensorConstant{1.0} [id G] <float64[]>
//  | |TensorConstant{2} [id F] <int32[]>
//  |pow [id H] <float64[]> ''
//    |x [id E] <float64[]>
//    |sub [id I] <int32[]> ''
//      |TensorConstant{2} [id F] <int32[]>
//      |TensorConstant{1} [id J] <int32[]>
console.log(debugprint(gy, { depth: 2 }));
// mul [id A] <float64[]> ''
//  |mul [id B] <float64[]> ''
//  |pow [id C] <float64[]> ''
