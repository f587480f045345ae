/**
 * Reading a smaller tensor as if it were repeated, in kernels and in references, and the way back for gradients. Must not know who does so.
 */
import type { Expr } from "../codegen/ir/expr.js";
import { int } from "../codegen/ir/index.js";
import type { Lazy } from "../graph/op.js";
import type { Variable } from "../graph/variable.js";
import type { NdArray, Shape } from "../numpy/ndarray.js";
import { patternBroadcast } from "./rebroadcast.js";
import { sum } from "./reduce.js";

/** The element of a tensor that stretches where it has length 1. */
export const stretched = (y: Lazy, index: readonly Expr[]): Expr => y.at(index.map((i, a) => (y.shape[a] === 1 ? int(0) : i)));

/** Sums over the axes on which `y` was stretched, and gives the result y's flags. */
export function sumStretched(g: Variable, y: Variable): Variable {
  const axes = y.broadcastable.flatMap((b, a) => (b && !g.broadcastable[a] ? [a] : []));
  return patternBroadcast(axes.length === 0 ? g : sum(g, { axis: axes, keepdims: true }), y.broadcastable);
}

/** Element n (row-major in `shape`) of an array that stretches where it has length 1. */
export function stretchedTo(y: NdArray, shape: Shape): (n: number) => number {
  return (n) => {
    let [rest, at, stride] = [n, 0, 1];
    for (let a = shape.length - 1; a >= 0; a--) {
      const d = shape[a] as number;
      const own = y.shape[a] as number;
      if (own !== 1) at += (rest % d) * stride;
      rest = Math.floor(rest / d);
      stride *= own;
    }
    return y.data[at] as number;
  };
}
