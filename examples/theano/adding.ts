/**
 * Theano's page "Baby Steps - Algebra" (doc/tutorial/adding.txt), block by block: `node dist/examples/theano/adding.js`.
 * Left out: Python's own `type(x)`, and the list of types, of which damo has those of bool, int32, float32 and float64.
 */
import { compile, config, numpy as np, pp, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

// Adding two Scalars
{
  const x = T.dscalar("x");
  const y = T.dscalar("y");
  const z = x.add(y);
  const f = compile([x, y], z);
  console.log(await f(2, 3)); // 5
  console.log(np.allclose(await f(16.3, 12.1), 28.4)); // true

  // Step 1
  console.log(String(x.type)); // float64[]
  console.log(x.type.equals(T.dscalar().type)); // true

  // Step 2
  console.log(pp(z)); // (x + y)

  // Step 3, without a function
  console.log(np.allclose(await z.eval([[x, 16.3], [y, 12.1]]), 28.4)); // true
}

// Adding two Matrices
{
  const x = T.dmatrix("x");
  const y = T.dmatrix("y");
  const z = x.add(y);
  const f = compile([x, y], z);
  console.log(await f([[1, 2], [3, 4]], [[10, 20], [30, 40]]));
  // [[11. 22.]
  //  [33. 44.]]
  console.log(await f(np.array([[1, 2], [3, 4]]), np.array([[10, 20], [30, 40]])));
  // [[11. 22.]
  //  [33. 44.]]
}

// Exercise
{
  const a = T.vector();
  const out = a.add(a.pow(10));
  const f = compile([a], out);
  console.log(await f([0, 1, 2])); // [   0.    2. 1026.]
}

// Exercise, the solution (doc/tutorial/adding_solution_1.py)
{
  const a = T.vector();
  const b = T.vector();
  const out = a.pow(2).add(b.pow(2)).add(T.mul(2, a, b));
  const f = compile([a, b], out);
  console.log(await f([1, 2], [4, 5])); // [25. 49.]
}
