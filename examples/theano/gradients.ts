/**
 * Theano's page "Derivatives in Theano" (doc/tutorial/gradients.txt), block by block: `node dist/examples/theano/gradients.js`.
 * After the loops that the page writes by hand stand the functions that it names, and that do the same.
 */
import { compile, config, grad, gradient, numpy as np, pp, scan, T, type Variable } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

// Computing Gradients
{
  const x = T.dscalar("x");
  const y = x.pow(2);
  const gy = grad(y, x);
  console.log(pp(gy));
  // ((fill((x ** TensorConstant{2}), TensorConstant{1.0}) * TensorConstant{2}) * (x ** (TensorConstant{2} - TensorConstant{1})))
  const f = compile([x], gy);
  console.log(await f(4)); // 8
  console.log(np.allclose(await f(94.2), 188.4)); // true
  console.log(pp(f)); // (TensorConstant{2.0} * x)
}
{
  const x = T.dmatrix("x");
  const s = T.sum(T.div(1, T.add(1, T.exp(x.neg()))));
  const gs = grad(s, x);
  const dlogistic = compile([x], gs);
  console.log(await dlogistic([[0, 1], [-1, -2]]));
  // [[0.25       0.19661193]
  //  [0.19661193 0.10499359]]
}

// Computing the Jacobian
{
  const x = T.dvector("x");
  const y = x.pow(2);
  const [J, updates] = scan({ fn: (i: Variable, y: Variable, x: Variable) => grad(y.get(i), x), sequences: T.arange(y.shape[0]), nonSequences: [y, x] });
  const f = compile([x], J, { updates });
  console.log(await f([4, 4]));
  // [[8. 0.]
  //  [0. 8.]]
  console.log(await compile([x], gradient.jacobian(y, x))([4, 4]));
  // [[8. 0.]
  //  [0. 8.]]
}

// Computing the Hessian
{
  const x = T.dvector("x");
  const y = x.pow(2);
  const cost = y.sum();
  const gy = grad(cost, x);
  const [H, updates] = scan({ fn: (i: Variable, gy: Variable, x: Variable) => grad(gy.get(i), x), sequences: T.arange(gy.shape[0]), nonSequences: [gy, x] });
  const f = compile([x], H, { updates });
  console.log(await f([4, 4]));
  // [[2. 0.]
  //  [0. 2.]]
  console.log(await compile([x], gradient.hessian(cost, x))([4, 4]));
  // [[2. 0.]
  //  [0. 2.]]
}

// Jacobian times a Vector: R-operator
{
  const W = T.dmatrix("W");
  const V = T.dmatrix("V");
  const x = T.dvector("x");
  const y = T.dot(x, W);
  const JV = T.Rop(y, W, V);
  // the derivative of what is linear in W does not read W; Theano adds a product of zeros that does
  const f = compile([W, V, x], JV, { onUnusedInput: "ignore" });
  console.log(await f([[1, 1], [1, 1]], [[2, 2], [2, 2]], [0, 1])); // [2. 2.]
}

// Jacobian times a Vector: L-operator
{
  const W = T.dmatrix("W");
  const v = T.dvector("v");
  const x = T.dvector("x");
  const y = T.dot(x, W);
  const VJ = T.Lop(y, W, v);
  const f = compile([v, x], VJ);
  console.log(await f([2, 2], [0, 1]));
  // [[0. 0.]
  //  [2. 2.]]
}

// Hessian times a Vector
{
  const x = T.dvector("x");
  const v = T.dvector("v");
  const y = T.sum(x.pow(2));
  const gy = grad(y, x);
  const vH = grad(T.sum(gy.mul(v)), x);
  const f = compile([x, v], vH);
  console.log(await f([4, 4], [2, 2])); // [4. 4.]
}
{
  const x = T.dvector("x");
  const v = T.dvector("v");
  const y = T.sum(x.pow(2));
  const gy = grad(y, x);
  const Hv = T.Rop(gy, x, v);
  const f = compile([x, v], Hv);
  console.log(await f([4, 4], [2, 2])); // [4. 4.]
}
