/**
 * fill (theano Second): a value repeated over another variable's shape, and the zero gradient that is made of it. It has a file of its own since
 * every flat elementwise op needs the zero gradient.
 */
import type { DType } from "../codegen/ir/dtype.js";
import { scalarConstant, type Variable } from "../graph/variable.js";
import { binary, ct, gradientDType } from "./elementwise_kit.js";

export const fill = binary({
  name: "fill", doc: "v repeated over the broadcast shape of x and v; the values of x are not used, so its gradient is disconnected (theano Second).",
  dtype: (ds) => ds[1] as DType, repeats: 1,
  expr: (_, v) => v,
  reference: (_, v) => v,
  gradient: (ctx) => ["disconnected", ct(ctx)],
});

/** The gradient of a function that is flat almost everywhere: connected, and zero. */
export const zeroGradient = (x: Variable): Variable => fill(x, scalarConstant(0, gradientDType(x)));
