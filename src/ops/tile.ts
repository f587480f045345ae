/**
 * tile and repeat: copies side by side, composed of a new axis, alloc and reshape, so that they need no records and keep nothing in memory.
 */
import type { Variable } from "../graph/variable.js";
import { alloc } from "./alloc.js";
import { asTensor, asTensors, method, type Operand } from "./define.js";
import { dimshuffle, padLeft } from "./dimshuffle.js";
import { mul } from "./elementwise.js";
import { flatten, reshape } from "./reshape.js";
import { lengthsOf, normaliseAxis } from "./shape.js";

type Count = number | Variable;

/** x repeated as a whole along each axis: `T.tile(x, [2, 3])`; a missing count on the left is 1, as in NumPy. */
export function tile(x: Operand, counts: Count | readonly Count[]): Variable {
  const given = Array.isArray(counts) ? (counts as readonly Count[]) : [counts as Count];
  const read = asTensor(x);
  const v = padLeft(read, Math.max(read.ndim, given.length));
  const all = [...new Array<Count>(v.ndim - given.length).fill(1), ...given];
  const lengths = lengthsOf(v);
  const spread = alloc(dimshuffle(v, ...lengths.flatMap((_, a) => ["x" as const, a])), lengths.flatMap((d, a) => [all[a] as Count, d]));
  return reshape(spread, lengths.map((d, a) => (all[a] === 1 ? d : product(all[a] as Count, d))));
}

/** Each element repeated `count` times along an axis, or in the flattened tensor without one. */
export function repeat(x: Operand, count: Count, { axis = null }: { readonly axis?: number | null } = {}): Variable {
  const read = asTensor(x);
  const v = axis === null ? flatten(read) : read;
  const at = normaliseAxis(v, axis ?? 0);
  const lengths = lengthsOf(v);
  const order = lengths.flatMap((_, a): (number | "x")[] => (a === at ? [a, "x"] : [a]));
  const spread = alloc(dimshuffle(v, ...order), lengths.flatMap((d, a): Count[] => (a === at ? [d, count] : [d])));
  return reshape(spread, lengths.map((d, a) => (a === at ? product(count, d) : d)));
}

function product(count: Count, length: Variable): Variable {
  const [a, b] = asTensors([count, length]) as [Variable, Variable];
  return mul(a, b);
}

declare module "../graph/variable.js" {
  interface Variable {
    /** Each element `count` times along an axis. */
    repeat(count: number | Variable, options?: { readonly axis?: number | null }): Variable;
  }
}
method({ repeat });
