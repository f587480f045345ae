/**
 * Theano's page "How Shape Information is Handled by Theano" (doc/tutorial/shape_info.txt): `node dist/examples/theano/shape_info.js`.
 * A graph does not lose what is computed only for its shape: that happens when shapes are known, at the first call, so that the page's
 * problem is none here. Left out: conv2d's `image_shape`, which the page shows without its arguments.
 */
import { compile, config, debugprint, numpy as np, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

{
  const x = T.matrix("x");
  const f = compile([x], x.pow(2).shape);
  console.log(debugprint(f));
  // shape [id A] <int32[?]> '' 1
  //  |sqr [id B] <float64[?,?]> '' 0
  //    |x [id C] <float64[?,?]>
  console.log(await f([[1, 2, 3], [4, 5, 6]])); // [2 3]
  console.log(f.explain().plan);
  // …
  // %1 = launch()
  //     for i0<2
  //     out0: int32 = select(eq(i0, 0), 2, 3)
  // outputs %1…
}

// Shape Inference Problem
{
  const x = T.matrix("x");
  const y = T.matrix("y");
  const z = T.join(0, x, y);
  const random = new np.random.RandomState(1);
  const xv = random.uniform({ size: [5, 4] });
  const yv = random.uniform({ size: [3, 3] });

  const f = compile([x, y], z.shape);
  // Theano's gives (8, 4)
  await f(xv, yv).catch((error) => console.log(`${error}`));
  // ValueError: …: input 0 has shape (5, 4), input 1 has (3, 3), axis 0.…

  const g = compile([x, y], z); // not the shape
  console.log(debugprint(g));
  // join{axis=0} [id A] <float64[?,?]> '' 0
  //  |x [id B] <float64[?,?]>
  //  |y [id C] <float64[?,?]>
  await g(xv, yv).catch((error) => console.log(`${error}`));
  // ValueError: …: input 0 has shape (5, 4), input 1 has (3, 3), axis 0.…
}

// Specifying Exact Shape
{
  const x = T.matrix();
  const xSpecifyShape = T.specifyShape(x, [2, 2]);
  const f = compile([x], xSpecifyShape.pow(2).shape);
  console.log(await f([[1, 2], [3, 4]])); // [2 2]
  await f([[1, 2, 3]]).catch((error) => console.log(`${error}`));
  // ValueError: A tensor has shape (1, 3) where (2, 2) was specified.…
}
