/**
 * tile and repeat: copies side by side, composed of a new axis, alloc and reshape, so that they need no records and keep nothing in memory.
 */
import { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { alloc, arange } from "./alloc.js";
import { searchsorted } from "./bins.js";
import { cumsum } from "./cumulate.js";
import { asTensor, asTensors, method, type Operand } from "./define.js";
import { lengthList } from "./dims.js";
import { dimshuffle, padLeft } from "./dimshuffle.js";
import { mul } from "./elementwise.js";
import { type Named, optionOf } from "./options.js";
import { sum } from "./reduce.js";
import { flatten, reshape } from "./reshape.js";
import { take } from "./selection.js";
import { lengthsOf, normaliseAxis, shapeAt, type ShapeLike } from "./shape.js";
import { specifyShape } from "./specify_shape.js";

type Count = number | Variable;

/**
 * x repeated as a whole along each axis: `T.tile(x, [2, 3])`; a missing count on the left is 1, as in NumPy. An int vector of counts needs the
 * rank of the result: `{ ndim }`.
 */
export function tile(x: Operand, counts: ShapeLike, { ndim }: { readonly ndim?: number } = {}): Variable {
  const given = lengthList(counts, ndim);
  const read = asTensor(x);
  const v = padLeft(read, Math.max(read.ndim, given.length, ndim ?? 0));
  const all = [...new Array<Count>(v.ndim - given.length).fill(1), ...given];
  const lengths = lengthsOf(v);
  const spread = alloc(dimshuffle(v, ...lengths.flatMap((_, a) => ["x" as const, a])), lengths.flatMap((d, a) => [all[a] as Count, d]));
  return reshape(spread, lengths.map((d, a) => (all[a] === 1 ? d : product(all[a] as Count, d))));
}

/**
 * Each element repeated `count` times along an axis, or in the flattened tensor without one. A vector says how often each: the length is then found
 * on the host at each call. Error: `repeat-counts`.
 */
export function repeat(x: Operand, count: Count | readonly number[], given: Named<"axis", number | null> = {}): Variable {
  const axis = optionOf(given, "axis") ?? null;
  const read = asTensor(x);
  const v = axis === null ? flatten(read) : read;
  const at = normaliseAxis(v, axis ?? 0);
  const counts = typeof count === "number" ? count : asTensor(count);
  if (counts instanceof Variable && (counts.dtype !== "int32" || counts.ndim > 1)) {
    fail("value", "repeat-counts", { what: `repeat needs whole numbers of times, got ${counts}.`, where: String(counts.origin), fix: "pass an integer, or an int vector with one for each element" });
  }
  return counts instanceof Variable && counts.ndim === 1 ? repeatEach(v, counts, at) : repeatAll(v, counts, at);
}

/** Position j of the result is of the first element up to which j + 1 copies or more have been made. */
function repeatEach(v: Variable, counts: Variable, at: number): Variable {
  const each = specifyShape(counts, shapeAt(v, at));
  return take(v, searchsorted(cumsum(each), arange(sum(each)), { side: "right" }), { axis: at });
}

function repeatAll(v: Variable, count: Count, at: number): Variable {
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
    repeat(count: number | Variable | readonly number[], axis?: Named<"axis", number | null>): Variable;
  }
}
method({ repeat });
